"""Charts of conversion funnels: one as a whole, or the values of a breakdown side by side.

Belongs here: figures of `metrics.conversion_funnels`.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import plotly.graph_objects as go
import polars as pl

from si_analytics import formatting
from si_analytics.charts import rows, text, theme
from si_analytics.errors import UnknownNameError, UsageError

FUNNEL_COLUMNS = (
    "funnel",
    "breakdown",
    "breakdown_value",
    "stage_number",
    "stage",
    "reached",
    "dropped",
    "conversion_from_previous",
    "conversion_from_start",
    "median_hours_from_start",
    "p90_hours_from_start",
    "immature",
)
WHOLE = "all"
_STAGE_PIXELS, _VALUE_PIXELS, _ROOM_FOR_NAME = 62, 56, 24


def funnel(frame: pl.DataFrame, name: str | None = None, *, title: str | None = None, dark: bool = False) -> go.Figure:
    """One funnel: how many reached each stage, how many were lost on the way, and how long it took.

    `frame` is a conversion_funnels that is not broken down; `name` chooses the funnel, and may
    be left out if the frame holds only one.

    >>> funnel(warehouse.funnel("invite"))        # doctest: +SKIP
    """
    stages = one_funnel(frame, name, "the funnel chart")
    broken_down = stages.filter(pl.col("breakdown") != WHOLE)
    if broken_down.height:
        raise UsageError(
            "the funnel chart",
            f"the frame is broken down by {broken_down['breakdown'][0]}",
            "Draw it with funnel_by, or give a funnel that is not broken down",
        )
    records = stages.sort("stage_number").to_dicts()
    heading = title or (f"{stage_label(records[0]['funnel'])} funnel" if records else "Funnel")
    if not records or not records[0]["reached"]:
        return theme.nothing(heading, "Nothing has entered this funnel yet.", dark=dark)
    made = theme.figure(heading, _funnel_subtitle(records[0]), height=96 + _STAGE_PIXELS * len(records), dark=dark)
    _add_stages(made, records)
    # Add all at once: with each addition Plotly goes through all existing ones.
    words = [one for position, record in enumerate(records) for one in _stage_words(position, record)]
    made.update_layout(annotations=words, barmode="overlay", bargap=0.62, barcornerradius=0, margin={"t": 78})
    made.update_xaxes(range=[0, records[0]["reached"]], visible=False)
    made.update_yaxes(range=[len(records) - 0.6, -0.75], visible=False)
    return made


def one_funnel(frame: pl.DataFrame, name: str | None, asked: str) -> pl.DataFrame:
    """The rows of one funnel; raises UsageError if the frame holds several and no name is given."""
    formatting.require(frame, FUNNEL_COLUMNS, asked)
    names = sorted(frame["funnel"].unique().to_list())
    if name is None:
        if len(names) > 1:
            raise UsageError(asked, f"the frame holds {', '.join(names)}", "Name one of them")
        return frame
    if frame.height and name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"Did you mean '{near[0]}'? " if near else ""
        raise UnknownNameError(
            f"funnel '{name}'", "the frame has none of that name", f"{hint}It has {', '.join(names)}"
        )
    return frame.filter(pl.col("funnel") == name)


def stage_label(name: str) -> str:
    """A stage or funnel in the form readers see: ``first_deal`` becomes ``First deal``."""
    return name.replace("_", " ").capitalize()


def _funnel_subtitle(first: Mapping[str, Any]) -> str:
    entered = f"{first['reached']:,} entered"
    if not first["immature"]:
        return entered
    return f"{entered}, {first['immature']:,} of them too recent to have had their full time"


def _add_stages(made: go.Figure, records: list[dict[str, Any]]) -> None:
    """Draw the bar of those who reached a stage, over a pale bar of those who reached the stage before."""
    positions = list(range(len(records)))
    made.add_bar(
        x=[record["reached"] for record in records],
        y=positions,
        orientation="h",
        zorder=1,
        customdata=[_stage_hover(record) for record in records],
        hovertemplate="%{customdata}<extra></extra>",
        showlegend=False,
    )
    made.add_bar(
        x=[record["reached"] + record["dropped"] for record in records],
        y=positions,
        orientation="h",
        marker={"color": theme.TRACK},
        hoverinfo="skip",
        showlegend=False,
    )


def _stage_words(position: int, record: Mapping[str, Any]) -> list[dict[str, Any]]:
    left = f"<b>{text.escape(stage_label(record['stage']))}</b>  {record['reached']:,}"
    return [
        {
            "x": side,
            "xref": "paper",
            "xanchor": "left" if side == 0 else "right",
            "y": position - 0.22,
            "yanchor": "bottom",
            "text": words,
            "font": {"size": 13 if side == 0 else 12},
            "opacity": 1 if side == 0 else 0.85,
        }
        for side, words in ((0, left), (1, _stage_right(record)))
    ]


def _stage_right(record: Mapping[str, Any]) -> str:
    """Conversion from the start, and the median time it took, if known."""
    if record["stage_number"] == 1:
        return ""
    share = formatting.percent(record["conversion_from_start"])
    median = record["median_hours_from_start"]
    return share if median is None else f"{share} · {formatting.hours(median)}"


def _stage_hover(record: Mapping[str, Any]) -> str:
    lines = [f"<b>{text.escape(stage_label(record['stage']))}</b>", f"{record['reached']:,} reached this stage"]
    if record["stage_number"] > 1:
        lines.append(
            f"{formatting.percent(record['conversion_from_previous'])} of the stage before "
            f"({record['dropped']:,} did not go on)"
        )
        lines.append(f"{formatting.percent(record['conversion_from_start'])} of all who entered")
        lines.append(_time_to_convert(record["median_hours_from_start"], record["p90_hours_from_start"]))
    return "<br>".join(lines)


def _time_to_convert(median: Decimal | None, p90: Decimal | None) -> str:
    if median is None:
        return "Time from the start is not known"
    return f"Half got here within {formatting.hours(median)}, nine in ten within {formatting.hours(p90)}"


def funnel_by(
    frame: pl.DataFrame,
    name: str | None = None,
    *,
    top: int = 12,
    names: Mapping[str, str] | None = None,
    title: str | None = None,
    dark: bool = False,
) -> go.Figure:
    """One funnel for each value of a breakdown: the share of those who entered that reached each stage.

    `frame` is a conversion_funnels broken down by one attribute. Draws the `top` values: months in date order,
    others by how many entered. `names` maps a value (an id, say) to a name.

    >>> funnel_by(warehouse.funnel("invite", by="method"))        # doctest: +SKIP
    """
    stages = one_funnel(frame, name, "the funnel chart by breakdown")
    rows.positive(top, "the funnel chart by breakdown")
    breakdowns = sorted(stages["breakdown"].unique().to_list())
    if len(breakdowns) > 1:
        raise UsageError(
            "the funnel chart by breakdown", f"the frame holds {', '.join(breakdowns)}", "Give one breakdown at a time"
        )
    if stages.is_empty():
        return theme.nothing(title or "Funnel", "Nothing has entered this funnel yet.", dark=dark)
    chosen = largest_values(stages, top)
    values = chosen["breakdown_value"].to_list()
    by = stage_label(breakdowns[0]).lower()
    made = theme.figure(
        title or f"{stage_label(stages['funnel'][0])} funnel by {by}",
        f"{rows.shown_of(len(values), stages['breakdown_value'].n_unique(), 'value')}: share of entrants at each stage",
        height=150 + _VALUE_PIXELS * max(len(values), 2),
        dark=dark,
    )
    called = [(names or {}).get(value, value) for value in values]
    _add_grid(made, stages.filter(pl.col("breakdown_value").is_in(values)), values, called)
    return made


def largest_values(stages: pl.DataFrame, top: int) -> pl.DataFrame:
    """The breakdown values to draw: the latest months in order, or the values that most units entered."""
    entered = stages.filter(pl.col("stage_number") == 1).select("breakdown", "breakdown_value", "reached")
    if entered.height and entered["breakdown"][0] == "month":
        return entered.sort("breakdown_value").tail(top)
    return entered.sort(["reached", "breakdown_value"], descending=[True, False]).head(top)


def _add_grid(made: go.Figure, stages: pl.DataFrame, values: list[str], called: list[str]) -> None:
    """Draw one row per value and one column per stage after the first, which is 100 % of every row."""
    numbers = [number for number in sorted(stages["stage_number"].unique().to_list()) if number > 1]
    cells = {(row["breakdown_value"], row["stage_number"]): row for row in stages.to_dicts()}
    grid = [[cells[value, number] for number in numbers] for value in values]
    shares = [[_ratio(cell) for cell in line] for line in grid]
    made.add_heatmap(
        z=shares,
        x=[stage_label(cell["stage"]).replace(" ", "<br>") for cell in grid[0]],
        y=list(range(len(values))),
        text=[[_cell_text(cell) for cell in line] for line in grid],
        texttemplate="%{text}",
        customdata=[[_cell_hover(cell, word) for cell in line] for line, word in zip(grid, called, strict=True)],
        hovertemplate="%{customdata}<extra></extra>",
        hoverongaps=False,
        zmin=0,
        zmax=max((ratio for line in shares for ratio in line if ratio is not None), default=0) or 1,
        ygap=_ROOM_FOR_NAME,
        showscale=False,
    )
    entered = [f"{cells[value, 1]['reached']:,}" for value in values]
    rows.add_names(made, [text.label(word, 30) for word in called], entered, above=0.46)
    made.update_layout(xaxis={"showgrid": False, "ticks": "", "autotickangles": [0, 75], "tickfont": {"size": 11}})
    made.update_layout(yaxis={"range": [len(values) - 0.62, -0.72]})


def _ratio(cell: Mapping[str, Any]) -> float | None:
    ratio = cell["conversion_from_start"]
    return None if ratio is None else float(ratio)


def _cell_text(cell: Mapping[str, Any]) -> str:
    ratio = cell["conversion_from_start"]
    if ratio is None:
        return ""
    return formatting.percent(ratio, 0 if ratio == 0 or ratio >= Decimal("0.0995") else 1).replace(" ", "")


def _cell_hover(cell: Mapping[str, Any], word: str) -> str:
    return f"<b>{text.label(word, 60)}</b><br>{_stage_hover(cell)}"
