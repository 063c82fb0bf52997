"""Section 0's exception: where a mean or rate of nothing is 0 in Postgres, and nowhere else.

Belongs here: the operational columns whose default is 0.
"""

from __future__ import annotations

from decimal import Decimal

from tests.model.world import Row

ZERO_BY_DEFAULT: dict[str, tuple[str, ...]] = {
    "brand_reputations": (
        *("overall_rating", "payment_speed_rating", "communication_rating", "professionalism_rating"),
    ),
    "contact_engagement": ("response_rate",),
    "users": ("rating",),
}


def as_published(relation: str, row: Row) -> Row:
    """The row of a metric as it stands in that relation of Postgres."""
    return {
        name: Decimal(0) if value is None and name in ZERO_BY_DEFAULT.get(relation, ()) else value
        for name, value in row.items()
    }
