"""`si doctor`: is everything in place, and what to do where it is not."""

from __future__ import annotations

import difflib
import platform
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import typer

from si_analytics.cli.output import Json, Progress, as_json, table
from si_analytics.errors import AnalyticsError

if TYPE_CHECKING:
    from si_analytics.catalog import Difference
    from si_analytics.settings import Settings

_PACKAGES = ("si_analytics", "duckdb", "polars", "psycopg", "sqlalchemy", "plotly")
_OPTIONAL = ("dagster", "jupyterlab")
_STALE = timedelta(hours=36)
_LITTLE_ROOM = 1_000_000_000
_LISTED = 10


class Verdict(StrEnum):
    """How well a thing is."""

    well = "ok"
    notable = "note"
    wrong = "WRONG"


@dataclass(frozen=True)
class Finding:
    """One thing looked at: how well it is, what was found, what to do if not."""

    verdict: Verdict
    what: str
    found: str
    remedy: str = ""


def doctor(json: Json = False) -> None:
    """Look whether everything is in place.

    That is settings, versions, the connection, rights, the schema and the warehouse; exit 1 if anything
    is wrong. Passwords are not shown. The embedded Postgres is started where it exists; nothing is made or changed.
    """
    from si_analytics import settings

    current = settings.load()
    with Progress("looking", quiet=json):
        findings = [*_settings(current), *_versions(), _room(current), *_database(current), *_warehouse(current)]
    if json:
        as_json(findings)
    else:
        rows = [(one.verdict.value, one.what, one.found, one.remedy) for one in findings]
        table(("", "what", "found", "what to do"), rows)
    if any(one.verdict is Verdict.wrong for one in findings):
        raise typer.Exit(1)


def _settings(current: Settings) -> Iterator[Finding]:
    from si_analytics import postgres, settings

    given = current.postgres_url
    shown = {
        "SI_POSTGRES_URL": "the embedded server" if given is None else postgres.shown(given.get_secret_value()),
        "SI_HOME": current.home,
        "SI_WAREHOUSE": current.warehouse,
        "SI_CURRENCY": current.currency,
        "SI_TIMEZONE": current.timezone,
        "SI_MEMORY_LIMIT": current.memory_limit or "DuckDB's own",
        "SI_KEPT_DAYS": str(current.kept_days),
        "SI_MAX_LOSING_SHARE": f"{current.max_losing_share:f}",
    }
    for name, value in shown.items():
        yield Finding(Verdict.well, name, f"{value} ({settings.origin(name)})")
    for name in settings.unknown():
        near = difflib.get_close_matches(name, settings.names(), n=1)
        remedy = f"Did you mean {near[0]}?" if near else "Unset it, if it was meant for this"
        yield Finding(Verdict.notable, name, "it is set, and is no setting", remedy)


def _versions() -> Iterator[Finding]:
    found = [f"{name} {version(name)}" for name in _PACKAGES]
    for name in _OPTIONAL:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"no {name}")
    yield Finding(Verdict.well, "versions", f"Python {platform.python_version()}, {', '.join(found)}")


def _room(current: Settings) -> Finding:
    place = next(folder for folder in (current.home, *current.home.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    found = f"{free / 1e9:,.1f} GB free where SI_HOME is"
    if free < _LITTLE_ROOM:
        return Finding(Verdict.notable, "disk", found, "Make room: a refresh writes the warehouse anew")
    return Finding(Verdict.well, "disk", found)


def _database(current: Settings) -> Iterator[Finding]:
    from si_analytics import embedded

    if current.postgres_url is None and not (embedded.describe(current.postgres_home).data / "PG_VERSION").exists():
        remedy = "Make it: si schema apply, then si sample or si load"
        yield Finding(Verdict.wrong, "Postgres", "the embedded server was not made yet", remedy)
        return
    connection = _look("Postgres", lambda: _server(current))
    yield connection
    if connection.verdict is Verdict.well:
        yield from _look_into("rights", lambda: _rights(current))
        yield from _look_into("schema", lambda: _schema(current))


def _look(what: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(Verdict.well, what, look())
    except AnalyticsError as error:
        return Finding(Verdict.wrong, what, f"{error.asked}: {error.found}", error.remedy)


def _look_into(what: str, look: Callable[[], list[Finding]]) -> list[Finding]:
    try:
        return look()
    except AnalyticsError as error:
        return [Finding(Verdict.wrong, what, f"{error.asked}: {error.found}", error.remedy)]


def _server(current: Settings) -> str:
    from si_analytics import postgres

    with postgres.connect(current) as connection:
        row = connection.execute("select current_user, current_setting('server_version')").fetchone()
    return f"PostgreSQL {row[1]} as {row[0]}" if row else "no answer"


def _rights(current: Settings) -> list[Finding]:
    """What this user may not do, a finding per relation with the statement that would allow it."""
    from psycopg.sql import Identifier

    from si_analytics import extract, postgres, publish, sql

    targets = {name: sql.read("publish", name).fields["Target"] for name in publish.targets()}
    updated = [targets[name] for name in ("agent_profiles", "invite_templates", "users")]
    asked = {
        "read": list(extract.tables()),
        "updated": updated,
        "written": [target for target in targets.values() if target not in updated],
        "refreshed": [f"public.{name}" for name in publish.VIEWS],
    }
    with postgres.connect(current) as connection:
        missing = connection.execute(sql.read("catalog", "rights").text, asked).fetchall()
        role = Identifier(connection.info.user).as_string(connection)
    lacking: dict[str, list[str]] = {}
    for relation, needed in missing:
        lacking.setdefault(relation, []).append(needed)
    if lacking:
        return [
            Finding(
                Verdict.wrong, "rights", f"this user lacks {', '.join(needed)} on {name}", _grant(name, needed, role)
            )
            for name, needed in lacking.items()
        ]
    found = f"may read {len(asked['read'])} tables, write {len(targets)} and refresh {len(publish.VIEWS)} views"
    return [Finding(Verdict.well, "rights", found)]


def _grant(relation: str, needed: list[str], role: str) -> str:
    """The statement that gives what is missing; only its owner may refresh a materialized view."""
    if needed == ["ownership"]:
        return f"alter materialized view {relation} owner to {role}"
    kind = "" if "." in relation else "schema "
    return f"grant {', '.join(needed)} on {kind}{relation} to {role}"


def _schema(current: Settings) -> list[Finding]:
    """How the schema differs, a finding per object; where there are many, the first of them and their number."""
    from si_analytics import schema

    differences = [one for one in schema.diff(current) if not one.extra]
    if not differences:
        found = f"all {len(schema.tables())} tables and all that belongs to them as declared"
        return [Finding(Verdict.well, "schema", found)]
    named = [_difference(one) for one in differences[:_LISTED]]
    left = len(differences) - len(named)
    if left:
        found = f"{left} more object{'s differ' if left > 1 else ' differs'} from the declaration"
        named.append(Finding(Verdict.wrong, "schema", found, "See all of them: si schema diff"))
    return named


def _difference(one: Difference) -> Finding:
    found = f"the {one.kind} {one.name} {'is missing' if one.found is None else 'is not as declared'}"
    if one.found is None:
        remedy = "Build it: si schema apply"
    elif one.kind.endswith("view"):
        remedy = "Replace it: si schema apply --replace-views"
    else:
        remedy = "Alter it by hand; both definitions: si schema diff"
    return Finding(Verdict.wrong, "schema", found, remedy)


def _warehouse(current: Settings) -> Iterator[Finding]:
    from si_analytics import reader

    try:
        with reader.connect(current) as warehouse:
            taken = warehouse.sql("select max(taken_at) as taken_at from meta.refreshes").item()
            described = warehouse.as_of
    except AnalyticsError as error:
        yield Finding(Verdict.wrong, "warehouse", f"{error.asked}: {error.found}", error.remedy)
        return
    age = datetime.now(UTC) - taken.astimezone(UTC)
    found = f"refreshed {_rounded(age)} ago, as of {described.isoformat()}"
    if age > _STALE:
        yield Finding(Verdict.notable, "warehouse", found, "Bring it up to date: si refresh")
    else:
        yield Finding(Verdict.well, "warehouse", found)


def _rounded(age: timedelta) -> str:
    """``3 minutes``, ``5 hours``, ``2 days``."""
    minutes = int(age.total_seconds() // 60)
    for size, unit in ((1440, "day"), (60, "hour"), (1, "minute")):
        if minutes >= size:
            return f"{minutes // size} {unit}{'' if minutes // size == 1 else 's'}"
    return "less than a minute"
