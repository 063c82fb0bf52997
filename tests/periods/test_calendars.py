"""The day that weeks begin with, the month that fiscal years begin with, and their names."""

from __future__ import annotations

import pytest

from si_analytics import calendars, periods
from si_analytics.calendars import MONTHS, WEEKDAYS, Calendar


def test_unless_set_weeks_begin_on_monday_and_fiscal_years_in_january() -> None:
    assert Calendar(week_start=1, fiscal_start=1) == calendars.STANDARD == periods.Calendar()


@pytest.mark.parametrize("values", [{"week_start": 0}, {"week_start": 8}, {"fiscal_start": 0}, {"fiscal_start": 13}])
def test_a_day_or_month_that_does_not_exist_is_refused(values: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=rf"{next(iter(values))} {next(iter(values.values()))} is not a"):
        Calendar(**values)


def test_each_name_and_its_first_three_letters_mean_its_number_in_capitals_or_not() -> None:
    for number, name in enumerate(WEEKDAYS, 1):
        assert {calendars.weekday(text) for text in (name, name[:3], name.upper(), f" {name} ")} == {number}
    for number, name in enumerate(MONTHS, 1):
        assert {calendars.month(text) for text in (name, name[:3], name.title(), f" {name} ")} == {number}
    assert calendars.month("Sept") == 9


@pytest.mark.parametrize("text", ["", "m", "mo", "mond", "mayday", "1", "januar"])
def test_nothing_else_is_a_name(text: str) -> None:
    assert (calendars.weekday(text), calendars.month(text)) == (None, None)
