"""The publication and the replication slot by which Postgres tells which rows changed.

Belongs here: making both, and dropping them. What reads them is `extract.slots`.

The publication holds the key of each extracted table and nothing else, so no other value enters what the slot tells.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg.sql import SQL, Composed, Identifier, Literal

from si_analytics import postgres
from si_analytics.definitions import project
from si_analytics.errors import SchemaError
from si_analytics.postgres import locks, operational, slots
from si_analytics.schema.introspection import Connection
from si_analytics.settings import Settings

_RIGHTS = (
    "Connect as the owner of the tables, with the right to create publications (grant create on database) and the"
    " attribute replication: alter role ... replication, as a superuser"
)


@dataclass(frozen=True)
class SlotReport:
    """What stands now: the slot, whether it is new, the tables whose changes it tells, and those it cannot tell."""

    slot: str
    created: bool
    tables: tuple[str, ...]
    untold: tuple[str, ...]


def apply(settings: Settings) -> SlotReport:
    """Makes the publication and the slot of these settings, or brings them up to date; again: nothing changes.

    A table is left out if the log would not tell its rows by their key: Postgres would refuse its updates.

    Raises SchemaError if this server keeps no logical slots, or if this connection may not do it.
    """
    asked = f"making the slot {settings.slot}"
    _require_primary(asked, settings)
    with _told(asked, settings), postgres.connect(settings, read_only=False, autocommit=True) as connection:
        slot = slots.look(connection, settings.slot)
        _require_logical(asked, slot)
        keyed = _keyed(connection)
        with connection.transaction():
            locks.limit(connection, settings.lock_timeout)
            anew = _publish(connection, keyed)
        if slot.slot_name and (anew or slot.wal_status == slots.LOST or slot.is_conflicting):
            # A slot from before its publication cannot be read, nor one that has lost its part of the log.
            connection.execute("select pg_drop_replication_slot(%s)", [settings.slot])
        created = slots.look(connection, settings.slot).slot_name is None
        if created:
            with connection.transaction():
                # Postgres waits for every transaction that has written, for ever if it is let.
                locks.limit(connection, settings.lock_timeout)
                connection.execute("select pg_create_logical_replication_slot(%s, %s)", [settings.slot, slots.PLUGIN])
    return SlotReport(settings.slot, created, tuple(keyed), tuple(sorted(set(project().sources) - set(keyed))))


def drop(settings: Settings) -> bool:
    """Drops the slot of these settings, so that the server keeps no log for it; returns whether there was one.

    Drops the publication too, unless another slot is left that may tell by it.
    """
    with (
        _told(f"dropping the slot {settings.slot}", settings),
        postgres.connect(settings, read_only=False, autocommit=True) as connection,
    ):
        dropped = connection.execute(
            "select pg_drop_replication_slot(slot_name) from pg_replication_slots"
            " where slot_name = %s and database = current_database()",
            [settings.slot],
        ).rowcount
        others = connection.execute(
            "select from pg_replication_slots where plugin = %s and database = current_database()", [slots.PLUGIN]
        ).rowcount
        if not others:
            connection.execute(SQL("drop publication if exists {}").format(Identifier(slots.PUBLICATION)))
    return bool(dropped)


def _require_primary(asked: str, settings: Settings) -> None:
    if settings.source_url is None:
        return  # connecting to write refuses a standby
    with _told(asked, settings), postgres.connect(settings, at_source=True) as connection:
        if slots.look(connection, settings.slot).is_standby:
            found = f"{postgres.SOURCE} leads to a standby, whose changes are found by a scan"
            raise SchemaError(asked, found, f"Leave SI_CHANGES at scan, or unset {postgres.SOURCE}")


def _require_logical(asked: str, slot: slots.Slot) -> None:
    if slot.server_version < slots.OLDEST:
        raise SchemaError(asked, "PostgreSQL before 15 publishes whole rows", "Leave SI_CHANGES at scan, or move on")
    if slot.wal_level != "logical":
        remedy = "Set wal_level = logical in postgresql.conf and restart the server, or leave SI_CHANGES at scan"
        raise SchemaError(asked, f"wal_level is {slot.wal_level}", remedy)
    if slot.slot_name and not (slot.is_here and slot.plugin == slots.PLUGIN):
        found = (
            f"the database {slot.slot_database or '(none)'} has a slot of that name, with {slot.plugin or 'no plugin'}"
        )
        raise SchemaError(asked, found, "Name another one: SI_SLOT")


def _keyed(connection: Connection) -> Mapping[str, str]:
    """Returns the extracted tables that the log can tell by their key, with the key."""
    rows = connection.execute(operational.query(connection, project().postgres.change_keys)).fetchall()
    found = {table: key for table, key, has_parts, _ in rows if not has_parts}
    return {name: one.key for name, one in project().sources.items() if found.get(name) == one.key}


def _publish(connection: Connection, keyed: Mapping[str, str]) -> bool:
    """Makes the publication tell these tables by their keys; returns whether it is a new one."""
    named = [
        SQL("only {} ({})").format(operational.table(connection, table), Identifier(key))
        for table, key in keyed.items()
    ]
    publication, tables = Identifier(slots.PUBLICATION), SQL(", ").join(named)
    known = connection.execute("select from pg_publication where pubname = %s", [slots.PUBLICATION]).rowcount
    if not known:
        statement: Composed = SQL("create publication {} for table {}").format(publication, tables)
        connection.execute(statement)
        return True
    if _differs(connection, keyed):
        connection.execute(SQL("alter publication {} set table {}").format(publication, tables))
        connection.execute(
            SQL("alter publication {} set (publish = {})").format(
                publication, Literal("insert, update, delete, truncate")
            )
        )
    return False


def _differs(connection: Connection, keyed: Mapping[str, str]) -> bool:
    """Whether the publication tells other tables or columns. Changed needlessly, it would cost a scan of all tables."""
    oids = {
        oid: [key]
        for table, key in keyed.items()
        for (oid,) in connection.execute(
            "select to_regclass(%s)::oid::bigint", [operational.table(connection, table).as_string(connection)]
        ).fetchall()
    }
    values = {"publication": slots.PUBLICATION}
    rows = connection.execute(project().postgres.change_publication.text, values).fetchall()
    return {oid: names for _, oid, whole, names in rows if whole} != oids or len(rows) != len(oids)


@contextmanager
def _told(asked: str, settings: Settings) -> Iterator[None]:
    """Turns an error of Postgres into one sentence."""
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        raise SchemaError(asked, str(error.diag.message_primary), _RIGHTS) from error
    except psycopg.errors.ObjectInUse as error:
        raise SchemaError(asked, str(error.diag.message_primary), "Let the refresh that reads it end") from error
    except psycopg.errors.LockNotAvailable as error:
        found = f"another session was in the way for {settings.lock_timeout} s: a table locked, or a transaction open"
        raise SchemaError(asked, found, f"Nothing was changed; {locks.WAIT_LONGER}") from error
    except psycopg.Error as error:
        found = error.diag.message_primary or " ".join(str(error).split())
        raise SchemaError(asked, found, postgres.time_limit(error) or "Try again; si doctor may tell more") from error
