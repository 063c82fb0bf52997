"""Slices against the independent model: any measures, groupings, filters, windows, comparisons, on any marketplace."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from si_analytics.calendars import Calendar
from si_analytics.compute import facts
from si_analytics.compute.currencies import Present
from si_analytics.errors import UsageError
from si_analytics.query import connection as query_connection
from si_analytics.query import explain_measures, slices
from si_analytics.query.question import Question
from tests import model
from tests.model import Row, World
from tests.support import warehouses
from tests.support.asked_slices import asked_slices, slice_as_ofs, slice_worlds
from tests.support.crowds import crowd
from tests.support.explained import cell
from tests.support.moments import AS_OF


def answered(connection: duckdb.DuckDBPyConnection, as_of: datetime, asked: dict[str, Any]) -> list[Row]:
    """The library's rows for the arguments of the model."""
    when = Question(asked["since"], asked["until"], None, None, None, asked["tz"])
    currency = asked["currency"].strip().lower()
    present = Present(as_of, currency, "UTC", None, Calendar(week_start=asked["week_start"]))
    shown = {name: asked[name] for name in ("compare", "top", "totals", "fill")}
    question = slices.question(asked["names"], asked["by"], asked["where"], when, **shown)
    return list(slices.answer(connection, question, present).iter_rows(named=True))


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), world=slice_worlds(), as_of=slice_as_ofs())
def test_a_slice_is_the_model_s(
    data: st.DataObject, world: World, as_of: datetime, raw_tables: duckdb.DuckDBPyConnection
) -> None:
    asked = data.draw(asked_slices(world, as_of))
    warehouses.fill(raw_tables, world)
    expected = model.slice_of(world, asked["names"], as_of=as_of, **{k: v for k, v in asked.items() if k != "names"})
    assert answered(raw_tables, as_of, asked) == expected


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), world=slice_worlds(), as_of=slice_as_ofs())
def test_the_facts_behind_every_cell_of_a_slice_make_it(
    data: st.DataObject, world: World, as_of: datetime, raw_tables: duckdb.DuckDBPyConnection
) -> None:
    """The total by no grouping, and three cells; a cell that is null has no facts behind it."""
    asked = {**data.draw(asked_slices(world, as_of)), "compare": None, "top": None, "fill": False}
    warehouses.fill(raw_tables, world)
    when = Question(asked["since"], asked["until"], None, None, None, asked["tz"])
    present = Present(as_of, asked["currency"].strip().lower(), "UTC", None, Calendar(asked["week_start"]))
    question = slices.question(asked["names"], (), asked["where"], when)
    for row in answered(raw_tables, as_of, asked)[-3:]:
        if None in (row[name] for name in asked["by"]):
            continue  # a period that is unknown cannot be asked for
        for name in asked["names"]:
            with query_connection.scratch(raw_tables):
                rows = warehouses.rows_of(explain_measures.of_slice(raw_tables, name, row, question, present))
            making = explain_measures.making(slices.measure(name))
            if rows:
                assert row[name] is not None
                assert row[name] == cell(making.how, making.decimals, making.empty, rows)
            else:
                assert not row[name]


def test_a_sum_beyond_38_digits_is_told_in_a_sentence(raw_tables: duckdb.DuckDBPyConnection) -> None:
    """Ten payments of 36 digits before the point, as no column of Postgres holds: the table is made larger here."""
    warehouses.fill(raw_tables, crowd(1))
    facts.compute(raw_tables, "facts.payments", AS_OF)
    ((mark,),) = raw_tables.sql("select comment from duckdb_tables() where table_name = 'payments'").fetchall()
    raw_tables.execute(
        "create or replace table facts.payments as select payments.* replace ("
        "cast('9' || repeat('0', 35) as decimal(38, 2)) as amount, 'agent_commission' as type, 'usd' as currency)"
        " from facts.payments cross join range(20) limit 20"
    )
    raw_tables.execute(f"comment on table facts.payments is '{mark}'")
    question = slices.question(["commission"], (), None, Question())
    with pytest.raises(UsageError, match=r"^a slice: a sum in it has more digits than the 38 there is room for\. Ask"):
        slices.answer(raw_tables, question, Present(AS_OF, "usd", "UTC"))
