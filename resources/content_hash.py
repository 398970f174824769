"""The data version of a table: a hash of its values, whatever file or batches they come in."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


class ContentHash:
    """A hash of the values of a table, by column; chunking, encoding and metadata play no part.

    Per column and level of nesting three digests: which values are null, how long they are, and the values with nulls
    as zero. Each is of a byte stream that does not show where one batch ends, so that any batches give the same hash.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self._columns = [(field.name, _type_name(field.type), [sha256() for _ in range(_depth(field.type) * 3)])
                         for field in schema]  # fmt: skip
        self._rows = 0

    def update(self, table: pa.Table) -> None:
        """Add the rows of `table`, which has the schema given at the start."""
        self._rows += table.num_rows
        for (_, _, digests), field, column in zip(self._columns, table.schema, table.columns, strict=True):
            if table.num_rows:
                _digest_values(pa.concat_arrays(column.chunks), digests, nullable=field.nullable)

    def hexdigest(self) -> str:
        """32 hexadecimal digits."""
        digest = sha256()
        for name, dtype, digests in self._columns:
            digest.update(f"{name}:{dtype}:{self._rows};".encode())
            for part in digests:
                digest.update(part.digest())
        return digest.hexdigest()[:32]


def content_hash(table: pa.Table) -> str:
    """The `ContentHash` of one table."""
    digest = ContentHash(table.schema)
    digest.update(table)
    return digest.hexdigest()


def _depth(dtype: pa.DataType) -> int:
    return 1 + _depth(dtype.value_type) if pa.types.is_large_list(dtype) else 1


def _type_name(dtype: pa.DataType) -> str:
    """Parquet renames the inner field of a list; its name is no part of the type."""
    return f"list<{dtype.value_type}>" if pa.types.is_large_list(dtype) else str(dtype)


def _digest_values(array: pa.Array, digests: Sequence[Any], *, nullable: bool) -> None:
    """Add the bytes that stand for the values of an array: nulls, lengths, values; lists go on with what they hold."""
    nulls, lengths, values, *inner = digests
    if nullable:
        nulls.update(_bytes(array.is_null()))
    if pa.types.is_large_list(array.type):
        lengths.update(_bytes(pc.call_function("list_value_length", [array]).fill_null(0)))
        _digest_values(array.flatten(), inner, nullable=True)
    elif pa.types.is_large_string(array.type):
        filled = pc.fill_null(array, "")
        lengths.update(_bytes(pc.call_function("binary_length", [filled])))
        offsets = np.frombuffer(filled.buffers()[1], np.int64)[filled.offset : filled.offset + len(filled) + 1]
        values.update(memoryview(filled.buffers()[2] or b"")[offsets[0] : offsets[-1]])
    else:
        values.update(_bytes(pc.fill_null(array, False if pa.types.is_boolean(array.type) else 0)))


def _bytes(array: pa.Array) -> memoryview:
    return np.ascontiguousarray(array.to_numpy(zero_copy_only=False)).data.cast("B")
