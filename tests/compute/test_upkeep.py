"""What is brought up by its changes is what is computed whole: every fact, dimension and metric, to the row."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from si_analytics.compute import metrics
from si_analytics.definitions import loading
from si_analytics.settings import Settings
from tests import model
from tests.support import upkeeps, warehouses
from tests.support.crowds import crowd
from tests.support.worlds import AS_OF, Build, as_ofs, marketplaces

thorough = settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
worlds = marketplaces() | st.builds(crowd, st.integers(0, 50))


@pytest.fixture(scope="module")
def definitions(
    create_database: Callable[..., str], schema_template: str, tmp_path_factory: pytest.TempPathFactory
) -> list[str]:
    home: Path = tmp_path_factory.mktemp("upkeep")
    url = create_database(schema_template)
    using = Settings(_env_file=None, postgres_url=url, home=home, warehouse=home / "warehouse.duckdb")  # type: ignore
    return warehouses.raw_definitions(using)


@pytest.fixture(scope="module")
def kept(definitions: list[str]) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse that is brought up."""
    with warehouses.in_memory(definitions) as connection:
        yield connection


@pytest.fixture(scope="module")
def fresh(definitions: list[str]) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse that is computed whole."""
    with warehouses.in_memory(definitions) as connection:
        yield connection


def whole(
    connection: duckdb.DuckDBPyConnection, world: model.World, asked: metrics.Parameters
) -> dict[str, list[object]]:
    warehouses.fill(connection, world)
    warehouses.compute_all(connection, asked)
    return upkeeps.stored(connection)  # type: ignore[return-value]


@thorough
@given(first=worlds, then=worlds, moments=st.lists(as_ofs(), min_size=3, max_size=3), steps=st.data())
def test_any_sequence_of_changes_brings_up_what_a_whole_computation_gives(
    kept: duckdb.DuckDBPyConnection,
    fresh: duckdb.DuckDBPyConnection,
    first: model.World,
    then: model.World,
    moments: list[datetime],
    steps: st.DataObject,
) -> None:
    """Rows come, go and change, or none do; the moment goes on or back, or stays; currency and zone change or stay."""
    world = first
    warehouses.fill(kept, world)
    upkeeps.bring_up(kept, warehouses.all_time(moments[0]))
    as_of, counted = moments[0], ("usd", "UTC")
    for moment in moments[1:]:
        world = upkeeps.mixed(world, then, steps.draw(st.integers(0, 99)), steps.draw(st.sampled_from([0, 0.1, 0.5])))
        as_of = steps.draw(st.sampled_from([as_of, moment]))
        counted = steps.draw(st.sampled_from([counted, counted, ("eur", "UTC"), ("usd", "Asia/Kolkata")]))
        asked = warehouses.all_time(as_of, *counted)
        upkeeps.go_on(kept, world)
        upkeeps.bring_up(kept, asked)
        assert upkeeps.differing(upkeeps.stored(kept), whole(fresh, world, asked)) == {}


JOINED_BY_NOW = """-- agents_by_now: agents, and whether their account is there.
--
-- +++
-- topic = "agents"
-- grain = "one row per agent"
-- rows = "agent"
-- inputs = "raw.users"
-- order = "agent_id"
--
-- [columns]
-- agent_id = "the agent"
-- referrals = ["recruits", "active recruits"]
-- has_joined = "signed up before as_of"
--
-- [cells]
-- referrals = "recruits"
-- +++

select
    measured.agent_id,
    measured.referrals,
    coalesce(users.created_at < $as_of, false) as has_joined
from measured
inner join raw.users as users
    on measured.agent_id = users.id
order by measured.agent_id
"""


def test_a_metric_of_ones_own_that_compares_times_itself_follows_the_moment(
    kept: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An agent without facts signs up between two moments; no row changes."""
    shutil.copytree(loading.root(), tmp_path / "sql")
    (tmp_path / "sql" / "metrics" / "agents_by_now.sql").write_text(JOINED_BY_NOW, encoding="utf-8")
    monkeypatch.setattr(loading, "root", lambda: tmp_path / "sql")
    build = Build()
    agent = build.agent(created_at=AS_OF)
    warehouses.fill(kept, build.world)
    upkeeps.bring_up(kept, warehouses.all_time(AS_OF))
    assert kept.table("metrics.agents_by_now").fetchall() == [(agent, 0, False)]
    upkeeps.go_on(kept, build.world)
    upkeeps.bring_up(kept, warehouses.all_time(AS_OF + timedelta(days=1)))
    assert kept.table("metrics.agents_by_now").fetchall() == [(agent, 0, True)]
    kept.execute("drop table metrics.agents_by_now")
