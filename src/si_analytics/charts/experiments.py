"""Charts of experiments: the share each variant won, and how certain it is.

Belongs here: figures of `metrics.template_experiments`.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import plotly.graph_objects as go
import polars as pl

from si_analytics import formatting
from si_analytics.charts import rows, text, theme

EXPERIMENT_COLUMNS = (
    "agent_id",
    "template_name",
    "variant",
    "sent",
    "accepted",
    "acceptance",
    "wilson_low",
    "wilson_high",
    "lift",
    "difference",
    "p_value",
    "enough_data",
)
_SYMBOLS = {"A": "circle", "B": "diamond"}
_BESIDE = {"A": -0.1, "B": 0.15}
_ROW_PIXELS = 52
_ASKED = "the chart of experiments"


def experiments(
    frame: pl.DataFrame,
    *,
    top: int = 10,
    names: Mapping[str, str] | None = None,
    title: str | None = None,
    dark: bool = False,
) -> go.Figure:
    """Variants A and B of invite templates: the share of invites accepted, each with its 95 % interval.

    `frame` is a template_experiments. Draws the first `top`: those with enough data come first, then those
    that sent most. `names` maps an agent_id to a name.

    >>> experiments(warehouse.template_experiments())        # doctest: +SKIP
    """
    formatting.require(frame, EXPERIMENT_COLUMNS, _ASKED)
    rows.positive(top, _ASKED)
    heading = title or "Share accepted, B against A"
    if frame.is_empty():
        return theme.nothing(heading, "No template was sent in both an A and a B yet.", dark=dark)
    chosen = largest(frame)
    count, ordered = chosen.height, chosen.head(top)
    made = theme.figure(
        heading,
        f"{rows.shown_of(ordered.height, count, 'experiment')}; lines are 95 % intervals",
        height=152 + _ROW_PIXELS * max(ordered.height, 2),
        dark=dark,
    )
    pairs = [_pair(frame, record) for record in ordered.to_dicts()]
    for variant in ("A", "B"):
        _add_variant(made, variant, [pair[variant] for pair in pairs], names or {})
    labels = [_label(pair["B"], names or {}) for pair in pairs]
    rows.add_names(made, labels, [verdict(pair["B"]) for pair in pairs])
    made.update_layout(
        xaxis={"tickformat": ".0%", "nticks": 6, "zeroline": False, "griddash": "dot", "rangemode": "tozero"},
        margin={"b": 56},
    )
    return made


def largest(frame: pl.DataFrame) -> pl.DataFrame:
    """Each experiment once: those with enough data first, then those that sent most, then by agent and name."""
    return (
        frame.group_by("agent_id", "template_name")
        .agg(pl.col("sent").sum(), pl.col("enough_data").first())
        .sort(["enough_data", "sent", "agent_id", "template_name"], descending=[True, True, False, False])
    )


def verdict(record: Mapping[str, Any]) -> str:
    """B's difference from A in percentage points, and how likely chance alone gives as much."""
    points = (record["difference"] * 100).quantize(Decimal("0.1"), rounding=ROUND_HALF_UP)
    said = f"{points:+} pts"
    if not record["enough_data"]:
        return f"{said}, few sent"
    return f"{said}, {p_value(record['p_value'])}"


def p_value(value: Decimal | None) -> str:
    """A p-value to three places, in Plotly's markup; a smaller one reads as ``p < 0.001``."""
    if value is None:
        return f"p {formatting.MISSING}"
    rounded = value.quantize(Decimal("0.001"), rounding=ROUND_HALF_UP)
    return f"p {rounded}" if rounded > 0 else "p &lt; 0.001"


def _pair(frame: pl.DataFrame, record: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    same = frame.filter(
        (pl.col("agent_id") == record["agent_id"]) & pl.col("template_name").eq_missing(pl.lit(record["template_name"]))
    )
    return {row["variant"]: row for row in same.to_dicts()}


def _label(record: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """The template and the agent: on a phone they share the room beside the verdict; one uses what the other spares."""
    template, called = record["template_name"], names.get(record["agent_id"])
    if not called:
        return text.label(template, 24)
    room, least = 27, 11
    agent = text.label(called, int(max(least, room - text.width(template or ""))))
    return f"{text.label(template, int(max(room - least - 1, room - text.width(called))))} · {agent}"


def _add_variant(made: go.Figure, variant: str, records: list[dict[str, Any]], names: Mapping[str, str]) -> None:
    shares = [record["accepted"] / record["sent"] for record in records]
    made.add_scatter(
        x=shares,
        y=[position + _BESIDE[variant] for position in range(len(records))],
        mode="markers",
        marker={"symbol": _SYMBOLS[variant], "size": 10, "opacity": 1},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [float(row["wilson_high"]) - share for row, share in zip(records, shares, strict=True)],
            "arrayminus": [share - float(row["wilson_low"]) for row, share in zip(records, shares, strict=True)],
            "thickness": 2,
            "width": 3,
        },
        customdata=[_hover(record, names) for record in records],
        hovertemplate="%{customdata}<extra></extra>",
        cliponaxis=False,
        name=f"Variant {variant}",
    )


def _hover(record: Mapping[str, Any], names: Mapping[str, str]) -> str:
    called = names.get(record["agent_id"])
    lift = "not known: nobody accepted A" if record["lift"] is None else formatting.percent(record["lift"])
    return "<br>".join(
        (
            f"<b>{text.label(record['template_name'], 60)}</b>, variant {record['variant']}",
            *([f"Sent by {text.label(called, 60)}"] if called else []),
            f"{record['accepted']:,} of {record['sent']:,} accepted: {formatting.percent(record['acceptance'])}",
            f"95 % interval {formatting.percent(record['wilson_low'])} to {formatting.percent(record['wilson_high'])}",
            f"B against A {verdict(record)}; lift {lift}",
            *([] if record["enough_data"] else ["Fewer than 30 sent of one of them: do not conclude yet"]),
        )
    )
