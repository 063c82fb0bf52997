"""The last refresh taken up again: computed and published anew from the warehouse, without Postgres's rows of now."""

from __future__ import annotations

from decimal import Decimal

import psycopg
import pytest

from si_analytics import refresh, warehouse
from si_analytics.compute import metrics
from si_analytics.errors import UsageError, WarehouseError
from si_analytics.refresh import Refresh
from si_analytics.settings import Settings
from tests.support import worlds
from tests.support.pipeline_runs import published_tables, warehouse_tables
from tests.support.worlds import AS_OF, Build

EVERYTHING = ("raw", "metrics", "meta", "history")


@pytest.fixture
def refreshed(settings: Settings, postgres: psycopg.Connection) -> Settings:
    """One agent who earned 10.00 and has one review of 4.5; refreshed as of a moment in the past."""
    build = Build()
    agent, influencer = build.agent(), build.influencer()
    build.transaction(agent, "10.00")
    build.review(influencer, agent, "4.5")
    worlds.insert(postgres, build.world)
    refresh.run(settings, as_of=AS_OF)
    return settings


def sorted_tables(settings: Settings) -> dict[str, list[str]]:
    """Every row of the warehouse as text, but for the seconds that checks took, and what they depended on."""
    tables = warehouse_tables(settings, EVERYTHING)
    tables["meta.checks"] = [row[:-2] for row in tables["meta.checks"]]
    return {table: sorted(map(repr, rows)) for table, rows in tables.items()}


def test_what_is_computed_again_has_the_rows_and_the_moment_of_the_last_refresh(
    refreshed: Settings, postgres: psycopg.Connection
) -> None:
    """Whatever Postgres and the settings say now: nothing in the warehouse changes.

    But for the record of what was published: a metric computed again may be declared otherwise by now.
    """
    before = {**sorted_tables(refreshed), "meta.publications": []}
    worlds.clear(postgres)
    elsewhere = refreshed.model_copy(update={"currency": "eur", "timezone": "Asia/Tokyo"})
    with Refresh.resume(elsewhere) as again:
        assert again.parameters.window.as_of == AS_OF
        assert (again.parameters.currency, again.parameters.tz) == ("usd", "UTC")
        for name in metrics.names():
            again.compute(name)
        report = again.finish()
    assert report.rows_written == 0
    assert sorted_tables(refreshed) == before


def test_other_weights_stay_those_of_the_last_refresh(settings: Settings, postgres: psycopg.Connection) -> None:
    """Only satisfaction counts: an agent reviewed and another not score 50 and 0, also when computed again."""
    build = Build()
    reviewed, _ = build.agent(), build.agent()
    build.review(build.influencer(), reviewed, "4.5")
    worlds.insert(postgres, build.world)
    weights = {name: Decimal(name == "satisfaction_score") for name in metrics.DEFAULT_WEIGHTS}
    refresh.run(settings, as_of=AS_OF, weights=weights)
    scores = warehouse_tables(settings)["metrics.agent_performance_metrics"]
    for _ in range(2):  # the second time from a warehouse in which the weights were only carried over
        with Refresh.resume(settings) as again:
            again.compute("user_ratings")
            again.finish()
    with Refresh.resume(settings) as again:
        again.compute("agent_performance_metrics")
        again.finish()
    assert warehouse_tables(settings)["metrics.agent_performance_metrics"] == scores
    assert Decimal("50.00") in scores[0] + scores[1]


def test_published_again_it_repairs_postgres_and_keeps_one_record(
    refreshed: Settings, postgres: psycopg.Connection
) -> None:
    before = published_tables(refreshed)
    postgres.execute("update agent_performance_metrics set total_earnings = 0")
    with Refresh.resume(refreshed) as again:
        again.publish()
        report = again.finish()
    assert report.changed["agent_performance_metrics"] == 1
    assert report.rows_written == 1
    assert published_tables(refreshed) == before
    recorded = postgres.execute(
        "select refresh_id, (changed ->> 'agent_performance_metrics')::int from analytics.refreshes"
    )
    assert recorded.fetchall() == [(report.refresh_id, 1)]
    ((refresh_id, *_, rows_written, _),) = warehouse_tables(refreshed, ("meta",))["meta.refreshes"]
    assert (refresh_id, rows_written) == (report.refresh_id, 1)


def test_a_metric_that_is_new_since_is_computed_too(refreshed: Settings) -> None:
    """A warehouse of an earlier version lacks a metric: taken up again it holds all of them."""
    with warehouse.writer_lock(refreshed):
        connection = warehouse.open_file(refreshed.warehouse, refreshed)
        connection.execute("drop table metrics.user_ratings")
        connection.execute("delete from meta.metrics where metric = 'user_ratings'")
        connection.close()
    with Refresh.resume(refreshed) as again:
        again.finish()
    assert len(warehouse_tables(refreshed)["metrics.user_ratings"]) == 2


def test_it_does_not_extract(refreshed: Settings) -> None:
    with Refresh.resume(refreshed) as again, pytest.raises(UsageError, match="Begin a new one to read Postgres"):
        again.extract()


def test_left_before_its_end_it_leaves_the_warehouse_byte_for_byte(refreshed: Settings) -> None:
    before = refreshed.warehouse.read_bytes()
    with Refresh.resume(refreshed) as again:
        again.compute("agent_leaderboard")
    assert refreshed.warehouse.read_bytes() == before
    assert not warehouse.working_path(refreshed).exists()


@pytest.mark.parametrize("begun", [False, True])
def test_without_a_refresh_to_take_up_it_says_what_to_do(settings: Settings, begun: bool) -> None:
    """No warehouse at all, or a file in which no refresh ever ended."""
    if begun:
        settings.warehouse.parent.mkdir(parents=True)
        warehouse.open_file(settings.warehouse, settings).close()
    with pytest.raises(WarehouseError, match=r"Fill it first: si refresh"), Refresh.resume(settings):
        pass
    assert not warehouse.working_path(settings).exists()
