"""The table of measures: figures by unit, groups and periods in words, totals, changes and lines of the trend."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from great_tables import GT

from si_analytics import tables
from si_analytics.errors import UsageError
from si_analytics.frames import Figure, Grouping
from si_analytics.frames import text as measure_text
from tests.support import dashboard_frames
from tests.support import measure_frames as frames
from tests.test_tables import cells, headings

TAGS = re.compile(r"<[^>]+>")


def words(made: GT) -> list[str]:
    """The headings of the columns without their markup."""
    return [TAGS.sub("", one) for one in headings(made)]


def test_each_measure_is_written_by_its_unit_with_others_and_total_at_the_end() -> None:
    """A ratio of 0.123456 is 12.3 %; money keeps its cents; the names of the rest are words."""
    made = tables.measure(frames.by_tier())
    assert words(made) == ["Agent tier", "GMV (USD)", "New deals", "Take rate"]
    assert cells(made) == [
        ["gold", "9,000.50", "40", "12.3 %"],
        ["silver", "8,000.50", "39", "12.3 %"],
        ["(none)", "7,000.50", "38", "12.3 %"],
        ["Others", "500.00", "7", "5.0 %"],
        ["Total", "33,333.33", "321", "10.0 %"],
    ]


def test_money_keeps_every_digit_where_a_float_would_not() -> None:
    frame = frames.made((), (frames.GMV,), [("90071992547409931.07",)])
    assert cells(tables.measure(frame)) == [["90,071,992,547,409,931.07"]]


def test_the_title_says_what_by_what_and_the_subtitle_of_when() -> None:
    """The window's last moment is exclusive: until midnight on 1 February is to 31 January."""
    page = tables.measure(frames.by_tier_and_month()).as_raw_html()
    assert "GMV by agent tier and month" in page
    assert "1 Jan 2026 to 16 May 2026 11:30, Europe/Berlin" in page
    january = frames.retitled(frames.whole(), tz="UTC", since=None, until=datetime(2026, 2, 1, tzinfo=UTC))
    assert "Until 31 Jan 2026, UTC" in tables.measure(january).as_raw_html()
    assert "All time, UTC" in tables.measure(frames.retitled(january, until=None)).as_raw_html()


def test_the_meaning_of_a_measure_is_on_its_heading_and_never_read_as_html() -> None:
    figure = replace(frames.GMV, meaning='paid "at once" <script>alert(1)</script>')
    page = tables.measure(frames.made((), (figure,), [("1.00",)])).as_raw_html()
    assert 'title="paid &quot;at once&quot; &lt;script&gt;alert(1)&lt;/script&gt;"' in page
    assert "<script" not in page


def test_what_is_compared_stands_beside_with_its_sign_under_the_measure() -> None:
    made = tables.measure(frames.compared_by_tier())
    assert words(made) == ["Agent tier", "Value", "Period before", "Change", "Change in %"]
    assert "GMV (USD)" in made.as_raw_html()
    assert cells(made) == [
        ["gold", "9,000.50", "8,000.00", "+1,000.50", "+12.5 %"],
        ["silver", "8,000.50", "9,000.00", "-999.50", "-11.1 %"],
        ["bronze", "7,000.50", "–", "–", "–"],
    ]
    assert "Year before" in words(tables.measure(frames.compared_by_month()))


def test_a_period_reads_as_people_say_it_and_says_when_the_window_holds_only_a_part() -> None:
    made = tables.measure(frames.by_month())
    assert [row[0] for row in cells(made)] == [
        *("Jan 2026", "Feb 2026", "Mar 2026", "Apr 2026", "May 2026 (part)"),
        "Total",
    ]
    assert "the window holds only a part of this period" in made.as_raw_html()
    assert "only a part" not in tables.measure(frames.by_month().head(4)).as_raw_html()


def test_only_the_first_rows_are_shown_and_the_total_stays() -> None:
    made = tables.measure(frames.by_tier([f"tier {at}" for at in range(8)]), top=2)
    assert [row[0] for row in cells(made)] == ["tier 0", "tier 1", "Others", "Total"]
    assert "First 2 of 8 rows, 1 Jan 2026" in made.as_raw_html()
    with pytest.raises(UsageError, match="top is 0"):
        tables.measure(frames.by_tier(), top=0)


def test_a_tier_that_is_called_total_is_a_tier() -> None:
    """Only what stands in the column row makes a total."""
    frame = frames.made((frames.TIER,), (frames.DEALS,), [("(total)", 3, "cell")], also=("row",))
    assert cells(tables.measure(frame)) == [["(total)", "3"]]


def test_names_are_shown_as_typed() -> None:
    for made in (
        tables.measure(frames.by_tier(dashboard_frames.HOSTILE)),
        tables.measure(frames.by_tier_and_month(dashboard_frames.HOSTILE), sparkline=True),
    ):
        page = made.as_raw_html()
        assert "<script" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_a_sparkline_has_one_row_for_each_group_with_the_last_complete_period() -> None:
    """January to April are drawn; of May the window holds a part; the last tier has no March."""
    made = tables.measure(frames.by_tier_and_month(), sparkline=True)
    assert words(made) == ["Agent tier", "GMV (USD), Apr 2026", "GMV over time"]
    assert [row[:2] for row in cells(made)] == [
        ["gold", "1,750.25"],
        ["silver", "2,750.25"],
        ["(none)", "3,750.25"],
        ["Others", "4,750.25"],
    ]
    page = made.as_raw_html()
    assert page.count("<svg") == 4
    assert "GMV, Jan 2026 to Apr 2026: Line plot of 4 values" in page
    assert "Left out, for the window holds only a part: May 2026." in page


def test_a_sparkline_of_a_lone_period_in_part_still_shows_it() -> None:
    frame = frames.by_tier_and_month().filter(pl.col("month").dt.month() == 5)
    assert cells(tables.measure(frame, sparkline=True))[0][:2] == ["gold", "2,000.25"]


def test_a_sparkline_of_a_frame_without_rows_is_a_table_without_rows() -> None:
    frame = frames.by_tier_and_month().head(0)
    assert cells(tables.measure(frame, sparkline=True)) == []
    assert cells(tables.measure(frame)) == []


@pytest.mark.parametrize("frame", [frames.by_tier(), frames.by_month(), frames.whole()])
def test_a_sparkline_needs_a_calendar_and_something_else(frame: pl.DataFrame) -> None:
    with pytest.raises(UsageError, match="Group by one of day to year, and by something else"):
        tables.measure(frame, sparkline=True)


def test_a_frame_of_something_else_is_refused_and_told_what_to_pass() -> None:
    with pytest.raises(UsageError, match=r"Pass the result of warehouse\.measure"):
        tables.measure(pl.DataFrame({"gmv": [1]}))
    changed = frames.by_tier()
    changed.drop_in_place("gmv")
    with pytest.raises(UsageError, match="has no column gmv"):
        tables.measure(changed)


@pytest.mark.parametrize(
    ("unit", "found", "written"),
    [
        ("deals", 1200, "1,200"),
        ("reporting currency", Decimal("-1234.50"), "-1,234.50"),
        ("ratio", Decimal("0.023450"), "2.3 %"),
        ("percent", Decimal("23.50"), "23.50 %"),
        ("stars", Decimal("4.5"), "4.5"),
        ("time", datetime(2026, 6, 1, 12, tzinfo=UTC), "2026-06-01 12:00:00 UTC"),
        ("time", "-0043-03-15T00:00:00.000000+00:00", "-0043-03-15T00:00:00.000000+00:00"),
        ("days", None, "–"),
    ],
)
def test_a_value_is_written_by_its_unit(unit: str, found: Any, written: str) -> None:
    assert measure_text.value(Figure("x", unit, 2, "", additive=False), found) == written


@pytest.mark.parametrize(
    ("name", "unit", "places", "heading"),
    [
        ("gmv", "reporting currency", 2, "GMV (EUR)"),
        ("escrow_fees", "usd", 2, "Escrow fees (USD)"),
        ("invites_sent", "invites", 0, "Invites sent"),
        ("take_rate", "ratio", 6, "Take rate"),
        ("conversion_time", "days", 2, "Conversion time (days)"),
        ("rating", "stars", 1, "Rating (of 5)"),
        ("last_deal_at", "time", 0, "Last deal at (UTC)"),
        ("escrows_opened", "holds", 0, "Escrows opened (holds)"),
    ],
)
def test_a_heading_says_the_unit_unless_the_name_or_the_values_do(
    name: str, unit: str, places: int, heading: str
) -> None:
    assert measure_text.heading(Figure(name, unit, places, "", additive=True), "eur") == heading


@pytest.mark.parametrize(
    ("unit", "found", "written"),
    [
        ("deals", 3, "+3"),
        ("deals", 0, "0"),
        ("usd", Decimal("-0.50"), "-0.50"),
        ("ratio", Decimal("0.012500"), "+1.3 points"),
        ("percent", Decimal("-1.25"), "-1.25 points"),
        ("time", timedelta(days=3), "3 days, 0:00:00"),
        ("days", None, "–"),
    ],
)
def test_a_change_has_its_sign_and_that_of_a_share_is_in_points(unit: str, found: Any, written: str) -> None:
    assert measure_text.change(Figure("x", unit, 2, "", additive=False), found) == written


@pytest.mark.parametrize(
    ("kind", "unit", "found", "written"),
    [
        ("calendar", "day", frames.MONTHS[0], "1 Jan 2026"),
        ("calendar", "week", frames.MONTHS[0], "1 Jan 2026"),
        ("calendar", "quarter", frames.MONTHS[3], "2026 Q2"),
        ("calendar", "year", frames.MONTHS[0], "2026"),
        ("calendar", "month", "-0043-03-01", "-0043-03-01"),
        ("calendar", "month", None, "(none)"),
        ("number", "weekday", 7, "Sunday"),
        ("number", "hour", 9, "09:00"),
        ("text", "", "Gold", "Gold"),
    ],
)
def test_a_group_is_named_as_people_say_it(kind: Any, unit: str, found: Any, written: str) -> None:
    assert measure_text.group(Grouping("x", kind, unit), found) == written
