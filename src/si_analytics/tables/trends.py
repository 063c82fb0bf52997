"""Measures over time with one row for each group: the last complete period in figures, all of them as a small line.

Belongs here: turning periods into rows' lines. A line is drawn of floats; the figures beside it keep every digit.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import great_tables
import polars as pl
from great_tables import GT, loc, style

from si_analytics import formatting
from si_analytics.errors import UsageError
from si_analytics.frames import CELL, OTHERS, TOTAL, Figure, Grouping, MeasureFrame
from si_analytics.frames import text as measure_text
from si_analytics.tables import layout
from si_analytics.tables.layout import Column

_ASKED = "the table of measures with a sparkline"
_LINE = "#2f56c6"
_Key = tuple[Any, ...]
_Cells = dict[_Key, dict[Any, dict[str, Any]]]
_LOOK: dict[str, Any] = {
    "data_line_stroke_color": _LINE,
    "data_line_stroke_width": 5,
    "data_point_radius": 7,
    "data_point_stroke_color": _LINE,
    "data_point_fill_color": "#ffffff",
    "show_data_area": False,
    "show_y_axis_guide": False,
    "show_vertical_guides": True,
}


def table(frame: MeasureFrame, *, top: int | None, title: str) -> GT:
    """One row for each group, its last complete period, and a line over all complete periods."""
    calendar, groups = _split(frame)
    cells, periods, left_out = _cells(frame, calendar, groups)
    plain = [key for key in cells if key[-1] == CELL]
    keys = plain[:top] + [key for key in cells if key[-1] == OTHERS]
    last = measure_text.period(calendar.unit, periods[-1]) if periods else ""
    columns, data = _columns(frame, groups, last), _data(frame, cells, keys, periods)
    for place, one in enumerate(groups):
        data[one.name] = [_name(one, key[place], key[-1]) for key in keys]
    schema = {name: pl.List(pl.Float64) if name.endswith(" line") else pl.String for name in data}
    made = GT(pl.DataFrame(data, schema=schema).select(column.source for column in columns), id="si-measure-trend")
    subtitle = [*layout.first_of(len(plain[:top]), len(plain)), _span(calendar, periods) or measure_text.window(frame)]
    made = layout.dressed(made, columns, title, ", ".join(subtitle))
    made = _drawn(made, frame, calendar, periods) if keys and periods else made
    others = [place for place, key in enumerate(keys) if key[-1] == OTHERS]
    if others:
        made = made.tab_style(style=style.css(layout.MUTED), locations=loc.body(rows=others))
    said = [measure_text.period(calendar.unit, one) for one in left_out]
    return made.tab_source_note(f"Left out, for the window holds only a part: {', '.join(said)}.") if said else made


def _split(frame: MeasureFrame) -> tuple[Grouping, list[Grouping]]:
    calendars = [one for one in frame.groupings if one.kind == "calendar"]
    groups = [one for one in frame.groupings if one.kind != "calendar"]
    if len(calendars) == 1 and groups:
        return calendars[0], groups
    found = ", ".join(one.name for one in frame.groupings) or "nothing"
    raise UsageError(_ASKED, f"the frame is grouped by {found}", "Group by one of day to year, and by something else")


def _cells(
    frame: MeasureFrame, calendar: Grouping, groups: Sequence[Grouping]
) -> tuple[_Cells, list[date | str], list[date | str]]:
    """Each group's rows by period, the periods drawn, and those left out because they are not complete."""
    rows = [dict(zip(frame.columns, row, strict=True)) for row in formatting.rows(frame)]
    dated = [row for row in rows if row[calendar.name] is not None and measure_text.kind(row) != TOTAL]
    parts = {row[calendar.name] for row in dated if row.get("complete") is False}
    every = formatting.values(frame[calendar.name].drop_nulls().unique().sort())
    whole = [one for one in every if one not in parts]
    cells: _Cells = {}
    for row in dated:
        key = (*(row[one.name] for one in groups), measure_text.kind(row))
        cells.setdefault(key, {})[row[calendar.name]] = row
    return cells, whole or every, [one for one in every if one in parts] if whole else []


def _columns(frame: MeasureFrame, groups: Sequence[Grouping], last: str) -> list[Column]:
    named = [Column(one.name, measure_text.group_heading(one), str, text=True) for one in groups]
    for figure in frame.figures:
        heading = measure_text.heading(figure, frame.currency)
        named.append(Column(figure.name, f"{heading}, {last}" if last else heading))
        if figure.unit != "time":
            named.append(Column(f"{figure.name} line", f"{measure_text.label(figure.name)} over time"))
    return named


def _data(
    frame: MeasureFrame, cells: _Cells, keys: Sequence[_Key], periods: Sequence[date | str]
) -> dict[str, list[Any]]:
    data: dict[str, list[Any]] = {}
    for figure in frame.figures:
        found = [[cells[key].get(period, {}).get(figure.name) for period in periods] for key in keys]
        data[figure.name] = [measure_text.value(figure, line[-1] if line else None) for line in found]
        if figure.unit != "time":
            data[f"{figure.name} line"] = [[None if one is None else float(one) for one in line] for line in found]
    return data


def _name(grouping: Grouping, found: Any, kind: str) -> str:
    return "Others" if kind == OTHERS and found in (None, "(others)") else measure_text.group(grouping, found)


def _span(calendar: Grouping, periods: Sequence[date | str]) -> str:
    ends = [measure_text.period(calendar.unit, one) for one in (*periods[:1], *periods[-1:])]
    return " to ".join(dict.fromkeys(ends))


def _drawn(made: GT, frame: MeasureFrame, calendar: Grouping, periods: Sequence[date | str]) -> GT:
    for figure in frame.figures:
        if figure.unit != "time":
            alt = f"{measure_text.label(figure.name)}, {_span(calendar, periods)}: {{x}}"
            options = great_tables.nanoplot_options(**_LOOK, y_val_fmt_fn=_pointed(figure))
            made = made.fmt_nanoplot(f"{figure.name} line", plot_height="2.4em", options=options, alt=alt)
    return made


def _pointed(figure: Figure) -> Any:
    """How the value of a point is written when pointed at."""

    def write(found: float | None) -> str:
        if found is None:
            return formatting.MISSING
        if figure.unit == "ratio":
            return f"{found:.1%}"
        return f"{found:,.{figure.places}f}"

    return write
