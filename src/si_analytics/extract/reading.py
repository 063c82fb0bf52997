"""Copies the listed columns of the listed tables from Postgres into the warehouse, as of one snapshot.

Belongs here: choosing how each table is read, and turning a failed read into a clear error. `incremental` finds
changes, `source` looks at Postgres.

DuckDB's Postgres extension keeps one REPEATABLE READ transaction in Postgres for each of its own. So everything
between the start and the end of `snapshot` sees the same moment, bookkeeping included.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import duckdb
from psycopg import sql as pg_sql

from si_analytics import postgres, warehouse
from si_analytics.definitions import project
from si_analytics.errors import ExtractError, InterruptedReadError
from si_analytics.extract import arrays, behind, by_key, failures, incremental, reconciliation, slots, source, standby
from si_analytics.extract.incremental import Baseline, Found
from si_analytics.extract.slots import Changes
from si_analytics.extract.source import ReadTable, Snapshot
from si_analytics.postgres import locks, relations
from si_analytics.settings import Settings
from si_analytics.warehouse import changes

FULL, INCREMENTAL, LOGGED = "full", "incremental", "log"
RECONCILED_EVERY = timedelta(days=1)
"""How long the log is trusted until all rows of a table are compared with Postgres again."""
_IN_ORDER = "reset global preserve_insertion_order"
# On a standby, DuckDB's other connections cannot share a session's snapshot, so one connection reads everything.
_ALONE, _TOGETHER = "set global pg_use_ctid_scan = false", "reset global pg_use_ctid_scan"
_MOST_CHANGED = 0.3  # above about this share, reading all rows on several connections is quicker
_DIFFERENT = "the changes alone did not add up"


@dataclass(frozen=True)
class TableExtract:
    """What was read of one table; ``identity`` must be unchanged next time for its changes to be found.

    ``inserted``, ``updated`` and ``deleted`` count the changes to the rows the warehouse held. After a full read
    ``updated`` is None, and all three are None if that warehouse had no such keys. ``money`` is the sum of the
    amounts, None for a table without money. ``drift`` says how the table differs from the contract where the
    difference does not affect reading. ``mode`` is `FULL`, `INCREMENTAL` (changed rows found by a scan) or `LOGGED`
    (told by the log); ``reason`` says why not the next better one. ``reconciled_at`` is the snapshot in which all rows
    were last compared with Postgres.
    """

    table: str
    rows: int
    inserted: int | None
    updated: int | None
    deleted: int | None
    mode: str
    reason: str
    seconds: float
    money: Decimal | None
    identity: str = ""
    drift: str = ""
    reconciled_at: datetime | None = None

    @property
    def changed(self) -> int | None:
        """How many rows were inserted, updated or deleted; None if that is not known."""
        moved = (self.inserted, self.updated, self.deleted)
        return None if None in moved else sum(number for number in moved if number)


@dataclass(frozen=True)
class Reading:
    """An open snapshot: the moment it describes, where each table is read, and what the log has `told`, if asked."""

    snapshot: Snapshot
    sources: dict[str, ReadTable]
    relations: dict[tuple[str, str], relations.Relation] = field(repr=False)
    told: Changes | None = None


def tables() -> tuple[str, ...]:
    """Returns the names of the operational tables that are read."""
    return tuple(project().sources)


@contextmanager
def snapshot(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Iterator[Reading]:
    """Attaches Postgres and holds one snapshot of it during the block.

    Raises SchemaError: tables are missing; ExtractError: they cannot be read exactly; ServerError: the server cannot
    be reached; InterruptedReadError: it stopped answering; LockedError: another session locks a table. The wait for
    such a lock is short, because it holds the snapshot open.
    """
    address, schema = postgres.source_url(settings), settings.source_schema
    warehouse.attach_postgres(connection, address, locks.at_once(settings))
    follows = False
    try:
        # Outside of a transaction, DuckDB waits for ever for a query whose connection was cut.
        connection.begin()
        before = source.reached(connection)
        connection.commit()
        connection.begin()
        warehouse.settle_postgres(connection, locks.at_once(settings))
        warehouse.require_letters(connection, address)
        moment = source.snapshot(connection, before)
        standby.require_target(settings, moment)
        follows = moment.standby
        if follows:
            connection.execute(_ALONE)
        held = source.standing_relations(connection, schema)
        reading = Reading(moment, source.sources(connection, held, tables(), schema), held)
        yield reading
        _require_untouched(connection, reading, schema)
        connection.commit()
    except duckdb.Error as error:
        _roll_back(connection)
        if warehouse.could_not_write(error):
            raise
        if failures.of_lock(error):
            raise locks.unreadable(settings, tables()) from warehouse.masked(error)
        raise failures.readable(error, follows=follows) from warehouse.masked(error)
    except BaseException:
        _roll_back(connection)
        raise
    finally:
        connection.execute("detach database if exists pg")
        connection.execute(_IN_ORDER)  # a read that failed half-way leaves it off
        connection.execute(_TOGETHER)


def against(
    connection: duckdb.DuckDBPyConnection, reading: Reading, baseline: Baseline, settings: Settings
) -> str | None:
    """Returns why all tables must be read in full; None if the changes since `baseline` are enough.

    A standby may not have replayed the record of the last refresh yet. It still has that refresh's data if it is past
    the log position the refresh was read at, and the primary has the record.
    """
    now = reading.snapshot
    told = incremental.against(connection, reading.relations, now, baseline)
    if (
        told == incremental.UNPUBLISHED
        and now.standby
        and now.reached
        and now.reached.follows(baseline.snapshot.position)
    ):
        return None if standby.published(settings, baseline.refresh_id) else told
    return told


def ask_log(
    connection: duckdb.DuckDBPyConnection, reading: Reading, baseline: Baseline | None, settings: Settings
) -> Reading:
    """Returns the reading with what Postgres's log tells of the changes since `baseline`, if the settings ask for that.

    Raises InterruptedReadError if the connection breaks, ServerError if there is none.
    """
    told = slots.changes(connection, reading.snapshot, reading.sources.values(), baseline, settings)
    return replace(reading, told=told, snapshot=replace(reading.snapshot, log=told.upto)) if told else reading


def read(
    connection: duckdb.DuckDBPyConnection,
    reading: Reading,
    baseline: Baseline | None = None,
    reason: str = "every row was asked for",
    done: Callable[[TableExtract], None] | None = None,
) -> list[TableExtract]:
    """Brings ``raw`` to the open snapshot, table by table, and calls `done` after each.

    With a `baseline`, which ``raw`` must be at, reads only the changes wherever they can be found: as the log has told
    them, or by a scan. Without one, reads all rows and gives `reason` as the cause. Reconciles every table with
    Postgres; one that was read as the log told only once in `RECONCILED_EVERY`.
    """
    results = []
    for one in reading.sources.values():
        started = time.perf_counter()
        result = _table(connection, reading, one, baseline, reason)
        result = replace(result, seconds=time.perf_counter() - started)
        results.append(result)
        if done:
            done(result)
    return results


def _table(
    connection: duckdb.DuckDBPyConnection, reading: Reading, one: ReadTable, baseline: Baseline | None, reason: str
) -> TableExtract:
    result: TableExtract | str = reason
    totals = None
    if baseline is not None:
        result = incremental.table_against(one, baseline) or ""
        if not result:
            result, totals = _changed(connection, reading, one, baseline)
    if isinstance(result, str):
        result = _all(connection, one, result)
        totals = reconciliation.compare(connection, one)
    if source.taken_apart(connection, one):
        raise _touched([one.table], "a part of it was detached while it was read")
    if totals is None and result.mode == FULL:
        raise reconciliation.refuse(one)
    if totals is not None:
        result = replace(result, rows=totals.rows, money=totals.money, reconciled_at=reading.snapshot.taken_at)
    return replace(result, identity=one.identity, drift="; ".join(map(str, one.drift)))


def _changed(
    connection: duckdb.DuckDBPyConnection, reading: Reading, one: ReadTable, baseline: Baseline
) -> tuple[TableExtract | str, reconciliation.Totals | None]:
    """Reads what changed, or returns why that is not enough; and what both sides agree on, if they were compared."""
    told = reading.told.of(one) if reading.told else ""
    there = None
    if isinstance(told, str):
        found = incremental.look(connection, one, baseline, reading.snapshot, reconciliation.aggregates(one))
        there = reconciliation.totals(found.rows, *found.totals) if found.totals else None
        result = _changes(connection, reading.snapshot, one, baseline, found)
    else:
        result = _logged(connection, one, told, baseline)
    if isinstance(result, str) or (result.mode == LOGGED and not _due(result, reading.snapshot)):
        return result, None
    totals = reconciliation.compare(connection, one, there)
    return (replace(result, reason=told if isinstance(told, str) else ""), totals) if totals else (_DIFFERENT, None)


def _due(result: TableExtract, now: Snapshot) -> bool:
    """Whether all rows of a table have to be compared with Postgres again."""
    last = result.reconciled_at
    return last is None or not timedelta(0) <= now.taken_at - last < RECONCILED_EVERY


def _logged(
    connection: duckdb.DuckDBPyConnection, one: ReadTable, keys: Collection[UUID], baseline: Baseline
) -> TableExtract | str:
    """Reads the rows of the keys that the log tells, or returns why that is not enough."""
    changes.begin(connection, one.table)
    moved = by_key.update(connection, one, keys)
    if isinstance(moved, str):
        return moved
    changes.settle(connection, one.table, project().sources[one.table].key)
    rows, money = reconciliation.held(connection, one.table)
    last = baseline.reconciled.get(one.table)
    return TableExtract(one.table, rows, *moved, LOGGED, "", 0.0, money, reconciled_at=last)


def _changes(
    connection: duckdb.DuckDBPyConnection, now: Snapshot, one: ReadTable, baseline: Baseline, found: Found
) -> TableExtract | str:
    """Reads what changed, or returns why that is not enough."""
    key = project().sources[one.table].key
    if found.changed > _MOST_CHANGED * found.rows:
        return "most of its rows changed"
    inserted = updated = deleted = came = moved = 0
    changes.begin(connection, one.table)
    if found.changed and baseline.last is None:
        rows = incremental.fetch(connection, one, found, baseline, now)
        inserted, updated = incremental.apply(connection, one.table, key, rows)
    elif found.changed:
        rows, came, moved = behind.fetch(connection, one, found, baseline, now)
        incremental.apply(connection, one.table, key, rows)
        behind.forget(connection)
    surplus = _rows(connection, one.table) - found.rows
    if surplus > 0:
        deleted = incremental.remove_others(connection, one.table, key, incremental.keys(connection, one, key))
    if surplus != deleted:
        return _DIFFERENT
    changes.settle(connection, one.table, key)
    if baseline.last is not None:  # told against the last refresh, whatever file the rows are brought into
        inserted, updated, deleted = came, moved, behind.published_rows(connection, one.table) + came - found.rows
    return TableExtract(one.table, found.rows, inserted, updated, deleted, INCREMENTAL, "", 0.0, None)


def _all(connection: duckdb.DuckDBPyConnection, one: ReadTable, reason: str) -> TableExtract:
    # Without a fixed order each thread stores what it reads; keeping Postgres's order would copy the rows again.
    connection.execute("set global preserve_insertion_order = false")
    every_row(connection, one).create(incremental.EVERY_ROW)
    connection.execute(_IN_ORDER)
    moved = incremental.replace_all(connection, one.table, project().sources[one.table].key)
    _require_keys(connection, one)
    return TableExtract(one.table, _rows(connection, one.table), *moved, FULL, reason, 0.0, None)


def every_row(connection: duckdb.DuckDBPyConnection, one: ReadTable) -> duckdb.DuckDBPyRelation:
    """Returns the listed columns of all rows as of the open snapshot; lazy: reads when its rows are asked for."""
    if not one.native or not arrays.flat(connection, one):
        return connection.sql("select * from postgres_query('pg', $text)", params={"text": one.rows})
    if one.direct:
        columns = pg_sql.SQL(", ").join(map(pg_sql.Identifier, project().sources[one.table].columns))
        place = pg_sql.Identifier("pg", one.base.schema, one.table)
        return connection.sql(pg_sql.SQL("select {} from {}").format(columns, place).as_string(None))
    return connection.table(f"pg.{one.relation.schema}.{one.relation.name}").select(*_names(one.table))


def _names(table: str) -> Sequence[duckdb.Expression]:
    return list(map(duckdb.ColumnExpression, project().sources[table].columns))


def _require_keys(connection: duckdb.DuckDBPyConnection, one: ReadTable) -> None:
    """Raises ExtractError if a view shows rows without a key. The checks look for repeated keys."""
    if one.base.kind not in relations.VIEWS:
        return
    key = project().sources[one.table].key
    without = connection.table(f"raw.{one.table}").filter(duckdb.ColumnExpression(key).isnull())
    row = without.aggregate("count(*)").fetchone()
    if row and row[0]:
        found = f"the view of that name shows {row[0]:,} rows without {key}"
        raise ExtractError(f"reading {one.table}", found, "Nothing was published; leave those rows out of the view")


def _rows(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    row = connection.table(f"raw.{table}").aggregate("count(*)").fetchone()
    return int(row[0]) if row else 0


def _require_untouched(connection: duckdb.DuckDBPyConnection, reading: Reading, schema: str) -> None:
    """Raises if a table was truncated or rewritten meanwhile: an older snapshot sees such a table as empty."""
    replaced = source.replaced(connection, reading.sources, schema)
    if replaced:
        raise _touched(replaced, "it was rewritten while it was read")


def _touched(tables: Sequence[str], found: str) -> InterruptedReadError:
    return InterruptedReadError(f"reading {', '.join(tables)}", found, "Nothing was published; try again")


def _roll_back(connection: duckdb.DuckDBPyConnection) -> None:
    try:
        connection.rollback()
    except duckdb.Error:
        # Postgres is gone and the transaction with it; the caller reports the cause, not the failed rollback.
        return
