"""Time zones: one source for every number, in Python as in SQL, whatever the machine and DuckDB bring of their own."""

from __future__ import annotations

import itertools
import re
import struct
import zoneinfo
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from pathlib import Path

import duckdb
import polars as pl
import psycopg
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

import si_analytics
from si_analytics import refresh, time_zones
from si_analytics.compute import metrics
from si_analytics.periods import windows
from si_analytics.query import warehouse as query_warehouse
from si_analytics.settings import Settings
from si_analytics.warehouse import file, local_offsets
from tests.support import everything, worlds
from tests.support.commands import Si
from tests.support.folders import ROOT
from tests.support.moments import TICK
from tests.support.worlds import Build

DIFFERING = ("Africa/Casablanca", "America/Vancouver", "America/Winnipeg", "America/Havana")
"""Zones of which DuckDB's own copy is behind, from autumn 2026 on."""

SHIFTING = (*DIFFERING, "Europe/Berlin", "America/St_Johns", "America/Sao_Paulo", "Pacific/Apia", "Asia/Beirut", "UTC")
ANY_ZONE = st.sampled_from(SHIFTING) | st.sampled_from(sorted(time_zones.names()))
AS_OF = datetime(2026, 12, 15, tzinfo=UTC)
STAMPS = [datetime(2026, 11, 30, 20, 30, tzinfo=UTC) + timedelta(hours=hour) for hour in range(16)]
SLICE = local_offsets.SLICE // TICK
LOCAL = """
select moments.moment, make_timestamp(epoch_us(moments.moment) + local_offsets.ahead) as local
from moments
inner join local_offsets
    on
        local_offsets.zone = $tz
        and greatest(epoch_us(moments.moment) // $slice, 0) = local_offsets.slice
        and moments.moment >= local_offsets.begins_at
        and moments.moment < local_offsets.ends_at
"""


def moments(since: int, until: int) -> st.SearchStrategy[datetime]:
    """Of these years."""
    ends = (datetime(year, 1, 1) for year in (since, until))  # noqa: DTZ001 - the zone is given beside them
    return st.datetimes(*ends, timezones=st.just(UTC))


def changes(tz: str, since: datetime, until: datetime) -> list[datetime]:
    found = [offset.begins_at for offset in time_zones.offsets(tz, until) if offset.begins_at]
    return [moment for moment in found if moment >= since]


@pytest.fixture(scope="module")
def memory() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("set global TimeZone = 'Asia/Tokyo'")  # whatever the session's zone is
        yield connection


def in_sql(
    connection: duckdb.DuckDBPyConnection, tz: str, until: datetime, asked: list[datetime]
) -> list[tuple[datetime, datetime]]:
    """Each moment with what the clocks of `tz` show, as queries tell it."""
    connection.execute("create or replace temporary table moments (moment timestamptz)")
    file.insert(connection, "temp.main.moments", [[moment] for moment in asked])
    local_offsets.lay_out(connection, tz, until)
    rows = connection.execute(LOCAL, {"tz": tz, "slice": SLICE}).fetchall()
    return [(moment.astimezone(UTC), local) for moment, local in rows]


def test_no_zone_ever_changed_its_clocks_twice_within_three_days() -> None:
    """That is how far apart the library looks for changes. Read from the files themselves."""
    for name in sorted(time_zones.names()):
        data = resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).read_bytes()
        counts = struct.unpack(">6l", data[20:44])
        utc, std, leap, times, types, letters = counts
        start = 44 + times * 5 + types * 6 + letters + leap * 8 + std + utc
        times = struct.unpack(">l", data[start + 32 : start + 36])[0]
        seconds = struct.unpack(f">{times}q", data[start + 44 : start + 44 + 8 * times])
        gaps = [later - earlier for earlier, later in itertools.pairwise(seconds)]
        assert min(gaps, default=10**9) > 3 * 86400, name
        assert min(seconds, default=0) > datetime(1800, 1, 2, tzinfo=UTC).timestamp(), name


@examples(deadline=None)
@given(ANY_ZONE, moments(1840, 2100))
def test_the_offsets_follow_each_other_and_are_those_of_python(tz: str, moment: datetime) -> None:
    until = datetime(2100, 1, 1, tzinfo=UTC)
    offsets = time_zones.offsets(tz, until)
    assert [one.ends_at for one in offsets[:-1]] == [one.begins_at for one in offsets[1:]]
    assert (offsets[0].begins_at, offsets[-1].ends_at) == (None, None)
    (of_moment,) = (
        one
        for one in offsets
        if (one.begins_at is None or one.begins_at <= moment) and (one.ends_at is None or moment < one.ends_at)
    )
    assert of_moment.ahead == moment.astimezone(zoneinfo.ZoneInfo(tz)).utcoffset()


@examples(deadline=None, max_examples=60)
@given(
    ANY_ZONE,
    st.lists(moments(2, 2039), min_size=1, max_size=20, unique=True),
    st.data(),
)
def test_what_the_clocks_show_is_the_same_in_sql_and_in_python(
    memory: duckdb.DuckDBPyConnection, tz: str, asked: list[datetime], data: st.DataObject
) -> None:
    """At any moment, around every change of the clocks, and where slices meet; each moment once."""
    until = datetime(2040, 1, 1, tzinfo=UTC)
    around = data.draw(
        st.lists(st.sampled_from(changes(tz, datetime(1, 1, 1, tzinfo=UTC), until) or [until - TICK]), max_size=20)
    )
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    edges = [epoch, epoch - TICK, epoch + local_offsets.SLICE, epoch + 40 * local_offsets.SLICE - TICK]
    asked = sorted({*asked, *around, *(moment - TICK for moment in around), *edges})
    zone = zoneinfo.ZoneInfo(tz)
    found = in_sql(memory, tz, until, asked)
    assert sorted(found) == [(moment, moment.astimezone(zone).replace(tzinfo=None)) for moment in asked]


@examples(deadline=None, max_examples=100)
@given(st.sampled_from(sorted({*SHIFTING})) | ANY_ZONE, st.dates(date(2012, 1, 1), date(2030, 1, 1)), st.data())
def test_a_moment_lies_in_the_window_of_the_day_week_and_month_that_sql_puts_it_into(
    memory: duckdb.DuckDBPyConnection, tz: str, day: date, data: st.DataObject
) -> None:
    """At the ends of the day, and at every change of the clocks near it."""
    as_of = datetime(2031, 1, 1, tzinfo=UTC)
    begins = windows.instant(day, tz)
    near = changes(tz, begins - timedelta(days=200), begins + timedelta(days=200))
    within = data.draw(st.timedeltas(timedelta(), timedelta(days=400)))
    asked = [begins, begins - TICK, begins + within, *near, *(moment - TICK for moment in near)]
    for moment, local in in_sql(memory, tz, as_of, sorted(set(asked))):
        year, week, _ = local.isocalendar()
        for during in (f"{local:%Y-%m-%d}", f"{local:%Y-%m}", f"{year}-W{week:02}", f"{local:%Y}"):
            since, until = windows.span(during, as_of, tz)
            assert since <= moment < until, during


@pytest.fixture(scope="module")
def published(
    create_database: Callable[..., str], schema_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Settings]:
    """A warehouse that counts in a zone: a deal, an invite, a commission and a signup in each hour of STAMPS."""
    url = create_database(schema_template)
    build = Build()
    brand, star, agent = build.sponsor(), build.influencer(), build.agent()
    for moment in STAMPS:
        build.deal(star, brand, created_at=moment, completed_at=moment, status="completed", amount="1.00")
        build.transaction(agent, "1.00", created_at=moment)
        build.invite(agent, sent_at=moment)
        build.influencer(created_at=moment)
    with psycopg.connect(url, autocommit=True) as connection:
        worlds.insert(connection, build.world)
    made: dict[str, Settings] = {}

    def of_zone(tz: str) -> Settings:
        if tz not in made:
            home = tmp_path_factory.mktemp("zones")
            using = Settings(_env_file=None, postgres_url=url, home=home, warehouse=home / "w.duckdb", timezone=tz)  # type: ignore
            refresh.run(using, as_of=AS_OF)
            made[tz] = using
        return made[tz]

    return of_zone


@pytest.mark.parametrize("asked", ["setting", "tz"])
@pytest.mark.parametrize("tz", DIFFERING)
def test_a_deal_lies_in_the_same_month_wherever_months_are_counted(
    published: Callable[[str], Settings], tz: str, asked: str
) -> None:
    """Around December, when the clocks of these zones and DuckDB's copy of them are an hour apart."""
    zone = zoneinfo.ZoneInfo(tz)
    november = sum(moment.astimezone(zone).month == 11 for moment in STAMPS)
    assert 0 < november < len(STAMPS)
    with query_warehouse.connect(published(tz if asked == "setting" else "UTC")) as warehouse:
        other = None if asked == "setting" else tz
        months = warehouse.marketplace_monthly(tz=other).filter(pl.col("month") == date(2026, 11, 1)).row(0, named=True)
        activity = warehouse.marketplace_activity(during="2026-11", tz=other).row(0, named=True)
        for column in ("new_deals", "completed_deals", "gmv", "agent_payouts"):
            assert months[column] == activity[column] == november, column
        funnel = warehouse.funnel("invite", by="month", tz=other)
        entered = {row["breakdown_value"]: row["reached"] for row in funnel.to_dicts() if row["stage_number"] == 1}
        assert entered == {"2026-11": november, "2026-12": len(STAMPS) - november}
        assert warehouse.funnel("invite", during="2026-11", tz=other)["reached"][0] == november
        cohorts = warehouse.signup_cohorts(tz=other).filter(pl.col("months_since") == 0)
        assert dict(cohorts.select("cohort_month", "cohort_size").iter_rows())[date(2026, 11, 1)] == november


def test_a_deal_just_before_midnight_utc_is_of_september_in_casablanca(
    settings: Settings, postgres: psycopg.Connection
) -> None:
    """At 23:30 UTC on 30 September 2026 the clocks there stand at UTC: they went back for good ten days before."""
    build = Build()
    build.deal(build.influencer(), build.sponsor(), created_at=datetime(2026, 9, 30, 23, 30, tzinfo=UTC))
    worlds.insert(postgres, build.world)
    using = settings.model_copy(update={"timezone": "Africa/Casablanca"})
    refresh.run(using, as_of=datetime(2026, 11, 1, tzinfo=UTC))
    with query_warehouse.connect(using) as warehouse:
        months = dict(warehouse.marketplace_monthly().select("month", "new_deals").iter_rows())
        assert months[date(2026, 9, 1)] == 1
        assert warehouse.marketplace_activity(during="2026-09")["new_deals"][0] == 1
        assert warehouse.marketplace_activity(during="2026-10")["new_deals"][0] == 0


def test_the_query_that_the_page_on_own_metrics_shows_puts_a_moment_into_its_local_day() -> None:
    """At 23:30 UTC it is the next day in Berlin, and the same day in Casablanca from autumn 2026 on."""
    page = (ROOT / "docs" / "add-a-metric.md").read_text(encoding="utf-8")
    (query,) = [block for block in re.findall(r"```sql\n(.*?)```", page, re.DOTALL) if local_offsets.TABLE in block]
    with duckdb.connect() as connection:
        connection.execute("create schema raw")
        connection.execute("create table raw.deals as select timestamptz '2026-09-30 23:30:00+00' as created_at")
        for tz, day in (("Europe/Berlin", date(2026, 10, 1)), ("Africa/Casablanca", date(2026, 9, 30))):
            local_offsets.lay_out(connection, tz, AS_OF)
            assert connection.execute(query, {"tz": tz, "slice": SLICE}).fetchall() == [(day,)]


def test_no_query_of_ours_asks_duckdb_for_a_zone() -> None:
    for one in everything.queries():
        assert not re.search(r"at\s+time\s+zone|\btimezone\s*\(|\bstrptime\b|\bnow\s*\(", one.text), one.path


def test_no_module_but_one_reads_time_zones() -> None:
    package = Path(si_analytics.__file__).parent
    reading = {
        path.name
        for path in package.rglob("*.py")
        if re.search(r"ZoneInfo\(|ZoneInfo\.|available_timezones|TZPATH", path.read_text(encoding="utf-8"))
    }
    assert reading == {"time_zones.py"}


def test_the_offsets_reach_to_whatever_moment_a_metric_is_asked_for() -> None:
    """Clocks go on changing as they do now, to the end of the calendar."""
    last = time_zones.offsets("Europe/Berlin", datetime(9999, 7, 1, tzinfo=UTC))[-1]
    assert last.ahead == timedelta(hours=2)
    asked = metrics.Parameters.all_time(datetime(2026, 10, 1, tzinfo=UTC), "usd", "Africa/Casablanca").bound()
    assert (asked["last_day"], asked["year_2000"]) == (date(2026, 9, 30), datetime(2000, 1, 1, tzinfo=UTC))


def test_doctor_says_which_time_zones_count_and_warns_where_duckdb_s_differ(
    si: Si, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(tz: str) -> list[tuple[str, str, str]]:
        monkeypatch.setenv("SI_TIMEZONE", tz)
        found = si()("doctor", "--json").document
        return [(one["verdict"], one["found"], one["remedy"]) for one in found if one["what"] == "time zones"]

    ((verdict, found, _),) = told("Europe/Berlin")
    assert verdict == "ok"
    assert found.startswith(f"{time_zones.version()}, installed with the library")
    _, (verdict, found, remedy) = told("Africa/Casablanca")
    assert verdict == "note"
    assert found == (
        f"the zones inside DuckDB {duckdb.__version__} put Africa/Casablanca at +1 h on 2026-09-20T01:00+00:00,"
        f" where {time_zones.version()} has +0 h"
    )
    assert remedy.startswith("No number is affected; in SQL of your own leave `at time zone` out")


def test_doctor_warns_where_the_machine_s_own_files_differ(
    si: Si, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A machine that takes Berlin for London."""
    (tmp_path / "Europe").mkdir()
    london = resources.files("tzdata").joinpath("zoneinfo", "Europe", "London").read_bytes()
    (tmp_path / "Europe" / "Berlin").write_bytes(london)
    monkeypatch.setenv("SI_TIMEZONE", "Europe/Berlin")
    zoneinfo.reset_tzpath(to=[str(tmp_path)])
    try:
        found = [one["found"] for one in si()("doctor", "--json").document if one["what"] == "time zones"]
        assert windows.instant(date(2026, 6, 1), "Europe/Berlin") == datetime(2026, 5, 31, 22, tzinfo=UTC)
    finally:
        zoneinfo.reset_tzpath(to=())
    assert found[1:] == [
        "this machine's own files put Europe/Berlin at +0 h on 2000-01-01T00:00+00:00,"
        f" where {time_zones.version()} has +1 h"
    ]
