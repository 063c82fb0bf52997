"""The model of facts and slices is right: small marketplaces, each figure added up by hand."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from tests.support.asked_slices import asked_rows, asked_tuples
from tests.support.worlds import AS_OF, START, Build, at

TICK = timedelta(microseconds=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NONE, OTHERS, TOTAL = "(none)", "(others)", "(total)"


def earnings(build: Build) -> list[UUID]:
    """Commissions: gold 5 and 3, silver 4, nobody's agent 1; and what the platform kept, 2 of gold, 9 of nobody."""
    gold, silver, stranger = build.agent("gold"), build.agent("silver"), build.sponsor()
    for to, amount in ((gold, "5.00"), (gold, "3.00"), (silver, "4.00"), (stranger, "1.00")):
        build.transaction(to, amount)
    build.transaction(gold, "2.00", type="commission_deduct")
    build.transaction(None, "9.00", type="commission_deduct")
    return [gold, silver]


def test_without_groupings_there_is_one_row_of_all_facts_also_of_none() -> None:
    build = Build()
    assert asked_rows(build, "commission", "mean_commission", "last_opened_at") == [
        {"commission": Decimal("0.00"), "mean_commission": None, "last_opened_at": None}
    ]
    earnings(build)
    build.transaction(None, "0.02")
    assert asked_tuples(build, "commission", "commissions", "mean_commission") == [
        (Decimal("13.02"), 5, Decimal("2.60"))
    ]


def test_who_is_no_agent_is_none_and_none_comes_last() -> None:
    build = Build()
    gold, silver = earnings(build)
    assert asked_tuples(build, "commission", by=["agent.tier"]) == [("gold", 8), ("silver", 4), (NONE, 1)]
    assert asked_tuples(build, "commission", by=["agent"]) == [(str(gold), 8), (str(silver), 4), (NONE, 1)]
    assert asked_tuples(build, "commission", by=["agent.tier", "type"], where={"agent.tier": ["silver", NONE]}) == [
        ("silver", "agent_commission", 4),
        (NONE, "agent_commission", 1),
    ]


def test_a_fact_of_several_categories_is_in_each_and_once_in_the_total_and_in_the_others() -> None:
    """Four deals of 100, of gigs of these categories; the industry of all is ''.

    | deal | categories  | a | b | c | (none) |
    | 1    | a, b, a     | 1 | 1 |   |        |
    | 2    | b, c        |   | 1 | 1 |        |
    | 3    | no category |   |   |   | 1      |
    | 4    | null, '', b |   | 1 |   | 1      |

    Beside b alone each of the four deals is one of the others.
    """
    build = Build()
    brand, star = build.sponsor(industry=""), build.influencer()
    for categories in (["a", "b", "a"], ["b", "c"], [], [None, "", "b"]):
        build.deal(star, brand, build.gig(brand, categories=categories))
    assert asked_tuples(build, "deals", by=["gig.category"], totals=True) == [
        ("a", 1, "cell"),
        ("b", 3, "cell"),
        ("c", 1, "cell"),
        (NONE, 2, "cell"),
        (TOTAL, 4, "total"),
    ]
    assert asked_tuples(build, "deals", "deal_amount", by=["gig.category", "gig.brand.industry"], top=1) == [
        ("b", NONE, 3, 300, "cell"),
        (OTHERS, NONE, 4, 400, "others"),
    ]
    assert asked_tuples(build, "deals", by=["gig.category"], top=4) == [
        ("b", 3, "cell"),
        (NONE, 2, "cell"),
        ("a", 1, "cell"),
        ("c", 1, "cell"),
    ]
    assert asked_tuples(build, "deals", by=["gig.category"], where={"gig.category": ["c", NONE]}, totals=True) == [
        ("c", 1, "cell"),
        (NONE, 2, "cell"),
        (TOTAL, 3, "total"),
    ]


def test_the_greatest_first_ties_by_value_none_among_them_and_null_last() -> None:
    """Agents of silver, of gold and without a tier have a review of 4.0 each; one of bronze sent an invite."""
    build = Build()
    agents = [build.agent(tier) for tier in ("silver", "gold", None, "bronze")]
    reviewer = build.influencer()
    for agent in agents[:3]:
        build.review(reviewer, agent, "4.0")
    build.invite(agents[3])
    asked: dict[str, Any] = {"by": ["agent.tier"]}
    assert asked_tuples(build, "rating", "invites_sent", **asked, top=4) == [
        ("gold", Decimal("4.0"), 0, "cell"),
        ("silver", Decimal("4.0"), 0, "cell"),
        (NONE, Decimal("4.0"), 0, "cell"),
        ("bronze", None, 1, "cell"),
    ]
    assert asked_tuples(build, "rating", "invites_sent", **asked, top=2) == [
        ("gold", Decimal("4.0"), 0, "cell"),
        ("silver", Decimal("4.0"), 0, "cell"),
        (OTHERS, Decimal("4.0"), 1, "others"),
    ]


def test_facts_meet_after_each_is_added_up_and_absent_is_not_zero() -> None:
    """January: revenue 10, gmv 200 by completion. February: revenue 5, nothing completed. March: gmv 50 only.

    take_rate 0.05, null, 0. In euros gmv and take_rate are null, and there are the months of the deals alone.
    """
    build = Build()
    brand, star = build.sponsor(), build.influencer()
    for amount, when in (("10.00", START), ("5.00", at("2026-02-10"))):
        build.transaction(None, amount, type="commission_deduct", created_at=when)
    for amount_, when in (("150.00", START), ("50.00", START), ("50.00", at("2026-03-05"))):
        build.deal(star, brand, amount=Decimal(amount_), status="completed", completed_at=when)
    build.deal(star, brand, status="completed", completed_at=None)
    build.deal(star, brand, status="completed", completed_at=AS_OF)
    months = [date(2026, month, 1) for month in (1, 2, 3)]
    assert asked_tuples(build, "take_rate", "gmv", "net_revenue", "completed_deals", by=["month"]) == [
        (months[0], Decimal("0.050000"), 200, 10, 2, True),
        (months[1], None, 0, 5, 0, True),
        (months[2], Decimal("0.000000"), 50, 0, 1, True),
    ]
    assert asked_tuples(build, "take_rate", "gmv", "completed_deals", by=["month"], currency=" EUR") == [
        (months[0], None, None, 2, True),
        (months[2], None, None, 1, True),
    ]


def test_money_is_of_the_currency_asked_for_but_times_of_any() -> None:
    """Three jobs released after 1, 2 and 4 days, in dollars, null and euros: in usd 2 releases; in all 2.33 days."""
    build = Build()
    brand = build.sponsor()
    for days, currency in ((1, " USD "), (2, None), (4, "eur")):
        job = build.application(build.gig(brand), build.influencer())
        times = {"work_submitted_at": START, "released_at": START + days * DAY}
        build.escrow_job(job, status="released", currency=currency, **times)
    assert asked_tuples(build, "releases", "released_amount", "payment_time") == [(2, 200, Decimal("2.33"))]
    assert asked_tuples(build, "payment_time", by=["currency"]) == [("eur", 4), ("usd", Decimal("1.50"))]
    assert asked_tuples(build, "releases", by=["currency"]) == [("usd", 2)]
    assert asked_tuples(build, "releases", "payment_time", by=["currency"], currency="EUR") == [
        ("eur", 1, 4),
        ("usd", 0, Decimal("1.50")),
    ]


def test_what_the_facts_are_grouped_by_is_of_the_right_people() -> None:
    """A payer's role, a gig's brand's industry, a reviewed brand and the roles of who joined in which month."""
    build = Build()
    agent = build.agent(specialties=["food", None])
    brand = build.sponsor(industry="Sport", location="Oslo", created_at=at("2026-02-05"))
    gig = build.gig(brand, location="Bergen", status=None)
    build.transaction(agent, "7.00", from_user_id=brand, gig_id=gig)
    late = build.gig(brand, created_at=AS_OF)
    build.transaction(agent, "1.00", from_user_id=agent, gig_id=late)
    by = ["payer.role", "gig.brand.industry", "gig.location", "gig.status"]
    assert asked_tuples(build, "commission", by=by) == [
        ("agent", NONE, NONE, NONE, 1),
        ("sponsor", "Sport", "Bergen", NONE, 7),
    ]
    assert asked_tuples(build, "commission", by=["agent.specialty"]) == [("food", 8), (NONE, 8)]
    build.review(agent, brand, "4.3")
    build.review(build.influencer(), brand, "4.4")
    assert asked_tuples(build, "rating", by=["brand.location", "agent", "reviewer.role"], totals=True) == [
        ("Oslo", NONE, "agent", Decimal("4.3"), "cell"),
        ("Oslo", NONE, "influencer", Decimal("4.4"), "cell"),
        (TOTAL, TOTAL, TOTAL, Decimal("4.4"), "total"),
    ]
    assert asked_tuples(build, "signups", by=["user.signup_month"]) == [(date(2026, 1, 1), 2), (date(2026, 2, 1), 1)]


def test_rates_durations_and_percentiles_are_exact_to_the_last_place() -> None:
    """Three invites, one accepted: 0.333333. Waits of 1, 2 and 4 h: mean 2.33, nine tenths 3.6. Deals 1, 2, 10: 2."""
    build = Build()
    agent, star, brand = build.agent(), build.influencer(), build.sponsor()
    build.invite(agent, accepted_at=START + 36 * HOUR)
    build.invite(agent, accepted_at=AS_OF, status="accepted", opened_at=AS_OF)
    build.invite(agent, opened_at=START, clicked_at=START)
    talk = build.conversation(agent, star)
    for number, hours in enumerate((1, 2, 4)):
        build.message(talk, star, START + number * DAY)
        build.message(talk, agent, START + number * DAY + hours * HOUR)
    for amount in ("1.00", "2.00", "10.00"):
        build.deal(star, brand, amount=Decimal(amount))
    build.application(build.gig(brand), star, status="approved", reviewed_at=None)
    names = ("acceptance_rate", "conversion_time", "invites_opened", "response_time", "slow_response_time")
    assert asked_tuples(build, *names, "replies", "median_deal", "mean_deal", "approval_rate", "active_users") == [
        *[(Decimal("0.333333"), Decimal("1.50"), 1, Decimal("2.33"), Decimal("3.60"), 3, 2, Decimal("4.33"), 1, 2)]
    ]


@pytest.mark.parametrize(
    "asked",
    [
        {"by": ["agent.tier"]},
        {"by": ["month"], "top": 2},
        {"by": ["day", "month"], "fill": True},
        {"compare": "previous"},
        {"where": {"method": "sms"}},
        {"since": AS_OF},
    ],
)
def test_what_nobody_can_answer_is_an_error(asked: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"grouped by|texts|one period|needs a since|window is empty"):
        asked_rows(Build(), "deals", **asked)
