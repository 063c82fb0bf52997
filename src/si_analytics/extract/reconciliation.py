"""Compares what was read with what Postgres holds: rows, keys and money, within one snapshot.

Belongs here: comparing a table of ``raw`` with its table in Postgres.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import duckdb
from psycopg import sql as pg_sql

from si_analytics import definitions
from si_analytics.definitions import project
from si_analytics.errors import ExtractError
from si_analytics.extract import source
from si_analytics.extract.source import ReadTable
from si_analytics.warehouse import checksum

_CENT = Decimal("0.01")
_CENTS = -2


@dataclass(frozen=True)
class Totals:
    """One side of a table: its rows, the checksum of its keys, the sum of its money (None for a table without)."""

    rows: int
    keys: int
    money: Decimal | None


def aggregates(one: ReadTable) -> dict[str, pg_sql.Composable]:
    """Returns the aggregates to ask of Postgres besides the row count: the keys' checksum, and the money as text."""
    declared = project().sources[one.table]
    money = declared.money
    return {
        "keys": pg_sql.SQL("coalesce(bit_xor(uuid_hash_extended({}, 0)), 0)").format(pg_sql.Identifier(declared.key)),
        "money": pg_sql.SQL("coalesce(sum({}), 0)::text").format(pg_sql.Identifier(money))
        if money
        else pg_sql.SQL("null::text"),
    }


def totals(rows: int, keys: int, money: str | None) -> Totals:
    """Returns Postgres's side of a table, from the results of `aggregates`."""
    return Totals(rows, keys, None if money is None else _scaled(Decimal(money)))


def compare(connection: duckdb.DuckDBPyConnection, one: ReadTable, there: Totals | None = None) -> Totals | None:
    """Returns the totals both sides agree on, None if they differ. ``there``: Postgres's totals, if already taken.

    Raises ExtractError, naming the rows, for a NaN amount. DuckDB's extension reads NaN as zero, so only Postgres's
    own sum reveals it.
    """
    declared = project().sources[one.table]
    there = there or _there(connection, one)
    if there.money is not None and there.money.is_nan():
        raise ExtractError(
            f"reading {one.table}.{declared.money}",
            f"it is not a number in {_not_numbers(connection, one, declared)}",
            "Correct those rows; nothing was published",
        )
    return there if there == _here(connection, declared) else None


def refuse(one: ReadTable) -> ExtractError:
    """Returns the error for a table whose sides differ although every row was read."""
    return ExtractError(
        f"reading {one.table}",
        "what arrived differs from what Postgres holds, in its rows, its keys or the sum of its money",
        "Nothing was published; run the refresh again and report it if it stays",
    )


def _there(connection: duckdb.DuckDBPyConnection, one: ReadTable) -> Totals:
    query = pg_sql.SQL(
        "select count(*) as all_rows, {keys} as keys, {money} as money from {relation} where {standing}"
    ).format(**aggregates(one), relation=one.place, standing=one.standing)
    ((rows, keys, amount),) = source.ask(connection, query.as_string(None))
    return totals(rows, keys, amount)


def held(connection: duckdb.DuckDBPyConnection, table: str) -> tuple[int, Decimal | None]:
    """Returns the number of rows the warehouse holds of a table, and the sum of its money (None for one without)."""
    money = project().sources[table].money
    total = f'cast(coalesce(sum("{money}"), 0) as varchar)' if money else "null"
    found = connection.table(f"raw.{table}").aggregate(f"count(*), {total}").fetchone()
    counted, amount = found if found else (0, None)
    return counted, None if amount is None else _scaled(Decimal(amount))


def _here(connection: duckdb.DuckDBPyConnection, declared: definitions.Source) -> Totals:
    counted, money = held(connection, declared.name)
    return Totals(counted, checksum.checksum(connection, connection.table(f"raw.{declared.name}"), declared.key), money)


def _scaled(amount: Decimal) -> Decimal:
    """Returns an amount with two decimals; one with more, as tokens have, keeps them."""
    exponent = amount.as_tuple().exponent
    return amount if isinstance(exponent, str) or exponent < _CENTS else amount.quantize(_CENT)


def _not_numbers(connection: duckdb.DuckDBPyConnection, one: ReadTable, declared: definitions.Source) -> str:
    query = pg_sql.SQL("select {key}::text as key from {relation} where {money} = 'NaN' order by 1 limit 10").format(
        key=pg_sql.Identifier(declared.key),
        relation=one.place,
        money=pg_sql.Identifier(declared.money or ""),
    )
    return ", ".join(key for (key,) in source.ask(connection, query.as_string(None)))
