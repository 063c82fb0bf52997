"""The weeks, months, quarters and years that days are counted in: where each begins, and where the next."""

from __future__ import annotations

from datetime import date, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from si_analytics.calendars import Calendar
from si_analytics.periods import buckets
from si_analytics.periods.buckets import Unit

DAY = timedelta(days=1)
UNITS: tuple[Unit, ...] = get_args(Unit)
any_day = st.dates(date(1900, 1, 1), date(2100, 1, 1))
calendars = st.builds(Calendar, st.integers(1, 7), st.integers(1, 12))


def begins(day: date, unit: Unit, calendar: Calendar) -> bool:
    """Whether a period begins with `day`, by what is printed on a calendar."""
    months = {
        "month": range(1, 13),
        "quarter": [(calendar.fiscal_start - 1 + n) % 12 + 1 for n in (0, 3, 6, 9)],
        "year": [1],
        "fiscal_year": [calendar.fiscal_start],
    }
    if unit == "week":
        return day.isoweekday() == calendar.week_start
    return unit == "day" or (day.day == 1 and day.month in months[unit])


@pytest.mark.parametrize(
    ("unit", "calendar", "first", "after"),
    [
        ("day", Calendar(), "2026-06-03", "2026-06-04"),
        ("week", Calendar(), "2026-06-01", "2026-06-08"),
        ("week", Calendar(week_start=7), "2026-05-31", "2026-06-07"),
        ("week", Calendar(week_start=3), "2026-06-03", "2026-06-10"),
        ("week", Calendar(week_start=4), "2026-05-28", "2026-06-04"),
        ("month", Calendar(fiscal_start=4), "2026-06-01", "2026-07-01"),
        ("quarter", Calendar(), "2026-04-01", "2026-07-01"),
        ("quarter", Calendar(fiscal_start=2), "2026-05-01", "2026-08-01"),
        ("quarter", Calendar(fiscal_start=12), "2026-06-01", "2026-09-01"),
        ("year", Calendar(fiscal_start=4), "2026-01-01", "2027-01-01"),
        ("fiscal_year", Calendar(), "2026-01-01", "2027-01-01"),
        ("fiscal_year", Calendar(fiscal_start=4), "2026-04-01", "2027-04-01"),
        ("fiscal_year", Calendar(fiscal_start=7), "2025-07-01", "2026-07-01"),
    ],
)
def test_the_period_of_a_wednesday_in_june_begins_and_ends(
    unit: Unit, calendar: Calendar, first: str, after: str
) -> None:
    start = buckets.start_of(date(2026, 6, 3), unit, calendar)
    assert start == date.fromisoformat(first)
    assert buckets.next_start(start, unit) == date.fromisoformat(after)


def test_a_leap_day_is_in_its_february_and_the_next_day_begins_march() -> None:
    assert buckets.start_of(date(2024, 2, 29), "month") == date(2024, 2, 1)
    assert buckets.start_of(date(2024, 2, 29), "fiscal_year", Calendar(fiscal_start=3)) == date(2023, 3, 1)
    assert buckets.next_start(date(2024, 2, 29), "day") == date(2024, 3, 1)


@given(any_day, st.sampled_from(UNITS), calendars)
def test_the_first_day_is_the_last_on_which_a_period_begins(day: date, unit: Unit, calendar: Calendar) -> None:
    expected = day
    while not begins(expected, unit, calendar):
        expected -= DAY
    assert buckets.start_of(day, unit, calendar) == expected


@given(any_day, st.sampled_from(UNITS), calendars)
def test_the_next_period_begins_on_the_first_later_day_on_which_one_does(
    day: date, unit: Unit, calendar: Calendar
) -> None:
    start = buckets.start_of(day, unit, calendar)
    expected = start + DAY
    while not begins(expected, unit, calendar):
        expected += DAY
    assert buckets.next_start(start, unit) == expected
    assert start <= day < expected


@given(any_day, st.sampled_from(UNITS), calendars, st.integers(1, 30))
def test_so_many_periods_later_is_the_next_of_the_next_and_back_again(
    day: date, unit: Unit, calendar: Calendar, count: int
) -> None:
    start = at = buckets.start_of(day, unit, calendar)
    for _ in range(count):
        at = buckets.next_start(at, unit)
    assert buckets.moved(start, unit, count) == at
    assert buckets.moved(at, unit, -count) == start


@pytest.mark.parametrize("unit", UNITS)
def test_outside_of_the_years_1_to_9999_there_is_no_period(unit: Unit) -> None:
    with pytest.raises(ValueError, match=r"year|days from"):
        buckets.moved(date(1, 1, 1), unit, -1)
    with pytest.raises(ValueError, match=r"year|days from"):
        buckets.next_start(buckets.start_of(date.max, unit), unit)


def test_a_week_or_fiscal_year_that_begins_before_the_calendar_is_refused() -> None:
    for unit, calendar in (("week", Calendar(week_start=7)), ("fiscal_year", Calendar(fiscal_start=2))):
        with pytest.raises(ValueError, match=r"year|days from"):
            buckets.start_of(date.min, unit, calendar)  # type: ignore[arg-type]
