"""How old what is told is: the newest event and the snapshot, and when that is unusual."""

from __future__ import annotations

import zipfile
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from si_analytics import refresh
from si_analytics.query import warehouse as query_warehouse
from si_analytics.query.freshness import Freshness, span
from si_analytics.reports import export
from si_analytics.settings import Settings
from tests.support import worlds
from tests.support.commands import Si
from tests.support.worlds import AS_OF, START, Build, at

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def busy(settings: Settings, postgres: psycopg.Connection) -> Settings:
    """A message each day of ten from 10 January 2026 on, then none; one long before, and one after as_of."""
    build = Build()
    star = build.influencer(created_at=None)
    talk = build.conversation(star)
    for day in (-200, *range(10), 300):
        build.message(talk, star, START + day * DAY)
    worlds.insert(postgres, build.world)
    return settings


def test_the_newest_event_and_the_longest_pause_before_it_are_those_of_before_as_of(busy: Settings) -> None:
    """The last is of 19 January; a day is the longest pause in the ninety days before it."""
    refresh.run(busy, as_of=START + 9 * DAY + 30 * HOUR)
    with query_warehouse.connect(busy) as warehouse:
        found = warehouse.freshness()
    assert (found.newest_event, found.longest_pause, found.age) == (START + 9 * DAY, DAY, 30 * HOUR)
    assert found.told == "Newest event 2026-01-19 00:00:00 UTC, 30 hours before"
    assert (found.is_unusual, found.warning) == (False, "")


def test_a_marketplace_that_stopped_is_warned_of_on_every_file_that_can_say_so(
    busy: Settings, si: Si, tmp_path: Path
) -> None:
    refresh.run(busy, as_of=START + 39 * DAY)
    words = (
        "Nothing has happened for 30 days; until then no pause was longer than 24 hours: see whether all data arrives"
    )
    with query_warehouse.connect(busy) as warehouse:
        assert warehouse.freshness().warning == words
    outcome = si(busy)("export", "dashboard", "--out", str(tmp_path / "report.html"))
    assert outcome.out.splitlines()[-1] == f"{words}."
    page = (tmp_path / "report.html").read_text()
    assert "Newest event 2026-01-19 00:00:00 UTC, 30 days before." in page
    assert f"{words}." in page
    export.tables(busy, tmp_path, export.TableFormat.xlsx)
    with zipfile.ZipFile(tmp_path / "metrics.xlsx") as book:
        texts = book.read("xl/sharedStrings.xml").decode()
    assert "Newest event 2026-01-19 00:00:00 UTC, 30 days before" in texts
    assert words in texts
    document = si(busy)("export", "tables", "--out", str(tmp_path), "--json").document
    assert document["warning"] == words


def test_an_empty_marketplace_has_no_newest_event_and_no_warning(settings: Settings) -> None:
    refresh.run(settings, as_of=AS_OF)
    with query_warehouse.connect(settings) as warehouse:
        found = warehouse.freshness()
    assert (found.newest_event, found.age, found.is_unusual) == (None, None, False)
    assert found.told == "Nothing has ever happened here"


@pytest.mark.parametrize(
    ("age", "pause", "unusual"),
    [
        (DAY, HOUR, False),
        (DAY + HOUR, HOUR, True),
        (6 * DAY, 3 * DAY, False),
        (6 * DAY + HOUR, 3 * DAY, True),
        (30 * DAY, None, False),
        (30 * DAY + HOUR, None, True),
    ],
)
def test_an_event_is_old_after_a_day_and_twice_the_longest_pause_or_thirty_days_without_one(
    age: timedelta, pause: timedelta | None, unusual: bool
) -> None:
    assert Freshness(AS_OF, AS_OF, AS_OF - age, pause).is_unusual is unusual


def test_a_snapshot_keeps_two_days_or_twice_the_longest_pause_between_refreshes() -> None:
    assert Freshness(AS_OF, AS_OF).snapshot_keeps == 2 * DAY
    assert Freshness(AS_OF, AS_OF, between_refreshes=DAY / 2).snapshot_keeps == 2 * DAY
    assert Freshness(AS_OF, AS_OF, between_refreshes=7 * DAY).snapshot_keeps == 14 * DAY


def test_the_pause_between_refreshes_is_that_of_the_last_ten(settings: Settings) -> None:
    for _ in range(2):
        refresh.run(settings, as_of=AS_OF)
    with query_warehouse.connect(settings) as warehouse:
        found = warehouse.freshness()
        taken = warehouse.sql("select taken_at from meta.refreshes order by number")["taken_at"].to_list()
    assert found.taken_at == taken[1]
    assert found.between_refreshes == taken[1] - taken[0]


def test_spans_are_told_in_whole_days_or_hours() -> None:
    told = [span(length) for length in (HOUR / 2, HOUR, 47 * HOUR, 2 * DAY, 183 * DAY + HOUR)]
    assert told == ["less than an hour", "1 hour", "47 hours", "2 days", "183 days"]


def test_a_message_of_one_hour_alone_has_no_pause(settings: Settings, postgres: psycopg.Connection) -> None:
    build = Build()
    build.influencer(created_at=at("2026-03-01 10:10"))
    build.influencer(created_at=at("2026-03-01 10:50"))
    worlds.insert(postgres, build.world)
    refresh.run(settings, as_of=AS_OF)
    with query_warehouse.connect(settings) as warehouse:
        assert warehouse.freshness().longest_pause is None
