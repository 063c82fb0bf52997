"""Charts with one row per thing: a name above each bar, so that names and figures have the whole width.

Belongs here: what the ranked charts share.
"""

from __future__ import annotations

import plotly.graph_objects as go

from si_analytics import formatting
from si_analytics.errors import UsageError

ROW_PIXELS, FRAME_PIXELS = 40, 84
BAR_WIDTH = 0.3
TOP, BOTTOM = -0.75, 0.6


def positive(top: int, asked: str) -> None:
    """Raise UsageError unless at least one row is to be drawn."""
    if top < 1:
        raise UsageError(asked, f"top is {top}", "Give a top of 1 or more")


def height(count: int, *, frame: int = FRAME_PIXELS) -> int:
    """Pixels for `count` rows: every row keeps room for its label."""
    return frame + ROW_PIXELS * max(count, 2)


def shown_of(shown: int, total: int, thing: str, many: str | None = None) -> str:
    """``Top 20 of 5,000 agents``, or ``7 agents`` if all are shown."""
    whole = formatting.plural(total, thing, many)
    return whole if shown >= total else f"Top {shown:,} of {whole}"


def add_names(made: go.Figure, names: list[str], figures: list[str], *, above: float = 0.4) -> None:
    """Write a name above the left end of each row, a figure above its right end.

    Rows are positions: equal names stay apart. The texts use a second axis from 0 to 1, so that they keep to the edges
    whatever is drawn.
    """
    heights = [position - above for position in range(len(names))]
    for side, words in ((0, names), (1, figures)):
        made.add_scatter(
            x=[side] * len(words),
            y=heights,
            xaxis="x2",
            mode="text",
            text=words,
            textposition="middle right" if side == 0 else "middle left",
            textfont={"size": 13 if side == 0 else 12},
            cliponaxis=False,
            hoverinfo="skip",
            showlegend=False,
        )
    made.update_layout(
        xaxis2={"overlaying": "x", "range": [0, 1], "visible": False, "fixedrange": True},
        yaxis={"range": [len(names) - 1 + BOTTOM, TOP], "visible": False},
    )
