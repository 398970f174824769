"""The manifest: which partition of which asset is built, and what has to be built again, and why.

The record is Dagster's event log: every materialisation carries its code version, its data version and the data
versions of its inputs. This package compares that record with the asset graph as it is now, with the files on
disk, and with the input files that users own. It decides; `building`, `cli` and the sensors act.

    graph         partitions of assets, and what each is made from
    versions      of code: its logic, and the settings that it reads
    history       what Dagster's event log says
    look          the graph and the history at one time
    input_files   the user's files, and which of them changed
    states        what is said of a partition, and why
    plan          what is pending, and which runs can start
    recovery      files read to the end: whole ones that only lack a record, and those that are not what it says
    manifest      all of it for one asset graph: what assets, sensors and commands are given
"""

from builder_assets.manifest.graph import Cell, Node, ancestors, cells_of, nodes_of, parents_of
from builder_assets.manifest.history import JUDGED_VERSION
from builder_assets.manifest.input_files import INPUT_FILES, registered_files
from builder_assets.manifest.manifest import Manifest
from builder_assets.manifest.plan import IncompleteInputError, Layer, next_layers, pending_cells
from builder_assets.manifest.states import State, Status
from builder_assets.manifest.versions import code_version, flat_settings

__all__ = [
    "INPUT_FILES",
    "JUDGED_VERSION",
    "Cell",
    "IncompleteInputError",
    "Layer",
    "Manifest",
    "Node",
    "State",
    "Status",
    "ancestors",
    "cells_of",
    "code_version",
    "flat_settings",
    "next_layers",
    "nodes_of",
    "parents_of",
    "pending_cells",
    "registered_files",
]
