"""Charts of any measure by any groupings: which picture suits what the frame holds.

Belongs here: the choice, and the lone number.
"""

from __future__ import annotations

import plotly.graph_objects as go
import polars as pl

from si_analytics.charts import grids, measure_bars, rows, slices, theme, timelines
from si_analytics.charts.slices import Slice
from si_analytics.frames import text as measure_text


def measure(
    frame: pl.DataFrame, measure: str | None = None, *, top: int = 12, title: str | None = None, dark: bool = False
) -> go.Figure:
    """One measure of a `warehouse.measure`, drawn as its groupings ask for.

    Without a grouping a number; by a calendar a line; by a text bars, the largest first; by hour or weekday columns;
    by a calendar and something else stacked columns, or lines if the measure does not add up;
    by two others a heat map. Draws the `top` groups, over time at most six, and no totals. `measure` names one of the
    frame's measures (default: its first).

    >>> measure(warehouse.measure("gmv", "deals", by="month"), "deals")
    """
    known = measure_text.require(frame, slices.ASKED)
    rows.positive(top, slices.ASKED)
    figure = slices.figure_of(known, measure)
    part = Slice(known, figure, slices.rows_of(known), top, title, dark)
    said = _idle(part)
    return theme.nothing(part.heading, said, dark=dark) if said else _drawn(part)


def _idle(part: Slice) -> str:
    """What to say if there is nothing to draw; empty if there is."""
    axis = part.calendar.name if part.calendar else ""
    placed = [row for row in part.rows if not axis or row[axis] is not None]
    values = [row.get(name) for row in placed for name in (part.figure.name, part.before) if name]
    if not part.rows or not placed:
        return "Nothing in this window has a date." if part.rows else "Nothing in this window."
    if all(value is None for value in values):
        return "No value: there is nothing to take one of."
    return "" if any(values) else "Every value is zero."


def _drawn(part: Slice) -> go.Figure:
    groups = part.groups
    if part.calendar is not None:
        stacked = groups and part.figure.additive
        return timelines.stacked(part) if stacked else timelines.lines(part)
    if len(groups) == 2:
        return grids.heat_map(part)
    if not groups:
        return _number(part)
    return measure_bars.columns(part) if len(groups) == 1 and groups[0].kind == "number" else measure_bars.bars(part)


def _number(part: Slice) -> go.Figure:
    """The value itself, large, and below it what it is compared with."""
    row = part.rows[0]
    made = part.empty_figure(height=180 + 20 * bool(part.before))
    made.update_xaxes(visible=False)
    made.update_yaxes(visible=False)
    place = {"x": 0, "xref": "paper", "xanchor": "left", "yref": "paper"}
    value = measure_text.value(part.figure, row[part.figure.name])
    made.add_annotation(text=value, y=0.6, yanchor="middle", font={"size": 34}, **place)
    if part.before:
        before = measure_text.value(part.figure, row[part.before])
        words = f"{slices.changed(part, row)} against<br>{part.compared}: {before}"
        made.add_annotation(text=words, y=0.05, yanchor="middle", **place)
    return made
