"""The model of facts and slices is right: small marketplaces, each figure added up by hand."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import model
from tests.support.worlds import AS_OF, START, Build, as_ofs, at, marketplaces, windows

TICK = timedelta(microseconds=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NONE, OTHERS, TOTAL = "(none)", "(others)", "(total)"


def rows(build: Build, *names: str, **asked: Any) -> list[tuple[Any, ...]]:
    """The rows of a slice as tuples."""
    return [tuple(row.values()) for row in columns(build, *names, **asked)]


def columns(build: Build, *names: str, **asked: Any) -> list[model.Row]:
    return model.slice_of(build.world, names, as_of=asked.pop("as_of", AS_OF), **asked)


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
    assert columns(build, "commission", "mean_commission", "last_opened_at") == [
        {"commission": Decimal("0.00"), "mean_commission": None, "last_opened_at": None}
    ]
    earnings(build)
    build.transaction(None, "0.02")
    assert rows(build, "commission", "commissions", "mean_commission") == [(Decimal("13.02"), 5, Decimal("2.60"))]


def test_who_is_no_agent_is_none_and_none_comes_last() -> None:
    build = Build()
    gold, silver = earnings(build)
    assert rows(build, "commission", by=["agent.tier"]) == [("gold", 8), ("silver", 4), (NONE, 1)]
    assert rows(build, "commission", by=["agent"]) == [(str(gold), 8), (str(silver), 4), (NONE, 1)]
    assert rows(build, "commission", by=["agent.tier", "type"], where={"agent.tier": ["silver", NONE]}) == [
        ("silver", "agent_commission", 4),
        (NONE, "agent_commission", 1),
        (NONE, "commission_deduct", 0),
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
    assert rows(build, "deals", by=["gig.category"], totals=True) == [
        ("a", 1, "cell"),
        ("b", 3, "cell"),
        ("c", 1, "cell"),
        (NONE, 2, "cell"),
        (TOTAL, 4, "total"),
    ]
    assert rows(build, "deals", "deal_amount", by=["gig.category", "gig.brand.industry"], top=1) == [
        ("b", NONE, 3, 300, "cell"),
        (OTHERS, NONE, 4, 400, "others"),
    ]
    assert rows(build, "deals", by=["gig.category"], top=4) == [
        ("b", 3, "cell"),
        (NONE, 2, "cell"),
        ("a", 1, "cell"),
        ("c", 1, "cell"),
    ]
    assert rows(build, "deals", by=["gig.category"], where={"gig.category": ["c", NONE]}, totals=True) == [
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
    assert rows(build, "rating", "invites_sent", **asked, top=4) == [
        ("gold", Decimal("4.0"), 0, "cell"),
        ("silver", Decimal("4.0"), 0, "cell"),
        (NONE, Decimal("4.0"), 0, "cell"),
        ("bronze", None, 1, "cell"),
    ]
    assert rows(build, "rating", "invites_sent", **asked, top=2) == [
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
    assert rows(build, "take_rate", "gmv", "net_revenue", "completed_deals", by=["month"]) == [
        (months[0], Decimal("0.050000"), 200, 10, 2, True),
        (months[1], None, 0, 5, 0, True),
        (months[2], Decimal("0.000000"), 50, 0, 1, True),
    ]
    assert rows(build, "take_rate", "gmv", "completed_deals", by=["month"], currency=" EUR") == [
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
    assert rows(build, "releases", "released_amount", "payment_time") == [(2, 200, Decimal("2.33"))]
    assert rows(build, "payment_time", by=["currency"]) == [("eur", 4), ("usd", Decimal("1.50"))]
    assert rows(build, "releases", by=["currency"]) == [("usd", 2)]
    assert rows(build, "releases", "payment_time", by=["currency"], currency="EUR") == [("eur", 1, 4)]


def test_recruits_without_a_time_are_of_all_time_and_bring_deals_in_every_window() -> None:
    """Recruited in January, in March and nobody knows when; each with a deal in February."""
    build = Build()
    agent, brand = build.agent(), build.sponsor()
    for recruited in (START, at("2026-03-10"), None):
        star = build.influencer()
        build.referral(agent, star, recruited_at=recruited)
        build.deal(star, brand, created_at=at("2026-02-10"))
    build.invite(agent)
    build.invite(agent)
    asked = ("recruits", "attributed_deals", "deals_per_invite")
    assert rows(build, *asked) == [(3, 3, Decimal("1.500000"))]
    assert rows(build, *asked, until=at("2026-03-10")) == [(2, 2, Decimal("1.000000"))]
    assert rows(build, *asked, since=at("2026-02-01"), until=at("2026-03-10") + TICK) == [(1, 3, None)]
    assert rows(build, "recruits", by=["month"]) == [
        (date(2026, 1, 1), 1, True),
        (date(2026, 3, 1), 1, True),
        (None, 1, None),
    ]


def test_periods_are_of_the_zone_and_complete_where_they_lie_in_the_window() -> None:
    """23:30 on 31 January in UTC is February in Berlin, Sunday, the first of the month, half past midnight."""
    build = Build()
    build.user("agent", created_at=at("2026-01-31 23:30"))
    build.user("agent", created_at=at("2026-02-08 12:00"))
    asked: dict[str, Any] = {"since": at("2026-01-31 23:00"), "until": at("2026-02-20"), "tz": "Europe/Berlin"}
    february, sunday = date(2026, 2, 1), date(2026, 2, 8)
    assert rows(build, "signups", by=["hour", "weekday"], **asked) == [(0, 7, 1), (13, 7, 1)]
    assert rows(build, "signups", by=["month", "quarter"], **asked) == [(february, date(2026, 1, 1), 2, False)]
    assert rows(build, "signups", by=["week"], **asked) == [
        (date(2026, 1, 26), 1, False),
        (date(2026, 2, 2), 1, True),
    ]
    assert rows(build, "signups", by=["week"], week_start=7, **asked) == [(february, 1, True), (sunday, 1, True)]
    assert rows(build, "signups", by=["day"], fill=True, week_start=7, **asked)[6:9] == [
        (date(2026, 2, 7), 0, True),
        (sunday, 1, True),
        (date(2026, 2, 9), 0, True),
    ]
    filled = rows(build, "signups", by=["day"], fill=True, **asked)
    assert (len(filled), filled[-1]) == (20, (date(2026, 2, 20), 0, False))


def test_the_greatest_are_of_this_window_and_who_was_there_before_is_one_of_the_others() -> None:
    """February: a sent 2, b 1. January: b 1, c 5. One by the values of February: a; and b and c together."""
    build = Build()
    a, b, c = (build.agent() for _ in range(3))
    for agent, month, count in ((a, 2, 2), (b, 2, 1), (b, 1, 1), (c, 1, 5)):
        for _ in range(count):
            build.invite(agent, sent_at=at(f"2026-0{month}-10"))
    window: dict[str, Any] = {"since": at("2026-02-01"), "until": at("2026-03-01"), "compare": "previous"}
    assert rows(build, "invites_sent", by=["agent", "month"], top=1, totals=True, **window) == [
        (str(a), date(2026, 2, 1), 2, 0, 2, None, True, "cell"),
        (OTHERS, date(2026, 2, 1), 1, 6, -5, Decimal("-0.833333"), True, "others"),
        (TOTAL, None, 3, 6, -3, Decimal("-0.5"), None, "total"),
    ]


def test_the_window_before_meets_this_one_period_by_period() -> None:
    """February against January: their first and third days; January's 31st comes to lie beside 3 March.

    A change of nothing has no ratio; in the month as a whole 3 against 2 are half as much again.
    """
    build = Build()
    agent = build.agent()
    for day in ("2026-02-01", "2026-02-03", "2026-02-28", "2026-01-03", "2026-01-31"):
        build.invite(agent, sent_at=at(day))
    window: dict[str, Any] = {"since": at("2026-02-01"), "until": at("2026-03-01"), "compare": "previous"}
    assert rows(build, "invites_sent", by=["day"], **window) == [
        (date(2026, 2, 1), 1, 0, 1, None, True),
        (date(2026, 2, 3), 1, 1, 0, 0, True),
        (date(2026, 2, 28), 1, 0, 1, None, True),
        (date(2026, 3, 3), 0, 1, -1, -1, False),
    ]
    assert columns(build, "invites_sent", "last_invite_sent_at", by=["month"], **window, totals=True) == [
        {
            "month": month,
            "invites_sent": 3,
            "invites_sent_before": 2,
            "invites_sent_change": 1,
            "invites_sent_change_ratio": Decimal("0.500000"),
            "last_invite_sent_at": at("2026-02-28"),
            "last_invite_sent_at_before": at("2026-01-31"),
            "complete": complete,
            "row": row,
        }
        for month, complete, row in ((date(2026, 2, 1), True, "cell"), (None, None, "total"))
    ]


def test_last_year_meets_this_one_by_date_or_by_week() -> None:
    """29 February 2024 beside 1 March 2025; by week Thursday 29 February 2024 beside Thursday 27 February 2025."""
    build = Build()
    build.user("agent", created_at=at("2024-02-29 12:00"))
    build.user("agent", created_at=at("2025-03-01 12:00"))
    window: dict[str, Any] = {"since": at("2025-01-01"), "until": at("2026-01-01"), "compare": "year"}
    assert rows(build, "signups", by=["day"], **window) == [(date(2025, 3, 1), 1, 1, 0, 0, True)]
    assert rows(build, "signups", by=["month"], **window) == [
        (date(2025, 2, 1), 0, 1, -1, -1, True),
        (date(2025, 3, 1), 1, 0, 1, None, True),
    ]
    assert rows(build, "signups", by=["week", "day"], **window) == [
        (date(2025, 2, 24), date(2025, 2, 27), 0, 1, -1, -1, True),
        (date(2025, 2, 24), date(2025, 3, 1), 1, 0, 1, None, True),
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
    assert rows(build, "commission", by=by) == [
        ("agent", NONE, NONE, NONE, 1),
        ("sponsor", "Sport", "Bergen", NONE, 7),
    ]
    assert rows(build, "commission", by=["agent.specialty"]) == [("food", 8), (NONE, 8)]
    build.review(agent, brand, "4.3")
    build.review(build.influencer(), brand, "4.4")
    assert rows(build, "rating", by=["brand.location", "agent", "reviewer.role"], totals=True) == [
        ("Oslo", NONE, "agent", Decimal("4.3"), "cell"),
        ("Oslo", NONE, "influencer", Decimal("4.4"), "cell"),
        (TOTAL, TOTAL, TOTAL, Decimal("4.4"), "total"),
    ]
    assert rows(build, "signups", by=["user.signup_month"]) == [(date(2026, 1, 1), 2), (date(2026, 2, 1), 1)]


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
    assert rows(build, *names, "replies", "median_deal", "mean_deal", "approval_rate", "active_users") == [
        *[(Decimal("0.333333"), Decimal("1.50"), 1, Decimal("2.33"), Decimal("3.60"), 3, 2, Decimal("4.33"), 1, 2)]
    ]


@settings(max_examples=50, deadline=None)
@given(world=marketplaces(), as_of=as_ofs(), data=st.data())
def test_slices_by_agent_and_by_brand_are_the_model_s_boards(
    world: model.World, as_of: datetime, data: st.DataObject
) -> None:
    """Who has no fact has no row, and on the board the zero or the null of that."""
    since, until = data.draw(windows(as_of))
    window: dict[str, Any] = {"since": since, "until": until, "as_of": as_of}
    measures = ("recruits", "attributed_deals", "commission")
    found = {row["agent"]: row for row in model.slice_of(world, measures, by=["agent"], **window)}
    for row in model.agent_leaderboard(world, as_of, since, until):
        own = found.get(str(row["agent_id"]), dict.fromkeys(measures, 0))
        board = (row["total_referrals"], row["total_deals"], row["total_earnings"])
        assert tuple(own[name] for name in measures) == board
    names = {"rating": "overall_rating", "reviews": "review_count", "deals": "total_deals", "payment_time": None}
    found = {row["brand"]: row for row in model.slice_of(world, tuple(names), by=["brand"], as_of=as_of)}
    nothing = {"rating": None, "reviews": 0, "deals": 0, "payment_time": None}
    for row in model.brand_reputations(world, as_of):
        own = found.get(str(row["sponsor_id"]), nothing)
        assert all(own[name] == row[column or "average_payment_time"] for name, column in names.items())


@settings(max_examples=50, deadline=None)
@given(world=marketplaces(), as_of=as_ofs(), tz=st.sampled_from(("UTC", "Asia/Kolkata")))
def test_slices_by_month_are_the_model_s_marketplace(world: model.World, as_of: datetime, tz: str) -> None:
    names = {
        **dict.fromkeys(("completed_deals", "gmv", "active_sponsors", "active_influencers"), ""),
        **{"deals": "new_deals", "commission": "agent_payouts", "platform_revenue": "", "net_revenue": ""},
        **{"take_rate": "", "refunds": ""},
    }
    found = {row["month"]: row for row in model.slice_of(world, tuple(names), by=["month"], as_of=as_of, tz=tz)}
    absent = {name: None if name == "take_rate" else 0 for name in names}
    for row in model.marketplace_monthly(world, as_of, tz=tz):
        own = found.get(row["month"], absent)
        assert all(own[name] == row[column or name] for name, column in names.items())


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
        columns(Build(), "deals", **asked)
