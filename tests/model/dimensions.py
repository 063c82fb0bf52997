"""Section 9: what facts are grouped by, and the values of a fact under each grouping.

Belongs here: the seven dimensions, paths through them, the calendar, and how a value is shown.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from tests.model.breakdowns import NONE
from tests.model.facts import ATTRIBUTES, LINKS, Fact
from tests.model.leaderboard import agents
from tests.model.rules import existing, local_month, month_number, month_of_number
from tests.model.world import Row, World, by_key, rows

CALENDAR = ("day", "week", "month", "quarter", "year")  # finest first
CLOCK = ("hour", "weekday")
MONTHS_IN = {"month": 1, "quarter": 3, "year": 12}
DIMENSIONS: dict[str, tuple[str, ...]] = {
    "agent": ("tier", "specialty", "name"),
    "brand": ("company", "industry", "location"),
    "contact": ("segment", "source"),
    "gig": ("category", "location", "status"),
    "influencer": ("type", "location"),
    "template": ("name", "variant"),
    "user": ("role", "signup_month"),
}
# A dimension that itself links to another.
ONWARD: dict[str, dict[str, str]] = {"gig": {"brand": "brand"}}

Value = str | int | date | None
Dimensions = dict[str, dict[Any, Row]]


def dimensions(world: World, as_of: datetime, tz: str) -> Dimensions:
    """Each dimension's members by key, with their attributes and whom they link to.

    Only gigs have an event time: one that does not exist at as_of says nothing, and so is no member.
    """
    user = by_key(rows(world, "users"))
    profile = {name: by_key(rows(world, f"{name}_profiles"), "user_id") for name in ("agent", "sponsor")}
    unknown = dict.fromkeys(DIMENSIONS["brand"])
    return {
        "agent": {
            key: {
                "tier": profile["agent"][key]["tier"],
                "specialty": profile["agent"][key]["specialties"],
                "name": user[key]["name"],
            }
            for key in agents(world)
        },
        "brand": {
            key: {name: profile["sponsor"].get(key, unknown)[name] for name in DIMENSIONS["brand"]}
            for key, row in user.items()
            if row["role"] == "sponsor"
        },
        "contact": by_key(rows(world, "contacts")),
        "gig": {
            row["id"]: {**row, "category": row["categories"], "brand": row["sponsor_id"]}
            for row in existing(world, "gigs", as_of)
        },
        "influencer": {
            row["user_id"]: {"type": row["influencer_type"], "location": row["location"]}
            for row in rows(world, "influencer_profiles")
        },
        "template": {
            row["id"]: {"name": row["name"], "variant": row["ab_test_variant"]}
            for row in rows(world, "invite_templates")
        },
        "user": {
            key: {"role": row["role"], "signup_month": row["created_at"] and local_month(row["created_at"], tz)}
            for key, row in user.items()
        },
    }


def groupings(fact: str) -> tuple[str, ...]:
    """Everything the fact can be grouped by."""
    paths = [path for role, dimension in LINKS[fact].items() for path in paths_of(role, dimension)]
    return (*ATTRIBUTES[fact], *paths, *CALENDAR, *CLOCK)


def paths_of(role: str, dimension: str) -> list[str]:
    """Everything a link to that dimension leads to."""
    onward = [path for link, other in ONWARD.get(dimension, {}).items() for path in paths_of(f"{role}.{link}", other)]
    return [role, *(f"{role}.{attribute}" for attribute in DIMENSIONS[dimension]), *onward]


def is_text(grouping: str) -> bool:
    """Whether the values are texts; hours and weekdays are numbers, periods and signup months dates."""
    return grouping not in (*CALENDAR, *CLOCK) and not grouping.endswith(".signup_month")


@dataclass(frozen=True)
class Reader:
    """Reads a fact's values under a grouping; `shift` moves periods, by the unit they are of."""

    members: Dimensions
    tz: str
    week_start: int = 1
    shift: Callable[[str, date], date] = lambda _, period: period

    def values(self, name: str, fact: Fact, grouping: str) -> set[Value]:
        """Under which values the fact is found, each once."""
        if grouping in CLOCK or grouping in CALENDAR:
            return {self.of_the_time(fact.time, grouping)}
        if grouping in ATTRIBUTES[name]:
            return shown(fact.attributes[grouping])
        role, *path = grouping.split(".")
        found = self.followed(LINKS[name][role], fact.links[role], path)
        return shown(found) if is_text(grouping) else {found}

    def of_the_time(self, moment: datetime | None, unit: str) -> Value:
        """The period or the number of the clock in which the moment lies."""
        if moment is None:
            return None
        local = moment.astimezone(zoneinfo.ZoneInfo(self.tz))
        if unit == "hour":
            return local.hour
        if unit == "weekday":
            return local.isoweekday()
        return self.shift(unit, first_day(local.date(), unit, self.week_start))

    def followed(self, dimension: str, key: Any, path: list[str]) -> Any:
        """What lies at the end of the path: a key, an attribute, or None where a link leads nowhere."""
        member = self.members[dimension].get(key)
        if member is None or not path:
            return key if member is not None else None
        first, *rest = path
        onward = ONWARD.get(dimension, {})
        return self.followed(onward[first], member[first], rest) if first in onward else member[first]


def shown(found: Any) -> set[Value]:
    """As texts: null, '', an empty list and a null inside a list are (none); of a list each distinct value."""
    several = (found or [None]) if isinstance(found, list) else [found]
    return {text_of(value) for value in several}


def text_of(value: Any) -> str:
    if value is None or value == "":
        return NONE
    return str(value).lower() if isinstance(value, bool) else str(value)


def first_day(day: date, unit: str, week_start: int) -> date:
    """The first day of the period in which `day` lies."""
    if unit == "day":
        return day
    if unit == "week":
        return day - timedelta(days=(day.isoweekday() - week_start) % 7)
    return month_of_number(month_number(day) // MONTHS_IN[unit] * MONTHS_IN[unit])


def next_period(period: date, unit: str) -> date:
    """The first day of the period after this one."""
    if unit in MONTHS_IN:
        return month_of_number(month_number(period) + MONTHS_IN[unit])
    return period + timedelta(days=1 if unit == "day" else 7)
