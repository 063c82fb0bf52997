"""Numbers that others published or compute, met by ours. Each test names where its numbers are from."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import duckdb
import polars as pl
import psycopg
import pytest

from si_analytics.compute import metrics, statistics
from si_analytics.settings import Settings
from tests.support import warehouses
from tests.support.worlds import AS_OF, START, Build, at, only


@pytest.fixture(scope="module")
def source(
    create_database: Callable[..., str], schema_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    """An operational database without rows."""
    home = tmp_path_factory.mktemp("references")
    values = {"postgres_url": create_database(schema_template), "home": home, "warehouse": home / "warehouse.duckdb"}
    return Settings(_env_file=None, **values)  # type: ignore[arg-type, call-arg]


@pytest.fixture(scope="module")
def raw(source: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse without rows, its raw tables as an extraction makes them."""
    connection = warehouses.in_memory(warehouses.raw_definitions(source))
    yield connection
    connection.close()


def accepted(raw: duckdb.DuckDBPyConnection, *journeys: tuple[str, str | None], **asked: Any) -> tuple[Any, Any]:
    """The stages sent and accepted of invites with these two times."""
    build = Build()
    agent = build.agent()
    for sent, answered in journeys:
        build.invite(agent, sent_at=at(sent), accepted_at=at(answered) if answered else None)
    warehouses.fill(raw, build.world)
    rows = warehouses.funnel(raw, "invite", AS_OF, **asked)
    return only(rows, stage="sent"), only(rows, stage="accepted")


@pytest.mark.parametrize(
    ("journeys", "mean_seconds", "median_hours"),
    [
        ([("12:00", "13:00"), ("14:00", "16:00"), ("14:00", "16:00")], 6000, "2.00"),
        ([("13:00", "15:00"), ("16:00", "17:00")], 5400, "1.50"),
    ],
)
def test_times_to_convert_are_those_of_posthog(
    raw: duckdb.DuckDBPyConnection, journeys: list[tuple[str, str]], mean_seconds: int, median_hours: str
) -> None:
    """PostHog, conversion_time_cases.py, step conversion times: signing up to playing, 1, 2 and 2 hours, has a
    mean of 6000 s and a median of 7200 s; playing to buying, 2 hours and 1, has 5400 s for both.

    The mean is read where ours has one, the agent's average_conversion_time, which is in days with two decimals:
    there every hour of waiting is taken as a day.
    """
    days = [(f"2020-01-01 {sent}", f"2020-01-01 {answered}") for sent, answered in journeys]
    sent, converted = accepted(raw, *days)
    assert (sent["median_hours_from_start"], converted["median_hours_from_start"]) == (None, Decimal(median_hours))
    build = Build()
    agent = build.agent()
    for start, end in days:
        wait = (at(end) - at(start)) * 24  # an hour becomes a day
        build.invite(agent, sent_at=at(start), accepted_at=at(start) + wait)
    warehouses.fill(raw, build.world)
    found = warehouses.compute_all(raw, warehouses.all_time(AS_OF))["agent_performance_metrics"]
    exact = Decimal(mean_seconds) / 3600
    assert found[0]["average_conversion_time"] == exact.quantize(Decimal("0.01"), ROUND_HALF_UP)


@pytest.mark.parametrize(
    ("within", "reached", "hours"),
    [
        (timedelta(days=14), 2, "0.17"),
        (timedelta(minutes=5), 1, "0.08"),
        (timedelta(minutes=5, microseconds=-1), 0, None),
    ],
)
def test_the_conversion_window_includes_its_last_moment_as_posthogs_does(
    raw: duckdb.DuckDBPyConnection, within: timedelta, reached: int, hours: str | None
) -> None:
    """PostHog, conversion_time_cases.py, different conversion windows: three sign up, one views a page after
    exactly 5 minutes, one after 15, one never. Within 14 days two convert, after 600 s; within 5 minutes one,
    after 300 s. The third case is ours: a microsecond less, and nobody does.
    """
    sent, converted = accepted(
        raw,
        ("2020-01-02 14:00", "2020-01-02 14:05"),
        ("2020-01-02 14:03", None),
        ("2020-01-02 12:00", "2020-01-02 12:15"),
        within=within,
    )
    assert (sent["reached"], converted["reached"]) == (3, reached)
    assert converted["median_hours_from_start"] == (hours and Decimal(hours))


@pytest.mark.parametrize(("positive", "total", "published"), [(209, 259, "0.7545"), (118, 143, "0.7546")])
def test_wilsons_lower_bound_is_the_one_evan_millers_readers_computed(
    positive: int, total: int, published: str
) -> None:
    """Evan Miller, "How Not To Sort By Average Rating"; what its formula gives for 209 up and 50 down, and for 118
    up and 25 down, as published in the answer "How To Sort By Average Rating"."""
    assert statistics.wilson_interval(positive, total)[0].quantize(Decimal("0.0001")) == Decimal(published)


@pytest.mark.parametrize(
    ("positive", "total", "low", "high"),
    [
        (81, 263, "0.2553", "0.3662"),
        (15, 148, "0.0624", "0.1605"),
        (0, 20, "0.0000", "0.1611"),
        (1, 29, "0.0061", "0.1718"),
    ],
)
def test_wilsons_interval_is_that_of_newcombes_table(positive: int, total: int, low: str, high: str) -> None:
    """R. G. Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 3: four shares at 95 %."""
    found = tuple(bound.quantize(Decimal("0.0001")) for bound in statistics.wilson_interval(positive, total))
    assert found == (Decimal(low), Decimal(high))


@pytest.mark.parametrize(
    ("first", "second", "published"),
    [((5, 83), (12, 99), "0.159"), ((28, 254), (36, 301), "0.7307"), ((56, 195), (251, 605), "0.0014")],
)
def test_the_z_test_gives_published_p_values(first: tuple[int, int], second: tuple[int, int], published: str) -> None:
    """statsmodels, documentation of proportions_ztest: 5 of 83, 12 of 99. A textbook exercise: 28 of 254, 36 of 301.
    Time's poll on a cigarette tax, smokers and others: 56 of 195, 251 of 605, z = -3.19, one-sided 0.0007.

    And each is what the normal distribution says of z over the pooled standard error.
    """
    from scipy import stats  # which takes a second to import: not where tests are only collected

    found = statistics.p_value(first, second)
    assert found is not None
    assert found.quantize(Decimal(published)) == Decimal(published)
    pooled = (first[0] + second[0]) / (first[1] + second[1])
    error = math.sqrt(pooled * (1 - pooled) * (1 / first[1] + 1 / second[1]))
    z = (first[0] / first[1] - second[0] / second[1]) / error
    assert float(found) == pytest.approx(2 * stats.norm.sf(abs(z)), abs=5e-7)


@pytest.mark.parametrize(("fives", "published"), [(2, "7.7"), (3, "7.9"), (4, "8.1")])
def test_a_brand_starts_from_the_middle_as_on_trustpilot(
    raw: duckdb.DuckDBPyConnection, fives: int, published: str
) -> None:
    """Trustpilot's support pages: every score contains 7 reviews worth 7.0 of 10, and stars 1 to 5 are worth 0 to
    10. A business that got five stars only was shown 7.7, 7.9, 8.1 after the second, third and fourth.

    Ours contains 5 reviews worth the mean of all. 7.0 of 10 are 3.8 stars: two such reviews of the brand's own,
    and another brand that keeps the mean of all at 3.8 (2.6 for each 5), make the seven.
    """
    build = Build()
    brand, other, author = build.sponsor(), build.sponsor(), build.influencer()
    for rating in ["3.8", "3.8", *["5.0"] * fives]:
        build.review(author, brand, rating)
    for _ in range(fives):
        build.review(author, other, "2.6")
    warehouses.fill(raw, build.world)
    rows = warehouses.rows_of(metrics.evaluate(raw, "brand_reputations", warehouses.all_time(AS_OF)))
    score = only(rows, sponsor_id=brand)["reputation_score"]
    assert ((score - 1) * Decimal("2.5")).quantize(Decimal("0.1"), ROUND_HALF_UP) == Decimal(published)


def test_median_and_p90_are_those_of_polars_and_of_postgres(raw: duckdb.DuckDBPyConnection, source: Settings) -> None:
    """Waits of 37 x 1, 4, 9, ... minutes: no two neighbours lie equally far apart, so that each definition of a
    percentile gives another number. Ours is Postgres's percentile_cont and polars' linear interpolation."""
    query = "select percentile_cont(array[0.5, 0.9]) within group (order by hours) from unnest(%s::float8[]) as hours"
    assert source.postgres_url is not None
    with psycopg.connect(source.postgres_url.get_secret_value()) as postgres:
        for count in (1, 2, 3, 10, 11, 17):
            minutes = [number**2 * 37 for number in range(1, count + 1)]
            build = Build()
            agent = build.agent()
            for wait in minutes:
                build.invite(agent, sent_at=START, accepted_at=START + timedelta(minutes=wait))
            warehouses.fill(raw, build.world)
            row = only(warehouses.funnel(raw, "invite", AS_OF), stage="accepted")
            found = [float(row["median_hours_from_start"]), float(row["p90_hours_from_start"])]
            hours = pl.Series([wait / 60 for wait in minutes])
            (continuous,) = postgres.execute(query, [hours.to_list()]).fetchone() or [None]
            assert [hours.quantile(part, interpolation="linear") for part in (0.5, 0.9)] == pytest.approx(continuous)
            assert found == pytest.approx(continuous, abs=0.005 + 1e-9), count
