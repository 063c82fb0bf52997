"""Every metric against the brute-force model of its definition, cell by cell, on ugly little worlds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import duckdb
import pytest
from hypothesis import HealthCheck, assume, given, settings, strategies

from si_analytics.compute import funnels, metrics
from si_analytics.errors import MissingTableError, UnknownNameError, UsageError
from tests import model
from tests.model.rules import half_away
from tests.support import warehouses
from tests.support.comparing import differences
from tests.support.crowds import crowd
from tests.support.moments import ZONES
from tests.support.worlds import AS_OF, Build, as_ofs, at, funnel_queries, marketplaces
from tests.support.worlds import windows as spans

MODELLED = sorted(set(metrics.names()) & set(model.METRICS))
thorough = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
)


@pytest.fixture(scope="module")
def definitions(
    create_database: Callable[..., str], schema_template: str, tmp_path_factory: pytest.TempPathFactory
) -> list[str]:
    from si_analytics.settings import Settings

    home = tmp_path_factory.mktemp("definitions")
    url = create_database(schema_template)
    return warehouses.raw_definitions(
        Settings(_env_file=None, postgres_url=url, home=home, warehouse=home / "warehouse.duckdb")  # type: ignore
    )


@pytest.fixture(scope="module")
def raw(definitions: list[str]) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = warehouses.in_memory(definitions)
    yield connection
    connection.close()


@thorough
@given(
    world=marketplaces(),
    as_of=as_ofs(),
    tz=strategies.sampled_from(["UTC", "Europe/Berlin"]),
    currency=strategies.sampled_from(["usd", "usd", "eur"]),
)
def test_every_metric_equals_the_model_on_any_small_marketplace(
    raw: duckdb.DuckDBPyConnection, world: model.World, as_of: datetime, tz: str, currency: str
) -> None:
    warehouses.fill(raw, world)
    found = warehouses.compute_all(raw, warehouses.all_time(as_of, currency, tz))
    for name in MODELLED:
        expected = model.METRICS[name](world, as_of, currency=currency, tz=tz)
        assert differences(expected, found[name]) == [], name


@thorough
@given(world=marketplaces(), as_of=as_ofs(), query=strategies.data())
def test_every_funnel_equals_the_model_windowed_broken_down_and_within(
    raw: duckdb.DuckDBPyConnection, world: model.World, as_of: datetime, query: strategies.DataObject
) -> None:
    asked = query.draw(funnel_queries(as_of))
    warehouses.fill(raw, world)
    expected = model.funnel(world, as_of=as_of, **asked)
    assert differences(expected, warehouses.funnel(raw, as_of=as_of, **asked)) == []


@thorough
@given(
    world=marketplaces() | strategies.builds(crowd, strategies.integers(0, 50)), as_of=as_ofs(), query=strategies.data()
)
def test_every_funnel_equals_the_model_by_any_path_by_two_at_once_and_filtered(
    raw: duckdb.DuckDBPyConnection, world: model.World, as_of: datetime, query: strategies.DataObject
) -> None:
    asked = query.draw(funnel_queries(as_of))
    paths = strategies.sampled_from(model.groupings_of(asked["name"]))
    asked["by"] = query.draw(strategies.lists(paths, min_size=1, max_size=2, unique=True))
    where: dict[str, list[str]] = {}
    for path in query.draw(strategies.lists(paths | strategies.sampled_from(asked["by"]), max_size=2, unique=True)):
        seen = model.funnel(world, asked["name"], as_of, by=path, tz=asked["tz"])
        values = strategies.sampled_from([*dict.fromkeys(row["breakdown_value"] for row in seen), "(none)", "", "x"])
        where[path] = query.draw(strategies.lists(values, min_size=1, max_size=3, unique=True))
    warehouses.fill(raw, world)
    expected = model.funnel(world, as_of=as_of, **asked, where=where)
    assert differences(expected, warehouses.funnel(raw, as_of=as_of, **asked, where=where)) == []


def test_a_funnel_can_be_grouped_by_what_the_model_can_and_by_nothing_else() -> None:
    for name in funnels.names():
        assert set(funnels.reachable(name)) == set(model.groupings_of(name))


@thorough
@given(world=marketplaces(), as_of=as_ofs(), span=strategies.data())
def test_the_windowed_leaderboard_equals_the_model_with_its_previous_ranks(
    raw: duckdb.DuckDBPyConnection, world: model.World, as_of: datetime, span: strategies.DataObject
) -> None:
    since, until = span.draw(spans(as_of))
    assume(since is None or since < min(until or as_of, as_of))
    warehouses.fill(raw, world)
    tz = span.draw(strategies.sampled_from(ZONES))
    expected = model.agent_leaderboard(world, as_of, since=since, until=until, tz=tz)
    assert differences(expected, warehouses.leaderboard(raw, as_of, since, until, tz=tz)) == []


def test_the_headers_name_every_stage_that_the_funnels_compute(raw: duckdb.DuckDBPyConnection) -> None:
    for name, stages in model.STAGES.items():
        assert funnels.stages(name) == tuple(stages)
        assert set(funnels.breakdowns(name)) == set(model.BREAKDOWNS[name])


def test_two_means_are_equal_when_they_are_equal_as_fractions(raw: duckdb.DuckDBPyConnection) -> None:
    """Agent 1 answers in 1, 1 and 2 hours, agent 2 six times: 8 hours in all; 4/3 = 8/6, so they tie."""
    build = Build()
    agents = [build.agent(), build.agent()]
    other = build.influencer()
    for agent, waits in zip(agents, ((1, 1, 2), (1, 1, 1, 1, 1, 3)), strict=True):
        conversation = build.conversation(agent, other)
        moment = at("2026-01-01")
        for wait in waits:
            build.message(conversation, other, created_at=moment)
            moment += timedelta(hours=wait)
            build.message(conversation, agent, created_at=moment)
            moment += timedelta(hours=1)
    warehouses.fill(raw, build.world)
    found = warehouses.compute_all(raw, warehouses.all_time(AS_OF))["agent_performance_metrics"]
    # 0.30 and 0.20 for the tie on nothing earned and dealt, 0.10 for the tie on answers: half of 0.60.
    assert [(row["response_time"], row["performance_score"]) for row in found] == [
        (Decimal("1.33"), Decimal("30.00"))
    ] * 2


def test_the_score_is_exact_where_a_thousand_agents_have_every_component(raw: duckdb.DuckDBPyConnection) -> None:
    """1,000 agents, each earning more than the one before: percentiles (2i - 1) / 2000, weight 0.30."""
    build = Build()
    agents = [build.agent() for _ in range(1000)]
    for number, agent in enumerate(agents, start=1):
        build.transaction(agent, Decimal(number))
    warehouses.fill(raw, build.world)
    warehouses.compute_all(raw, warehouses.all_time(AS_OF))
    scores = dict(raw.sql("select user_id, performance_score from metrics.agent_performance_metrics").fetchall())
    for number, agent in enumerate(agents, start=1):
        exact = Fraction(30) * (2 * number - 1) / 2000 + Fraction(20, 2)  # all tie on deals
        assert scores[agent] == half_away(exact, 2)


def test_a_metric_without_its_tables_names_them() -> None:
    with duckdb.connect() as connection:
        asked = warehouses.all_time(AS_OF)
        with pytest.raises(MissingTableError, match=r"raw\.referrals.*si refresh"):
            metrics.evaluate(connection, "agent_leaderboard", asked)


def test_an_unknown_metric_or_breakdown_names_the_nearest(raw: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'agent_leaderboard'"):
        metrics.evaluate(raw, "agent_leaderbord", warehouses.all_time(AS_OF))
    with pytest.raises(UnknownNameError, match="Did you mean 'method'"):
        warehouses.funnel(raw, "invite", AS_OF, by="methods")


@pytest.mark.parametrize(
    ("weights", "sentence"),
    [
        ({"total_deals": "1"}, "missing or unknown"),
        ({**metrics.DEFAULT_WEIGHTS, "total_deals": Decimal("-0.2"), "response_time": Decimal("0.5")}, "negative"),
        ({**metrics.DEFAULT_WEIGHTS, "total_deals": Decimal("0.3")}, "sum to 1.10"),
        ({**metrics.DEFAULT_WEIGHTS, "total_deals": Decimal("NaN")}, "no number"),
        (
            {
                **metrics.DEFAULT_WEIGHTS,
                "total_deals": Decimal("0.2000001"),
                "response_time": Decimal("0.0999999"),
            },
            "six decimal places",
        ),
    ],
)
def test_weights_that_cannot_be_meant_are_refused(weights: dict[str, Decimal], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        metrics.check_weights(weights)


def test_metrics_come_after_what_they_are_computed_from() -> None:
    order = metrics.names()
    for name in order:
        for table in metrics.inputs(name):
            schema, _, needed = table.partition(".")
            assert schema != "metrics" or order.index(needed) < order.index(name)
