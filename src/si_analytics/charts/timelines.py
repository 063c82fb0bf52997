"""One measure over time: a line, several lines, or stacked columns.

Belongs here: charts with an axis of days to years. A period of which the window holds only a part is marked: an open
circle, a paler column.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import plotly.graph_objects as go

from si_analytics import formatting
from si_analytics.charts import rows, slices, theme
from si_analytics.charts.slices import Key, Row, Slice
from si_analytics.frames import OTHERS
from si_analytics.frames import text as measure_text

_SERIES = 6
_TICKS = 6
_FEW = 31
_PALE = 0.5
# A stack must be told apart by more than colour.
_PATTERNS = ("", "/", ".", "x", "-", "|")
_PATTERN = {"size": 7, "solidity": 0.2, "fillmode": "overlay", "fgopacity": 0.4}


def lines(part: Slice) -> go.Figure:
    """A line for each group, or one alone with a dashed line of what it is compared with."""
    periods, cells = _dated(part)
    keys = slices.ranked(part, (row for found in cells.values() for row in found.values()))
    shown = keys[: min(part.top, _SERIES)]
    drawn, held = (sum(one[0] != OTHERS for one in found) for found in (shown, keys))
    note = rows.shown_of(drawn, held, "value") if drawn < held else ""
    compared = bool(part.before) and not part.groups
    made = _figure(part, note, "open circle" if len(shown) == 1 else "open circles", count=len(shown) + compared)
    for place, one in enumerate(shown):
        found = [cells[one].get(period) for period in periods]
        called = slices.name(part, one, 30) if part.groups else measure_text.label(part.figure.name)
        made.add_scatter(**_line(part, periods, found, part.figure.name), **_look(place, found, part), name=called)
    if compared:
        found = [cells[shown[0]].get(period) for period in periods]
        look = {"mode": "lines", "line": {"dash": "dash"}, "opacity": 0.7, "name": slices.capital(part.compared)}
        made.add_scatter(**_line(part, periods, found, part.before), **look)
    return _laid_out(made, part, periods)


def stacked(part: Slice) -> go.Figure:
    """Columns of what each group adds to a period; groups beyond the first few are added up as others."""
    periods, cells = _dated(part)
    keys = slices.ranked(part, (row for found in cells.values() for row in found.values()))
    most = min(part.top, _SERIES)
    if len(keys) > most:
        kept = [one for one in keys if one[0] != OTHERS][: max(most - 1, 1)]
        rest = [one for one in keys if one not in kept]
        folded: Key = (OTHERS, *(None for _ in part.groups))
        cells = {**{one: cells[one] for one in kept}, folded: _added(part, [cells[one] for one in rest])}
        keys = [*kept, folded]
    made = _figure(part, "", "paler", count=len(keys))
    for place, one in enumerate(keys):
        found = [cells[one].get(period) for period in periods]
        opacity = [_PALE if row and row.get("complete") is False else 1.0 for row in found]
        marker = {"opacity": opacity, "pattern": {"shape": _PATTERNS[place % len(_PATTERNS)], **_PATTERN}}
        made.add_bar(**_line(part, periods, found, part.figure.name), marker=marker, name=slices.name(part, one, 30))
    made.update_layout(barmode="relative", bargap=0.25, barcornerradius=0, legend={"traceorder": "reversed"})
    return _laid_out(made, part, periods)


def _dated(part: Slice) -> tuple[list[date | str], dict[Key, dict[Any, Row]]]:
    """The periods in order, and each group's rows by period."""
    assert part.calendar is not None
    calendar = part.calendar.name
    cells: dict[Key, dict[Any, Row]] = {}
    for row in part.rows:
        if row[calendar] is not None:
            cells.setdefault(slices.key(part, row), {})[row[calendar]] = row
    held = {period for found in cells.values() for period in found}
    every = formatting.values(part.frame[calendar].drop_nulls().unique().sort())
    return [period for period in every if period in held], cells


def _added(part: Slice, found: Sequence[dict[Any, Row]]) -> dict[Any, Row]:
    """The rows of several groups added up, period by period, exactly."""
    sums = [name for name in (part.figure.name, part.before) if name]
    keeps = {*sums, "complete", *(one.name for one in part.frame.groupings if one.kind == "calendar")}
    total: dict[Any, Row] = {}
    for one in found:
        for period, row in one.items():
            held = total.get(period)
            if held is None:
                blank = dict.fromkeys(group.name for group in part.groups)
                total[period] = {**blank, **{name: row[name] for name in keeps & row.keys()}, "row": OTHERS}
            else:
                held.update({name: _sum(held[name], row[name]) for name in sums})
    return total


def _sum(one: Decimal | int | None, other: Decimal | int | None) -> Decimal | int | None:
    return one if other is None else other if one is None else one + other


def _line(part: Slice, periods: Sequence[date | str], found: Sequence[Row | None], column: str) -> dict[str, Any]:
    return {
        "x": [_iso(period) for period in periods],
        "y": [slices.length(row[column]) if row else None for row in found],
        "customdata": [slices.hover(part, row) if row else "" for row in found],
        "hovertemplate": "%{customdata}<extra></extra>",
    }


def _look(place: int, found: Sequence[Row | None], part: Slice) -> dict[str, Any]:
    """A line's dashes, and its points: all if few, else those that would not be seen, and those in part."""
    values = [row and row[part.figure.name] for row in found]
    alone = [
        all(not 0 <= beside < len(values) or values[beside] is None for beside in (at - 1, at + 1))
        for at in range(len(values))
    ]
    partial = [bool(row) and row is not None and row.get("complete") is False for row in found]
    few = len(found) <= _FEW
    return {
        "mode": "lines+markers",
        "line": {"dash": theme.DASHES[place % len(theme.DASHES)]},
        "marker": {
            "symbol": ["circle-open" if open_ else "circle" for open_ in partial],
            "size": [10 if open_ else 6 if few or lone else 0 for open_, lone in zip(partial, alone, strict=True)],
        },
    }


def _figure(part: Slice, note: str, mark: str, *, count: int) -> go.Figure:
    partial = any(row.get("complete") is False for row in part.rows)
    seen = f"{mark}: not a whole {part.calendar.unit}" if partial and part.calendar else ""
    undated = {measure_text.kind(row) for row in part.rows if part.calendar and row[part.calendar.name] is None}
    left_out = f"without {'the others' if undated == {OTHERS} else 'what has no date'}" if undated else ""
    made = part.empty_figure(note, seen, left_out, height=360 + 22 * count)
    shown = count > 1
    made.update_layout(showlegend=shown, legend={"orientation": "v"}, margin_b=40 + 22 * count * shown)
    return made


def _laid_out(made: go.Figure, part: Slice, periods: Sequence[date | str]) -> go.Figure:
    """A few labelled periods, the first and the last among them, and an axis of the measure from zero."""
    assert part.calendar is not None
    unit, count = part.calendar.unit, len(periods)
    steps = min(count, _TICKS) - 1
    places = sorted({round(at * (count - 1) / steps) for at in range(steps + 1)}) if steps > 0 else range(count)
    words = [measure_text.period(unit, periods[at]).rpartition(" ") for at in places]
    made.update_xaxes(
        type="date",
        showgrid=False,
        tickangle=0,
        tickvals=[_iso(periods[at]) for at in places],
        ticktext=[f"{before}<br>{last}" if before else last for before, _, last in words],
    )
    values = [value for trace in made.data for value in trace.y]
    made.update_yaxes(nticks=6, rangemode="tozero", **slices.axis(part, values))
    return made


def _iso(period: date | str) -> str:
    return period if isinstance(period, str) else period.isoformat()
