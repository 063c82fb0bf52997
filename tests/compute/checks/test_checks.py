"""The checks as a whole, and what running, judging and recording them does."""

from __future__ import annotations

import json
from datetime import datetime

import duckdb
import pytest
from hypothesis import HealthCheck, given, strategies
from hypothesis import settings as hypothesis_settings

from si_analytics.compute import checks, metrics
from si_analytics.errors import CheckFailedError, MissingTableError, UnknownNameError
from tests import model
from tests.support import warehouses
from tests.support.duck import AS_OF, Duck, key
from tests.support.worlds import as_ofs, marketplaces

BLOCKING = {
    *("duplicate_keys", "fact_keys", "infinite_times", "leaderboard_copies", "leaderboard_totals", "metric_keys"),
    "values_too_large",
}
WARNINGS = {
    *("accepted_before_sent", "commission_to_non_agents", "completed_before_created", "completed_without_time"),
    *(
        "dangling_ids",
        "negative_amounts",
        "null_amounts",
        "null_event_times",
        "other_currencies",
        "released_beyond_lock",
    ),
    *("deals_and_money_disagree", "payments_entered_twice", "released_without_transaction", "repeated_reviews"),
    *("self_referrals", "shared_recruits", "times_before_2000"),
    "values_nearly_too_large",
}


def test_every_check_is_there_with_the_severity_of_the_contract() -> None:
    severities = {name: checks.severity(name) for name in checks.names()}
    assert severities == dict.fromkeys(BLOCKING, "blocking") | dict.fromkeys(WARNINGS, "warning")


def test_checks_of_raw_rows_can_run_before_any_metric_is_computed(duck: Duck) -> None:
    early = {name for name in checks.names() if checks.reads_only_raw(name)}
    of_metrics = {"fact_keys", "leaderboard_copies", "leaderboard_totals", "metric_keys", "values_too_large"}
    assert early == (BLOCKING | WARNINGS) - of_metrics - {"values_nearly_too_large"}
    assert all(duck.check(name).passed for name in early)


def test_an_empty_marketplace_passes_every_check(duck: Duck) -> None:
    duck.compute()
    assert [name for name in checks.names() if not duck.check(name).passed] == []


def test_no_check_shows_anything_but_keys_times_numbers_and_names_of_columns(duck: Duck) -> None:
    duck.compute()
    for name in checks.names():
        check = checks.of(name)
        values = metrics.Parameters.all_time(AS_OF, "usd", "UTC").bound()
        found = duck.connection.sql(check.text, params=metrics.bindings(duck.connection, check, values))
        texts = {column for column, kind in zip(found.columns, found.types, strict=True) if str(kind) == "VARCHAR"}
        # key of fact_keys is an id, or ids with blanks between them
        # value of infinite_times is 'infinity' or '-infinity'
        # deal_status of deals_and_money_disagree is cancelled or completed
        assert texts <= {"table_name", "column_name", "key", "metric", "currency", "value", "deal_status"}, name


@hypothesis_settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(world=marketplaces(), as_of=as_ofs(), currency=strategies.sampled_from(["usd", "eur"]))
def test_metrics_just_computed_pass_every_blocking_check_on_any_small_marketplace(
    connection: duckdb.DuckDBPyConnection, world: model.World, as_of: datetime, currency: str
) -> None:
    """Among them leaderboard_totals, which adds the deals up another way than the leaderboard."""
    with Duck(connection).undone() as duck:
        warehouses.fill(connection, world)
        duck.compute(as_of=as_of, currency=currency)
        for name in BLOCKING:
            assert duck.found(name, as_of=as_of, currency=currency) == [], name


def test_a_check_shows_the_first_ten_rows_and_counts_them_all(duck: Duck) -> None:
    for number in range(25, 0, -1):
        duck.add("referrals", id=key(number), agent_id=key(1), recruited_user_id=key(1))
    result = duck.check("self_referrals")
    assert (result.name, result.severity, result.passed) == ("self_referrals", "warning", False)
    assert result.summary == "an agent recruited themselves."
    assert (result.rows, [row["referral_id"] for row in result.sample]) == (25, [key(n) for n in range(1, 11)])
    assert result.seconds > 0


def test_a_check_of_a_name_there_is_none_of_is_refused(duck: Duck) -> None:
    with pytest.raises(UnknownNameError, match=r"check 'self_referal'.*Did you mean 'self_referrals'\?"):
        duck.check("self_referal")


def test_a_check_of_a_table_that_is_not_there_names_it() -> None:
    with duckdb.connect() as connection, pytest.raises(MissingTableError) as caught:
        checks.run(connection, "self_referrals", {"as_of": AS_OF})
    assert str(caught.value) == (
        "check 'self_referrals': it reads raw.referrals, which this warehouse does not hold. Fill it first: si refresh"
    )


def test_blocking_checks_that_found_rows_are_told_in_one_sentence(duck: Duck) -> None:
    for _ in range(2):
        duck.add("deals", id=key(7), created_at="infinity", completed_at=None)
    for number in (1, 2, 3):
        duck.add("gigs", id=key(number), created_at="-infinity")
    duck.add("referrals", agent_id=key(1), recruited_user_id=key(1))
    results = [duck.check(name) for name in ("duplicate_keys", "infinite_times", "self_referrals")]
    with pytest.raises(CheckFailedError) as caught:
        checks.require_passed(results)
    time = "column_name created_at key 00000000-0000-0000-0000-00000000000"
    assert str(caught.value) == (
        "checking the refresh: duplicate_keys found 1 row (table_name deals key"
        " 00000000-0000-0000-0000-000000000007 copies 2); infinite_times found 5 rows"
        f" (table_name deals {time}7 value infinity, table_name deals {time}7 value infinity,"
        f" table_name gigs {time}1 value -infinity, and 2 more)."
        " Nothing was published. Let each key stand once: add a primary key that si schema diff misses, or mend the"
        " view shown in its place."
        " Give these rows a real time, or none, in Postgres"
    )


def test_warnings_and_checks_that_found_nothing_stop_nothing(duck: Duck) -> None:
    duck.add("referrals", agent_id=key(1), recruited_user_id=key(1))
    results = [duck.check(name) for name in ("duplicate_keys", "self_referrals")]
    assert [result.rows for result in results] == [0, 1]
    checks.require_passed(results)


def test_what_checks_found_is_kept_for_each_refresh(duck: Duck) -> None:
    referral = duck.add("referrals", agent_id=key(1), recruited_user_id=key(1))
    results = [duck.check(name) for name in ("duplicate_keys", "self_referrals")]
    checks.record(duck.connection, key(100), results)
    checks.record(duck.connection, key(101), results[:1])
    rows = duck.connection.sql(
        "select refresh_id, check_name, severity, rows, summary, cast(sample as varchar), seconds from meta.checks"
        " order by refresh_id, check_name"
    ).fetchall()
    assert [row[:4] for row in rows] == [
        (key(100), "duplicate_keys", "blocking", 0),
        (key(100), "self_referrals", "warning", 1),
        (key(101), "duplicate_keys", "blocking", 0),
    ]
    assert (rows[1][4], rows[1][6]) == (results[1].summary, results[1].seconds)
    assert json.loads(rows[1][5]) == [
        {
            **{"referral_id": str(referral), "agent_id": str(key(1)), "is_active": True},
            "recruited_at": "2025-06-01 00:00:00+00:00",
        }
    ]
