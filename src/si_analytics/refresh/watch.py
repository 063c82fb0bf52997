"""Detects whether the operational data changed since the last refresh, and refreshes as soon as it did.

Belongs here: `look`, which asks once, and `follow`, which keeps asking and refreshes.

To ask on your own (from a scheduler, a sensor)::

    look(settings: Settings, cursor: str | None = None) -> Look     # .changed .reason .tables .cursor

Pass the `cursor` of the last look to the next one, so that it skips what was already looked at. The answer is the
extraction's own (docs/extraction.md): a table changed if the columns that are read differ from what the published
warehouse holds. So a refresh's own writes to Postgres do not count, nor does a sign-in time that no metric reads.
If nothing was committed since the last look, nothing else is asked.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace

import duckdb
from psycopg import sql as pg_sql

from si_analytics import extract, warehouse
from si_analytics.definitions import contract, project
from si_analytics.errors import AnalyticsError, UsageError
from si_analytics.extract import incremental
from si_analytics.extract.incremental import Baseline
from si_analytics.extract.source import ReadTable, Snapshot
from si_analytics.postgres import relations
from si_analytics.publish.notifications import Heard, Listener
from si_analytics.refresh import run_log, steps
from si_analytics.refresh.polling import Polling
from si_analytics.refresh.run_log import RefreshReport
from si_analytics.settings import Settings

_SEEN = "memory.main.seen"
_POLL = 0.2  # asking takes well under a millisecond of the server where nothing was written
_LISTENING = 1.0
_SHARE = 3  # seconds of rest per second of looking: looking takes a quarter of the time at most
_FIRST_PAUSE, _LONGEST_PAUSE = 2.0, 300.0


@dataclass(frozen=True)
class Look:
    """Whether a refresh would find anything new, why, in which tables, and where the next look continues."""

    changed: bool
    reason: str
    tables: tuple[str, ...]
    cursor: str


@dataclass(frozen=True)
class Failed:
    """A look or a refresh that failed, and the seconds until the next attempt."""

    error: AnalyticsError
    seconds: float


Event = Heard | Look | RefreshReport | Failed


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

    Raises what an extraction raises: ServerError, SchemaError, ExtractError, WarehouseError; UsageError if no look gave
    that `cursor`. Writes nothing.
    """
    with (
        duckdb.connect(config=warehouse.configuration(settings, for_postgres=True)) as connection,
        contextlib.closing(Polling(settings)) as polling,
    ):
        return _Looking(connection, settings, polling).look(cursor)


@dataclass
class _Looking:
    """Looks again and again, and loads DuckDB's extension, the costliest part, only once."""

    connection: duckdb.DuckDBPyConnection
    settings: Settings
    polling: Polling

    def __post_init__(self) -> None:
        self.connection.execute("set global TimeZone = 'UTC'")
        self._known: tuple[str, Baseline | str] | None = None

    def look(self, cursor: str | None) -> Look:
        """Looks once and holds nothing afterwards but `polling`: neither the warehouse's file nor a transaction."""
        before = _Cursor.read(cursor) if cursor else None
        file = _file(self.settings)
        if file is None:
            return Look(True, "nothing was read before", (), "")
        if before is not None and before.file == file and self.polling.nothing_since(before.snapshot):
            return Look(False, "Postgres wrote nothing since the last look", (), str(before))
        if not warehouse.attach_published(self.connection, self.settings):
            return Look(True, "nothing was read before", (), "")
        try:
            baseline = self._baseline(file)
            if isinstance(baseline, str):
                return Look(True, baseline, (), "")
            if before is not None and before.file == file:
                baseline = replace(baseline, snapshot=replace(baseline.snapshot, id=before.snapshot))
            return self._compare(baseline, file)
        finally:
            self.connection.execute("detach published")

    def _baseline(self, file: str) -> Baseline | str:
        """What the attached warehouse was computed from, or why that is unknown."""
        if self._known is None or self._known[0] != file:
            self.connection.execute("use published")
            try:
                self._known = (file, run_log.baseline(self.connection))
            finally:
                self.connection.execute("use memory")
        return self._known[1]

    def _compare(self, baseline: Baseline, file: str) -> Look:
        """Compare every table with the warehouse's, within one snapshot of Postgres."""
        since = str(_Cursor(file, baseline.snapshot.id))
        with extract.snapshot(self.connection, self.settings) as reading:
            told = extract.against(self.connection, reading, baseline, self.settings)
            if told is not None and reading.snapshot.server and _record_readable(reading):
                return Look(True, told, (), since)
            # A role without the privilege to ask is not a change: then compare every row, each time.
            known = baseline if told is None else None
            found = {
                one.table: why
                for one in reading.sources.values()
                if (why := _differs(self.connection, reading.snapshot, one, baseline, known))
            }
            now = str(_Cursor(file, reading.snapshot.id))
        if found:
            return Look(True, "; ".join(f"{table}: {why}" for table, why in found.items()), tuple(found), since)
        return Look(False, "what was written since concerns nothing that is read", (), now)


def _differs(
    connection: duckdb.DuckDBPyConnection, now: Snapshot, one: ReadTable, held: Baseline, known: Baseline | None
) -> str | None:
    """How a table differs from the warehouse's, or None if it does not. Reads all rows without a `known` baseline."""
    if one.table not in held.identities:
        return "not read before"
    if known is not None and incremental.table_against(one, known) is None:
        found = incremental.look(connection, one, known, now)
        rows = incremental.fetch(connection, one, found, known, now) if found.changed else None
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
    """The query that counts the rows seen that the warehouse lacks or holds differently; compares by key."""
    query = pg_sql.SQL(
        "select count(*) from (select {columns} from memory.main.seen except"
        " select {columns} from published.raw.{table} where {key} in (select {key} from memory.main.seen))"
    ).format(
        columns=pg_sql.SQL(", ").join(pg_sql.Identifier(column.name) for column in contract.columns(table)),
        table=pg_sql.Identifier(table),
        key=pg_sql.Identifier(project().sources[table].key),
    )
    return query.as_string(None)


def _rows(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    ((count,),) = connection.table(table).aggregate("count(*)").fetchall()
    return int(count)


def _record_readable(reading: extract.Reading) -> bool:
    record = reading.relations.get((relations.ANALYTICS, relations.REFRESHES))
    return record is not None and record.readable


def _snapshot(text: str) -> str:
    """Returns `text` if Postgres writes a snapshot this way; raises ValueError if not."""
    xmin, xmax, _ = text.split(":")
    int(xmin), int(xmax)
    return text


def _file(settings: Settings) -> str | None:
    """Identifies the published warehouse's file, which each refresh replaces; None if there is none."""
    try:
        found = settings.warehouse.stat()
    except FileNotFoundError:
        return None
    return f"{found.st_ino}-{found.st_mtime_ns}-{found.st_size}"


def follow(
    settings: Settings,
    *,
    debounce: float = 2.0,
    sleep: Callable[[float], None] = time.sleep,
) -> Generator[Event]:
    """Refresh as soon as the data changed, for ever. Yields each `Look`, report, `Failed` and notification as it comes.

    Waits `debounce` seconds after a change, so that changes close together are read together, however long the stream
    lasts. Runs one refresh at a time. Retries a failed one after pauses that grow to five minutes; what was published
    stands. Raises ServerError if the server cannot be reached at the start.
    """
    return _following(settings, Listener(settings, sleep).__enter__(), debounce)


def _following(settings: Settings, entered: Listener, debounce: float) -> Generator[Event]:
    cursor: str | None = None
    pause = _FIRST_PAUSE
    with (
        contextlib.closing(entered) as listener,
        contextlib.closing(Polling(settings)) as polling,
        duckdb.connect(config=warehouse.configuration(settings, for_postgres=True)) as connection,
    ):
        looking = _Looking(connection, settings, polling)
        while True:
            started = time.perf_counter()
            try:
                seen = looking.look(cursor)
                cursor = seen.cursor or None
                rest = max(_POLL, _SHARE * (time.perf_counter() - started))
                if seen.changed:
                    yield seen
                    yield from _hear(listener, debounce)
                    yield steps.run(settings)
                    rest = 0.0
                pause = _FIRST_PAUSE
            except AnalyticsError as error:
                yield Failed(error, pause)
                rest, pause = pause, min(2 * pause, _LONGEST_PAUSE)
            yield from _hear(listener, rest)


def listen(settings: Settings, sleep: Callable[[float], None] = time.sleep) -> Generator[Heard]:
    """Yields each publication as it comes, for ever. Raises ServerError if it cannot reach the server at the start."""
    return _listening(Listener(settings, sleep).__enter__())


def _listening(entered: Listener) -> Generator[Heard]:
    with contextlib.closing(entered) as listener:
        while True:
            yield from listener.wait(_LISTENING)


def _hear(listener: Listener, seconds: float) -> Iterator[Heard]:
    """Yields what is heard within that time."""
    until = time.monotonic() + seconds
    left = seconds
    while left >= 0:
        yield from listener.wait(left)
        left = until - time.monotonic()
        if left <= 0:
            return
