"""Charts about agents: the leaderboard, and where one agent stands.

Belongs here: figures of `metrics.agent_leaderboard` and `metrics.agent_performance_metrics`. Money
becomes a float only here, as the length of a bar.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import plotly.graph_objects as go
import polars as pl

from si_analytics import formatting
from si_analytics.charts import rows, text, theme
from si_analytics.errors import UsageError

LEADERBOARD_COLUMNS = (
    "agent_id",
    "agent_name",
    "tier",
    "total_referrals",
    "total_deals",
    "total_earnings",
    "rank",
)
PERFORMANCE_COLUMNS = (
    "user_id",
    "total_deals",
    "total_referrals",
    "verified_referrals",
    "total_earnings",
    "average_conversion_time",
    "response_time",
    "satisfaction_score",
    "performance_score",
)


@dataclass(frozen=True)
class Component:
    """One component of the performance score: its column, its name for readers, and which way is better."""

    key: str
    label: str
    unit: str
    lower_is_better: bool = False


COMPONENTS = (
    Component("total_earnings", "Earnings", "{currency}"),
    Component("total_deals", "Deals", "deals"),
    Component("verified_share", "Verified recruits", "of recruits"),
    Component("average_conversion_time", "Time to convert", "days", lower_is_better=True),
    Component("response_time", "Response time", "hours", lower_is_better=True),
    Component("satisfaction_score", "Satisfaction", "of 5"),
)


def leaderboard(
    frame: pl.DataFrame, *, top: int = 20, currency: str = "usd", title: str | None = None, dark: bool = False
) -> go.Figure:
    """The best-earning agents as bars, with places gained or lost if the frame is ranked against a window.

    `frame` is an agent_leaderboard. Draws the first `top` ranks of those who earned anything; the title says
    of how many.

    >>> leaderboard(warehouse.agent_leaderboard(), top=10)        # doctest: +SKIP
    """
    formatting.require(frame, LEADERBOARD_COLUMNS, "the leaderboard chart")
    rows.positive(top, "the leaderboard chart")
    earned = frame.filter(pl.col("total_earnings") > 0).sort("rank")
    heading = title or f"Agents by earnings ({currency.upper()})"
    if earned.is_empty():
        return theme.nothing(heading, "Nobody earned anything." if frame.height else "No agents yet.", dark=dark)
    moved = formatting.has_movement(frame)
    records = earned.head(top).to_dicts()
    made = theme.figure(
        heading,
        rows.shown_of(len(records), earned.height, *_called(frame.height - earned.height)),
        height=rows.height(len(records)),
        dark=dark,
    )
    made.add_bar(
        x=[float(record["total_earnings"]) for record in records],
        y=list(range(len(records))),
        orientation="h",
        width=rows.BAR_WIDTH,
        customdata=[_leaderboard_hover(record, frame.height, currency, moved) for record in records],
        hovertemplate="%{customdata}<extra></extra>",
        showlegend=False,
    )
    names = [_leaderboard_label(record, moved) for record in records]
    rows.add_names(made, names, [formatting.number(record["total_earnings"]) for record in records])
    made.update_layout(xaxis={"visible": False, "rangemode": "tozero"}, margin={"b": 4})
    return made


def _called(left_out: int) -> tuple[str, str]:
    return ("agent with earnings", "agents with earnings") if left_out else ("agent", "agents")


def _leaderboard_label(record: Mapping[str, Any], moved: bool) -> str:
    moves = moved and record["rank_change"] != 0
    change = f"  {formatting.movement(record['rank_change'])}" if moves else ""
    return f"{record['rank']:,}  {text.label(record['agent_name'])}{change}"


def _leaderboard_hover(record: Mapping[str, Any], count: int, currency: str, moved: bool) -> str:
    before = record.get("previous_rank")
    was = f" (was {before:,})" if before is not None else " (not ranked before)" if moved else ""
    return "<br>".join(
        (
            f"<b>{text.label(record['agent_name'], 60)}</b>",
            f"Rank {record['rank']:,} of {count:,}{was}",
            f"Earnings {currency.upper()} {formatting.number(record['total_earnings'])}",
            f"{formatting.plural(record['total_referrals'], 'recruit')}, "
            f"{formatting.plural(record['total_deals'], 'deal')}",
            f"Tier {text.escape(record['tier'])}" if record["tier"] else "No tier",
        )
    )


def standings(frame: pl.DataFrame) -> pl.DataFrame:
    """Where each agent stands on each component, 0 to 100: its mid-rank percentile among the agents that have one.

    `frame` is an agent_performance_metrics of every agent. Uses the figures as published,
    so that two agents shown equal stand equal.
    """
    formatting.require(frame, PERFORMANCE_COLUMNS, "the standings of agents")
    values = component_values(frame)
    return values.select(
        "user_id",
        *(
            (
                100
                * (pl.col(part.key).rank("average", descending=part.lower_is_better) - 0.5)
                / pl.col(part.key).count()
            ).alias(part.key)
            for part in COMPONENTS
        ),
    )


def component_values(frame: pl.DataFrame) -> pl.DataFrame:
    """Each agent's value on each component of the score, null if there is nothing to compare."""
    recruits = pl.col("total_referrals")
    share = pl.when(recruits > 0).then(pl.col("verified_referrals") / recruits).alias("verified_share")
    return frame.with_columns(share).select("user_id", *(part.key for part in COMPONENTS))


def performance(
    frame: pl.DataFrame,
    agent_id: object = None,
    *,
    name: str | None = None,
    currency: str = "usd",
    title: str | None = None,
    dark: bool = False,
) -> go.Figure:
    """Where one agent stands among all on each component of the performance score.

    `frame` is an agent_performance_metrics of every agent (its rows are what the agent is compared with);
    `agent_id` chooses the agent, and may be left out if the frame holds only one.

    >>> performance(warehouse.agent_performance_metrics(), agent_id, name="Ana")        # doctest: +SKIP
    """
    formatting.require(frame, PERFORMANCE_COLUMNS, "the performance chart")
    position = _position(frame, agent_id)
    record = frame.row(position, named=True)
    standing = standings(frame).row(position, named=True)
    label = text.label(name, 18) if name else "Performance"
    score = formatting.number(record["performance_score"])
    made = theme.figure(
        title if title is not None else f"{label}: {score} of 100",
        f"Standing on each part, among {formatting.plural(frame.height, 'agent')}",
        height=370,
        dark=dark,
    )
    positions = list(range(len(COMPONENTS)))
    made.add_bar(
        x=[standing[part.key] for part in COMPONENTS],
        y=positions,
        orientation="h",
        zorder=1,
        customdata=[part.label for part in COMPONENTS],
        hovertemplate="<b>%{customdata}</b><br>Better than %{x:.0f} % of agents (ties count half)<extra></extra>",
        showlegend=False,
    )
    made.add_bar(
        x=[100.0] * len(positions),
        y=positions,
        orientation="h",
        marker={"color": theme.TRACK},
        hoverinfo="skip",
        showlegend=False,
    )
    _annotate_components(made, component_texts(record, currency))
    made.update_layout(barmode="overlay", bargap=0.66, barcornerradius=0, margin={"t": 84})
    made.update_yaxes(range=[len(COMPONENTS) - 0.5, -0.75], visible=False)
    made.update_xaxes(range=[0, 100], visible=False)
    return made


def component_texts(record: Mapping[str, Any], currency: str = "usd") -> list[str]:
    """The agent's own figure on each component, in the form readers see."""
    verified = f"{record['verified_referrals']:,} of {record['total_referrals']:,}"
    return [
        f"{currency.upper()} {formatting.number(record['total_earnings'])}",
        formatting.plural(record["total_deals"], "deal"),
        verified if record["total_referrals"] else formatting.MISSING,
        _with_unit(record["average_conversion_time"], "d"),
        _with_unit(record["response_time"], "h"),
        _with_unit(record["satisfaction_score"], "of 5"),
    ]


def _with_unit(value: Decimal | None, unit: str) -> str:
    return formatting.MISSING if value is None else f"{formatting.number(value)} {unit}"


def _annotate_components(made: go.Figure, texts: list[str]) -> None:
    """Write the component's name above the left end of its bar, the agent's own figure above the right end."""
    for position, part in enumerate(COMPONENTS):
        for side, words in ((0, part.label), (1, texts[position])):
            made.add_annotation(
                x=side,
                xref="paper",
                xanchor="left" if side == 0 else "right",
                y=position - 0.24,
                yanchor="bottom",
                text=words,
                font={"size": 12},
            )


def _position(frame: pl.DataFrame, agent_id: object) -> int:
    if agent_id is None:
        if frame.height == 1:
            return 0
        raise UsageError(
            "the performance chart",
            f"the frame holds {formatting.plural(frame.height, 'agent')} and none was named",
            "Give agent_id, one of the frame's user_id",
        )
    ids = frame["user_id"].cast(pl.String).to_list()
    if str(agent_id) not in ids:
        raise UsageError(
            f"the performance of agent '{agent_id}'", "the frame has no such user_id", "Take one from its user_id"
        )
    return ids.index(str(agent_id))
