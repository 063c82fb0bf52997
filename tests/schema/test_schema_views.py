"""The views: their figures, and what becomes of a view that stands with another definition."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import psycopg
import pytest

from si_analytics import schema
from si_analytics.errors import SchemaError
from si_analytics.settings import Settings
from tests.support.altering import add_user, opened, value

# As the schema document has it: one row per recruit, deal and commission, all summed.
FAULTY_LEADERBOARD = """
    create materialized view agent_leaderboard as
    select u.id as agent_id, u.name as agent_name, u.avatar, ap.tier,
        count(distinct r.recruited_user_id) as total_referrals, count(distinct d.id) as total_deals,
        coalesce(sum(t.amount), 0) as total_earnings,
        row_number() over (order by coalesce(sum(t.amount), 0) desc) as rank
    from users u
    join agent_profiles ap on u.id = ap.user_id
    left join referrals r on u.id = r.agent_id and r.is_active = true
    left join deals d on d.influencer_id = r.recruited_user_id or d.sponsor_id = r.recruited_user_id
    left join transactions t on t.to_user_id = u.id and t.type = 'agent_commission'
    group by u.id, u.name, u.avatar, ap.tier
"""
FAULTY_STATISTICS = """
    create view user_statistics as
    select u.id, u.role, count(distinct d.id) as total_deals,
        count(distinct case when d.status = 'completed' then d.id end) as completed_deals,
        coalesce(sum(case when d.status = 'completed' and d.influencer_id = u.id then d.amount end), 0)
            as total_earnings,
        coalesce(avg(case when r.id is not null then r.rating end), 0) as average_rating
    from users u
    left join deals d on u.id = d.influencer_id or u.id = d.sponsor_id
    left join user_reviews r on u.id = r.reviewed_user_id
    group by u.id, u.role
"""


@pytest.fixture
def faulty(settings: Settings) -> Settings:
    """A database on which both views stand as the schema document has them."""
    with opened(settings) as connection:
        connection.execute("drop materialized view agent_leaderboard")
        connection.execute("drop view user_statistics")
        connection.execute(FAULTY_LEADERBOARD)
        connection.execute("create index on agent_leaderboard (rank)")
        connection.execute(FAULTY_STATISTICS)
    return settings


def add_deal(connection: psycopg.Connection[Any], sponsor: Any, influencer: Any, amount: int, status: str) -> None:
    gig = connection.execute(
        "insert into gigs (sponsor_id, title, description, budget_min, budget_max, categories, influencer_types)"
        " values (%s, 't', 'd', 1, 2, '{}', '{}') returning id",
        [sponsor],
    ).fetchone()
    assert gig is not None
    connection.execute(
        "insert into deals (gig_id, sponsor_id, influencer_id, amount, status) values (%s, %s, %s, %s, %s)",
        [gig[0], sponsor, influencer, amount, status],
    )


def add_review(connection: psycopg.Connection[Any], by: Any, about: Any, rating: int) -> None:
    query = "insert into user_reviews (reviewer_id, reviewed_user_id, rating) values (%s, %s, %s)"
    connection.execute(query, [by, about, rating])


def statistics(connection: psycopg.Connection[Any], user: Any) -> Any:
    return connection.execute(
        "select total_deals, completed_deals, total_earnings, average_rating from user_statistics where id = %s", [user]
    ).fetchone()


def test_earnings_are_counted_once_however_many_reviews_there_are(postgres: psycopg.Connection[Any]) -> None:
    """Two deals of 100 (completed) and 7 (active), three reviews 5, 4, 3: earnings are 100, not 300."""
    sponsor, influencer = add_user(postgres, "s@b.c", "sponsor"), add_user(postgres)
    add_deal(postgres, sponsor, influencer, 100, "completed")
    add_deal(postgres, sponsor, influencer, 7, "active")
    for rating in (5, 4, 3):
        add_review(postgres, sponsor, influencer, rating)
    assert statistics(postgres, influencer) == (2, 1, Decimal(100), Decimal(4))
    assert statistics(postgres, sponsor) == (2, 1, Decimal(0), Decimal(0))


def test_a_deal_of_a_user_with_themselves_counts_once_and_is_earned(postgres: psycopg.Connection[Any]) -> None:
    user = add_user(postgres)
    add_deal(postgres, user, user, 30, "completed")
    assert statistics(postgres, user) == (1, 1, Decimal(30), Decimal(0))


def test_a_user_without_deals_or_reviews_has_zeros(postgres: psycopg.Connection[Any]) -> None:
    assert statistics(postgres, add_user(postgres)) == (0, 0, 0, 0)


def test_active_gigs_are_the_open_ones_with_their_sponsor_and_number_of_applications(
    postgres: psycopg.Connection[Any],
) -> None:
    """Two open gigs, one cancelled; two users applied for the first: counts 2 and 0, and the third is not shown."""
    sponsor = add_user(postgres, "s@b.c", "sponsor")
    postgres.execute(
        "insert into gigs"
        " (sponsor_id, title, description, budget_min, budget_max, categories, influencer_types, status)"
        " select %s, title, 'd', 1, 2, '{}', '{}', status"
        " from (values ('one', 'open'), ('two', 'open'), ('three', 'cancelled')) as gig (title, status)",
        [sponsor],
    )
    for email in ("x@b.c", "y@b.c"):
        postgres.execute(
            "insert into gig_applications (gig_id, influencer_id) select id, %s from gigs where title = 'one'",
            [add_user(postgres, email)],
        )
    found = postgres.execute("select title, sponsor_name, application_count from active_gigs order by title").fetchall()
    assert found == [("one", "A", 2), ("two", "A", 0)]


def test_the_boards_show_what_the_summaries_hold_after_a_refresh(postgres: psycopg.Connection[Any]) -> None:
    agent = add_user(postgres, role="agent")
    postgres.execute(
        "insert into analytics.agent_leaderboard values (%s, 'A', null, 'gold', 1, 2, 1234567890123.45, 1)", [agent]
    )
    assert postgres.execute("select * from agent_leaderboard").fetchall() == []
    postgres.execute("refresh materialized view concurrently agent_leaderboard")
    expected = (agent, "A", None, "gold", 1, 2, Decimal("1234567890123.45"), 1)
    assert postgres.execute("select * from agent_leaderboard").fetchall() == [expected]


@pytest.mark.parametrize("table", [
    "users", "influencer_profiles", "sponsor_profiles", "agent_profiles", "agent_performance_metrics",
    "admin_profiles", "gigs", "deals", "gig_comparisons", "brand_reputations", "negotiations", "user_reviews",
    "conversations", "escrow_jobs", "contact_engagement", "invite_templates", "auto_payouts", "reward_triggers",
    "reward_definitions"])  # fmt: skip
def test_every_update_moves_updated_at(postgres: psycopg.Connection[Any], table: str) -> None:
    """A row last touched in 2001 is updated in no other respect; foreign keys aside, to keep it to one row."""
    postgres.execute("set session_replication_role = replica")
    required = postgres.execute(
        "select attname, format_type(atttypid, atttypmod) from pg_attribute"
        " where attrelid = %s::regclass and attnum > 0 and attnotnull and not atthasdef order by attnum",
        [table],
    ).fetchall()
    samples = {"uuid": "gen_random_uuid()", "text[]": "'{}'", "uuid[]": "'{}'", "jsonb": "'{}'"}
    values = [_sample(name, type_, samples) for name, type_ in required]
    names = ", ".join(["updated_at", *(name for name, _ in required)])
    postgres.execute(f"insert into {table} ({names}) values ({', '.join(['timestamptz $$2001-01-01Z$$', *values])})")
    postgres.execute("set session_replication_role = origin")
    postgres.execute(f"update {table} set updated_at = updated_at")
    assert value(postgres, f"select updated_at = now() or now() - updated_at < '1 minute' from {table}")


def _sample(name: str, type_: str, samples: dict[str, str]) -> str:
    if name in {"role", "reward_type"}:
        return {"role": "'agent'", "reward_type": "'points'"}[name]
    return samples.get(type_) or ("1" if type_.startswith(("numeric", "integer")) else "'x'")


def test_a_view_with_another_definition_is_refused_by_name_with_the_way_out(faulty: Settings) -> None:
    with pytest.raises(SchemaError) as caught:
        schema.apply(faulty)
    assert "agent_leaderboard, user_statistics" in caught.value.found
    assert "si schema apply --replace-views" in caught.value.remedy
    assert {each.name for each in schema.diff(faulty)} == {"user_statistics", "agent_leaderboard"}


def test_a_view_with_another_definition_is_replaced_on_request(faulty: Settings) -> None:
    assert set(schema.apply(faulty, replace_views=True).replaced) == {"user_statistics", "agent_leaderboard"}
    assert schema.diff(faulty) == []
    assert schema.apply(faulty, replace_views=True).replaced == ()


def test_a_replaced_view_keeps_its_grants(faulty: Settings) -> None:
    """A role may read the board and pass that on, everybody may read one column: so it stays."""
    grants = "select array_agg(acl::text order by acl::text) from pg_class, unnest(relacl) as acl where relname = %s"
    columns = "select attacl::text from pg_attribute where attrelid = 'user_statistics'::regclass and attname = 'role'"
    role = f"reader_{id(faulty)}"
    with opened(faulty) as connection:
        connection.execute(f"create role {role}")
        try:
            connection.execute(f"grant select on agent_leaderboard to {role} with grant option")
            connection.execute("grant select (role) on user_statistics to public")
            before = connection.execute(grants, ["agent_leaderboard"]).fetchall()
            schema.apply(faulty, replace_views=True)
            assert role in str(before)
            assert connection.execute(grants, ["agent_leaderboard"]).fetchall() == before
            assert value(connection, columns) == "{=r/postgres}"
        finally:
            connection.execute(f"drop owned by {role}")
            connection.execute(f"drop role {role}")


def test_a_view_that_others_depend_on_is_refused_with_their_names(faulty: Settings) -> None:
    with opened(faulty) as connection:
        connection.execute("create view weekly_board as select agent_name from agent_leaderboard")
        connection.execute("create materialized view earners as select id from user_statistics")
        with pytest.raises(
            SchemaError, match="materialized view agent_leaderboard: view weekly_board would fall with it"
        ):
            schema.apply(faulty, replace_views=True)
        connection.execute("drop view weekly_board")
        with pytest.raises(
            SchemaError, match="replacing the view user_statistics: materialized view earners would fall with it"
        ):
            schema.apply(faulty, replace_views=True)
        assert value(connection, "select count(*) from earners") == 0
        assert "row_number" in value(connection, "select pg_get_viewdef('agent_leaderboard'::regclass)")


def test_a_table_that_stands_in_the_place_of_a_view_is_never_replaced(settings: Settings) -> None:
    with opened(settings) as connection:
        connection.execute("drop view user_statistics")
        connection.execute("create table user_statistics (id uuid)")
        with pytest.raises(SchemaError, match="the view user_statistics is table where"):
            schema.apply(settings, replace_views=True)
        assert value(connection, "select count(*) from user_statistics") == 0


def test_a_view_of_the_other_kind_is_replaced_on_request(settings: Settings) -> None:
    with opened(settings) as connection:
        connection.execute("drop view user_statistics")
        connection.execute("create materialized view user_statistics as select id from users")
    assert schema.apply(settings, replace_views=True).replaced == ("user_statistics",)
    assert schema.diff(settings) == []


def test_a_refusal_to_change_a_table_comes_before_any_view_is_replaced(faulty: Settings) -> None:
    with opened(faulty) as connection:
        connection.execute("alter table saved_gigs set unlogged")
        with pytest.raises(SchemaError, match="the table saved_gigs is unlogged table"):
            schema.apply(faulty, replace_views=True)
        assert "row_number" in value(connection, "select pg_get_viewdef('agent_leaderboard'::regclass)")
