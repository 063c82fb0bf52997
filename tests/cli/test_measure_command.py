"""`si measure` and the queries behind numbers: what is printed is what Python gives, and runs elsewhere."""

from __future__ import annotations

import json
from decimal import Decimal

import duckdb
import pytest

from si_analytics.query import warehouse as query_warehouse
from si_analytics.settings import Settings
from tests.support.commands import Si


def test_a_slice_is_printed_as_python_gives_it(si: Si, shop: Settings) -> None:
    asked = ("commission", "commissions", "--by", "agent.tier,quarter", "--top", "2", "--totals", "--during", "2025")
    printed = si(shop)("measure", *asked, "--json").document
    with query_warehouse.connect(shop) as warehouse:
        frame = warehouse.measure(
            "commission", "commissions", by=["agent.tier", "quarter"], top=2, totals=True, during="2025"
        )
    assert [row["agent.tier"] for row in printed] == frame["agent.tier"].to_list()
    assert [Decimal(row["commission"]) for row in printed] == frame["commission"].to_list()
    assert printed[-1]["row"] == "total"


def test_filters_of_one_grouping_are_alternatives(si: Si, shop: Settings) -> None:
    whole = si(shop)("measure", "deals", "--by", "status", "--json").document
    two = si(shop)("measure", "deals", "--where", "status=completed", "--where", "status=active", "--json").document
    wanted = sum(row["deals"] for row in whole if row["status"] in ("completed", "active"))
    assert two == [{"deals": wanted}]


def test_the_list_names_measures_and_what_goes_with_one(si: Si, shop: Settings) -> None:
    listed = si(shop)("measure", "--list")
    assert listed.code == 0
    assert "take_rate" in listed.out
    of_two = si(shop)("measure", "take_rate", "deals", "--list").out.split()
    assert "gig.category" in of_two
    assert "agent.tier" not in of_two


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (("comission",), "Did you mean 'commission'?"),
        (("commission", "--by", "agent.teir"), "Did you mean 'agent.tier'?"),
        (("commission", "gmv", "--by", "agent.tier"), "gmv cannot be grouped by it"),
        (("commission", "--where", "gold"), "Write agent.tier=gold"),
        (("commission", "--top", "3"), "it needs a grouping"),
        (("commission", "--by", "week", "--top", "3"), "a period is not ranked"),
        (("commission", "--compare", "previous"), "nothing lies before all time"),
        (("commission", "--during", "2026", "--compare", "yaer"), "Did you mean 'year'?"),
        (("commission", "--fill"), "not by one calendar grouping"),
        (("commission", "--by", "week,week"), "it is asked for twice"),
        ((), "no measure was named"),
    ],
    ids=str,
)
def test_a_question_that_means_nothing_is_one_sentence(
    si: Si, shop: Settings, asked: tuple[str, ...], sentence: str
) -> None:
    done = si(shop)("measure", *asked)
    assert (done.code, done.out) == (2, "")
    assert sentence in done.err


@pytest.mark.parametrize(
    "asked",
    [
        ("measure", "commission", "--by", "agent.tier,month", "--tz", "Europe/Berlin", "--totals"),
        ("measure", "gmv", "--by", "gig.category", "--top", "2", "--as-of", "2026-03-01"),
        ("measure", "take_rate", "--by", "month", "--during", "2025", "--compare", "year", "--fill"),
        ("metric", "agent_leaderboard", "--since", "2026-01-01"),
        ("metric", "marketplace_monthly", "--as-of", "2026-03-01", "--tz", "America/New_York"),
        ("metric", "signup_cohorts"),
    ],
    ids=str,
)
def test_the_query_that_is_printed_gives_the_same_in_a_shell_on_the_warehouse_file(
    si: Si, shop: Settings, asked: tuple[str, ...]
) -> None:
    printed = si(shop)(*asked, "--json").document
    text = si(shop)(*asked, "--sql").out
    with duckdb.connect(str(shop.warehouse), read_only=True) as shell:
        found = shell.sql(text)
        rows = [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]
    assert len(rows) == len(printed)
    assert [
        {name: None if value is None else str(value) for name, value in row.items() if not hasattr(value, "tzinfo")}
        for row in rows
    ] == [{name: None if row[name] is None else str(row[name]) for name in rows[0]} for row in printed]


def test_the_facts_behind_a_cell_add_up_to_it(si: Si, shop: Settings) -> None:
    first = si(shop)("measure", "commission", "--by", "agent.tier", "--during", "2026-Q1", "--json").document[0]
    asked = ("commission", "--where", f"agent.tier={first['agent.tier']}", "--during", "2026-Q1", "--json")
    done = si(shop)("explain", *asked)
    assert sum((Decimal(row["value"]) for row in json.loads(done.out)), Decimal()) == Decimal(first["commission"])
    assert {row["source_table"] for row in json.loads(done.out)} == {"transactions"}
    assert "sum of value" in done.err
