"""Turns columns of files into what their Postgres columns take.

Belongs here: which type of a file goes into which type of a table, and how.

Guesses nothing and rounds nothing: refuses a time without a zone, a binary fraction for a decimal, a list for a
number.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import polars as pl
import pyarrow as pa

from si_analytics.load import moments
from si_analytics.load.amounts import LIMITS, numbers, places
from si_analytics.load.options import Options
from si_analytics.load.target import LoadColumn
from si_analytics.load.texts import texts, truths
from si_analytics.load.unfit import Unfit, shown

Array = Any  # pyarrow has no types
Convert = Callable[[Array], pl.Series]

_JSON = ("json", "jsonb")
_MOMENT = "timestamp with time zone"
_MOST_DIGITS = 38  # of a decimal in polars
# Types for which Postgres accepts words as values, or rounds. The declared schema has none of them.
_NO_TEXTS = (
    *("timestamp without time zone", "time with time zone", "time without time zone", "interval"),
    *("money", "real", "double precision"),
)
_EXACT = {16: 1 << 11, 32: 1 << 24, 64: 1 << 53}  # up to here a float of so many bits holds every whole number


def converter(column: LoadColumn, kind: pa.DataType, options: Options) -> Convert:
    """Returns the converter from an Arrow column of that type to the Postgres column; raises Unfit if none exists."""
    if isinstance(kind, pa.BaseExtensionType):
        inner = converter(column, kind.storage_type, options)
        return lambda array: inner(array.storage)
    if pa.types.is_dictionary(kind):
        inner = converter(column, kind.value_type, options)
        return lambda array: inner(array.dictionary_decode())
    if pa.types.is_null(kind):
        return lambda array: pl.Series([None] * len(array), dtype=pl.String)
    if column.base in _JSON and not column.is_array:
        return _text if _is_text(kind) else _as_json
    if column.is_array:
        return _array(column, kind, options)
    return _text_scalar(column, options, kind) if _is_text(kind) else _scalar(column, kind, options)


def _array(column: LoadColumn, kind: pa.DataType, options: Options) -> Convert:
    if _is_text(kind):
        return _text  # an array literal of Postgres
    if not _is_list(kind) or pa.types.is_nested(kind.value_type):
        raise Unfit(f"holds {kind} where a list for {column.type} is needed", "Write it as a list of plain values")
    inner = converter(LoadColumn(column.name, column.base, column.base, False, column.base), kind.value_type, options)

    def convert(array: Array) -> pl.Series:
        plain = array.cast(pa.large_list(kind.value_type))
        try:
            flat = inner(plain.flatten())
        except Unfit as error:
            raise Unfit(error.found, error.remedy) from None  # its position counts list elements, not rows
        sizes = pl.from_arrow(plain).list.len()  # type: ignore[union-attr]
        return _regrouped(flat, sizes)

    return convert


def _regrouped(flat: pl.Series, sizes: pl.Series) -> pl.Series:
    """Returns the values in lists of those sizes, null for a null size."""
    offsets = pa.array([0, *sizes.fill_null(0).cum_sum().to_list()], type=pa.int64())
    lists = pl.from_arrow(pa.LargeListArray.from_arrays(offsets, flat.to_arrow()))
    assert isinstance(lists, pl.Series)
    return lists.set(sizes.is_null(), None)


def _text_scalar(column: LoadColumn, options: Options, kind: pa.DataType) -> Convert:
    """Returns the converter from texts, the only type of a CSV file, to the column."""
    if column.base in LIMITS or column.base == "numeric":
        read = numbers(column, options)
    elif column.base == _MOMENT:
        read = moments.moments(column, options)
    elif column.base == "date":
        read = moments.days(column, options)
    elif column.base == "boolean":
        read = truths(column)
    elif column.base in _NO_TEXTS:
        raise Unfit(f"holds {kind} where {column.type} is needed", "Give the column a type of the declared schema")
    else:
        read = texts(column)
    return lambda array: read(_text(array))


def _scalar(column: LoadColumn, kind: pa.DataType, options: Options) -> Convert:
    if column.base == _MOMENT:
        return _moments(column, kind, options)
    if pa.types.is_floating(kind) and column.base == "numeric":
        raise Unfit(
            f"holds {kind}, binary fractions, which are not exactly the decimals that {column.type} keeps",
            "Write decimals",
        )
    rules: dict[str, tuple[Callable[[pa.DataType], bool], Convert]] = {
        "date": (pa.types.is_date, _days(column)),
        "uuid": (_is_sixteen_bytes, _ids),
        "boolean": (pa.types.is_boolean, _series),
        "numeric": (_is_number, _decimals(column, kind)),
        **dict.fromkeys(LIMITS, (_is_number, _whole(column, kind))),
    }
    of_text: tuple[Callable[[pa.DataType], bool], Convert] = (
        pa.types.is_integer,
        lambda array: texts(column)(_series(array.cast(pa.large_string()))),
    )
    fits, convert = rules.get(column.base, of_text)
    if not fits(kind) or column.base in _NO_TEXTS:
        raise Unfit(f"holds {kind} where {column.type} is needed", "Write it with a type that fits")
    return convert


def _moments(column: LoadColumn, kind: pa.DataType, options: Options) -> Convert:
    if not (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
        raise Unfit(f"holds {kind} where {column.type} is needed", "Write it with a type that fits")
    if pa.types.is_timestamp(kind) and kind.tz is not None:

        def convert(array: Array) -> pl.Series:
            made = _micros(array, column, "UTC")
            return moments.bounded(made, lambda _: "a time")

        return convert
    if options.timezone is None:
        remedy = "Write them with one, like UTC, or say the zone: --timezone Europe/Berlin"
        raise Unfit("holds times without a time zone, so they name no one moment", remedy)
    read = moments.local_moments(column, options.timezone)
    return lambda array: read(_micros(array, column, None))


def _micros(array: Array, column: LoadColumn, zone: str | None) -> pl.Series:
    """Returns times in microseconds. Raises Unfit for a finer time or a year out of range instead of changing it."""
    try:
        return _series(array.cast(pa.timestamp("us", zone)))
    except pa.ArrowInvalid:
        found = f"the time is finer than a microsecond or far outside the years of {column.type}"
        raise Unfit(f"the value does not fit the column exactly: {found}", "Correct it") from None


def _days(column: LoadColumn) -> Convert:
    def convert(array: Array) -> pl.Series:
        made = _series(array.cast(pa.date32()))
        micros = made.to_physical()
        limits = pl.Series([moments.EARLIEST, moments.LATEST]).str.to_date().to_physical()
        wrong = ((micros < limits[0]) | (micros >= limits[1])).fill_null(value=False).arg_true()
        if len(wrong):
            raise Unfit("the day lies outside the years 1 to 9999", "Correct it", int(wrong[0]))
        return made

    return convert


def _decimals(column: LoadColumn, kind: pa.DataType) -> Convert:
    before, after = places(column)

    def convert(array: Array) -> pl.Series:
        if pa.types.is_integer(kind):
            return numbers(column, Options(decimal="."))(_series(array.cast(pa.large_string())))
        wanted = (_MOST_DIGITS, kind.scale) if before is None or after is None else (before + after, after)
        try:
            return _series(array.cast(pa.decimal128(*wanted)))
        except pa.ArrowInvalid:
            return _told_apart(array, column, before)

    return convert


def _told_apart(array: Array, column: LoadColumn, before: int | None) -> pl.Series:
    """Raises Unfit for the first decimal that is too large or has too many decimals."""
    for at, value in enumerate(array.to_pylist()):
        if value is None:
            continue
        digits, limit = f"{value:f}", places(column)[1]
        said = shown(digits, column)
        # Compares text: arithmetic on more digits than Python's decimal context would round or fail.
        if limit is not None and len(digits.partition(".")[2].rstrip("0")) > limit:
            found = f"{said} is not a number of at most {limit} decimals, as {column.type} keeps it"
            raise Unfit(found, "Round it yourself if that is meant", at)
        if len(digits.partition(".")[0].lstrip("-0")) > (_MOST_DIGITS if before is None else before):
            raise Unfit(f"{said} is too large for {column.type}", "Correct it", at)
    raise Unfit(f"the decimals do not fit {column.type}", "Write them with fewer digits")


def _whole(column: LoadColumn, kind: pa.DataType) -> Convert:
    limit = LIMITS.get(column.base, 0)

    def convert(array: Array) -> pl.Series:
        if pa.types.is_floating(kind):
            far = pl.Series(array.cast(pa.float64())).abs() > _EXACT[kind.bit_width]
            if far.any():
                found = f"the value is a {kind} too large to be sure of its last digits"
                raise Unfit(found, "Write whole numbers", int(far.arg_true()[0]))
        try:
            made = _series(array.cast(pa.int64()))
        except pa.ArrowInvalid:
            raise Unfit("the value does not fit the column exactly: it is no whole number", "Correct it") from None
        wrong = ((made < -limit) | (made > limit - 1)).fill_null(value=False).arg_true()
        if len(wrong):
            at = int(wrong[0])
            raise Unfit(f"{shown(str(made[at]), column)} is too large for {column.type}", "Correct it", at)
        return made

    return convert


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _is_sixteen_bytes(kind: pa.DataType) -> bool:
    return bool(pa.types.is_fixed_size_binary(kind) and kind.byte_width == 16)


def _series(array: Array) -> pl.Series:
    made = pl.from_arrow(array)
    assert isinstance(made, pl.Series)
    return made


def _text(array: Array) -> pl.Series:
    try:
        array.validate(full=True)  # reading a file does not check that its texts are UTF-8
    except pa.ArrowInvalid:
        raise Unfit("it holds bytes that are not UTF-8", "Write the text as UTF-8") from None
    return _series(array.cast(pa.large_string()))


def _ids(array: Array) -> pl.Series:
    return pl.Series([None if value is None else value.hex() for value in array.to_pylist()], dtype=pl.String)


def _as_json(array: Array) -> pl.Series:
    try:
        values = array.to_pylist(maps_as_pydicts="strict")
    except (ValueError, OverflowError, KeyError):
        raise Unfit("it holds a time outside the years 1 to 9999, or a key twice", "Correct it") from None
    return pl.Series([None if value is None else written(value) for value in values], dtype=pl.String)


def written(value: Any) -> str:
    """Returns `value` as JSON, decimals digit by digit."""
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
