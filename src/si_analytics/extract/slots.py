"""Reads from Postgres's log which keys changed, so that an extraction costs what changed, whatever a table holds.

Belongs here: what the log tells since the last refresh, how far, and letting the server forget it. docs/extraction.md
proves that no change is missed. `pgoutput` reads the messages.

The log is only looked at (peeked) while a refresh works. The slot moves on when the warehouse is replaced, so a refresh
that dies finds the same changes again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID

import duckdb
import psycopg

from si_analytics import postgres
from si_analytics.definitions import project
from si_analytics.errors import AnalyticsError, InterruptedReadError
from si_analytics.extract import pgoutput, source, standby
from si_analytics.extract.incremental import Baseline
from si_analytics.extract.log_position import LogPosition
from si_analytics.extract.source import ReadTable, Snapshot
from si_analytics.postgres import sessions, slots
from si_analytics.settings import SLOT, Settings

_MOST_KEYS = 100_000  # of a table: beyond, one pass over it is quicker
_AT_ONCE = 10_000
_PEEK = (
    "select data from pg_logical_slot_peek_binary_changes(%(slot)s, '0/0'::pg_lsn + %(upto)s::numeric, null,"
    " 'proto_version', '1', 'publication_names', %(publication)s)"
)
_ON_DISK = "select pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0') >= %(upto)s"
# A transaction that wrote to the log brings it to the disk when it commits, with all that was written before.
_TO_DISK = "set local synchronous_commit = on; select pg_logical_emit_message(true, 'si_analytics', '')"
_ADVANCE = (
    "select pg_replication_slot_advance(slot_name, '0/0'::pg_lsn + %(upto)s::numeric) from pg_replication_slots"
    " where slot_name = %(slot)s and confirmed_flush_lsn < '0/0'::pg_lsn + %(upto)s::numeric"
)
_REFUSED: Mapping[type[psycopg.Error], str] = {
    psycopg.errors.ObjectInUse: "another session reads the slot",
    psycopg.errors.ObjectNotInPrerequisiteState: "the slot has lost its part of the log",
    psycopg.errors.UndefinedObject: "the slot is older than its publication",
    psycopg.errors.QueryCanceled: "reading the log took longer than this role may take",
    psycopg.errors.InsufficientPrivilege: "this role may not read the slot, it lacks the attribute replication",
}


@dataclass(frozen=True)
class Changes:
    """What the log tells: the keys of changed rows by table, or ``reason`` why it tells nothing of any table.

    ``upto`` is what to record with the refresh, for the next one to go on from; None if that is not known. ``untold``
    has the reasons that are about single tables.
    """

    upto: LogPosition | None = None
    reason: str = ""
    keys: Mapping[int, frozenset[UUID]] = field(default_factory=dict, repr=False)
    untold: Mapping[int, str] = field(default_factory=dict, repr=False)

    def of(self, one: ReadTable) -> frozenset[UUID] | str:
        """Returns the keys of one table's changed rows, or why the log does not tell them."""
        if self.reason:
            return self.reason
        return self.untold.get(one.base.oid) or self.keys.get(one.base.oid, frozenset())


def changes(
    connection: duckdb.DuckDBPyConnection,
    now: Snapshot,
    sources: Iterable[ReadTable],
    since: Baseline | None,
    settings: Settings,
) -> Changes | None:
    """Returns what the log tells of the changes from `since` to the open snapshot; None if the settings ask for a scan.

    Raises InterruptedReadError if the connection breaks, ServerError if there is none.
    """
    if settings.changes != SLOT:
        return None
    if now.standby:
        return Changes(reason="a standby is read, which keeps no slot of its own")
    published = _published(connection, {one.base.oid: one for one in sources})
    before = since.snapshot.log if since else None
    if before and (before.slot, before.publication) != (settings.slot, published.identity):
        before = None
    try:
        with postgres.connect(settings, at_source=True, autocommit=True) as session:
            found = _read(session, now, published, before, settings.slot)
    except tuple(_REFUSED) as error:
        # What was recorded holds for every later snapshot as well.
        return Changes(before, next(reason for kind, reason in _REFUSED.items() if isinstance(error, kind)))
    except pgoutput.UnknownMessageError as error:
        return Changes(before, f"the log holds what this version does not read: {error}")
    except psycopg.Error as error:
        told = error.diag.message_primary or " ".join(str(error).split())
        raise InterruptedReadError("reading the log of changes", told, "Nothing was published; try again") from error
    if since and found.upto and not found.reason and since.snapshot.xmin < found.upto.since:
        return replace(found, reason="transactions were open when the slot or its publication changed")
    return found


def advance(settings: Settings, upto: LogPosition) -> str | None:
    """Lets the server forget the log before `upto`, which the published warehouse holds. Returns why it did not.

    Is no error: the next refresh does it, and until then the server keeps more of its log.
    """
    values = {"slot": upto.slot, "upto": upto.bytes}
    try:
        with postgres.connect(settings, at_source=True, autocommit=True) as session:
            session.execute(_ADVANCE, values)
    except AnalyticsError as error:
        return _not_advanced(upto, error.found)
    except psycopg.Error as error:
        return _not_advanced(upto, error.diag.message_primary or " ".join(str(error).split()))
    return None


def _not_advanced(upto: LogPosition, found: str) -> str:
    return f"moving the slot {upto.slot} on: {found}. The next refresh does it; see that one runs: si doctor"


@dataclass(frozen=True)
class _Published:
    """The publication as the snapshot shows it: its identity, the key of each table whose changes it tells, reasons."""

    identity: str
    keys: Mapping[int, str]
    untold: Mapping[int, str]


def _published(connection: duckdb.DuckDBPyConnection, sources: Mapping[int, ReadTable]) -> _Published:
    asked = project().postgres.change_publication.text
    rows = source.ask(connection, asked, publication=slots.PUBLICATION)
    tables = {oid: (whole, names) for _, oid, whole, names in rows}
    keys = {oid: project().sources[one.table].key for oid, one in sources.items()}
    untold = {}
    for oid, one in sources.items():
        whole, names = tables.get(oid, (False, None))
        if one.base.parts:
            untold[oid] = "its rows lie in several parts"
        elif not whole:
            untold[oid] = f"the publication {slots.PUBLICATION} does not tell of it"
        elif names != [keys[oid]]:
            untold[oid] = f"the publication {slots.PUBLICATION} tells other columns than its key"
    return _Published(rows[0][0] if rows else "", keys, untold)


def _read(
    session: sessions.OwnConnection, now: Snapshot, published: _Published, before: LogPosition | None, name: str
) -> Changes:
    """Reads the log from where the slot stands up to the snapshot."""
    if now.position is None or standby.server(session) != now.server:
        return Changes(reason="this role may not ask where the log is, or another server answers for it")
    if not published.identity:
        return Changes(reason=f"there is no publication {slots.PUBLICATION}")
    slot = slots.look(session, name)
    if slot.trouble:
        return Changes(reason=slot.trouble)
    reason = "nothing was read from this slot before"
    if before and (slot.confirmed_bytes or 0) > before.bytes:
        before, reason = None, "the slot has moved on beyond this warehouse"
    since = before.since if before else _next_transaction(session)
    log = _Log(now, published, before.bytes if before else None)
    for data in _peek(session, name, now.position.bytes):
        log.take(data)
    upto = now.position.bytes if log.unseen is None else log.unseen
    keys = {oid: frozenset(found) for oid, found in log.keys.items()}
    return Changes(LogPosition(name, published.identity, since, upto), "" if before else reason, keys, log.untold)


def _next_transaction(session: sessions.OwnConnection) -> int:
    """Returns a number that is higher than that of every transaction that has written by now."""
    ((number,),) = session.execute("select pg_current_xact_id()::text").fetchall()
    return int(number)


def _peek(session: sessions.OwnConnection, slot: str, upto: int) -> Iterator[bytes]:
    """Yields every message of the slot up to a place in the log, and leaves the slot where it is."""
    # Postgres decodes what is on disk. A commit that did not wait for the disk may be seen before.
    if session.execute(_ON_DISK, {"upto": upto}).fetchone() != (True,):
        with session.transaction():
            session.execute(_TO_DISK)
    values = {"slot": slot, "upto": upto, "publication": slots.PUBLICATION}
    with session.transaction(), session.cursor(name="si_peek", binary=True) as cursor:
        cursor.itersize = _AT_ONCE
        cursor.execute(_PEEK, values)
        for (data,) in cursor:
            yield data


@dataclass
class _Log:
    """Collects the keys of rows that transactions changed which `snapshot` sees and that commit from `first` on.

    Collects none without `first`. ``unseen`` is where the first transaction commits that the snapshot does not see.
    """

    snapshot: Snapshot
    published: _Published
    first: int | None
    keys: dict[int, set[UUID]] = field(default_factory=dict)
    untold: dict[int, str] = field(init=False)
    unseen: int | None = None
    _wanted: bool = False
    _described: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.untold = dict(self.published.untold)

    def take(self, data: bytes) -> None:
        """Takes the next message."""
        match pgoutput.read(data):
            case pgoutput.Begin(commits_at, transaction):
                self._begin(commits_at, transaction)
            case pgoutput.Relation(oid, columns, key):
                self._describe(oid, columns, key)
            case pgoutput.Rows(oid, keys) if self._wanted and oid in self.published.keys:
                self._changed(oid, keys)
            case pgoutput.Truncate(oids) if self._wanted:
                self.untold.update(dict.fromkeys(oids, "it was truncated"))

    def _begin(self, commits_at: int, transaction: int) -> None:
        seen = self.snapshot.sees(transaction)
        if not seen:
            self.unseen = commits_at if self.unseen is None else min(self.unseen, commits_at)
        self._wanted = seen and self.first is not None and commits_at >= self.first

    def _describe(self, oid: int, columns: tuple[str, ...], key: tuple[str, ...]) -> None:
        expected = (self.published.keys.get(oid),)
        if columns == key == expected:
            self._described.add(oid)
        else:
            self.untold.setdefault(oid, "the log tells other columns than its key")

    def _changed(self, oid: int, keys: tuple[str | None, ...]) -> None:
        if oid in self.untold:
            return
        if oid not in self._described or None in keys:
            self.untold[oid] = "the log tells its rows without their key"
            return
        found = self.keys.setdefault(oid, set())
        found.update(UUID(key) for key in keys if key)
        if len(found) > _MOST_KEYS:
            self.untold[oid] = f"more than {_MOST_KEYS:,} of its rows changed"
            del self.keys[oid]
