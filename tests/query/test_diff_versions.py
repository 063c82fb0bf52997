"""The refreshes that are kept to compare with: which, where, and what happens where that cannot be."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from si_analytics import warehouse
from si_analytics.errors import UnknownNameError, UsageError
from si_analytics.refresh import run_log
from si_analytics.settings import Settings
from si_analytics.warehouse import versions
from tests.support.worlds import at

NOON = at("2026-06-10 12:00")


@pytest.fixture
def settings(make_settings: object) -> Settings:
    """Settings that need no database: refreshes are recorded, and nothing is read."""
    return make_settings("postgresql://nobody@127.0.0.1:1/none")  # type: ignore[operator, no-any-return]


def plenty(_: Path) -> int:
    return 10**15


def refreshed(
    settings: Settings, taken_at: datetime, as_of: datetime | None = None, free: versions.Free = plenty
) -> tuple[str, ...]:
    """Publish a refresh that is nothing but its record."""
    settings.warehouse.parent.mkdir(parents=True, exist_ok=True)
    connection = warehouse.create_working(settings)
    run_log.carry_over(connection, settings)
    connection.execute(
        "insert into meta.refreshes by name select uuid() as refresh_id, coalesce(max(number), 0) + 1 as number,"
        " $1 as as_of, '' as snapshot, '' as server, $2 as taken_at, 'usd' as currency, $3 as timezone, 1 as seconds,"
        " 0 as rows_written, '{}' as changed from meta.refreshes",
        [as_of or taken_at, taken_at, settings.timezone],
    )
    connection.close()
    return versions.publish_working(settings, free)


def numbers(settings: Settings) -> list[int]:
    return [one.number for one in versions.available(settings)]


@contextmanager
def unwritable(folder: Path) -> Iterator[None]:
    """A file where the folder of kept refreshes would be: nothing can be put into it, not even by root."""
    folder.write_text("in the way")
    yield
    folder.unlink()


def test_the_latest_three_are_kept_whatever_their_day(settings: Settings) -> None:
    for minute in range(5):
        assert refreshed(settings, NOON + timedelta(minutes=minute)) == ()
    assert numbers(settings) == [3, 4, 5]


def test_of_each_day_before_the_last_refresh_is_kept_for_so_many_days_and_no_more(settings: Settings) -> None:
    """Two refreshes on each of twelve days: of the seven days before the last one each, and the latest three."""
    for day in range(12):
        for hour in (0, 6):
            refreshed(settings, NOON + timedelta(days=day, hours=hour))
    assert numbers(settings) == [10, 12, 14, 16, 18, 20, 22, 23, 24]


def test_days_are_those_of_the_reporting_zone(settings: Settings) -> None:
    """23:30 UTC is the next day in Berlin, where it is the first refresh of that day and 12:00 the last."""
    berlin = settings.model_copy(update={"timezone": "Europe/Berlin"})
    refreshed(berlin, at("2026-06-09 12:00"))
    refreshed(berlin, at("2026-06-09 23:30"))
    assert versions.find(berlin, "2026-06-09").number == 1
    assert versions.find(berlin, date(2026, 6, 10)).number == 2
    refreshed(berlin, at("2026-06-11 22:00"))  # midnight: the 11th is over and the 12th has not begun
    assert versions.find(berlin, "2026-06-11").number == 3
    with pytest.raises(UnknownNameError, match="there was none"):
        versions.find(berlin, "2026-06-12")


def test_a_date_is_its_last_refresh_even_where_only_an_earlier_one_is_kept(settings: Settings) -> None:
    for hour in range(2):
        refreshed(settings, NOON + timedelta(hours=hour))
    refreshed(settings, NOON + timedelta(days=1))
    (versions.folder(settings) / "2.duckdb").unlink()
    with pytest.raises(UnknownNameError, match=r"2026-06-10: that is number 2, which is not kept.*1 \(as of 2026-06"):
        versions.find(settings, "2026-06-10")


@pytest.mark.parametrize("asked", ["9", 9, "2026-06-01", date(2026, 6, 1)])
def test_a_refresh_there_never_was_is_refused_with_those_that_are_kept(
    settings: Settings, asked: int | str | date
) -> None:
    refreshed(settings, NOON)
    with pytest.raises(UnknownNameError, match=r"there was none\. Give one of those that are: 1 \(as of 2026-06-10 12"):
        versions.find(settings, asked)


def test_what_is_neither_a_number_nor_a_day_is_refused(settings: Settings) -> None:
    refreshed(settings, NOON)
    with pytest.raises(UsageError, match="'yesterdy': it is neither a number nor a day"):
        versions.find(settings, "yesterdy")


def test_a_kept_refresh_is_the_file_that_was_published_under_a_second_name(settings: Settings) -> None:
    refreshed(settings, NOON)
    inode = settings.warehouse.stat().st_ino
    refreshed(settings, NOON + timedelta(hours=1))
    first = versions.find(settings, 1)
    assert first.path.stat().st_ino == inode
    assert versions.find(settings, 2).path == settings.warehouse
    assert versions.folder(settings).stat().st_mode == settings.warehouse.parent.stat().st_mode


def test_where_no_second_name_can_be_had_it_is_a_copy_with_the_same_rights(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    refreshed(settings, NOON)
    settings.warehouse.chmod(0o640)
    content = settings.warehouse.read_bytes()
    assert refreshed(settings, NOON + timedelta(hours=1)) == ()
    first = versions.find(settings, 1).path
    assert (first.read_bytes(), first.stat().st_mode & 0o777) == (content, 0o640)


def test_a_refresh_that_cannot_be_kept_is_published_all_the_same_and_says_so(settings: Settings) -> None:
    refreshed(settings, NOON)
    with unwritable(versions.folder(settings)):
        (warning,) = refreshed(settings, NOON + timedelta(hours=1))
    assert warning == "refresh 1 is not kept for comparing: File exists"
    assert numbers(settings) == [2]


def test_a_full_disk_loses_the_oldest_that_are_kept_and_says_which(settings: Settings) -> None:
    for hour in range(2):
        refreshed(settings, NOON + timedelta(hours=hour))
    room = iter([0, 10**15])
    (warning,) = refreshed(settings, NOON + timedelta(hours=2), free=lambda _: next(room))
    assert "refresh 1 is kept no longer" in warning
    assert numbers(settings) == [2, 3]


def test_nothing_is_kept_with_no_days_and_what_was_is_deleted(settings: Settings) -> None:
    for hour in range(3):
        refreshed(settings, NOON + timedelta(hours=hour))
    refreshed(settings.model_copy(update={"kept_days": 0}), NOON + timedelta(hours=3))
    assert numbers(settings) == [4]
    assert list(versions.folder(settings).iterdir()) == []


def test_what_a_crash_left_is_removed_by_the_next_refresh(settings: Settings) -> None:
    for hour in range(2):
        refreshed(settings, NOON + timedelta(hours=hour))
    leftover = versions.folder(settings) / "1.new"
    leftover.write_text("half a copy")
    refreshed(settings, NOON + timedelta(hours=2))
    assert sorted(path.name for path in versions.folder(settings).iterdir()) == ["1.duckdb", "2.duckdb"]


def test_a_crash_between_keeping_and_publishing_loses_nothing_and_shows_nothing_twice(settings: Settings) -> None:
    refreshed(settings, NOON)
    versions.folder(settings).mkdir()
    os.link(settings.warehouse, versions.folder(settings) / "1.duckdb")
    assert numbers(settings) == [1]
    refreshed(settings, NOON + timedelta(hours=1))
    assert numbers(settings) == [1, 2]


def test_files_of_a_warehouse_that_was_moved_away_are_not_taken_for_refreshes_of_this_one(settings: Settings) -> None:
    for hour in range(3):
        refreshed(settings, NOON + timedelta(hours=hour))
    settings.warehouse.unlink()
    refreshed(settings, NOON + timedelta(hours=3))
    assert numbers(settings) == [1]
    assert versions.find(settings, 1).path == settings.warehouse
    refreshed(settings, NOON + timedelta(hours=4))
    assert [one.as_of for one in versions.available(settings)] == [NOON + timedelta(hours=3), NOON + timedelta(hours=4)]


def test_a_kept_file_that_is_damaged_is_not_offered(settings: Settings) -> None:
    for hour in range(2):
        refreshed(settings, NOON + timedelta(hours=hour))
    (versions.folder(settings) / "1.duckdb").write_bytes(b"no database")
    assert numbers(settings) == [2]


def test_a_reader_of_a_kept_refresh_keeps_no_refresh_from_ending(settings: Settings) -> None:
    for hour in range(2):
        refreshed(settings, NOON + timedelta(hours=hour))
    with duckdb.connect() as reading:
        warehouse.attach(reading, versions.find(settings, 1).path, "old")
        for hour in range(2, 6):
            assert refreshed(settings, NOON + timedelta(hours=hour)) == ()
        assert reading.sql("select max(number) from old.meta.refreshes").fetchall() == [(1,)]
    assert numbers(settings) == [4, 5, 6]
