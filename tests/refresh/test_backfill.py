"""The leaderboard of days gone by: each board is that of its day's end, and filling it endangers nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb
import filelock
import psycopg
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from si_analytics import refresh, warehouse
from si_analytics.compute import metrics
from si_analytics.errors import UsageError, WarehouseError
from si_analytics.query import warehouse as query_warehouse
from si_analytics.refresh import backfill, run_log
from si_analytics.settings import Settings
from tests import model
from tests.model import Row, World
from tests.support import warehouses, worlds
from tests.support.commands import Si
from tests.support.moments import AS_OF, SUMMER_TIME, WINTER_TIME
from tests.support.worlds import marketplaces

HOUR, TICK = timedelta(hours=1), timedelta(microseconds=1)
KEPT = ("agent_id", "agent_name", "tier", "total_referrals", "total_deals", "total_earnings", "rank")
ZONES = ("Europe/Berlin", "America/New_York", "UTC")
CHANGES = {  # days on which the clocks change, and how long they are
    ("Europe/Berlin", date(2026, 3, 29)): 23,
    ("Europe/Berlin", date(2025, 10, 26)): 25,
    ("America/New_York", date(2026, 3, 8)): 23,
    ("America/New_York", date(2025, 11, 2)): 25,
    ("UTC", date(2026, 3, 29)): 24,
}


def kept(settings: Settings, *, currency: str = "usd") -> dict[date, list[Row]]:
    """The boards kept in a currency, each with the columns it shares with the metric, in order of rank."""
    found: dict[date, list[Row]] = {}
    with warehouse.open_file(settings.warehouse, settings, read_only=True) as opened:
        rows = warehouses.rows_of(opened.sql("from history.agent_leaderboard order by as_of_date, rank"))
    for row in rows:
        if row["currency"] == currency:
            found.setdefault(row["as_of_date"], []).append({name: row[name] for name in KEPT})
    return found


def board(world: World, as_of: datetime, currency: str = "usd") -> list[Row]:
    """The board as of that moment, counted once more by the model."""
    return [{name: row[name] for name in KEPT} for row in model.agent_leaderboard(world, as_of, currency=currency)]


@pytest.fixture(scope="module")
def world() -> World:
    """Two agents and a recruit with a deal; a commission of 1.00 around the end of each day of CHANGES.

    In Berlin 2026-03-29 is over at 22:00 UTC (23 h), 2025-10-26 at 23:00 (25 h); in New York 2026-03-08 at
    2026-03-09 04:00 (23 h), 2025-11-02 at 2025-11-03 05:00 (25 h).
    """
    small = worlds.Build()
    first, second, recruit, sponsor = small.agent(), small.agent(), small.user("influencer"), small.user("sponsor")
    small.referral(first, recruit, recruited_at=datetime(2026, 3, 1, tzinfo=UTC))
    small.referral(second, recruit, recruited_at=None)
    small.deal(recruit, sponsor, created_at=datetime(2026, 2, 1, tzinfo=UTC))
    for number, (zone, day) in enumerate(CHANGES):
        end = backfill.ends_at(day, zone)
        for moment in (end - TICK, end, end - HOUR, end + HOUR):
            small.transaction((first, second)[number % 2], "1.00", created_at=moment)
            small.transaction(second, "3.00", created_at=moment, currency="eur")
    return small.world


@pytest.fixture
def commissions(postgres: psycopg.Connection, world: World) -> World:
    """The small world, in the database of `settings`."""
    worlds.insert(postgres, world)
    return world


@pytest.fixture(scope="module")
def refreshed_once(
    create_database: Callable[..., str], schema_template: str, tmp_path_factory: pytest.TempPathFactory, world: World
) -> Settings:
    """The small world, refreshed as of AS_OF."""
    home, url = tmp_path_factory.mktemp("refreshed"), create_database(schema_template)
    with psycopg.connect(url, autocommit=True) as connection:
        worlds.insert(connection, world)
    made = Settings(_env_file=None, postgres_url=url, home=home, warehouse=home / "warehouse.duckdb")  # type: ignore[arg-type, call-arg]
    refresh.run(made, as_of=AS_OF)
    return made


@pytest.fixture
def refreshed(refreshed_once: Settings, make_settings: Callable[..., Settings]) -> Settings:
    """A copy of that warehouse, for tests that ask Postgres nothing more."""
    assert refreshed_once.postgres_url is not None
    own = make_settings(refreshed_once.postgres_url.get_secret_value())
    own.warehouse.parent.mkdir(parents=True)
    shutil.copyfile(refreshed_once.warehouse, own.warehouse)
    return own


@pytest.mark.parametrize(("zone", "day"), CHANGES)
def test_a_day_is_as_long_as_the_clocks_make_it(zone: str, day: date) -> None:
    begins = backfill.ends_at(day - timedelta(days=1), zone)
    assert backfill.ends_at(day, zone) - begins == CHANGES[zone, day] * HOUR


@pytest.mark.parametrize("zone", ZONES)
def test_the_board_of_a_day_is_that_of_its_end_in_the_reporting_zone(
    settings: Settings, commissions: World, zone: str
) -> None:
    """Days around both changes of the clocks, and before anything happened: cell by cell as the model has them."""
    using = settings.model_copy(update={"timezone": zone})
    refresh.run(using, as_of=AS_OF)
    for change in (day for of_zone, day in CHANGES if of_zone == zone):
        first, last = change - timedelta(days=1), min(change + timedelta(days=1), AS_OF.date() - timedelta(days=2))
        backfill.backfill(using, first, last)
    backfill.backfill(using, date(1990, 1, 1), date(1990, 1, 1))
    boards = kept(using)
    assert boards.pop((AS_OF - TICK).astimezone(ZoneInfo(zone)).date()) == board(commissions, AS_OF)
    assert boards == {day: board(commissions, backfill.ends_at(day, zone)) for day in boards}
    assert {row["total_earnings"] for row in boards[date(1990, 1, 1)]} == {0}
    assert len({str(rows) for rows in boards.values()}) > 2, "the boards of different days differ"


@pytest.fixture(scope="module")
def raw(
    create_database: Callable[..., str], schema_template: str, tmp_path_factory: pytest.TempPathFactory
) -> list[str]:
    """What makes the raw tables."""
    home = tmp_path_factory.mktemp("raw")
    url = create_database(schema_template)
    return warehouses.raw_definitions(
        Settings(_env_file=None, postgres_url=url, home=home, warehouse=home / "warehouse.duckdb")  # type: ignore[arg-type, call-arg]
    )


@examples(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(
    world=marketplaces(max_users=6),
    zone=st.sampled_from(ZONES),
    around=st.sampled_from((SUMMER_TIME, WINTER_TIME, AS_OF - timedelta(days=2), datetime(2026, 1, 10, tzinfo=UTC))),
)
def test_the_boards_of_any_small_marketplace_are_those_of_the_model(
    raw: list[str], tmp_path_factory: pytest.TempPathFactory, world: World, zone: str, around: datetime
) -> None:
    home = tmp_path_factory.mktemp("any")
    using = Settings(_env_file=None, home=home, warehouse=home / "warehouse.duckdb", timezone=zone)  # type: ignore[call-arg]
    publish(using, raw, world)
    first = around.date() - timedelta(days=1)
    last = min(first + timedelta(days=2), backfill.last_day(AS_OF, zone))
    report = backfill.backfill(using, first, last)
    boards = kept(using)
    assert boards == {day: board(world, backfill.ends_at(day, zone)) for day in boards}
    assert report.days == (last - first).days + 1
    assert report.rows == sum(len(rows) for rows in boards.values()) == len(world["agent_profiles"]) * report.days


def publish(using: Settings, definitions: list[str], world: World) -> None:
    """A published warehouse with the rows of a world and the record of one refresh as of AS_OF."""
    connection = warehouse.create_working(using)
    run_log.carry_over(connection, using)
    for definition in definitions:
        connection.execute(definition)
    warehouses.fill(connection, world)
    connection.execute(
        "insert into meta.refreshes (refresh_id, number, as_of, taken_at, snapshot, server, currency, timezone)"
        " values (uuid(), 1, $at, $at, '1:1:', 'one', 'usd', $zone)",
        {"at": AS_OF, "zone": using.timezone},
    )
    connection.close()
    warehouse.publish_working(using)


def test_filling_days_again_gives_the_same_and_leaves_other_days_and_currencies_alone(
    refreshed: Settings, world: World
) -> None:
    backfill.backfill(refreshed, date(2026, 3, 5), date(2026, 3, 20))
    before = kept(refreshed)
    backfill.backfill(refreshed, date(2026, 3, 8), date(2026, 3, 9), currency=" EUR")
    assert kept(refreshed) == before
    assert kept(refreshed, currency="eur") == {
        day: board(world, backfill.ends_at(day, "UTC"), "eur") for day in (date(2026, 3, 8), date(2026, 3, 9))
    }
    report = backfill.backfill(refreshed, date(2026, 3, 8), date(2026, 3, 8))
    assert (report.days, report.rows) == (1, 2)
    assert kept(refreshed) == before


def test_a_board_that_has_to_stay_stays_and_one_that_is_filled_anew_follows_the_rows(
    settings: Settings, postgres: psycopg.Connection, commissions: World
) -> None:
    """A commission is taken back: the boards of days before know it only once they are filled anew."""
    refresh.run(settings, as_of=AS_OF)
    backfill.backfill(settings, date(2026, 3, 30), date(2026, 3, 30))
    before = kept(settings)
    postgres.execute("update transactions set status = 'failed'")
    refresh.run(settings, as_of=AS_OF)
    report = backfill.backfill(settings, date(2026, 3, 29), date(2026, 3, 30), only_missing=True)
    assert (report.days, report.rows) == (1, 2)
    assert kept(settings)[date(2026, 3, 30)] == before[date(2026, 3, 30)]
    backfill.backfill(settings, date(2026, 3, 30), date(2026, 3, 30))
    assert {row["total_earnings"] for row in kept(settings)[date(2026, 3, 30)]} == {0}


@pytest.mark.parametrize("how", ["changes", "full", "another version", "another server"])
def test_the_boards_kept_outlive_every_kind_of_refresh(settings: Settings, commissions: World, how: str) -> None:
    refresh.run(settings, as_of=AS_OF)
    backfill.backfill(settings, date(2026, 3, 1), date(2026, 3, 5))
    before = kept(settings)
    if how == "another version":
        with duckdb.connect(str(settings.warehouse)) as opened:
            opened.execute("alter table meta.extracts drop column drift")
    if how == "another server":
        with duckdb.connect(str(settings.warehouse)) as opened:
            opened.execute("update meta.refreshes set server = 'another'")
    report = refresh.run(settings, as_of=AS_OF + timedelta(days=1), full=how == "full")
    modes = {one.mode for one in report.extracts}
    assert ("incremental" in modes) == (how == "changes")
    after = kept(settings)
    assert after.pop(AS_OF.date()), "a refresh at midnight describes the day that ended"
    assert after == before
    assert len(after) == 6


def test_what_fails_midway_leaves_the_warehouse_byte_for_byte_and_no_file_behind(
    refreshed: Settings,
) -> None:
    before = refreshed.warehouse.read_bytes()

    def fail(phase: str, name: str, rows: int, seconds: float) -> None:
        if name == "2026-02":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backfill.backfill(refreshed, date(2026, 1, 30), date(2026, 3, 2), listen=fail)
    assert refreshed.warehouse.read_bytes() == before
    assert not warehouse.working_path(refreshed).exists()
    assert backfill.backfill(refreshed, date(2026, 3, 1), date(2026, 3, 2)).days == 2


def test_readers_go_on_while_days_are_filled_and_see_them_when_they_connect_anew(
    refreshed: Settings,
) -> None:
    seen: list[int] = []
    with query_warehouse.connect(refreshed) as early:
        height = early.history().height

        def look(phase: str, name: str, rows: int, seconds: float) -> None:
            seen.append(early.history().height)
            with query_warehouse.connect(refreshed) as meanwhile:
                seen.append(meanwhile.history().height)

        backfill.backfill(refreshed, date(2026, 2, 27), date(2026, 3, 2), listen=look)
        assert seen == [height] * 4
        assert early.history().height == height
    with query_warehouse.connect(refreshed) as later:
        assert later.history(during="2026-03-01")["rank"].to_list() == [1, 2]


def test_two_writers_never_work_at_once(
    refreshed: Settings,
) -> None:
    heard: list[str] = []

    def look(phase: str, name: str, rows: int, seconds: float) -> None:
        lock = filelock.FileLock(refreshed.warehouse.with_name(refreshed.warehouse.name + ".lock"), timeout=0)
        with pytest.raises(filelock.Timeout):
            lock.acquire()
        heard.append(name)

    backfill.backfill(refreshed, date(2026, 3, 1), date(2026, 3, 1), listen=look)
    assert heard == ["2026-03"]


def test_a_backfill_is_in_the_zone_and_currency_the_warehouse_tells_of(refreshed: Settings, world: World) -> None:
    other = refreshed.model_copy(update={"timezone": "Pacific/Kiritimati", "currency": "eur"})
    report = backfill.backfill(other, date(2026, 3, 8), date(2026, 3, 8))
    assert (report.timezone, report.currency) == ("UTC", "usd")
    assert kept(refreshed)[date(2026, 3, 8)] == board(world, datetime(2026, 3, 9, tzinfo=UTC))


def test_days_that_are_not_over_or_no_range_are_refused(settings: Settings, commissions: World) -> None:
    """As of 2026-04-01 00:00 UTC the last day that is over is 2026-03-31; a microsecond before, 2026-03-30."""
    with pytest.raises(WarehouseError, match="there is no warehouse yet"):
        backfill.backfill(settings, date(2026, 3, 1), date(2026, 3, 1))
    refresh.run(settings, as_of=AS_OF - TICK)
    with pytest.raises(UsageError, match=r"that day is not over .*The last that is over is 2026-03-30"):
        backfill.backfill(settings, date(2026, 3, 1), date(2026, 3, 31))
    refresh.run(settings, as_of=AS_OF)
    assert backfill.backfill(settings, date(2026, 3, 31), date(2026, 3, 31)).days == 1
    with pytest.raises(UsageError, match="they end before they begin"):
        backfill.backfill(settings, date(2026, 3, 2), date(2026, 3, 1))
    with pytest.raises(UsageError, match="Write one like usd"):
        backfill.backfill(settings, date(2026, 3, 2), date(2026, 3, 2), currency="dollars, please")
    with duckdb.connect(str(settings.warehouse)) as opened:
        opened.execute("alter table meta.extracts drop column drift")
    with pytest.raises(WarehouseError, match="made by another version"):
        backfill.backfill(settings, date(2026, 3, 2), date(2026, 3, 2))


PRESENT = backfill.Present(datetime(2026, 3, 29, 22, tzinfo=UTC), "usd", "Europe/Berlin")


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ({"since": "2026-03-01"}, date(2026, 3, 1), date(2026, 3, 29)),
        ({"since": "2026-03-01", "until": "2026-03-03"}, date(2026, 3, 1), date(2026, 3, 2)),
        ({"during": "2026-Q1"}, date(2026, 1, 1), date(2026, 3, 29)),
        ({"during": "last 3 days"}, date(2026, 3, 27), date(2026, 3, 29)),
        ({"since": "2026-03-01T00:00:00Z", "until": "2026-03-03T00:00:00Z"}, date(2026, 3, 2), date(2026, 3, 3)),
    ],
)
def test_a_window_holds_the_days_whose_first_moment_it_holds_and_that_are_over(
    asked: dict[str, str], first: date, last: date
) -> None:
    """It is 2026-03-30 00:00 in Berlin, an hour after the clocks would have said so in winter."""
    assert backfill.days(PRESENT, **asked) == (first, last)


def test_a_window_without_a_day_that_is_over_is_refused() -> None:
    with pytest.raises(UsageError, match="not said from when"):
        backfill.days(PRESENT, until="2026-03-01")
    with pytest.raises(UsageError, match="The last that is over is 2026-03-29"):
        backfill.days(PRESENT, during="today")
    with pytest.raises(UsageError, match="The last that is over is 2026-03-28"):
        earlier = backfill.Present(PRESENT.as_of - TICK, "usd", "Europe/Berlin")
        backfill.days(earlier, since="2026-03-29")


def test_the_command_fills_days_and_shows_them(si: Si, refreshed: Settings) -> None:
    done = si(refreshed)("history", "backfill", "--since", "2026-03-28", "--json")
    assert done.code == 0
    assert (done.document["first"], done.document["last"], done.document["rows"]) == ("2026-03-28", "2026-03-31", 8)
    shown = si(refreshed)("history", "--since", "2026-03-30", "--until", "2026-03-31", "--json").document
    assert [row["as_of_date"] for row in shown] == ["2026-03-30", "2026-03-30"]
    agent = shown[1]["agent_id"]
    places = si(refreshed)("history", "--agent", agent, "--during", "2026-03", "--json").document
    ranks = [row["rank"] for board in kept(refreshed).values() for row in board if str(row["agent_id"]) == agent]
    assert [row["rank"] for row in places] == ranks[:4]
    again = si(refreshed)("history", "backfill", "--during", "2026-03", "--missing")
    assert "Filled 27 days from 2026-03-01 to 2026-03-31 (UTC): 54 rows in usd" in again.out
    assert "today's statuses" in again.out


def test_the_command_says_what_is_wrong(si: Si, refreshed: Settings) -> None:
    early = si(refreshed)("history", "--since", "2026-01-01", "backfill")
    assert (early.code, early.out) == (2, "")
    assert "si history backfill --since" in early.err
    later = si(refreshed)("history", "backfill", "--during", "2026-05")
    assert (later.code, "The last that is over is 2026-03-31" in later.err) == (2, True)
    for command in (("history", "--help"), ("history", "backfill", "--help")):
        assert "not time travel" in " ".join(si(refreshed)(*command).out.split())


def test_the_board_is_the_metric_itself(refreshed: Settings) -> None:
    """What the metric's file says of a moment is what is kept of the day that ends then."""
    backfill.backfill(refreshed, date(2026, 3, 8), date(2026, 3, 8))
    with warehouse.open_file(refreshed.warehouse, refreshed, read_only=True) as opened:
        asked = metrics.Parameters.all_time(datetime(2026, 3, 9, tzinfo=UTC), "usd", "UTC")
        rows = warehouses.rows_of(metrics.evaluate(opened, "agent_leaderboard", asked))
    assert kept(refreshed)[date(2026, 3, 8)] == [{name: row[name] for name in KEPT} for row in rows]
