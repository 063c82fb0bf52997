"""A refresh from end to end: Postgres to warehouse to Postgres, on worlds small enough to add up."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from si_analytics import refresh, sample, schema, warehouse
from si_analytics.compute import metrics
from si_analytics.errors import (
    AnalyticsError,
    CheckFailedError,
    ExtractError,
    SchemaError,
    ServerError,
    SettingsError,
    UsageError,
    WarehouseError,
)
from si_analytics.query import warehouse as query_warehouse
from si_analytics.settings import Settings
from tests import model
from tests.support import warehouses, worlds
from tests.support.comparing import differences
from tests.support.published_tables import (
    assert_published,
    connection_to,
    small_world,
)
from tests.support.worlds import AS_OF, Build, only

"""What Postgres shows: the relation, the metric it comes from, and an order for it."""


@pytest.fixture(scope="module")
def sampled(
    create_database: Callable[..., str], schema_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    """A refreshed sample marketplace, shared by the tests that only read it."""
    home = tmp_path_factory.mktemp("sampled")
    settings = Settings(
        _env_file=None, postgres_url=create_database(schema_template), home=home, warehouse=home / "w.duckdb"
    )  # type: ignore[arg-type, call-arg]
    sample.generate(settings, scale=0.1, seed=7)
    refresh.run(settings, as_of=sample.END)
    return settings


def test_a_sampled_marketplace_is_published_as_the_model_says(sampled: Settings) -> None:
    with connection_to(sampled) as postgres:
        assert_published(postgres, worlds.read(postgres), sample.END)


def test_the_warehouse_of_a_sampled_marketplace_equals_the_model(sampled: Settings) -> None:
    with connection_to(sampled) as postgres:
        world = worlds.read(postgres)
    with duckdb.connect(str(sampled.warehouse), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        for name in sorted(set(metrics.names()) & set(model.METRICS)):
            found = warehouses.rows_of(connection.table(f"metrics.{name}"))
            assert differences(model.METRICS[name](world, sample.END), found) == [], name


def test_a_commission_is_counted_once_however_many_deals_the_recruits_have(
    settings: Settings, postgres: psycopg.Connection
) -> None:
    """One agent, one recruit, three deals, one commission of 10.00: earnings are 10.00, not 30.00."""
    worlds.insert(postgres, small_world().world)
    refresh.run(settings, as_of=AS_OF)
    row = postgres.execute(
        "select total_referrals, total_deals, total_earnings, rank from agent_leaderboard"
    ).fetchone()
    assert row == (1, 3, Decimal("10.00"), 1)


def test_a_second_refresh_writes_no_row_and_moves_no_updated_at(
    settings: Settings, postgres: psycopg.Connection
) -> None:
    worlds.insert(postgres, small_world().world)
    first = refresh.run(settings, as_of=AS_OF)
    before = postgres.execute("select max(updated_at) from users").fetchone()
    second = refresh.run(settings, as_of=AS_OF)
    assert first.rows_written > 0
    assert second.rows_written == 0
    assert postgres.execute("select max(updated_at) from users").fetchone() == before


def test_only_the_rows_that_differ_are_written(settings: Settings, postgres: psycopg.Connection) -> None:
    """Two agents; one earns 5.00 more: its leaderboard, performance and profile rows change, and both ranks."""
    build = small_world()
    other = build.agent()
    worlds.insert(postgres, build.world)
    refresh.run(settings, as_of=AS_OF)
    agent = only(build.world["agent_profiles"], user_id=build.world["agent_profiles"][0]["user_id"])["user_id"]
    postgres.execute(
        "insert into transactions (type, to_user_id, amount, currency, status, created_at)"
        " values ('agent_commission', %s, 5, 'usd', 'completed', %s)",
        [agent, AS_OF - timedelta(days=1)],
    )
    report = refresh.run(settings, as_of=AS_OF)
    assert report.changed["agent_leaderboard"] == 1
    assert report.changed["agent_performance_metrics"] == 1
    assert report.changed["agent_profiles"] == 1
    assert report.changed["users"] == 0
    assert other != agent


def test_rows_at_as_of_do_not_exist_yet_and_those_a_microsecond_before_do(
    settings: Settings, postgres: psycopg.Connection
) -> None:
    build = Build()
    agent = build.agent()
    build.transaction(agent, amount=Decimal("1.00"), created_at=AS_OF)
    build.transaction(agent, amount=Decimal("2.00"), created_at=AS_OF - timedelta(microseconds=1))
    worlds.insert(postgres, build.world)
    refresh.run(settings, as_of=AS_OF)
    assert postgres.execute("select total_earnings from agent_leaderboard").fetchone() == (Decimal("2.00"),)


def test_an_empty_schema_refreshes_to_empty_boards_and_full_funnels(
    settings: Settings, postgres: psycopg.Connection
) -> None:
    report = refresh.run(settings, as_of=AS_OF)
    assert report.metrics["agent_leaderboard"] == 0
    assert postgres.execute("select count(*), sum(reached) from conversion_funnels").fetchone() == (30, 0)
    assert postgres.execute("select count(*) from agent_performance_metrics").fetchone() == (0,)


def test_an_agent_with_nothing_has_a_row_of_zeros(settings: Settings, postgres: psycopg.Connection) -> None:
    build = Build()
    build.agent()
    worlds.insert(postgres, build.world)
    refresh.run(settings, as_of=AS_OF)
    found = postgres.execute(
        "select total_deals, total_referrals, verified_referrals, total_earnings, average_conversion_time,"
        " response_time, satisfaction_score, performance_score, last_calculated_at from agent_performance_metrics"
    ).fetchone()
    # A lone agent gets half of what it has: earnings and deals, 0.30 and 0.20.
    assert found == (0, 0, 0, Decimal("0.00"), None, None, None, Decimal("25.00"), AS_OF)


def test_who_is_no_longer_an_agent_or_sponsor_disappears(settings: Settings, postgres: psycopg.Connection) -> None:
    build = Build()
    agent, sponsor = build.agent(), build.sponsor()
    worlds.insert(postgres, build.world)
    refresh.run(settings, as_of=AS_OF)
    postgres.execute("delete from agent_profiles where user_id = %s", [agent])
    postgres.execute("update users set role = 'influencer' where id = %s", [sponsor])
    refresh.run(settings, as_of=AS_OF)
    for relation in ("agent_performance_metrics", "agent_leaderboard", "brand_reputations", "brand_leaderboard"):
        assert postgres.execute(f"select count(*) from {relation}").fetchone() == (0,), relation


def test_a_figure_that_drops_to_nothing_is_written_as_zero(settings: Settings, postgres: psycopg.Connection) -> None:
    worlds.insert(postgres, small_world().world)
    refresh.run(settings, as_of=AS_OF)
    postgres.execute("delete from transactions")
    refresh.run(settings, as_of=AS_OF)
    assert postgres.execute("select total_earnings from agent_profiles").fetchone() == (Decimal("0.00"),)
    assert postgres.execute("select total_earnings from agent_performance_metrics").fetchone() == (Decimal("0.00"),)


def test_without_as_of_the_snapshot_s_own_time_counts(settings: Settings, postgres: psycopg.Connection) -> None:
    before = postgres.execute("select clock_timestamp()").fetchone()
    report = refresh.run(settings)
    after = postgres.execute("select clock_timestamp()").fetchone()
    assert before is not None and after is not None
    assert before[0] <= report.as_of <= after[0]


def test_a_refresh_tells_listeners_what_changed(settings: Settings, postgres: psycopg.Connection) -> None:
    worlds.insert(postgres, small_world().world)
    postgres.execute("listen si_metrics")
    report = refresh.run(settings, as_of=AS_OF)
    told = json.loads(next(postgres.notifies(timeout=10, stop_after=1)).payload)
    assert told["refresh_id"] == str(report.refresh_id)
    assert datetime.fromisoformat(told["as_of"]) == AS_OF
    assert told["changed"] == report.changed
    recorded = postgres.execute("select refresh_id, as_of, changed from analytics.refreshes").fetchall()
    assert recorded == [(report.refresh_id, AS_OF, report.changed)]


def test_the_warehouse_records_what_each_refresh_read_and_keeps_the_record(
    settings: Settings, postgres: psycopg.Connection
) -> None:
    worlds.insert(postgres, small_world().world)
    refresh.run(settings, as_of=AS_OF - timedelta(days=1))
    refresh.run(settings, as_of=AS_OF)
    with query_warehouse.connect(settings) as opened:
        assert opened.sql("select count(*) as n from meta.refreshes")["n"].item() == 2
        assert opened.sql("select count(distinct as_of_date) as n from history.agent_leaderboard")["n"].item() == 2
        extracts = opened.sql(
            "select rows, money from meta.extracts where table_name = 'transactions' and refresh_id = $id",
            id=opened.refresh_id,
        )
        assert extracts.rows() == [(1, Decimal("10.00"))]


def test_an_outside_server_works_for_a_role_that_merely_owns_its_database(
    make_settings: Callable[..., Settings], outside_server: Any
) -> None:
    """Schema, sample, two refreshes over TCP with a password; the second refresh writes nothing."""
    role, password = outside_server.create_role()
    settings = make_settings(outside_server.url_of(outside_server.create_database(role), role, password))
    schema.apply(settings)
    sample.generate(settings, scale=0.02, seed=3)
    assert refresh.run(settings, as_of=sample.END).rows_written > 0
    assert refresh.run(settings, as_of=sample.END).rows_written == 0
    with connection_to(settings) as postgres:
        assert_published(postgres, worlds.read(postgres), sample.END)


def test_times_before_our_era_and_names_full_of_signs_arrive_as_they_are(
    settings: Settings, postgres: psycopg.Connection
) -> None:
    build = Build()
    name = 'a,"b"\r\n\\.\t\u202e<i>\U0001f98a \'=1+1'
    agent = build.agent(name=name, avatar="")
    build.invite(agent, sent_at=AS_OF - timedelta(days=1))
    worlds.insert(postgres, build.world)
    postgres.execute("update invites set opened_at = '0044-03-15 12:00:00+00 BC'")
    refresh.run(settings, as_of=AS_OF)
    assert postgres.execute("select agent_name, avatar from agent_leaderboard").fetchone() == (name, "")
    opened = postgres.execute("select last_opened_at::text from contact_engagement").fetchone()
    assert opened == ("0044-03-15 12:00:00+00 BC",)


def test_a_warehouse_that_is_no_warehouse_is_named_and_left_alone(settings: Settings) -> None:
    settings.warehouse.parent.mkdir(parents=True)
    settings.warehouse.write_bytes(b"something else entirely, not a database")
    assert "no DuckDB file" in failed_without_trace(settings, None, WarehouseError)


def failed_without_trace(settings: Settings, postgres: psycopg.Connection | None, error: type[AnalyticsError]) -> str:
    """Refresh, expect `error`, and find neither a working file nor a publication; the error's sentence."""
    before = settings.warehouse.read_bytes() if settings.warehouse.exists() else None
    with pytest.raises(error) as caught:
        refresh.run(settings, as_of=AS_OF)
    assert not warehouse.working_path(settings).exists()
    assert (settings.warehouse.read_bytes() if settings.warehouse.exists() else None) == before
    if postgres is not None:
        assert postgres.execute("select count(*) from analytics.refreshes").fetchone() == (0,)
    return str(caught.value)


def test_an_unreachable_server_is_one_sentence(make_settings: Callable[..., Settings]) -> None:
    settings = make_settings("postgresql://someone:hidden-word@127.0.0.1:1/nowhere")
    message = failed_without_trace(settings, None, ServerError)
    assert "connecting to postgresql://someone@127.0.0.1:1/nowhere" in message
    assert "hidden-word" not in message


def test_a_wrong_password_is_one_sentence_that_does_not_hold_it(
    make_settings: Callable[..., Settings], outside_server: Any
) -> None:
    settings = make_settings(outside_server.url_of("postgres", password="not-the-word"))
    message = failed_without_trace(settings, None, ServerError)
    assert "password authentication failed" in message
    assert "not-the-word" not in message


def test_an_address_that_is_none_is_refused(make_settings: Callable[..., Settings]) -> None:
    assert "postgresql://" in failed_without_trace(make_settings("mysql://x/y"), None, SettingsError)


def test_a_missing_table_is_named(settings: Settings, postgres: psycopg.Connection) -> None:
    postgres.execute("drop table gig_comparisons cascade")
    message = failed_without_trace(settings, postgres, SchemaError)
    assert "gig_comparisons" in message
    assert "si schema apply" in message


def test_a_sum_that_does_not_fit_its_column_is_refused_before_anything_is_written(
    settings: Settings, postgres: psycopg.Connection
) -> None:
    """agent_profiles.total_earnings holds less than 100,000,000; this agent earned that much."""
    build = Build()
    agent = build.agent()
    build.transaction(agent, amount=Decimal("100000000.00"))
    worlds.insert(postgres, build.world)
    message = failed_without_trace(settings, postgres, CheckFailedError)
    assert str(agent) in message
    assert "100000000.0" in message
    assert postgres.execute("select total_earnings from agent_profiles").fetchone() == (Decimal("0.00"),)


def test_an_amount_that_is_no_number_is_refused_and_its_row_named(
    settings: Settings, postgres: psycopg.Connection
) -> None:
    build = small_world()
    worlds.insert(postgres, build.world)
    row = postgres.execute("update transactions set amount = 'NaN' returning id").fetchone()
    assert row is not None
    message = failed_without_trace(settings, postgres, ExtractError)
    assert "transactions.amount" in message
    assert str(row[0]) in message


def test_an_infinite_time_is_refused_and_its_row_named(settings: Settings, postgres: psycopg.Connection) -> None:
    worlds.insert(postgres, small_world().world)
    row = postgres.execute("update transactions set created_at = '-infinity' returning id").fetchone()
    assert row is not None
    assert str(row[0]) in failed_without_trace(settings, postgres, CheckFailedError)


def test_weights_that_do_not_sum_to_one_are_refused(settings: Settings) -> None:
    weights = {**metrics.DEFAULT_WEIGHTS, "total_deals": Decimal("0.30")}
    with pytest.raises(UsageError, match=r"sum to 1\.10"):
        refresh.run(settings, as_of=AS_OF, weights=weights)


def test_other_weights_give_other_scores(settings: Settings, postgres: psycopg.Connection) -> None:
    worlds.insert(postgres, small_world().world)
    weights = {name: Decimal(int(name == "total_deals")) for name in metrics.DEFAULT_WEIGHTS}
    refresh.run(settings, as_of=AS_OF, weights=weights)
    assert postgres.execute("select performance_score from agent_performance_metrics").fetchone() == (Decimal("50.00"),)


def test_what_a_dead_refresh_left_is_swept_by_the_next(settings: Settings, postgres: psycopg.Connection) -> None:
    worlds.insert(postgres, small_world().world)
    settings.warehouse.parent.mkdir(parents=True)
    working = warehouse.working_path(settings)
    working.write_bytes(b"half a file")
    working.with_name(working.name + ".wal").write_bytes(b"half a log")
    working.with_name(working.name + ".tmp").mkdir()
    (working.with_name(working.name + ".tmp") / "spilled").write_bytes(b"half a sort")
    refresh.run(settings, as_of=AS_OF)
    assert [path.name for path in settings.warehouse.parent.glob("*.working*")] == []
    with query_warehouse.connect(settings) as opened:
        assert opened.as_of == AS_OF


def test_a_second_refresh_at_the_same_time_waits_or_says_who_works(settings: Settings) -> None:
    with (
        warehouse.writer_lock(settings),
        pytest.raises(WarehouseError, match="another refresh"),
        warehouse.writer_lock(settings, seconds=0.1),
    ):
        pytest.fail("two refreshes hold one warehouse")


def test_a_folder_that_cannot_be_written_is_one_sentence(
    settings: Settings, make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    """A file stands where the warehouse's folder should be."""
    (tmp_path / "taken").write_text("")
    assert settings.postgres_url is not None
    blocked = make_settings(settings.postgres_url.get_secret_value(), warehouse=tmp_path / "taken" / "w.duckdb")
    with pytest.raises(WarehouseError, match="writing the warehouse"):
        refresh.run(blocked, as_of=AS_OF)


def test_a_folder_in_which_no_file_can_ever_be_made_is_told_at_once(
    settings: Settings, make_settings: Callable[..., Settings]
) -> None:
    """Not even root makes files in /proc; a lock is waited for as long as it may yet be had."""
    assert settings.postgres_url is not None
    blocked = make_settings(settings.postgres_url.get_secret_value(), warehouse=Path("/proc/w.duckdb"))
    started = time.monotonic()
    with pytest.raises(WarehouseError, match=r"writing the warehouse /proc/w\.duckdb"):
        refresh.run(blocked, as_of=AS_OF)
    assert time.monotonic() - started < 10


def test_no_secret_or_personal_value_reaches_the_warehouse_file(
    settings: Settings, postgres: psycopg.Connection
) -> None:
    build = small_world()
    worlds.insert(postgres, build.world)
    postgres.execute("update users set email = 'planted-' || id || '@x.test', password_hash = 'planted-hash'")
    postgres.execute("update users set stripe_connected_account_id = 'planted-stripe'")
    refresh.run(settings, as_of=AS_OF)
    assert b"planted" not in settings.warehouse.read_bytes()


def test_a_refresh_in_another_currency_counts_only_that_currency(
    settings: Settings, postgres: psycopg.Connection
) -> None:
    """10.00 usd and 3.00 ' EUR ': under eur the agent earned 3.00."""
    build = small_world()
    agent = build.world["agent_profiles"][0]["user_id"]
    build.transaction(agent, amount=Decimal("3.00"), currency=" EUR ")
    worlds.insert(postgres, build.world)
    refresh.run(settings.model_copy(update={"currency": "eur"}), as_of=AS_OF)
    assert postgres.execute("select total_earnings from agent_leaderboard").fetchone() == (Decimal("3.00"),)
