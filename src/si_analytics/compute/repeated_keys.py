"""Tells quickly that no key of a table stands twice.

Belongs here: sorting hashes of the keys. Equal keys have equal hashes, so keys whose hashes all differ are all
different: that is exact, and takes a fifth of grouping by the key. Equal hashes may be of different keys: then only
the keys themselves tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import duckdb

_AT_ONCE = 4_000_000  # hashes in memory at a time: 32 MB
_FEW = 2_000  # grouping by so few keys takes no longer


def may_be(rows: duckdb.DuckDBPyRelation, key: Sequence[str]) -> bool:
    """Whether a key may stand twice in `rows`; False says that none does."""
    counted = rows.aggregate("count(*)").fetchone()
    number = int(counted[0]) if counted else 0
    return number > 1 and (number <= _FEW or any(map(_any_twice, _hashes(rows, key, number))))


def _hashes(rows: duckdb.DuckDBPyRelation, key: Sequence[str], number: int) -> Iterator[Any]:
    """Arrays with the hash of each row's key, in parts: equal hashes are in the same part."""
    hashes = rows.select(duckdb.FunctionExpression("hash", *map(duckdb.ColumnExpression, key)).alias("hash"))
    parts = -(-number // _AT_ONCE)
    for part in range(parts):
        rest = duckdb.FunctionExpression("mod", duckdb.ColumnExpression("hash"), duckdb.ConstantExpression(parts))
        yield (hashes if parts == 1 else hashes.filter(rest == duckdb.ConstantExpression(part))).fetchnumpy()["hash"]


def _any_twice(hashes: Any) -> bool:
    hashes.sort()
    return bool((hashes[1:] == hashes[:-1]).any())
