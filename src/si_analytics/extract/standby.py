"""Reading from a standby and publishing to the primary it follows.

Belongs here: checking that both hold the same database, and asking the primary what the standby may not know yet.
Reads only.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import psycopg

from si_analytics import postgres
from si_analytics.definitions import project
from si_analytics.errors import ServerError
from si_analytics.extract import source
from si_analytics.extract.source import Snapshot
from si_analytics.settings import Settings


def require_target(settings: Settings, read: Snapshot) -> None:
    """Checks that what is computed from the snapshot `read` can be published to the server in the settings.

    Raises ServerError if that server is a standby, or another database than the one that is read. Trusts the settings
    if a role may not ask a server which one it is; every row is read then, for changes cannot be found either.
    """
    if settings.source_url is None:
        if read.standby:
            raise postgres.standby(postgres.url(settings))
        return
    with speaking(), postgres.connect(settings, read_only=False) as connection:
        target = server(connection)
    require_same(settings, read.server, target)


def published(settings: Settings, refresh_id: UUID) -> bool:
    """Whether the primary has the record of that refresh; False if the publishing role may not ask."""
    if settings.source_url is None:
        return False
    query = "select count(*) from analytics.refreshes where refresh_id = %s"
    with speaking(), postgres.connect(settings) as connection:
        try:
            return connection.execute(query, [refresh_id]).fetchone() == (1,)
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedTable):
            connection.rollback()
            return False


def require_same(settings: Settings, read: str, target: str) -> None:
    if read and target and read != target:
        raise ServerError(
            f"reading at {postgres.shown(postgres.source_url(settings))}",
            f"it is neither the database that {postgres.TARGET} names nor a standby of it",
            f"Name in {postgres.SOURCE} a standby of the database that results are published to, or unset it",
        )


@contextmanager
def speaking() -> Iterator[None]:
    """Turns an error of either server into one sentence."""
    try:
        yield
    except psycopg.Error as error:
        found = error.diag.message_primary or " ".join(str(error).split())
        raise ServerError("asking the servers which they are", found, "Try again; si doctor may tell more") from error


def server(connection: psycopg.Connection[tuple[object, ...]]) -> str:
    """Returns the name of the cluster and database of a connection; empty if its role may not ask."""
    row = connection.execute(project().postgres.snapshot.text).fetchone()
    if row is None or not row[3]:
        return ""
    cluster = connection.execute(project().postgres.cluster.text).fetchone()
    return source.server_name(cluster[0], row[2]) if cluster else ""
