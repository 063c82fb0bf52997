"""One measure of a frame, ready to be drawn: its rows, names, hovers and headings.

Belongs here: what the charts of measures share. The total is never among the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import plotly.graph_objects as go

from si_analytics import formatting
from si_analytics.charts import text, theme
from si_analytics.errors import UnknownNameError, UsageError
from si_analytics.frames import OTHERS, TOTAL, Figure, Grouping, MeasureFrame
from si_analytics.frames import text as measure_text

ASKED = "the chart of measures"
Row = dict[str, Any]
Key = tuple[Any, ...]
_TITLE = 35  # columns of a phone
_TOP, _LINE = 72, 17


@dataclass(frozen=True)
class Slice:
    """The rows to draw and the measure to draw of them; `top` is how many groups."""

    frame: MeasureFrame
    figure: Figure
    rows: list[Row]
    top: int
    title: str | None
    dark: bool

    @property
    def calendar(self) -> Grouping | None:
        """The first calendar that rows are grouped by, the axis of time."""
        return next((one for one in self.frame.groupings if one.kind == "calendar"), None)

    @property
    def groups(self) -> list[Grouping]:
        """What rows are grouped by apart from the axis of time."""
        return [one for one in self.frame.groupings if one is not self.calendar]

    @property
    def before(self) -> str:
        """The column of the period compared with; empty if there is none."""
        name = f"{self.figure.name}_before"
        return name if name in self.frame.columns else ""

    @property
    def compared(self) -> str:
        """The period compared with, in words."""
        return measure_text.BEFORE.get(self.frame.compared or "", "before")

    @property
    def heading(self) -> str:
        """The title given, or the measure with its unit and what it is grouped by."""
        if self.title is not None:
            return self.title
        return text.escape(measure_text.title(self.frame, measure_text.heading(self.figure, self.frame.currency)))

    def empty_figure(self, *notes: str, height: int) -> go.Figure:
        """A figure with the title, below it the window and the notes, each on a line that a phone has room for."""
        heading, lines = self.heading, [measure_text.window(self.frame), *map(capital, filter(None, notes))]
        if self.title is None and text.width(heading) > _TITLE:
            measured = measure_text.heading(self.figure, self.frame.currency)
            heading = text.escape(measured)
            lines = [text.escape(measure_text.title(self.frame, "").strip()), *lines] if self.groups else lines
        more = _LINE * (len(lines) - 1)
        made = theme.figure(heading, "<br>".join(lines), height=height + more, dark=self.dark)
        return made.update_layout(margin={"t": _TOP + more})


def figure_of(frame: MeasureFrame, name: str | None) -> Figure:
    """The measure to draw: the one of that name, or the first that is an amount."""
    drawable = {one.name: one for one in frame.figures if one.unit != "time"}
    if name is not None and name not in drawable:
        names = ", ".join(drawable) or "none"
        found = "it is a time" if any(one.name == name for one in frame.figures) else "the frame has no such measure"
        raise UnknownNameError(f"{ASKED}, of '{name}'", found, f"Choose one of its amounts: {names}")
    if not drawable:
        raise UsageError(ASKED, "every measure of the frame is a time", "Ask for a measure that is an amount")
    return drawable[name] if name is not None else next(iter(drawable.values()))


def rows_of(frame: MeasureFrame) -> list[Row]:
    """The frame's rows but for totals; those without a date are kept, for the chart to say so."""
    rows = (dict(zip(frame.columns, row, strict=True)) for row in formatting.rows(frame))
    return [row for row in rows if measure_text.kind(row) != TOTAL]


def key(part: Slice, row: Row) -> Key:
    """What tells a row's group from the others."""
    return (measure_text.kind(row), *(row[one.name] for one in part.groups))


def name(part: Slice, found: Key, width: int = 24) -> str:
    """A group's name, safe for Plotly and short enough for an axis."""
    if found[0] == OTHERS and all(one in (None, "(others)") for one in found[1:]):
        return "Others"
    return text.label(" · ".join(map(measure_text.group, part.groups, found[1:])), width)


def ranked(part: Slice, rows: Iterable[Row]) -> list[Key]:
    """The groups, largest first, the others last: by their sum if the measure adds up, else by their largest value."""
    values: dict[Key, list[Decimal | int]] = {}
    for row in rows:
        found = row[part.figure.name]
        values.setdefault(key(part, row), []).extend([] if found is None else [found])
    size: Callable[[Sequence[Any]], Any] = sum if part.figure.additive else max
    return sorted(
        values,
        key=lambda each: (each[0] == OTHERS, not values[each], -size(values[each]) if values[each] else 0),
    )


def hover(part: Slice, row: Row) -> str:
    """A row's groups, its period, the exact value, and what it is compared with."""
    figure, calendar = part.figure, part.calendar
    lines = [f"<b>{name(part, key(part, row), 60)}</b>"] if part.groups else []
    if calendar is not None:
        partial = f" ({measure_text.PART})" if row.get("complete") is False else ""
        week = "Week from " if calendar.unit == "week" else ""
        lines.append(f"{week}{measure_text.group(calendar, row[calendar.name])}{partial}")
    heading = measure_text.heading(figure, part.frame.currency)
    lines.append(f"{text.escape(heading)} {measure_text.value(figure, row[figure.name])}")
    if part.before:
        lines.append(f"{capital(part.compared)} {measure_text.value(figure, row[part.before])}")
        lines.append(f"Change {changed(part, row)}")
    return "<br>".join(lines)


def changed(part: Slice, row: Row) -> str:
    """A row's change: ``+1,000.50 (+12.5 %)``."""
    difference = measure_text.change(part.figure, row.get(f"{part.figure.name}_change"))
    ratio = row.get(f"{part.figure.name}_change_ratio")
    return f"{difference} ({measure_text.change_ratio(ratio)})" if ratio is not None else difference


def capital(words: str) -> str:
    """`words` as the beginning of a line."""
    return words[:1].upper() + words[1:]


def length(found: Any) -> float | None:
    """A value as the length of a bar or the height of a point."""
    return None if found is None else float(found)


def axis(part: Slice, values: Iterable[float | None]) -> dict[str, object]:
    """How an axis of the measure writes its ticks, with its unit as title."""
    known = [value for value in values if value is not None]
    if part.figure.unit == "ratio":
        return {"tickformat": ".0%" if max(map(abs, known), default=0) > 0.05 else ".1%"}
    unit = "%" if part.figure.unit == "percent" else measure_text.unit(part.figure, part.frame.currency)
    return {**theme.amounts(known), "title": {"text": text.escape(unit or part.figure.unit)}}
