"""The blocking checks of what was computed: rows, totals, and copies of them."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import pytest

from tests.support.duck import AS_OF, METRIC_KEYS, Duck, key, two_of_each


@pytest.mark.parametrize(("metric", "column"), METRIC_KEYS.items())
def test_a_row_that_a_metric_lacks_has_twice_or_has_too_many_is_found(duck: Duck, metric: str, column: str) -> None:
    """Two of each: 1 and 2 agents, 3 and 4 sponsors, 5 and 6 contacts, 7 and 8 templates."""
    keys = two_of_each(duck)[metric]
    duck.compute()
    assert duck.check("metric_keys").passed
    table = f"metrics.{metric}"
    with duck.kept(table):
        duck.connection.execute(f"delete from {table} where {column} = $1", [keys[0]])
        assert duck.found("metric_keys") == [{"metric": metric, "key": keys[0], "expected": 1, "found": 0}]
    with duck.kept(table):
        duck.connection.execute(f"insert into {table} select * from {table} where {column} = $1", [keys[1]])
        assert duck.found("metric_keys") == [{"metric": metric, "key": keys[1], "expected": 1, "found": 2}]
    with duck.kept(table):
        duck.connection.execute(f"update {table} set {column} = $1 where {column} = $2", [key(99), keys[0]])
        assert duck.found("metric_keys") == [
            {"metric": metric, "key": keys[0], "expected": 1, "found": 0},
            {"metric": metric, "key": key(99), "expected": 0, "found": 1},
        ]


def test_a_fact_and_a_member_of_a_dimension_that_are_there_twice_are_found(duck: Duck) -> None:
    """A deal of agent 1, by its two ids, and agent 1."""
    duck.agent(1)
    duck.add("referrals", agent_id=key(1), recruited_user_id=key(2))
    deal = duck.add("deals", influencer_id=key(2), sponsor_id=key(3))
    duck.compute()
    assert duck.check("fact_keys").passed
    for table, wanted in (("dimensions.agent", str(key(1))), ("facts.attributed_deals", f"{key(1)} {deal}")):
        with duck.kept(table):
            duck.connection.execute(f"insert into {table} from {table}")
            assert duck.found("fact_keys") == [{"table_name": table, "key": wanted, "copies": 2}]


def _busy_agent(duck: Duck) -> UUID:
    """Agent 1 recruited 2 and 3. Deals: 2 with 3, 2 with 9, 8 with 3, 8 with 9. Commissions: 10, 3 and 2 usd.

    So 3 deals, the first once although both its parties are recruits, and 15.00. Left out: 4 (no longer
    active), 5 (recruited at as_of), a deal and a commission at as_of, one pending, one in eur. That 2 was
    recruited twice changes nothing, nor that agent 30 recruited 9, party to deals with recruits of 1.
    """
    agent = duck.agent(1)
    for number, more in ((2, {}), (3, {"recruited_at": None}), (4, {"is_active": False}), (5, {"recruited_at": AS_OF})):
        duck.add("referrals", agent_id=agent, recruited_user_id=key(number), **more)
    duck.add("referrals", agent_id=agent, recruited_user_id=key(2))
    duck.add("referrals", agent_id=key(30), recruited_user_id=key(9))
    for influencer, sponsor in ((2, 3), (2, 9), (8, 3), (8, 9), (4, 9), (8, 5), (7, 5)):
        duck.add("deals", influencer_id=key(influencer), sponsor_id=key(sponsor))
    duck.add("deals", influencer_id=key(2), sponsor_id=key(3), created_at=AS_OF)
    for amount, currency in (("10.00", "usd"), ("3.00", " USD "), ("2.00", None)):
        duck.add("transactions", to_user_id=agent, amount=Decimal(amount), currency=currency)
    for more in ({"created_at": AS_OF}, {"status": "pending"}, {"currency": "eur"}, {"type": "refund"}):
        duck.add("transactions", to_user_id=agent, **more)
    return agent


def test_a_leaderboard_that_adds_up_passes(duck: Duck) -> None:
    agent = _busy_agent(duck)
    duck.agent(20)
    duck.compute()
    shown = duck.connection.sql(
        "select total_referrals, total_deals, total_earnings from metrics.agent_leaderboard where agent_id = $agent",
        params={"agent": agent},
    ).fetchall()
    assert shown == [(2, 3, Decimal("15.00"))]
    assert duck.check("leaderboard_totals").passed


def test_a_leaderboard_that_multiplies_rows_is_found(duck: Duck) -> None:
    """The agent's 3 deals joined with 2 commissions: 6 deals, 45.00."""
    agent = _busy_agent(duck)
    duck.compute()
    duck.connection.execute("update metrics.agent_leaderboard set total_deals = 6, total_earnings = 45")
    assert duck.found("leaderboard_totals") == [
        {"agent_id": agent, "column_name": "total_deals", "shown": 6, "counted": 3},
        {"agent_id": agent, "column_name": "total_earnings", "shown": 45, "counted": 15},
    ]


def test_totals_swapped_between_two_agents_are_found_although_their_sum_is_right(duck: Duck) -> None:
    first = _busy_agent(duck)
    second = duck.agent(20)
    duck.compute()
    duck.connection.execute("update metrics.agent_leaderboard set total_referrals = 2 - total_referrals")
    assert duck.found("leaderboard_totals") == [
        {"agent_id": first, "column_name": "total_referrals", "shown": 0, "counted": 2},
        {"agent_id": second, "column_name": "total_referrals", "shown": 2, "counted": 0},
    ]


def test_a_figure_missing_from_the_leaderboard_is_found(duck: Duck) -> None:
    agent = _busy_agent(duck)
    duck.compute()
    duck.connection.execute("update metrics.agent_leaderboard set total_earnings = null")
    assert duck.found("leaderboard_totals") == [
        {"agent_id": agent, "column_name": "total_earnings", "shown": None, "counted": 15}
    ]


@pytest.mark.parametrize(
    ("table", "column", "agent_column"),
    [
        ("agent_performance_metrics", "total_deals", "user_id"),
        ("agent_performance_metrics", "total_referrals", "user_id"),
        ("agent_performance_metrics", "total_earnings", "user_id"),
        ("agent_profile_summaries", "total_earnings", "agent_id"),
    ],
)
def test_a_figure_that_another_table_shows_otherwise_is_found(
    duck: Duck, table: str, column: str, agent_column: str
) -> None:
    agent = _busy_agent(duck)
    duck.agent(20)
    duck.compute()
    assert duck.check("leaderboard_copies").passed
    right = {"total_deals": 3, "total_referrals": 2, "total_earnings": 15}[column]
    duck.connection.execute(f"update metrics.{table} set {column} = {column} + 1 where {agent_column} = $1", [agent])
    assert duck.found("leaderboard_copies") == [
        {
            **{"table_name": table, "column_name": column, "agent_id": agent},
            **{"shown": right + 1, "on_leaderboard": right},
        }
    ]
    duck.connection.execute(f"update metrics.{table} set {column} = null where {agent_column} = $1", [agent])
    assert [row["shown"] for row in duck.found("leaderboard_copies")] == [None]


def test_an_agent_missing_from_the_leaderboard_has_no_figure_to_differ_from(duck: Duck) -> None:
    """That the row is missing is what metric_keys finds."""
    agent = _busy_agent(duck)
    duck.compute()
    duck.connection.execute("delete from metrics.agent_leaderboard where agent_id = $1", [agent])
    assert duck.check("leaderboard_copies").passed
    assert duck.keys("metric_keys") == ["agent_leaderboard"]
