"""Whatever compares with the window before compares with the same one: ranks, boards, explanations, headlines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest

from si_analytics import refresh
from si_analytics.query import warehouse as query_warehouse
from si_analytics.reports.dashboard.gathering import gather
from si_analytics.settings import Settings
from tests import model
from tests.support import worlds
from tests.support.comparing import same
from tests.support.worlds import Build

BERLIN = "Europe/Berlin"
AS_OF = datetime(2026, 4, 9, 22, tzinfo=UTC)  # midnight in Berlin, in summer time: 10 April begins


def market() -> tuple[model.World, list[UUID]]:
    """Three agents with a commission each before winter time ended, and the second with one in the last 30 days.

    The first earned at 0:30 in Berlin on 9 February, with which the 30 days before the last 30 begin; the second on
    5 March, within the first nine days of March, the third on 15 March, after them; and the second in April.
    """
    build = Build()
    agents = [build.agent() for _ in range(3)]
    build.transaction(agents[0], "1.00", created_at=datetime(2026, 2, 8, 23, 30, tzinfo=UTC))
    build.transaction(agents[1], "2.00", created_at=datetime(2026, 3, 5, 12, tzinfo=UTC))
    build.transaction(agents[2], "4.00", created_at=datetime(2026, 3, 15, 12, tzinfo=UTC))
    build.transaction(agents[1], "8.00", created_at=datetime(2026, 4, 5, 12, tzinfo=UTC))
    return build.world, agents


WORLD, AGENTS = market()


@pytest.fixture(scope="module")
def using(
    create_database: Callable[..., str], schema_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    url = create_database(schema_template)
    with psycopg.connect(url, autocommit=True) as connection:
        worlds.insert(connection, WORLD)
    home = tmp_path_factory.mktemp("before")
    made = Settings(_env_file=None, postgres_url=url, home=home, warehouse=home / "w.duckdb", timezone=BERLIN)  # type: ignore[arg-type, call-arg]
    refresh.run(made, as_of=AS_OF)
    return made


@pytest.fixture
def warehouse(using: Settings) -> Iterator[query_warehouse.Warehouse]:
    with query_warehouse.connect(using) as opened:
        yield opened


def previous(rows: Any) -> list[tuple[int, int | None, int | None]]:
    """By agent: rank, rank before and how far it moved."""
    found = {UUID(str(row["agent_id"])): (row["rank"], row["previous_rank"], row["rank_change"]) for row in rows}
    return [found[agent] for agent in AGENTS]


@pytest.mark.parametrize("by", ["earnings", "deals"])
def test_thirty_days_are_compared_with_the_thirty_local_days_before_them(
    warehouse: query_warehouse.Warehouse, by: str
) -> None:
    """They begin on 11 March; the window before on 9 February at 0:00, not at 1:00."""
    board = warehouse.agent_leaderboard(during="last 30 days", by=by)
    assert previous(board.to_dicts()) == [(3, 2, -1), (1, 1, 0), (2, None, None)]
    if by == "earnings":
        since, until = datetime(2026, 3, 10, 23, tzinfo=UTC), AS_OF
        assert same(board, model.agent_leaderboard(WORLD, AS_OF, since, until, tz=BERLIN))
        assert same(warehouse.agent_leaderboard(since, until), model.agent_leaderboard(WORLD, AS_OF, since, tz=BERLIN))


def test_in_another_zone_they_are_no_days_and_as_long(warehouse: query_warehouse.Warehouse) -> None:
    """719 hours before 11 March at 0:00 in Berlin is 9 February at 1:00: half an hour after the commission."""
    board = warehouse.agent_leaderboard(datetime(2026, 3, 10, 23, tzinfo=UTC), tz="UTC")
    assert previous(board.to_dicts()) == [(3, None, None), (1, 1, 0), (2, None, None)]


@pytest.mark.parametrize("by", ["earnings", "deals"])
def test_a_month_that_goes_on_is_compared_with_as_many_days_of_the_month_before(
    warehouse: query_warehouse.Warehouse, by: str
) -> None:
    """Nine days of April with nine of March: the commission of 15 March is in neither."""
    board = warehouse.agent_leaderboard(during="this month", by=by)
    assert previous(board.to_dicts()) == [(2, None, None), (1, 1, 0), (3, None, None)]
    if by == "earnings":
        since, whole = datetime(2026, 3, 31, 22, tzinfo=UTC), datetime(2026, 4, 30, 22, tzinfo=UTC)
        assert same(board, model.agent_leaderboard(WORLD, AS_OF, since, tz=BERLIN, whole_until=whole))


@pytest.mark.parametrize("during", ["last 30 days", "this month", "2026-Q1", "2026-03"])
def test_explanations_of_ranks_are_of_the_window_that_the_ranks_are_of(
    warehouse: query_warehouse.Warehouse, during: str
) -> None:
    """Behind a rank stand so many agents, behind a change two ranks that add up to it, behind a null nothing."""
    for row in warehouse.agent_leaderboard(during=during).to_dicts():
        ranked = warehouse.explain("agent_leaderboard", row, "previous_rank", during=during)
        assert ranked.height == (row["previous_rank"] or 0)
        moved = warehouse.explain("agent_leaderboard", row, "rank_change", during=during)
        assert (moved["value"].sum() if moved.height else None) == row["rank_change"]


def test_the_headlines_of_a_period_are_against_the_window_that_its_ranks_are_against(
    warehouse: query_warehouse.Warehouse,
) -> None:
    period = next(one for one in gather(warehouse).periods if one.name == "last 30 days")
    assert period.agents_before["total_earnings"].sum() == Decimal("3.00")
    assert previous(period.agent_leaderboard.to_dicts()) == [(3, 2, -1), (1, 1, 0), (2, None, None)]
    assert period.activity_before is not None
    assert period.activity_before["agent_payouts"][0] == Decimal("3.00")
