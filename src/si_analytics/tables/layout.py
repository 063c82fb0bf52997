"""The one look of every table: its columns, its cells as text, its fonts and alignment.

Belongs here: what the tables share. Cells become text before they reach great_tables, so that money keeps every
digit; great_tables escapes them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from great_tables import GT, loc, style

from si_analytics import formatting

_FONTS = ["Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif"]
MUTED = "color: #566174;"
STRONG = "font-weight: 600; border-top: 2px solid #566174;"


@dataclass(frozen=True)
class Column:
    """One column of a table: where its values come from, its heading, how a value is written."""

    source: str
    heading: str
    write: Callable[[Any], str] = formatting.number
    text: bool = False


def written(frame: pl.DataFrame, columns: Sequence[Column]) -> pl.DataFrame:
    """The cells as text, exactly as readers see them."""
    return pl.DataFrame(
        {
            column.source: [column.write(value) for value in formatting.values(frame[column.source])]
            for column in columns
        },
        schema={column.source: pl.String for column in columns},
    )


def dressed(made: GT, columns: Sequence[Column], title: str, subtitle: str) -> GT:
    """The table with its headings, its figures to the right and its texts to the left, in one look for all."""
    figures = [column.source for column in columns if not column.text]
    return (
        made.tab_header(title=title, subtitle=subtitle or None)
        .cols_label({column.source: column.heading for column in columns})
        .cols_align("right", columns=figures)
        .cols_align("left", columns=[column.source for column in columns if column.text])
        .tab_style(
            style=style.css("font-variant-numeric: tabular-nums; white-space: nowrap;"), locations=loc.body(figures)
        )
        .tab_style(
            style=style.css("min-width: 8rem; max-width: 24rem; overflow-wrap: anywhere; unicode-bidi: isolate;"),
            locations=loc.body([column.source for column in columns if column.text]),
        )
        .opt_align_table_header("left")
        .tab_options(
            table_font_names=_FONTS,
            table_font_size="14px",
            heading_title_font_size="18px",
            heading_title_font_weight="600",
            column_labels_font_weight="600",
            data_row_padding="7px",
            table_border_top_style="none",
            table_border_bottom_style="none",
        )
    )


def first_of(shown: int, count: int) -> list[str]:
    """``First 50 of 120 rows``, or nothing if all are shown."""
    return [f"First {shown:,} of {formatting.plural(count, 'row')}"] if shown < count else []
