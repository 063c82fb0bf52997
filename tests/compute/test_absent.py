"""Absent is not zero: a mean or rate of nothing is null wherever we show it, and 0 only where Postgres's default is."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import psycopg
import pytest

from si_analytics import publish, refresh
from si_analytics.compute import checks
from si_analytics.definitions import project, targets
from si_analytics.errors import UnknownNameError
from si_analytics.query import warehouse as query_warehouse
from si_analytics.settings import Settings
from tests import model
from tests.model import identity
from tests.support import worlds
from tests.support.published_tables import assert_published
from tests.support.worlds import AS_OF, Build

Postgres = psycopg.Connection[Any]
DEFAULTS = """
select attname
from pg_attribute
inner join pg_attrdef on adrelid = attrelid and adnum = attnum
where attrelid = %s::regclass and pg_get_expr(adbin, adrelid) in ('0', '(0)::numeric')
"""
MEANS_AND_RATES = ("_rating", "rating", "_rate", "_score", "_time")


def quiet_world() -> Build:
    """An agent, two brands, a contact and a template of whom nothing is known but one review without sub-ratings."""
    build = Build()
    agent, brand, _ = build.agent(), build.sponsor(), build.sponsor()
    build.contact(agent)
    build.template()
    build.review(agent, brand, "4.0")
    return build


@pytest.fixture
def quiet(settings: Settings, postgres: Postgres) -> Settings:
    worlds.insert(postgres, quiet_world().world)
    refresh.run(settings, as_of=AS_OF)
    return settings


@pytest.mark.parametrize("name", publish.targets())
def test_what_is_written_as_zero_are_the_means_and_rates_whose_default_in_postgres_is_zero(
    postgres: Postgres, name: str
) -> None:
    target = project().targets[name]
    defaults = {column for (column,) in postgres.execute(DEFAULTS, [target.table])}
    found = {column for column in target.columns if column in defaults and column.endswith(MEANS_AND_RATES)}
    zeros = targets.zeros(target, project().tables[target.declared])
    # The others are sums and counts, which are never null.
    written = {column for column in zeros if column.endswith(MEANS_AND_RATES)}
    assert written == found == set(model.ZERO_BY_DEFAULT.get(name, ()))


def test_means_and_rates_of_nothing_are_null_in_every_metric_of_the_warehouse(quiet: Settings) -> None:
    expected = {
        "agent_performance_metrics": {"average_conversion_time", "response_time", "satisfaction_score"},
        "agent_profile_summaries": {"recruit_satisfaction_score"},
        "brand_reputations": {
            *("overall_rating", "payment_speed_rating", "communication_rating", "professionalism_rating"),
            *("average_payment_time", "reputation_score", "rank"),
        },
        "contact_engagement": {"last_invite_sent_at", "last_opened_at", "last_clicked_at", "response_rate"},
        "invite_template_usage": {"acceptance_rate"},
        "user_ratings": {"rating"},
    }
    with query_warehouse.connect(quiet) as warehouse:
        for name, columns in expected.items():
            last = warehouse.metric(name).row(-1, named=True)  # of brands that is the one without a review
            assert {column for column, value in last.items() if value is None} == columns, name
        rated, _ = warehouse.brand_reputations().iter_rows(named=True)
        assert (rated["overall_rating"], rated["payment_speed_rating"], rated["rank"]) == (Decimal("4.0"), None, 1)
        mean = warehouse.sql("select avg(payment_speed_rating) as mean from metrics.brand_reputations").item()
        assert mean is None


def test_postgres_has_zeros_in_its_own_columns_and_nothing_on_the_board_that_we_add(
    quiet: Settings, postgres: Postgres
) -> None:
    assert_published(postgres, quiet_world().world, AS_OF)
    own = postgres.execute("select overall_rating, payment_speed_rating from brand_reputations order by 1").fetchall()
    assert own == [(Decimal("0.0"), Decimal("0.0")), (Decimal("4.0"), Decimal("0.0"))]
    assert postgres.execute("select response_rate from contact_engagement").fetchall() == [(Decimal("0.00"),)]
    assert postgres.execute("select acceptance_rate from invite_templates").fetchall() == [(None,)]
    board = "select overall_rating, payment_speed_rating, reputation_score, rank from brand_leaderboard order by rank"
    assert postgres.execute(board).fetchall() == [
        (Decimal("4.0"), None, Decimal("4.000"), 1),
        (None, None, None, None),
    ]


def test_a_zero_for_nothing_that_stands_already_is_not_written_again(quiet: Settings) -> None:
    again = refresh.run(quiet, as_of=AS_OF)
    assert {change.target: change.changed for change in again.targets if change.changed} == {}


def test_a_profile_whose_user_is_gone_blocks_nothing_and_its_figures_go(settings: Settings, postgres: Postgres) -> None:
    """An agent and a sponsor are published, then their users vanish past the foreign keys; the profiles stay."""
    build = quiet_world()
    gone, brand = build.agent(), build.sponsor("Gone Ltd")
    build.transaction(gone, "99.00")
    worlds.insert(postgres, build.world)
    refresh.run(settings, as_of=AS_OF)
    with postgres.transaction():
        postgres.execute("set local session_replication_role = replica")
        postgres.execute("delete from users where id = any(%s)", [[gone, brand]])
    report = refresh.run(settings, as_of=AS_OF, accept_change=True)
    assert assert_no_row_of(postgres, gone, "agent_leaderboard", "agent_id")
    assert assert_no_row_of(postgres, gone, "agent_performance_metrics", "user_id")
    assert assert_no_row_of(postgres, brand, "brand_reputations", "sponsor_id")
    listed = next(check for check in report.checks if check.name == "dangling_ids")
    assert {(row["table_name"], row["missing_id"]) for row in listed.sample} == {
        ("agent_profiles", gone),
        ("sponsor_profiles", brand),
    }
    assert [check.name for check in report.checks if check.severity == checks.BLOCKING and not check.passed] == []
    with query_warehouse.connect(settings) as warehouse:
        assert warehouse.agent_leaderboard()["agent_id"].to_list() == [str(identity("users", 1))]
        with pytest.raises(UnknownNameError):
            warehouse.explain("agent_leaderboard", gone, "total_earnings")


def assert_no_row_of(postgres: Postgres, user: Any, table: str, column: str) -> bool:
    return postgres.execute(f"select count(*) from {table} where {column} = %s", [user]).fetchone() == (0,)
