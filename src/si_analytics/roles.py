"""The role of a database server that reads what an extraction reads, and nothing else.

Belongs here: setting up what ``sql/views/roles.sql`` declares. May import: `errors`, `settings`, `sql`, `postgres`,
`catalog`, `source`.

A role belongs to the server and the views it reads to a database, so that it is set up apart from the schema, by
somebody who may create roles.
"""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
from psycopg.sql import SQL

from si_analytics import postgres, source, sql
from si_analytics.catalog import Connection
from si_analytics.errors import SchemaError
from si_analytics.settings import Settings

READER = "si_reader"
_ASKED = f"setting up the role {READER}"
_BUILD = "Nothing was changed; build the schema first: si schema apply"
_CONNECT = "Nothing was changed; connect as the owner of the schema analytics, with the right to create roles"


@dataclass(frozen=True)
class RoleReport:
    """What `apply` left: the role, whether it is new, what it reads, and what else somebody lets it do.

    ``others`` names relations beyond those, where a right was granted to the role, or to everybody.
    """

    role: str
    created: bool
    reads: tuple[str, ...]
    others: tuple[str, ...]


def apply(settings: Settings) -> RoleReport:
    """Create the role that reads the extracted columns, or give it what it lacks, in one transaction.

    Run again it changes nothing. Raises SchemaError, having changed nothing, where the views that it reads are
    missing, and where whoever is connected may not create roles or grant rights on the views.
    """
    with postgres.connect(settings, read_only=False) as connection:
        try:
            with connection.transaction():
                return _apply(connection)
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName) as error:
            raise SchemaError(_ASKED, str(error.diag.message_primary), _BUILD) from error
        except psycopg.errors.InsufficientPrivilege as error:
            raise SchemaError(_ASKED, str(error.diag.message_primary), _CONNECT) from error
        except psycopg.Error as error:
            # Another session may create the role at the same moment, from this database or from another.
            found = error.diag.message_primary or " ".join(str(error).split())
            raise SchemaError(_ASKED, found, "Nothing was changed; try again") from error


def readable() -> tuple[str, ...]:
    """What the role is to read: a view for each extracted table, and the record of refreshes."""
    views = (f"source_{table}" for table in sql.names("extract"))
    return tuple(f"{source.ANALYTICS}.{name}" for name in sorted((source.REFRESHES, *views)))


def _apply(connection: Connection) -> RoleReport:
    known = connection.execute("select to_regrole(%s) is not null", [READER]).fetchone() == (True,)
    connection.execute(SQL(sql.read("views", "roles").text))
    rows = connection.execute(SQL(sql.read("catalog", "role_rights").text), {"role": READER}).fetchall()
    reads, wanted = {relation for relation, may_read, _ in rows if may_read}, set(readable())
    if wanted - reads:
        # Postgres merely warns whoever grants a right that is not theirs to give but that they have.
        raise SchemaError(_ASKED, f"the rights on {min(wanted - reads)} are not yours to grant", _CONNECT)
    others = tuple(relation for relation, _, may_write in rows if may_write or relation not in wanted)
    return RoleReport(READER, not known, readable(), others)
