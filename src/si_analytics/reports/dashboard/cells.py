"""A table of the dashboard: its columns, and its cells as exact text.

Belongs here: the declaration of a column, and values in the form the page's script reads. A cell travels as text
with every digit, so that no figure passes through a binary float on its way to a reader.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import polars as pl

from si_analytics import formatting


@dataclass(frozen=True)
class TableColumn:
    """One column: its name in the warehouse, its heading, and how the page's script writes a cell.

    ``kind`` is one of text, sentence, name, person, tier, stage, severity, number, movement, ratio, percent, points,
    chance, hours, month; ``unit`` stands below the heading, ``hint`` explains it. A column not ``shown`` is only in
    the download; ``bar`` draws the cell's share of the largest; ``down`` sorts largest first at the first click.
    ``called`` names a column whose text replaces this one's, if it has any; ``clear_where_no`` names a column whose 0
    makes this cell say ``clear``.
    """

    key: str
    label: str
    kind: str = "number"
    hint: str = ""
    unit: str = ""
    shown: bool = True
    bar: bool = False
    down: bool = True
    called: str = ""
    clear_where_no: str = ""

    def to_json(self) -> dict[str, Any]:
        """The column in the form the page's script reads."""
        said = asdict(self)
        return {name: value for name, value in said.items() if value or name not in ("called", "clear_where_no")}


@dataclass(frozen=True)
class PanelTable:
    """One table of the page: rows in their own order, each cell text or null."""

    columns: tuple[TableColumn, ...]
    rows: list[list[str | None]]
    thing: str
    things: str

    def to_json(self) -> dict[str, Any]:
        """The table in the form the page's script reads."""
        return {
            "columns": [column.to_json() for column in self.columns],
            "rows": self.rows,
            "thing": self.thing,
            "things": self.things,
        }

    @classmethod
    def of(cls, frame: pl.DataFrame, columns: Sequence[TableColumn], thing: str, things: str) -> PanelTable:
        """The rows of a frame, limited to those of the `columns` that it has."""
        kept = tuple(column for column in columns if column.key in frame.columns)
        cells = [[_cell(value) for value in formatting.values(frame[column.key])] for column in kept]
        return cls(kept, [list(row) for row in zip(*cells, strict=True)], thing, things)


def _cell(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return str(value)
