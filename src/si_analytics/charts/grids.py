"""One measure by two groupings: a heat map.

Belongs here: which grouping goes down and which across, and what a cell says.
"""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from si_analytics.charts import slices, text
from si_analytics.charts.slices import Row, Slice
from si_analytics.frames import OTHERS, Grouping
from si_analytics.frames import text as measure_text

_ACROSS = 12
_FITS = 36  # letters of all cells of a row, side by side on a phone
_REST = "(others)"
_ORDERS = {"hour": range(24), "weekday": range(1, 8)}


def heat_map(part: Slice) -> go.Figure:
    """A cell for each pair; hours run across, weekdays down, texts from the largest on."""
    down, across = _sides(part.groups)
    lines, more_down = _values(part, down, part.top)
    columns, more_across = _values(part, across, min(part.top, _ACROSS))
    cells = {(_at(row, down), _at(row, across)): row for row in part.rows}
    grid = [[cells.get((line, column)) for column in columns] for line in lines]
    height = 148 + 27 * max(len(lines), 3)
    made = part.empty_figure(more_down, more_across, height=height)
    _add(made, part, grid)
    made.update_layout(margin_b=50)
    ticks = list(range(len(columns)))[:: 3 if across.unit == "hour" else 1]
    across_names = [_name(across, columns[at], 12, short=True) for at in ticks]
    made.update_xaxes(
        title={"text": text.escape(measure_text.label(across.name))}, tickvals=ticks, ticktext=across_names
    )
    names = [_name(down, line, 18) for line in lines]
    made.update_yaxes(autorange="reversed", tickvals=list(range(len(lines))), ticktext=names)
    made.update_xaxes(showgrid=False, ticks="", zeroline=False, tickfont={"size": 11})
    made.update_yaxes(showgrid=False, ticks="", zeroline=False, tickfont={"size": 11})
    return made


def _sides(groups: list[Grouping]) -> tuple[Grouping, Grouping]:
    """The grouping that goes down and the one across: hours across if they can, weekdays if not."""
    first, second = groups
    wide = {"hour": 2, "weekday": 1}
    return (second, first) if wide.get(first.unit, 0) > wide.get(second.unit, 0) else (first, second)


def _values(part: Slice, grouping: Grouping, most: int) -> tuple[list[Any], str]:
    """The values to draw, in order, and what to say of those left out."""
    held = {_at(row, grouping) for row in part.rows}
    if grouping.unit in _ORDERS:
        return [*_ORDERS[grouping.unit], *(one for one in (None, _REST) if one in held)], ""
    every = _largest(part, grouping)
    shown = every[:most]
    left = f"top {len(shown)} of {len(every):,} by {text.escape(measure_text.inside(grouping.name))}"
    return shown, left if len(shown) < len(every) else ""


def _largest(part: Slice, grouping: Grouping) -> list[Any]:
    sizes: dict[Any, list[Any]] = {}
    for row in part.rows:
        found = row[part.figure.name]
        sizes.setdefault(_at(row, grouping), []).append(0 if found is None else found)
    size = sum if part.figure.additive else max
    return sorted(sizes, key=lambda found: (found == _REST, -size(sizes[found])))


def _at(row: Row, grouping: Grouping) -> Any:
    """Where a row stands in a grouping; the rest of a top is known in texts only."""
    found = row[grouping.name]
    return _REST if found is None and measure_text.kind(row) == OTHERS else found


def _add(made: go.Figure, part: Slice, grid: list[list[Row | None]]) -> None:
    values = [[slices.length(row[part.figure.name]) if row else None for row in line] for line in grid]
    said = [[measure_text.value(part.figure, row[part.figure.name]) if row else "" for row in line] for line in grid]
    known = [value for line in values for value in line if value is not None]
    fits = max((len(word) for line in said for word in line), default=0) * len(grid[0]) <= _FITS
    axis = slices.axis(part, known)
    bar = {"thickness": 10, "outlinewidth": 0, "nticks": 5, "tickfont": {"size": 11}}
    made.add_heatmap(
        z=values,
        **({"text": said, "texttemplate": "%{text}", "textfont": {"size": 11}} if fits else {}),
        customdata=[[slices.hover(part, row) if row else "" for row in line] for line in grid],
        hovertemplate="%{customdata}<extra></extra>",
        hoverongaps=False,
        zmin=min(0.0, min(known, default=0.0)),
        zmax=max(known, default=0.0) or 1,
        xgap=1,
        ygap=1,
        showscale=not fits,
        colorbar={**bar, "tickformat": axis["tickformat"]},
    )


def _name(grouping: Grouping, found: Any, width: int, *, short: bool = False) -> str:
    if found == _REST:
        return "Others"
    words = measure_text.group(grouping, found)
    letters = {"hour": 2, "weekday": 3}.get(grouping.unit) if short and found is not None else None
    return text.label(words[:letters], width)
