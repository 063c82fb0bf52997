"""The tables: every cell held against the frame it comes from, as text a reader sees."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from decimal import Decimal

import polars as pl
import pytest
from great_tables import GT

from si_analytics import formatting, tables
from si_analytics.errors import UsageError
from tests.support import dashboard_frames as frames


def cells(made: GT) -> list[list[str]]:
    """The body of a table, cell by cell, as a browser would show it."""
    body = made.as_raw_html().split("<tbody")[1].split("</tbody>")[0]
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", body, flags=re.DOTALL)
    return [
        [html.unescape(cell) for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, flags=re.DOTALL)] for row in rows
    ]


def headings(made: GT) -> list[str]:
    return [html.unescape(cell) for cell in re.findall(r'<th [^>]*scope="col"[^>]*>(.*?)</th>', made.as_raw_html())]


def test_the_leaderboard_holds_every_cell_of_the_frame_with_money_to_the_cent() -> None:
    board = frames.agents(40)
    expected = [
        [
            f"{row['rank']}",
            row["agent_name"],
            row["tier"],
            f"{row['total_referrals']:,}",
            f"{row['total_deals']:,}",
            f"{row['total_earnings']:,}",
        ]
        for row in board.to_dicts()
    ]
    made = tables.leaderboard(board.reverse(), top=None, currency="eur")
    assert cells(made) == expected
    assert headings(made) == ["Rank", "Agent", "Tier", "Recruits", "Deals", "Earnings (EUR)"]


def test_money_keeps_every_digit_where_a_float_would_not() -> None:
    board = frames.agents(1).with_columns(
        pl.lit("90071992547409931.07").cast(pl.Decimal(38, 2)).alias("total_earnings")
    )
    assert cells(tables.leaderboard(board))[0][-1] == "90,071,992,547,409,931.07"


def test_ranks_show_their_movement_where_the_board_was_ranked_against_a_window() -> None:
    """Up two places, down one, as before, and not ranked before."""
    board = frames.agents(4).with_columns(
        pl.Series("previous_rank", [3, 1, 3, None]), pl.Series("rank_change", [2, -1, 0, None])
    )
    assert [row[1] for row in cells(tables.leaderboard(board))] == ["▲ 2", "▼ 1", "=", "new"]
    assert "Moved" in headings(tables.leaderboard(board))
    assert "Moved" not in headings(tables.leaderboard(frames.agents(4)))


def test_performance_holds_every_figure_and_a_dash_where_there_is_none() -> None:
    measured = frames.performance(frames.agents(30))
    ordered = measured.sort(["performance_score", "user_id"], descending=[True, False]).to_dicts()
    keys = (
        "performance_score",
        "total_earnings",
        "total_deals",
        "total_referrals",
        "verified_referrals",
        "average_conversion_time",
        "response_time",
        "satisfaction_score",
    )
    expected = [
        [
            "Ana" if row["user_id"] == frames.agent_id(0) else row["user_id"],
            *(f"{row[key]:,}" if row[key] is not None else "–" for key in keys),
        ]
        for row in ordered
    ]
    assert cells(tables.performance(measured, top=None, names={frames.agent_id(0): "Ana"})) == expected
    assert any("–" in row for row in expected)


def test_brands_without_a_review_come_last_with_dashes_for_rank_score_and_ratings() -> None:
    """Two of twelve have none; of them the one with more deals comes first."""
    brands = frames.brands(12)
    unrated = brands.filter(pl.col("review_count") == 0).sort("total_deals", descending=True).to_dicts()
    rows = cells(tables.brands(brands.reverse()))[-2:]
    assert [(row[0], row[2], *row[4:8]) for row in rows] == [("–",) * 6] * 2
    assert [row[1] for row in rows] == [brand["company"] for brand in unrated]


def test_brands_hold_every_cell_of_the_frame() -> None:
    brands = frames.brands(12).filter(pl.col("review_count") > 0)
    expected = [
        [
            f"{row['rank']}",
            row["company"],
            f"{row['reputation_score']}",
            f"{row['review_count']}",
            f"{row['overall_rating']}",
            f"{row['payment_speed_rating']}",
            f"{row['communication_rating']}",
            f"{row['professionalism_rating']}",
            f"{row['total_deals']:,}",
            "–" if row["average_payment_time"] is None else f"{row['average_payment_time']}",
        ]
        for row in brands.to_dicts()
    ]
    assert cells(tables.brands(brands)) == expected


def test_a_funnel_shows_conversion_and_time_stage_by_stage() -> None:
    """Of 1,498 created 1,108 were locked: 74.0 %, half within 14.8 hours, nine in ten within 2.4 days."""
    made = tables.funnel(frames.funnels().filter(pl.col("funnel") == "escrow").reverse())
    assert cells(made)[:2] == [
        ["Created", "1,498", "0", "–", "100.0 %", "–", "–", "0"],
        ["Locked", "1,108", "390", "74.0 %", "74.0 %", "14.8 h", "2.4 d", "0"],
    ]
    assert ">Escrow funnel<" in made.as_raw_html()


def test_several_funnels_stand_one_below_the_other_under_their_own_headings() -> None:
    made = tables.funnel(frames.broken_down("gig", "category", ["b", "<b>a</b>"])).as_raw_html()
    assert made.index("Gig funnel, category: &lt;b&gt;a&lt;/b&gt;") < made.index("Gig funnel, category: b<")
    assert "<b>a" not in made


@pytest.mark.parametrize(
    "make",
    [
        lambda: tables.leaderboard(frames.agents(20, names=frames.HOSTILE)),
        lambda: tables.brands(frames.brands(20, names=frames.HOSTILE)),
        lambda: tables.performance(
            frames.performance(frames.agents(10)),
            names={frames.agent_id(at): name for at, name in enumerate(frames.HOSTILE)},
        ),
        lambda: tables.funnel(frames.broken_down("gig", "category", list(frames.HOSTILE))),
        lambda: tables.funnel(frames.broken_down("gig", "category", [frames.HOSTILE[0]])),
    ],
)
def test_what_people_typed_is_shown_as_typed_and_never_read_as_html(make: Callable[[], GT]) -> None:
    page = make().as_raw_html()
    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_the_top_of_a_table_says_of_how_many() -> None:
    assert "Top 20 of 5,000 agents" in tables.leaderboard(frames.agents(5000)).as_raw_html()
    assert len(cells(tables.leaderboard(frames.agents(5000)))) == 20
    assert ">1 agent<" in tables.leaderboard(frames.agents(1)).as_raw_html()
    with pytest.raises(UsageError, match="top is 0"):
        tables.leaderboard(frames.agents(1), top=0)


@pytest.mark.parametrize(
    "make",
    [
        lambda: tables.leaderboard(frames.agents(0)),
        lambda: tables.performance(frames.performance(frames.agents(0))),
        lambda: tables.brands(frames.brands(0)),
        lambda: tables.funnel(frames.funnels().clear()),
    ],
)
def test_a_frame_without_rows_is_a_table_without_rows(make: Callable[[], GT]) -> None:
    assert cells(make()) == []
    assert len(headings(make())) > 4


def test_a_table_is_the_same_html_every_time() -> None:
    assert tables.leaderboard(frames.agents(9)).as_raw_html() == tables.leaderboard(frames.agents(9)).as_raw_html()


@pytest.mark.parametrize("make", [tables.leaderboard, tables.performance, tables.brands, tables.funnel])
def test_a_frame_of_something_else_is_refused_and_the_missing_columns_named(make: Callable[[pl.DataFrame], GT]) -> None:
    with pytest.raises(UsageError, match="has no column"):
        make(pl.DataFrame({"company": ["x"], "agent_name": ["y"]}))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (formatting.percent(Decimal("0.234550")), "23.5 %"),
        (formatting.percent(Decimal("0.000500")), "0.1 %"),
        (formatting.percent(Decimal("-0.000500")), "-0.1 %"),
        (formatting.percent(Decimal("1.5"), 0), "150 %"),
        (formatting.percent(None), "–"),
        (formatting.hours(Decimal("47.99")), "48.0 h"),
        (formatting.hours(Decimal("48.00")), "2.0 d"),
        (formatting.hours(Decimal("-3.25")), "-3.3 h"),
        (formatting.number(Decimal("-1234567.80")), "-1,234,567.80"),
        (formatting.number(Decimal("1E+3")), "1,000"),
        (formatting.plural(1, "agent"), "1 agent"),
        (formatting.plural(0, "agent"), "0 agents"),
        (formatting.plural(1200, "entry", "entries"), "1,200 entries"),
    ],
)
def test_figures_are_written_exactly_and_rounded_half_away_from_zero(written: str, expected: str) -> None:
    assert written == expected


@pytest.mark.parametrize(
    "made",
    [
        lambda title: tables.leaderboard(frames.agents(2), title=title),
        lambda title: tables.performance(frames.performance(frames.agents(2)), title=title),
        lambda title: tables.brands(frames.brands(2), title=title),
        lambda title: tables.funnel(frames.funnels().filter(pl.col("funnel") == "invite"), title=title),
    ],
)
def test_a_table_takes_a_title_and_a_hostile_one_is_inert(made: Callable[[str], GT]) -> None:
    shown = made("Last 90 days <script>alert(1)</script>").as_raw_html()
    assert "Last 90 days &lt;script&gt;" in shown
    assert "<script>" not in shown
