"""What the last publish of a warehouse left in Postgres, and whether what changed since then can be told.

Belongs here: its record, ``meta.publications`` of the published warehouse, and the premises. docs/publishing.md proves
that comparing the candidates is enough where they hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import duckdb
import psycopg

from si_analytics import warehouse as warehouses
from si_analytics.definitions import project, targets
from si_analytics.definitions.targets import Target
from si_analytics.periods import windows
from si_analytics.postgres import relations, row_marks
from si_analytics.publish import statements
from si_analytics.settings import Settings

EVERY_ROW = "every row was asked for"
OTHER_KEY = "its key is no single uuid"

COLUMNS = ("target", "refresh_id", "finished_at", "server", "snapshot", "identity", "changed", "unwritten", "reason")
"""The columns of ``meta.publications``."""

_KEPT = (
    "select refresh_id, finished_at, server, snapshot, target, identity, changed, unwritten"
    " from published.meta.publications"
    " inner join (select refresh_id from published.meta.refreshes order by number desc limit 1) using (refresh_id)"
    " order by target"
)


@dataclass(frozen=True)
class Moment:
    """A snapshot of the database that is published to; ``server`` is empty if this role may not ask which it is."""

    server: str
    snapshot: str

    @property
    def xmin(self) -> int:
        """The first transaction that was, or may have been, still open."""
        return int(self.snapshot.split(":")[0])

    @property
    def xmax(self) -> int:
        """The first transaction that had not begun."""
        return int(self.snapshot.split(":")[1])


@dataclass(frozen=True)
class Mark:
    """What the next publish must know of one target: when it was compared, and as what.

    ``unwritten`` counts the rows that stand otherwise than the metric says: whose they are had gone, or had come.
    """

    moment: Moment
    identity: str
    unwritten: int
    finished_at: datetime | None = None


@dataclass(frozen=True)
class Left:
    """A target as that publish left it: how many rows it wrote, and how many it left as they stood."""

    identity: str
    changed: int
    unwritten: int


@dataclass(frozen=True)
class Baseline:
    """The publish that the published warehouse stands for: every metric in that file is what was compared then."""

    refresh_id: UUID
    finished_at: datetime
    moment: Moment
    targets: Mapping[str, Left]


@dataclass(frozen=True)
class Live:
    """A target as it stands; ``identity`` changes with whatever changes values without a mark on a row.

    ``untold`` says why its rows do not tell what changed; empty if they do.
    """

    identity: str
    untold: str


@contextmanager
def beside(warehouse: duckdb.DuckDBPyConnection, settings: Settings, whole: str) -> Iterator[Baseline | str]:
    """Yields the last publish, its warehouse attached as ``published``; or why all is compared, `whole` if it says."""
    if whole:
        yield whole
        return
    with warehouses.published_beside(warehouse, settings):
        yield _last(warehouse)


def now(connection: psycopg.Connection[Any]) -> Moment:
    """Returns the present. Ask before anything is written: later, rows of others may be older than our transaction."""
    ours = project().postgres
    ((snapshot, _, database, may_ask, _),) = connection.execute(ours.snapshot.text).fetchall()
    if not may_ask:
        return Moment("", snapshot)
    ((cluster,),) = connection.execute(ours.cluster.text).fetchall()
    return Moment(f"{cluster}/{database}", snapshot)


def against(connection: psycopg.Connection[Any], since: Baseline, now: Moment) -> str | None:
    """Returns why this database cannot tell what changed since that publish; None if it can."""
    if not now.server:
        return "this role may not ask which server it is"
    if now.server != since.moment.server:
        return "another server or database than last time"
    if told := row_marks.against(since.moment, now):
        return told
    # The record is part of what that publish committed: a database that holds it has been through it.
    found = connection.execute("select finished_at from analytics.refreshes where refresh_id = %s", [since.refresh_id])
    if found.fetchall() != [(since.finished_at,)]:
        return "the last publish of this warehouse is not in this database, which was restored since"
    return None


def target_against(target: Target, live: Live, since: Baseline) -> str | None:
    """Returns why the changes of one target cannot be found; None if they can."""
    if live.untold:
        return live.untold
    left = since.targets.get(target.name)
    if left is None:
        return "not published before"
    if live.identity != left.identity:
        return "the table or what is published to it was altered or replaced since"
    if left.unwritten:
        return "rows were left as they stood last time"
    return None


def look(connection: psycopg.Connection[Any], target: Target, types: Mapping[str, str]) -> Live:
    """Returns a target as it stands; `types` are those of the metric's values in Postgres."""
    ours = project()
    asked = {"schema": target.schema, "table": target.bare, "key": list(target.key), "columns": list(target.names)}
    found = connection.execute(ours.postgres.target_identity.text, asked).fetchall()
    if not found:
        return Live("", "there is no such table")
    ((oid, file, is_plain, mark_readable, shape, key_types),) = found
    zeros = targets.zeros(target, ours.tables[target.declared])
    declared = [target.label, target.source, target.metric_key, target.names, sorted(types.items()), zeros]
    identity = relations.digest([oid, file, shape, declared, statements.compare(target)])
    if key_types != ["uuid"] or [types[name] for name in target.key] != ["uuid"]:
        return Live(identity, OTHER_KEY)
    if not is_plain:
        return Live(identity, "not a plain table")
    if not mark_readable:
        return Live(identity, "this role may not ask which transaction wrote a row: si schema roles")
    return Live(identity, "")


def _last(warehouse: duckdb.DuckDBPyConnection) -> Baseline | str:
    held = warehouse.sql(
        "select column_name from duckdb_columns() where database_name = 'published' and schema_name = 'meta'"
        " and table_name = 'publications'"
    ).fetchall()
    if not warehouse.sql("select 1 from duckdb_databases() where database_name = 'published'").fetchall():
        return "nothing was published before"
    if {name for (name,) in held} != set(COLUMNS):
        return "the warehouse was made by another version"
    rows = warehouse.sql(_KEPT).fetchall()
    if not rows:
        return "the last refresh of this warehouse was not published, or was taken up again since"
    refresh_id, finished_at, server, snapshot, *_ = rows[0]
    left = {target: Left(*found) for _, _, _, _, target, *found in rows}
    return Baseline(refresh_id, windows.instant(finished_at), Moment(server, snapshot), left)
