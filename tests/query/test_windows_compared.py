"""The windows that a window is compared with: the one before, and the same of last year."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from si_analytics import settings
from si_analytics.periods import windows
from si_analytics.periods.windows import Window
from tests.model import rules

ZONES = sorted(settings.time_zones())
SHIFTING = ("Europe/Berlin", "America/Havana", "America/Sao_Paulo", "Africa/Casablanca", "Asia/Beirut", "Pacific/Apia")
BERLIN = "Europe/Berlin"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def ends(window: Window | None) -> tuple[datetime | None, datetime] | None:
    return None if window is None else (window.since, window.until)


def before(as_of: str, during: str, tz: str) -> tuple[datetime | None, datetime] | None:
    return ends(windows.before(windows.window(utc(as_of), tz=tz, during=during), tz))


@pytest.mark.parametrize(
    ("as_of", "during", "tz", "begins", "until", "why"),
    [
        ("2026-04-09T22:00", "last 30 days", BERLIN, "2026-02-08T23:00", "2026-03-10T23:00", "Feb 9 at 0:00, not 1:00"),
        ("2026-11-20", "last 30 days", BERLIN, "2026-09-20T22:00", "2026-10-20T22:00", "one of its days has 25 hours"),
        ("2026-04-01", "2026-03", "UTC", "2026-02-01", "2026-03-01", "28 days before 31"),
        ("2026-04-01", "2026-03", BERLIN, "2026-01-31T23:00", "2026-02-28T23:00", "in winter time, whatever March is"),
        ("2026-07-01", "2026-Q2", "UTC", "2026-01-01", "2026-04-01", "90 days before 91"),
        ("2026-01-01", "2025", "UTC", "2024-01-01", "2025-01-01", "366 days before 365"),
        ("2026-06-01", "last 3 months", "UTC", "2025-12-01", "2026-03-01", "as many months"),
        ("2026-06-08", "2026-W23", "UTC", "2026-05-25", "2026-06-01", "seven days"),
        ("2026-06-01", "2026-05-31", "UTC", "2026-05-30", "2026-05-31", "one day"),
        ("2026-06-01T09:30", "14d", BERLIN, "2026-05-04T09:30", "2026-05-18T09:30", "no midnights: as long"),
        ("2018-11-06", "2018-11-04", "America/Sao_Paulo", "2018-11-03T03:00", "2018-11-04T03:00", "midnight skipped"),
        ("2025-11-10", "2025-11-03", "America/Havana", "2025-11-02T04:00", "2025-11-03T05:00", "of two the first"),
    ],
)
def test_the_window_before_is_as_many_days_or_months(
    as_of: str, during: str, tz: str, begins: str, until: str, why: str
) -> None:
    assert before(as_of, during, tz) == (utc(begins), utc(until)), why


@pytest.mark.parametrize(
    ("as_of", "during", "tz", "begins", "until", "why"),
    [
        ("2026-06-10T09:30", "this month", "UTC", "2026-05-01", "2026-05-10T09:30", "over the same elapsed time"),
        ("2026-06-10", "this month", "UTC", "2026-05-01", "2026-05-10", "nine days"),
        ("2026-03-31", "this month", "UTC", "2026-02-01", "2026-03-01", "thirty days, at most to its end"),
        ("2026-05-16", "2026-Q2", "UTC", "2026-01-01", "2026-02-15", "45 days"),
        ("2026-06-10T12:00", "today", "UTC", "2026-06-09", "2026-06-09T12:00", "half of yesterday"),
        ("2026-06-10T12:00", "this week", "UTC", "2026-06-01", "2026-06-03T12:00", "two days and a half"),
        ("2026-04-14T22:00", "this month", BERLIN, "2026-02-28T23:00", "2026-03-14T23:00", "14 local days"),
        ("2026-04-14T23:00", "this month", BERLIN, "2026-02-28T23:00", "2026-03-15T00:00", "14 days and an hour"),
        ("2026-04-10T22:00", "2026", BERLIN, "2024-12-31T23:00", "2025-04-10T22:00", "100 local days"),
    ],
)
def test_a_period_that_as_of_cuts_short_is_compared_with_as_much_of_the_one_before(
    as_of: str, during: str, tz: str, begins: str, until: str, why: str
) -> None:
    assert before(as_of, during, tz) == (utc(begins), utc(until)), why


def test_an_until_after_as_of_is_cut_before_anything_is_compared() -> None:
    """From 1 June until 1 July as of noon of the 10th: the nine days and a half just before, no month."""
    window = windows.window(utc("2026-06-10T12:00"), "2026-06-01", "2026-07-01")
    assert ends(windows.before(window, "UTC")) == (utc("2026-05-22T12:00"), utc("2026-06-01"))


def test_the_midnights_are_those_of_the_zone_asked_for_whatever_zone_a_datetime_carries() -> None:
    """Midnights of Berlin, of winter and summer: 30 days there, 719 hours elsewhere."""
    since, until = (
        windows.instant(day, BERLIN).astimezone(windows.zone("Asia/Tokyo")) for day in ("2026-03-11", "2026-04-10")
    )
    window = windows.window(utc("2026-06-01"), since, until, BERLIN)
    assert ends(windows.before(window, BERLIN)) == (utc("2026-02-08T23:00"), since)
    assert ends(windows.before(window, "UTC")) == (since - timedelta(hours=719), since)


def test_without_a_beginning_there_is_no_window_before_and_none_before_the_calendar() -> None:
    first = datetime.min.replace(tzinfo=UTC)
    assert windows.before(windows.window(utc("2026-06-01")), "UTC") is None
    assert windows.before(windows.window(utc("2026-06-01"), first), "UTC") is None
    assert ends(windows.before(windows.window(utc("2026-06-01"), "0500-01-01"), "UTC")) == (first, utc("0500-01-01"))


days = st.dates(date(2007, 1, 1), date(2040, 1, 1))


@given(days, st.integers(1, 800), st.sampled_from(ZONES) | st.sampled_from(SHIFTING), st.data())
def test_the_window_before_is_the_model_s_in_every_zone(day: date, length: int, tz: str, data: st.DataObject) -> None:
    """Ends at midnights or a little beside them, cut by as_of or not."""
    beside = st.sampled_from((timedelta(), timedelta(), timedelta(hours=1), -timedelta(minutes=30)))
    since = windows.instant(day, tz) + data.draw(beside)
    until = windows.instant(day + timedelta(days=length), tz) + data.draw(beside)
    cut = data.draw(
        st.none()
        | st.just(until - (until - since) / 3)
        | st.integers(1, length).map(lambda n: windows.instant(day + timedelta(days=n), tz))
    )
    if cut is None or cut <= since or cut >= until:
        window, expected = Window(since, until, until), rules.window_before(since, until, tz)
    else:
        window, expected = Window(since, cut, cut, until), rules.window_before(since, cut, tz, until)
    assert ends(windows.before(window, tz)) == expected


@given(days, st.integers(1, 800), st.sampled_from(ZONES))
def test_the_window_before_whole_days_ends_where_they_begin_and_begins_at_a_midnight(
    day: date, length: int, tz: str
) -> None:
    """Nothing lies in both, nothing in neither."""
    window = windows.window(utc("2050-01-01"), day, day + timedelta(days=length), tz)
    found = windows.before(window, tz)
    assert found is not None
    assert found.since is not None
    assert found.until == window.since
    assert found.since == windows.instant(windows.today(found.since, tz), tz)


@pytest.mark.parametrize(
    ("since", "until", "tz", "begins", "ended"),
    [
        ("2026-02-01", "2026-03-01", "UTC", "2025-02-01", "2025-03-01"),
        ("2024-02-01", "2024-03-01", "UTC", "2023-02-01", "2023-03-01"),
        ("2024-02-28", "2024-02-29", "UTC", "2023-02-28", "2023-03-01"),
        ("2026-03-29", "2026-03-31", BERLIN, "2025-03-28T23:00", "2025-03-30T22:00"),
        ("2026-06-01T07:30:00Z", "2026-06-02T07:30:00Z", BERLIN, "2025-06-01T07:30", "2025-06-02T07:30"),
        ("2026-03-30T07:30:00Z", "2026-04-02", BERLIN, "2025-03-30T07:30", "2025-04-01T22:00"),
        ("2026-10-29T07:30:00Z", "2026-11-02", "America/New_York", "2025-10-29T07:30", "2025-11-02T04:00"),
    ],
)
def test_the_same_window_last_year_has_both_ends_twelve_months_earlier(
    since: str, until: str, tz: str, begins: str, ended: str
) -> None:
    """29 February becomes 1 March; a time of day stays what the clocks show."""
    window = windows.window(utc("2026-12-01"), since, until, tz)
    assert ends(windows.last_year(window, tz)) == (utc(begins), utc(ended))


def test_by_week_last_year_is_fifty_two_weeks_earlier_on_the_same_weekdays() -> None:
    week = windows.window(utc("2026-12-01"), tz=BERLIN, during="2026-W14")
    assert ends(windows.last_year(week, BERLIN, by_week=True)) == (utc("2025-03-30T22:00"), utc("2025-04-06T22:00"))
    assert windows.span("2025-W14", utc("2026-12-01"), BERLIN)[0] == utc("2025-03-30T22:00")


def test_the_last_of_february_alone_has_no_like_in_a_shorter_year_nor_has_what_came_before_the_calendar() -> None:
    leap = windows.window(utc("2024-06-01"), during="2024-02-29")
    assert windows.last_year(leap, "UTC") is None
    assert ends(windows.last_year(leap, "UTC", by_week=True)) == (utc("2023-03-02"), utc("2023-03-03"))
    assert windows.last_year(windows.window(utc("0001-06-01"), "0001-02-01"), "UTC") is None


def test_last_year_of_a_window_without_a_beginning_has_none_either() -> None:
    assert ends(windows.last_year(windows.window(utc("2026-06-01")), "UTC")) == (None, utc("2025-06-01"))
