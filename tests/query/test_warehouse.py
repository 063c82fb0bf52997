"""The warehouse as analysts meet it: queries of their own, what it refuses, and what it suggests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from si_analytics import refresh
from si_analytics.errors import MissingTableError, UnknownNameError, UsageError, WarehouseError
from si_analytics.query import warehouse as query_warehouse
from si_analytics.settings import Settings

AS_OF = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def using(
    create_database: Callable[..., str], schema_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    """Settings on a warehouse of two transactions, 10.00 and 250.00 usd, and no agent."""
    url = create_database(schema_template)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "insert into transactions (type, status, amount, currency, created_at)"
            " select 'refund', 'completed', amount, 'usd', '2026-05-01T00:00:00Z'"
            " from unnest('{10, 250}'::int[]) as amount"
        )
    home = tmp_path_factory.mktemp("reader")
    made = Settings(_env_file=None, postgres_url=url, home=home, warehouse=home / "warehouse.duckdb")  # type: ignore[arg-type, call-arg]
    refresh.run(made, as_of=AS_OF)
    return made


@pytest.fixture
def warehouse(using: Settings) -> Iterator[query_warehouse.Warehouse]:
    with query_warehouse.connect(using) as opened:
        yield opened


def test_a_query_s_values_are_bound_and_money_stays_decimal(warehouse: query_warehouse.Warehouse) -> None:
    found = warehouse.sql("select amount from raw.transactions where amount > $floor", floor=Decimal("10.00"))
    assert found["amount"].to_list() == [Decimal("250.00")]


def test_a_value_may_be_called_text(warehouse: query_warehouse.Warehouse) -> None:
    assert warehouse.sql("select $text as said", text="yes").item() == "yes"


@pytest.mark.parametrize(
    "text",
    ["select 1", "with one as (select 1) select * from one;", "describe raw.users", "explain select 1", "values (1)"],
)
def test_whatever_asks_is_a_query(warehouse: query_warehouse.Warehouse, text: str) -> None:
    assert warehouse.sql(text).height > 0


def test_a_pivot_is_a_query(warehouse: query_warehouse.Warehouse) -> None:
    found = warehouse.sql("pivot raw.transactions on type using sum(amount) group by status")
    assert found.rows() == [("completed", Decimal("260.00"))]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("drop view raw.transactions", "it changes something"),
        ("create table kept as select 1", "it changes something"),
        ("copy (select 1) to 'written.csv'", "it changes something"),
        ("select 1; drop view raw.transactions", "it is several"),
        ("-- nothing yet", "it is none"),
        ("selct 1", "syntax error"),
        ("select amout from raw.transactions", 'Candidate bindings: "amount"'),
    ],
)
def test_what_is_no_single_query_is_refused_and_changes_nothing(
    warehouse: query_warehouse.Warehouse, text: str, found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="the query") as refused:
        warehouse.sql(text)
    assert found in refused.value.found
    assert list(tmp_path.iterdir()) == []
    assert warehouse.sql("select count(*) from raw.transactions").item() == 2


def test_a_name_without_a_value_and_a_value_without_a_name_are_told(warehouse: query_warehouse.Warehouse) -> None:
    query = "select * from raw.transactions where amount > $floor"
    with pytest.raises(UsageError, match=r"\$floor has no value"):
        warehouse.sql(query)
    with pytest.raises(UsageError, match=r"it does not name \$roof"):
        warehouse.sql(query, floor=1, roof=2)


@pytest.mark.parametrize(
    ("asked", "nearest"),
    [
        ("raw.transaction", "raw.transactions"),
        ("transactions", "raw.transactions"),
        ("agent_leaderboard", "metrics.agent_leaderboard"),
    ],
)
def test_a_table_that_is_not_there_suggests_the_nearest(
    warehouse: query_warehouse.Warehouse, asked: str, nearest: str
) -> None:
    with pytest.raises(MissingTableError, match=f"Did you mean {nearest}"):
        warehouse.sql(f"select * from {asked}")


def test_a_table_like_no_other_points_to_the_list(warehouse: query_warehouse.Warehouse) -> None:
    with pytest.raises(MissingTableError) as refused:
        warehouse.sql("select * from zzz")
    assert refused.value.remedy == "warehouse.tables() lists all it holds"


def test_a_metric_misspelt_suggests_the_nearest(warehouse: query_warehouse.Warehouse) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'brand_reputations'"):
        warehouse.metric("brand_reputation")


@pytest.mark.parametrize(
    ("ask", "meant"),
    [
        (lambda warehouse: warehouse.funnel("invte"), "invite"),
        (lambda warehouse: warehouse.metric("invte"), "invite"),
        (lambda warehouse: warehouse.funnel("invite", by="metod"), "method"),
        (lambda warehouse: warehouse.time_to_convert("invite", "acepted"), "accepted"),
        (lambda warehouse: warehouse.stopped("invite", "clickd"), "clicked"),
        (lambda warehouse: warehouse.agent_leaderboard(by="deal"), "deals"),
        (lambda warehouse: warehouse.describe("invte"), "invite"),
        (lambda warehouse: warehouse.explain("agent_leaderboad", "x", "rank"), "agent_leaderboard"),
    ],
)
def test_whatever_name_is_misspelt_the_nearest_is_suggested(
    warehouse: query_warehouse.Warehouse, ask: Callable[[query_warehouse.Warehouse], object], meant: str
) -> None:
    with pytest.raises(UnknownNameError, match=f"Did you mean '{meant}'"):
        ask(warehouse)


def test_a_closed_warehouse_says_so_and_closing_twice_does_no_harm(using: Settings) -> None:
    warehouse = query_warehouse.connect(using)
    warehouse.close()
    warehouse.close()
    for ask in (warehouse.agent_leaderboard, lambda: warehouse.funnel("invite"), lambda: warehouse.sql("select 1")):
        with pytest.raises(WarehouseError, match="it was closed"):
            ask()


def test_no_warehouse_yet_says_how_to_fill_one(make_settings: Callable[..., Settings]) -> None:
    with pytest.raises(WarehouseError, match=r"there is none yet[.] Fill it first: si refresh"):
        query_warehouse.connect(make_settings("postgresql://nobody@localhost/none"))


def test_the_warehouse_shows_when_it_speaks_of_and_what_it_holds(warehouse: query_warehouse.Warehouse) -> None:
    assert repr(warehouse) == "<Warehouse warehouse.duckdb as of 2026-06-01 00:00 UTC, in usd>"
    shown = warehouse._repr_html_()
    assert "as of 2026-06-01 00:00 UTC, in usd, days and months in UTC" in shown
    assert "<code>warehouse.funnel(&#x27;invite&#x27;, by=&#x27;method&#x27;, within=&#x27;14d&#x27;)</code>" in shown
    assert "raw.transactions</td><td style='text-align:right'>2</td>" in shown
