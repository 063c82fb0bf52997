"""A measure is read into a tree of aggregates, measures, whole numbers and arithmetic; anything else is refused."""

from __future__ import annotations

from fractions import Fraction

import pytest

from si_analytics.definitions import project
from si_analytics.definitions.expressions import Aggregate, Arithmetic, Named, Part, Whole, formula

AGGREGATES: dict[str, Aggregate] = {
    "count(*)": Aggregate("count"),
    "COUNT( * )": Aggregate("count"),
    "count(opened_at)": Aggregate("count", ("opened_at",)),
    "count(distinct user_id)": Aggregate("count", ("user_id",), distinct=True),
    "count(distinct agent_id, user_id)": Aggregate("count", ("agent_id", "user_id"), distinct=True),
    "sum(amount)": Aggregate("sum", ("amount",)),
    "min(sent_at)": Aggregate("min", ("sent_at",)),
    "max(sent_at)": Aggregate("max", ("sent_at",)),
    "mean(rating)": Aggregate("mean", ("rating",)),
    "percentile(0.9, wait)": Aggregate("percentile", ("wait",), share=Fraction(9, 10)),
    "percentile(1, wait)": Aggregate("percentile", ("wait",), share=Fraction(1)),
    "sum(amount) filter (where type = 'refund')": Aggregate("sum", ("amount",), where="type = 'refund'"),
}


@pytest.mark.parametrize("text", AGGREGATES)
def test_an_aggregate_is_its_function_its_columns_and_its_filter(text: str) -> None:
    assert formula(text).tree == AGGREGATES[text]


def test_arithmetic_goes_by_precedence_and_parentheses() -> None:
    a, b, c = Named("a"), Named("b"), Named("c")
    trees: dict[str, Part] = {
        "a - b": Arithmetic("-", a, b),
        "a + b * c": Arithmetic("+", a, Arithmetic("*", b, c)),
        "(a + b) * c": Arithmetic("*", Arithmetic("+", a, b), c),
        "a - b - c": Arithmetic("-", Arithmetic("-", a, b), c),
        "100 * a": Arithmetic("*", Whole(100), a),
    }
    assert {text: formula(text).tree for text in trees} == trees


def test_the_columns_are_those_aggregated_and_those_of_filters_each_once() -> None:
    found = formula("count(*) filter (where is_open and amount > 3) / sum(amount)")
    assert sorted(found.columns) == ["amount", "is_open"]
    assert [one.function for one in found.aggregates] == ["count", "sum"]
    assert found.measures == ()


def test_the_measures_of_a_measure_are_named_once_each_in_order() -> None:
    assert formula("(revenue - paid) / revenue").measures == ("revenue", "paid")


@pytest.mark.parametrize(
    ("text", "additive"),
    [
        ("count(*)", True),
        ("sum(amount) filter (where type = 'refund')", True),
        ("count(distinct user_id)", False),
        ("mean(rating)", False),
        ("max(sent_at)", False),
        ("sum(amount) / count(*)", False),
    ],
)
def test_only_a_sum_and_a_count_of_rows_add_up(text: str, additive: bool) -> None:
    assert formula(text).is_additive is additive


@pytest.mark.parametrize(
    "text",
    [
        "avg(amount)",
        "sum(amount * 2)",
        "sum(deals.amount)",
        "count(distinct amount + 1)",
        "percentile(amount)",
        "percentile(1.5, amount)",
        "percentile(-0.5, amount)",
        "percentile('0.5', amount)",
        "mean(amount, rating)",
        "1.5 * a",
        "a % b",
        "'a'",
        "(select 1)",
        "sum(amount",
        "avg(amount) filter (where true)",
    ],
)
def test_anything_else_is_refused_with_what_may_be_written(text: str) -> None:
    with pytest.raises(ValueError, match=r"; write .*|; write its name"):
        formula(text)


def test_every_measure_of_ours_is_understood() -> None:
    for measure in project().measures.values():
        assert measure.formula.text == " ".join(measure.written.split())
        assert bool(measure.fact) == bool(measure.formula.aggregates)
