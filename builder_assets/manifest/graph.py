"""The asset graph as the manifest sees it: partitions of assets, and what each is made from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from builder_assets.manifest.input_files import INPUT_FILES
from resources.table_store import companions_of, settings_of


@dataclass(frozen=True, order=True)
class Cell:
    """One partition of one asset; `partition` is "" for an asset without partitions."""

    asset: str
    partition: str = ""

    def __str__(self) -> str:
        return f"{self.asset}[{self.partition}]" if self.partition else self.asset


@dataclass(frozen=True)
class Node:
    """What the manifest needs to know of one asset.

    `checks` are (asset, name) of the checks on any table of its step: where one of them is wrong, all are.
    """

    key: dg.AssetKey
    code_version: str
    parents: tuple[str, ...]
    partitions: tuple[str, ...]
    input_files: tuple[str, ...]
    group: str
    step: str
    checks: tuple[tuple[str, str], ...] = ()
    companions: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def cells(self) -> list[Cell]:
        """All partitions of the asset."""
        name = self.key.to_user_string()
        return [Cell(name, partition) for partition in self.partitions] or [Cell(name)]


def nodes_of(assets: Sequence[dg.AssetsDefinition], checks: Iterable[dg.AssetCheckKey] = ()) -> dict[str, Node]:
    """The asset graph in build order, parents first."""
    nodes: dict[str, Node] = {}
    named = sorted((check.asset_key.to_user_string(), check.name) for check in checks)
    for definition in assets:
        own = {spec.key.to_user_string() for spec in definition.specs}
        for spec in definition.specs:
            name = spec.key.to_user_string()
            partitions = spec.partitions_def or definition.partitions_def
            nodes[name] = Node(
                key=spec.key,
                code_version=spec.code_version or "",
                parents=tuple(sorted({dep.asset_key.to_user_string() for dep in spec.deps})),
                partitions=tuple(partitions.get_partition_keys()) if partitions else (),
                input_files=tuple(spec.metadata.get(INPUT_FILES, ())),
                group=spec.group_name or "",
                step=definition.node_def.name,
                checks=tuple((asset, check) for asset, check in named if asset in own),
                companions=companions_of(spec.metadata),
                settings=settings_of(spec.metadata),
            )
    return {name: nodes[name] for name in _topological(nodes)}


def _topological(nodes: Mapping[str, Node]) -> list[str]:
    ordered: dict[str, None] = {}

    def visit(name: str) -> None:
        if name not in ordered and name in nodes:
            for parent in nodes[name].parents:
                visit(parent)
            ordered[name] = None

    for name in nodes:
        visit(name)
    return list(ordered)


def cells_of(nodes: Mapping[str, Node]) -> list[Cell]:
    """Every partition of every asset, in build order."""
    return [cell for node in nodes.values() for cell in node.cells]


def parents_of(nodes: Mapping[str, Node], cell: Cell) -> list[Cell]:
    """The cells that a cell is made from."""
    node = nodes[cell.asset]
    parents: list[Cell] = []
    for name in node.parents:
        parent = nodes[name]
        if not parent.partitions:
            parents.append(Cell(name))
        elif node.partitions == parent.partitions:
            parents.append(Cell(name, cell.partition))
        else:
            parents.extend(parent.cells)
    return parents


def ancestors(nodes: Mapping[str, Node], asset: str) -> set[str]:
    """Everything that `asset` is made from."""
    above: set[str] = set()
    for parent in nodes[asset].parents:
        above |= {parent} | ancestors(nodes, parent)
    return above
