"""The agents: who earns how much, one agent's details, and earnings day by day.

Belongs here: the declarations of these panels, with their tables and charts.
"""

from __future__ import annotations

import polars as pl

from si_analytics import charts, formatting
from si_analytics.reports.dashboard import plots, sources
from si_analytics.reports.dashboard.cells import PanelTable, TableColumn
from si_analytics.reports.dashboard.content import DashboardContent, Period
from si_analytics.reports.dashboard.filters import Choice, Option, Search
from si_analytics.reports.dashboard.panel import Chart, Detail, Drawing, Listing, Panel, RowPart
from si_analytics.reports.dashboard.plots import Figure

_TIERS = ("platinum", "gold", "silver", "bronze")
_NO_TIER = "(none)"


def _table(content: DashboardContent, period: Period | None) -> PanelTable:
    return agents(content) if period is None else agents_of(content, period)


def agents(content: DashboardContent) -> PanelTable:
    """Every agent, by rank: the leaderboard beside the components of the performance score."""
    extra = (
        "verified_referrals",
        "average_conversion_time",
        "response_time",
        "satisfaction_score",
        "performance_score",
        "last_calculated_at",
    )
    measured = content.agent_performance_metrics
    present = [name for name in extra if name in measured.columns]
    joined = content.agent_leaderboard.join(
        measured.select(pl.col("user_id").alias("agent_id"), *present), on="agent_id", how="left"
    ).sort("rank")
    columns = _agent_columns(content.currency.upper(), formatting.has_movement(content.agent_leaderboard))
    return PanelTable.of(joined, columns, "agent", "agents")


def agents_of(content: DashboardContent, period: Period) -> PanelTable:
    """Every agent, by rank in the period: the board of that window alone."""
    columns = (
        TableColumn("rank", "Rank", down=False),
        TableColumn("rank_change", "Moved", "movement", "Places gained or lost against the window before"),
        TableColumn("agent_name", "Agent", "name", down=False),
        TableColumn("tier", "Tier", "tier", down=False),
        TableColumn(
            "total_earnings",
            "Earnings",
            hint="Commissions completed in the period",
            unit=content.currency.upper(),
            bar=True,
        ),
        TableColumn("total_deals", "Deals", hint="Deals of the period with an active recruit as either party"),
        TableColumn("total_referrals", "Recruits", hint="Active recruits of the period"),
        TableColumn("agent_id", "Agent id", "text", shown=False),
        TableColumn("previous_rank", "Previous rank", shown=False),
    )
    return PanelTable.of(period.agent_leaderboard.sort("rank"), columns, "agent", "agents")


def _agent_columns(currency: str, moved: bool) -> tuple[TableColumn, ...]:
    return (
        TableColumn("rank", "Rank", down=False),
        TableColumn("rank_change", "Moved", "movement", "Places gained or lost against the window before", shown=moved),
        TableColumn("agent_name", "Agent", "name", down=False),
        TableColumn("tier", "Tier", "tier", down=False),
        TableColumn("total_earnings", "Earnings", hint="Completed commissions", unit=currency, bar=True),
        TableColumn("performance_score", "Score", hint="Performance score, 0 to 100", unit="of 100"),
        TableColumn("total_deals", "Deals", hint="Deals with an active recruit as either party"),
        TableColumn("total_referrals", "Recruits", hint="Active recruits"),
        TableColumn("verified_referrals", "Verified", hint="Active recruits from a verified invite"),
        TableColumn(
            "average_conversion_time",
            "Converts in",
            hint="Mean time from invite to acceptance",
            unit="days",
            down=False,
        ),
        TableColumn("response_time", "Replies in", hint="Mean time to reply", unit="hours", down=False),
        TableColumn("satisfaction_score", "Satisfaction", hint="Mean rating of reviews about the agent", unit="1 to 5"),
        TableColumn("agent_id", "Agent id", "text", shown=False),
        TableColumn("previous_rank", "Previous rank", shown=False),
        TableColumn("last_calculated_at", "As of", "text", shown=False),
    )


def _ranked(content: DashboardContent, period: Period | None) -> dict[str, Figure]:
    board, currency = (period or content).agent_leaderboard, content.currency
    earned = board.filter(pl.col("total_earnings") > 0).height  # the table's first rows: it is sorted by earnings
    made = charts.leaderboard(board, top=max(earned, 1), currency=currency)
    return {"": plots.ranked(made, earned, board.height)}


def _performance(content: DashboardContent, _: Period | None) -> dict[str, Figure]:
    """The first agent's chart, and the bars of every agent: by rank, rounded to a tenth."""
    metrics, order = content.agent_performance_metrics, content.agent_leaderboard.sort("rank")["agent_id"].to_list()
    if not order:
        return {}
    standing = {row[0]: row[1:] for row in charts.standings(metrics).iter_rows()}
    figure = plots.plain(charts.performance(metrics, order[0], currency=content.currency, title=""))
    figure["standings"] = [[None if part is None else round(part, 1) for part in standing[agent]] for agent in order]
    return {"": figure}


def _day_by_day(content: DashboardContent, _: Period | None) -> dict[str, Figure]:
    assert content.history is not None
    return {"": plots.plain(charts.earnings(content.history, currency=content.currency))}


def _tiers(content: DashboardContent) -> list[Option]:
    """The tiers that agents have, the highest first, unknown ones last."""
    found = {_NO_TIER if tier is None else tier for tier in content.agent_leaderboard["tier"].to_list()}
    ordered = [*(tier for tier in _TIERS if tier in found), *sorted(found.difference(_TIERS))]
    return [(tier, tier) for tier in ordered]


RANKED = Drawing("agents", _ranked)
"""The board as bars; the overview shows the first of them."""

_OPENED = Detail(
    name="agents.open",
    element="agent",
    column="agent_name",
    key="agent_id",
    line=("Rank {rank} of {rows}", ", {tier}", ", all time"),
    score="performance_score",
    score_unit="of 100",
    note="Where this agent stands on each part of the performance score, among all agents. A full bar is the best.",
    sentence="Bar chart of the parts of the performance score; the agents table holds the same figures",
    drawing=Drawing("performance", _performance),
    parts=(
        RowPart(words="{currency} {total_earnings}"),
        RowPart(words="{total_deals} deals", one="{total_deals} deal"),
        RowPart(words="{verified_referrals} of {total_referrals}", unless_zero="total_referrals"),
        RowPart(words="{average_conversion_time} d"),
        RowPart(words="{response_time} h"),
        RowPart(words="{satisfaction_score} of 5"),
    ),
)

PANELS = (
    Panel(
        name="agents",
        section="agents",
        title="Agents by earnings ({currency})",
        sentence="Bar chart of the agents that match, by earnings; the table below holds the same figures",
        sources=(sources.AGENT_LEADERBOARD, sources.AGENT_PERFORMANCE),
        follows_period=True,
        filters=(
            Choice(
                name="agents.tier",
                element="agents-tier",
                label="Tier",
                column="tier",
                offers=_tiers,
                anything="All tiers",
                printed="agents of tier {}",
            ),
            Search(
                name="agents.q",
                element="agents-search",
                columns=("agent_name", "agent_id"),
                placeholder="Name or id",
                printed="agents matching “{}”",
            ),
        ),
        chart=Chart(
            drawing=RANKED,
            ranked=True,
            nobody="No agent to draw.",
            nothing="Nobody has earned anything yet.",
            nothing_in_period="Nobody earned anything in this period.",
        ),
        table=Listing(
            rows=_table, caption="Agents by rank", sort="rank", total=("earnings {currency}", "total_earnings")
        ),
        detail=_OPENED,
    ),
    Panel(
        name="earnings",
        section="agents",
        title="Earnings in all, day by day ({currency})",
        sentence="Line chart of what the best-earning agents have earned in all by each day that was kept; the agents"
        " table holds the figures of the latest",
        sources=(sources.BOARDS_KEPT,),
        chart=Chart(drawing=Drawing("earnings", _day_by_day), note="All agents, whatever is filtered"),
    ),
)
