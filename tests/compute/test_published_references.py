"""Every published number held against Postgres's own SQL, written from the definitions and sharing none of ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from psycopg import sql

from benchmarks import published
from si_analytics import publish, refresh, sample
from si_analytics.settings import Settings
from tests import model
from tests.support import worlds
from tests.support.worlds import AS_OF, Build, as_ofs, at, marketplaces

KEYS = {
    "agent_leaderboard": ("agent_id", "agent_id"),
    "agent_performance_metrics": ("user_id", "user_id"),
    "agent_profiles": ("user_id", "agent_id"),
    "brand_leaderboard": ("sponsor_id", "sponsor_id"),
    "brand_reputations": ("sponsor_id", "sponsor_id"),
    "contact_engagement": ("contact_id", "contact_id"),
    "conversion_funnels": ("funnel, stage_number", "funnel, stage_number"),
    "invite_templates": ("id", "template_id"),
    "users": ("id", "user_id"),
}
"""What tells a published row from others: its columns where it is published, and in the reference."""

METRICS = {
    "agent_profiles": "agent_profile_summaries",
    "brand_leaderboard": "brand_reputations",
    "invite_templates": "invite_template_usage",
    "users": "user_ratings",
}
"""The metric behind a result, where it has another name."""

Cells = dict[tuple[Any, ...], dict[str, Any]]


def cells(connection: psycopg.Connection[Any], query: sql.Composed, keys: int) -> Cells:
    """The rows of a query by their first columns."""
    cursor = connection.execute(query)
    names = [column.name for column in cursor.description or ()]
    rows = cursor.fetchall()
    found = {row[:keys]: dict(zip(names[keys:], row[keys:], strict=True)) for row in rows}
    assert len(found) == len(rows)
    return found


def reference(connection: psycopg.Connection[Any], name: str) -> tuple[Cells, list[str]]:
    """The rows of a reference by their key, and the columns that are not of the key."""
    key = KEYS[name][1].split(", ")
    described = connection.execute(sql.SQL("select * from {} limit 0").format(sql.Identifier("pg_temp", name)))
    columns = [column.name for column in described.description or () if column.name not in key]
    return cells(connection, selected("pg_temp", name, [*key, *columns]), len(key)), columns


def selected(schema: str, name: str, columns: list[str]) -> sql.Composed:
    return sql.SQL("select {} from {}").format(
        sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier(schema, name)
    )


def parted(expected: Cells, found: Cells) -> list[str]:
    """Where they part, in words."""
    if expected.keys() != found.keys():
        return [f"rows of one side only: {sorted(map(str, expected.keys() ^ found.keys()))[:5]}"]
    return [
        f"{key}: {column} is {value} in the reference, {found[key][column]} as found"
        for key, row in expected.items()
        for column, value in row.items()
        if value != found[key][column]
    ]


@pytest.fixture(scope="module")
def sampled(
    create_database: Callable[..., str], schema_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[psycopg.Connection[Any]]:
    """A connection on a refreshed sample marketplace."""
    home, url = tmp_path_factory.mktemp("sampled"), create_database(schema_template)
    using = Settings(_env_file=None, postgres_url=url, home=home, warehouse=home / "warehouse.duckdb")  # type: ignore
    sample.generate(using, scale=0.15, seed=3)
    refresh.run(using, as_of=sample.END)
    with psycopg.connect(url, autocommit=True, options="-c TimeZone=UTC") as connection:
        yield connection


def assert_published(connection: psycopg.Connection[Any], as_of: Any, currency: str = "usd") -> dict[str, int]:
    """Every published table equals its reference, cell by cell; the number of rows of each."""
    rows = {}
    with connection.transaction():
        total = published.postgres(connection, as_of, currency)
        for name, (key, _) in KEYS.items():
            expected, columns = reference(connection, name)
            found = cells(connection, selected("public", name, [*key.split(", "), *columns]), len(key.split(", ")))
            assert parted(expected, found) == [], name
            rows[name] = len(expected)
    assert total == sum(rows.values())
    return rows


def test_every_published_target_has_a_reference() -> None:
    assert published.RESULTS == tuple(KEYS) == publish.targets()


def test_a_sampled_marketplace_is_published_as_postgres_computes_it(sampled: psycopg.Connection[Any]) -> None:
    """Nine results, each with rows; the funnels have 30 stages."""
    rows = assert_published(sampled, sample.END)
    assert all(rows.values())
    assert rows["conversion_funnels"] == 30


def test_a_reference_leaves_nothing_behind(sampled: psycopg.Connection[Any]) -> None:
    published.postgres(sampled, sample.END)
    assert sampled.execute("select count(*) from pg_class where relpersistence = 't'").fetchone() == (0,)


def ugly_world() -> Build:
    """Ties, halves, thirds, nulls, a foreign currency and rows of after as_of, of which the sample has few."""
    build = Build()
    agents = [build.agent() for _ in range(3)]
    brand, star = build.sponsor(company=None), build.influencer(created_at=None)
    for number, agent in enumerate(agents, start=1):
        build.referral(agent, star, recruited_at=None)
        build.transaction(agent, "10.00", currency=" USD ")
        build.transaction(agent, "99.00", currency="eur")
        build.transaction(agent, "99.00", created_at=AS_OF)
        # Waits of 4/3 and 8/6 of an hour are one wait.
        for turn in range(3 * number):
            talk = build.conversation(agent, star)
            build.message(talk, star, at("2026-03-01 10:00"))
            build.message(talk, agent, at("2026-03-01 12:00") if turn < number else at("2026-03-01 11:00"))
        build.review(star, agent, "4.3")
        build.review(brand, agent, "4.4")
    build.deal(star, brand, status="completed", completed_at=AS_OF)
    build.deal(star, brand, status="completed")
    build.invite(agents[0], status="accepted", is_verified=True, converted_user_id=star, template_id=build.template())
    build.invite(agents[0], accepted_at=at("2026-01-10 00:00:18"), opened_at=AS_OF)
    return build


def test_ties_halves_and_unknown_times_are_published_as_postgres_computes_them(
    settings: Settings, postgres: psycopg.Connection[Any]
) -> None:
    worlds.insert(postgres, ugly_world().world)
    for currency in ("usd", "eur"):
        refresh.run(settings.model_copy(update={"currency": currency}), as_of=AS_OF)
        assert assert_published(postgres, AS_OF, currency)["agent_leaderboard"] == 3


@hypothesis(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(world=marketplaces(), as_of=as_ofs())
def test_the_reference_agrees_with_the_model_on_any_small_marketplace(
    postgres: psycopg.Connection[Any], world: model.World, as_of: Any
) -> None:
    """So the model that every metric is held against agrees with a second opinion."""
    worlds.clear(postgres)
    worlds.insert(postgres, world)
    with postgres.transaction():
        published.postgres(postgres, as_of)
        for name, (_, key) in KEYS.items():
            expected, columns = reference(postgres, name)
            rows = [model.as_published(name, row) for row in model.METRICS[METRICS.get(name, name)](world, as_of)]
            found = {tuple(row[k] for k in key.split(", ")): {c: row[c] for c in columns} for row in rows}
            assert parted(expected, found) == [], name


def test_user_statistics_shows_the_ratings_and_deals_that_are_published(sampled: psycopg.Connection[Any]) -> None:
    """The view looks at now, so it also has the deals and reviews without a time, which no refresh has."""
    rated = sampled.execute(
        "select count(*), count(*) filter (where round(user_statistics.average_rating, 1) = users.rating)"
        " from public.users join public.user_statistics using (id)"
        " where not exists (select from public.user_reviews where reviewed_user_id = id and created_at is null)"
    ).fetchone()
    dealt = sampled.execute(
        "with untimed as ("
        "    select sponsor_id, count(*) as deals from public.deals where created_at is null group by sponsor_id"
        ") select count(*), sum(brand.total_deals),"
        " count(*) filter (where shown.total_deals = brand.total_deals + coalesce(untimed.deals, 0))"
        " from public.brand_reputations as brand join public.user_statistics as shown on brand.sponsor_id = shown.id"
        " left join untimed on brand.sponsor_id = untimed.sponsor_id"
    ).fetchone()
    assert rated is not None
    assert dealt is not None
    assert rated[0] == rated[1] > 0
    assert dealt[0] == dealt[2] > 0
    assert dealt[1] > 0


def test_active_gigs_have_the_applications_the_funnel_counts(sampled: psycopg.Connection[Any]) -> None:
    """Each application the view counts entered the funnel, but for those without a time."""
    with sampled.transaction():
        published.postgres(sampled, sample.END)
        found = sampled.execute(
            "with applied as ("
            "    select gig_id, count(*) as applications from public.gig_applications"
            "    where applied_at is null or id in (select unit_id from pg_temp.application_funnel)"
            "    group by gig_id"
            ") select count(*), sum(active_gigs.application_count),"
            " count(*) filter (where active_gigs.application_count = coalesce(applied.applications, 0))"
            " from public.active_gigs left join applied on active_gigs.id = applied.gig_id"
        ).fetchone()
    opened = sampled.execute("select count(*) from public.gigs where status = 'open'").fetchone()
    assert found is not None
    assert opened is not None
    assert found[0] == found[2] == opened[0] > 0
    assert found[1] > 0
