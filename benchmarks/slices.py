"""Slices beside the same aggregations written by hand, on a warehouse of millions of transactions.

Belongs here: multiplying the facts of a warehouse, the questions and their hand-written queries, timing both in turn.
"""

from __future__ import annotations

import shutil
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.places import Place
from si_analytics import refresh, sample
from si_analytics.query import warehouse as query_warehouse
from si_analytics.settings import Settings

TRANSACTIONS = 5_000_000


@dataclass(frozen=True)
class Slice:
    """A question as the library is asked it, and as somebody would write it by hand."""

    title: str
    names: tuple[str, ...]
    asked: dict[str, Any]
    by_hand: str


@dataclass(frozen=True)
class Timed:
    """The median seconds of both, and whether they gave as many rows."""

    title: str
    ours: float
    by_hand: float
    rows: tuple[int, int]

    @property
    def ratio(self) -> float:
        """How many times as long the library takes."""
        return self.ours / self.by_hand


SLICES = (
    Slice(
        "commission of all time",
        ("commission",),
        {},
        "select sum(amount) from facts.payments where type = 'agent_commission' and currency = 'usd'",
    ),
    Slice(
        "commission by tier",
        ("commission",),
        {"by": ["agent.tier"]},
        "select coalesce(agent.tier, '(none)'), sum(amount) from facts.payments left join dimensions.agent on"
        " to_user_id = agent_id where type = 'agent_commission' and currency = 'usd' group by all order by all",
    ),
    Slice(
        "commission by tier and month in Berlin",
        ("commission",),
        {"by": ["agent.tier", "month"], "tz": "Europe/Berlin"},
        "select coalesce(agent.tier, '(none)'), date_trunc('month', payments.created_at at time zone 'Europe/Berlin'),"
        " sum(amount) from facts.payments left join dimensions.agent on to_user_id = agent_id"
        " where type = 'agent_commission' and currency = 'usd'"
        " group by all order by all",
    ),
    Slice(
        "mean payment and number by type, the last quarter",
        ("mean_commission", "commissions"),
        {"by": ["user.role"], "during": "2026-Q1"},
        "select coalesce(role, '(none)'), sum(amount) / count(*), count(*) from facts.payments"
        " left join dimensions.user on to_user_id = user_id where type = 'agent_commission' and currency = 'usd'"
        " and payments.created_at >= '2026-01-01' and payments.created_at < '2026-04-01' group by all order by all",
    ),
    Slice(
        "commission by gig category, five and the others",
        ("commission",),
        {"by": ["gig.category"], "top": 5, "totals": True},
        "with each as (select unnest(case when len(category) > 0 then list_distinct(category) else ['(none)'] end) as"
        " category, amount from facts.payments left join dimensions.gig using (gig_id) where type = 'agent_commission'"
        " and currency = 'usd'), ranked as (select category, sum(amount) as amount from each group by all)"
        " select * from ranked order by amount desc limit 5",
    ),
    Slice(
        "take rate by month",
        ("take_rate",),
        {"by": ["month"]},
        "with revenue as (select date_trunc('month', created_at) as month, sum(amount) as amount from facts.payments"
        " where type = 'commission_deduct' and currency = 'usd' group by all), volume as (select date_trunc('month',"
        " completed_at) as month, sum(amount) as amount from facts.completed_deals group by all)"
        " select month, revenue.amount / volume.amount from revenue full join volume using (month) order by month",
    ),
    Slice(
        "active users by week in Berlin",
        ("active_users",),
        {"by": ["week"], "tz": "Europe/Berlin"},
        "select date_trunc('week', created_at at time zone 'Europe/Berlin'), count(distinct user_id)"
        " from facts.participations group by all order by all",
    ),
)


def refreshed(place: Place) -> Settings:
    """The settings of a warehouse that holds the place's facts."""
    warehouse = place.home / "slices.duckdb"
    settings = Settings(_env_file=None, postgres_url=place.url, home=place.home, warehouse=warehouse)  # type: ignore[arg-type, call-arg]
    refresh.run(settings, as_of=sample.END, full=True)
    return settings


def measured(
    settings: Settings, folder: Path, rounds: int, say: Callable[[str], None], transactions: int = TRANSACTIONS
) -> list[Timed]:
    """Time every question, in turn with its hand-written query; the first round is not counted."""
    using = settings.model_copy(update={"warehouse": _multiplied(settings.warehouse, folder, transactions, say)})
    found = []
    with query_warehouse.connect(using) as warehouse, duckdb.connect(str(using.warehouse), read_only=True) as by_hand:
        by_hand.execute("set TimeZone = 'UTC'")
        for one in SLICES:
            found.append(_timed(warehouse, by_hand, one, rounds))
            say(f"{one.title}: {found[-1].ours:.3f} s, by hand {found[-1].by_hand:.3f} s")
    return found


def _timed(warehouse: query_warehouse.Warehouse, by_hand: duckdb.DuckDBPyConnection, one: Slice, rounds: int) -> Timed:
    seconds: dict[str, list[float]] = {"ours": [], "by hand": []}
    rows = {"ours": 0, "by hand": 0}
    works: dict[str, Callable[[], int]] = {
        "ours": lambda: warehouse.measure(*one.names, **one.asked).height,
        "by hand": lambda: by_hand.sql(one.by_hand).pl().height,
    }
    for _ in range(rounds + 1):
        for name, work in works.items():
            began = time.perf_counter()
            rows[name] = work()
            seconds[name].append(time.perf_counter() - began)
    ours, theirs = (statistics.median(each[1:]) for each in seconds.values())
    return Timed(one.title, ours, theirs, (rows["ours"], rows["by hand"]))


def _multiplied(published: Path, folder: Path, transactions: int, say: Callable[[str], None]) -> Path:
    """A copy of the warehouse whose facts of money and deals are repeated until there are so many transactions."""
    path = folder / "multiplied.duckdb"
    shutil.copyfile(published, path)
    with duckdb.connect(str(path)) as connection:
        ((held,),) = connection.sql("select count(*) from facts.payments").fetchall()
        times = -(-transactions // held)
        for table in ("payments", "completed_deals", "participations"):
            ((mark,),) = connection.sql(
                "select comment from duckdb_tables() where schema_name = 'facts' and table_name = $table",
                params={"table": table},
            ).fetchall()
            repeated = f"select {table}.* from facts.{table} cross join range({times})"  # noqa: S608 - names of ours
            connection.execute(f"create or replace table facts.{table} as {repeated}")
            connection.execute(f"comment on table facts.{table} is '{mark}'")
        connection.execute("checkpoint")
    say(f"{held * times:,} transactions")
    return path
