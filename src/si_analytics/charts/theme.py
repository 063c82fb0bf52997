"""One look for every chart: palettes, and the Plotly templates made of them.

Belongs here: colours, fonts and the defaults of axes, titles and hovers, light and dark. A chart
takes its colours from the template alone, so that a new template gives it a new theme.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass

import plotly.graph_objects as go

FONT = '"Segoe UI", Roboto, "Helvetica Neue", Arial, "Noto Sans", sans-serif'
# Grey with an alpha is visible on white and near-black alike: the only colour a trace may name itself.
TRACK = "rgba(125, 138, 160, 0.20)"
# Lines side by side must differ in more than colour.
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")


@dataclass(frozen=True)
class Palette:
    """The colours of one theme.

    ``series`` colours stay distinct under the common colour-vision deficiencies; ``sequential`` stays on one
    side of the middle grey, so that the text on it is readable at every step.
    """

    page: str
    surface: str
    raised: str
    ink: str
    muted: str
    line: str
    accent: str
    accent_soft: str
    positive: str
    negative: str
    caution: str
    caution_soft: str
    series: tuple[str, ...]
    sequential: tuple[str, ...]


LIGHT = Palette(
    page="#f5f6f9",
    surface="#ffffff",
    raised="#eef1f6",
    ink="#18202c",
    muted="#566174",
    line="#dfe3ea",
    accent="#2f56c6",
    accent_soft="#e7edfb",
    positive="#0b6b4f",
    negative="#b3361b",
    caution="#8a5300",
    caution_soft="#fdf3e0",
    series=("#3a63d8", "#d97400", "#12866a", "#b0408c", "#3d8fbd", "#80690a"),
    sequential=("#f3f6fd", "#dbe5fb", "#c0d1f7", "#a3bbf2"),
)

DARK = Palette(
    page="#0d1118",
    surface="#151b25",
    raised="#1e2633",
    ink="#e8edf5",
    muted="#9ba8bb",
    line="#2a3444",
    accent="#8cacff",
    accent_soft="#1f2c4d",
    positive="#5fd3a8",
    negative="#ff9478",
    caution="#f4bd62",
    caution_soft="#33280f",
    series=("#7d9fff", "#ffb155", "#4fcfa6", "#ee93cd", "#a5dcff", "#d9c65a"),
    sequential=("#1a2231", "#21315a", "#2b4480", "#3856a8"),
)


def palette(*, dark: bool = False) -> Palette:
    """The palette of the light or the dark theme."""
    return DARK if dark else LIGHT


@functools.cache
def template(*, dark: bool = False) -> go.layout.Template:
    """The Plotly template of the light or the dark theme."""
    colours = palette(dark=dark)
    return go.layout.Template(layout=_layout(colours), data=_trace_defaults(colours))


def _layout(colours: Palette) -> go.Layout:
    axis = {
        "automargin": True,
        "gridcolor": colours.line,
        "linecolor": colours.line,
        "zerolinecolor": colours.line,
        "tickcolor": colours.line,
        "tickfont": {"color": colours.muted, "size": 12},
        "title": {"font": {"color": colours.muted, "size": 12}, "standoff": 10},
    }
    return go.Layout(
        font={"family": FONT, "size": 13, "color": colours.ink},
        title={
            "font": {"size": 17, "weight": 600},
            "subtitle": {"font": {"size": 13, "color": colours.muted}},
            "x": 0,
            "xref": "container",
            "xanchor": "left",
            "y": 1,
            "yref": "container",
            "yanchor": "top",
            "pad": {"l": 14, "t": 14},
        },
        paper_bgcolor=colours.surface,
        plot_bgcolor=colours.surface,
        colorway=list(colours.series),
        colorscale={"sequential": _scale(colours)},
        margin={"l": 14, "r": 14, "t": 72, "b": 14},
        xaxis=axis,
        yaxis=axis,
        hoverlabel={
            "bgcolor": colours.raised,
            "bordercolor": colours.line,
            "font": {"family": FONT, "size": 13, "color": colours.ink},
            "align": "left",
            "namelength": -1,
        },
        legend={
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": 0,
            "yref": "container",
            "yanchor": "bottom",
            "font": {"size": 12},
        },
        annotationdefaults={"font": {"color": colours.ink, "size": 13}, "showarrow": False},
        hovermode="closest",
        dragmode=False,
        bargap=0.35,
        barcornerradius=3,
    )


def _trace_defaults(colours: Palette) -> dict[str, list[object]]:
    return {
        "bar": [go.Bar(textfont={"size": 12}, marker={"line": {"width": 0}})],
        "heatmap": [go.Heatmap(colorscale=_scale(colours), xgap=3, ygap=3)],
        "scatter": [go.Scatter(line={"width": 2.5})],
    }


def _scale(colours: Palette) -> list[list[object]]:
    last = len(colours.sequential) - 1
    return [[step / last, colour] for step, colour in enumerate(colours.sequential)]


def figure(title: str, subtitle: str = "", *, height: int, dark: bool = False) -> go.Figure:
    """An empty figure in the theme; `title` and `subtitle` must be our own text, or already escaped."""
    heading = {"text": title, "subtitle": {"text": subtitle}} if subtitle else {"text": title}
    return go.Figure(layout={"template": template(dark=dark), "title": heading, "height": height})


def amounts(values: Iterable[float | None]) -> dict[str, object]:
    """How an axis of amounts or counts writes its ticks: thousands shortened, small values in full, counts whole.

    Shortened, a half would read 500m: thousandths.
    """
    known = [value for value in values if value is not None]
    largest = max((abs(value) for value in known), default=0.0)
    if largest >= 1000:
        return {"tickformat": "~s"}
    few_and_whole = largest <= 5 and all(value == int(value) for value in known)
    return {"tickformat": ",~f", **({"dtick": 1} if few_and_whole else {})}


def nothing(title: str, message: str, *, dark: bool = False) -> go.Figure:
    """A figure that says why there is nothing to draw, instead of empty axes."""
    made = figure(title, height=220, dark=dark)
    made.update_xaxes(visible=False)
    made.update_yaxes(visible=False)
    made.add_annotation(text=message, x=0.5, y=0.5, xref="paper", yref="paper", opacity=0.8)
    return made
