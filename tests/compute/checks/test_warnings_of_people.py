"""Warnings about recruits, reviews and ids that name nothing."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from si_analytics.compute import checks
from tests.support.duck import AS_OF, BEFORE, DAY, Duck, key


def test_an_agent_who_recruited_themselves_is_found(duck: Duck) -> None:
    own = {"agent_id": key(1), "recruited_user_id": key(1)}
    dated = duck.add("referrals", **own)
    undated = duck.add("referrals", **own, recruited_at=None, is_active=False)
    duck.add("referrals", **own, recruited_at=AS_OF)
    duck.add("referrals", agent_id=key(1), recruited_user_id=key(2))
    assert duck.found("self_referrals") == [
        {"referral_id": dated, "agent_id": key(1), "recruited_at": BEFORE, "is_active": True},
        {"referral_id": undated, "agent_id": key(1), "recruited_at": None, "is_active": False},
    ]


def test_agents_who_recruited_others_pass(duck: Duck) -> None:
    duck.add("referrals", agent_id=duck.agent(1), recruited_user_id=key(2))
    assert duck.check("self_referrals").passed


def test_a_user_recruited_by_several_agents_is_found(duck: Duck) -> None:
    """By 1 and 3, by 2 nobody knows when, by 1 once more."""
    for agent in (1, 2, 3):
        duck.agent(agent)
    for agent, moment in ((1, BEFORE), (2, None), (3, BEFORE), (1, BEFORE)):
        duck.add("referrals", agent_id=key(agent), recruited_user_id=key(9), recruited_at=moment)
    assert duck.found("shared_recruits") == [
        {"user_id": key(9), "agents": 3, "first_agent_id": key(1), "last_agent_id": key(3)}
    ]


def test_a_user_with_one_active_recruiter_who_is_an_agent_passes(duck: Duck) -> None:
    """Others recruited 9 as well: 2 no longer actively, 3 not yet, 4 is no agent, 1 twice."""
    for agent in (1, 2, 3):
        duck.agent(agent)
    for agent, more in ((1, {}), (1, {}), (2, {"is_active": None}), (3, {"recruited_at": AS_OF}), (4, {})):
        duck.add("referrals", agent_id=key(agent), recruited_user_id=key(9), **more)
    duck.add("referrals", agent_id=key(2), recruited_user_id=key(8))
    assert duck.check("shared_recruits").passed


def test_several_reviews_without_a_deal_by_one_user_about_another_are_found(duck: Duck) -> None:
    pair = {"reviewer_id": key(1), "reviewed_user_id": key(2)}
    duck.add("user_reviews", **pair)
    duck.add("user_reviews", **pair, created_at=BEFORE + DAY)
    duck.add("user_reviews", **pair, created_at=AS_OF)
    assert duck.found("repeated_reviews") == [{**pair, "reviews": 2, "first_at": BEFORE, "last_at": BEFORE + DAY}]


def test_reviews_of_deals_or_of_different_users_pass(duck: Duck) -> None:
    pair = {"reviewer_id": key(1), "reviewed_user_id": key(2)}
    duck.add("user_reviews", **pair)
    duck.add("user_reviews", reviewer_id=key(2), reviewed_user_id=key(1))
    for deal in (7, 8):
        duck.add("user_reviews", **pair, deal_id=key(deal))
    for moment in (AS_OF, None):
        duck.add("user_reviews", **pair, created_at=moment)
    assert duck.check("repeated_reviews").passed


def test_an_id_that_names_nothing_is_found_in_each_unguarded_column(duck: Duck) -> None:
    """A list that holds it twice is told once; two of one list are two rows."""
    user, gig = duck.add("users", id=key(1)), duck.add("gigs", id=key(2))
    conversation = duck.add("conversations", participants=[user, key(91), None, key(91), key(92)])
    comparison = duck.add("gig_comparisons", gig_ids=[key(93), gig])
    invite = duck.add("invites", template_id=key(94))
    unsent = duck.add("invites", template_id=key(94), sent_at=None)
    payment = duck.add("transactions", job_id=key(95))
    assert duck.found("dangling_ids") == [
        _dangling("conversations", "participants", conversation, 91),
        _dangling("conversations", "participants", conversation, 92),
        _dangling("gig_comparisons", "gig_ids", comparison, 93),
        _dangling("invites", "template_id", invite, 94),
        _dangling("invites", "template_id", unsent, 94),
        _dangling("transactions", "job_id", payment, 95),
    ]


def test_a_profile_without_its_user_is_found_and_makes_no_agent(duck: Duck) -> None:
    """Paid 999 and all alone in a conversation: no metric has a row for it, and nothing blocks."""
    agent = duck.agent(1)
    for number, table in enumerate(("agent_profiles", "influencer_profiles", "sponsor_profiles"), start=91):
        duck.add(table, user_id=key(number), **({"company": "Acme"} if table == "sponsor_profiles" else {}))
    commission = duck.add("transactions", to_user_id=key(91), amount=Decimal("999.00"))
    for owner in (agent, key(91)):
        duck.add("referrals", agent_id=owner, recruited_user_id=key(5))
    talk = duck.add("conversations", participants=[agent, key(91)])
    duck.add("messages", conversation_id=talk, sender_id=agent)
    duck.add("messages", conversation_id=talk, sender_id=key(91), created_at=BEFORE + DAY)
    duck.compute()
    assert duck.found("dangling_ids")[:1] == [_dangling("agent_profiles", "user_id", key(91), 91)]
    assert duck.found("dangling_ids")[2:] == [
        _dangling("influencer_profiles", "user_id", key(92), 92),
        _dangling("sponsor_profiles", "user_id", key(93), 93),
    ]
    for metric in ("agent_leaderboard", "agent_performance_metrics", "agent_profile_summaries"):
        assert len(duck.connection.table(f"metrics.{metric}")) == 1, metric
    assert duck.connection.sql("select agent_id, rank from metrics.agent_leaderboard").fetchall() == [(agent, 1)]
    assert len(duck.connection.table("metrics.agent_replies")) == 0
    assert [
        name for name in checks.names() if checks.severity(name) == "blocking" and not duck.check(name).passed
    ] == []
    assert duck.keys("commission_to_non_agents") == [commission]
    assert duck.check("shared_recruits").passed


def _dangling(table: str, column: str, row: UUID, missing: int) -> dict[str, object]:
    return {"table_name": table, "column_name": column, "key": row, "missing_id": key(missing)}


def test_ids_that_name_something_and_rows_not_there_yet_pass(duck: Duck) -> None:
    """What is named need only be there: a gig of after as_of is no dangling id."""
    user, gig = duck.add("users"), duck.add("gigs", created_at=AS_OF)
    duck.add("conversations", participants=[user, None])
    duck.add("conversations", participants=[])
    duck.add("gig_comparisons", gig_ids=[gig])
    duck.add("invites", template_id=duck.add("invite_templates"))
    duck.add("invites", template_id=None)
    duck.add("invites", template_id=key(94), sent_at=AS_OF)
    duck.add("transactions", job_id=duck.add("escrow_jobs"))
    duck.add("transactions", job_id=None)
    for moment in (AS_OF, None):
        duck.add("transactions", job_id=key(95), created_at=moment)
    assert duck.check("dangling_ids").passed
