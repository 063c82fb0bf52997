"""Section 5: the attributes by which the units of a funnel are split.

Belongs here: for each funnel and breakdown, the values of one unit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from tests.model.rules import currency_of, existing, local_month
from tests.model.units import Unit
from tests.model.world import Row, World, by_key, rows

NONE = "(none)"
Attribute = Callable[[Row], Any]  # of a unit's row: one value, or a list of them

BREAKDOWNS: dict[str, tuple[str, ...]] = {
    "application": ("influencer_type", "gig_category", "month"),
    "escrow": ("currency", "month"),
    "gig": ("category", "sponsor_industry", "location", "month"),
    "invite": ("method", "agent", "template", "template_variant", "contact_segment", "contact_source", "month"),
    "negotiation": ("sponsor_industry", "month"),
}


def values_of(unit: Unit, attribute: Attribute) -> tuple[str, ...]:
    """Under which values the unit is counted, each once.

    Null is `(none)`; of a list each distinct value; of an empty list, and for a null in a list, `(none)`.
    Everything else is as stored, so '' is a value of its own.
    """
    found = attribute(unit.row)
    several: Sequence[Any] = (found or [None]) if isinstance(found, list) else [found]
    return tuple(sorted({NONE if value is None else str(value) for value in several}))


def attribute_of(world: World, funnel: str, by: str, as_of: datetime, tz: str) -> Attribute:
    """How to read the attribute `by` from a unit's row; a breakdown the funnel does not have is an error."""
    if by not in BREAKDOWNS[funnel]:
        raise ValueError(f"the funnel {funnel} has no breakdown {by}")
    if by == "month":
        return _month({"invite": "sent_at", "application": "applied_at"}.get(funnel, "created_at"), tz)
    if funnel == "invite":
        return _of_invite(world, by)
    attributes: dict[str, Attribute] = {
        "category": _own("categories"),
        "currency": currency_of,
        # A gig that does not exist at as_of says nothing, its categories included.
        "gig_category": _of_other(by_key(existing(world, "gigs", as_of)), "gig_id", "categories"),
        "influencer_type": _of_other(
            by_key(rows(world, "influencer_profiles"), "user_id"), "influencer_id", "influencer_type"
        ),
        "location": _own("location"),
        "sponsor_industry": _of_other(by_key(rows(world, "sponsor_profiles"), "user_id"), "sponsor_id", "industry"),
    }
    return attributes[by]


def _of_invite(world: World, by: str) -> Attribute:
    templates = by_key(rows(world, "invite_templates"))
    contacts = by_key(rows(world, "contacts"))
    attributes: dict[str, Attribute] = {
        "method": _own("method"),
        "agent": _own("agent_id"),
        "template": _of_other(templates, "template_id", "id"),  # a dangling id names no template
        "template_variant": _of_other(templates, "template_id", "ab_test_variant"),
        "contact_segment": _of_other(contacts, "contact_id", "segment"),
        "contact_source": _of_other(contacts, "contact_id", "source"),
    }
    return attributes[by]


def _own(column: str) -> Attribute:
    return lambda row: row[column]


def _of_other(others: dict[Any, Row], key: str, column: str) -> Attribute:
    return lambda row: others[row[key]][column] if row[key] in others else None


def _month(column: str, tz: str) -> Attribute:
    def month(row: Row) -> str:
        first = local_month(row[column], tz)
        return f"{first.year:04d}-{first.month:02d}"

    return month
