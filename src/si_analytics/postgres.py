"""The operational database: connecting to it, and saying clearly why that failed.

Belongs here: connections and engines for the embedded server, the one of ``SI_POSTGRES_URL`` and that of
``SI_SOURCE_URL``. May import: `errors`, `settings`, `embedded`, `operational`.

Passwords stay in addresses. No message, no address that is shown, and no exception that is chained to
ours holds one; libpq's own messages never do.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, LiteralString
from urllib.parse import quote, urlencode

import psycopg
import sqlalchemy
from psycopg import conninfo
from psycopg import sql as pg_sql

from si_analytics import embedded, operational
from si_analytics.errors import ServerError, SettingsError
from si_analytics.settings import Settings

APPLICATION = "si_analytics"
_CONNECT_SECONDS = 15
TARGET, SOURCE = "SI_POSTGRES_URL", "SI_SOURCE_URL"
_FORM = "Write postgresql://user:password@host:port/database"
_ENCODE = "Write @ as %40, : as %3A, / as %2F, ? as %3F and % as %25 in user and password"
_SECRETS = ("password", "sslpassword", "oauth_client_secret")
_WHERE = ("user", "host", "hostaddr", "port", "dbname")
# What the server, the database or the role has set for itself must not change what is read. The library
# names every table in full and looks up nothing else, so that nothing put on its path is taken for Postgres's.
# A policy that hides rows from this role is an error, never a row that is taken to be gone.
_LIBRARY = (
    "set search_path = pg_catalog, pg_temp; set time zone 'UTC'; set datestyle = 'ISO, YMD'; set row_security = off"
)
_PEOPLE = "set search_path = {}; set time zone 'UTC'; set datestyle = 'ISO, YMD'"
# The other side may be gone without a word. A network that swallows everything is told within about a minute, here and
# at the server; a server whose client was killed notices also while it waits for a lock, and lets go of its own.
NOTICED = {"keepalives_idle": "20", "keepalives_interval": "10", "keepalives_count": "4", "tcp_user_timeout": "60000"}
WATCHFUL: LiteralString = """
select pg_catalog.set_config(ours.name, ours.wanted, false)
from (
    values
    ('client_connection_check_interval', '1s'),
    ('tcp_keepalives_idle', '20s'),
    ('tcp_keepalives_interval', '10s'),
    ('tcp_keepalives_count', '4'),
    ('tcp_user_timeout', '60s')
) as ours (name, wanted)
inner join pg_catalog.pg_settings as held on ours.name = held.name
where held.source = 'default' and (ours.name like 'tcp%' or pg_catalog.version() like '%linux%')
"""
_REMEDIES = (
    (r"password|authentication", "Check the user and password in SI_POSTGRES_URL"),
    (r"(database|role) .* does not exist", "Check the database and user in SI_POSTGRES_URL"),
    (r"pg_hba\.conf", "Let this user and host in on the server, or ask for encryption with ?sslmode=require"),
    (r"ssl|certificate", "Check ?sslmode= and the certificates SI_POSTGRES_URL names"),
    (r"too many|remaining connection slots", "End other sessions and try again"),
    (r"starting up|shutting down|recovery", "Try again in a moment"),
    (r"", "Is the server running, and are host and port in SI_POSTGRES_URL right? `si doctor` looks"),
)


class SourceAddress(str):
    """An address given as ``SI_SOURCE_URL``: whatever is said of it names that setting."""


def url(settings: Settings) -> str:
    """The address of the operational database, password and all; starts the embedded server if needed.

    Raises SettingsError for an address that is not one, ServerError where the server will not start.
    """
    if settings.postgres_url is None:
        return embedded.start(settings.postgres_home).url
    given = settings.postgres_url.get_secret_value().strip()
    _parsed(given)
    return given


def source_url(settings: Settings) -> str:
    """The address that the operational tables are read at: that of ``SI_SOURCE_URL``, else `url`. Raises the same."""
    if settings.source_url is None:
        return url(settings)
    given = SourceAddress(settings.source_url.get_secret_value().strip())
    _parsed(given)
    return given


def shown(address: str) -> str:
    """`address` without password and parameters, fit for messages and logs."""
    try:
        parts = _parsed(address)
    except SettingsError as error:
        return f"({error.found})"
    return _address({key: parts[key] for key in _WHERE if key in parts})


def without_password(address: str) -> str:
    """`address` with all that clients need but the password. Raises SettingsError where it is none."""
    return _address({key: value for key, value in _parsed(address).items() if key not in _SECRETS})


def connect(
    settings: Settings, *, read_only: bool = True, at_source: bool = False, **options: Any
) -> operational.Connection:
    """A psycopg connection on the operational database, in UTC, that looks names up in `pg_catalog` alone.

    Read-only unless asked otherwise, and where results are published unless `at_source`. Raises ServerError:
    unreachable, refused, no such database; a standby, where one that writes is asked for.
    """
    address = source_url(settings) if at_source else url(settings)
    connection = _connected(address, read_only, _LIBRARY, options)
    connection.operational = settings.source_schema
    return connection


def engine(settings: Settings, *, read_only: bool = True) -> sqlalchemy.Engine:
    """A SQLAlchemy engine on the operational database, for people: tables are found without their schema.

    Read-only unless asked otherwise, and then where the tables are read. Its ``url`` holds no password.
    """
    given = source_url if read_only else url
    parts = _parsed(given(settings))
    path = dict.fromkeys((settings.source_schema, operational.SCHEMA))
    session = pg_sql.SQL(_PEOPLE).format(pg_sql.SQL(", ").join(map(pg_sql.Identifier, path)))
    host, port = parts.get("host", ""), parts.get("port", "")
    plain = bool(host) and not host.startswith("/") and "," not in host
    built = sqlalchemy.create_engine(
        sqlalchemy.URL.create(
            "postgresql+psycopg",
            username=parts.get("user"),
            host=host if plain else None,
            port=int(port) if plain and port else None,
            database=parts.get("dbname"),
            query={} if plain or not host else {"host": host},
        ),
        pool_pre_ping=True,
    )

    @sqlalchemy.event.listens_for(built, "do_connect")
    def _connect(dialect: Any, record: Any, unnamed: Any, arguments: dict[str, Any]) -> Any:
        # The address is libpq's, so libpq reads it; SQLAlchemy's own adapters come along as the context.
        return _connected(given(settings), read_only, session, {"context": arguments.get("context")})

    return built


def refused(address: str, error: psycopg.Error) -> ServerError:
    """The one-sentence error for a connection that failed."""
    words = re.sub(r"\s*Is the server running [^?]*\?", "", " ".join(str(error).split()))
    found = re.sub(r"(?i)password\s*=\s*('(\\.|[^'\\])*'?|\S+)", "password=***", words)
    remedy = next(remedy for sign, remedy in _REMEDIES if re.search(sign, found, re.IGNORECASE))
    return ServerError(f"connecting to {shown(address)}", found, remedy.replace(TARGET, _setting(address)))


def unknown_letters(address: str) -> ServerError:
    """The one-sentence error for a database that does not know which letters its bytes are."""
    found = "its encoding is SQL_ASCII, so nobody can tell which letters its bytes are"
    remedy = "Dump it, create the database with encoding 'UTF8', and restore it there"
    return ServerError(f"using {shown(address)}", found, remedy)


def standby(address: str) -> ServerError:
    """The one-sentence error for a server that follows another one, where something is to be written."""
    remedy = f"Name the primary in {TARGET}; to read here and publish there, name this one in {SOURCE}"
    return ServerError(f"writing to {shown(address)}", "it is a standby, which can only be read", remedy)


def _setting(address: str) -> str:
    return SOURCE if isinstance(address, SourceAddress) else TARGET


def _connected(
    address: str, read_only: bool, session: LiteralString | pg_sql.Composed, options: Mapping[str, Any]
) -> operational.Connection:
    parts = _parsed(address)
    given: dict[str, Any] = {"client_encoding": "utf8", **options}
    if "connect_timeout" not in parts and "PGCONNECT_TIMEOUT" not in os.environ:
        given["connect_timeout"] = _CONNECT_SECONDS
    if "application_name" not in parts:
        given["application_name"] = APPLICATION
    given.update({name: value for name, value in NOTICED.items() if name not in parts})
    try:
        connection = _prepared(operational.Connection.connect(address, **given), read_only, session)
    except psycopg.Error as error:
        # Psycopg's own error carries the connection's parameters, the password among them; its words go on alone.
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


def _prepared(
    connection: operational.Connection, read_only: bool, session: LiteralString | pg_sql.Composed
) -> operational.Connection:
    try:
        connection.execute(session)
        connection.execute(WATCHFUL)
        if read_only:
            connection.execute("set default_transaction_read_only = on")
        if not connection.autocommit:
            connection.commit()
    except BaseException:
        connection.close()
        raise
    return connection


def _parsed(address: str) -> dict[str, str]:
    """The parts of an address as libpq reads it; raises SettingsError, which shows nothing of it, where it is none."""
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
    """What libpq makes of an address. Its complaint quotes the address, so it goes no further than here."""
    try:
        found = conninfo.conninfo_to_dict(address)
    except psycopg.Error:
        return None
    return {key: str(value) for key, value in found.items() if value is not None}


def _address(parts: Mapping[str, str]) -> str:
    """An address of these parts; hosts that are folders of sockets stand among the parameters."""
    rest = dict(parts)
    user = quote(rest.pop("user"), safe="") + "@" if "user" in rest else ""
    place = ""
    if "/" not in rest.get("host", "") and "," not in rest.get("host", ""):
        host, port = rest.pop("host", ""), rest.pop("port", "")
        place = (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")
    database = "/" + quote(rest.pop("dbname"), safe="") if "dbname" in rest else ""
    query = "?" + urlencode(rest, safe="/,", quote_via=quote) if rest else ""
    return f"postgresql://{user}{place}{database}{query}"
