"""The operational database: connecting to it, and saying clearly why that failed.

Belongs here: connections and engines for the embedded server or the one of ``SI_POSTGRES_URL``.
May import: `errors`, `settings`, `embedded`.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import psycopg
import sqlalchemy
from psycopg import conninfo

from si_analytics import embedded
from si_analytics.errors import ServerError, SettingsError
from si_analytics.settings import Settings

_CONNECT_SECONDS = 15
APPLICATION = "si_analytics"


def url(settings: Settings) -> str:
    """The address of the operational database, password and all; starts the embedded server if needed.

    Raises SettingsError for an address that is not one, ServerError where the server will not start.
    """
    if settings.postgres_url is None:
        return embedded.start(settings.postgres_home).url
    given = settings.postgres_url.get_secret_value().strip()
    if not given.startswith(("postgresql://", "postgres://")):
        raise SettingsError(
            "the setting SI_POSTGRES_URL",
            "it does not begin with postgresql://",
            "Write postgresql://user:password@host:port/database",
        )
    try:
        conninfo.conninfo_to_dict(given)
    except psycopg.ProgrammingError as error:
        raise SettingsError(
            "the setting SI_POSTGRES_URL",
            "it is not an address Postgres understands",
            "Write postgresql://user:password@host:port/database",
        ) from error
    return given


def shown(address: str) -> str:
    """`address` without password and parameters, fit for messages and logs."""
    parts = urlsplit(address)
    user = f"{unquote(parts.username)}@" if parts.username else ""
    host = parts.hostname or "local socket"
    port = f":{parts.port}" if parts.port else ""
    return urlunsplit((parts.scheme, f"{user}{host}{port}", parts.path, "", ""))


def connect(settings: Settings, *, read_only: bool = True, **options: Any) -> psycopg.Connection[tuple[Any, ...]]:
    """A psycopg connection on the operational database, in UTC, with `pg_catalog` first on its path.

    Read-only unless asked otherwise. Raises ServerError: unreachable, refused, no such database.
    """
    address = url(settings)
    try:
        connection = psycopg.connect(
            address, connect_timeout=_CONNECT_SECONDS, application_name=APPLICATION, **options
        )
    except psycopg.OperationalError as error:
        raise refused(address, error) from error
    connection.execute("set time zone 'UTC'")
    connection.execute("set search_path = public, pg_catalog")
    connection.commit()
    connection.read_only = read_only
    return connection


def engine(settings: Settings, *, read_only: bool = True) -> sqlalchemy.Engine:
    """A SQLAlchemy engine on the operational database; read-only unless asked otherwise."""
    address = url(settings)

    def create() -> Any:
        return connect(settings, read_only=read_only)

    # The address is libpq's (it may name a socket folder), so psycopg connects and SQLAlchemy pools.
    built = sqlalchemy.create_engine("postgresql+psycopg://", creator=create, pool_pre_ping=True)
    built.dialect.default_schema_name = "public"
    return built.execution_options(si_address=shown(address))


def refused(address: str, error: psycopg.Error) -> ServerError:
    """The one-sentence error for a connection that failed; libpq's words hold no password."""
    reason = " ".join(str(error).split())
    lowered = reason.lower()
    if "password authentication failed" in lowered or "no password supplied" in lowered:
        remedy = "Check the user and password in SI_POSTGRES_URL"
    elif "does not exist" in lowered:
        remedy = "Check the database and user in SI_POSTGRES_URL"
    else:
        remedy = "Is the server running and the host and port in SI_POSTGRES_URL right? `si doctor` looks"
    return ServerError(f"connecting to {shown(address)}", _without_secrets(reason, address), remedy)


def _without_secrets(text: str, address: str) -> str:
    password = urlsplit(address).password
    for secret in filter(None, (password, unquote(password) if password else None)):
        text = text.replace(secret, "***")
    return text
