"""Connecting to the operational database, and saying clearly why that failed.

Belongs here: connections and engines for the embedded server, for ``SI_POSTGRES_URL`` and for ``SI_SOURCE_URL``.

Passwords stay in addresses: no message, no displayed address and no chained exception holds one. libpq's own
messages never do.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import psycopg
import sqlalchemy
from psycopg import conninfo

from si_analytics.errors import ServerError, SettingsError
from si_analytics.postgres import embedded, operational, sessions
from si_analytics.settings import Settings

APPLICATION = "si_analytics"
_CONNECT_SECONDS = 15
TARGET, SOURCE = "SI_POSTGRES_URL", "SI_SOURCE_URL"
_PORT = "5432"
_FORM = "Write postgresql://user:password@host:port/database"
_ENCODE = "Write @ as %40, : as %3A, / as %2F, ? as %3F and % as %25 in user and password"
_SECRETS = ("password", "sslpassword", "oauth_client_secret")
_WHERE = ("user", "host", "hostaddr", "port", "dbname", "service")
# Settings of the server, database or role must not change what is read. The library names every table in full and
# looks up nothing else, so an object on the search path cannot pose as one of Postgres's.
# A policy that hides rows from this role raises an error, so hidden rows never look like deleted ones.
_PLAIN = {"TimeZone": ("UTC",), "DateStyle": ("ISO", "YMD")}
_LIBRARY = {"search_path": ("pg_catalog", "pg_temp"), "row_security": ("off",), **_PLAIN}
# The other side may vanish silently. These settings notice a network that drops everything within about a minute.
NOTICED = {"keepalives_idle": "20", "keepalives_interval": "10", "keepalives_count": "4", "tcp_user_timeout": "60000"}
_MORE_TIME = "Give this role more time: alter role ... set {} = 0"
_LOST = "See that the server is up, then try again. Whether this role has a time limit: si doctor"
_LIMITS: Mapping[type[psycopg.Error], str] = {
    psycopg.errors.QueryCanceled: "statement_timeout",
    psycopg.errors.LockNotAvailable: "lock_timeout",
    psycopg.errors.TransactionTimeout: "transaction_timeout",
    psycopg.errors.IdleInTransactionSessionTimeout: "idle_in_transaction_session_timeout",
    psycopg.errors.IdleSessionTimeout: "idle_session_timeout",
}
_REMEDIES = (
    (
        r"unsupported startup parameter",
        "Take it out of SI_POSTGRES_URL, its service and the variables PG..., or have the pooler pass over it:"
        " ignore_startup_parameters = options",
    ),
    (r"statement pooling", "Use a pool in transaction or session mode, or the server itself"),
    (r"closed the connection unexpectedly", _LOST),
    (r"query_wait_timeout|no more connections", "Give the pool more connections, or end other sessions"),
    (r"service", "Check the service's name, and its file: PGSERVICEFILE, or ~/.pg_service.conf"),
    (r"password|authentication", "Check the user and password in SI_POSTGRES_URL"),
    (r"(database|role) .* does not exist", "Check the database and user in SI_POSTGRES_URL"),
    (r"pg_hba\.conf", "Let this user and host in on the server, or ask for encryption with ?sslmode=require"),
    (r"ssl|certificate", "Check ?sslmode= and the certificates SI_POSTGRES_URL names"),
    (r"too many|remaining connection slots", "End other sessions and try again"),
    (r"starting up|shutting down|recovery", "Try again in a moment"),
    (r"", "Is the server running, and are host and port in SI_POSTGRES_URL right? `si doctor` looks"),
)


class SourceAddress(str):
    """An address from ``SI_SOURCE_URL``: errors about it name that setting."""


def url(settings: Settings) -> str:
    """Returns the address of the operational database with its password; starts the embedded server if needed.

    Raises SettingsError for an invalid address, ServerError if the server does not start.
    """
    if settings.postgres_url is None:
        return embedded.start(settings.postgres_home).url
    given = settings.postgres_url.get_secret_value().strip()
    _parsed(given)
    return given


def source_url(settings: Settings) -> str:
    """Returns the address to read the operational tables at: ``SI_SOURCE_URL`` if set, else `url`. Raises the same."""
    if settings.source_url is None:
        return url(settings)
    given = SourceAddress(settings.source_url.get_secret_value().strip())
    _parsed(given)
    return given


def shown(address: str) -> str:
    """Returns `address` without password and parameters, fit for messages and logs."""
    try:
        parts = _parsed(address)
    except SettingsError as error:
        return f"({error.found})"
    return _address({key: parts[key] for key in _WHERE if key in parts})


def without_password(address: str) -> str:
    """Returns `address` without passwords and other secrets. Raises SettingsError for an invalid address."""
    return _address({key: value for key, value in _parsed(address).items() if key not in _SECRETS})


def connect(
    settings: Settings, *, read_only: bool = True, at_source: bool = False, **options: Any
) -> sessions.OwnConnection:
    """Returns a psycopg connection to the operational database, in UTC, with `pg_catalog` as its search path.

    Read-only by default; to the server results are published to unless `at_source`. Raises ServerError: unreachable,
    refused, no such database, or a standby when asked for a connection that writes.
    """
    address = source_url(settings) if at_source else url(settings)
    connection = _connected(address, read_only, _LIBRARY, options)
    connection.operational = settings.source_schema
    return connection


@dataclass(frozen=True)
class Place:
    """Where an address leads, after libpq has applied its service, the environment and password files.

    ``pooled`` says whether a pooler stands between us and the server and shares its sessions with others.
    """

    parameters: Mapping[str, str] = field(repr=False)
    pooled: bool


def place(address: str) -> Place:
    """Returns where `address` leads, by connecting to it. Raises ServerError if nobody answers."""
    with _connected(address, True, _LIBRARY, {}) as connection:
        info = connection.info
        found = info.get_parameters()
        # Of several hosts, keep the one that answered, so that every session is on the same server.
        found |= {"host": info.host, "port": str(info.port), "dbname": info.dbname, "user": info.user}
        if "hostaddr" in found:
            found["hostaddr"] = info.hostaddr
        return Place({**found, "password": info.password}, connection.pooled)


def leads_to(connection: psycopg.Connection[Any], address: str) -> str:
    """Returns the address that answered, without password and parameters; empty if `address` already says it."""
    info, parts = connection.info, _parsed(address)
    found = {"user": info.user, "host": info.host, "port": str(info.port), "dbname": info.dbname}
    said = {"port": _PORT, "host": parts.get("hostaddr", ""), **parts}
    return "" if all(said.get(name) == value for name, value in found.items()) else _address(found)


def is_pooled(connection: psycopg.Connection[Any]) -> bool:
    """Whether a pooler stands between a connection of ours and the server."""
    return isinstance(connection, sessions.OwnConnection) and connection.pooled


@contextlib.contextmanager
def asking(asked: str) -> Iterator[None]:
    """Turns a broken connection or a time limit into a ServerError with one sentence."""
    try:
        yield
    except psycopg.Error as error:
        limit = time_limit(error)
        if not limit and not isinstance(error, psycopg.OperationalError):
            raise
        reason = error.diag.message_primary or " ".join(str(error).split())
        raise ServerError(asked, reason, limit or _LOST) from error


def time_limit(error: psycopg.Error) -> str:
    """Returns what to do about the time limit that ended a statement; empty if none did."""
    name = next((name for kind, name in _LIMITS.items() if isinstance(error, kind)), None)
    return _MORE_TIME.format(name) if name else ""


def engine(settings: Settings, *, read_only: bool = True) -> sqlalchemy.Engine:
    """Returns a SQLAlchemy engine for people: it finds the operational tables without their schema.

    Read-only by default, on the server the tables are read from. Its ``url`` holds no password.
    """
    given = source_url if read_only else url
    parts = _parsed(given(settings))
    path = tuple(dict.fromkeys((settings.source_schema, operational.SCHEMA)))
    session = {"search_path": path, **_PLAIN}
    host, port = parts.get("host", ""), parts.get("port", "")
    service = {"service": parts["service"]} if "service" in parts else {}
    plain = bool(host) and not host.startswith("/") and "," not in host
    built = sqlalchemy.create_engine(
        sqlalchemy.URL.create(
            "postgresql+psycopg",
            username=parts.get("user"),
            host=host if plain else None,
            port=int(port) if plain and port else None,
            database=parts.get("dbname"),
            query={**({} if plain or not host else {"host": host}), **service},
        ),
        pool_pre_ping=True,
    )

    @sqlalchemy.event.listens_for(built, "do_connect")
    def _connect(dialect: Any, record: Any, unnamed: Any, arguments: dict[str, Any]) -> Any:
        # The address is in libpq's format, so libpq reads it; `context` passes on SQLAlchemy's own adapters.
        return _connected(given(settings), read_only, session, {"context": arguments.get("context")})

    return built


def refused(address: str, error: psycopg.Error) -> ServerError:
    """Returns the error for a connection that failed."""
    words = re.sub(r"\s*Is the server running [^?]*\?", "", " ".join(str(error).split()))
    found = re.sub(r"(?i)password\s*=\s*('(\\.|[^'\\])*'?|\S+)", "password=***", words)
    remedy = time_limit(error) or next(remedy for sign, remedy in _REMEDIES if re.search(sign, found, re.IGNORECASE))
    return ServerError(f"connecting to {shown(address)}", found, remedy.replace(TARGET, _setting(address)))


def unknown_letters(address: str) -> ServerError:
    """Returns the error for a database that does not say which encoding its text has."""
    found = "its encoding is SQL_ASCII, so nobody can tell which letters its bytes are"
    remedy = "Dump it, create the database with encoding 'UTF8', and restore it there"
    return ServerError(f"using {shown(address)}", found, remedy)


def standby(address: str) -> ServerError:
    """Returns the error for writing to a standby."""
    remedy = f"Name the primary in {TARGET}; to read here and publish there, name this one in {SOURCE}"
    return ServerError(f"writing to {shown(address)}", "it is a standby, which can only be read", remedy)


def _setting(address: str) -> str:
    return SOURCE if isinstance(address, SourceAddress) else TARGET


def _connected(
    address: str, read_only: bool, session: sessions.Settings, options: Mapping[str, Any]
) -> sessions.OwnConnection:
    parts = _parsed(address)
    # A statement prepared on one session of a pooler is missing on the next.
    given: dict[str, Any] = {"client_encoding": "utf8", "fallback_application_name": APPLICATION}
    given |= {"prepare_threshold": None, **options}
    if "connect_timeout" not in parts and "PGCONNECT_TIMEOUT" not in os.environ:
        given["connect_timeout"] = _CONNECT_SECONDS
    given.update({name: value for name, value in NOTICED.items() if name not in parts})
    try:
        connection = _settled(sessions.OwnConnection.connect(address, **given), read_only, session)
    except psycopg.Error as error:
        # Psycopg's error carries the connection's parameters with the password, so keep only its message.
        failure = type(error)(str(error))
    else:
        if connection.info.parameter_status("server_encoding") == "SQL_ASCII":
            connection.close()
            raise unknown_letters(address)
        if not read_only and connection.info.parameter_status("in_hot_standby") == "on":
            connection.close()
            raise standby(address)
        return connection
    raise refused(address, failure) from failure


def _settled(connection: sessions.OwnConnection, read_only: bool, session: sessions.Settings) -> sessions.OwnConnection:
    try:
        connection.settle(session, read_only=read_only)
    except BaseException:
        connection.close()
        raise
    return connection


def _parsed(address: str) -> dict[str, str]:
    """Returns the parts of an address as libpq reads it. Raises SettingsError, without quoting it, if it is invalid."""
    asked = f"the setting {_setting(address)}"
    scheme, found, rest = address.partition("://")
    if scheme not in {"postgresql", "postgres"} or not found:
        raise SettingsError(asked, "it does not begin with postgresql://", _FORM)
    authority = re.split(r"[/?]", rest, maxsplit=1)[0]
    if authority.count("@") > 1 or ("@" not in authority and ":" in authority and "@" in rest):
        raise SettingsError(asked, "its user or password holds a character that ends it", _ENCODE)
    parts = _read(address)
    if parts is None:
        raise SettingsError(asked, "it is not an address Postgres understands", f"{_FORM}. {_ENCODE}")
    if not re.fullmatch(r"[0-9,]*", parts.get("port", "")):
        raise SettingsError(asked, "its port is not a number", f"{_FORM}. {_ENCODE}")
    return parts


def _read(address: str) -> dict[str, str] | None:
    """Returns the parts libpq finds in an address; None if it is invalid. Hides libpq's error, for it quotes it."""
    try:
        found = conninfo.conninfo_to_dict(address)
    except psycopg.Error:
        return None
    return {key: str(value) for key, value in found.items() if value is not None}


def _address(parts: Mapping[str, str]) -> str:
    """Returns an address of these parts; socket folders and lists of hosts go into its parameters."""
    rest = dict(parts)
    user = quote(rest.pop("user"), safe="") + "@" if "user" in rest else ""
    place = ""
    if "/" not in rest.get("host", "") and "," not in rest.get("host", ""):
        host, port = rest.pop("host", ""), rest.pop("port", "")
        place = (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")
    database = "/" + quote(rest.pop("dbname"), safe="") if "dbname" in rest else ""
    query = "?" + urlencode(rest, safe="/,", quote_via=quote) if rest else ""
    return f"postgresql://{user}{place}{database}{query}"
