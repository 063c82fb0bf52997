"""The gate: a change that takes everything from many agents is published only when somebody says so."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from si_analytics import refresh
from si_analytics.errors import ImplausibleChangeError, PublishError
from si_analytics.publish import guards
from si_analytics.settings import Settings
from tests.support import worlds
from tests.support.commands import Si
from tests.support.published_tables import connection_to
from tests.support.worlds import AS_OF, Build

FIFTH = Decimal("0.2")


@pytest.fixture(scope="module")
def board(
    create_database: Callable[..., str], schema_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[psycopg.Connection[Any]]:
    """A database whose published board each test fills for itself."""
    url = create_database(schema_template)
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def judge(
    board: psycopg.Connection[Any], published: list[str], staged: list[str | None], share: Decimal = FIFTH
) -> None:
    """Ask the gate about agents with these earnings, as published and as they are to be; None is an agent no longer."""
    with board.transaction() as transaction:
        board.execute(
            "insert into analytics.agent_leaderboard (agent_id, agent_name, total_earnings)"
            " select lpad(number::text, 32, '0')::uuid, 'x', amount"
            " from unnest(%s::numeric[]) with ordinality as given (amount, number)",
            [published],
        )
        board.execute(
            "create temporary table changes_agent_leaderboard on commit drop as"
            " select lpad(number::text, 32, '0')::uuid as agent_id, nullif(amount, 'gone')::numeric as total_earnings,"
            " case amount when 'gone' then 'delete' else 'update' end as action"
            " from unnest(%s::text[]) with ordinality as given (amount, number)",
            [["gone" if amount is None else amount for amount in staged]],
        )
        guards.require_plausible(board, share)
        raise psycopg.Rollback(transaction)


def test_a_fifth_that_loses_everything_is_let_through_and_one_agent_more_is_not(
    board: psycopg.Connection[Any],
) -> None:
    """Of 15 agents 3 lose everything, then 4."""
    published = ["10.00"] * 15
    judge(board, published, ["0"] * 3 + ["1"] * 12)
    with pytest.raises(ImplausibleChangeError, match="4 of the 15 agents with earnings would have none"):
        judge(board, published, ["0"] * 4 + ["1"] * 11)


def test_where_there_are_few_agents_two_may_lose_everything_and_three_may_not(
    board: psycopg.Connection[Any],
) -> None:
    judge(board, ["1.00", "2.00"], ["0", "0"])
    judge(board, ["1.00", "2.00", "3.00"], ["0", "0", "3.00"])
    with pytest.raises(ImplausibleChangeError, match="3 of the 3 agents"):
        judge(board, ["1.00", "2.00", "3.00"], ["0", "0", "0"])


def test_agents_without_earnings_count_on_neither_side(board: psycopg.Connection[Any]) -> None:
    """Three of four who earned lose everything; a hundred who never earned do not make that a small share."""
    with pytest.raises(ImplausibleChangeError, match="3 of the 4 agents"):
        judge(board, ["0"] * 100 + ["5"] * 4, ["0"] * 103 + ["5"])


def test_less_is_not_nothing_and_a_first_publication_is_no_loss(board: psycopg.Connection[Any]) -> None:
    judge(board, ["1000.00"] * 4, ["0.01"] * 4)
    judge(board, [], ["0"] * 50)


def test_what_is_owed_counts_as_something_to_lose(board: psycopg.Connection[Any]) -> None:
    """Earnings below zero, after corrections, that are gone."""
    with pytest.raises(ImplausibleChangeError, match="3 of the 3"):
        judge(board, ["-4.00"] * 3, ["0"] * 3)


def test_who_is_no_agent_any_more_loses_everything_too(board: psycopg.Connection[Any]) -> None:
    with pytest.raises(ImplausibleChangeError) as caught:
        judge(board, ["1.00", "30.00", "2.00", "7"], [None, "0", None, "7"])
    assert [(row["agent_id"].int, row["total_earnings"], row["reason"]) for row in caught.value.rows] == [
        (2, Decimal("30.00"), "would earn nothing"),
        (3, Decimal("2.00"), "is no agent any more"),
        (1, Decimal("1.00"), "is no agent any more"),
    ]


@pytest.mark.parametrize(("share", "passes"), [("1", True), ("0.75", True), ("0.74", False), ("0", False)])
def test_the_share_is_the_setting_s(board: psycopg.Connection[Any], share: str, passes: bool) -> None:
    if passes:
        judge(board, ["1"] * 4, ["0", "0", "0", "1"], Decimal(share))
    else:
        with pytest.raises(ImplausibleChangeError, match=f"SI_MAX_LOSING_SHARE = {share} lets through"):
            judge(board, ["1"] * 4, ["0", "0", "0", "1"], Decimal(share))


def test_a_value_that_does_not_fit_a_column_made_narrower_is_named_and_nothing_is_written(
    settings: Settings,
) -> None:
    """1,234.50 earned; somebody made the profile's column NUMERIC(5, 2)."""
    build = Build()
    agent = build.agent()
    build.transaction(agent, amount="1234.50")
    with connection_to(settings) as postgres:
        worlds.insert(postgres, build.world)
        postgres.execute("alter table agent_profiles alter column total_earnings type numeric(5, 2)")
        with pytest.raises(PublishError) as caught:
            refresh.run(settings, as_of=AS_OF)
        assert str(caught.value) == (
            f"publishing to Postgres: 1234.50 of {agent} does not fit public.agent_profiles.total_earnings, which holds"
            " less than 1,000. Nothing was written; give the column a wider type"
        )
        assert postgres.execute("select count(*) from analytics.agent_leaderboard").fetchone() == (0,)


def test_the_error_keeps_its_rows_on_its_way_to_another_process() -> None:
    rows = ({"agent_id": 1, "total_earnings": Decimal(1)},)
    there = pickle.loads(pickle.dumps(ImplausibleChangeError("a", "b", "c", rows)))
    assert (str(there), there.rows) == ("a: b. c", rows)


def test_a_refresh_that_takes_everything_from_everybody_is_refused_until_it_is_accepted(
    si: Si, settings: Settings
) -> None:
    """Four agents of 10.00 each; then their commissions are gone."""
    build = Build()
    agents = [build.agent() for _ in range(4)]
    for agent in agents:
        build.transaction(agent, amount="10.00")
    command, arguments = si(settings), ("refresh", "--as-of", AS_OF.isoformat())
    with connection_to(settings) as postgres:
        worlds.insert(postgres, build.world)
        refresh.run(settings, as_of=AS_OF)
        before = settings.warehouse.read_bytes()
        postgres.execute("delete from transactions")
        refused = command(*arguments)
        told = command(*arguments, "--json")
        assert (refused.code, told.code) == (1, 1)
        assert refused.err.splitlines()[-1].startswith(
            f"error: publishing to Postgres: 4 of the 4 agents with earnings would have none ({agents[0]} 10.00, "
        )
        assert refused.err.endswith("if it is right: si refresh --accept-change\n")
        assert [line.split()[:2] for line in refused.out.splitlines()[1:]] == [[str(one), "10.00"] for one in agents]
        assert told.document["agents"][3] == {
            "agent_id": str(agents[3]),
            "total_earnings": "10.00",
            "reason": "would earn nothing",
        }
        assert settings.warehouse.read_bytes() == before
        assert postgres.execute("select sum(total_earnings) from agent_leaderboard").fetchone() == (Decimal(40),)
        assert postgres.execute("select count(*) from analytics.refreshes").fetchone() == (1,)
        assert command(*arguments, "--accept-change").code == 0
        assert postgres.execute("select sum(total_earnings) from agent_leaderboard").fetchone() == (Decimal(0),)
