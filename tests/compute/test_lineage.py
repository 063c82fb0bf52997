"""Every column of a metric is told where in the operational tables it comes from."""

from __future__ import annotations

import pytest

from si_analytics.compute import lineage, metrics, statistics
from si_analytics.definitions import Query, project
from si_analytics.errors import DefinitionError

EVERY = tuple(project().computed)
MADE_BY_THE_LIBRARY = {
    "agent_performance_metrics": {"last_calculated_at"},
    "agent_performance_standings": {"component"},
    "conversion_funnels": {"funnel", "breakdown", "breakdown_value", "stage_number", "stage", "immature"},
}
"""Columns that say which moment, component, funnel or stage a row is about: they come from no table."""


def counting(text: str) -> Query:
    """A query over deals and gigs."""
    inputs = ("raw.deals", "raw.gigs")
    return Query(
        name="counted", path="sql/metrics/counted.sql", text=text, summary="counted", grain="one row", inputs=inputs
    )


@pytest.mark.parametrize("name", EVERY)
def test_every_column_comes_from_columns_that_are_extracted_of_the_tables_that_are_read(name: str) -> None:
    extracted = {(table, column) for table, source in project().sources.items() for column in source.columns}
    found = lineage.column_lineage(name)
    assert {column for column, origins in found.items() if not origins} == MADE_BY_THE_LIBRARY.get(name, set())
    assert {origin for origins in found.values() for origin in origins} <= extracted


@pytest.mark.parametrize("name", list(project().metrics))
def test_a_column_s_inputs_are_in_the_tables_that_are_declared(name: str) -> None:
    read = {table for origins in lineage.of(project().metrics[name]).values() for table, _ in origins}
    assert read <= set(metrics.inputs(name))


@pytest.mark.parametrize("table", list(project().sources))
def test_an_extracted_column_is_the_operational_one_of_its_name(table: str) -> None:
    expected = {column: ((f"public.{table}", column),) for column in project().sources[table].columns}
    assert lineage.of(project().sources[table]) == expected


def test_a_sum_comes_from_what_is_added_up_and_a_number_of_rows_from_their_keys() -> None:
    board = lineage.column_lineage("agent_leaderboard")
    assert board["total_earnings"] == (("transactions", "amount"),)
    assert lineage.column_lineage("user_ratings")["review_count"] == (("user_reviews", "id"),)


def test_what_is_computed_from_other_metrics_comes_from_their_columns_and_in_the_end_from_tables() -> None:
    inputs = lineage.of(project().metrics["agent_performance_metrics"])
    assert ("metrics.agent_performance_components", "replies") in inputs["response_time"]
    assert ("messages", "created_at") in lineage.column_lineage("agent_performance_metrics")["response_time"]


def test_a_funnel_s_figures_come_from_the_stages_of_every_funnel() -> None:
    reached = lineage.column_lineage("conversion_funnels")["reached"]
    assert {("invites", "accepted_at"), ("deals", "completed_at"), ("escrow_jobs", "released_at")} <= set(reached)


@pytest.mark.parametrize("name", sorted(statistics.FUNCTIONS))
def test_what_statistics_fill_in_comes_from_what_they_reckon_with(name: str) -> None:
    (metric,) = [metric.name for metric in project().metrics.values() if name in metric.statistics]
    found = lineage.column_lineage(metric)
    for column, used in statistics.reads(name).items():
        assert set(found[column]) == {origin for each in used for origin in found[each]}


def test_the_right_side_of_a_left_join_adds_no_rows_and_so_no_keys() -> None:
    query = "select count(*) as n from raw.deals as d {}"
    for join, expected in (("left", {"raw.deals"}), ("inner", {"raw.deals", "raw.gigs"})):
        made = counting(query.format(f"{join} join raw.gigs as g on d.gig_id = g.id"))
        assert {table for table, _ in lineage.of(made)["n"]} == expected


@pytest.mark.parametrize("text", ["select from where", "drop table raw.deals", "select (select"])
def test_a_query_that_is_not_understood_is_refused_by_its_file(text: str) -> None:
    with pytest.raises(DefinitionError, match=r"sql/metrics/counted\.sql"):
        lineage.of(counting(text))
