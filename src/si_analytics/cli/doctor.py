"""`si doctor`: is everything in place, and what to do where it is not."""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version

import typer

from si_analytics import postgres, reader, schema, settings
from si_analytics.cli.output import Json, as_json, table
from si_analytics.errors import AnalyticsError
from si_analytics.settings import Settings

_PACKAGES = ("si_analytics", "duckdb", "polars", "psycopg", "sqlalchemy", "plotly")


@dataclass(frozen=True)
class Finding:
    """One thing looked at: whether it is well, what was found, what to do if not."""

    what: str
    well: bool
    found: str
    remedy: str = ""


def doctor(json: Json = False) -> None:
    """Look at settings, versions, the connection, the schema and the warehouse; exit 1 if anything is wrong."""
    current = settings.load()
    findings = [*_settings(current), *_versions()]
    connection = _look("Postgres", lambda: _server(current))
    findings.append(connection)
    if connection.well:
        findings.append(_look("schema", lambda: _schema(current)))
    findings.append(_look("warehouse", lambda: _warehouse(current)))
    if json:
        as_json([asdict(one) for one in findings])
    else:
        table(
            ("", "what", "found", "what to do"),
            [("ok" if one.well else "WRONG", one.what, one.found, one.remedy) for one in findings],
        )
    if not all(one.well for one in findings):
        raise typer.Exit(1)


def _settings(current: Settings) -> list[Finding]:
    shown = {
        "SI_POSTGRES_URL": "the embedded server"
        if current.postgres_url is None
        else postgres.shown(current.postgres_url.get_secret_value()),
        "SI_HOME": str(current.home),
        "SI_WAREHOUSE": str(current.warehouse),
        "SI_CURRENCY": current.currency,
        "SI_TIMEZONE": current.timezone,
        "SI_MEMORY_LIMIT": current.memory_limit or "DuckDB's default",
    }
    return [Finding(name, True, f"{value} ({settings.origin(name)})") for name, value in shown.items()]


def _versions() -> list[Finding]:
    found = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return [Finding("versions", True, f"Python {platform.python_version()}, {found}")]


def _look(what: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(what, True, look())
    except AnalyticsError as error:
        return Finding(what, False, f"{error.asked}: {error.found}", error.remedy)


def _server(current: Settings) -> str:
    with postgres.connect(current) as connection:
        row = connection.execute("select current_user, current_setting('server_version')").fetchone()
    return f"PostgreSQL {row[1]} as {row[0]}" if row else "no answer"


def _schema(current: Settings) -> str:
    differences = [one for one in schema.diff(current) if not one.extra]
    if differences:
        raise AnalyticsError(
            "the operational schema", f"{len(differences)} objects differ", "See them: si schema diff; build: si schema apply"
        )
    return f"all {len(schema.tables())} tables as declared"


def _warehouse(current: Settings) -> str:
    with reader.connect(current) as warehouse:
        return f"{current.warehouse} as of {warehouse.as_of.isoformat()}"
