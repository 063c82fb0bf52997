"""Each way in which a changed row leads to the rows to work out anew is needed: without it, a stored row is wrong."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

import duckdb
import pytest

from si_analytics.compute import facts
from si_analytics.compute.upkeep import Upkeep
from si_analytics.definitions import project, units
from si_analytics.definitions.units import Unit
from si_analytics.settings import Settings
from si_analytics.warehouse import changes
from tests.model import World
from tests.support import upkeeps, warehouses
from tests.support.crowds import crowd
from tests.support.worlds import AS_OF

SEEDS = range(1, 5)
LATER = AS_OF + timedelta(days=40)
ONE_BY_ONE = {table: unit for table in facts.names() if (unit := units.of(facts.of(table))) is not None}
WAYS = [
    pytest.param(table, source, at, id=f"{table}-{source}-{at}")
    for table, unit in ONE_BY_ONE.items()
    for source, matches in {unit.base: (None,), **unit.inputs}.items()
    for at in range(len(matches))
]


@dataclass
class Scene:
    """A marketplace of which facts are stored, and the same one some time on."""

    connection: duckdb.DuckDBPyConnection
    then: World

    def goes_wrong(self, table: str, source: str, *, moves: bool = False) -> bool:
        """Whether what is brought up is wrong after that source alone went on; leaves everything as it was."""
        connection, as_of = self.connection, LATER if moves else AS_OF
        connection.begin()
        try:
            upkeeps.go_on(connection, {} if moves else self.then, () if moves else (source,))
            for each in project().sources:
                if moves or each != source:
                    changes.begin(connection, each)
            brought = Upkeep(connection, as_of).bring_up(table)
            assert brought.reason == ""
            found = sorted(connection.table(table).fetchall(), key=repr)
            facts.compute(connection, table, as_of)
            return found != sorted(connection.table(table).fetchall(), key=repr)
        finally:
            connection.rollback()


@pytest.fixture(scope="module")
def scenes(
    create_database: Callable[..., str], schema_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Scene]]:
    home = tmp_path_factory.mktemp("units")
    url = create_database(schema_template)
    using = Settings(_env_file=None, postgres_url=url, home=home, warehouse=home / "warehouse.duckdb")  # type: ignore
    definitions = warehouses.raw_definitions(using)
    made = [_scene(definitions, seed) for seed in SEEDS]
    yield made
    for one in made:
        one.connection.close()


def _scene(definitions: list[str], seed: int) -> Scene:
    connection = warehouses.in_memory(definitions)
    before, after = crowd(seed), crowd(seed + 100)
    warehouses.fill(connection, before)
    for table in facts.names():
        facts.compute(connection, table, AS_OF)
    others = upkeeps.mixed(before, after, seed, 0.5)
    return Scene(connection, upkeeps.mixed(others, {}, seed, 0.3))  # some rows go


def without(unit: Unit, source: str, at: int) -> Unit:
    """The unit, but that changes of a source lead nowhere in one of its ways."""
    if source == unit.base:
        return unit
    matches = tuple(one for number, one in enumerate(unit.inputs[source]) if number != at)
    return dataclasses.replace(unit, inputs=MappingProxyType({**unit.inputs, source: matches}))


@pytest.mark.parametrize(("table", "source", "at"), WAYS)
def test_a_changed_row_leads_to_every_row_that_stands_on_it_and_no_way_is_too_many(
    scenes: list[Scene], table: str, source: str, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not any(scene.goes_wrong(table, source) for scene in scenes)
    touched = units.touched

    def forgotten(unit: Unit, changed: str) -> Iterator[object]:
        if changed == unit.base == source:
            return iter(())
        return touched(without(unit, source, at) if changed == source else unit, changed)

    monkeypatch.setattr(units, "touched", forgotten)
    assert any(scene.goes_wrong(table, source) for scene in scenes)


@pytest.mark.parametrize("table", [one for one in ONE_BY_ONE if units.compared(facts.of(one).text, "as_of")])
def test_a_row_whose_time_has_come_leads_to_the_rows_that_stand_on_it(
    scenes: list[Scene], table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not any(scene.goes_wrong(table, "", moves=True) for scene in scenes)
    monkeypatch.setattr(Upkeep, "due", lambda *_: 0)
    assert any(scene.goes_wrong(table, "", moves=True) for scene in scenes)


@pytest.mark.parametrize("side", ["is_new", "not is_new"])
def test_rows_as_they_were_and_as_they_are_both_lead_to_what_stands_on_them(
    scenes: list[Scene], side: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deal that goes from one gig to another touches the applications for both."""
    compare = changes.compare

    def one_side(connection: duckdb.DuckDBPyConnection, table: str, rows: str) -> None:
        compare(connection, table, rows)
        connection.execute(f"delete from changes.{table} where not ({side})")

    monkeypatch.setattr(changes, "compare", one_side)
    wrong = functools.partial(map, lambda scene: scene.goes_wrong("facts.applications", "deals"))
    assert any(wrong(scenes))
