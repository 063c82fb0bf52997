"""Parquet files.

Belongs here: reading them batch by batch, each column turned into what its Postgres column takes.
May import: `target`, `comma` for comparing ids.

Nothing is guessed: a moment without a zone, a list where a number belongs, a fraction for a whole
number are refused. Decimals stay exact.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from si_analytics.load.comma import bare
from si_analytics.load.target import Column, Target, refusal

_BATCH_ROWS = 20_000
_INTEGERS = ("smallint", "integer", "bigint")
_JSON = ("json", "jsonb")
Array = Any  # pyarrow has no types


class Unfit(Exception):  # noqa: N818 - caught here and told as a LoadError
    """A column, or a value in it, that cannot go where it should; says what is the matter and what to do."""

    def __init__(self, found: str, remedy: str) -> None:
        self.found, self.remedy = found, remedy
        super().__init__(found)


class ParquetFile:
    """One Parquet file; `place` is what its rows are counted in."""

    place = "row"

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    def _open(self) -> pq.ParquetFile:
        try:
            return pq.ParquetFile(self.path)
        except pa.ArrowException as error:
            raise self._damaged() from error

    def _damaged(self) -> Exception:
        return refusal(self.name, "it is not a whole Parquet file", "Write or copy it again")

    def header(self) -> list[str]:
        """Its column names."""
        with self._open() as file:
            return list(file.schema_arrow.names)

    def frames(self, target: Target) -> Iterator[pl.DataFrame]:
        """Its rows, some at a time; raises LoadError, naming column and row, where they do not fit."""
        with self._open() as file:
            converters = {
                field.name: self._checked(target.columns[field.name], field.type) for field in file.schema_arrow
            }
            first = 1
            for batch in self._batches(file):
                made = [
                    self._converted(target.columns[name], convert, batch.column(name), first)
                    for name, convert in converters.items()
                ]
                yield pl.DataFrame(made)
                first += batch.num_rows

    def _batches(self, file: pq.ParquetFile) -> Iterator[pa.RecordBatch]:
        batches = file.iter_batches(batch_size=_BATCH_ROWS)
        while True:
            try:
                batch = next(batches, None)
            except (pa.ArrowException, OSError) as error:
                raise self._damaged() from error
            if batch is None:
                return
            yield batch

    def _checked(self, column: Column, kind: pa.DataType) -> Callable[[Array], pl.Series]:
        try:
            return converter(column, kind)
        except Unfit as error:
            raise refusal(self.name, f"the column {column.name} {error.found}", error.remedy) from None

    def _converted(self, column: Column, convert: Callable[[Array], pl.Series], array: Array, first: int) -> pl.Series:
        try:
            return _text_checked(convert(array)).alias(column.name)
        except (Unfit, pa.ArrowException) as error:
            place, cause = _first_unfit(convert, array, error)
            # The cause is not chained: it quotes the value, which may be personal.
            found = f"row {first + place}, column {column.name}: {cause.found}"
            raise refusal(self.name, found, cause.remedy) from None

    def find(self, column: str, wanted: str) -> int | None:
        """The first row with that id in the column."""
        with self._open() as file:
            position = 0
            for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=[column]):
                for value in batch.column(0).to_pylist():
                    position += 1
                    text = value.hex() if isinstance(value, bytes) else str(value)
                    if bare(text) == bare(wanted):
                        return position
        return None


def _first_unfit(convert: Callable[[Array], pl.Series], array: Array, error: Exception) -> tuple[int, Unfit]:
    """The first value that cannot be converted by itself, and why."""
    for place in range(len(array)):
        try:
            _text_checked(convert(array.slice(place, 1)))
        except Unfit as cause:
            return place, cause
        except pa.ArrowException:
            return place, Unfit("the value does not fit the column exactly", "Correct it")
    raise error


def _text_checked(made: pl.Series) -> pl.Series:
    texts = made.explode() if isinstance(made.dtype, pl.List) else made
    if texts.dtype == pl.String and texts.str.contains("\0", literal=True).any():
        raise Unfit("it holds a NUL character, which Postgres text cannot", "Remove it")
    return made


def converter(column: Column, kind: pa.DataType) -> Callable[[Array], pl.Series]:
    """How an Arrow column of that type becomes what the Postgres column takes; raises Unfit where it cannot."""
    if isinstance(kind, pa.BaseExtensionType):
        inner = converter(column, kind.storage_type)
        return lambda array: inner(array.storage)
    if pa.types.is_dictionary(kind):
        inner = converter(column, kind.value_type)
        return lambda array: inner(array.dictionary_decode())
    if pa.types.is_null(kind):
        return lambda array: pl.Series([None] * len(array), dtype=pl.String)
    if column.base in _JSON and not column.is_array:
        return _text if _is_text(kind) else _as_json
    if column.is_array:
        return _array(column, kind)
    return _scalar(column, kind)


def _array(column: Column, kind: pa.DataType) -> Callable[[Array], pl.Series]:
    if _is_text(kind):
        return _text  # an array literal, as in a CSV file
    if not _is_list(kind) or pa.types.is_nested(kind.value_type):
        raise Unfit(f"holds {kind} where a list for {column.type} is needed", "Write it as a list of plain values")
    inner = converter(Column(column.name, column.base, column.base, False, False, True), kind.value_type)

    def convert(array: Array) -> pl.Series:
        plain = array.cast(pa.large_list(kind.value_type))
        flat = inner(plain.flatten())
        sizes = pl.from_arrow(plain).list.len()  # type: ignore[union-attr]
        return _regrouped(flat, sizes)

    return convert


def _regrouped(flat: pl.Series, sizes: pl.Series) -> pl.Series:
    """The values put back into lists of those sizes, null where the size is."""
    offsets = pa.array([0, *sizes.fill_null(0).cum_sum().to_list()], type=pa.int64())
    lists = pl.from_arrow(pa.LargeListArray.from_arrays(offsets, flat.to_arrow()))
    assert isinstance(lists, pl.Series)
    return lists.set(sizes.is_null(), None)


def _scalar(column: Column, kind: pa.DataType) -> Callable[[Array], pl.Series]:
    rules: dict[str, tuple[Callable[[pa.DataType], bool], Callable[[Array], pl.Series]]] = {
        "timestamp with time zone": (_is_moment, _moments),
        "date": (pa.types.is_date, _plain),
        "uuid": (lambda given: _is_text(given) or _is_sixteen_bytes(given), _ids),
        "boolean": (pa.types.is_boolean, _plain),
        "numeric": (_is_number, _plain),
        **dict.fromkeys(_INTEGERS, (_is_number, _whole)),
    }
    fits, convert = rules.get(column.base, (lambda given: _is_text(given) or pa.types.is_integer(given), _text))
    if not fits(kind) and not (_is_text(kind) and column.base in {"boolean", "numeric", *_INTEGERS}):
        if column.base == "timestamp with time zone" and (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
            raise Unfit("holds times without a time zone, so they name no one moment", "Write them with one, like UTC")
        raise Unfit(f"holds {kind} where {column.type} is needed", "Write it with a type that fits")
    return _text if _is_text(kind) else convert


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _is_moment(kind: pa.DataType) -> bool:
    return bool(pa.types.is_timestamp(kind) and kind.tz is not None)


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _is_sixteen_bytes(kind: pa.DataType) -> bool:
    return bool(pa.types.is_fixed_size_binary(kind) and kind.byte_width == 16)


def _series(array: Array) -> pl.Series:
    made = pl.from_arrow(array)
    assert isinstance(made, pl.Series)
    return made


def _plain(array: Array) -> pl.Series:
    return _series(array)


def _text(array: Array) -> pl.Series:
    try:
        array.validate(full=True)  # reading a file does not look whether its texts are UTF-8
    except pa.ArrowInvalid:
        raise Unfit("it holds bytes that are not UTF-8", "Write the text as UTF-8") from None
    return _series(array.cast(pa.large_string()))


def _ids(array: Array) -> pl.Series:
    return pl.Series([None if value is None else value.hex() for value in array.to_pylist()], dtype=pl.String)


def _moments(array: Array) -> pl.Series:
    return _series(array.cast(pa.timestamp("us", "UTC")))  # raises where a nanosecond would be lost


def _whole(array: Array) -> pl.Series:
    return _series(array.cast(pa.int64()))  # raises where a fraction would be lost


def _as_json(array: Array) -> pl.Series:
    values = array.to_pylist(maps_as_pydicts="strict")
    return pl.Series([None if value is None else written(value) for value in values], dtype=pl.String)


def written(value: Any) -> str:
    """`value` as JSON, decimals digit by digit."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(str(key))}: {written(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(written, value)) + "]"
    if isinstance(value, Decimal):
        return str(value) if value.is_finite() else written(float(value))
    if isinstance(value, datetime | date | time):
        return json.dumps(value.isoformat())
    if isinstance(value, float) and not math.isfinite(value):
        raise Unfit("it holds NaN or infinity, which JSON cannot", "Use null")
    if isinstance(value, bytes):
        raise Unfit("it holds bytes, which JSON cannot", "Write them as text")
    return json.dumps(value, ensure_ascii=False)
