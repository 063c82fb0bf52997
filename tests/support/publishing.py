"""Publishing alone, again and again, from a warehouse whose metrics a test changes as it likes.

Belongs here: a refresh's publishing and the replacing of its file, without its extraction and its metrics.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import psycopg
import pytest
from psycopg import sql as pg_sql

from si_analytics import publish, warehouse
from si_analytics.definitions import project
from si_analytics.publish import TargetChange, candidates, staging
from si_analytics.settings import Settings
from tests.support.worlds import AS_OF

Rows = dict[str, list[tuple[Any, ...]]]


def find_changes_in_few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """However few rows a target has, and however many of them changed, only those that may differ are compared."""
    monkeypatch.setattr(candidates, "_FEWEST", 0)
    monkeypatch.setattr(candidates, "_MOST_CHANGED", 100)


@dataclass
class Publisher:
    """A warehouse, begun as a copy of the file `base`, that is published again and again."""

    settings: Settings
    base: Path
    changes: dict[str, TargetChange] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.settings.warehouse.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.base, self.settings.warehouse)

    @contextmanager
    def refreshing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The working file of a refresh: a copy of the published one."""
        working = warehouse.copy_to_working(self.settings)
        assert working is not None
        with working:
            yield working

    def publish(self, *statements: str, whole: str = "", replaces: bool = True) -> dict[str, TargetChange]:
        """Publish after these changes to the metrics, then replace the file, unless the refresh dies before."""
        with self.refreshing() as working:
            for statement in statements:
                working.execute(statement)
            self.changes = self._published(working, whole)
        if replaces:
            warehouse.publish_working(self.settings)
        return self.changes

    def _published(self, working: duckdb.DuckDBPyConnection, whole: str) -> dict[str, TargetChange]:
        provenance = publish.Provenance(uuid4(), AS_OF, "1:1:", "usd", AS_OF, 0.0)
        changes = publish.publish(working, self.settings, provenance, whole=whole, accept_change=True)
        working.execute(
            "insert into meta.refreshes (refresh_id, number) select $1, max(number) + 1 from meta.refreshes",
            [provenance.refresh_id],
        )
        working.execute("delete from meta.publications")
        warehouse.insert(working, "meta.publications", publish.kept(provenance.refresh_id, changes))
        return {change.target: change for change in changes}

    def previews(self, *statements: str) -> tuple[publish.Preview, publish.Preview]:
        """What publishing would write after these changes: compared as the library finds best, and as a whole."""
        with self.refreshing() as working:
            for statement in statements:
                working.execute(statement)
            return (
                publish.preview(working, self.settings, whole=""),
                publish.preview(working, self.settings, whole=publish.EVERY_ROW),
            )

    def left(self) -> tuple[staging.RowChange, ...]:
        """What comparing all rows still finds to differ."""
        return self.previews()[1].rows


def standing(postgres: psycopg.Connection[Any]) -> Rows:
    """The published columns of every target, by key."""
    found = {}
    for name, target in project().targets.items():
        columns = pg_sql.SQL(", ").join(map(pg_sql.Identifier, target.names))
        query = pg_sql.SQL("select {} from {} order by {}").format(columns, target.relation, target.keys)
        found[name] = postgres.execute(query).fetchall()
    return found
