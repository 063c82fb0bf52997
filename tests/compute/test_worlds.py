"""The worlds the tests are made of: they reach Postgres and come back unchanged, and the model takes them all."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import model
from tests.support.worlds import (
    AS_OF,
    Build,
    as_ofs,
    at,
    clear,
    funnel_queries,
    insert,
    marketplaces,
    read,
    windows,
    withins,
)


def by_key(world: model.World) -> model.World:
    """The same rows in order of their keys, which is how Postgres gives them back."""
    return {table: sorted(rows, key=itemgetter(model.COLUMNS[table][0])) for table, rows in world.items()}


def test_a_world_made_by_hand_comes_back_from_postgres_as_it_went(postgres: psycopg.Connection[Any]) -> None:
    """One row in every table; nulls stay null where the column has a default."""
    build = Build()
    agent, brand, star = build.agent(tier=None), build.sponsor(created_at=None), build.influencer("Athlete")
    gig = build.gig(brand, categories=["a", None, 'b, "c"', "null"], created_at=None)
    application = build.application(gig, star, status=None, applied_at=None)
    build.deal(star, brand, gig, status=None, created_at=None)
    build.offer(build.negotiation(gig, star, brand, status=None), star, status=None, created_at=None)
    build.message(build.conversation(agent, None, star), star, None)
    build.transaction(agent, "-0.01", currency=None, status=None, created_at=None)
    build.escrow_job(application, currency=None, status=None, created_at=None)
    build.referral(agent, star, recruited_at=None, is_active=None)
    build.invite(agent, status=None, sent_at=None, is_verified=None, template_id=build.template())
    build.review(star, brand, "4.3", created_at=at("1999-12-31 23:59:59.999999"))
    build.withdrawal(agent, "1.00", currency=None, status=None, created_at=None)
    build.reward(star, earned_at=None, status=None)
    build.bonus(agent, "1.00", status=None, earned_at=None)
    build.wallet(star)
    build.token_withdrawal(star, "0.00000001", status=None, requested_at=None)
    build.match(star, brand, matched_at=None)
    build.save(star, gig, saved_at=None)
    build.activity("news", created_at=None)
    build.social_account(star, followers=None, is_verified=None, created_at=None)
    build.notification(star, priority=None, read=None, created_at=None)
    assert all(build.world.values())
    insert(postgres, build.world)
    assert read(postgres) == by_key(build.world)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(world=marketplaces())
def test_every_marketplace_is_one_that_postgres_takes(postgres: psycopg.Connection[Any], world: model.World) -> None:
    clear(postgres)
    insert(postgres, world)
    assert read(postgres) == by_key(world)


@settings(max_examples=50, deadline=None)
@given(world=marketplaces(), as_of=as_ofs(), data=st.data())
def test_the_model_answers_every_question_about_every_marketplace(
    world: model.World, as_of: datetime, data: st.DataObject
) -> None:
    """And what it answers hangs together: full sets, ranks without gaps, funnels that only narrow."""
    found = {name: metric(world, as_of) for name, metric in model.METRICS.items()}
    agents, users = len(world["agent_profiles"]), world["users"]
    assert [row["rank"] for row in found["agent_leaderboard"]] == list(range(1, agents + 1))
    assert len(found["agent_performance_metrics"]) == len(found["agent_profile_summaries"]) == agents
    assert len(found["brand_reputations"]) == sum(user["role"] == "sponsor" for user in users)
    assert len(found["user_ratings"]) == len(users)
    since, until = data.draw(windows(as_of))
    assert len(model.agent_leaderboard(world, as_of, since, until)) == agents
    query = data.draw(funnel_queries(as_of))
    rows = model.funnel(world, as_of=as_of, **query)
    for before, after in itertools.pairwise(rows):
        if after["stage_number"] > 1:
            assert before["reached"] - after["reached"] == after["dropped"] >= 0


@given(world=marketplaces(), within=withins())
@settings(max_examples=25, deadline=None)
def test_rows_from_as_of_on_change_nothing(world: model.World, within: timedelta | None) -> None:
    """A row that does not exist may as well not be there: removing what happens from as_of on changes no figure.

    Accepted offers are kept: that they exist only from as_of on is something the contract asks about.
    """
    tables = ("deals", "transactions", "user_reviews", "messages", "gigs", "negotiations", "escrow_jobs")
    event = {**dict.fromkeys(tables, "created_at"), "gig_applications": "applied_at"}
    before = {
        table: [row for row in rows if table not in event or (row[event[table]] or AS_OF) < AS_OF]
        for table, rows in world.items()
    }
    for metric in model.METRICS.values():
        assert metric(world, AS_OF) == metric(before, AS_OF)
    for name, breakdowns in model.BREAKDOWNS.items():
        for by in (None, *breakdowns):
            assert model.funnel(world, name, AS_OF, within=within, by=by) == model.funnel(
                before, name, AS_OF, within=within, by=by
            )
