"""What the units of a funnel can be grouped by beside its breakdowns: their own columns, paths and the calendar.

Belongs here: the values of a unit under any of these. In funnels only null is (none); an empty text is a value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from tests.model.breakdowns import BREAKDOWNS, NONE, attribute_of, values_of
from tests.model.dimensions import CALENDAR, CLOCK, Reader, dimensions, paths_of
from tests.model.rules import currency_of, earliest
from tests.model.units import STAGES, Unit
from tests.model.world import Row, World, by_key, rows

WORK = {"brand": ("brand", "sponsor_id"), "influencer": ("influencer", "influencer_id"), "gig": ("gig", "gig_id")}
# For each funnel the roles its units link to: which dimension, by which column.
LINKS: dict[str, dict[str, tuple[str, str]]] = {
    "application": {"influencer": WORK["influencer"], "gig": WORK["gig"]},
    "escrow": WORK,
    "gig": {"gig": ("gig", "id"), "brand": WORK["brand"]},
    "invite": {
        "agent": ("agent", "agent_id"),
        "contact": ("contact", "contact_id"),
        "template": ("template", "template_id"),
    },
    "negotiation": WORK,
}
# Whether a unit reached a stage on its own is an attribute of it, called so.
FLAGS: dict[str, dict[str, str]] = {
    "application": {
        "is_reviewed": "reviewed",
        "is_approved": "approved",
        "is_completed": "completed",
        "is_paid": "paid",
    },
    "escrow": {f"is_{stage}": stage for stage in ("locked", "submitted", "approved", "released")},
    "gig": {"is_approved": "approved", "is_completed": "completed", "is_paid": "paid"},
    "invite": {
        **{f"is_{stage}": stage for stage in ("accepted", "joined", "verified")},
        "is_completed": "completed_deal",
    },
    "negotiation": {"is_countered": "countered", "is_accepted": "accepted"},
}
OWN: dict[str, tuple[str, ...]] = {
    "application": (),
    "escrow": ("status", "currency"),
    "gig": ("sponsor_industry",),
    "invite": ("method", "status"),
    "negotiation": ("status", "sponsor_industry"),
}


def groupings_of(funnel: str) -> tuple[str, ...]:
    """Everything a funnel can be broken down by and filtered to, each once."""
    paths = [path for role, (dimension, _) in LINKS[funnel].items() for path in paths_of(role, dimension)]
    return tuple(dict.fromkeys((*BREAKDOWNS[funnel], *OWN[funnel], *FLAGS[funnel], *paths, *CALENDAR, *CLOCK)))


@dataclass
class Grouper:
    """Reads the values of a funnel's units; each grouping is looked up once."""

    world: World
    funnel: str
    as_of: datetime
    tz: str

    def __post_init__(self) -> None:
        self._reader = Reader(dimensions(self.world, self.as_of, self.tz), self.tz)

    def reads(self, grouping: str) -> Callable[[Unit], tuple[str, ...]]:
        """How to read the values of a unit under a grouping; one that there is not is an error."""
        if grouping in BREAKDOWNS[self.funnel]:
            attribute = attribute_of(self.world, self.funnel, grouping, self.as_of, self.tz)
            return lambda unit: values_of(unit, attribute)
        if grouping not in groupings_of(self.funnel):
            raise ValueError(f"the funnel {self.funnel} has no breakdown {grouping}")
        return lambda unit: self._shown(self._found(unit, grouping))

    def _found(self, unit: Unit, grouping: str) -> Any:
        if grouping in CALENDAR or grouping in CLOCK:
            return self._of_the_time(unit.start, grouping)
        if grouping in FLAGS[self.funnel]:
            place = STAGES[self.funnel].index(FLAGS[self.funnel][grouping]) - 1
            reached = earliest(unit.later[place], self.as_of, unit.start, None) is not None
            return str(reached).lower()
        if grouping in OWN[self.funnel]:
            return self._own(unit.row, grouping)
        role, *path = grouping.split(".")
        dimension, column = LINKS[self.funnel][role]
        return self._reader.followed(dimension, unit.row[column], path)

    def _own(self, row: Row, column: str) -> Any:
        if column == "currency":
            return currency_of(row)
        if column == "sponsor_industry":
            profiles = by_key(rows(self.world, "sponsor_profiles"), "user_id")
            return profiles[row["sponsor_id"]]["industry"] if row["sponsor_id"] in profiles else None
        return row[column]

    def _of_the_time(self, moment: datetime, unit: str) -> str:
        found = self._reader.of_the_time(moment, unit)
        if isinstance(found, date):
            return found.isoformat()[:7] if unit == "month" else found.isoformat()
        return f"{found:02d}" if unit == "hour" else str(found)

    @staticmethod
    def _shown(found: Any) -> tuple[str, ...]:
        several: Sequence[Any] = (found or [None]) if isinstance(found, list) else [found]
        return tuple(sorted({NONE if value is None else str(value) for value in several}))
