"""What a stored table promises, and the check that it keeps the promise.

The tables themselves are declared in `builder_assets.tables`; this module knows only how to check one.
"""

import polars as pl
import pyarrow as pa
from pydantic import BaseModel, ConfigDict

ARROW_TYPES: dict[str, pa.DataType] = {
    "string": pa.large_string(),
    "bool": pa.bool_(),
    "int8": pa.int8(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "uint8": pa.uint8(),
    "uint16": pa.uint16(),
    "uint32": pa.uint32(),
    "uint64": pa.uint64(),
    "float32": pa.float32(),
    "float64": pa.float64(),
    "list<string>": pa.large_list(pa.large_string()),
    "list<float32>": pa.large_list(pa.float32()),
    "list<uint8>": pa.large_list(pa.uint8()),
}
POLARS_TYPES: dict[str, pl.DataType | type[pl.DataType]] = {
    "string": pl.String,
    "bool": pl.Boolean,
    "int8": pl.Int8,
    "int32": pl.Int32,
    "int64": pl.Int64,
    "uint8": pl.UInt8,
    "uint16": pl.UInt16,
    "uint32": pl.UInt32,
    "uint64": pl.UInt64,
    "float32": pl.Float32,
    "float64": pl.Float64,
    "list<string>": pl.List(pl.String),
    "list<float32>": pl.List(pl.Float32),
    "list<uint8>": pl.List(pl.UInt8),
}


class ContractError(ValueError):
    """A table broke its contract; the text names the table, the column and how many rows."""


class Column(BaseModel):
    """One column of a stored table.

    Attributes:
        name: Column name.
        dtype: A key of `ARROW_TYPES`.
        description: What the value means; for a computed feature, its formula.
        unit: Unit or coordinate frame, e.g. "1-based position", "bases", "probability".
        role: For training tables: key, label, group, feature, annotation_feature, metadata, leakage or weight.
        nullable: Whether null is a legal value; the description then says what null means.
        minimum: Smallest legal value (numbers only).
        maximum: Largest legal value (numbers only).
        allowed: The closed set of legal values (strings only); empty for any.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    dtype: str
    description: str
    unit: str = ""
    role: str = ""
    nullable: bool = False
    minimum: float | None = None
    maximum: float | None = None
    allowed: tuple[str, ...] = ()

    @property
    def values(self) -> str:
        """Legal values for people: `0 to 1`, `at least 1`, `train, test`; nothing where any value is legal."""
        if self.minimum is not None and self.maximum is not None:
            return f"{self.minimum:g} to {self.maximum:g}"
        if self.minimum is not None:
            return f"at least {self.minimum:g}"
        if self.maximum is not None:
            return f"at most {self.maximum:g}"
        return ", ".join(self.allowed)


class TableContract(BaseModel):
    """The columns, key and order of one stored table.

    Attributes:
        name: Table name; the same word as the asset's.
        description: One sentence for people.
        columns: In stored order.
        key: Columns that together are unique; empty where rows have no key.
        sort: Columns by which rows are sorted, ascending; the key where not given.
        schema_version: Raised by one whenever a column changes its meaning, name or type.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    sort: tuple[str, ...] = ()
    schema_version: int = 1

    @property
    def names(self) -> list[str]:
        """Column names in stored order."""
        return [column.name for column in self.columns]

    @property
    def order(self) -> list[str]:
        """Columns by which rows are sorted."""
        return list(self.sort or self.key)

    @property
    def row_bytes(self) -> int:
        """About how many bytes a row takes in memory: 8 per text, lists left out."""
        return sum(_value_bytes(column.dtype) for column in self.columns)

    def polars_schema(self) -> pl.Schema:
        """The table's schema in Polars."""
        return pl.Schema({column.name: POLARS_TYPES[column.dtype] for column in self.columns})

    def arrow_schema(self) -> pa.Schema:
        """The table's Arrow schema, with role, unit, legal values and meaning as field metadata."""
        fields = [
            pa.field(
                column.name,
                ARROW_TYPES[column.dtype],
                nullable=column.nullable,
                metadata={
                    "role": column.role,
                    "unit": column.unit,
                    "values": column.values,
                    "description": column.description,
                },
            )
            for column in self.columns
        ]
        return pa.schema(fields)

    def empty(self) -> pl.DataFrame:
        """A table of this contract without rows."""
        return pl.DataFrame(schema=self.polars_schema())

    def conform(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Select, cast and sort `frame` to this contract; raise `ContractError` where it cannot be."""
        missing = [name for name in self.names if name not in frame.columns]
        if missing:
            raise ContractError(f"{self.name}: {len(missing)} columns are missing: {_shown(missing)}.")
        try:
            typed = frame.select(self.names).cast(dict(self.polars_schema()))  # pyright: ignore[reportArgumentType]
        except pl.exceptions.PolarsError as error:
            raise ContractError(f"{self.name}: a column cannot be given its type: {error}") from error
        return typed.sort(self.order) if self.order else typed

    def check(self, frame: pl.DataFrame) -> None:
        """Raise `ContractError` unless `frame` keeps every promise of this contract.

        Checked: column names, order and dtypes; nulls; key unique; rows sorted; NaN and infinity; ranges;
        closed sets of values.
        """
        expected = self.polars_schema()
        if frame.schema != expected:
            wrong = [
                f"{name} is {frame.schema.get(name, 'missing')}, should be {expected.get(name, 'absent')}"
                for name in dict.fromkeys([*expected, *frame.schema])
                if frame.schema.get(name) != expected.get(name)
            ]
            raise ContractError(f"{self.name}: schema differs: {_shown(wrong or ['order of columns'])}.")
        for column in self.columns:
            self._check_column(column, frame[column.name])
        if self.key and (twice := frame.height - frame.select(self.key).n_unique()):
            raise ContractError(
                f"{self.name}: {twice} of {frame.height} rows repeat a key ({', '.join(self.key)}), first "
                f"{frame.filter(frame.select(self.key).is_duplicated()).select(self.key).row(0)}."
            )
        if self.order and not frame.select(self.order).equals(frame.select(self.order).sort(self.order)):
            raise ContractError(f"{self.name}: rows are not sorted by {', '.join(self.order)}.")

    def _check_column(self, column: Column, values: pl.Series) -> None:
        nulls = values.null_count()
        if nulls and not column.nullable:
            raise ContractError(f"{self.name}.{column.name}: {nulls} of {len(values)} values are null.")
        if values.dtype.is_float() and (bad := int((~values.is_finite()).sum() or 0)):
            raise ContractError(f"{self.name}.{column.name}: {bad} of {len(values)} values are NaN or infinite.")
        lowest, highest = (values.min(), values.max()) if values.dtype.is_numeric() else (None, None)
        below = column.minimum is not None and lowest is not None and lowest < column.minimum  # pyright: ignore
        above = column.maximum is not None and highest is not None and highest > column.maximum  # pyright: ignore
        if below or above:
            raise ContractError(
                f"{self.name}.{column.name}: values from {lowest} to {highest}, allowed {column.minimum} to "
                f"{column.maximum}."
            )
        if column.allowed:
            strange = sorted(set(values.drop_nulls().unique()) - set(column.allowed))
            if strange:
                raise ContractError(
                    f"{self.name}.{column.name}: {_shown(strange)} not among {', '.join(column.allowed)}."
                )


def _value_bytes(dtype: str) -> int:
    arrow = ARROW_TYPES[dtype]
    return max(1, arrow.bit_width // 8) if pa.types.is_primitive(arrow) else 8


def _shown(items: list[str], limit: int = 5) -> str:
    """The first few of `items`, and how many more there are."""
    more = f" and {len(items) - limit} more" if len(items) > limit else ""
    return "; ".join(items[:limit]) + more
