"""What a refresh published, read from Postgres and held against the model."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import psycopg
from psycopg import sql as pg_sql

from si_analytics.settings import Settings
from tests import model
from tests.support.comparing import differences
from tests.support.worlds import Build

PUBLISHED = {
    "agent_leaderboard": ("agent_leaderboard", "rank"),
    "agent_performance_metrics": ("agent_performance_metrics", "user_id"),
    "brand_reputations": ("brand_reputations", "sponsor_id"),
    "brand_leaderboard": ("brand_reputations", "sponsor_id"),
    "contact_engagement": ("contact_engagement", "contact_id"),
    "conversion_funnels": ("conversion_funnels", "funnel, breakdown_value, stage_number"),
}


def published(postgres: psycopg.Connection, relation: str, order: str, columns: list[str]) -> list[dict[str, Any]]:
    query = pg_sql.SQL("select {} from public.{} order by {}").format(
        pg_sql.SQL(", ").join(map(pg_sql.Identifier, columns)), pg_sql.Identifier(relation), pg_sql.SQL(order)
    )
    return [dict(zip(columns, row, strict=True)) for row in postgres.execute(query)]


def columns_of(postgres: psycopg.Connection, relation: str) -> list[str]:
    found = postgres.execute(
        "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped"
        " order by attnum",
        [f"public.{relation}"],
    )
    return [name for (name,) in found if name != "updated_at"]


def assert_published(postgres: psycopg.Connection, world: model.World, as_of: datetime) -> None:
    """Every published relation equals the model, cell by cell."""
    for relation, (metric, order) in PUBLISHED.items():
        columns = columns_of(postgres, relation)
        keys = [key.strip() for key in order.split(",")]
        rows = [model.as_published(relation, row) for row in model.METRICS[metric](world, as_of)]
        expected = [{c: row[c] for c in columns} for row in rows]
        expected.sort(key=lambda row: tuple(row[key] for key in keys))
        assert differences(expected, published(postgres, relation, order, columns)) == [], relation
    summaries = {row["agent_id"]: row for row in model.agent_profile_summaries(world, as_of)}
    for user_id, *found in postgres.execute(
        "select user_id, total_earnings, recruit_satisfaction_score, recruit_satisfaction_count from agent_profiles"
    ):
        assert found == list(summaries[user_id].values())[1:]
    rated = [model.as_published("users", row) for row in model.user_ratings(world, as_of)]
    ratings = {row["user_id"]: (row["rating"], row["review_count"]) for row in rated}
    for user_id, *found in postgres.execute("select id, rating, review_count from users"):
        assert tuple(found) == ratings[user_id]
    usage = {
        r["template_id"]: (r["times_used"], r["acceptance_rate"]) for r in model.invite_template_usage(world, as_of)
    }
    for template_id, *found in postgres.execute("select id, times_used, acceptance_rate from invite_templates"):
        assert tuple(found) == usage[template_id]


def small_world() -> Build:
    """One agent who recruited one influencer; three deals with one sponsor; one commission of 10.00."""
    build = Build()
    agent, sponsor, influencer = build.agent(), build.sponsor(), build.influencer()
    build.referral(agent, influencer)
    for _ in range(3):
        build.deal(influencer, sponsor, amount=Decimal("100.00"))
    build.transaction(agent, amount=Decimal("10.00"))
    return build


def connection_to(settings: Settings) -> psycopg.Connection:
    assert settings.postgres_url is not None
    return psycopg.connect(settings.postgres_url.get_secret_value(), autocommit=True, options="-c TimeZone=UTC")
