"""What differs between two refreshes: which rows, which cells, by how much, and which source rows are behind it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import polars as pl
import psycopg
import pytest

from si_analytics import refresh
from si_analytics.errors import UnknownNameError, UsageError
from si_analytics.query import diff, explain
from si_analytics.query import warehouse as query_warehouse
from si_analytics.settings import Settings
from si_analytics.warehouse import versions
from tests.support import worlds
from tests.support.commands import Si
from tests.support.worlds import AS_OF, Build, only

NEXT_DAY = AS_OF + timedelta(days=1)


@dataclass(frozen=True)
class Changed:
    """A marketplace between two refreshes: ids of what changed."""

    settings: Settings
    agent: UUID
    newcomer: UUID
    raised: UUID
    paid: UUID
    gone: UUID
    recruit: UUID


@pytest.fixture(scope="module")
def changed(
    create_database: Callable[..., str], schema_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Changed:
    """An agent has commissions of 10.00, 5.00 and 1.00. Then the 10.00 become 12.50, 5.00 go away, 7.00 are paid,
    a second agent joins, and a deal of the recruit's is completed."""
    home = tmp_path_factory.mktemp("changed")
    url = create_database(schema_template)
    settings = Settings(_env_file=None, postgres_url=url, home=home, warehouse=home / "w.duckdb")  # type: ignore[call-arg, arg-type]
    before = Build()
    agent, sponsor, recruit = before.agent(), before.sponsor(), before.influencer()
    before.referral(agent, recruit)
    before.deal(recruit, sponsor, amount=Decimal("100.00"))
    raised, gone, _ = (before.transaction(agent, amount) for amount in ("10.00", "5.00", "1.00"))
    with psycopg.connect(url, autocommit=True) as postgres:
        worlds.insert(postgres, before.world)
        refresh.run(settings, as_of=AS_OF)
        after = before.world
        newcomer = before.agent()
        before.deal(recruit, sponsor, amount=Decimal("50.00"))
        before.gig(sponsor)
        paid = before.transaction(agent, "7.00")
        only(after["transactions"], id=raised)["amount"] = Decimal("12.50")
        after["transactions"] = [row for row in after["transactions"] if row["id"] != gone]
        worlds.clear(postgres)
        worlds.insert(postgres, after)
        refresh.run(settings, as_of=NEXT_DAY)
    return Changed(settings, agent, newcomer, raised, paid, gone, recruit)


def cells(frame: pl.DataFrame, **key: Any) -> dict[str, tuple[Any, ...]]:
    """The cells of the row of that key: by column what happened, both values, and the difference."""
    rows = frame.filter(**{name: str(value) for name, value in key.items()})
    return {
        row["column"]: (row["change"], row["value_a"], row["value_b"], row["difference"])
        for row in rows.iter_rows(named=True)
    }


def test_a_metric_is_compared_cell_by_cell_with_exact_differences(changed: Changed) -> None:
    """16.00 earned, then 12.50 + 7.00 + 1.00 = 20.50: 4.50 more, in one more deal."""
    with query_warehouse.connect(changed.settings) as warehouse:
        board = warehouse.diff(1, 2, "agent_leaderboard")
    assert cells(board, agent_id=changed.agent) == {
        "total_earnings": ("changed", "16.00", "20.50", Decimal("4.50")),
        "total_deals": ("changed", "1", "2", Decimal(1)),
    }
    joined = cells(board, agent_id=changed.newcomer)
    assert joined["total_earnings"] == ("added", None, "0.00", None)
    assert {one[0] for one in joined.values()} == {"added"}
    assert set(board["agent_id"]) == {str(changed.agent), str(changed.newcomer)}


def test_the_summary_counts_rows_and_adds_money_up(changed: Changed) -> None:
    with query_warehouse.connect(changed.settings) as warehouse:
        summary = {row["metric"]: row for row in warehouse.diff().iter_rows(named=True)}
    board = summary["agent_leaderboard"]
    assert (board["rows_a"], board["rows_b"]) == (1, 2)
    assert (board["added"], board["removed"], board["changed"]) == (1, 0, 1)
    assert (board["columns"], board["money"], board["note"]) == (
        "total_deals, total_earnings",
        "total_earnings +4.50",
        "",
    )
    assert "invite_template_usage" not in summary
    assert summary["marketplace_monthly"]["money"] == "agent_payouts +4.50, net_revenue -4.50"


def test_backwards_what_was_added_is_removed_and_differences_change_their_sign(changed: Changed) -> None:
    with query_warehouse.connect(changed.settings) as warehouse:
        board = warehouse.diff(2, 1, "agent_leaderboard")
    assert cells(board, agent_id=changed.agent)["total_earnings"] == ("changed", "20.50", "16.00", Decimal("-4.50"))
    assert cells(board, agent_id=changed.newcomer)["total_earnings"] == ("removed", "0.00", None, None)


def test_why_are_the_source_rows_that_came_went_or_changed(changed: Changed) -> None:
    with query_warehouse.connect(changed.settings) as warehouse:
        why = warehouse.diff(1, 2, "agent_leaderboard", key=str(changed.agent), column="total_earnings")
    told = {(row["change"], row["transaction_id"], row["value"]) for row in why.iter_rows(named=True)}
    assert told == {
        ("added", str(changed.paid), Decimal("7.00")),
        ("removed", str(changed.gone), Decimal("5.00")),
        ("changed from", str(changed.raised), Decimal("10.00")),
        ("changed to", str(changed.raised), Decimal("12.50")),
    }


def test_a_row_that_only_one_refresh_has_is_explained_by_that_one_alone(changed: Changed) -> None:
    with query_warehouse.connect(changed.settings) as warehouse:
        why = warehouse.diff(1, 2, "agent_leaderboard", key=str(changed.newcomer), column="agent_name")
        assert why["change"].to_list() == ["added"]
        with pytest.raises(UnknownNameError, match="there is none"):
            warehouse.diff(1, 2, "agent_leaderboard", key=str(UUID(int=1)), column="agent_name")


def test_every_cell_that_can_be_explained_can_be_asked_why(changed: Changed) -> None:
    with query_warehouse.connect(changed.settings) as warehouse:
        for metric, key in (("agent_leaderboard", changed.agent), ("agent_performance_metrics", changed.agent)):
            for column in explain.columns(metric):
                assert "change" in warehouse.diff(1, 2, metric, key=str(key), column=column).columns
        score = warehouse.diff(1, 2, "agent_performance_metrics", key=str(changed.agent), column="performance_score")
        assert "total_earnings" in set(score["component"])
        funnel = warehouse.diff(1, 2, "conversion_funnels", key=("escrow", "all", 1), column="reached")
        assert funnel.is_empty()


def test_a_column_that_only_restates_the_moment_of_the_refresh_is_no_change(changed: Changed) -> None:
    with query_warehouse.connect(changed.settings) as warehouse:
        frame = warehouse.diff(1, 2, "agent_performance_metrics")
        assert warehouse.agent_performance_metrics()["last_calculated_at"].to_list() == [NEXT_DAY, NEXT_DAY]
    assert "last_calculated_at" not in set(frame["column"])


def test_a_refresh_does_not_differ_from_itself(changed: Changed) -> None:
    with query_warehouse.connect(changed.settings) as warehouse:
        assert warehouse.diff(2, 2).is_empty()
        assert warehouse.diff(2, 2, "agent_leaderboard").is_empty()
        assert warehouse.diff(2, 2, "agent_leaderboard", key=str(changed.agent), column="total_earnings").is_empty()


def test_days_mean_their_last_refresh_and_nothing_the_two_last(changed: Changed) -> None:
    with query_warehouse.connect(changed.settings) as warehouse:
        assert warehouse.refreshes()["number"].to_list() == [1, 2]
        first, second = AS_OF.date() - timedelta(days=1), AS_OF.date()  # as of midnight: the day that ended
        for pair in ((first, second), (first.isoformat(), None), (1, None), (None, 2), ()):
            assert warehouse.diff(*pair).equals(warehouse.diff(1, 2))


def test_what_makes_no_sense_is_refused(changed: Changed) -> None:
    with query_warehouse.connect(changed.settings) as warehouse:
        with pytest.raises(UsageError, match="it takes a metric, a key and a column"):
            warehouse.diff(1, 2, "agent_leaderboard", key=str(changed.agent))
        with pytest.raises(UnknownNameError, match=r"metric 'agent_bord': refresh 1 has none.*It has: .*agent_leader"):
            warehouse.diff(1, 2, "agent_bord")
        with pytest.raises(UnknownNameError, match=r"the refresh before 1 .*: none is kept"):
            warehouse.diff(None, 1)


def test_the_command_prints_the_summary_the_cells_and_the_source_rows(si: Si, changed: Changed) -> None:
    command = si(changed.settings)
    command.settings["SI_WAREHOUSE"] = str(changed.settings.warehouse)
    summary = command("diff", "--json")
    assert summary.code == 0
    assert only(summary.document, metric="agent_leaderboard")["money"] == "total_earnings +4.50"
    assert "A is refresh 1 (as of" in summary.err
    asked = ("diff", (AS_OF.date() - timedelta(days=1)).isoformat(), "--metric", "agent_leaderboard")
    rows = command(*asked, "--json").document
    assert only(rows, agent_id=str(changed.agent), column="total_earnings")["difference"] == "4.50"
    why = command(*asked, "--key", str(changed.agent), "--column", "total_earnings", "--format", "csv")
    assert [line.split(",")[0] for line in sorted(why.out.splitlines())] == [
        *("added", "change", "changed from", "changed to", "removed")
    ]
    assert [one["number"] for one in command("diff", "--list", "--json").document] == [1, 2]


def test_the_command_says_that_nothing_differs_and_which_refreshes_there_are(si: Si, changed: Changed) -> None:
    command = si(changed.settings)
    command.settings["SI_WAREHOUSE"] = str(changed.settings.warehouse)
    same = command("diff", "2", "2")
    assert (same.code, same.out) == (0, "")
    assert "Nothing differs" in same.err
    unknown = command("diff", "17")
    assert unknown.code == 2
    assert "refresh 17: there was none. Give one of those that are: 1 (as of" in unknown.err
    assert json.loads(command("diff", "2", "2", "--json").out) == []


def test_a_changed_definition_and_a_metric_of_one_refresh_alone_are_said(changed: Changed, tmp_path: Path) -> None:
    """The later refresh as if another query had made its cohorts, and as if it had a metric more."""
    path = tmp_path / "later.duckdb"
    shutil.copyfile(changed.settings.warehouse, path)
    with duckdb.connect(str(path)) as connection:
        connection.execute("comment on table metrics.agent_leaderboard is 'another query'")
        connection.execute("create table metrics.my_metric as select 1 as number")
        connection.execute("drop table metrics.user_ratings")
    first, second = versions.available(changed.settings)
    summary = diff.summary(changed.settings, first, replace(second, path=path, currency="eur"))
    told = {row["metric"]: row for row in summary.iter_rows(named=True)}
    assert told["agent_leaderboard"]["note"] == "its definition changed; counted in usd, then in eur"
    assert told["my_metric"]["note"] == "only refresh 2 has it"
    assert (told["my_metric"]["rows_a"], told["my_metric"]["rows_b"], told["my_metric"]["added"]) == (None, 1, 1)
    assert told["user_ratings"]["note"] == "only refresh 1 has it"


def test_a_funnel_s_changes_are_those_of_its_own_rows(changed: Changed) -> None:
    with query_warehouse.connect(changed.settings) as warehouse:
        whole = warehouse.diff(1, metric="conversion_funnels")
        assert set(whole["funnel"]) == {"gig"}
        assert warehouse.diff(1, metric="gig").equals(whole)
        assert warehouse.diff(1, metric="invite").is_empty()
