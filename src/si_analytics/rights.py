"""What whoever connects may not do of what a refresh does, and the statement that allows it.

Belongs here: the rights that reading and publishing need, held against those that are there. Reads only. May import:
`settings`, `sql`, `postgres`, `contract`, `source`, `extract`, `staging`, `publish`, `stale`, `findings`.
"""

from __future__ import annotations

from collections.abc import Iterator

from psycopg.sql import Identifier

from si_analytics import contract, extract, postgres, publish, source, sql, stale
from si_analytics.findings import Finding, Verdict
from si_analytics.settings import Settings
from si_analytics.staging import Target

_SUMMARIES = ("agent_profiles", "invite_templates", "users")
"""The targets of which columns are updated, while rows come and go with the application."""
_RECORD = "analytics.refreshes"
_LOOKED_UP = (("public.contacts", "id"), ("public.users", "role"))

Need = tuple[str, str, str | None]
"""A relation, a right, and the column it is needed on; none where it is needed on the whole relation."""


def look(settings: Settings) -> list[Finding]:
    """A finding per relation with what is missing there; one that all is well where nothing is."""
    asked = list(_needs())
    columns = dict(zip(("relations", "needs", "columns"), map(list, zip(*asked, strict=True)), strict=True))
    with postgres.connect(settings) as connection:
        missing = connection.execute(sql.read("catalog", "rights").text, columns).fetchall()
        outdated = stale.find(connection)
        role = Identifier(connection.info.user).as_string(connection)
    shown = [Finding(Verdict.wrong, "views", str(one), f"Make it anew, as the owner: {one.remedy}") for one in outdated]
    lacking: dict[str, list[str]] = {}
    for relation, needed in missing:
        lacking.setdefault(relation, []).append(needed)
    if not lacking:
        tables, targets, views = len(extract.tables()), len(publish.targets()), len(publish.VIEWS)
        found = f"may read {tables} tables, write {targets} and refresh {views} views"
        return [Finding(Verdict.well, "rights", found), *shown]
    return shown + [
        Finding(
            Verdict.wrong,
            "rights",
            f"this user lacks {', '.join(needed)} on {relation}",
            _remedy(relation, needed, role),
        )
        for relation, needed in lacking.items()
    ]


def _needs() -> Iterator[Need]:
    """Every right that a refresh makes use of."""
    for table in extract.tables():
        asked = (*(column.name for column in contract.columns(table)), *sorted(source.MARKS), source.PART)
        yield from ((f"public.{table}", "read", column) for column in asked)
    for target in map(Target.of, publish.targets()):
        yield from ((target.table, "select", column) for column in target.every)
        yield from ((target.table, "update", column) for column in target.columns)
        if target.name not in _SUMMARIES:
            yield from ((target.table, "insert", column) for column in target.every)
            yield target.table, "delete", None
    yield from ((relation, "select", column) for relation, column in _LOOKED_UP)
    yield from ((_RECORD, need, None) for need in ("select", "insert", "update"))
    yield from ((f"public.{view}", "ownership", None) for view in publish.VIEWS)


def _remedy(relation: str, needed: list[str], role: str) -> str:
    """The statement that gives what is missing; only its owner may refresh a materialized view or pass its policies."""
    if needed == ["ownership"]:
        return f"alter materialized view {relation} owner to {role}"
    granted = [each for each in needed if each != "bypassrls"]
    kind = {"temporary": "database ", "usage": "schema "}.get(needed[0], "")
    statements = [f"grant {', '.join(granted)} on {kind}{relation} to {role}"] if granted else []
    if "bypassrls" in needed:
        statements.append(f"alter role {role} bypassrls, for its policies would hide rows; or connect as its owner")
    return "; ".join(statements)
