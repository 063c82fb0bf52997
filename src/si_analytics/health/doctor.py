"""Is everything in place? Settings, versions, disk space, the server, rights, schema, warehouse: each with a remedy.

Belongs here: the questions of `si doctor`. Changes nothing, except that it starts the embedded server if there is
one. Shows no password.
"""

from __future__ import annotations

import difflib
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import duckdb

from si_analytics import extract, postgres, schema, settings, time_zones, warehouse
from si_analytics.errors import AnalyticsError, WarehouseError
from si_analytics.health import alerts, privileges, replica, server, slot
from si_analytics.health.findings import Finding, Verdict, rounded
from si_analytics.postgres import embedded, locks
from si_analytics.query import warehouse as query_warehouse
from si_analytics.schema.introspection import Difference
from si_analytics.settings import Settings
from si_analytics.warehouse import local_offsets

_PACKAGES = ("si_analytics", "duckdb", "polars", "psycopg", "sqlalchemy", "plotly")
_OPTIONAL = ("dagster", "jupyterlab")
STALE = timedelta(hours=36)
_LITTLE_ROOM = 1_000_000_000
_COPIES = 3  # the published file, the copy a refresh works on, and room for it to spill and grow
_LISTED = 10
_ZONES_SINCE = datetime(2000, 1, 1, tzinfo=UTC)
_ZONES_AHEAD = timedelta(days=730)
_NOT_AT_TIME_ZONE = "No number is affected; in SQL of your own leave `at time zone` out: its days would not be ours"
_LOCK_SECONDS = 5  # whoever runs si doctor does not want to wait long


def findings(current: Settings, now: datetime, stale: timedelta = STALE) -> list[Finding]:
    """Every finding, with what others depend on first; `now` is this machine's time."""
    return [
        *_settings(current),
        *alerts.findings(),
        *_versions(),
        *_zones(current.timezone, now),
        *_room(current),
        *_leftover(current),
        *_database(current, now, stale),
        *_warehouse(current, now, stale),
    ]


def _settings(current: Settings) -> Iterator[Finding]:
    given = current.postgres_url
    shown = {
        "SI_POSTGRES_URL": "the embedded server" if given is None else postgres.shown(given.get_secret_value()),
        "SI_SOURCE_URL": _source(current),
        "SI_SOURCE_SCHEMA": current.source_schema,
        "SI_HOME": current.home,
        "SI_WAREHOUSE": current.warehouse,
        "SI_CURRENCY": current.currency,
        "SI_TIMEZONE": current.timezone,
        "SI_WEEK_START": current.week_start,
        "SI_FISCAL_YEAR_START": current.fiscal_year_start,
        "SI_MEMORY_LIMIT": current.memory_limit or "DuckDB's own",
        "SI_KEPT_DAYS": str(current.kept_days),
        "SI_MAX_LOSING_SHARE": f"{current.max_losing_share:f}",
        "SI_LOCK_TIMEOUT": str(current.lock_timeout),
        "SI_CHANGES": current.changes,
        "SI_SLOT": current.slot,
    }
    for name, value in shown.items():
        yield Finding(Verdict.well, name, f"{value} ({settings.origin(name)})")
    for name in settings.unknown():
        near = difflib.get_close_matches(name, settings.names(), n=1)
        remedy = f"Did you mean {near[0]}?" if near else "Unset it, if it was meant for this"
        yield Finding(Verdict.notable, name, "it is set, and is no setting", remedy)


def _source(current: Settings) -> str:
    given = current.source_url
    return f"that of {postgres.TARGET}" if given is None else postgres.shown(given.get_secret_value())


def _versions() -> Iterator[Finding]:
    found = [f"{name} {version(name)}" for name in _PACKAGES]
    for name in _OPTIONAL:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"no {name}")
    yield Finding(Verdict.well, "versions", f"Python {platform.python_version()}, {', '.join(found)}")
    try:
        with duckdb.connect(config={"autoinstall_known_extensions": False}) as connection:
            warehouse.load_postgres_extension(connection)
    except AnalyticsError as error:
        yield Finding(Verdict.wrong, "extension", error.found, error.remedy)
    except duckdb.Error as error:
        remedy = "Install the locked versions again: make demo"
        yield Finding(Verdict.wrong, "extension", str(error).splitlines()[0], remedy)
    else:
        yield Finding(Verdict.well, "extension", f"DuckDB's Postgres extension loads in DuckDB {duckdb.__version__}")


def _zones(tz: str, now: datetime) -> Iterator[Finding]:
    """Where the offsets of days and months come from, and whether other sources on this machine differ."""
    moments = time_zones.probes(tz, _ZONES_SINCE, now + _ZONES_AHEAD)
    found = f"{time_zones.version()}, installed with the library: the one source of every day, month and window"
    yield Finding(Verdict.well, "time zones", found)
    machine = time_zones.of_machine(tz)
    if machine is not None and (
        other := time_zones.first_difference(tz, moments, (time_zones.ahead(machine, moment) for moment in moments))
    ):
        remedy = "No number is affected; schedules may go by the machine's clocks: update its time zones (tzdata)"
        yield Finding(Verdict.notable, "time zones", _differing(tz, "this machine's own files", *other), remedy)
    with duckdb.connect(config={"autoinstall_known_extensions": False}) as connection:
        try:
            other = time_zones.first_difference(tz, moments, local_offsets.of_duckdb(connection, tz, moments))
        except duckdb.Error:
            found = f"DuckDB {duckdb.__version__} knows no zone {tz}"
            yield Finding(Verdict.notable, "time zones", found, _NOT_AT_TIME_ZONE)
            return
    if other:
        what = f"the zones inside DuckDB {duckdb.__version__}"
        yield Finding(Verdict.notable, "time zones", _differing(tz, what, *other), _NOT_AT_TIME_ZONE)


def _differing(tz: str, whose: str, moment: datetime, ours: timedelta, theirs: timedelta) -> str:
    ahead = [f"{one / timedelta(hours=1):+g} h" for one in (theirs, ours)]
    when = moment.isoformat(timespec="minutes")
    return f"{whose} put {tz} at {ahead[0]} on {when}, where {time_zones.version()} has {ahead[1]}"


def _room(current: Settings) -> Iterator[Finding]:
    """Whether the folders are writable and have room for a refresh."""
    for name, wanted in (("SI_HOME", current.home), ("SI_WAREHOUSE", current.warehouse.parent)):
        place = _existing(wanted)
        try:
            with tempfile.TemporaryFile(dir=place):
                pass
        except OSError as error:
            found = f"{place}, where {name} is, cannot be written: {error.strerror}"
            yield Finding(Verdict.wrong, "disk", found, f"Give this account the right to write there, or set {name}")
    place = _existing(current.warehouse.parent)
    free = shutil.disk_usage(place).free
    held = current.warehouse.stat().st_size if current.warehouse.is_file() else 0
    needed = max(_LITTLE_ROOM, _COPIES * held)
    found = f"{free / 1e9:,.1f} GB free where the warehouse is; a refresh may need {needed / 1e9:,.1f} GB"
    if free < held:
        yield Finding(Verdict.wrong, "disk", found, "Make room: a refresh needs a second file as large")
    elif free < needed:
        yield Finding(Verdict.notable, "disk", found, "Make room: a refresh needs a second file as large")
    else:
        yield Finding(Verdict.well, "disk", found)


def _existing(folder: Path) -> Path:
    """The folder, or its nearest existing parent."""
    return next(each for each in (folder, *folder.parents) if each.is_dir())


def _leftover(current: Settings) -> Iterator[Finding]:
    """A working file that no refresh is using."""
    path = warehouse.working_path(current)
    if not path.exists():
        return
    try:
        with warehouse.writer_lock(current, seconds=0):
            found = f"{path} ({path.stat().st_size / 1e6:,.1f} MB) was left by a refresh that died"
    except WarehouseError as error:
        yield Finding(Verdict.well, "working file", error.found)
    except FileNotFoundError:
        return  # the refresh that used it has just ended
    else:
        yield Finding(Verdict.notable, "working file", found, "Nothing to do: the next refresh removes it")


def _database(current: Settings, now: datetime, stale: timedelta) -> Iterator[Finding]:
    if current.postgres_url is None and not (embedded.describe(current.postgres_home).data / "PG_VERSION").exists():
        remedy = "Make it: si schema apply, then si sample or si load"
        yield Finding(Verdict.wrong, "Postgres", "the embedded server was not made yet", remedy)
        return
    try:
        connected = list(server.connection(current))
    except AnalyticsError as error:
        yield Finding(Verdict.wrong, "Postgres", f"{error.asked}: {error.found}", error.remedy)
        return
    yield from _look_into("Postgres", lambda: list(server.look(current, now)))
    yield from connected
    yield from _look_into("published", lambda: [server.published(current, now, stale)])
    yield from _look_into("source", lambda: [*server.look_at_source(current, now), *replica.look(current)])
    yield from _look_into("slot", lambda: slot.look(current, now))
    yield from _look_into("locks", lambda: _locks(current))
    current = current.model_copy(update={"lock_timeout": min(_LOCK_SECONDS, current.lock_timeout)})
    yield from _look_into("rights", lambda: privileges.look(current))
    yield from _look_into("schema", lambda: _schema(current))


def _look_into(what: str, look: Callable[[], list[Finding]]) -> list[Finding]:
    try:
        with postgres.asking(f"looking at {what}"):
            return look()
    except AnalyticsError as error:
        return [Finding(Verdict.wrong, what, f"{error.asked}: {error.found}", error.remedy)]


def _locks(current: Settings) -> list[Finding]:
    """Whom a refresh would wait for."""
    who = locks.readers_wait_for(current, extract.tables())
    if not who:
        return [Finding(Verdict.well, "locks", "no session keeps a refresh from reading its tables")]
    remedy = f"A refresh waits {current.lock_timeout} s for it (SI_LOCK_TIMEOUT), then gives up: end it, or try later"
    return [Finding(Verdict.notable, "locks", f"a table that is read is held by {who}", remedy)]


def _schema(current: Settings) -> list[Finding]:
    """How the schema differs, a finding per object; if there are many, the first of them and how many are left."""
    if not schema.comparable(current):
        schema.require(current)
        found = f"all {len(schema.tables())} tables are there; to compare them takes the right to create a schema"
        return [Finding(Verdict.notable, "schema", found, "As the owner of the database: si schema diff")]
    found_all = schema.diff(current)
    differences = [one for one in found_all if one.status in {"missing", "changed"}]
    accepted = [one.name for one in found_all if one.accepted]
    if not differences and accepted:
        listed = ", ".join(accepted[:_LISTED]) + (" and more" if len(accepted) > _LISTED else "")
        found = f"all {len(schema.tables())} tables are there; not as declared, and doing as well: {listed}"
        return [Finding(Verdict.well, "schema", found)]
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


def _warehouse(current: Settings, now: datetime, stale: timedelta) -> Iterator[Finding]:
    try:
        with query_warehouse.connect(current) as opened:
            taken, seconds = opened.sql(
                "select taken_at, seconds from meta.refreshes order by number desc limit 1"
            ).row(0)
            warned = opened.sql(
                "select check_name, rows from meta.checks where rows > 0 and refresh_id = cast($id as uuid)"
                " order by check_name",
                id=opened.refresh_id,
            ).rows()
            described = opened.as_of
    except AnalyticsError as error:
        yield Finding(Verdict.wrong, "warehouse", f"{error.asked}: {error.found}", error.remedy)
        return
    age = now - taken
    found = f"refreshed {rounded(age)} ago in {seconds:.1f} s, as of {described.isoformat()}"
    if age > stale:
        yield Finding(Verdict.notable, "warehouse", found, "Bring it up to date: si refresh")
    else:
        yield Finding(Verdict.well, "warehouse", found)
    if warned:
        named = ", ".join(f"{name} {rows:,}" for name, rows in warned)
        yield Finding(
            Verdict.notable, "checks", f"rows that the last refresh warned of: {named}", "See them: si refresh"
        )
    else:
        yield Finding(Verdict.well, "checks", "the last refresh had nothing to warn of")
