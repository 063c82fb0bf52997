"""Spans of time: what people type, the one moment it means, and the half-open window it makes."""

# ruff: noqa: DTZ001 - times without a zone are what some of these tests are about

from __future__ import annotations

import pickle
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from si_analytics import settings
from si_analytics.errors import UsageError
from si_analytics.periods import windows

AS_OF = datetime(2026, 6, 1, tzinfo=UTC)
ZONES = sorted(settings.time_zones())
SECOND = timedelta(seconds=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("given_text", "tz", "meant"),
    [
        ("2026-01-31", "UTC", "2026-01-31T00:00"),
        ("2026-01-31", "Europe/Berlin", "2026-01-30T23:00"),
        ("2026-07-31", "Europe/Berlin", "2026-07-30T22:00"),
        (" 2026-01-31 ", "America/New_York", "2026-01-31T05:00"),
        ("20260131", "UTC", "2026-01-31T00:00"),
        ("2026-01-31T09:00:00Z", "Europe/Berlin", "2026-01-31T09:00"),
        ("2026-01-31T09:00:00+05:30", "Europe/Berlin", "2026-01-31T03:30"),
        ("2026-01-31 09:00-03:00", "UTC", "2026-01-31T12:00"),
        ("2026-01-31T09:00:00.123456Z", "UTC", "2026-01-31T09:00:00.123456"),
    ],
)
def test_a_text_means_one_moment(given_text: str, tz: str, meant: str) -> None:
    found = windows.instant(given_text, tz)
    assert found == utc(meant)
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    ("tz", "day", "begins", "why"),
    [
        ("America/Sao_Paulo", date(2018, 11, 4), "2018-11-04T03:00", "clocks go from 24:00 to 1:00"),
        ("America/Sao_Paulo", date(2018, 2, 18), "2018-02-18T03:00", "clocks go from 24:00 back to 23:00"),
        ("America/Havana", date(2025, 11, 2), "2025-11-02T04:00", "midnight comes twice, the day begins once"),
        ("America/Toronto", date(1919, 3, 31), "1919-03-31T04:30", "clocks go from 23:30 to 0:30"),
        ("Pacific/Apia", date(2011, 12, 30), "2011-12-30T10:00", "that day was left out; the next begins"),
        ("Asia/Beirut", date(2026, 3, 29), "2026-03-28T22:00", "clocks go from 0:00 to 1:00"),
        ("Europe/Berlin", date(2026, 3, 29), "2026-03-28T23:00", "clocks change later that night"),
    ],
)
def test_a_day_begins_when_the_clocks_there_say_so(tz: str, day: date, begins: str, why: str) -> None:
    assert windows.instant(day, tz) == utc(begins), why


@given(st.dates(date(1900, 1, 2), date(2100, 1, 1)), st.sampled_from(ZONES))
def test_a_day_begins_at_the_first_moment_that_bears_its_date_or_a_later_one(day: date, tz: str) -> None:
    begins = windows.instant(day, tz)
    zone = ZoneInfo(tz)
    assert begins.astimezone(zone).date() >= day
    assert (begins - SECOND).astimezone(zone).date() < day


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1)), st.integers(-23 * 60, 23 * 60), st.sampled_from(ZONES))
def test_an_instant_is_the_same_moment_whatever_its_offset_and_form(when: datetime, minutes: int, tz: str) -> None:
    aware = when.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert windows.instant(aware) == aware
    assert windows.instant(aware.isoformat(), tz) == aware
    assert windows.instant(windows.instant(aware)) == aware


@pytest.mark.parametrize("naive", [datetime(2026, 1, 31), "2026-01-31T09:00", "2026-01-31 09:00:00"])
def test_a_time_without_a_zone_is_refused(naive: datetime | str) -> None:
    with pytest.raises(UsageError, match=r"since 2026-01-31T\S+: it has no time zone.* Add an offset, like \S+Z or"):
        windows.instant(naive, "Europe/Berlin", name="since")


@pytest.mark.parametrize("text", ["yesterday", "", "2026-13-01", "31.01.2026", "2026-01-31T25:00Z", "1767225600"])
def test_a_text_that_is_no_time_is_refused_with_the_forms_that_are(text: str) -> None:
    with pytest.raises(UsageError, match=r"until '.*': it is no date or time\. Write a date like 2026-01-31 or a time"):
        windows.instant(text, name="until")


@pytest.mark.parametrize("value", [1767225600, 1.5, None, time(9), object()])
def test_a_value_that_is_no_time_is_refused_by_its_type(value: Any) -> None:
    with pytest.raises(UsageError, match=f"since of type {type(value).__name__}: it is no date or time"):
        windows.instant(value, name="since")


@pytest.mark.parametrize(
    ("text", "tz"), [("0001-01-01", "Asia/Tokyo"), ("0001-01-01T00:00+01:00", "UTC"), ("9999-12-31T23:00-05:00", "UTC")]
)
def test_a_moment_beyond_the_calendar_is_refused(text: str, tz: str) -> None:
    with pytest.raises(UsageError, match="outside the years 1 to 9999"):
        windows.instant(text, tz)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("Europe/Berln", r"Did you mean Europe/Berlin\?"),
        ("europe/berlin", r"Did you mean Europe/Berlin\?"),
        ("America/New York", r"Did you mean America/New_York\?"),
        ("Middle-earth", "Use one like UTC, Europe/Berlin, America/New_York"),
        ("", "Use one like"),
        ("../../etc/passwd", "Use one like"),
        ("localtime", "it is not an IANA name"),
    ],
)
def test_an_unknown_time_zone_is_refused_with_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(UsageError, match=hint):
        windows.zone(name)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("14d", timedelta(days=14)),
        ("36h", timedelta(hours=36)),
        ("2w", timedelta(weeks=2)),
        ("90min", timedelta(minutes=90)),
        ("90m", timedelta(minutes=90)),
        ("45s", timedelta(seconds=45)),
        (" 1d 12h ", timedelta(days=1, hours=12)),
        ("1d12h30min", timedelta(days=1, hours=12, minutes=30)),
        ("14 d", timedelta(days=14)),
        ("0d", timedelta()),
    ],
)
def test_a_duration_is_read(text: str, span: timedelta) -> None:
    assert windows.duration(text) == span


@given(st.integers(0, 10**5), st.integers(0, 23), st.integers(0, 59), st.integers(0, 59))
def test_the_parts_of_a_duration_add_up(days: int, hours: int, minutes: int, seconds: int) -> None:
    text = f"{days}d {hours}h {minutes}min {seconds}s"
    assert windows.duration(text) == timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


@pytest.mark.parametrize("value", ["-3d", " - 3d", timedelta(days=-3), timedelta(microseconds=-1)])
def test_a_negative_duration_is_refused_as_such(value: str | timedelta) -> None:
    with pytest.raises(UsageError, match=r"within .*: it is negative\. Give a duration of zero or more"):
        windows.duration(value)


@pytest.mark.parametrize("text", ["", "d", "14", "1.5d", "14 days", "14D", "1M", "1y", "3d!", "٣d", "1d -2h", "14dd"])
def test_a_text_that_is_no_duration_is_refused_with_what_is(text: str) -> None:
    with pytest.raises(UsageError, match=r"it is no duration\. Write whole numbers with w, d, h, min or s, like 14d"):
        windows.duration(text)


@pytest.mark.parametrize("text", ["9999999999d", "9" * 5000 + "s"])
def test_a_duration_beyond_all_bounds_is_refused_in_a_short_sentence(text: str) -> None:
    with pytest.raises(UsageError, match="it is too long") as caught:
        windows.duration(text)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("value", [14, 1.5, None])
def test_a_duration_of_another_type_is_refused(value: Any) -> None:
    with pytest.raises(UsageError, match="it is no duration"):
        windows.duration(value)


def test_without_bounds_a_window_is_everything_before_as_of() -> None:
    assert windows.window(AS_OF) == windows.Window(None, AS_OF, AS_OF)


def test_an_until_after_as_of_is_cut_to_it() -> None:
    assert windows.window(AS_OF, "2026-01-01", "2027-01-01").until == AS_OF


def test_an_until_before_as_of_stays() -> None:
    assert windows.window(AS_OF, None, "2026-02-01", "Europe/Berlin").until == utc("2026-01-31T23:00")


@pytest.mark.parametrize(
    ("since", "until", "found"),
    [
        ("2026-03-01", "2026-02-01", "ends before it begins"),
        ("2026-03-01", "2026-03-01", "is empty"),
        ("2026-06-01", None, "is empty"),
        ("2026-07-01", "2026-08-01", "ends before it begins"),
    ],
)
def test_a_window_that_holds_nothing_is_refused_with_the_as_of(since: str, until: str | None, found: str) -> None:
    with pytest.raises(UsageError, match=rf"it {found}\. Give a since before the until.* 2026-06-01T00:00:00\+00:00"):
        windows.window(AS_OF, since, until)


def test_an_as_of_without_a_zone_is_refused() -> None:
    with pytest.raises(UsageError, match="as_of 2026-06-01T00:00:00: it has no time zone"):
        windows.window(datetime(2026, 6, 1))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-Q2", "2026-03-31T22:00"),
        ("2026-01", "2025-12-31T23:00"),
        ("this month", "2026-05-31T22:00"),
        ("today", "2026-05-31T22:00"),
        ("yesterday", "2026-05-30T22:00"),
        ("last 30 days", "2026-05-01T22:00"),
        ("last 8 weeks", "2026-04-05T22:00"),
        ("May 2026", "2026-04-30T22:00"),
        ("mtd", "2026-05-31T22:00"),
        ("ytd", "2025-12-31T23:00"),
        ("14d", "2026-05-18T00:00"),
        ("1d 12h", "2026-05-30T12:00"),
    ],
)
def test_a_span_given_as_one_moment_stands_for_its_first(text: str, meant: str) -> None:
    """As of midnight of June 1 in UTC it is June 1 in Berlin, since two hours."""
    assert windows.instant(text, "Europe/Berlin", as_of=AS_OF) == utc(meant)


@pytest.mark.parametrize(
    ("text", "tz", "begins", "ends"),
    [
        ("2026-Q1", "UTC", "2026-01-01T00:00", "2026-04-01T00:00"),
        ("2026-Q1", "Europe/Berlin", "2025-12-31T23:00", "2026-03-31T22:00"),
        ("2026-03-29", "Europe/Berlin", "2026-03-28T23:00", "2026-03-29T22:00"),
        ("last 30 days", "UTC", "2026-05-02T00:00", "2026-06-01T00:00"),
        ("last 30 days", "America/New_York", "2026-05-01T04:00", "2026-05-31T04:00"),
        ("last 90 days", "Europe/Berlin", "2026-03-02T23:00", "2026-05-31T22:00"),
        ("last month", "America/New_York", "2026-04-01T04:00", "2026-05-01T04:00"),
        ("14d", "Europe/Berlin", "2026-05-18T00:00", "2026-06-01T00:00"),
    ],
)
def test_during_gives_both_ends_in_the_days_of_the_zone(text: str, tz: str, begins: str, ends: str) -> None:
    """As of midnight of June 1 in UTC it is still May 31 in New York: May is this month there.

    The last 90 days in Berlin begin at a midnight of winter time and end at one of summer time.
    """
    assert windows.window(AS_OF, tz=tz, during=text) == windows.Window(utc(begins), utc(ends), AS_OF)


def test_during_a_span_that_goes_on_ends_at_as_of() -> None:
    as_of = utc("2026-06-03T09:30")
    month, day = windows.window(as_of, during="this month"), windows.window(as_of, during=date(2026, 6, 3))
    assert month == windows.Window(utc("2026-06-01"), as_of, as_of, whole_until=utc("2026-07-01"))
    assert day == windows.Window(utc("2026-06-03"), as_of, as_of, whole_until=utc("2026-06-04"))


def test_during_what_has_not_begun_is_refused_as_empty() -> None:
    """As of midnight nothing of today has happened yet."""
    for during in ("today", "mtd"):
        with pytest.raises(UsageError, match=r"it is empty\. Name a period that has begun before as_of, 2026-06-01T00"):
            windows.window(AS_OF, during=during)
    with pytest.raises(UsageError, match="it ends before it begins"):
        windows.window(AS_OF, during="2027")


def test_during_beside_since_or_until_is_refused() -> None:
    for ends in ({"since": "2026-01"}, {"until": "2026-02"}):
        with pytest.raises(UsageError, match="during gives both of its ends"):
            windows.window(AS_OF, during="2026", **ends)


@pytest.mark.parametrize("text", ["3m", "90 m", "3M"])
def test_minutes_or_months_is_asked_back(text: str) -> None:
    for read in (lambda: windows.instant(text, as_of=AS_OF, name="since"), lambda: windows.span(text, AS_OF)):
        with pytest.raises(UsageError, match="m could be minutes or months"):
            read()


@pytest.mark.parametrize("text", ["", "soon", "2026-02-30", "2026-01-31T09:00:00Z", "next week"])
def test_what_is_no_span_is_refused_with_what_is(text: str) -> None:
    with pytest.raises(UsageError, match=r"it is no span of days.* 2026-Q2, .*last 30 days, or a duration like 14d"):
        windows.span(text, AS_OF)


@pytest.mark.parametrize("value", [datetime(2026, 1, 1, tzinfo=UTC), 2026, None])
def test_a_value_that_is_no_span_is_refused_by_its_type(value: Any) -> None:
    with pytest.raises(UsageError, match=f"during of type {type(value).__name__}: it is no span"):
        windows.span(value, AS_OF)


def test_a_duration_longer_than_the_calendar_is_refused() -> None:
    with pytest.raises(UsageError, match="that is before the year 1"):
        windows.instant("999999999d", as_of=AS_OF)


moments = st.datetimes(datetime(2000, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))


@given(moments, st.none() | moments, st.none() | moments)
def test_a_window_is_refused_or_lies_before_as_of_and_begins_before_it_ends(
    as_of: datetime, since: datetime | None, until: datetime | None
) -> None:
    end = as_of if until is None else min(until, as_of)
    if since is not None and since >= end:
        with pytest.raises(UsageError):
            windows.window(as_of, since, until)
    else:
        assert windows.window(as_of, since, until) == windows.Window(since, end, as_of)


@given(st.dates(date(2020, 1, 1), date(2026, 5, 1)), st.sampled_from(ZONES))
def test_the_days_of_a_zone_follow_each_other_without_gap_or_overlap(day: date, tz: str) -> None:
    """The end of one day's window is the beginning of the next one's."""
    today = windows.window(AS_OF, day, day + timedelta(days=1), tz)
    tomorrow = windows.window(AS_OF, day + timedelta(days=1), day + timedelta(days=2), tz)
    assert today.until == tomorrow.since


@given(moments, st.integers(1, 400), st.sampled_from(ZONES))
def test_the_last_days_are_so_many_midnights_before_the_one_as_of_follows(as_of: datetime, count: int, tz: str) -> None:
    found = windows.window(as_of, tz=tz, during=f"last {count} days")
    today = as_of.astimezone(ZoneInfo(tz)).date()
    assert found.until == windows.instant(today, tz) <= as_of
    assert found.since == windows.instant(today - timedelta(days=count), tz)


def test_an_error_travels_between_processes() -> None:
    with pytest.raises(UsageError) as caught:
        windows.duration("soon")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.exit_code) == (str(caught.value), 2)
