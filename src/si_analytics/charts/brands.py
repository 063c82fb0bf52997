"""Charts about brands: their reputation, and how certain it is.

Belongs here: figures of `metrics.brand_reputations`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go
import polars as pl

from si_analytics import formatting
from si_analytics.charts import rows, text, theme

BRAND_COLUMNS = (
    "sponsor_id",
    "company",
    "overall_rating",
    "payment_speed_rating",
    "communication_rating",
    "professionalism_rating",
    "review_count",
    "total_deals",
    "average_payment_time",
    "reputation_score",
    "rank",
)
_SMALLEST_DOT, _LARGEST_DOT = 9.0, 18.0


def brand_reputation(frame: pl.DataFrame, *, top: int = 20, title: str | None = None, dark: bool = False) -> go.Figure:
    """The best-reputed brands: the score that ranks them, beside the plain mean of their reviews.

    The line between the two shows the uncertainty: with few reviews the score stays near the mean of
    all brands, and the line is long. `frame` is a brand_reputations; draws the first `top` ranks. Brands without
    a review are unrated and left out.

    >>> brand_reputation(warehouse.brand_reputations())        # doctest: +SKIP
    """
    formatting.require(frame, BRAND_COLUMNS, "the brand chart")
    rows.positive(top, "the brand chart")
    heading = title or "Brands by reputation (1 to 5)"
    rated = frame.filter(pl.col("rank").is_not_null()).sort("rank")
    if rated.is_empty():
        words = "No brand has been reviewed yet." if frame.height else "No brands yet."
        return theme.nothing(heading, words, dark=dark)
    records = rated.head(top).to_dicts()
    made = theme.figure(
        heading,
        rows.shown_of(len(records), rated.height, "brand" if rated.height == frame.height else "reviewed brand"),
        height=rows.height(len(records), frame=152),
        dark=dark,
    )
    _add_scores(made, records, rated.height)
    _add_means(made, records)
    names = [f"{record['rank']:,}  {text.label(record['company'])}" for record in records]
    rows.add_names(made, names, [_beside(record) for record in records])
    made.update_layout(
        xaxis={
            "nticks": 6,
            "zeroline": False,
            "griddash": "dot",
            "autorangeoptions": {"clipmin": 0.95, "clipmax": 5.05},
        },
        margin={"b": 56},
    )
    return made


def _beside(record: Mapping[str, Any]) -> str:
    score = formatting.number(record["reputation_score"])
    return f"{score} · {formatting.plural(record['review_count'], 'review')}"


def _add_scores(made: go.Figure, records: list[dict[str, Any]], count: int) -> None:
    scores = [float(record["reputation_score"]) for record in records]
    pulls = [_mean(record) - score for record, score in zip(records, scores, strict=True)]
    most = max(record["review_count"] for record in records)
    made.add_scatter(
        x=scores,
        y=list(range(len(records))),
        mode="markers",
        marker={"opacity": 1, "size": [_dot(record["review_count"], most) for record in records]},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [max(pull, 0.0) for pull in pulls],
            "arrayminus": [max(-pull, 0.0) for pull in pulls],
            "thickness": 2,
            "width": 0,
        },
        customdata=[_hover(record, count) for record in records],
        hovertemplate="%{customdata}<extra></extra>",
        cliponaxis=False,
        zorder=1,
        name="Reputation score (larger: more reviews)",
    )


def _add_means(made: go.Figure, records: list[dict[str, Any]]) -> None:
    made.add_scatter(
        x=[_mean(record) for record in records],
        y=list(range(len(records))),
        mode="markers",
        marker={"symbol": "circle-open", "size": 10, "line": {"width": 2}},
        hoverinfo="skip",
        cliponaxis=False,
        name="Mean of its own reviews",
    )


def _mean(record: Mapping[str, Any]) -> float:
    return float(record["overall_rating"])


def _dot(reviews: int, most: int) -> float:
    """Size a dot so that its area is proportional to reviews, and nobody reads it as more than it is."""
    share = math.sqrt(reviews / most)
    return round(_SMALLEST_DOT + (_LARGEST_DOT - _SMALLEST_DOT) * share, 1)


def _hover(record: Mapping[str, Any], count: int) -> str:
    lines = [
        f"<b>{text.label(record['company'], 60)}</b>",
        f"Rank {record['rank']:,} of {count:,}",
        f"Reputation score {formatting.number(record['reputation_score'])}",
        f"Mean {formatting.number(record['overall_rating'])} "
        f"over {formatting.plural(record['review_count'], 'review')}",
        f"Payment {formatting.number(record['payment_speed_rating'])} · "
        f"communication {formatting.number(record['communication_rating'])} · "
        f"professionalism {formatting.number(record['professionalism_rating'])}",
    ]
    if record["average_payment_time"] is not None:
        lines.append(f"Pays after {formatting.number(record['average_payment_time'])} days")
    lines.append(formatting.plural(record["total_deals"], "deal"))
    return "<br>".join(lines)
