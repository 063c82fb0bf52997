"""Whether another program's numbers are those a refresh published.

Belongs here: reading what was published, and telling the first difference. A program that gives other numbers is
no peer, however quick.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import psycopg
from psycopg import sql

KEYS: Mapping[str, tuple[str, ...]] = {
    "agent_leaderboard": ("agent_id",),
    "agent_performance_metrics": ("user_id",),
    "agent_profiles": ("user_id",),
    "brand_leaderboard": ("sponsor_id",),
    "brand_reputations": ("sponsor_id",),
    "contact_engagement": ("contact_id",),
    "conversion_funnels": ("funnel", "stage_number"),
    "invite_templates": ("id",),
    "users": ("id",),
}
"""What names a row of each table or view that is published."""

Row = Mapping[str, Any]


def difference(connection: psycopg.Connection[Any], name: str, rows: Iterable[Row]) -> str | None:
    """How `rows` differ from what stands in `public.<name>`; none where they are the same.

    Every column of a row is compared; its first ones are the key, whatever the program calls it. Ids may be texts.
    """
    given = list(rows)
    keys = KEYS[name]
    columns = (
        [*keys, *list(given[0])[len(keys) :]] if given and len(keys) == 1 else list(given[0]) if given else [*keys]
    )
    query = sql.SQL("select {} from {}").format(
        sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier("public", name)
    )
    places = [columns.index(key) for key in keys]
    standing = {_key(row, places): row for row in connection.execute(query).fetchall()}
    for values in (tuple(row.values()) for row in given):
        key = _key(values, places)
        expected = standing.pop(key, None)
        if expected is None:
            return f"{name} has no row {' '.join(key)}"
        unlike = [column for column, one, other in zip(columns, values, expected, strict=True) if not _same(one, other)]
        if unlike:
            return f"{name} {' '.join(key)} differs in {', '.join(unlike)}"
    return f"{name} has {len(standing):,} rows more than were computed" if standing else None


def _key(row: tuple[Any, ...], places: list[int]) -> tuple[str, ...]:
    return tuple(str(row[place]) for place in places)


def _same(one: object, other: object) -> bool:
    return one == other or str(one) == str(other)
