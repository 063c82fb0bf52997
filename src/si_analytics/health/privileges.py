"""Missing privileges, and the GRANT for each.

Belongs here: comparing the rights that reading and publishing need with those that exist. Reads only.
"""

from __future__ import annotations

from collections.abc import Iterator

from psycopg.sql import Identifier

from si_analytics import extract, postgres, publish
from si_analytics.definitions import contract, project
from si_analytics.health.findings import Finding, Verdict
from si_analytics.postgres import operational, relations
from si_analytics.schema import stale_views
from si_analytics.settings import Settings

_RECORD = "refreshes"

Need = tuple[str, str, str, str | None]
"""A schema, a relation in it, a right, and the column it is needed on; None for the whole relation."""


def look(settings: Settings) -> list[Finding]:
    """A finding per relation with its missing rights; if nothing is missing, one that all is well."""
    schema = settings.source_schema
    reading, writing = list(_reading(schema)), list(_publishing(schema))
    if settings.source_url is None:
        lacking = _lacking(settings, reading + writing, at_source=False)
    else:  # each address may have a user of its own
        lacking = _lacking(settings, reading, at_source=True) + _lacking(settings, writing, at_source=False)
    with postgres.asking("looking at the views"), postgres.connect(settings) as connection:
        outdated = stale_views.find(connection)
    shown = [Finding(Verdict.wrong, "views", str(one), f"Make it anew, as the owner: {one.remedy}") for one in outdated]
    if lacking:
        return shown + lacking
    tables, targets, views = len(extract.tables()), len(publish.targets()), len(publish.views())
    found = f"may read {tables} tables, write {targets} and refresh {views} views"
    return [Finding(Verdict.well, "rights", found), *shown]


def _lacking(settings: Settings, asked: list[Need], *, at_source: bool) -> list[Finding]:
    """A finding per relation on which the connected user lacks one of these rights."""
    named = ("schemas", "relations", "needs", "columns")
    columns = dict(zip(named, map(list, zip(*asked, strict=True)), strict=True))
    with postgres.asking("asking for rights"), postgres.connect(settings, at_source=at_source) as connection:
        missing = connection.execute(project().postgres.rights.text, columns).fetchall()
        role = Identifier(connection.info.user).as_string(connection)
    lacking: dict[str, list[str]] = {}
    for relation, needed in missing:
        # The source is only read: no temporary table is made there.
        if not (at_source and needed == "temporary"):
            lacking.setdefault(relation, []).append(needed)
    who = f"the user of {postgres.SOURCE}" if at_source else "this user"
    return [
        Finding(
            Verdict.wrong,
            "rights",
            f"{who} lacks {', '.join(needed)} on {relation}",
            _remedy(relation, needed, role),
        )
        for relation, needed in lacking.items()
    ]


def _reading(schema: str) -> Iterator[Need]:
    """Every right that an extraction needs."""
    for table in extract.tables():
        asked = (*(column.name for column in contract.columns(table)), *sorted(relations.MARKS), relations.PART)
        yield from ((schema, table, "read", column) for column in asked)
    yield relations.ANALYTICS, _RECORD, "select", None


def _publishing(schema: str) -> Iterator[Need]:
    """Every right that a publication needs."""
    for target in (target.within(schema) for target in project().targets.values()):
        place = target.schema, target.bare
        yield from ((*place, "select", column) for column in target.names)
        yield from ((*place, "update", column) for column in target.columns)
        if target.adds_rows:
            yield from ((*place, "insert", column) for column in target.names)
            yield *place, "delete", None
    looked_up = (place for target in project().targets.values() for place in target.looked_up)
    yield from ((schema, table, "select", name) for table, name in dict.fromkeys(looked_up))
    yield from ((relations.ANALYTICS, _RECORD, need, None) for need in ("select", "insert", "update"))
    yield from ((operational.SCHEMA, view, "ownership", None) for view in publish.views())


def _remedy(relation: str, needed: list[str], role: str) -> str:
    """The statement that grants what is missing; only its owner may refresh a materialized view or pass policies."""
    if needed == ["ownership"]:
        return f"alter materialized view {relation} owner to {role}"
    granted = [each for each in needed if each != "bypassrls"]
    kind = {"temporary": "database ", "usage": "schema "}.get(needed[0], "")
    statements = [f"grant {', '.join(granted)} on {kind}{relation} to {role}"] if granted else []
    if "bypassrls" in needed:
        statements.append(f"alter role {role} bypassrls, for its policies would hide rows; or connect as its owner")
    return "; ".join(statements)
