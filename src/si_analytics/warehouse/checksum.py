"""A checksum of keys that ignores their order and equals the one Postgres computes.

Belongs here: Postgres's ``uuid_hash_extended(key, 0)`` over whole columns, combined by exclusive or. Postgres
computes it many times faster than a function of the key's text; DuckDB has no such function.

The hash is Bob Jenkins's lookup3 (2006), as Postgres uses it for sixteen bytes on little-endian machines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import duckdb

_Words = npt.NDArray[np.uint32]
_START = np.uint32((0x9E3779B9 + 16 + 3923095) % 2**32)
_ROWS = 250_000
_AT_ONCE = 16_384  # keys per batch, so that their hashes fit the processor's cache

_AS_BYTES = "set session arrow_lossless_conversion = true"  # passes a key as sixteen bytes, not as text
_AS_BEFORE = "reset session arrow_lossless_conversion"


def checksum(connection: duckdb.DuckDBPyConnection, relation: duckdb.DuckDBPyRelation, key: str) -> int:
    """Returns the exclusive or of the hashes of column `key`, a uuid without nulls; 0 for no rows.

    `connection` must be the relation's own. Ask it nothing else until this returns.
    """
    import duckdb

    total = np.uint64(0)
    connection.execute(_AS_BYTES)
    try:
        for batch in relation.select(duckdb.ColumnExpression(key)).to_arrow_reader(_ROWS):
            keys = batch.column(0).storage
            words = np.frombuffer(keys.buffers()[1], dtype="<u4").reshape(-1, 4)[keys.offset : keys.offset + len(keys)]
            for first in range(0, len(words), _AT_ONCE):
                total ^= np.bitwise_xor.reduce(hashes(words[first : first + _AT_ONCE]))
    finally:
        connection.execute(_AS_BEFORE)
    return int(total.astype(np.int64))


def hashes(keys: _Words) -> npt.NDArray[np.uint64]:
    """Returns the hash of each key, given as a row of four words."""
    a, b, c = (keys[:, column] + _START for column in range(3))
    a, b, c = _mix(a, b, c)
    _, b, c = _finish(a + keys[:, 3], b, c)
    return (b.astype(np.uint64) << np.uint64(32)) | c


def _rotate(word: _Words, bits: int) -> _Words:
    return (word << np.uint32(bits)) | (word >> np.uint32(32 - bits))


def _mix(a: _Words, b: _Words, c: _Words) -> tuple[_Words, _Words, _Words]:
    for first, second, third in ((4, 6, 8), (16, 19, 4)):
        a = (a - c) ^ _rotate(c, first)
        c = c + b
        b = (b - a) ^ _rotate(a, second)
        a = a + c
        c = (c - b) ^ _rotate(b, third)
        b = b + a
    return a, b, c


def _finish(a: _Words, b: _Words, c: _Words) -> tuple[_Words, _Words, _Words]:
    c = (c ^ b) - _rotate(b, 14)
    a = (a ^ c) - _rotate(c, 11)
    b = (b ^ a) - _rotate(a, 25)
    c = (c ^ b) - _rotate(b, 16)
    a = (a ^ c) - _rotate(c, 4)
    b = (b ^ a) - _rotate(a, 14)
    c = (c ^ b) - _rotate(b, 24)
    return a, b, c
