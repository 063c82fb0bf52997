"""The rows behind replies, standings and the parts of means, in marketplaces small enough to list them by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

import duckdb
import pytest

from si_analytics.compute import metrics
from si_analytics.definitions import project
from si_analytics.definitions.models import MetricColumn
from si_analytics.errors import UnknownNameError
from si_analytics.query import explain, explain_measures
from si_analytics.settings import Settings
from tests.model import Row
from tests.support import warehouses
from tests.support.moments import AS_OF
from tests.support.worlds import Build, at

ALL_TIME = warehouses.all_time(AS_OF)
NOON = at("2026-03-01 12:00")


@pytest.fixture(scope="module")
def raw(
    create_database: Callable[..., str], schema_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse in memory, to be filled with a small world."""
    home, url = tmp_path_factory.mktemp("by_hand"), create_database(schema_template)
    using = Settings(_env_file=None, postgres_url=url, home=home, warehouse=home / "w.duckdb")  # type: ignore[arg-type, call-arg]
    connection = warehouses.in_memory(warehouses.raw_definitions(using))
    yield connection
    connection.close()


def behind(
    connection: duckdb.DuckDBPyConnection,
    metric: str,
    key: explain.Key,
    column: str,
    asked: metrics.Parameters = ALL_TIME,
) -> list[Row]:
    return warehouses.rows_of(explain.rows(connection, metric, key, column, asked))


def minutes(number: int) -> datetime:
    return NOON + timedelta(minutes=number)


def test_behind_a_reply_are_the_messages_by_others_since_the_agents_last_and_the_reply(
    raw: duckdb.DuckDBPyConnection,
) -> None:
    """At one minute: another's, the agent's, another's; the reply at five, at which moment another's follows it."""
    build = Build()
    agent, brand, guest = build.agent(), build.sponsor(), build.influencer()
    talk, other = build.conversation(agent, brand, guest), build.conversation(agent, brand)
    said = [
        build.message(talk, brand, minutes(0)),
        build.message(talk, guest, minutes(1)),
        build.message(talk, agent, minutes(1)),
        build.message(talk, brand, minutes(1)),
        build.message(talk, guest, minutes(3)),
        build.message(talk, agent, minutes(5)),
        build.message(talk, brand, minutes(5)),
    ]
    build.message(talk, brand, None)
    build.message(other, brand, minutes(2))
    warehouses.fill(raw, build.world)
    warehouses.compute_all(raw, ALL_TIME)
    shown = behind(raw, "agent_replies", said[5], "wait_microseconds")
    assert [(row["message_id"], row["part"], row["sender_id"], row["value"]) for row in shown] == [
        (said[3], "waiting", brand, minutes(1)),
        (said[4], "waiting", guest, minutes(3)),
        (said[5], "reply", agent, minutes(5)),
    ]
    assert all(row["source_id"] == row["message_id"] for row in shown)
    assert [row["message_id"] for row in behind(raw, "agent_replies", said[2], "waiting_since")] == said[:3]
    (reply,) = behind(raw, "agent_replies", said[2], "conversation_id")
    assert (reply["value"], reply["waiting_since"]) == (str(talk), minutes(0))


def test_a_reply_has_no_cell_before_it_was_given(raw: duckdb.DuckDBPyConnection) -> None:
    build = Build()
    agent, brand = build.agent(), build.sponsor()
    talk = build.conversation(agent, brand)
    build.message(talk, brand, minutes(0))
    reply = build.message(talk, agent, minutes(1))
    warehouses.fill(raw, build.world)
    warehouses.compute_all(raw, ALL_TIME)
    later = warehouses.all_time(minutes(1) + timedelta(microseconds=1))
    assert len(behind(raw, "agent_replies", reply, "replied_at", later)) == 2
    with pytest.raises(UnknownNameError, match="there is none"):
        behind(raw, "agent_replies", reply, "replied_at", warehouses.all_time(minutes(1)))


def waiting(build: Build, agent: UUID, brand: UUID, *microseconds: int) -> None:
    """Replies of an agent that took so long."""
    for wait in microseconds:
        talk = build.conversation(agent, brand)
        build.message(talk, brand, NOON)
        build.message(talk, agent, NOON + timedelta(microseconds=wait))


def test_a_standing_shows_every_agent_compared_by_exact_means_and_the_faster_is_better(
    raw: duckdb.DuckDBPyConnection,
) -> None:
    """Mean waits of 7/3, 14/6, 2 and 5/2 microseconds: all are 0.000000 hours, and only the first two are equal."""
    build = Build()
    brand = build.sponsor()
    third, sixth, faster, slower, _silent = (build.agent() for _ in range(5))
    waiting(build, third, brand, 2, 2, 3)
    waiting(build, sixth, brand, 2, 2, 2, 2, 3, 3)
    waiting(build, faster, brand, 2)
    waiting(build, slower, brand, 2, 3)
    warehouses.fill(raw, build.world)
    warehouses.compute_all(raw, ALL_TIME)
    shown = behind(raw, "agent_performance_standings", ("response_time", third), "worse")
    assert [(row["part"], row["agent_id"], row["value"]) for row in shown] == [
        ("better", faster, 0),
        ("equal", third, 0),
        ("equal", sixth, 0),
        ("worse", slower, 0),
    ]
    assert [Fraction(row["total"]) / row["count"] for row in shown] == [2, Fraction(7, 3), Fraction(7, 3), 2.5]
    for column in ("equal", "compared"):
        assert behind(raw, "agent_performance_standings", ("response_time", third), column) == shown


def test_a_standing_values_each_component_in_its_own_unit(raw: duckdb.DuckDBPyConnection) -> None:
    """An agent who earned 12.50, with one recruit, who is not verified, two reviews and one reply after 90 minutes."""
    build = Build()
    agent, brand, recruit = build.agent(), build.sponsor(), build.influencer()
    build.transaction(agent, "12.50")
    build.referral(agent, recruit)
    build.review(brand, agent, "4.5")
    build.review(recruit, agent, "3.0")
    waiting(build, agent, brand, 90 * 60 * 1_000_000)
    warehouses.fill(raw, build.world)
    warehouses.compute_all(raw, ALL_TIME)
    found = {
        component: [(row["part"], row["value"]) for row in shown]
        for (component,) in raw.sql("select component from metrics.agent_performance_standings").fetchall()
        if (shown := behind(raw, "agent_performance_standings", (component, agent), "compared"))
    }
    assert found == {
        "total_earnings": [("equal", Decimal("12.5"))],
        "total_deals": [("equal", 0)],
        "verified_referrals": [("equal", 0)],
        "response_time": [("equal", Decimal("1.5"))],
        "satisfaction_score": [("equal", Decimal("3.75"))],
    }


def test_a_part_of_a_mean_says_how_its_facts_make_it() -> None:
    """Tenths of a star are ten times the sum of the stars."""
    assert explain.making("agent_performance_components", "rating_tenths").how == "sum of value * 10"
    assert explain.making("agent_performance_components", "conversion_microseconds").how == "sum of value"
    assert explain.making("agent_performance_components", "reviews").how == "number of rows"


@pytest.mark.parametrize(("currency", "counted", "added"), [("usd", 2, 2), ("eur", 2, 0)])
def test_a_mean_of_dollars_has_a_count_in_any_currency_and_a_sum_in_dollars_alone(
    raw: duckdb.DuckDBPyConnection, currency: str, counted: int, added: int
) -> None:
    """Two completed deals of one month: in euros their sum is null, and has no rows behind it."""
    build = Build()
    brand, influencer = build.sponsor(), build.influencer()
    for amount in ("10.00", "20.00"):
        build.deal(influencer, brand, amount=Decimal(amount), status="completed", created_at=NOON)
    warehouses.fill(raw, build.world)
    asked = warehouses.all_time(AS_OF, currency)
    warehouses.compute_all(raw, asked)
    monthly = project().metrics["marketplace_monthly"]
    made = monthly.model_copy(
        update={
            "columns": (*monthly.columns, *(MetricColumn(name=name, meaning="a part") for name in ("n", "s"))),
            "cells": {**monthly.cells, "n": "mean_deal.count", "s": "mean_deal.sum"},
        }
    )

    def rows(column: str) -> list[dict[str, Any]]:
        month = {"month": date(2026, 3, 1)}
        return warehouses.rows_of(explain_measures.of_metric(raw, made, column, month, asked))

    assert (len(rows("n")), len(rows("s"))) == (counted, added)
    assert sum(row["value"] for row in rows("s")) == (30 if added else 0)
    assert explain_measures.how(made, "s").how == "sum of value * 100"
