"""Did the operational data change since the last refresh? And: refreshing as soon as it did.

Belongs here: `look`, the question, and `follow`, which asks it again and again and refreshes. May import: `errors`,
`settings`, `sql`, `postgres`, `warehouse`, `source`, `contract`, `changes`, `extract`, `records`, `listening`,
`refresh`.

For whoever wants to ask on their own (a scheduler, a sensor)::

    look(settings: Settings, cursor: str | None = None) -> Look     # .changed .reason .tables .cursor

Hand the `cursor` of the last look to the next one: what was looked at once is not looked at again. The answer is the
extraction's own (docs/extraction.md): a table changed where the columns that are read differ from what the published
warehouse holds. So neither what a refresh itself wrote to Postgres counts, nor a time of signing in that no metric
reads. Where Postgres gave out no transaction number since the last look, that is all that is asked.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import duckdb
from psycopg import sql as pg_sql

from si_analytics import changes, contract, extract, postgres, records, source, sql, warehouse
from si_analytics.changes import Baseline
from si_analytics.errors import UsageError
from si_analytics.settings import Settings
from si_analytics.source import Snapshot, Source

_SEEN = "memory.main.seen"


@dataclass(frozen=True)
class Look:
    """Whether a refresh would find anything new, why, in which tables, and where the next look goes on."""

    changed: bool
    reason: str
    tables: tuple[str, ...]
    cursor: str


@dataclass(frozen=True)
class _Cursor:
    """The warehouse file that was looked at, and the snapshot up to which nothing had changed."""

    file: str
    snapshot: str

    @classmethod
    def read(cls, text: str) -> _Cursor:
        try:
            parts = json.loads(text)
            return cls(str(parts["file"]), _snapshot(str(parts["snapshot"])))
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError("the cursor of a look", "it is none that a look gave", "Begin without one") from error

    def __str__(self) -> str:
        return json.dumps({"file": self.file, "snapshot": self.snapshot})


def look(settings: Settings, cursor: str | None = None) -> Look:
    """Whether the operational data differ from what the published warehouse was computed from.

    Raises what an extraction raises: ServerError, SchemaError, ExtractError, WarehouseError; UsageError for a `cursor`
    that is none. Writes nothing.
    """
    before = _Cursor.read(cursor) if cursor else None
    file = _file(settings)
    if file is None:
        return Look(True, "nothing was read before", (), "")
    if before is not None and before.file == file and _still(settings, before.snapshot):
        return Look(False, "Postgres wrote nothing since the last look", (), str(before))
    with duckdb.connect(config=warehouse.configuration(settings)) as connection:
        connection.execute("set global TimeZone = 'UTC'")
        if not warehouse.attach_published(connection, settings):
            return Look(True, "nothing was read before", (), "")
        baseline = _baseline(connection)
        if isinstance(baseline, str):
            return Look(True, baseline, (), "")
        if before is not None and before.file == file:
            baseline = replace(baseline, snapshot=replace(baseline.snapshot, id=before.snapshot))
        return _compare(connection, settings, baseline, file)


def _compare(connection: duckdb.DuckDBPyConnection, settings: Settings, baseline: Baseline, file: str) -> Look:
    """Hold every table against the warehouse's, within one snapshot of Postgres."""
    with extract.snapshot(connection, settings) as reading:
        told = changes.against(connection, reading.relations, reading.snapshot, baseline)
        forever = not reading.snapshot.server or not _record_readable(reading)
        if told is not None and not forever:
            return Look(True, told, (), str(_Cursor(file, baseline.snapshot.id)))
        found: dict[str, str] = {}
        for one in reading.sources.values():
            known = None if told is not None else baseline
            why = _differs(connection, reading.snapshot, one, baseline, known)
            if why is not None:
                found[one.table] = why
        now = reading.snapshot.id
    if found:
        reason = "; ".join(f"{table}: {why}" for table, why in found.items())
        return Look(True, reason, tuple(found), str(_Cursor(file, baseline.snapshot.id)))
    return Look(False, "what was written since concerns nothing that is read", (), str(_Cursor(file, now)))


def _differs(
    connection: duckdb.DuckDBPyConnection, now: Snapshot, one: Source, held: Baseline, known: Baseline | None
) -> str | None:
    """How a table differs from the warehouse's; none where it does not. Without a `known` baseline all is read."""
    if one.table not in held.identities:
        return "not read before"
    if known is not None and changes.table_against(one, known) is None:
        found = changes.look(connection, one, known.snapshot, now)
        rows = changes.fetch(connection, one, found, known.snapshot, now) if found.changed else None
        count = found.rows
    else:
        rows, count = extract.every_row(connection, one), None
    differing = 0
    if rows is not None:
        rows.create(_SEEN)
        ((differing,),) = connection.execute(_different(one.table)).fetchall()
        count = _rows(connection, _SEEN) if count is None else count
        connection.execute(f"drop table {_SEEN}")
    if differing:
        return f"{differing:,} rows are new or differ"
    gone = _rows(connection, f"published.raw.{one.table}") - (count or 0)
    return f"{gone:,} rows are gone" if gone else None


def _different(table: str) -> str:
    """How many of the rows seen are not in the warehouse just so; only rows of the same keys are compared."""
    query = pg_sql.SQL(
        "select count(*) from (select {columns} from memory.main.seen except"
        " select {columns} from published.raw.{table} where {key} in (select {key} from memory.main.seen))"
    ).format(
        columns=pg_sql.SQL(", ").join(pg_sql.Identifier(column.name) for column in contract.columns(table)),
        table=pg_sql.Identifier(table),
        key=pg_sql.Identifier(sql.read("extract", table).fields["Key"]),
    )
    return query.as_string(None)


def _rows(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    ((count,),) = connection.table(table).aggregate("count(*)").fetchall()
    return int(count)


def _record_readable(reading: extract.Reading) -> bool:
    record = reading.relations.get((source.ANALYTICS, source.REFRESHES))
    return record is not None and record.readable


def _baseline(connection: duckdb.DuckDBPyConnection) -> Baseline | str:
    """What the attached warehouse is as of, or why it does not tell."""
    connection.execute("use published")
    try:
        return records.baseline(connection)
    finally:
        connection.execute("use memory")


def _still(settings: Settings, snapshot: str) -> bool:
    """Whether Postgres gave out no transaction number since `snapshot`, in which none was at work."""
    if _busy(snapshot):
        return False
    with postgres.connect(settings) as connection:
        row = connection.execute("select pg_current_snapshot()::text").fetchone()
    return row == (snapshot,)


def _busy(snapshot: str) -> bool:
    xmin, xmax, _ = snapshot.split(":")
    return xmin != xmax


def _snapshot(text: str) -> str:
    """`text`, if it is how Postgres writes a snapshot."""
    xmin, xmax, _ = text.split(":")
    int(xmin), int(xmax)
    return text


def _file(settings: Settings) -> str | None:
    """Which file the published warehouse is by now: a refresh puts another one in its place."""
    try:
        found = settings.warehouse.stat()
    except FileNotFoundError:
        return None
    return f"{found.st_ino}-{found.st_mtime_ns}-{found.st_size}"
