"""Rows written since an earlier snapshot, told by the transaction that Postgres marks each row with.

Belongs here: whether two snapshots can be told apart by these marks, and the condition for a row written in between.
docs/extraction.md proves that it misses no row.
"""

from __future__ import annotations

from typing import Protocol

from psycopg import sql as pg_sql

LISTED = 10_000
"""Up to so many transactions are asked for one by one, which Postgres can do in parallel; beyond, by their age."""

_FIRST_NORMAL = 3  # lower marks belong to rows that are older than any snapshot
# Row marks hold 32 bits of a transaction's number: beyond half that range, old and new look alike.
_FARTHEST = 2**31 - 2**20


class Moment(Protocol):
    """A snapshot: the first transaction that may have been open (``xmin``), the first that had not begun (``xmax``)."""

    @property
    def xmin(self) -> int: ...

    @property
    def xmax(self) -> int: ...


def against(since: Moment, now: Moment) -> str | None:
    """Returns why marks do not tell what was written between two snapshots of one server; None if they do."""
    if now.xmax < since.xmax or now.xmin < since.xmin:
        return "the server is behind the last refresh: it was restored, or is a replica that lags"
    if now.xmax - since.xmin > _FARTHEST:
        return "too many transactions since the last refresh to tell old from new"
    return None


def changed(mark: pg_sql.Composable, since: Moment, now: Moment) -> pg_sql.Composable:
    """Returns the condition for a row whose `mark` is a transaction that was still open at `since`."""
    if now.xmax - since.xmin > LISTED:
        oldest = pg_sql.Literal(str(since.xmin % 2**32))
        # age() of a row frozen more than half the range ago is negative, as if its transaction were yet to come.
        return pg_sql.SQL("age({mark}) between 0 and age({oldest}::xid)").format(mark=mark, oldest=oldest)
    marks = [number % 2**32 for number in range(since.xmin, now.xmax)]
    listed = ",".join(str(mark) for mark in marks if mark >= _FIRST_NORMAL)
    return pg_sql.SQL("{} = any({}::xid[])").format(mark, pg_sql.Literal(f"{{{listed}}}"))
