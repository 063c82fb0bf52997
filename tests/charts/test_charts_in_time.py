"""Charts of what takes time: earnings, cohorts, times to convert, experiments; held against their frames."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import plotly.graph_objects as go
import polars as pl
import pytest

from si_analytics import charts
from si_analytics.errors import UsageError
from tests.support import dashboard_frames as frames
from tests.support.chart_gallery import unmarked


def names(figure: go.Figure) -> list[str]:
    return [unmarked(trace.name) for trace in figure.data]


def test_earnings_over_time_are_a_line_of_exact_days_for_each_of_the_latest_days_best() -> None:
    """Two agents over three days; the third agent is not drawn, its day neither."""
    kept = frames.history(3, 3)
    figure = charts.earnings(kept.reverse(), top=2)
    best = kept.filter(pl.col("as_of_date") == date(2026, 5, 31)).sort("rank").head(2)
    assert names(figure) == best["agent_name"].to_list()
    mine = kept.filter(pl.col("agent_id") == best["agent_id"][0]).sort("as_of_date")
    assert list(figure.data[0].x) == ["2026-05-29", "2026-05-30", "2026-05-31"]
    assert list(figure.data[0].y) == [float(earned) for earned in mine["total_earnings"].to_list()]
    assert f"USD {mine['total_earnings'][2]:,}" in figure.data[0].customdata[2]
    assert figure.layout.title.subtitle.text == "Top 2 of 3 agents, 29 May 2026 to 31 May 2026"


def test_a_single_day_of_earnings_is_a_point_that_can_be_seen() -> None:
    figure = charts.earnings(frames.history(1, 1))
    assert [trace.mode for trace in figure.data] == ["markers"]
    assert figure.layout.title.subtitle.text == "1 agent, 31 May 2026"


def test_a_few_days_are_each_named_once_below_the_earnings() -> None:
    for days in (1, 2, 6):
        shown = charts.earnings(frames.history(days, 1))
        assert list(shown.layout.xaxis.tickvals) == list(shown.data[0].x)
    assert charts.earnings(frames.history(7, 1)).layout.xaxis.nticks == 6


def test_lines_side_by_side_differ_in_their_dashes_as_well_as_in_colour() -> None:
    for figure in (charts.earnings(frames.history()), charts.time_to_convert(frames.times("abcd", breakdown="method"))):
        dashes = [trace.line.dash for trace in figure.data]
        assert len(set(dashes)) == len(dashes) >= 4


def test_a_cohort_is_a_row_of_what_came_back_as_published_with_nothing_where_its_time_is_not_up() -> None:
    """April has two months, May one: what has not happened yet is empty, not nought."""
    heat = charts.cohorts(frames.cohorts(2)).data[0]
    assert list(heat.y) == ["Apr 2026", "May 2026"]
    assert list(heat.z[0][:3]) == [0.666667, 0.416667, None]
    assert list(heat.z[1][:2]) == [0.666667, None]
    assert heat.text[0][:3] == ["67", "42", ""]
    assert "April 2026" in heat.customdata[0][1]
    assert "1 month after signing up: 25 with a deal, 41.7 %" in heat.customdata[0][1]


def test_cohorts_beyond_those_drawn_are_counted_in_the_subtitle() -> None:
    figure = charts.cohorts(frames.cohorts(99))
    assert len(figure.data[0].y) == 12
    assert (figure.data[0].y[0], figure.data[0].y[-1]) == ("Jun 2025", "May 2026")
    assert "Latest 12 of 99 months" in figure.layout.title.subtitle.text


def test_times_to_convert_are_the_percentiles_as_given_and_the_half_is_said() -> None:
    times = frames.times()
    figure = charts.time_to_convert(times.reverse())
    assert list(figure.data[0].x) == [float(hours) for hours in times["hours_from_start"].to_list()]
    assert list(figure.data[0].y) == list(range(101))
    assert figure.layout.title.subtitle.text == "400 timed units, half of them within 23.6 h"
    assert "50 % got there within 23.6 h<br>(23.63 hours)" in figure.data[0].customdata[50]


def test_times_by_a_breakdown_draw_the_values_with_the_most_units_and_call_ids_by_name() -> None:
    ids = [frames.agent_id(number) for number in range(6)]
    figure = charts.time_to_convert(frames.times(ids, breakdown="agent"), top=2, names={ids[0]: "Ana"})
    assert names(figure)[0] == "Ana"
    assert len(figure.data) == 2
    assert figure.layout.title.subtitle.text == "Top 2 of 6 values by agent: share of those timed"


def test_a_time_of_nothing_at_all_still_stands_on_the_axis() -> None:
    at_once = frames.times().with_columns(pl.lit(Decimal("0.00")).cast(pl.Decimal(38, 2)).alias("hours_from_start"))
    figure = charts.time_to_convert(at_once)
    assert min(figure.data[0].x) > 0
    assert "within 0.0 h" in figure.data[0].customdata[0]


def test_times_of_two_stages_at_once_are_refused() -> None:
    both = pl.concat([frames.times(), frames.times().with_columns(pl.lit("joined").alias("stage"))])
    with pytest.raises(UsageError, match="several stages"):
        charts.time_to_convert(both)


def test_an_experiment_is_two_shares_with_their_intervals_and_what_b_did_against_a() -> None:
    """18 of 90 against 30 of 90: 20 % and 33.3 %, B 13.3 points ahead, and no more chance than p tells."""
    frame = frames.experiments(1)
    first, second, *_ = charts.experiments(frame.reverse()).data
    assert (first.x, second.x) == ((0.2,), (30 / 90,))
    row_a, row_b = frame.to_dicts()
    assert 0.2 - first.error_x.arrayminus[0] == pytest.approx(float(row_a["wilson_low"]))
    assert 30 / 90 + second.error_x.array[0] == pytest.approx(float(row_b["wilson_high"]))
    assert "18 of 90 accepted: 20.0 %" in first.customdata[0]
    assert "lift 66.7 %" in second.customdata[0]
    assert [trace.text for trace in charts.experiments(frame).data[3:]] == [("+13.3 pts, p &lt; 0.001",)]


def test_experiments_with_enough_data_stand_first_and_too_few_is_said() -> None:
    figure = charts.experiments(frames.experiments(4))
    labels, verdicts = figure.data[2].text, figure.data[3].text
    assert [unmarked(label) for label in labels] == ["Template 2", "Template 0", "Template 3", "Template 1"]
    assert [verdict.endswith("few sent") for verdict in verdicts] == [False, False, True, True]
    assert "nobody accepted A" in figure.data[1].customdata[0]


@pytest.mark.parametrize(
    ("figure", "words"),
    [
        (charts.earnings(frames.history(0)), "No day has been kept yet."),
        (charts.cohorts(frames.cohorts(0)), "Nobody has signed up yet."),
        (charts.time_to_convert(frames.times([])), "Nobody got there at a known time yet."),
        (charts.experiments(frames.experiments(0)), "No template was sent in both an A and a B yet."),
    ],
)
def test_a_frame_without_rows_says_so(figure: go.Figure, words: str) -> None:
    assert [note.text for note in figure.layout.annotations] == [words]


FIVE_THOUSAND = {
    "earnings": lambda count: charts.earnings(frames.history(max(count // 50, 1), min(count, 50))),
    "cohorts": lambda count: charts.cohorts(frames.cohorts(1 if count == 1 else 100)),
    "time_to_convert": lambda count: charts.time_to_convert(
        frames.times([f"v{number}" for number in range(max(count // 101, 1))], breakdown="method")
    ),
    "experiments": lambda count: charts.experiments(frames.experiments(count)),
    "leaderboard": lambda count: charts.leaderboard(frames.agents(count)),
    "performance": lambda count: charts.performance(frames.performance(frames.agents(count)), frames.agent_id(0)),
    "brand_reputation": lambda count: charts.brand_reputation(frames.brands(count)),
    "funnel_by": lambda count: charts.funnel_by(
        frames.broken_down("invite", "method", [f"v{number}" for number in range(max(count // 8, 1))])
    ),
    "monthly": lambda count: charts.monthly(frames.monthly(count)),
}


@pytest.mark.parametrize("chart", FIVE_THOUSAND)
def test_a_chart_of_one_row_and_of_five_thousand_is_no_taller_than_a_screen_and_no_heavier_than_it_must(
    chart: str,
) -> None:
    for count in (1, 400 if chart == "monthly" else 5000):
        figure = FIVE_THOUSAND[chart](count)
        assert 160 <= figure.layout.height <= 1000
        assert len(figure.to_json()) < 500_000
        assert figure.data
