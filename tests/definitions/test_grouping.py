"""What facts can be grouped by: each path leads to one value for each fact, without losing or doubling any."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import expressions as exp

from si_analytics import time_zones
from si_analytics.definitions import grouping, project
from si_analytics.definitions.grouping import Calendar, Joins
from si_analytics.errors import UnknownNameError
from si_analytics.warehouse import local_offsets

FACTS = tuple(project().facts)


def resolved(fact: str, path: str) -> grouping.Path:
    return grouping.resolve(project().facts[fact], project().dimensions, path)


def names(fact: str) -> list[str]:
    return [path.name for path in grouping.paths(project().facts[fact], project().dimensions)]


def test_a_fact_has_its_attributes_and_those_of_all_it_is_linked_to() -> None:
    found = names("deals")
    assert found[:2] == ["status", "brand"]
    assert {"brand.industry", "influencer.type", "gig", "gig.category", "gig.brand", "gig.brand.company"} <= set(found)
    assert len(found) == len(set(found))


@pytest.mark.parametrize("fact", FACTS)
def test_a_key_a_time_or_an_amount_is_nothing_to_group_by(fact: str) -> None:
    one = project().facts[fact]
    own = {path.name for path in grouping.paths(one, project().dimensions) if not path.steps and not path.unit}
    assert not own & {column.name for column in one.columns if column.unit not in {"", "list"}}
    assert not own & {*one.key, *(link.column for link in one.links)}


def test_a_path_through_two_links_joins_twice_by_the_key_of_each() -> None:
    path = resolved("deals", "gig.brand.industry")
    assert [(step.alias, step.dimension, step.key, step.of, step.column) for step in path.steps] == [
        ("gig", "gig", "gig_id", "deals", "gig_id"),
        ("gig_brand", "brand", "sponsor_id", "gig", "sponsor_id"),
    ]
    assert (path.of, path.column, path.kind) == ("gig_brand", "industry", "text")


def test_joins_are_made_once_and_never_lose_a_fact() -> None:
    joins = Joins()
    for name in ("gig.brand.industry", "gig.brand.company", "gig.location"):
        joins.add(resolved("deals", name))
    query = joins.on(exp.select("1").from_("facts.deals as deals"))
    assert [(join.side, join.alias_or_name) for join in query.args["joins"]] == [("LEFT", "gig"), ("LEFT", "gig_brand")]


@pytest.mark.parametrize(
    ("asked", "near"),
    [
        ("brand.industri", "Did you mean 'brand.industry'?"),
        ("weak", "Did you mean 'week'?"),
        ("xyz", "There are: status"),
    ],
)
def test_a_path_that_is_none_suggests_the_nearest_and_lists_all(asked: str, near: str) -> None:
    with pytest.raises(UnknownNameError, match=r"There are: status, brand, .*year") as told:
        resolved("deals", asked)
    assert near in str(told.value)
    assert "deals cannot be grouped by it" in str(told.value)


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as made:
        made.execute("create schema facts; create schema dimensions")
        made.execute("create table facts.applications (gig_id bigint, applied_at timestamptz)")
        made.execute("create table dimensions.gig (gig_id bigint, category varchar[], location varchar)")
        yield made


def valued(connection: duckdb.DuckDBPyConnection, path: str, calendar: Calendar, tz: str = "UTC") -> list[object]:
    joins = Joins()
    chosen = grouping.value(resolved("applications", path), joins, calendar)
    query = joins.on(exp.select(exp.alias_(chosen, "value")).from_("facts.applications as applications"))
    text = query.order_by("applications.gig_id").sql("duckdb")
    bound = {"tz": tz, "slice": local_offsets.SLICE // timedelta(microseconds=1)} if "$tz" in text else {}
    return [value for (value,) in connection.execute(text, bound).fetchall()]


def test_null_and_empty_are_called_none_and_a_list_has_each_of_its_values_once(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    connection.execute("delete from facts.applications; delete from dimensions.gig")
    connection.execute("insert into facts.applications select range, now() from range(1, 7)")
    connection.execute(
        "insert into dimensions.gig values (1, ['a', 'b', 'a'], 'Oslo'), (2, [], ''), (3, null, null),"
        " (4, ['a', null], ' '), (5, [''], 'Oslo')"
    )
    none = "(none)"
    assert valued(connection, "gig.location", Calendar()) == ["Oslo", none, none, " ", "Oslo", none]
    found = valued(connection, "gig.category", Calendar())
    assert [sorted(each) for each in found] == [  # type: ignore[call-overload]
        ["a", "b"],
        [none],
        [none],
        [none, "a"],
        [none],
        [none],
    ]
    assert valued(connection, "gig", Calendar()) == ["1", "2", "3", "4", "5", none]


def expected(unit: str, local: datetime, calendar: Calendar) -> object:
    day = local.date()
    if unit == "hour":
        return local.hour
    if unit == "weekday":
        return local.isoweekday()
    if unit == "day":
        return day
    if unit == "week":
        return day - timedelta(days=(day.isoweekday() - calendar.week_start) % 7)
    if unit == "month":
        return day.replace(day=1)
    # A year is that of the calendar; quarters begin with the fiscal year.
    months = (day.month - calendar.fiscal_start) % 3 if unit == "quarter" else day.month - 1
    number = day.year * 12 + day.month - 1 - months
    return date(number // 12, number % 12 + 1, 1)


@settings(max_examples=40, deadline=None)
@given(
    moments=st.lists(
        st.integers(0, 900_000_000).map(lambda seconds: datetime(2001, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)),
        min_size=1,
        max_size=6,
    ),
    tz=st.sampled_from(["UTC", "America/New_York", "Asia/Kathmandu"]),
    calendar=st.builds(Calendar, st.integers(1, 7), st.integers(1, 12)),
)
def test_a_period_is_that_of_the_zone_s_clock_wherever_weeks_and_years_begin(
    connection: duckdb.DuckDBPyConnection, moments: list[datetime], tz: str, calendar: Calendar
) -> None:
    connection.execute("delete from facts.applications")
    connection.executemany("insert into facts.applications values (?, ?)", [list(one) for one in enumerate(moments)])
    local_offsets.lay_out(connection, tz, datetime(2030, 1, 1, tzinfo=UTC))
    zone = time_zones.named(tz)
    for unit in ("hour", "weekday", "day", "week", "month", "quarter", "year"):
        found = valued(connection, unit, calendar, tz)
        assert found == [expected(unit, moment.astimezone(zone), calendar) for moment in moments], unit
