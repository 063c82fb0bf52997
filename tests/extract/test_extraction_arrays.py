"""Arrays of several dimensions arrive as the flat list of their elements, read whole or as a change, by any way in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import sql as pg_sql
from pydantic import SecretStr

from si_analytics import extract, refresh
from si_analytics.definitions import contract
from si_analytics.schema import roles
from si_analytics.settings import Settings
from tests.support import extractions
from tests.support.extractions import Extraction, extraction

SHAPES = {
    "{}": [],
    "{a}": ["a"],
    "{{a,b},{c,d}}": ["a", "b", "c", "d"],
    "{{b,a}}": ["b", "a"],
    "{{{d},{c}},{{b},{a}}}": ["d", "c", "b", "a"],
    "[0:1][3:4]={{a,NULL},{b,a}}": ["a", None, "b", "a"],
    "[5:6]={b,a}": ["b", "a"],
}
"""Arrays as Postgres lets them be written where one dimension was meant, and their elements; a to d stand for keys."""
COLUMNS = {
    "gigs": "categories",
    "agent_profiles": "specialties",
    "conversations": "participants",
    "gig_comparisons": "gig_ids",
}
OWNER = UUID(int=99)
REST: dict[str, dict[str, Any]] = {
    "gigs": {
        **{"sponsor_id": OWNER, "title": "-", "description": "-", "budget_min": 1, "budget_max": 1},
        "influencer_types": ["any"],
    },
    "gig_comparisons": {"user_id": OWNER},
}
WAYS = ("owner", "si_reader", "views")


def key(letter: str | None) -> UUID | None:
    return None if letter is None else UUID(int=ord(letter))


def spelled(shape: str) -> str:
    return re.sub("[a-d]", lambda found: str(key(found[0])), shape)


@dataclass
class Shapes:
    """Rows with arrays of every shape, and what is to be read of them."""

    reading: Extraction

    def write(self) -> None:
        """One row of each shape in each table; again, the next ones."""
        (first,) = self.reading.postgres.execute("select count(*) from conversations").fetchall()
        for table, column in COLUMNS.items():
            for number, shape in enumerate(SHAPES, start=1000 + first[0]):
                values = {extractions.key_of(table): UUID(int=number), column: spelled(shape), **REST.get(table, {})}
                self.reading.postgres.execute(
                    pg_sql.SQL("insert into {} ({}) values ({})").format(
                        pg_sql.Identifier(table),
                        pg_sql.SQL(", ").join(map(pg_sql.Identifier, values)),
                        pg_sql.SQL(", ").join(pg_sql.Placeholder() for _ in values),
                    ),
                    list(values.values()),
                )

    def assert_flat(self, mode: str, times: int = 1) -> None:
        """The next reading goes that way, and every array arrives as the list of its elements."""
        assert {one.mode for one in self.reading.refresh().values()} == {mode}
        for table, column in COLUMNS.items():
            relation = self.reading.connection.table(f"raw.{table}")
            held = relation.order(extractions.key_of(table)).select(column).fetchall()
            as_keys = [[key(letter) for letter in elements] for elements in SHAPES.values()]
            as_texts = [[None if one is None else str(one) for one in elements] for elements in as_keys]
            kind = next(one.type for one in contract.columns(table) if one.name == column)
            assert [array for (array,) in held] == times * (as_keys if kind == "uuid[]" else as_texts), table


@pytest.fixture(params=WAYS)
def shapes(request: pytest.FixtureRequest, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shapes]:
    """An extraction of the tables with arrays: as the owner, as a member of `si_reader`, through the views alone."""
    monkeypatch.setattr("si_analytics.extract.reading._MOST_CHANGED", 1.0)
    with extraction(settings, *COLUMNS) as reading:
        reading.postgres.execute("set session_replication_role = replica")
        if request.param == "owner":
            yield Shapes(reading)
            return
        roles.apply(settings)
        name = f"arrays_{reading.postgres.info.backend_pid}"
        role = pg_sql.Identifier(name)
        reading.postgres.execute(pg_sql.SQL("create role {} login").format(role))
        grants = ["grant si_reader to {}"]
        if request.param == "views":
            grants = ["grant usage on schema analytics to {}", "grant select on analytics.refreshes to {}"]
            grants += [f"grant select on analytics.source_{table} to {{}}" for table in extract.tables()]
        for grant in grants:
            reading.postgres.execute(pg_sql.SQL(grant).format(role))  # type: ignore[arg-type]
        url = extractions.address(settings).replace("postgres@", f"{name}@", 1)
        reading.settings = settings.model_copy(update={"postgres_url": SecretStr(url)})
        yield Shapes(reading)
        reading.postgres.execute(pg_sql.SQL("drop owned by {}").format(role))
        reading.postgres.execute(pg_sql.SQL("drop role {}").format(role))


def test_every_column_of_arrays_that_is_read_is_tried_here() -> None:
    found = {
        (table, column.name) for table in extract.tables() for column in contract.columns(table) if "[]" in column.type
    }
    assert found == set(COLUMNS.items())


def test_an_array_of_several_dimensions_is_read_flat_with_all_rows_and_as_a_change(shapes: Shapes) -> None:
    shapes.write()
    shapes.assert_flat(extract.FULL)
    shapes.write()
    shapes.assert_flat(extract.INCREMENTAL, times=2)


def test_a_column_declared_with_two_dimensions_is_read_whatever_its_rows_hold(
    settings: Settings, postgres: psycopg.Connection
) -> None:
    """Postgres keeps the declaration and holds nobody to it."""
    postgres.execute("drop view analytics.source_gig_comparisons")
    postgres.execute("alter table gig_comparisons drop column gig_ids")
    postgres.execute("alter table gig_comparisons add column gig_ids uuid[][] not null")
    postgres.execute("set session_replication_role = replica")
    ours = UUID(int=1)
    postgres.execute("insert into gig_comparisons (id, user_id, gig_ids) values (%s, %s, %s)", [ours, ours, [ours]])
    with extraction(settings, "gig_comparisons") as reading:
        assert reading.refresh()["gig_comparisons"].mode == extract.FULL
        assert reading.held("gig_comparisons") == {ours: (ours, [ours])}


def test_a_refresh_goes_through_with_an_array_of_two_dimensions(
    settings: Settings, postgres: psycopg.Connection
) -> None:
    postgres.execute("set session_replication_role = replica")
    postgres.execute(
        "insert into conversations (id, participants) values (%s, %s)",
        [UUID(int=7), [[UUID(int=1)], [UUID(int=2)]]],
    )
    assert refresh.run(settings).extracts
    with extractions.duck(settings) as published:
        assert published.sql("select participants from raw.conversations").fetchall() == [([UUID(int=1), UUID(int=2)],)]
