"""The same window of last year: of periods to date, of days that clocks change, of moments within a day."""

# ruff: noqa: DTZ001 - what the clocks of a zone show is what some of these tests are about

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from si_analytics import settings
from si_analytics.calendars import Calendar
from si_analytics.periods import windows
from si_analytics.periods.windows import Window
from tests.model import rules

ZONES = sorted(settings.time_zones())
SHIFTING = ("Europe/Berlin", "America/Havana", "America/Sao_Paulo", "Africa/Casablanca", "Asia/Beirut", "Pacific/Apia")
BERLIN = "Europe/Berlin"
HALF_HOUR = timedelta(minutes=30)
whatever_the_load = hypothesis(deadline=None)
days = st.dates(date(2007, 1, 1), date(2040, 1, 1))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def ends(window: Window | None) -> tuple[datetime | None, datetime] | None:
    return None if window is None else (window.since, window.until)


@pytest.mark.parametrize(
    ("as_of", "during", "tz", "begins", "until", "why"),
    [
        ("2026-06-10T09:30", "mtd", "UTC", "2025-06-01", "2025-06-10T09:30", "over the same elapsed time"),
        ("2026-06-10", "ytd", "UTC", "2025-01-01", "2025-06-10", "160 days"),
        ("2024-03-01", "ytd", "UTC", "2023-01-01", "2023-03-02", "60 days, of which one was 29 February"),
        ("2024-03-01", "2024-Q1", "UTC", "2023-01-01", "2023-03-02", "the same by another name"),
        ("2024-02-29T12:00", "today", "UTC", "2023-03-01", "2023-03-01", "no such day, so nothing"),
        ("2024-02-29T12:00", "mtd", "UTC", "2023-02-01", "2023-03-01", "at most to its end"),
        ("2026-03-29T22:00", "mtd", BERLIN, "2025-02-28T23:00", "2025-03-29T23:00", "29 days, one of 23 hours now"),
        ("2026-03-29T23:00", "mtd", BERLIN, "2025-02-28T23:00", "2025-03-29T23:00", "no midnight: 696 hours"),
    ],
)
def test_a_period_that_as_of_cuts_short_is_compared_with_as_much_of_it_a_year_earlier(
    as_of: str, during: str, tz: str, begins: str, until: str, why: str
) -> None:
    found = ends(windows.last_year(windows.window(utc(as_of), tz=tz, during=during), tz))
    assert found == (None if begins == until else (utc(begins), utc(until))), why


def test_by_week_a_week_to_date_is_compared_with_as_much_of_the_week_fifty_two_weeks_earlier() -> None:
    """Wednesday 1 April 2026 at noon in Berlin; clocks changed on the Sunday before, in both years."""
    week = windows.window(utc("2026-04-01T10:00"), tz=BERLIN, during="wtd")
    assert ends(windows.last_year(week, BERLIN, by_week=True)) == (utc("2025-03-30T22:00"), utc("2025-04-02T10:00"))
    sunday = windows.window(utc("2026-04-01T10:00"), tz=BERLIN, during="wtd", calendar=Calendar(week_start=7))
    assert sunday.since == utc("2026-03-28T23:00")
    assert ends(windows.last_year(sunday, BERLIN, by_week=True)) == (utc("2025-03-29T23:00"), utc("2025-04-02T10:00"))


def test_a_fiscal_quarter_to_date_is_compared_with_as_much_of_the_same_fiscal_quarter() -> None:
    """With fiscal years from February, the quarter that holds 10 June began on 1 May: 40 days."""
    calendar = Calendar(fiscal_start=2)
    quarter = windows.window(utc("2026-06-10"), during="qtd", calendar=calendar)
    assert ends(windows.last_year(quarter, "UTC")) == (utc("2025-05-01"), utc("2025-06-10"))
    assert ends(windows.before(quarter, "UTC")) == (utc("2026-02-01"), utc("2026-03-13"))
    year = windows.window(utc("2026-06-10"), during="FY2026", calendar=calendar)
    assert ends(windows.before(year, "UTC")) == (utc("2024-02-01"), utc("2025-02-01"))


@pytest.mark.parametrize(
    ("tz", "day", "begins", "why"),
    [
        ("America/Sao_Paulo", "2019-11-04", "2018-11-04T03:00", "clocks went from 24:00 to 1:00 that night"),
        ("Asia/Beirut", "2027-03-29", "2026-03-28T22:00", "clocks go from 0:00 to 1:00 that night"),
        ("Asia/Beirut", "2026-03-29", "2025-03-28T22:00", "this year they do, last year they did a day later"),
        ("America/Havana", "2026-11-02", "2025-11-02T04:00", "of two midnights the first"),
    ],
)
def test_a_midnight_that_clocks_skip_is_the_first_moment_of_its_day(tz: str, day: str, begins: str, why: str) -> None:
    found = windows.last_year(windows.window(utc("2027-06-01"), tz=tz, during=day), tz)
    assert found is not None
    assert found.since == utc(begins), why


def a_year_before(day: date, by_week: bool) -> date:
    """The date with another year written in, or that of the same weekday."""
    if by_week:
        return day - timedelta(days=364)
    return date(day.year - 1, 3, 1) if (day.month, day.day) == (2, 29) else day.replace(year=day.year - 1)


@whatever_the_load
@given(days, st.integers(1, 800), st.sampled_from(ZONES) | st.sampled_from(SHIFTING), st.booleans())
def test_whole_days_are_the_same_dates_or_weekdays_a_year_earlier(
    first: date, length: int, tz: str, by_week: bool
) -> None:
    after = first + timedelta(days=length)
    assume(not any(left_out(day, tz) for day in (first, after)))
    begins, ended = (rules.first_moment(a_year_before(day, by_week), tz) for day in (first, after))
    since, until = windows.instant(first, tz), windows.instant(after, tz)
    expected = (begins, ended) if begins < ended else None
    assert ends(windows.last_year(Window(since, until, until), tz, by_week=by_week)) == expected


@whatever_the_load
@given(days, st.integers(2, 800), st.sampled_from(ZONES) | st.sampled_from(SHIFTING), st.booleans(), st.data())
def test_days_that_as_of_cuts_short_at_a_midnight_are_as_many_dates_from_the_first_a_year_earlier(
    first: date, length: int, tz: str, by_week: bool, data: st.DataObject
) -> None:
    after = first + timedelta(days=length)
    passed = data.draw(st.integers(1, length - 1))
    begins, ended = (a_year_before(day, by_week) for day in (first, after))
    assume(not any(left_out(day, tz) for day in (first, first + timedelta(days=passed), after, begins)))
    since, until, whole = (windows.instant(first + timedelta(days=count), tz) for count in (0, passed, length))
    expected = [rules.first_moment(day, tz) for day in (begins, min(ended, begins + timedelta(days=passed)))]
    found = ends(windows.last_year(Window(since, until, until, whole), tz, by_week=by_week))
    assert found == (tuple(expected) if expected[0] < expected[1] else None)


def left_out(day: date, tz: str) -> bool:
    """Whether no moment in `tz` bears that date, like 30 December 2011 in Samoa."""
    return windows.today(windows.instant(day, tz), tz) != day


@whatever_the_load
@given(
    st.datetimes(datetime(2007, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),
    st.sampled_from(SHIFTING),
    st.booleans(),
)
def test_a_moment_within_a_day_shows_the_same_time_on_the_clocks(until: datetime, tz: str, by_week: bool) -> None:
    """Of what the clocks skip a year earlier there is no such time."""
    now = until.astimezone(windows.zone(tz))
    expected = datetime.combine(a_year_before(now.date(), by_week), now.time())
    found = windows.last_year(Window(None, until, until), tz, by_week=by_week)
    assert found is not None
    then = found.until.astimezone(windows.zone(tz)).replace(tzinfo=None)
    assert then == expected or expected not in shown(found.until, tz)


def shown(around: datetime, tz: str) -> set[datetime]:
    """What clocks in `tz` show every half hour within a day of a moment; they change by whole hours there."""
    zone = windows.zone(tz)
    return {(around + count * HALF_HOUR).astimezone(zone).replace(tzinfo=None) for count in range(-52, 53)}
