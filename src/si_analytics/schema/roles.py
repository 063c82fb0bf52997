"""The server roles that read what an extraction reads and write what a publication writes, and nothing else.

Belongs here: setting up what ``sql/views/roles.sql`` declares.

A role belongs to the server, while the views it reads belong to a database. So roles are set up separately from the
schema, by somebody who may create roles.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import LiteralString

import psycopg
from psycopg.sql import SQL

from si_analytics import postgres
from si_analytics.definitions import contract, project
from si_analytics.errors import SchemaError
from si_analytics.postgres import locks, operational, relations
from si_analytics.schema import equivalents, generated, operations, stale_views
from si_analytics.schema.introspection import Connection
from si_analytics.settings import Settings

READER, PUBLISHER = generated.READER, generated.PUBLISHER
_ASKED = f"setting up the roles {READER} and {PUBLISHER}"
_BUILD = "Nothing was changed; build the schema first: si schema apply"
_COMPARE = "Nothing was changed; what differs from the declared schema: si schema diff"
_CONNECT = "Nothing was changed; connect as the owner of the schema analytics, with the right to create roles"


@dataclass(frozen=True)
class RoleReport:
    """What `apply` left: the role, whether it is new, what it may read and write, and what else it may do.

    ``others`` names relations with further rights, granted to the role or to everybody.
    """

    role: str
    created: bool
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    others: tuple[str, ...]


def apply(settings: Settings) -> tuple[RoleReport, RoleReport]:
    """Creates the reading and the publishing role, or grants them what they lack, in one transaction.

    Recreates a reading view that shows another table than the one its name stands for. A second run changes nothing.

    Raises SchemaError, having changed nothing, if the views and tables for these roles are missing, or if this
    connection may not create roles or grant rights on them.
    """
    with postgres.connect(settings, read_only=False) as connection:
        try:
            with connection.transaction():
                locks.limit(connection, settings.lock_timeout)
                return _apply(connection)
        except psycopg.errors.LockNotAvailable as error:
            found = locks.kept_waiting(connection, settings.lock_timeout)
            raise SchemaError(_ASKED, found, f"Nothing was changed; {locks.WAIT_LONGER}") from error
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName) as error:
            there = operations.elsewhere(connection)
            remedy = f"Nothing was changed; most tables are in the schema {there}: {operational.SETTING}={there}"
            raise SchemaError(_ASKED, str(error.diag.message_primary), remedy if there else _BUILD) from error
        except psycopg.errors.UndefinedColumn as error:
            raise SchemaError(_ASKED, str(error.diag.message_primary), _COMPARE) from error
        except psycopg.errors.InsufficientPrivilege as error:
            raise SchemaError(_ASKED, str(error.diag.message_primary), _CONNECT) from error
        except psycopg.Error as error:
            # Another session may create the role at the same moment, in this database or another.
            found = error.diag.message_primary or " ".join(str(error).split())
            limit = postgres.time_limit(error)
            remedy = f"Nothing was changed. {limit}" if limit else "Nothing was changed; try again"
            raise SchemaError(_ASKED, found, remedy) from error


def readable(schema: str = operational.SCHEMA) -> dict[str, frozenset[str] | None]:
    """Returns what the reading role may read, with the columns, None for all: every extracted table's listed columns
    and row marks, the view that shows the same, and the record of refreshes.

    A column of which only a digest is read is not among them: the view shows the digest.
    """
    names, sources = tuple(project().sources), project().sources
    asked = {
        name: relations.MARKS
        | {relations.PART}
        | {one.name for one in contract.columns(name)} - {*sources[name].digests}
        for name in names
    }
    tables = {f"{schema}.{name}": columns for name, columns in asked.items()}
    views = {f"{relations.ANALYTICS}.source_{name}": None for name in names}
    return {**tables, **views, f"{relations.ANALYTICS}.{relations.REFRESHES}": None}


def writable(schema: str = operational.SCHEMA) -> tuple[str, ...]:
    """Returns what the publishing role may write: every target, and the record of refreshes."""
    targets = (target.within(schema).label for target in project().targets.values())
    return tuple(sorted((*targets, f"{relations.ANALYTICS}.{relations.REFRESHES}")))


def _apply(connection: Connection) -> tuple[RoleReport, RoleReport]:
    known = connection.execute(
        "select to_regrole(%s) is not null, to_regrole(%s) is not null", [READER, PUBLISHER]
    ).fetchone() or (False, False)
    space = operational.of(connection)
    stale_views.replace(connection, stale_views.find(connection, stale_views.source_views()))
    there = equivalents.look(connection)
    for text in statements(space, there.views()):
        connection.execute(SQL(text))
    reading = _report(connection, READER, not known[0], _there(readable(space), there.views(), space), ())
    read = (f"{space}.{table}" for target in project().targets.values() for table, _ in target.looked_up)
    beside = dict.fromkeys((*writable(space), *read))
    return reading, _report(connection, PUBLISHER, not known[1], beside, writable(space))


def statements(space: str = operational.SCHEMA, unmarked: Sequence[str] = ()) -> Iterator[LiteralString]:
    """Yields the statements that set up the roles: the file, then the grants that follow from sources and targets."""
    ours = project()
    yield operational.text(ours.roles.text, space)
    yield generated.reader_grants(generated.reads(ours, unmarked), space)
    yield generated.publisher_grants(target.within(space) for target in ours.targets.values())


def _there(
    reads: Mapping[str, frozenset[str] | None], views: Sequence[str], schema: str
) -> Mapping[str, frozenset[str] | None]:
    """Returns what to read if views take the place of tables: their rows have no marks."""
    without = {f"{schema}.{name}" for name in views}
    marks = relations.MARKS | {relations.PART}
    return {name: columns - marks if columns and name in without else columns for name, columns in reads.items()}


def _report(
    connection: Connection,
    role: str,
    created: bool,
    reads: Mapping[str, frozenset[str] | None],
    writes: tuple[str, ...],
) -> RoleReport:
    rows = connection.execute(SQL(project().postgres.role_rights.text), {"role": role}).fetchall()
    held = {relation: frozenset(read) for relation, read, _ in rows}
    lacking = {name for name, columns in reads.items() if not held.get(name) or (columns and columns - held[name])}
    lacking |= set(writes) - {relation for relation, _, may_write in rows if may_write}
    if lacking:
        # Postgres only warns when a role grants a right that it has but may not pass on.
        raise SchemaError(_ASKED, f"the rights on {min(lacking)} are not yours to grant", _CONNECT)
    beyond = (
        relation
        for relation, _, may_write in rows
        if held[relation] - _allowed(reads, relation, held) or (may_write and relation not in writes)
    )
    return RoleReport(role, created, tuple(sorted(reads)), writes, tuple(beyond))


def _allowed(
    reads: Mapping[str, frozenset[str] | None], relation: str, held: Mapping[str, frozenset[str]]
) -> frozenset[str]:
    """Returns the columns of a relation that the role is meant to read: the listed ones, or all if none are listed."""
    columns = reads.get(relation, frozenset())
    return held[relation] if columns is None else columns
