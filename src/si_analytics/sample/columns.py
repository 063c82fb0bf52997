"""Turns arrays of numbers into typed columns.

Belongs here: making polars columns from whole arrays.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from si_analytics.sample.times import NEVER

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_HEX = np.array([list(f"{byte:02x}".encode()) for byte in range(256)], dtype=np.uint8)
_DASHED = (slice(0, 8), slice(9, 13), slice(14, 18), slice(19, 23), slice(24, 36))
_PLAIN = (slice(0, 8), slice(8, 12), slice(12, 16), slice(16, 20), slice(20, 32))


def _text(characters: NDArray[np.uint8]) -> pl.Series:
    """One text per row of an array of ASCII characters."""
    count, width = characters.shape
    offsets = np.arange(count + 1, dtype=np.int64) * width
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(characters))]
    made = pl.from_arrow(pa.Array.from_buffers(pa.large_string(), count, buffers))
    assert isinstance(made, pl.Series)
    return made


def hexadecimal(raw: NDArray[np.uint64]) -> pl.Series:
    """16 hexadecimal digits per number."""
    octets = raw.astype(">u8").view(np.uint8).reshape(len(raw), 8)
    return _text(_HEX[octets].reshape(len(raw), 16))


def uuids(raw: NDArray[np.uint64]) -> pl.Series:
    """One version 4 UUID from each pair of numbers, as text."""
    count = len(raw) // 2
    octets = raw.astype(">u8").view(np.uint8).reshape(count, 16).copy()
    octets[:, 6] = octets[:, 6] & 0x0F | 0x40
    octets[:, 8] = octets[:, 8] & 0x3F | 0x80
    digits = _HEX[octets].reshape(count, 32)
    characters = np.full((count, 36), ord("-"), dtype=np.uint8)
    for dashed, plain in zip(_DASHED, _PLAIN, strict=True):
        characters[:, dashed] = digits[:, plain]
    return _text(characters)


def at(values: pl.Series, positions: Ints) -> pl.Series:
    """The values at those positions; null at -1."""
    where = pl.Series(positions)
    return values.gather(where.set(where < 0, None))


def lookup(positions: Ints, vocabulary: Sequence[str | None]) -> pl.Series:
    """The words at those positions; null at -1."""
    return at(pl.Series(vocabulary, dtype=pl.String), positions)


def instants(microseconds: Ints) -> pl.Series:
    """Moments in UTC; null at `NEVER`."""
    values = pl.Series(microseconds)
    return values.set(values >= NEVER, None).cast(pl.Datetime("us", "UTC"))


def dates(microseconds: Ints) -> pl.Series:
    """The days of those moments in UTC; null at `NEVER`."""
    return instants(microseconds).dt.date()


def decimals(units: Ints, precision: int, scale: int = 2) -> pl.Series:
    """Exact decimals from whole numbers of the smallest unit (cents)."""
    pairs = np.empty((len(units), 2), dtype="<i8")
    pairs[:, 0] = units
    pairs[:, 1] = units >> 63  # the upper half of a 128-bit number repeats the sign
    made = pl.from_arrow(
        pa.Array.from_buffers(pa.decimal128(precision, scale), len(units), [None, pa.py_buffer(pairs)])
    )
    assert isinstance(made, pl.Series)
    return made


def where(condition: Bools, values: pl.Series) -> pl.Series:
    """The values where the condition holds, null elsewhere."""
    return values.set(pl.Series(~condition), None)


def integers(values: Ints, missing: Bools | None = None) -> pl.Series:
    """32-bit whole numbers, null where `missing`."""
    column = pl.Series(values).cast(pl.Int32)
    return column if missing is None else where(~missing, column)


def lists(positions: Ints, vocabulary: Sequence[Sequence[str]]) -> pl.Series:
    """The lists of words at those positions; null at -1."""
    return at(pl.Series([list(words) for words in vocabulary], dtype=pl.List(pl.String)), positions)


def flags(values: Bools) -> pl.Series:
    """True or false."""
    return pl.Series(values)


def runs(start: Ints, sizes: Ints, vocabulary: Sequence[str]) -> pl.Series:
    """Lists of neighbouring words, each `sizes` long from `start` on; wraps around at the vocabulary's end."""
    width = len(vocabulary)
    wide = int(sizes.max(initial=0)) + 1
    # Words and lengths are few, so each possible list is written once and then looked up.
    possible = [
        [vocabulary[(first + k) % width] for k in range(size)] for first in range(width) for size in range(wide)
    ]
    return pl.Series(possible, dtype=pl.List(pl.String)).gather(pl.Series(start * wide + sizes))


def groups(values: pl.Series, sizes: Ints) -> pl.Series:
    """Puts consecutive values into lists of the given sizes; a size may be zero."""
    offsets = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
    made = pl.from_arrow(pa.LargeListArray.from_arrays(pa.array(offsets), values.to_arrow()))
    assert isinstance(made, pl.Series)
    return made.cast(pl.List(values.dtype))


def join(*parts: pl.Series | str) -> pl.Series:
    """Joins texts row by row; null if a part is null."""
    given = {f"c{k}": part for k, part in enumerate(parts) if isinstance(part, pl.Series)}
    pieces = [pl.lit(part) if isinstance(part, str) else pl.col(f"c{k}") for k, part in enumerate(parts)]
    return pl.DataFrame(given).select(pl.concat_str(pieces).alias("joined"))["joined"]


def repeated(count: int, value: str) -> pl.Series:
    """The same text, `count` times."""
    return pl.Series([value], dtype=pl.String).gather(pl.Series(np.zeros(count, dtype=np.int64)))
