"""Tables of any measures by any groupings, as the frame itself says what it holds.

Belongs here: which columns such a table has, which rows it emphasises, and the view with one line of the trend per row.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from functools import partial
from typing import Any

import great_tables
import polars as pl
from great_tables import GT, loc, style

from si_analytics import arguments, formatting
from si_analytics.errors import UsageError
from si_analytics.frames import CELL, OTHERS, TOTAL, Figure, Grouping, MeasureFrame
from si_analytics.frames import text as measure_text
from si_analytics.tables import layout, trends
from si_analytics.tables.layout import Column

_ASKED = "the table of measures"
_CHANGES = (
    ("_before", "", measure_text.value),
    ("_change", "Change", measure_text.change),
    ("_change_ratio", "Change in %", lambda _, found: measure_text.change_ratio(found)),
)
_SHOWN = {OTHERS: "Others", TOTAL: "Total"}


@arguments.checked
def measure(frame: pl.DataFrame, *, top: int | None = 50, sparkline: bool = False, title: str | None = None) -> GT:
    """The result of a `warehouse.measure`, each figure by its unit, the total set apart.

    Shows the first `top` rows, and the others and the total if the frame has them. With `sparkline`, a frame grouped by
    a calendar and something else has one row for each of the latter, with its last complete period and a line over all.

    >>> si.tables.measure(warehouse.measure("commission", by=["agent.tier", "month"]), sparkline=True)
    """
    shown = measure_text.require(frame, _ASKED)
    if top is not None and top < 1:
        raise UsageError(_ASKED, f"top is {top}", "Give a top of 1 or more, or none for every row")
    heading = measure_text.title(shown, _measures(shown)) if title is None else title
    if sparkline:
        return trends.table(shown, top=top, title=heading)
    rows = _rows(shown)
    cells = [row for row in rows if measure_text.kind(row) == CELL]
    listed = cells[:top] + [row for row in rows if measure_text.kind(row) != CELL]
    columns = [*_groups(shown.groupings), *_figures(shown)]
    subtitle = ", ".join([*layout.first_of(len(cells[:top]), len(cells)), measure_text.window(shown)])
    made = layout.dressed(GT(_written(shown, listed, columns), id="si-measure"), columns, heading, subtitle)
    return _noted(_emphasised(_headed(made, shown), listed), shown, listed)


def _measures(frame: MeasureFrame) -> str:
    """The measures as a title names them; many would not fit."""
    names = [measure_text.label(frame.figures[0].name), *(measure_text.inside(one.name) for one in frame.figures[1:])]
    return ", ".join(names) if len(names) <= 3 else f"{len(names)} measures"


def _rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    return [dict(zip(frame.columns, row, strict=True)) for row in formatting.rows(frame)]


def _groups(groupings: Sequence[Grouping]) -> list[Column]:
    return [
        Column(one.name, measure_text.group_heading(one), partial(measure_text.group, one), text=True)
        for one in groupings
    ]


def _figures(frame: MeasureFrame) -> list[Column]:
    """Each measure, and beside it what the frame compares it with."""
    columns = []
    for figure in frame.figures:
        columns.append(Column(figure.name, figure.name, partial(measure_text.value, figure)))
        for ending, said, write in _CHANGES:
            if figure.name + ending in frame.columns:
                columns.append(Column(figure.name + ending, said or _before(frame), partial(write, figure)))
    return columns


def _before(frame: MeasureFrame) -> str:
    words = measure_text.BEFORE.get(frame.compared or "", "before").removeprefix("the ")
    return words[:1].upper() + words[1:]


def _written(frame: MeasureFrame, rows: Sequence[dict[str, Any]], columns: Sequence[Column]) -> pl.DataFrame:
    """The cells as text; the first grouping of a total says what the row is, the others stay blank."""
    groups = [one.name for one in frame.groupings]
    cells: dict[str, list[str]] = {column.source: [] for column in columns}
    for row in rows:
        kind = measure_text.kind(row)
        for column in columns:
            found, place = row[column.source], groups.index(column.source) if column.source in groups else -1
            stands_in = place >= 0 and (found is None or found == f"({kind})") and kind != CELL
            text = (_SHOWN[kind] if place == 0 else "") if stands_in else column.write(found)
            partial_period = place >= 0 and frame.groupings[place].kind == "calendar" and row.get("complete") is False
            cells[column.source].append(f"{text} ({measure_text.PART})" if partial_period and text else text)
    return pl.DataFrame(cells, schema=dict.fromkeys(cells, pl.String))


def _headed(made: GT, frame: MeasureFrame) -> GT:
    """The table with each measure's heading, unit and meaning; compared ones have theirs above their columns."""
    for figure in frame.figures:
        words = _explained(figure, frame.currency)
        compared = [figure.name + ending for ending, _, _ in _CHANGES if figure.name + ending in frame.columns]
        if compared:
            made = made.tab_spanner(words, columns=[figure.name, *compared], id=f"of-{figure.name}")
        made = made.cols_label({figure.name: "Value" if compared else words})
    return made


def _explained(figure: Figure, currency: str) -> Any:
    words, meaning = measure_text.heading(figure, currency), figure.meaning
    return great_tables.html(f'<span title="{html.escape(meaning)}">{html.escape(words)}</span>')


def _emphasised(made: GT, rows: Sequence[dict[str, Any]]) -> GT:
    for kind, look in ((OTHERS, layout.MUTED), (TOTAL, layout.STRONG)):
        places = [place for place, row in enumerate(rows) if measure_text.kind(row) == kind]
        if places:
            made = made.tab_style(style=style.css(look), locations=loc.body(rows=places))
    return made


def _noted(made: GT, frame: MeasureFrame, rows: Sequence[dict[str, Any]]) -> GT:
    if any(row.get("complete") is False and measure_text.kind(row) != TOTAL for row in rows):
        return made.tab_source_note(f"({measure_text.PART}): the window holds only a part of this period.")
    return made
