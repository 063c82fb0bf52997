"""Windows of weeks and fiscal periods: by which calendar they are counted, and of periods to date."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from si_analytics.calendars import Calendar
from si_analytics.compute.currencies import Present
from si_analytics.periods import windows
from si_analytics.query.question import Question
from si_analytics.refresh import backfill


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "begins", "whole"),
    [
        ("wtd", "2026-06-01", "2026-06-08"),
        ("mtd", "2026-06-01", "2026-07-01"),
        ("qtd", "2026-05-01", "2026-08-01"),
        ("ytd", "2026-01-01", "2027-01-01"),
        ("fytd", "2026-02-01", "2027-02-01"),
    ],
)
def test_a_period_to_date_ends_at_as_of_and_knows_its_whole_end(text: str, begins: str, whole: str) -> None:
    """On Wednesday 3 June at 9:30, with fiscal years from February."""
    as_of = utc("2026-06-03T09:30")
    found = windows.window(as_of, during=text, calendar=Calendar(fiscal_start=2))
    assert found == windows.Window(utc(begins), as_of, as_of, whole_until=utc(whole))


def test_the_calendar_counts_for_each_end_and_for_one_moment() -> None:
    """On Wednesday 3 June, with weeks from Sunday: this week began on 31 May, last week on 24 May."""
    as_of, sunday = utc("2026-06-03T09:30"), Calendar(week_start=7)
    found = windows.window(as_of, since="last week", until="this week", calendar=sunday)
    assert (found.since, found.until) == (utc("2026-05-24"), utc("2026-05-31"))
    assert windows.span("last week", as_of, calendar=sunday) == (utc("2026-05-24"), utc("2026-05-31"))
    assert windows.instant("this week", as_of=as_of, calendar=sunday) == utc("2026-05-31")
    assert windows.instant("FY2026", calendar=Calendar(fiscal_start=4)) == utc("2025-04-01")


@pytest.mark.parametrize(
    ("during", "week_start", "tz", "begins", "ends", "hours"),
    [
        ("this week", 1, "Europe/Berlin", "2026-03-22T23:00", "2026-03-29T22:00", 167),
        ("this week", 7, "Europe/Berlin", "2026-03-21T23:00", "2026-03-28T23:00", 168),
        ("last week", 7, "America/Sao_Paulo", "2018-11-04T03:00", "2018-11-11T02:00", 167),
    ],
)
def test_a_week_in_which_clocks_change_has_seven_days_and_begins_at_midnight_or_just_after_a_skipped_one(
    during: str, week_start: int, tz: str, begins: str, ends: str, hours: int
) -> None:
    """In Sao Paulo clocks went from 24:00 to 1:00 on Sunday 4 November 2018, the first day of a week there."""
    as_of = utc("2026-03-27T12:00") if "Berlin" in tz else utc("2018-11-14T12:00")
    found = windows.span(during, as_of, tz, calendar=Calendar(week_start=week_start))
    assert found == (utc(begins), utc(ends))
    assert found[1] - found[0] == timedelta(hours=hours)


def test_a_question_is_counted_by_the_calendar_of_the_present() -> None:
    """As of Wednesday 3 June at 9:30, with weeks from Sunday and fiscal years from February."""
    present = Present(utc("2026-06-03T09:30"), "usd", "UTC", calendar=Calendar(week_start=7, fiscal_start=2))
    for during, begins in (("wtd", "2026-05-31"), ("qtd", "2026-05-01"), ("fytd", "2026-02-01")):
        assert Question(during=during).parameters(present).window.since == utc(begins)
    assert Question(as_of="last week").parameters(present).window.as_of == utc("2026-05-24")


def test_words_of_a_question_count_from_its_as_of_which_counts_from_the_refresh() -> None:
    """As of yesterday means as of its first moment, 2 June; the month to date is then that of 1 June alone."""
    present = Present(utc("2026-06-03T09:30"), "usd", "UTC")
    window = Question(as_of="yesterday", during="mtd").parameters(present).window
    assert (window.since, window.until, window.as_of) == (utc("2026-06-01"), utc("2026-06-02"), utc("2026-06-02"))


def test_the_days_to_fill_are_those_of_the_calendar() -> None:
    present = Present(utc("2026-06-03T09:30"), "usd", "UTC", calendar=Calendar(week_start=7, fiscal_start=2))
    assert [str(day) for day in backfill.days(present, during="last week")] == ["2026-05-24", "2026-05-30"]
    assert [str(day) for day in backfill.days(present, during="qtd")] == ["2026-05-01", "2026-06-02"]
