"""The server of the operational database, for whoever runs it: encryption, clock, encoding, replication.

Belongs here: asking the server about itself, and about what was published to it. Reads only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import psycopg
from psycopg.rows import class_row

from si_analytics import postgres
from si_analytics.definitions import project
from si_analytics.health.findings import Finding, Verdict, rounded
from si_analytics.settings import Settings

ASKED = "asking the server"
_OLDEST = 140000
_APART = timedelta(seconds=5)
_LONE = ("", "localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class _Server:
    """What a server reports about itself."""

    connected_user: str
    server_version: str
    version_number: int
    encoding: str
    time_zone: str
    clock: datetime
    encryption: str
    wal_level: str
    has_publication: bool
    slots: int
    slot_limit: int
    limits: str


def look(settings: Settings, now: datetime) -> Iterator[Finding]:
    """The server's state, at this machine's `now`. Raises ServerError if it does not answer in time."""
    with postgres.asking(ASKED), postgres.connect(settings) as connection:
        with connection.cursor(row_factory=class_row(_Server)) as cursor:
            server = cursor.execute(project().postgres.server.text).fetchone()
        host, asked = connection.info.host, connection.info.get_parameters().get("sslmode", "")
    if server is None:  # never: pg_database lists this database whatever the rights
        return
    yield _version(server)
    yield _encryption(server, host, asked)
    yield _encoding(server)
    yield _clock(server, now)
    yield from _limits(server)
    yield _replication(server)


def connection(settings: Settings) -> Iterator[Finding]:
    """Where the address leads if it does not say so itself, and any pooler in between. Raises ServerError."""
    with postgres.connect(settings) as opened:
        pooled, where = postgres.is_pooled(opened), postgres.leads_to(opened, postgres.url(settings))
    if where:
        yield Finding(Verdict.well, "address", f"with its service and the variables PG... it leads to {where}")
    if pooled:
        found = "stands between: a refresh reads over one of its sessions, and leaves nothing set there"
        remedy = "For the quickest refresh, and for `si watch`, set SI_POSTGRES_URL to the server itself"
        yield Finding(Verdict.notable, "pooler", found, remedy)


def published(settings: Settings, now: datetime, stale: timedelta) -> Finding:
    """When each target was last published. Raises ServerError if the server does not answer in time."""
    with postgres.asking(ASKED), postgres.connect(settings) as connection:
        return _publication(_published(connection), now, stale)


def look_at_source(settings: Settings, now: datetime) -> list[Finding]:
    """The state of the server that tables are read from, if it has another address; raises the same errors."""
    if settings.source_url is None:
        return []
    with postgres.connect(settings, at_source=True) as connection:
        with connection.cursor(row_factory=class_row(_Server)) as cursor:
            (server,) = cursor.execute(project().postgres.server.text).fetchall()
        host, asked = connection.info.host, connection.info.get_parameters().get("sslmode", "")
    found = (_version(server), _encryption(server, host, asked), _clock(server, now), *_limits(server))
    return [
        replace(one, what=f"source {one.what}", remedy=one.remedy.replace(postgres.TARGET, postgres.SOURCE))
        for one in found
    ]


def _version(server: _Server) -> Finding:
    found = f"PostgreSQL {server.server_version} as {server.connected_user}"
    if server.version_number < _OLDEST:
        return Finding(Verdict.wrong, "Postgres", found, "Move to PostgreSQL 14 or later")
    return Finding(Verdict.well, "Postgres", found)


def _encryption(server: _Server, host: str, mode: str) -> Finding:
    if server.encryption:
        checked = "" if mode in {"verify-full", "verify-ca"} else "; the server's certificate is not checked"
        found = f"encrypted with {server.encryption}{checked}"
        remedy = "Add ?sslmode=verify-full and the certificate authority, ?sslrootcert=FILE" if checked else ""
        return Finding(Verdict.notable if checked else Verdict.well, "encryption", found, remedy)
    if host.startswith("/") or host in _LONE:
        return Finding(Verdict.well, "encryption", "none, and none needed: the server is on this machine")
    remedy = "Add ?sslmode=verify-full to SI_POSTGRES_URL"
    return Finding(Verdict.notable, "encryption", "none: rows and results cross the network in the clear", remedy)


def _encoding(server: _Server) -> Finding:
    return Finding(Verdict.well, "encoding", f"{server.encoding}, time zone {server.time_zone}; read as UTF-8 and UTC")


def _clock(server: _Server, now: datetime) -> Finding:
    apart = abs(server.clock - now)
    if apart <= _APART:
        return Finding(Verdict.well, "clock", "as this machine's, to 5 seconds")
    which = "ahead of" if server.clock > now else "behind"
    found = f"the server's is {apart.total_seconds():,.0f} s {which} this machine's"
    return Finding(Verdict.notable, "clock", found, "Set both by NTP: a refresh describes the server's moment")


def _limits(server: _Server) -> Iterator[Finding]:
    if server.limits:
        found = f"the server ends what this role does after {server.limits}"
        remedy = "If a refresh takes longer: alter role ... set ... = 0, for the role it connects as"
        yield Finding(Verdict.notable, "time limits", found, remedy)


def _replication(server: _Server) -> Finding:
    if not server.has_publication:
        remedy = "Make it, if a realtime service is to subscribe: si schema apply"
        return Finding(Verdict.notable, "replication", "there is no publication si_realtime", remedy)
    found = f"publication si_realtime; wal_level {server.wal_level}, {server.slots} logical slots"
    if server.slots and server.slot_limit < 0:
        remedy = "Set max_slot_wal_keep_size: a subscriber that stays away fills the server's disk"
        return Finding(Verdict.notable, "replication", f"{found}, without a limit to what they hold back", remedy)
    if server.wal_level != "logical":
        found += "; a subscriber would need wal_level = logical and a restart"
    return Finding(Verdict.well, "replication", found)


Record = tuple[datetime, datetime, dict[str, int]]


def _published(connection: psycopg.Connection[tuple[object, ...]]) -> list[Record] | str:
    """Every recorded publication, the last one first; or why they cannot be read."""
    try:
        rows = connection.execute(project().postgres.published_since.text, {"after": None}).fetchall()
    except (psycopg.errors.UndefinedTable, psycopg.errors.InsufficientPrivilege) as error:
        connection.rollback()
        return str(error.diag.message_primary)
    return [(row[3], row[1], row[2]) for row in reversed(rows)]  # type: ignore[misc]


def _publication(published: list[Record] | str, now: datetime, stale: timedelta) -> Finding:
    """When each target was last published, and when a row of it last changed."""
    if isinstance(published, str):
        remedy = "Build the schema (si schema apply), or grant select on analytics.refreshes"
        return Finding(Verdict.notable, "published", f"nothing can be told: {published}", remedy)
    if not published:
        return Finding(Verdict.notable, "published", "nothing yet", "Publish: si refresh")
    finished, as_of, targets = published[0]
    moved = [f"{name} {_moved(name, published, now)}" for name in sorted(targets)]
    found = f"{rounded(now - finished)} ago, as of {as_of.isoformat()}; rows last changed: {', '.join(moved)}"
    if now - finished > stale:
        return Finding(Verdict.notable, "published", found, "Bring it up to date: si refresh")
    return Finding(Verdict.well, "published", found)


def _moved(name: str, published: list[Record], now: datetime) -> str:
    changed = next((finished for finished, _, rows in published if rows.get(name)), None)
    return "never" if changed is None else f"{rounded(now - changed)} ago"
