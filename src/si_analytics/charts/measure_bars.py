"""One measure by one grouping: bars from the largest down, or columns in the order of hours and weekdays.

Belongs here: bars that are not over time. What they are compared with is a lighter bar beside them.
"""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from si_analytics.charts import rows, slices, text
from si_analytics.charts.slices import Slice
from si_analytics.frames import CELL
from si_analytics.frames import text as measure_text

_LIGHT = 0.4
_BEFORE_WIDTH = 0.14


def bars(part: Slice) -> go.Figure:
    """A bar for each group, the largest first, its name and exact value above it."""
    by_group = {slices.key(part, row): row for row in part.rows}
    keys = slices.ranked(part, part.rows)
    cells = [one for one in keys if one[0] == CELL]
    shown = cells[: part.top] + [one for one in keys if one[0] != CELL]
    records = [by_group[one] for one in shown]
    counted = rows.shown_of(len(cells[: part.top]), len(cells), "value")
    note = counted if len(cells) > part.top else ""
    made = part.empty_figure(note, _legend(part), height=rows.height(len(records)))
    places = [float(place) for place in range(len(records))]
    beside = [place + (rows.BAR_WIDTH + _BEFORE_WIDTH) / 2 for place in places]
    made.add_bar(
        orientation="h", **_marks(part, records, ("y", "x"), (places, beside), (rows.BAR_WIDTH, _BEFORE_WIDTH))
    )
    values = [_beside(part, row) for row in records]
    rows.add_names(made, [slices.name(part, one) for one in shown], values)
    made.update_layout(xaxis={"visible": False, "rangemode": "tozero"}, margin_b=4)
    return made


def columns(part: Slice) -> go.Figure:
    """A column for each hour or weekday, in their order, those without a row left empty."""
    grouping = part.groups[0]
    first, last = (0, 23) if grouping.unit == "hour" else (1, 7)
    records = [row for row in part.rows if row[grouping.name] is not None]
    undated = "without what has no time" if len(records) < len(part.rows) else ""
    made = part.empty_figure(_legend(part), undated, height=360)
    places = [float(row[grouping.name]) for row in records]
    if part.before:
        made.add_bar(
            **_marks(
                part, records, ("x", "y"), ([at + 0.2 for at in places], [at - 0.2 for at in places]), (0.38, 0.38)
            )
        )
    else:
        made.add_bar(**_marks(part, records, ("x", "y"), (places, places), (0.7, 0.7)))
    ticks = list(range(first, last + 1, 3 if grouping.unit == "hour" else 1))
    words = [measure_text.group(grouping, at) for at in ticks]
    shown = [word[: 2 if grouping.unit == "hour" else 3] for word in words]
    made.update_xaxes(showgrid=False, tickvals=ticks, ticktext=shown, tickangle=0, range=[first - 0.6, last + 0.6])
    made.update_yaxes(nticks=6, rangemode="tozero", **slices.axis(part, made.data[0].y))
    made.update_layout(margin_b=40)
    return made


def _marks(
    part: Slice,
    records: list[slices.Row],
    sides: tuple[str, str],
    places: tuple[list[float], list[float]],
    widths: tuple[float, float],
) -> dict[str, Any]:
    """The bars of one trace, so that a bar and its lighter one share their colour; `sides` are place and length."""
    marks = [(place, row[part.figure.name], widths[0], 1.0, row) for place, row in zip(places[0], records, strict=True)]
    if part.before:
        marks += [
            (place, row[part.before], widths[1], _LIGHT, row) for place, row in zip(places[1], records, strict=True)
        ]
    return {
        sides[0]: [place for place, *_ in marks],
        sides[1]: [slices.length(found) for _, found, *_ in marks],
        "width": [width for _, _, width, *_ in marks],
        "marker": {"opacity": [opacity for *_, opacity, _ in marks]},
        "customdata": [slices.hover(part, row) for *_, row in marks],
        "hovertemplate": "%{customdata}<extra></extra>",
        "showlegend": False,
    }


def _legend(part: Slice) -> str:
    return f"lighter: {part.compared}" if part.before else ""


def _beside(part: Slice, row: slices.Row) -> str:
    value = measure_text.value(part.figure, row[part.figure.name])
    ratio = row.get(f"{part.figure.name}_change_ratio")
    return value if ratio is None else f"{value}  {text.escape(measure_text.change_ratio(ratio))}"
