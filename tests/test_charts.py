"""The charts: figures held against the frames they draw, and drawn in a real browser."""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections.abc import Callable
from decimal import Decimal
from itertools import combinations
from pathlib import Path

import plotly.graph_objects as go
import plotly.io
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser
from plotly.offline import get_plotlyjs

from si_analytics import charts
from si_analytics.charts import text, theme
from si_analytics.errors import UnknownNameError, UsageError
from tests import dashboard_frames as frames
from tests.browsing import watched

AGENTS = frames.agents(30, moved=True, names=("Ana Souza", *frames.HOSTILE))
BRANDS = frames.brands(30, names=(None, *frames.HOSTILE))
BY_METHOD = frames.broken_down("invite", "method", ["email", "sms", frames.HOSTILE[0], "(none)"])

EVERY: dict[str, Callable[..., go.Figure]] = {
    "leaderboard": lambda **more: charts.leaderboard(AGENTS, top=14, **more),
    "performance": lambda **more: charts.performance(
        frames.performance(AGENTS), frames.agent_id(3), name=frames.HOSTILE[0], **more
    ),
    "brand_reputation": lambda **more: charts.brand_reputation(BRANDS, top=14, **more),
    "funnel": lambda **more: charts.funnel(frames.funnels(), "invite", **more),
    "funnel_by": lambda **more: charts.funnel_by(BY_METHOD, **more),
    "monthly": lambda **more: charts.monthly(frames.monthly(), **more),
}


def titles(figure: go.Figure) -> tuple[str, str]:
    return figure.layout.title.text, figure.layout.title.subtitle.text or ""


def names_of(figure: go.Figure) -> list[str]:
    texts = [trace for trace in figure.data if trace.type == "scatter" and trace.mode == "text"]
    return [plain(label) for trace in texts if trace.x[0] == 0 for label in trace.text]


def plain(label: str) -> str:
    """A label as Plotly will show it: its entities read, without the marks that keep its direction to itself."""
    return unmarked(html.unescape(label))


def unmarked(shown: str) -> str:
    return shown.replace("\u2068", "").replace("\u2069", "")


# What is drawn


def test_every_bar_of_the_leaderboard_is_an_agents_earnings_in_order_of_rank() -> None:
    """Three agents handed over in reverse: bars from the first rank down, the exact amounts beside them."""
    board = frames.agents(3, names=("Ana", "Li", "Zoë"))
    figure = charts.leaderboard(board.reverse())
    assert list(figure.data[0].x) == [float(amount) for amount in board["total_earnings"].to_list()]
    assert names_of(figure) == ["1  Ana", "2  Li", "3  Zoë"]
    assert figure.data[2].text == tuple(f"{amount:,}" for amount in board["total_earnings"].to_list())


def test_the_leaderboard_says_how_many_of_how_many_it_draws() -> None:
    figure = charts.leaderboard(frames.agents(5000))
    assert len(figure.data[0].x) == 20
    assert titles(figure) == ("Agents by earnings (USD)", "Top 20 of 5,000 agents")
    assert titles(charts.leaderboard(frames.agents(1)))[1] == "1 agent"


def test_places_gained_and_lost_are_drawn_only_where_the_board_has_them() -> None:
    """Ranked 1st after 3rd, 2nd after 1st, 3rd as before, 4th for the first time."""
    moves = pl.DataFrame({"previous_rank": [3, 1, 3, None], "rank_change": [2, -1, 0, None]})
    board = frames.agents(4, names=("A", "B", "C", "D"))
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


def test_a_brands_line_runs_from_its_score_to_the_mean_of_its_reviews_and_a_brand_without_reviews_has_none() -> None:
    """Score 4.2 with a mean of 5.0; score 4.1 with a mean of 3.0; score 4.1 without reviews, whose mean column is 0."""
    brands = frames.brands(3).with_columns(
        pl.Series("reputation_score", ["4.200", "4.100", "4.100"]).cast(pl.Decimal(38, 3)),
        pl.Series("overall_rating", ["5.0", "3.0", "0.0"]).cast(pl.Decimal(38, 1)),
        pl.Series("review_count", [16, 4, 0]),
        pl.Series("rank", [1, 2, 3]),
    )
    scores, means = charts.brand_reputation(brands).data[:2]
    assert list(means.x) == [5.0, 3.0, None]
    assert list(scores.error_x.array) == pytest.approx([0.8, 0, 0])
    assert list(scores.error_x.arrayminus) == pytest.approx([0, 1.1, 0])
    assert scores.marker.size[0] > scores.marker.size[1] > scores.marker.size[2]


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
        (lambda: charts.brand_reputation(AGENTS.to_dicts()), UsageError, "it was given a list"),  # type: ignore[arg-type]
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
    ],
)
def test_a_frame_without_rows_says_so_instead_of_empty_axes(figure: go.Figure, words: str) -> None:
    assert [note.text for note in figure.layout.annotations] == [words]
    assert figure.layout.xaxis.visible is False


def test_a_chart_is_the_same_figure_every_time() -> None:
    assert json.dumps(EVERY["leaderboard"]().to_dict(), default=str) == json.dumps(
        EVERY["leaderboard"]().to_dict(), default=str
    )


# Text that people typed


@given(st.text() | st.text(alphabet="<>&$%{}/#;x\n"))
def test_escaping_survives_plotlys_own_reading_letter_by_letter(typed: str) -> None:
    """No tag, entity, template or TeX is left in what Plotly reads, and undoing the entities gives the text back."""
    escaped = text.escape(typed)
    assert not re.search(r"[<>$]|%\{", escaped)
    visible = "".join(" " if unicodedata.category(letter) == "Cc" else letter for letter in typed)
    undone = re.sub(
        r"&(#\d+|[a-z]+);",
        lambda found: chr(int(found[1][1:])) if found[1][0] == "#" else {"amp": "&", "lt": "<", "gt": ">"}[found[1]],
        escaped,
    )
    assert undone == f"\u2068{visible}\u2069"


@given(st.text(max_size=60), st.integers(4, 40))
def test_clipping_keeps_a_beginning_and_says_that_it_cut(typed: str, width: int) -> None:
    clipped = text.clip(typed, width)
    assert clipped == typed or (clipped.endswith("…") and typed.startswith(clipped[:-1]))
    assert len(clipped) <= max(len(typed), 1)


@pytest.mark.parametrize("typed", ["e\u0301" * 30, "👩🏽\u200d🚀" * 30, "नि" * 30])
def test_clipping_never_cuts_inside_a_letter(typed: str) -> None:
    for width in range(4, 30):
        rest = typed[len(text.clip(typed, width)) - 1 :]
        assert not unicodedata.combining(rest[0])
        assert unicodedata.category(rest[0]) not in {"Mn", "Mc"}
        assert rest[0] not in "\u200d🏽"
        assert typed[: -len(rest)][-1:] != "\u200d"


def test_a_blank_name_is_said_to_be_missing() -> None:
    assert [text.label(name) for name in (None, "", "  ")] == ["(no name)"] * 3


# Colours


def luminance(colour: str) -> float:
    channels = [int(colour[position : position + 2], 16) / 255 for position in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("palette", [theme.LIGHT, theme.DARK])
def test_text_and_lines_stand_out_from_what_they_are_on(palette: theme.Palette) -> None:
    """WCAG: text 4.5 to 1, graphics 3 to 1, in both themes."""
    for words in (palette.ink, palette.muted, palette.accent, palette.positive, palette.negative):
        assert contrast(words, palette.surface) >= 4.5
        assert contrast(words, palette.page) >= 4.5
    assert contrast(palette.caution, palette.caution_soft) >= 4.5
    assert contrast(palette.accent, palette.accent_soft) >= 4.5
    assert contrast(palette.ink, palette.accent_soft) >= 4.5
    assert contrast(palette.muted, palette.raised) >= 4.5
    for line in palette.series:
        assert contrast(line, palette.surface) >= 3
    on_heat = "#ffffff" if palette is theme.DARK else "#444444"
    for step in palette.sequential:
        assert contrast(on_heat, step) >= 4.5


# What eyes without one kind of cone see (Machado, Oliveira and Fernandes 2009, full severity), on linear light.
DEFICIENCIES = {
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.01182, 0.04294, 0.968881)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
}


def seen_as(colour: str, matrix: tuple[tuple[float, ...], ...]) -> tuple[float, ...]:
    channels = [int(colour[position : position + 2], 16) / 255 for position in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return tuple(
        max(0.0, min(1.0, sum(weight * value for weight, value in zip(row, linear, strict=True)))) for row in matrix
    )


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
@pytest.mark.parametrize("palette", [theme.LIGHT, theme.DARK])
def test_the_colours_that_stand_side_by_side_differ_for_colour_blind_eyes(
    palette: theme.Palette, deficiency: str
) -> None:
    """The first three series, the most any chart draws together."""
    for one, other in combinations(palette.series[:3], 2):
        matrix = DEFICIENCIES[deficiency]
        apart = sum((a - b) ** 2 for a, b in zip(seen_as(one, matrix), seen_as(other, matrix), strict=True)) ** 0.5
        assert apart > 0.12, (one, other, apart)


# Drawn in a browser

BARS = """() => [...document.querySelectorAll('.bars path')]
    .map(element => element.getBoundingClientRect()).map(box => [box.left, box.top, box.right, box.bottom])"""
LABELS = """() => [...document.querySelectorAll('svg text')]
    .filter(element => element.textContent.trim() && !element.closest('.hoverlayer'))
    .map(element => { const box = element.getBoundingClientRect();
                      return [element.textContent, box.left, box.top, box.right, box.bottom]; })"""


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with every chart, its titles, labels and figures full of hostile names."""
    path = tmp_path_factory.mktemp("charts") / "charts.html"
    parts = [
        plotly.io.to_html(draw(), include_plotlyjs=False, full_html=False, div_id=name, config={"responsive": True})
        for name, draw in EVERY.items()
    ]
    page = (
        f"<!doctype html><meta charset=utf-8><body style='margin:0'><script>{get_plotlyjs()}</script>{''.join(parts)}"
    )
    path.write_text(page, encoding="utf-8")
    return path


@pytest.mark.browser
@pytest.mark.parametrize("width", [360, 1100])
def test_no_label_of_any_chart_runs_into_another_or_a_bar_or_out_of_sight(
    browser: Browser, gallery: Path, width: int
) -> None:
    with watched(browser, width=width) as seen:
        seen.page.goto(gallery.as_uri())
        seen.page.wait_for_selector("#monthly .main-svg")
        boxes = seen.page.evaluate(LABELS)
        assert len(boxes) > 100
        for (one, left, top, right, bottom), (other, left2, top2, right2, bottom2) in combinations(boxes, 2):
            across, down = min(right, right2) - max(left, left2), min(bottom, bottom2) - max(top, top2)
            assert across <= 1 or down <= 4, (one, other)
        for left, top, right, bottom in seen.page.evaluate(BARS):
            for words, left2, top2, right2, bottom2 in boxes:
                across, down = min(right, right2) - max(left, left2), min(bottom, bottom2) - max(top, top2)
                assert across <= 1 or down <= 4, words
        assert [box[0] for box in boxes if box[1] < -1 or box[3] > width + 1] == []
        assert seen.trouble == []


@pytest.mark.browser
def test_names_are_drawn_and_pointed_at_as_typed_and_nothing_of_them_runs(browser: Browser, gallery: Path) -> None:
    with watched(browser) as seen:
        seen.page.goto(gallery.as_uri())
        seen.page.wait_for_selector("#monthly .main-svg")
        drawn = "\n".join(unmarked(words) for words in seen.texts("#leaderboard .textpoint text"))
        for position, name in enumerate(frames.HOSTILE, 1):
            one_line = " ".join(name.split("\n"))
            assert text.clip(name, 24).replace("\n", " ") in drawn
            seen.page.evaluate("at => Plotly.Fx.hover('leaderboard', [{curveNumber: 0, pointNumber: at}])", position)
            seen.page.wait_for_selector(f"#leaderboard .hoverlayer text:has-text('Rank {position + 1} of 30')")
            hover = unmarked("".join(seen.texts("#leaderboard .hoverlayer .nums")))
            assert text.clip(one_line, 60) in hover
        assert "<script>alert(1)" in unmarked("".join(seen.texts("#performance .gtitle")))
        assert seen.page.locator("svg a, svg image[href^=x]").count() == 0
        assert seen.trouble == []
        assert seen.requests == [gallery.as_uri()]


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
