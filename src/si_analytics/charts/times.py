"""Charts of how long things take: the distribution of times to convert.

Belongs here: figures of the warehouse's `time_to_convert`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import plotly.graph_objects as go
import polars as pl

from si_analytics import formatting
from si_analytics.charts import rows, text, theme
from si_analytics.charts.funnels import WHOLE, stage_label
from si_analytics.errors import UsageError

TIME_COLUMNS = (
    "funnel",
    "breakdown",
    "breakdown_value",
    "stage",
    "percentile",
    "hours_from_start",
    "units",
)
# Ticks use people's own units; a minute is the smallest time told apart. From minutes to years a phone
# has room for few ticks; within four decades for more.
_FEW = ((1 / 60, "1 min"), (1, "1 h"), (8, "8 h"), (48, "2 d"), (336, "2 w"), (2160, "90 d"), (17520, "2 y"))
_MORE = (
    *((1 / 60, "1 min"), (1 / 6, "10 min"), (1, "1 h"), (6, "6 h"), (24, "1 d"), (72, "3 d")),
    *((168, "1 w"), (720, "30 d"), (2160, "90 d"), (8760, "1 y"), (26280, "3 y")),
)
_DECADES = 4
_LEAST_HOURS = 1 / 60
_BEYOND_LAST_TICK = 1.25  # otherwise its label would cross the edge, and be left out


def time_to_convert(
    frame: pl.DataFrame,
    *,
    top: int = 4,
    names: Mapping[str, str] | None = None,
    title: str | None = None,
    dark: bool = False,
) -> go.Figure:
    """How long units took to reach a stage: the share that got there within each time.

    `frame` is a time_to_convert of one stage; if broken down, draws the `top` values with the most units,
    and `names` maps a value (an id, say) to a name. Times are on a logarithmic axis, because
    a few slow ones would press all others against its start.

    >>> time_to_convert(warehouse.time_to_convert("invite", "accepted"))        # doctest: +SKIP
    """
    formatting.require(frame, TIME_COLUMNS, "the chart of times")
    rows.positive(top, "the chart of times")
    asked = frame.select("funnel", "stage", "breakdown").unique()
    if asked.height > 1:
        raise UsageError("the chart of times", "the frame holds several stages", "Give one stage of one funnel")
    if frame.is_empty():
        return theme.nothing(title or "Time to convert", "Nobody got there at a known time yet.", dark=dark)
    funnel, stage, breakdown = asked.row(0)
    values = _most_units(frame, top)
    made = theme.figure(
        title or f"{stage_label(funnel)} funnel: time to {stage_label(stage).lower()}",
        _subtitle(frame, values, breakdown),
        height=380,
        dark=dark,
    )
    for position, value in enumerate(values):
        part = frame.filter(pl.col("breakdown_value") == value).sort("percentile")
        _add_curve(made, part.to_dicts(), position, _called(value, breakdown, names))
    _lay_out(made, frame, split=breakdown != WHOLE)
    return made


def _most_units(frame: pl.DataFrame, top: int) -> list[str]:
    units = frame.group_by("breakdown_value").agg(pl.col("units").first())
    return units.sort(["units", "breakdown_value"], descending=[True, False])["breakdown_value"].to_list()[:top]


def _called(value: str, breakdown: str, names: Mapping[str, str] | None) -> str:
    return "all" if breakdown == WHOLE else text.label((names or {}).get(value, value))


def _subtitle(frame: pl.DataFrame, values: Sequence[str], breakdown: str) -> str:
    if breakdown == WHOLE:
        half = frame.filter(pl.col("percentile") == 50)["hours_from_start"][0]
        timed = formatting.plural(frame["units"][0], "timed unit")
        return f"{timed}, half of {'it' if frame['units'][0] == 1 else 'them'} within {formatting.hours(half)}"
    shown = rows.shown_of(len(values), frame["breakdown_value"].n_unique(), "value")
    return f"{shown} by {stage_label(breakdown).lower()}: share of those timed"


def _add_curve(made: go.Figure, records: list[dict[str, Any]], position: int, called: str) -> None:
    made.add_scatter(
        x=[max(float(record["hours_from_start"]), _LEAST_HOURS) for record in records],
        y=[record["percentile"] for record in records],
        mode="lines",
        line={"dash": theme.DASHES[position % len(theme.DASHES)]},
        name=called,
        customdata=[_hover(record, called) for record in records],
        hovertemplate="%{customdata}<extra></extra>",
    )


def _hover(record: Mapping[str, Any], called: str) -> str:
    within = formatting.hours(Decimal(record["hours_from_start"]))
    first = [] if called == "all" else [f"<b>{called}</b>"]
    return "<br>".join(
        (
            *first,
            f"{record['percentile']} % got there within {within}",
            f"({formatting.number(record['hours_from_start'])} hours)",
            f"Of {formatting.plural(record['units'], 'timed unit')}",
        )
    )


def _lay_out(made: go.Figure, frame: pl.DataFrame, *, split: bool) -> None:
    """Set a logarithmic axis from the tick below the quickest time to the one above the slowest."""
    times = [max(float(value), _LEAST_HOURS) for value in frame["hours_from_start"].to_list()]
    ticks = _MORE if max(times) < min(times) * 10**_DECADES else _FEW
    low = max((at for at, _ in ticks if at <= min(times)), default=_LEAST_HOURS)
    high = min((at for at, _ in ticks if at > max(times)), default=max(times) * 1.2)
    made.update_xaxes(
        type="log",
        range=[math.log10(low), math.log10(high * _BEYOND_LAST_TICK)],
        tickmode="array",
        tickvals=[at for at, _ in ticks],
        ticktext=[words for _, words in ticks],
        tickangle=0,
        zeroline=False,
    )
    made.update_yaxes(range=[0, 101], tickvals=[0, 25, 50, 75, 100], ticktext=["", "25 %", "50 %", "75 %", "100 %"])
    made.update_layout(showlegend=split, hovermode="closest", margin={"b": 66 if split else 34})
