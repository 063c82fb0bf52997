"""Spans of days as people write them: which days a text means, and which texts mean none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from si_analytics.calendars import MONTHS, Calendar
from si_analytics.errors import UsageError
from si_analytics.periods import spans

TODAY = date(2026, 6, 3)  # a Wednesday
DAY = timedelta(days=1)
any_day = st.dates(date(1900, 1, 1), date(2100, 1, 1))
calendars = st.builds(Calendar, st.integers(1, 7), st.integers(1, 12))


@pytest.mark.parametrize(
    ("text", "first", "after"),
    [
        ("2026", "2026-01-01", "2027-01-01"),
        ("2026-Q2", "2026-04-01", "2026-07-01"),
        ("2026q4", "2026-10-01", "2027-01-01"),
        ("2026-01", "2026-01-01", "2026-02-01"),
        ("2026-12", "2026-12-01", "2027-01-01"),
        ("2024-02", "2024-02-01", "2024-03-01"),
        ("2026-W05", "2026-01-26", "2026-02-02"),
        ("2026w01", "2025-12-29", "2026-01-05"),
        ("2020-W53", "2020-12-28", "2021-01-04"),
        ("2026-01-31", "2026-01-31", "2026-02-01"),
        ("20260131", "2026-01-31", "2026-02-01"),
        ("2026-W05-3", "2026-01-28", "2026-01-29"),
        ("May 2026", "2026-05-01", "2026-06-01"),
        ("may 2026", "2026-05-01", "2026-06-01"),
        (" MAY   2026 ", "2026-05-01", "2026-06-01"),
        ("2026 May", "2026-05-01", "2026-06-01"),
        ("Dec-2026", "2026-12-01", "2027-01-01"),
        ("Sept. 2026", "2026-09-01", "2026-10-01"),
        ("february, 2024", "2024-02-01", "2024-03-01"),
        ("Q2 2026", "2026-04-01", "2026-07-01"),
        ("q2-2026", "2026-04-01", "2026-07-01"),
        ("2026 Q2", "2026-04-01", "2026-07-01"),
        ("2026Q2", "2026-04-01", "2026-07-01"),
        ("W05 2026", "2026-01-26", "2026-02-02"),
        ("2026 w05", "2026-01-26", "2026-02-02"),
        ("FY2026", "2026-01-01", "2027-01-01"),
        ("FY2026-Q2", "2026-04-01", "2026-07-01"),
    ],
)
def test_a_span_of_the_calendar_needs_no_today(text: str, first: str, after: str) -> None:
    assert spans.read(text, None) == spans.Days(date.fromisoformat(first), date.fromisoformat(after))


@pytest.mark.parametrize(
    ("text", "first", "after"),
    [
        ("today", "2026-06-03", "2026-06-04"),
        ("yesterday", "2026-06-02", "2026-06-03"),
        ("this week", "2026-06-01", "2026-06-08"),
        ("last week", "2026-05-25", "2026-06-01"),
        ("this month", "2026-06-01", "2026-07-01"),
        ("last month", "2026-05-01", "2026-06-01"),
        ("this quarter", "2026-04-01", "2026-07-01"),
        ("last quarter", "2026-01-01", "2026-04-01"),
        ("this year", "2026-01-01", "2027-01-01"),
        ("last year", "2025-01-01", "2026-01-01"),
        ("last 1 day", "2026-06-02", "2026-06-03"),
        ("last 30 days", "2026-05-04", "2026-06-03"),
        ("last 2 weeks", "2026-05-18", "2026-06-01"),
        ("last 12 months", "2025-06-01", "2026-06-01"),
        ("last 6 quarters", "2024-10-01", "2026-04-01"),
        ("last 3 years", "2023-01-01", "2026-01-01"),
        ("  Last  30\tDays ", "2026-05-04", "2026-06-03"),
        ("last 8 weeks", "2026-04-06", "2026-06-01"),
        ("wtd", "2026-06-01", "2026-06-08"),
        ("MTD", "2026-06-01", "2026-07-01"),
        ("qtd", "2026-04-01", "2026-07-01"),
        ("ytd", "2026-01-01", "2027-01-01"),
        ("fytd", "2026-01-01", "2027-01-01"),
        ("year to date", "2026-01-01", "2027-01-01"),
        ("Month-to-date", "2026-06-01", "2026-07-01"),
        ("this fiscal year", "2026-01-01", "2027-01-01"),
    ],
)
def test_words_count_whole_units_back_from_today(text: str, first: str, after: str) -> None:
    assert spans.read(text, TODAY) == spans.Days(date.fromisoformat(first), date.fromisoformat(after))
    assert spans.read(text, None) is None


@pytest.mark.parametrize(
    "text",
    [
        *("2026-Q0", "2026-Q5", "2026-00", "2026-13", "2026-W00", "2026-W54", "0000", "9999"),
        *("Q5 2026", "W54 2026", "May 0000", "Dec 9999", "FY0000", "FY9999", "FY2026-Q5"),
    ],
)
def test_a_span_that_no_calendar_has_is_refused_with_what_can_be_written(text: str) -> None:
    with pytest.raises(UsageError, match=rf"since '{text}': no calendar has it\. Write a year, quarter, .* last month"):
        spans.read(text, TODAY, name="since")


@pytest.mark.parametrize("text", ["last 0 days", "last 99999 months", "last 999999 days", "last 9999 years"])
def test_so_many_days_back_that_there_are_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="no calendar has it"):
        spans.read(text, TODAY)


@pytest.mark.parametrize(
    "text",
    [
        *("", "month", "next month", "last", "last month ago", "last 30", "30 days", "14d", "26-01", "2026-1"),
        *("May", "Mai 2026", "Mayday 2026", "May 26", "Q2", "Q2 26", "FY26", "FY2026-W05", "FY2026 May", "FY2026-05"),
        *("this day", "day to date", "dtd", "to date", "last fiscal", "first 2026", "2026 2026"),
        *("2026/01", "01.2026", "2026-02-30", "January", "last -3 days", "last ٣ days", "2026-01-31T09:00Z"),
    ],
)
def test_whatever_else_means_no_span(text: str) -> None:
    assert spans.read(text, TODAY) is None


@given(any_day, st.sampled_from(["day", "week", "month", "quarter", "year"]), st.integers(1, 40))
def test_so_many_units_are_as_many_single_ones_end_to_end_and_end_where_the_current_begins(
    today: date, unit: str, count: int
) -> None:
    """The last 3 months are the month before this, the one before that, and one more."""
    ends = spans.read("today" if unit == "day" else f"this {unit}", today)
    several = spans.read(f"last {count} {unit}s", today)
    assert ends is not None
    assert several is not None
    assert several.after == ends.first
    at = several.after
    for _ in range(count):
        one = spans.read(f"last 1 {unit}", at)
        assert one is not None
        assert one.after == at
        at = one.first
    assert several.first == at


@given(any_day)
def test_a_day_lies_in_its_own_week_month_quarter_and_year_and_in_no_other(day: date) -> None:
    year, week, _ = day.isocalendar()
    quarter = (day.month + 2) // 3
    for text in (f"{day.year}", f"{day.year}-Q{quarter}", f"{day:%Y-%m}", f"{year}-W{week:02}", f"{day}"):
        found = spans.read(text, None)
        assert found is not None
        assert found.first <= day < found.after
    for unit in ("week", "month", "quarter", "year"):
        this, last = spans.read(f"this {unit}", day), spans.read(f"last {unit}", day)
        assert this is not None
        assert last is not None
        assert last.after == this.first <= day < this.after
        assert spans.read(f"last {unit}", this.after) == this


@pytest.mark.parametrize(
    ("text", "calendar", "first", "after"),
    [
        ("this week", Calendar(week_start=7), "2026-05-31", "2026-06-07"),
        ("wtd", Calendar(week_start=7), "2026-05-31", "2026-06-07"),
        ("last week", Calendar(week_start=4), "2026-05-21", "2026-05-28"),
        ("last 8 weeks", Calendar(week_start=7), "2026-04-05", "2026-05-31"),
        ("2026-W05", Calendar(week_start=7), "2026-01-26", "2026-02-02"),
        ("FY2026", Calendar(fiscal_start=4), "2025-04-01", "2026-04-01"),
        ("fy 2026", Calendar(fiscal_start=10), "2025-10-01", "2026-10-01"),
        ("FY2026-Q2", Calendar(fiscal_start=4), "2025-07-01", "2025-10-01"),
        ("FY2026 Q4", Calendar(fiscal_start=4), "2026-01-01", "2026-04-01"),
        ("Q1 FY2026", Calendar(fiscal_start=10), "2025-10-01", "2026-01-01"),
        ("Q1 fy 2026", Calendar(fiscal_start=12), "2025-12-01", "2026-03-01"),
        ("fytd", Calendar(fiscal_start=4), "2026-04-01", "2027-04-01"),
        ("fiscal year to date", Calendar(fiscal_start=7), "2025-07-01", "2026-07-01"),
        ("last fiscal year", Calendar(fiscal_start=4), "2025-04-01", "2026-04-01"),
        ("last 2 fiscal years", Calendar(fiscal_start=4), "2024-04-01", "2026-04-01"),
        ("qtd", Calendar(fiscal_start=2), "2026-05-01", "2026-08-01"),
        ("this quarter", Calendar(fiscal_start=2), "2026-05-01", "2026-08-01"),
        ("last quarter", Calendar(fiscal_start=2), "2026-02-01", "2026-05-01"),
        ("last 4 quarters", Calendar(fiscal_start=2), "2025-05-01", "2026-05-01"),
        ("2026-Q2", Calendar(fiscal_start=2), "2026-04-01", "2026-07-01"),
        ("ytd", Calendar(fiscal_start=4), "2026-01-01", "2027-01-01"),
        ("this year", Calendar(fiscal_start=4), "2026-01-01", "2027-01-01"),
        ("2026", Calendar(fiscal_start=4), "2026-01-01", "2027-01-01"),
    ],
)
def test_weeks_quarters_and_fiscal_years_begin_as_the_calendar_says_and_what_is_named_by_its_number_stays(
    text: str, calendar: Calendar, first: str, after: str
) -> None:
    found = spans.read(text, TODAY, calendar=calendar)
    assert found == spans.Days(date.fromisoformat(first), date.fromisoformat(after))


@given(any_day, calendars)
def test_a_fiscal_year_bears_the_year_it_ends_in_and_is_four_quarters(day: date, calendar: Calendar) -> None:
    this = spans.read("this fiscal year", day, calendar=calendar)
    assert this is not None
    year = (this.after - DAY).year
    assert spans.read(f"FY{year}", None, calendar=calendar) == this
    quarters = [spans.read(f"FY{year}-Q{number}", None, calendar=calendar) for number in (1, 2, 3, 4)]
    at = this.first
    for quarter in quarters:
        assert quarter is not None
        assert quarter.first == at
        at = quarter.after
    assert at == this.after
    assert spans.read("this quarter", day, calendar=calendar) in quarters


@given(any_day, calendars, st.sampled_from(["week", "month", "quarter", "year", "fiscal year"]))
def test_to_date_is_the_period_that_holds_today(day: date, calendar: Calendar, unit: str) -> None:
    short = "".join(word[0] for word in unit.split()) + "td"
    if unit == "fiscal year":
        short = "fytd"
    this = spans.read(f"this {unit}", day, calendar=calendar)
    assert this is not None
    assert this.first <= day < this.after
    assert spans.read(short, day, calendar=calendar) == this == spans.read(f"{unit} to date", day, calendar=calendar)


@given(st.integers(1, 9998), st.integers(1, 12), st.sampled_from([str.lower, str.upper, str.title]), st.booleans())
def test_a_month_by_name_is_the_month_by_number(
    year: int, number: int, form: Callable[[str], str], year_first: bool
) -> None:
    name = form(MONTHS[number - 1])
    for written in (name, name[:3]):
        text = f"{year:04} {written}" if year_first else f"{written} {year:04}"
        assert spans.read(text, None) == spans.read(f"{year:04}-{number:02}", None)


@given(st.text(alphabet="fyqw0123456789-. ,maytdlsthi", max_size=16), st.none() | any_day, calendars)
def test_any_text_means_days_or_none_or_is_refused(text: str, today: date | None, calendar: Calendar) -> None:
    try:
        found = spans.read(text, today, calendar=calendar)
    except UsageError:
        return
    assert found is None or found.first < found.after
