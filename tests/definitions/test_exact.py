"""What a measure is worked out to in DuckDB equals the fraction it is, rounded once, half away from zero."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import expressions as exp

from si_analytics.definitions import counting, exact
from si_analytics.definitions.exact import Worked
from si_analytics.definitions.fact_models import PLACES, Fact, Measure
from si_analytics.definitions.grouping import Joins
from tests.model.rules import half_away

THING = Fact.model_validate(
    {
        "name": "things",
        "path": "sql/facts/things.sql",
        "text": "",
        "summary": "things.",
        "grain": "one row per thing",
        "key": "thing_id",
        "time": "made_at",
        "currency": "currency",
        "columns": {
            "thing_id": "the thing",
            "made_at": ["time", "it was made"],
            "kind": "which",
            "currency": "of the money",
            "money": ["reporting currency", "paid"],
            "dollars": ["usd", "agreed"],
            "stars": ["stars", "given"],
            "waited": ["microseconds", "from then to now"],
        },
        "measures": {},
    }
)
BIG = 10**17
Row = tuple[str, str, Decimal | None, Decimal | None, Decimal | None, int | None]

cents = st.integers(-BIG, BIG).map(lambda value: Decimal(value).scaleb(-2))
rows = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]),
        st.sampled_from(["usd", "eur"]),
        st.none() | cents,
        st.none() | cents,
        st.none() | st.integers(0, 50).map(lambda value: Decimal(value).scaleb(-1)),
        st.none() | st.integers(-(10**15), 10**15),
    ),
    max_size=9,
)
thorough = settings(max_examples=60, deadline=None)


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as made:
        made.execute("create schema facts")
        made.execute(
            "create table facts.things (kind varchar, currency varchar, money decimal(19, 2), dollars decimal(19, 2),"
            " stars decimal(2, 1), waited bigint, thing_id bigint, made_at timestamptz)"
        )
        yield made


def measure(unit: str, written: str, name: str = "asked", fact: str = "things") -> Measure:
    return Measure(name=name, unit=unit, written=written, meaning="what is asked", fact=fact)


def worked(
    connection: duckdb.DuckDBPyConnection, given: Sequence[Row], asked: Measure, *more: Measure, currency: str = "usd"
) -> Any:
    """What the measure is over these rows, as DuckDB works it out."""
    known = {one.name: one for one in (asked, *more)}
    (leaves,) = counting.leaves([asked], known).values()
    counted = counting.counted(THING, leaves, {}, Joins(), [])
    found = Worked({"things": THING}, known, lambda leaf: exp.column(leaf.name, "counted")).value(asked)
    query = exp.select(exp.alias_(found, "value")).from_(counted.subquery("counted")).sql("duckdb")
    connection.execute("delete from facts.things")
    if given:
        connection.executemany(
            "insert into facts.things values (?, ?, ?, ?, ?, ?, 0, now())", [list(one) for one in given]
        )
    bound = {"currency": currency} if "$currency" in query else {}
    ((value,),) = connection.execute(query, bound).fetchall()
    return value


def of(given: Sequence[Row], place: int, currency: str = "usd") -> list[Fraction]:
    return [Fraction(one[place]) for one in given if one[1] == currency and one[place] is not None]  # type: ignore


def test_the_units_say_how_many_places_there_are() -> None:
    assert PLACES == {
        **{"usd": 2, "reporting currency": 2, "ratio": 6, "percent": 2},
        **{"days": 2, "hours": 2, "stars": 1, "tokens": 8, "points": 2},
    }


@thorough
@given(given=rows, currency=st.sampled_from(["usd", "eur"]))
def test_a_sum_is_exact_and_looks_at_the_reporting_currency_alone(
    connection: duckdb.DuckDBPyConnection, given: list[Row], currency: str
) -> None:
    found = worked(connection, given, measure("reporting currency", "sum(money)"), currency=currency)
    assert Fraction(found) == sum(of(given, 2, currency))


@thorough
@given(given=rows)
def test_a_mean_is_the_fraction_rounded_once(connection: duckdb.DuckDBPyConnection, given: list[Row]) -> None:
    for unit, written, place, over in (
        ("reporting currency", "mean(money)", 2, 1),
        ("stars", "mean(stars)", 4, 1),
        ("days", "mean(waited)", 5, 86_400_000_000),
        ("hours", "mean(waited)", 5, 3_600_000_000),
    ):
        values = of(given, place)
        expected = half_away(sum(values) / len(values) / over, PLACES[unit]) if values else None
        assert worked(connection, given, measure(unit, written)) == expected


@thorough
@given(given=rows, share=st.sampled_from(["0", "0.25", "0.5", "0.9", "0.333", "1"]))
def test_a_percentile_lies_linearly_between_two_neighbours(
    connection: duckdb.DuckDBPyConnection, given: list[Row], share: str
) -> None:
    for unit, column, place, over in (("usd", "dollars", 3, 1), ("hours", "waited", 5, 3_600_000_000)):
        values = sorted(of(given, place))
        expected = None
        if values:
            at = Fraction(share) * (len(values) - 1)
            low = values[int(at)]
            high = values[min(int(at) + 1, len(values) - 1)]
            expected = half_away((low + (at - int(at)) * (high - low)) / over, PLACES[unit])
        assert worked(connection, given, measure(unit, f"percentile({share}, {column})")) == expected


@thorough
@given(given=rows)
def test_a_share_of_rows_is_null_where_there_are_none(connection: duckdb.DuckDBPyConnection, given: list[Row]) -> None:
    ours = [one for one in given if one[1] == "usd"]
    expected = half_away(Fraction(sum(one[0] == "a" for one in ours), len(ours)), 6) if ours else None
    assert worked(connection, given, measure("ratio", "count(*) filter (where kind = 'a') / count(*)")) == expected


@thorough
@given(given=rows, factor=st.integers(0, 1000))
def test_arithmetic_of_measures_is_that_of_fractions(
    connection: duckdb.DuckDBPyConnection, given: list[Row], factor: int
) -> None:
    more = (measure("reporting currency", "sum(money)", "paid"), measure("stars", "mean(stars)", "rated"))
    paid, stars = sum(of(given, 2), Fraction()), of(given, 4)
    rated = sum(stars) / len(stars) if stars else None
    asked = {
        f"{factor} * paid": paid * factor,
        f"paid + {factor}": paid + factor,
        f"paid - rated * {factor}": None if rated is None else paid - rated * factor,
        "(paid - rated) / rated": None if not rated else (paid - rated) / rated,
        "paid / paid": 1 if paid else None,
        "rated / (rated + 1)": None if rated is None else rated / (rated + 1),
        "(rated + paid) - (paid + rated)": None if rated is None else 0,
    }
    for written, value in asked.items():
        expected = None if value is None else half_away(Fraction(value), 6)
        assert worked(connection, given, measure("ratio", written, fact=""), *more) == expected, written


@pytest.mark.parametrize(
    ("number", "over", "places", "expected"),
    [
        (1, 2, 0, 1),
        (-1, 2, 0, -1),
        (5, 1000, 2, "0.01"),
        (-5, 1000, 2, "-0.01"),
        (-4, 1000, 2, "0.00"),
        (25, 100, 1, "0.3"),
        (-25, 100, 1, "-0.3"),
        (1, 0, 6, None),
        (0, -3, 6, "0"),
        (1, -3, 6, "-0.333333"),
        (-2, -3, 6, "0.666667"),
    ],
)
def test_half_is_rounded_away_from_zero_whatever_the_signs(
    number: int, over: int, places: int, expected: str | None
) -> None:
    times = (exp.Paren(this=exp.Literal.number(over)),)
    found = exact.rounded(exact.Fraction(exp.Paren(this=exp.Literal.number(number)), 1, times), places)
    ((value,),) = duckdb.sql(f"select {found.sql('duckdb')}").fetchall()
    assert value == (None if expected is None else Decimal(expected))


def test_money_in_usd_is_null_under_another_reporting_currency(connection: duckdb.DuckDBPyConnection) -> None:
    given: list[Row] = [
        ("a", "eur", Decimal(1), Decimal(2), None, None),
        ("a", "usd", Decimal(1), Decimal(5), None, None),
    ]
    for written in ("sum(dollars)", "mean(dollars)", "percentile(0.5, dollars)", "max(dollars)"):
        asked = measure("usd", written)
        assert worked(connection, given, asked) == Decimal(5)
        assert worked(connection, given, asked, currency="eur") is None


def test_a_measure_of_measures_in_hours_is_not_converted_again(connection: duckdb.DuckDBPyConnection) -> None:
    given: list[Row] = [("a", "usd", None, None, None, hours * 3_600_000_000) for hours in (1, 2, 6)]
    more = (measure("hours", "mean(waited)", "wait"), measure("hours", "percentile(0.5, waited)", "usual"))
    for written, expected in (("wait - usual", 1), ("wait + wait", 6), ("2 * usual", 4)):
        assert worked(connection, given, measure("hours", written, fact=""), *more) == Decimal(expected)
    assert worked(connection, given, measure("hours", "max(waited) - min(waited)")) == Decimal(5)


def test_an_aggregate_may_be_named_twice_and_the_range_of_nothing_is_null(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    given: list[Row] = [("a", "usd", None, Decimal(3), None, None), ("a", "usd", None, Decimal(9), None, None)]
    assert worked(connection, given, measure("ratio", "count(*) / (count(*) + 1)")) == Decimal("0.666667")
    assert worked(connection, given, measure("ratio", "mean(dollars) / mean(dollars)")) == Decimal(1)
    for rows_, expected in ((given, Decimal(6)), ([], None)):
        assert worked(connection, rows_, measure("usd", "max(dollars) - min(dollars)")) == expected


def test_one_of_any_currency_looks_at_all_rows(connection: duckdb.DuckDBPyConnection) -> None:
    given: list[Row] = [("a", "eur", None, None, None, 0), ("a", "usd", None, None, None, 7_200_000_000)]
    asked = measure("hours", "mean(waited)")
    assert worked(connection, given, asked) == Decimal(2)
    assert worked(connection, given, asked.model_copy(update={"any_currency": True})) == Decimal(1)


def test_pairs_are_counted_once_and_only_where_both_are_there(connection: duckdb.DuckDBPyConnection) -> None:
    given: list[Row] = [
        (kind, "usd", None, None, None, wait) for kind, wait in (("a", 1), ("a", 1), ("b", 1), ("b", None))
    ]
    assert worked(connection, given, measure("things", "count(distinct kind, waited)")) == 2
    assert worked(connection, given, measure("things", "count(distinct kind)")) == 2
    assert worked(connection, given, measure("things", "count(waited)")) == 3


def test_a_measure_of_nothing_is_zero_if_it_counts_and_null_if_it_is_a_mean(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    counted = ("count(*)", "count(distinct kind)", "sum(waited)")
    assert [worked(connection, [], measure("things", written)) for written in counted] == [0, 0, 0]
    found = [worked(connection, [], measure("stars", written)) for written in ("mean(stars)", "max(stars)")]
    assert found == [None, None]


def test_the_greater_percentile_is_never_the_smaller_value(connection: duckdb.DuckDBPyConnection) -> None:
    given: list[Row] = [("a", "usd", None, None, Decimal(value).scaleb(-1), None) for value in (50, 10, 31, 0, 10)]
    asked = [measure("stars", f"percentile({share}, stars)") for share in ("0", "0.1", "0.5", "0.77", "1")]
    found = [worked(connection, given, one) for one in asked]
    assert all(low <= high for low, high in pairwise(found))
    assert (found[0], found[2], found[-1]) == (Decimal(0), Decimal(1), Decimal(5))
