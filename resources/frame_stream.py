"""A table that comes as frames, one after the other, because as a whole it would not fit into memory."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from resources.table_contract import ContractError, TableContract


@dataclass(frozen=True)
class FrameStream:
    """What an asset hands to the table store instead of a frame.

    Attributes:
        frames: The frames, keys ascending from one to the next; iterated once.
        summary: Called after the last frame: metadata to record with the table.
    """

    frames: Iterable[pl.DataFrame]
    summary: Callable[[], Mapping[str, Any]] = dict


def checked_frames(frames: Iterable[pl.DataFrame], contract: TableContract) -> Iterator[pl.DataFrame]:
    """The frames, each checked against the contract and against the one before it; one empty frame if there is none.

    Raises:
        ContractError: a frame breaks the contract, begins at or before the end of the one before, or the table is
            not sorted by its key and comes in several frames.
    """
    last: tuple[Any, ...] | None = None
    number = 0
    for frame in frames:
        number += 1
        contract.check(frame)
        if number > 1 and contract.order != list(contract.key):
            raise ContractError(
                f"{contract.name}: a table that is not sorted by its key cannot come in several frames."
            )
        if frame.height and contract.key:
            first = frame.select(contract.key).row(0)
            if last is not None and first <= last:
                raise ContractError(
                    f"{contract.name}: frame {number} begins with the key {first}, the one before ended with {last}; "
                    "frames must come in ascending order of their keys."
                )
            last = frame.select(contract.key).row(-1)
        yield frame
    if not number:
        yield contract.empty()
