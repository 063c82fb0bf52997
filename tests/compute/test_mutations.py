"""A realistic mistake in the SQL of a metric, fact, dimension or funnel changes a number that the model says.

Each mistake is made in a copy of `sql/`, or in the query that a metric is compiled to, and run as the library runs it
on marketplaces that are always the same. The mistakes stand in `tests/mutations/`, one file per SQL file.
"""

from __future__ import annotations

import functools
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from si_analytics.definitions import loading, project
from si_analytics.settings import Settings
from tests import model
from tests.support import crowds, mutants, warehouses

MISTAKES = mutants.mistakes()
WORLDS: tuple[Callable[[], model.World], ...] = (
    functools.partial(crowds.crowd, 1),
    functools.partial(crowds.crowd, 2, gigs=48),
    functools.partial(crowds.idle, 1),
    crowds.corners,
)


@dataclass
class Scene:
    """A marketplace in a warehouse, and what the model says of it, each answer computed once."""

    world: model.World
    connection: duckdb.DuckDBPyConnection

    def __post_init__(self) -> None:
        self._expected: dict[str, list[model.Row]] = {}

    def differs(self, question: mutants.Question) -> bool:
        """Whether the SQL answers other than the model; what it computes on the way is undone."""
        if repr(question) not in self._expected:
            self._expected[repr(question)] = question.of_model(self.world)
        self.connection.begin()
        try:
            return question.of_sql(self.connection) != self._expected[repr(question)]
        finally:
            self.connection.rollback()


@pytest.fixture(scope="module")
def scenes(
    create_database: Callable[..., str], schema_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Scene]]:
    home = tmp_path_factory.mktemp("scenes")
    url = create_database(schema_template)
    using = Settings(_env_file=None, postgres_url=url, home=home, warehouse=home / "warehouse.duckdb")  # type: ignore
    definitions = warehouses.raw_definitions(using)
    made = [Scene(world(), warehouses.in_memory(definitions)) for world in WORLDS]
    for scene in made:
        scene.connection.execute("set threads = 1")
        warehouses.fill(scene.connection, scene.world)
    yield made
    for scene in made:
        scene.connection.close()


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("mistaken") / "sql"
    shutil.copytree(loading.root(), copy)
    return copy


@pytest.fixture
def copy(copied: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of `sql/`, which the library reads in its place."""
    monkeypatch.setattr(loading, "root", lambda: copied)
    monkeypatch.setattr(loading, "RECHECK_SECONDS", 0)
    return copied


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_a_mistake_changes_a_number(mistake: mutants.Mistake, scenes: list[Scene], copy: Path) -> None:
    asked = mutants.questions(mistake)
    with mutants.made(mistake, copy):
        seen = any(scene.differs(question) for scene in scenes for question in asked)
    assert seen, f"nothing tells that '{mistake}' is wrong"


def test_without_a_mistake_every_answer_is_the_model_s(scenes: list[Scene]) -> None:
    asked = {repr(question): question for mistake in MISTAKES for question in mutants.questions(mistake)}
    for question in asked.values():
        assert not any(scene.differs(question) for scene in scenes), question


def test_every_metric_and_funnel_and_all_they_stand_on_has_its_mistakes() -> None:
    """A fact or dimension that no metric reads is none of these: nothing in the model says what it gives."""
    counts = Counter((mistake.folder, mistake.name) for mistake in MISTAKES)
    ours = project()
    read = {tuple(table.split(".")) for metric in ours.metrics.values() for table in metric.inputs}
    expected = {("metrics", name) for name, metric in ours.metrics.items() if not metric.funnels}
    expected |= {table for table in read if table[0] in {"facts", "dimensions"}}
    expected |= {("dimensions", name) for name in ours.dimensions if mutants.funnels_with("dimensions", name)}
    expected |= {("facts", name) for name in ours.ratios}
    assert {one for one in counts if one[0] != mutants.COMPILED} == expected
    for (folder, _), count in counts.items():
        assert count >= (4 if folder == "metrics" else 2)


def test_each_metric_that_is_compiled_has_mistakes_in_its_query() -> None:
    compiled = {name for name, metric in project().declared_metrics.items() if metric.cells or metric.funnels}
    assert compiled <= {mistake.name for mistake in MISTAKES if mistake.folder == mutants.COMPILED}
