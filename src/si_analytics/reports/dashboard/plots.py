"""The charts of the dashboard, in the form the page's script draws.

Belongs here: fitting figures of the library's own charts to the page. A figure loses its
template and title: the page brings both themes and its own headings. Ranked charts keep every
row, so that the page can draw those a filter leaves without writing or escaping a label itself.
The panels decide which charts there are.
"""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from si_analytics.charts import rows, theme

Figure = dict[str, Any]
_TOP_MARGIN, TOP_OF_PANELS = 12, 34  # a chart of panels has a heading above the first


def templates() -> dict[str, Any]:
    """Both themes, once for the page."""
    return {
        "light": theme.template().to_plotly_json(),
        "dark": theme.template(dark=True).to_plotly_json(),
    }


def ranked(made: go.Figure, count: int, listed: int) -> Figure:
    """A chart with one row for each of the first `count` of the `listed` rows of a table."""
    return {
        **plain(made),
        "rows": count,
        "listed": listed,
        "row_pixels": rows.ROW_PIXELS,
        "frame_pixels": made.layout.height - rows.ROW_PIXELS * max(count, 2) - _room(made, _TOP_MARGIN),
        "top": rows.TOP,
        "bottom": rows.BOTTOM,
    }


def plain(made: go.Figure, top: int = _TOP_MARGIN) -> Figure:
    """The figure without its template and title, and without the space of the title."""
    parts = made.to_plotly_json()
    layout = parts["layout"]
    subtitle = layout.pop("title").get("subtitle", {}).get("text", "")
    layout.pop("template")
    layout["margin"] = {**layout.get("margin", {}), "t": top, "l": 4, "r": 4}
    layout["height"] -= _room(made, top)
    return {"data": parts["data"], "layout": layout, "subtitle": subtitle}


def _room(made: go.Figure, top: int) -> int:
    """The height of the title beyond a margin of `top`."""
    margin = made.layout.margin.t or made.layout.template.layout.margin.t
    return int(margin) - top
