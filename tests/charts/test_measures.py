"""The chart of measures: which picture a frame gets, and that picture held against the frame."""

from __future__ import annotations

import html
import json
from itertools import combinations, product
from typing import Any, Literal

import plotly.graph_objects as go
import polars as pl
import pytest

from si_analytics import charts
from si_analytics.errors import UnknownNameError, UsageError
from si_analytics.frames import Figure, Grouping
from tests.charts.test_charts import names_of
from tests.support import measure_frames as frames
from tests.support.chart_gallery import unmarked


def heading(figure: go.Figure) -> str:
    return unmarked(figure.layout.title.text)


def below(figure: go.Figure) -> list[str]:
    """The lines of the subtitle."""
    return unmarked(figure.layout.title.subtitle.text).split("<br>")


def names(figure: go.Figure) -> list[str]:
    return [unmarked(trace.name) for trace in figure.data]


def said(figure: go.Figure) -> list[str]:
    return [unmarked(note.text) for note in figure.layout.annotations]


def test_without_a_grouping_the_number_itself_is_drawn_with_every_digit() -> None:
    figure = charts.measure(frames.made((), (frames.GMV,), [("90071992547409931.07",)]))
    assert heading(figure) == "GMV (USD)"
    assert said(figure) == ["90,071,992,547,409,931.07"]


def test_a_number_says_how_it_changed_and_since_when() -> None:
    compared = frames.made((), (frames.GMV,), [("120.00", "100.00")], compared="previous")
    assert said(charts.measure(compared)) == ["120.00", "+20.00 (+20.0 %) against<br>the period before: 100.00"]


def test_a_text_is_bars_from_the_largest_with_others_last_and_no_total() -> None:
    figure = charts.measure(frames.by_tier().reverse())
    assert heading(figure) == "GMV (USD) by agent tier"
    assert names_of(figure) == ["gold", "silver", "(none)", "Others"]
    assert list(figure.data[0].x) == [9000.5, 8000.5, 7000.5, 500.0]
    assert figure.data[2].text == ("9,000.50", "8,000.50", "7,000.50", "500.00")


def test_only_the_top_bars_are_drawn_and_it_says_of_how_many() -> None:
    figure = charts.measure(frames.by_tier([f"tier {at}" for at in range(8)]), top=2)
    assert names_of(figure) == ["tier 0", "tier 1", "Others"]
    assert below(figure)[1] == "Top 2 of 8 values"


def test_what_a_bar_is_compared_with_is_a_lighter_bar_beside_it() -> None:
    figure = charts.measure(frames.compared_by_tier())
    assert list(figure.data[0].x) == [9000.5, 8000.5, 7000.5, 8000.0, 9000.0, None]
    assert list(figure.data[0].marker.opacity) == [1.0] * 3 + [0.4] * 3
    assert below(figure)[1] == "Lighter: the period before"
    assert figure.data[2].text[0] == "9,000.50  \u2068+12.5 &#37;\u2069"
    assert "The period before 8,000.00<br>Change +1,000.50 (+12.5 %)" in figure.data[0].customdata[0]


def test_a_measure_is_chosen_by_its_name_and_is_else_the_first_amount() -> None:
    assert list(charts.measure(frames.by_tier(), "new_deals").data[0].x) == [40.0, 39.0, 38.0, 7.0]
    timed = frames.made((frames.TIER,), (frames.LAST_DEAL, frames.DEALS), [("gold", frames.UNTIL, 3)])
    assert list(charts.measure(timed).data[0].x) == [3.0]
    with pytest.raises(UnknownNameError, match="Choose one of its amounts: gmv, new_deals, take_rate"):
        charts.measure(frames.by_tier(), "deals")
    with pytest.raises(UnknownNameError, match="it is a time"):
        charts.measure(timed, "last_deal_at")
    with pytest.raises(UsageError, match="every measure of the frame is a time"):
        charts.measure(frames.made((frames.TIER,), (frames.LAST_DEAL,), [("gold", frames.UNTIL)]))


def test_a_calendar_is_a_line_whose_period_in_part_is_an_open_circle() -> None:
    figure = charts.measure(frames.by_month())
    (line,) = figure.data
    assert (line.type, line.mode) == ("scatter", "lines+markers")
    assert list(line.x) == [month.isoformat() for month in frames.MONTHS]
    assert list(line.y) == [1000.25, 1250.25, 1500.25, 1750.25, 2000.25]
    assert list(line.marker.symbol) == ["circle"] * 4 + ["circle-open"]
    assert below(figure)[1] == "Open circle: not a whole month"
    assert figure.layout.yaxis.title.text == "\u2068USD\u2069"
    assert figure.layout.xaxis.ticktext[0] == "Jan<br>2026"


def test_a_line_has_what_it_is_compared_with_as_a_dashed_line() -> None:
    now, before = charts.measure(frames.compared_by_month()).data
    assert list(now.y) == [100.0, 130.0, 160.0, 190.0, 220.0]
    assert list(before.y) == [90.0, 100.0, 110.0, 120.0, 130.0]
    assert (before.line.dash, before.name) == ("dash", "The year before")


def test_a_measure_that_adds_up_is_stacked_over_time_with_periods_in_part_paler() -> None:
    figure = charts.measure(frames.by_tier_and_month())
    assert {trace.type for trace in figure.data} == {"bar"}
    assert names(figure) == ["(none)", "silver", "gold", "Others"]
    assert list(figure.data[0].y) == [3000.25, 3250.25, None, 3750.25, 4000.25]
    assert list(figure.data[1].marker.opacity) == [1.0, 1.0, 1.0, 1.0, 0.5]
    assert len({trace.marker.pattern.shape for trace in figure.data}) == 4
    assert figure.layout.barmode == "relative"


def test_groups_beyond_the_first_few_are_added_up_exactly_so_that_the_stack_stays_whole() -> None:
    """Eight tiers and others: five drawn, three tiers and the others in one."""
    frame = frames.by_tier_and_month([f"tier {at}" for at in range(8)])
    figure = charts.measure(frame)
    assert len(figure.data) == 6
    assert names(figure)[-1] == "Others"
    january = frame.filter(pl.col("month") == frames.MONTHS[0])
    assert sum(trace.y[0] for trace in figure.data) == float(january["gmv"].sum())
    assert "1,000.25" not in figure.data[-1].customdata[0]
    assert "15,001.00" in figure.data[-1].customdata[0]  # 1000.25 + 2000.25 + 3000.25 + 9000.25


def test_a_measure_that_does_not_add_up_is_lines_over_time() -> None:
    figure = charts.measure(frames.by_tier_and_month(figure=frames.TAKE_RATE))
    assert {trace.type for trace in figure.data} == {"scatter"}
    assert len({trace.line.dash for trace in figure.data}) == 4
    assert figure.layout.yaxis.tickformat == ".0%"
    many = frames.by_tier_and_month([f"tier {at}" for at in range(8)], frames.TAKE_RATE)
    assert len(charts.measure(many).data) == 6
    assert "Top 6 of 8 values" in below(charts.measure(many))


def test_a_gap_in_a_line_stays_a_gap_and_a_lone_point_is_seen() -> None:
    days = pl.date_range(frames.MONTHS[0], frames.MONTHS[2], eager=True)
    rows: list[tuple[Any, ...]] = [(day, None if at in (0, 2) else "1.50") for at, day in enumerate(days)]
    line = charts.measure(frames.made((Grouping("day", "calendar", "day"),), (frames.GMV,), rows)).data[0]
    assert line.y[:4] == (None, 1.5, None, 1.5)
    assert line.marker.size[:4] == (0, 6, 0, 0)
    assert len(charts.measure(frames.made((frames.MONTH,), (frames.GMV,), [(frames.MONTHS[0], "2.00")])).data[0].x) == 1


def test_what_has_no_date_is_left_out_of_a_line_and_said() -> None:
    rows = [(frames.MONTHS[0], "1.00"), (None, "5.00")]
    figure = charts.measure(frames.made((frames.MONTH,), (frames.GMV,), rows))
    assert list(figure.data[0].y) == [1.0]
    assert below(figure)[1] == "Without what has no date"


def test_others_without_a_date_are_left_out_of_a_line_and_said() -> None:
    rows = [("gold", frames.MONTHS[0], "1.00", "cell"), ("(others)", None, "5.00", "others")]
    figure = charts.measure(frames.made((frames.TIER, frames.MONTH), (frames.GMV,), rows, also=("row",)))
    assert names(figure) == ["gold"]
    assert "Without the others" in below(figure)


def test_others_have_a_column_of_their_own_beside_the_hours() -> None:
    rows = [("gold", 3, 5, "cell"), ("(others)", None, 2, "others")]
    heat = charts.measure(frames.made((frames.TIER, frames.HOUR), (frames.DEALS,), rows, also=("row",))).data[0]
    assert [list(line)[3::21] for line in heat.z] == [[5.0, None], [None, 2.0]]


GROUPINGS = (frames.TIER, frames.METHOD, frames.HOUR, frames.WEEKDAY, frames.WEEK, frames.MONTH)
VALUES = {"text": ("x <b>y</b>", "(none)", ""), "calendar": (*frames.MONTHS[:2], None), "number": (1, 7, None)}


@pytest.mark.parametrize("compared", [None, "previous"])
@pytest.mark.parametrize("figure", [frames.GMV, frames.TAKE_RATE, frames.DEALS])
@pytest.mark.parametrize("chosen", [one for count in range(4) for one in combinations(GROUPINGS, count)])
def test_whatever_a_frame_is_grouped_by_it_is_drawn_and_shown(
    chosen: tuple[Grouping, ...], figure: Figure, compared: Literal["previous"] | None
) -> None:
    """Every choice of up to three groupings, with missing values, others and a total."""
    value = 2 if figure is frames.DEALS else "-0.500000" if figure is frames.TAKE_RATE else "3.25"
    values = (value, None) if compared else (value,)
    cells = [(*found, *values, None, "cell") for found in product(*(VALUES[one.kind] for one in chosen))]
    rest = [
        (*(f"({kind})" if one.kind == "text" else None for one in chosen), *values, None, kind)
        for kind in ("others", "total")
    ]
    frame = frames.made(chosen, (figure,), [*cells, *rest], compared=compared, also=("complete", "row"))
    json.dumps(charts.measure(frame).to_dict(), default=str)
    assert "Total" in frame._repr_html_() or not chosen


def test_two_texts_are_a_heat_map_with_exact_cells_and_no_total() -> None:
    figure = charts.measure(frames.by_tier_and_method())
    (heat,) = figure.data
    assert list(figure.layout.yaxis.ticktext) == ["\u2068(none)\u2069", "\u2068silver\u2069", "\u2068gold\u2069"]
    assert [unmarked(word) for word in figure.layout.xaxis.ticktext] == ["email", "link", "sms"]
    assert [list(line) for line in heat.z] == [[2400.0, 1800.0, 2100.0], [1700.0, 1100.0, None], [1000.0, 400.0, 700.0]]
    assert tuple(heat.text[0]) == ("2,400.00", "1,800.00", "2,100.00")
    assert (heat.zmin, heat.zmax) == (0, 2400)


def test_hours_run_across_and_weekdays_down_whichever_was_asked_first() -> None:
    frame = frames.by_weekday_and_hour()
    turned = frames.retitled(frame, groupings=(frames.HOUR, frames.WEEKDAY))
    for figure in (charts.measure(frame), charts.measure(turned)):
        assert [unmarked(word) for word in figure.layout.yaxis.ticktext][::6] == ["Monday", "Sunday"]
        assert [unmarked(word) for word in figure.layout.xaxis.ticktext] == [f"{hour:02d}" for hour in range(0, 24, 3)]
        assert (len(figure.data[0].z), len(figure.data[0].z[0])) == (7, 24)
        assert list(figure.data[0].z[6]) == [None] * 24
        assert figure.data[0].showscale is True


def test_weekdays_are_columns_in_their_order() -> None:
    figure = charts.measure(frames.by_weekday())
    assert list(figure.data[0].x) == [1.0, 2.0, 5.0, 7.0]
    assert list(figure.layout.xaxis.ticktext) == ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]


def test_three_texts_are_bars_of_what_they_are_together() -> None:
    groupings = (frames.TIER, frames.METHOD, Grouping("deal.category", "text"))
    figure = charts.measure(frames.made(groupings, (frames.DEALS,), [("gold", "sms", "food", 3)]))
    assert names_of(figure) == ["gold · sms · food"]


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (frames.by_tier().head(0), "Nothing in this window."),
        (frames.by_tier().filter(pl.col("row") == "total"), "Nothing in this window."),
        (frames.made((frames.TIER,), (frames.GMV,), [("gold", "0.00")]), "Every value is zero."),
        (
            frames.made((frames.TIER,), (frames.TAKE_RATE,), [("gold", None)]),
            "No value: there is nothing to take one of.",
        ),
        (frames.made((frames.MONTH,), (frames.GMV,), [(None, "2.00")]), "Nothing in this window has a date."),
    ],
)
def test_a_frame_with_nothing_to_draw_says_so(frame: pl.DataFrame, words: str) -> None:
    figure = charts.measure(frame)
    assert said(figure) == [words]
    assert figure.layout.xaxis.visible is False


@pytest.mark.parametrize("frame", [pl.DataFrame({"gmv": [1]}), frames.by_tier().select("gmv")])
def test_an_ordinary_frame_is_refused_and_told_what_to_pass(frame: pl.DataFrame) -> None:
    with pytest.raises(UsageError, match=r"the frame knows no measures. Pass the result of warehouse\.measure"):
        charts.measure(frame)


def test_a_long_title_leaves_its_groupings_to_the_line_below() -> None:
    figure = charts.measure(frames.by_tier_and_method())
    assert heading(figure) == "GMV (USD)"
    assert below(figure)[0] == "by agent tier and invite method"
    assert charts.measure(frames.by_tier_and_method(), title="Mine").layout.title.text == "Mine"


def test_what_is_filtered_is_what_is_drawn() -> None:
    figure = charts.measure(frames.by_tier().filter(pl.col("agent.tier") == "silver"))
    assert names_of(figure) == ["silver"]
    assert html.unescape(figure.data[2].text[0]) == "8,000.50"
