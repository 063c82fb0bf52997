"""The charts: figures held against the frames they draw, and drawn in a real browser."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from decimal import Decimal

import plotly.graph_objects as go
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from si_analytics import charts
from si_analytics.charts import text, theme
from si_analytics.errors import UnknownNameError, UsageError
from tests.support import dashboard_frames as frames
from tests.support.chart_gallery import AGENTS, BY_METHOD, EVERY, unmarked


def titles(figure: go.Figure) -> tuple[str, str]:
    return figure.layout.title.text, figure.layout.title.subtitle.text or ""


def names_of(figure: go.Figure) -> list[str]:
    texts = [trace for trace in figure.data if trace.type == "scatter" and trace.mode == "text"]
    return [plain(label) for trace in texts if trace.x[0] == 0 for label in trace.text]


def plain(label: str) -> str:
    """A label as Plotly will show it: its entities read, without the marks that keep its direction to itself."""
    return unmarked(html.unescape(label))


# What is drawn


def test_every_bar_of_the_leaderboard_is_an_agents_earnings_in_order_of_rank() -> None:
    """Three agents handed over in reverse: bars from the first rank down, the exact amounts beside them."""
    board = frames.agents(4, names=("Ana", "Li", "Zoë")).head(3)
    figure = charts.leaderboard(board.reverse())
    assert list(figure.data[0].x) == [float(amount) for amount in board["total_earnings"].to_list()]
    assert names_of(figure) == ["1  Ana", "2  Li", "3  Zoë"]
    assert figure.data[2].text == tuple(f"{amount:,}" for amount in board["total_earnings"].to_list())


def test_the_leaderboard_says_how_many_of_how_many_it_draws() -> None:
    figure = charts.leaderboard(frames.agents(5000))
    assert len(figure.data[0].x) == 20
    assert titles(figure) == ("Agents by earnings (USD)", "Top 20 of 4,000 agents with earnings")
    assert titles(charts.leaderboard(frames.agents(5000).head(4000)))[1] == "Top 20 of 4,000 agents"
    assert titles(charts.leaderboard(frames.agents(1)))[1] == "1 agent"


def test_places_gained_and_lost_are_drawn_only_where_the_board_has_them() -> None:
    """Ranked 1st after 3rd, 2nd after 1st, 3rd as before, 4th for the first time."""
    moves = pl.DataFrame({"previous_rank": [3, 1, 3, None], "rank_change": [2, -1, 0, None]})
    board = frames.agents(5, names=("A", "B", "C", "D")).head(4)
    moved = board.with_columns(moves["previous_rank"], moves["rank_change"])
    assert names_of(charts.leaderboard(moved)) == ["1  A  ▲ 2", "2  B  ▼ 1", "3  C", "4  D  new"]
    assert names_of(charts.leaderboard(board)) == ["1  A", "2  B", "3  C", "4  D"]


def test_money_in_labels_keeps_every_digit_where_a_float_would_not() -> None:
    board = frames.agents(1).with_columns(
        pl.lit("90071992547409931.07").cast(pl.Decimal(38, 2)).alias("total_earnings")
    )
    assert charts.leaderboard(board).data[2].text == ("90,071,992,547,409,931.07",)
    assert "USD 90,071,992,547,409,931.07" in charts.leaderboard(board).data[0].customdata[0]


def test_standings_are_mid_rank_percentiles_among_the_agents_that_have_the_figure() -> None:
    """Replies after 1, 3, 3 hours and never: 100 x (worse + half the equal) / 3, and nothing for the last."""
    measured = frames.performance(frames.agents(4)).with_columns(
        pl.Series("response_time", ["1.00", "3.00", "3.00", None]).cast(pl.Decimal(38, 2)),
        pl.Series("verified_referrals", [1, 2, 0, 0]),
        pl.Series("total_referrals", [3, 6, 5, 0]),
    )
    found = charts.standings(measured)
    assert found["response_time"].to_list() == pytest.approx([100 * 2.5 / 3, 100 / 3, 100 / 3, None])
    assert found["verified_share"].to_list() == pytest.approx([100 * 2 / 3, 100 * 2 / 3, 100 * 0.5 / 3, None])


@given(st.lists(st.one_of(st.none(), st.integers(0, 9)), min_size=1, max_size=12))
def test_standings_agree_with_counting_who_is_worse(times: list[int | None]) -> None:
    measured = frames.performance(frames.agents(len(times))).with_columns(
        pl.Series("response_time", times, dtype=pl.Int64).cast(pl.Decimal(38, 2))
    )
    known = [time for time in times if time is not None]
    expected = [
        None
        if mine is None
        else 100 * (sum(other > mine for other in known) + 0.5 * sum(other == mine for other in known)) / len(known)
        for mine in times
    ]
    assert charts.standings(measured)["response_time"].to_list() == pytest.approx(expected)


def test_performance_of_a_lone_agent_stands_half_way_on_what_it_has() -> None:
    measured = frames.performance(frames.agents(1), seed=1)
    assert set(charts.performance(measured).data[0].x) <= {50.0, None}
    assert 50.0 in charts.performance(measured).data[0].x


def test_performance_of_an_agent_that_is_not_there_is_refused() -> None:
    measured = frames.performance(frames.agents(3))
    with pytest.raises(UsageError, match="no such user_id"):
        charts.performance(measured, "00000000-0000-4000-8000-000000000000")
    with pytest.raises(UsageError, match="3 agents and none was named"):
        charts.performance(measured)


def test_a_brands_line_runs_from_its_score_to_the_mean_of_its_reviews_and_a_brand_without_reviews_is_not_drawn() -> (
    None
):
    """Score 4.2 with a mean of 5.0; score 4.1 with a mean of 3.0; one without reviews, which has neither."""
    brands = frames.brands(3).with_columns(
        pl.Series("reputation_score", ["4.200", "4.100", None]).cast(pl.Decimal(38, 3)),
        pl.Series("overall_rating", ["5.0", "3.0", None]).cast(pl.Decimal(38, 1)),
        pl.Series("review_count", [16, 4, 0]),
        pl.Series("rank", [1, 2, None]),
    )
    figure = charts.brand_reputation(brands)
    scores, means = figure.data[:2]
    assert list(means.x) == [5.0, 3.0]
    assert list(scores.error_x.array) == pytest.approx([0.8, 0])
    assert list(scores.error_x.arrayminus) == pytest.approx([0, 1.1])
    assert scores.marker.size[0] > scores.marker.size[1]
    assert figure.layout.title.subtitle.text == "2 reviewed brands"


def test_a_funnel_draws_who_came_through_over_who_came_that_far() -> None:
    reached, before = charts.funnel(frames.funnels(), "escrow").data
    rows = frames.funnels().filter(pl.col("funnel") == "escrow").sort("stage_number")
    assert list(reached.x) == rows["reached"].to_list()
    assert list(before.x) == [rows["reached"][0], *rows["reached"].to_list()[:-1]]


def test_a_funnel_says_its_conversion_and_the_time_it_took_beside_each_stage() -> None:
    """1,498 created; 1,108 locked is 74.0 % of them after a median of 14.8 hours."""
    said = [note.text for note in charts.funnel(frames.funnels(), "escrow").layout.annotations]
    assert said[:4] == ["<b>\u2068Created\u2069</b>  1,498", "", "<b>\u2068Locked\u2069</b>  1,108", "74.0 % · 14.8 h"]


def test_a_funnel_says_how_many_entrants_are_too_recent() -> None:
    rows = pl.DataFrame(frames.stages("gig", 400, immature=37), schema=frames.FUNNEL_SCHEMA)
    assert titles(charts.funnel(rows))[1] == "400 entered, 37 of them too recent to have had their full time"


@pytest.mark.parametrize(
    ("draw", "error", "sentence"),
    [
        (lambda: charts.funnel(frames.funnels()), UsageError, "application, escrow, gig, invite, negotiation"),
        (lambda: charts.funnel(frames.funnels(), "invit"), UnknownNameError, "Did you mean 'invite'"),
        (lambda: charts.funnel(BY_METHOD), UsageError, "broken down by method"),
        (lambda: charts.leaderboard(AGENTS.drop("tier")), UsageError, "no column tier"),
        (lambda: charts.leaderboard(AGENTS, top=0), UsageError, "top is 0"),
        (lambda: charts.brand_reputation(AGENTS.to_dicts()), UsageError, "it is a list"),  # type: ignore[arg-type]
    ],
)
def test_a_frame_that_cannot_be_drawn_is_refused_in_a_sentence(
    draw: Callable[[], go.Figure], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=re.escape(sentence)):
        draw()


def test_a_breakdown_draws_the_values_most_entered_and_months_in_their_order() -> None:
    methods = frames.broken_down("invite", "method", [f"m{number}" for number in range(30)])
    assert names_of(charts.funnel_by(methods, top=3)) == ["m0", "m1", "m2"]
    assert titles(charts.funnel_by(methods, top=3))[1].startswith("Top 3 of 30 values")
    months = frames.broken_down("invite", "month", ["2026-03", "2026-01", "2026-02"])
    assert names_of(charts.funnel_by(months)) == ["2026-01", "2026-02", "2026-03"]
    assert names_of(charts.funnel_by(months, top=2)) == ["2026-02", "2026-03"]


def test_a_breakdown_by_id_can_be_told_what_the_ids_are_called() -> None:
    by_agent = frames.broken_down("invite", "agent", [frames.agent_id(0), frames.agent_id(1)])
    assert names_of(charts.funnel_by(by_agent, names={frames.agent_id(0): "Ana"})) == [
        "Ana",
        text.clip(frames.agent_id(1), 30),
    ]


def test_a_breakdown_shows_each_share_of_entrants_as_published() -> None:
    heat = charts.funnel_by(BY_METHOD).data[0]
    first = BY_METHOD.filter((pl.col("breakdown_value") == "email") & (pl.col("stage_number") > 1)).sort("stage_number")
    assert list(heat.z[0]) == [float(ratio) for ratio in first["conversion_from_start"].to_list()]
    assert (heat.zmin, heat.zmax) == (0, max(ratio for line in heat.z for ratio in line))


def test_months_without_a_value_in_this_currency_are_drawn_by_number_of_deals() -> None:
    months = frames.monthly(5, valued=False)
    figure = charts.monthly(months, currency="eur")
    assert list(figure.data[0].y) == months["new_deals"].to_list()
    assert len(figure.data) == 1


def idle(board: pl.DataFrame) -> pl.DataFrame:
    """The same agents, and nobody earned anything."""
    return board.with_columns(pl.lit("0.00").cast(pl.Decimal(38, 2)).alias("total_earnings"))


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("chart", EVERY)
def test_every_chart_takes_its_colours_from_the_template_so_that_it_can_change_theme(chart: str, dark: bool) -> None:
    light, other = EVERY[chart](), EVERY[chart](dark=dark)
    without = [
        {key: value for key, value in figure.to_dict()["layout"].items() if key != "template"}
        for figure in (light, other)
    ]
    assert light.to_dict()["data"] == other.to_dict()["data"]
    assert without[0] == without[1]
    assert other.layout.template.layout.paper_bgcolor == theme.palette(dark=dark).surface


@pytest.mark.parametrize(
    ("figure", "words"),
    [
        (charts.leaderboard(frames.agents(0)), "No agents yet."),
        (charts.brand_reputation(frames.brands(0)), "No brands yet."),
        (charts.funnel(frames.funnels(0), "invite"), "Nothing has entered this funnel yet."),
        (charts.funnel(frames.funnels().clear()), "Nothing has entered this funnel yet."),
        (charts.funnel_by(BY_METHOD.clear()), "Nothing has entered this funnel yet."),
        (charts.monthly(frames.monthly(0)), "No activity yet."),
        (charts.leaderboard(idle(frames.agents(3))), "Nobody earned anything."),
        (charts.brand_reputation(frames.brands(6).filter(pl.col("rank").is_null())), "No brand has been reviewed yet."),
        (charts.earnings(idle(frames.history(3, 3))), "Nobody has earned anything yet."),
        (
            charts.cohorts(frames.cohorts(2).with_columns(pl.lit(0).alias("active"))),
            "None of those who signed up has had a deal yet.",
        ),
    ],
)
def test_a_frame_with_nothing_to_draw_says_so_instead_of_empty_axes(figure: go.Figure, words: str) -> None:
    assert [note.text for note in figure.layout.annotations] == [words]
    assert figure.layout.xaxis.visible is False


def test_only_those_who_earned_are_drawn_among_the_best_earning() -> None:
    """Three agents, of whom the first two earned: two bars, and it says of whom they are."""
    board = frames.agents(3).with_columns(pl.Series("total_earnings", ["9.00", "1.00", "0.00"]).cast(pl.Decimal(38, 2)))
    figure = charts.leaderboard(board)
    assert list(figure.data[0].x) == [9.0, 1.0]
    assert figure.layout.title.subtitle.text == "2 agents with earnings"


def test_months_in_which_no_deal_was_completed_have_a_sentence_in_each_panel_and_no_axes() -> None:
    """Axes of nothing would say 800m and 400 %."""
    months = frames.monthly(3).with_columns(
        pl.lit("0.00").cast(pl.Decimal(38, 2)).alias("gmv"), pl.lit(None).cast(pl.Decimal(38, 6)).alias("take_rate")
    )
    figure = charts.monthly(months)
    said = [note.text for note in figure.layout.annotations]
    assert said[2:] == ["No deal was completed.", "No take rate: no deal was completed."]
    assert [axis.visible for axis in (figure.layout.yaxis, figure.layout.yaxis2)] == [False, False]
    idle_elsewhere = charts.monthly(months.with_columns(pl.lit(None).cast(pl.Decimal(38, 2)).alias("gmv"), new_deals=0))
    assert [note.text for note in idle_elsewhere.layout.annotations][1:] == ["No deal was made."]


@pytest.mark.parametrize(
    ("values", "axis"),
    [
        ([1, 0], {"tickformat": ",~f", "dtick": 1}),
        ([0.5, 0.25], {"tickformat": ",~f"}),
        ([999.0, None], {"tickformat": ",~f"}),
        ([0.0, -1000.0], {"tickformat": "~s"}),
    ],
)
def test_an_axis_of_small_amounts_is_not_written_in_thousandths(
    values: list[float | None], axis: dict[str, object]
) -> None:
    """A half would be 500m; two ticks between no deal and one would be parts of a deal."""
    assert theme.amounts(values) == axis


def test_a_chart_is_the_same_figure_every_time() -> None:
    assert json.dumps(EVERY["leaderboard"]().to_dict(), default=str) == json.dumps(
        EVERY["leaderboard"]().to_dict(), default=str
    )


def test_decimal_input_never_becomes_a_float_in_what_is_read() -> None:
    """A ratio that rounds up only when it is exact: 0.0005 is 0.1 % to one place."""
    rows = pl.DataFrame(frames.stages("escrow", 2000), schema=frames.FUNNEL_SCHEMA).with_columns(
        pl.when(pl.col("stage_number") == 2)
        .then(pl.lit(Decimal("0.000500")).cast(pl.Decimal(38, 6)))
        .otherwise(pl.col("conversion_from_start"))
        .alias("conversion_from_start")
    )
    said = [note.text for note in charts.funnel(rows).layout.annotations]
    assert said[3].startswith("0.1 %")
