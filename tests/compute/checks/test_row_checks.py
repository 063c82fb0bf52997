"""Which checks judge each row by itself is told from their queries."""

from __future__ import annotations

import random
from typing import Any

import duckdb
import pytest

from si_analytics.compute import checks, metrics, row_checks
from si_analytics.definitions import project
from tests.support import warehouses
from tests.support.crowds import crowd
from tests.support.duck import Duck
from tests.support.moments import AS_OF

WORLDS = {"crowd 1": crowd(1), "crowd 2": crowd(2)}
ALONE = (
    *("accepted_before_sent", "completed_before_created", "completed_without_time", "infinite_times"),
    *("negative_amounts", "null_amounts", "null_event_times", "self_referrals", "times_before_2000"),
)
OF_METRICS = ("values_nearly_too_large", "values_too_large")
TIMES = ("infinity", "1999-12-31 00:00:00+00", "2020-02-02 00:00:00+00", None)


def judged(text: str) -> tuple[row_checks.Judged, ...]:
    return row_checks.judged(project(), checks.of("self_referrals").model_copy(update={"text": text}))


def found(connection: duckdb.DuckDBPyConnection, name: str) -> set[tuple[Any, ...]]:
    """The rows that a check finds: what says which table, if anything does, the key, and the rest."""
    check = checks.of(name)
    values = metrics.Parameters.all_time(AS_OF, "usd", "Europe/Berlin").bound()
    rows = connection.sql(check.text, params=metrics.bindings(connection, check, values))
    return set(rows.fetchall())


def test_checks_of_rows_are_told_from_checks_of_several() -> None:
    alone = {check.name for check in checks.every() if row_checks.judged(project(), check)}
    assert alone == {*ALONE, *OF_METRICS}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("world", WORLDS)
def test_of_some_of_the_rows_such_a_check_finds_what_it_finds_of_them_among_all(
    duck: Duck, world: str, seed: int
) -> None:
    """Some times are infinite, early or missing, some amounts negative; then every other row or so is gone."""
    connection = duck.connection
    warehouses.fill(connection, WORLDS[world])
    drawn = random.Random(seed)
    for table, column in duck.columns("TIMESTAMP WITH TIME ZONE"):
        connection.execute(
            f"update raw.{table} set {column} = cast($1 as timestamptz) where hash(rowid, $2) % 3 = 0",
            [drawn.choice(TIMES), seed],
        )
    connection.execute("update raw.deals set amount = -amount where hash(id, $1) % 5 = 0", [seed])
    connection.execute("update raw.transactions set amount = null where hash(id, $1) % 5 = 0", [seed])
    before = {name: found(connection, name) for name in ALONE}
    for one in project().sources.values():
        connection.execute(f"delete from raw.{one.name} where hash({one.key}, $1) % 2 = 0", [seed])
    keys = {
        key
        for one in project().sources.values()
        for (key,) in connection.table(f"raw.{one.name}").select(one.key).fetchall()
    }
    for name in ALONE:
        shown = connection.sql(checks.of(name).text, params=_bound(connection, name)).columns
        at = shown.index(row_checks.judged(project(), checks.of(name))[0].column)
        assert found(connection, name) == {row for row in before[name] if row[at] in keys}, name
    assert sum(map(bool, before.values())) > 4


def _bound(connection: duckdb.DuckDBPyConnection, name: str) -> dict[str, Any]:
    values = metrics.Parameters.all_time(AS_OF, "usd", "Europe/Berlin").bound()
    return metrics.bindings(connection, checks.of(name), values)


@pytest.mark.parametrize(
    "text",
    [
        "select id, amount from raw.deals where amount < 0",
        "with final as (select id, amount from raw.deals where amount < 0) select * from final order by id",
        "with early as (select id, amount from raw.deals), final as (select id from early where amount < 0)"
        " select * from final",
    ],
)
def test_a_choice_of_rows_of_one_table_judges_each_by_itself(text: str) -> None:
    assert judged(text) == (row_checks.Judged("raw.deals", "id"),)


def test_the_key_may_be_called_otherwise_and_each_part_has_a_table_of_its_own() -> None:
    text = "select id as key from raw.deals union all select user_id as key from raw.agent_profiles"
    assert judged(text) == (row_checks.Judged("raw.deals", "key"), row_checks.Judged("raw.agent_profiles", "key"))


@pytest.mark.parametrize(
    "text",
    [
        "select amount from raw.deals",
        "select amount as id from raw.deals",
        "select count(*) as id from raw.deals",
        "select id from raw.deals group by id",
        "select distinct id from raw.deals",
        "select id from raw.deals order by amount limit 3",
        "select id from raw.deals qualify row_number() over (order by amount) = 2",
        "select id, lag(amount) over (order by created_at) as before from raw.deals",
        "select id from raw.deals where amount > (select avg(amount) from raw.deals)",
        "select id from raw.deals where gig_id in (select id from raw.gigs)",
        "select deals.id from raw.deals as deals left join raw.gigs as gigs on deals.gig_id = gigs.id",
        "select id, unnest(participants) as who from raw.conversations",
        "select id from raw.deals union all select deals.id from raw.deals as deals, raw.gigs as gigs",
        "select id from raw.deals except select id from raw.deals where amount > 0",
        "select id from raw.deals intersect select deal_id as id from raw.user_reviews",
        "select id from raw.deals using sample 10",
        "with recursive more as (select id from raw.deals union all select * from more) select * from more",
        "with some as (select id from raw.deals limit 5) select * from some",
        "with some as (select id, count(*) over () as n from raw.deals) select id from some",
        "select agent_id from metrics.agent_leaderboard where agent_id in (select id from raw.users)",
    ],
)
def test_what_depends_on_other_rows_or_hides_the_key_is_told(text: str) -> None:
    assert judged(text) == ()
