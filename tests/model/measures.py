"""Section 9: the measures of each fact, and those made of two.

Belongs here: what is computed of a list of facts, exactly, and how it is rounded at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tests.model.facts import Fact
from tests.model.rules import DAY, HOUR, half_away, mean, percentile, ratio, span, total

Exact = int | Fraction | datetime | None
Published = int | Decimal | datetime | None
Compute = Callable[[Sequence[Fact]], Exact]
Facts = Sequence[Fact]

MONEY = "reporting currency"
PLACES = {
    **{MONEY: 2, "usd": 2, "points": 2, "tokens": 8},
    **{"ratio": 6, "days": 2, "hours": 2, "stars": 1, "count": 0, "time": 0},
}


@dataclass(frozen=True)
class Measure:
    """A measure of one fact. Of any currency: facts in other currencies than the one asked for count as well."""

    fact: str
    unit: str
    compute: Compute
    any_currency: bool = False


@dataclass(frozen=True)
class Made:
    """A measure made of two others, null where either of them is."""

    unit: str
    left: str
    right: str
    compute: Callable[[Fraction, Fraction], Fraction | None]


def count(facts: Facts) -> int:
    return len(facts)


def given(column: str, facts: Facts) -> list[Any]:
    """The values of a column that are there."""
    return [fact.values[column] for fact in facts if fact.values.get(column) is not None]


def distinct(column: str) -> Compute:
    return lambda facts: len(set(given(column, facts)))


def number_of(column: str) -> Compute:
    return lambda facts: len(given(column, facts))


def sum_of(column: str) -> Compute:
    return lambda facts: total(given(column, facts))


def mean_of(column: str) -> Compute:
    return lambda facts: mean(given(column, facts))


def latest(column: str) -> Compute:
    return lambda facts: max(given(column, facts), default=None)


def durations(column: str, unit: Any, facts: Facts) -> list[Fraction]:
    return [span(took, unit) for took in given(column, facts)]


@dataclass(frozen=True)
class where:  # noqa: N801 - it reads as a word of the table below
    """Of the facts that have that value only."""

    attribute: str
    value: Any
    compute: Compute

    def takes(self, fact: Fact) -> bool:
        return bool(fact.attributes[self.attribute] == self.value)

    def __call__(self, facts: Facts) -> Exact:
        return self.compute([fact for fact in facts if self.takes(fact)])


def share(attribute: str) -> Compute:
    """How many of the facts have the attribute; null of none."""
    return lambda facts: ratio(sum(bool(fact.attributes[attribute]) for fact in facts), len(facts))


MEASURES: dict[str, Measure] = {
    "applications": Measure("applications", "count", count),
    "applicants": Measure("applications", "count", distinct("influencer_id")),
    "approval_rate": Measure("applications", "ratio", share("is_approved")),
    "attributed_deals": Measure("attributed_deals", "count", count),
    "attributed_amount": Measure("attributed_deals", "usd", sum_of("amount")),
    "completed_deals": Measure("completed_deals", "count", count),
    "gmv": Measure("completed_deals", "usd", sum_of("amount")),
    "deals": Measure("deals", "count", count),
    "deal_amount": Measure("deals", "usd", sum_of("amount")),
    "mean_deal": Measure("deals", "usd", mean_of("amount")),
    "median_deal": Measure(
        "deals", "usd", lambda facts: percentile(list(map(Fraction, given("amount", facts))), Fraction(1, 2))
    ),
    "active_sponsors": Measure("deals", "count", distinct("sponsor_id")),
    "active_influencers": Measure("deals", "count", distinct("influencer_id")),
    "invites_sent": Measure("invites", "count", count),
    "invites_opened": Measure("invites", "count", number_of("opened_at")),
    "invites_clicked": Measure("invites", "count", number_of("clicked_at")),
    "invites_accepted": Measure("invites", "count", where("is_accepted", True, count)),
    "acceptance_rate": Measure("invites", "ratio", share("is_accepted")),
    "conversion_time": Measure("invites", "days", lambda facts: mean(durations("conversion", DAY, facts))),
    "last_invite_sent_at": Measure("invites", "time", latest("sent_at")),
    "last_opened_at": Measure("invites", "time", latest("opened_at")),
    "last_clicked_at": Measure("invites", "time", latest("clicked_at")),
    "active_users": Measure("participations", "count", distinct("user_id")),
    "commission": Measure("payments", MONEY, where("type", "agent_commission", sum_of("amount"))),
    "commissions": Measure("payments", "count", where("type", "agent_commission", count)),
    "mean_commission": Measure("payments", MONEY, where("type", "agent_commission", mean_of("amount"))),
    "platform_revenue": Measure("payments", MONEY, where("type", "commission_deduct", sum_of("amount"))),
    "refunds": Measure("payments", MONEY, where("type", "refund", sum_of("amount"))),
    "recruits": Measure("recruits", "count", distinct("pair")),
    "verified_recruits": Measure("recruits", "count", where("is_verified", True, distinct("pair"))),
    "releases": Measure("releases", "count", count),
    "released_amount": Measure("releases", MONEY, sum_of("amount")),
    "payment_time": Measure("releases", "days", lambda facts: mean(durations("payment", DAY, facts)), True),
    "replies": Measure("replies", "count", count),
    "response_time": Measure("replies", "hours", lambda facts: mean(durations("wait", HOUR, facts))),
    "slow_response_time": Measure(
        "replies", "hours", lambda facts: percentile(durations("wait", HOUR, facts), Fraction(9, 10))
    ),
    "reviews": Measure("reviews", "count", count),
    "rating": Measure("reviews", "stars", mean_of("rating")),
    "payment_speed_rating": Measure("reviews", "stars", mean_of("payment_speed_rating")),
    "communication_rating": Measure("reviews", "stars", mean_of("communication_rating")),
    "professionalism_rating": Measure("reviews", "stars", mean_of("professionalism_rating")),
    "recruit_satisfaction_score": Measure("reviews", "stars", where("is_by_recruit", True, mean_of("rating"))),
    "recruit_satisfaction_count": Measure("reviews", "count", where("is_by_recruit", True, count)),
    "signups": Measure("signups", "count", count),
    "withdrawals": Measure("withdrawals", "count", count),
    "withdrawn": Measure("withdrawals", MONEY, where("is_completed", True, sum_of("amount"))),
    "withdrawals_pending": Measure("withdrawals", "count", where("is_pending", True, count)),
    "pending_withdrawal_amount": Measure("withdrawals", MONEY, where("is_pending", True, sum_of("amount"))),
    "pending_commissions": Measure("pending_commissions", "count", count),
    "pending_commission_amount": Measure("pending_commissions", MONEY, sum_of("amount")),
    "escrow_jobs_open": Measure("escrow_open", "count", count),
    "escrow_held": Measure("escrow_open", MONEY, sum_of("amount")),
    "rewards": Measure("rewards", "count", count, True),
    "reward_amount": Measure("rewards", MONEY, sum_of("amount")),
    "reward_points": Measure("rewards", "points", sum_of("points"), True),
    "bonuses": Measure("bonuses", "count", count),
    "bonus_amount": Measure("bonuses", "usd", sum_of("amount")),
    "token_withdrawals": Measure("token_withdrawals", "count", count),
    "token_amount": Measure("token_withdrawals", "tokens", sum_of("amount")),
    "matches": Measure("matches", "count", count),
    "matched_pairs": Measure("matches", "count", distinct("pair")),
    "saves": Measure("saves", "count", count),
    "messages_sent": Measure("messages_sent", "count", count),
    "activities": Measure("activities", "count", count),
    "social_accounts": Measure("social_accounts", "count", count),
    "followers": Measure("social_accounts", "count", sum_of("followers")),
    "most_followers": Measure("social_accounts", "count", latest("followers")),
    "notifications": Measure("notifications", "count", count),
    "notifications_read_rate": Measure("notifications", "ratio", share("is_read")),
}
MADE: dict[str, Made] = {
    "net_revenue": Made(MONEY, "platform_revenue", "commission", lambda left, right: left - right),
    "take_rate": Made("ratio", "platform_revenue", "gmv", ratio),
    "deals_per_invite": Made("ratio", "attributed_deals", "invites_sent", ratio),
}


def parts_of(name: str) -> tuple[Measure, ...]:
    """The measures of single facts that it is, or is made of."""
    if name in MADE:
        return (*parts_of(MADE[name].left), *parts_of(MADE[name].right))
    if name not in MEASURES:
        raise ValueError(f"there is no measure {name}")
    return (MEASURES[name],)


def is_time(name: str) -> bool:
    return unit_of(name) == "time"


def unit_of(name: str) -> str:
    return MADE[name].unit if name in MADE else MEASURES[name].unit


def in_currency(facts: Facts, currency: str) -> list[Fact]:
    """The facts in that currency, and those that have none."""
    return [fact for fact in facts if fact.attributes.get("currency", currency) == currency]


def counts(name: str, fact: str, one: Fact, currency: str) -> bool:
    """Whether the measure takes in this fact: one of its own, in the currency, of those that it is of."""
    return any(
        part.fact == fact
        and (part.any_currency or bool(in_currency([one], currency)))
        and (not isinstance(part.compute, where) or part.compute.takes(one))
        for part in parts_of(name)
    )


def exact(name: str, facts: dict[str, list[Fact]], currency: str) -> Exact:
    """The measure of the facts (each fact's under its name), not rounded. Dollars are null in another currency."""
    if name in MADE:
        made = MADE[name]
        sides = [exact(side, facts, currency) for side in (made.left, made.right)]
        return None if None in sides else made.compute(*(Fraction(side) for side in sides))  # type: ignore[arg-type]
    measure = MEASURES[name]
    if measure.unit == "usd" and currency != "usd":
        return None
    counted = facts.get(measure.fact, [])
    return measure.compute(counted if measure.any_currency else in_currency(counted, currency))


def rounded(name: str, value: Exact) -> Published:
    """As it is shown: whole numbers and times as they are, all else rounded once."""
    if value is None or isinstance(value, datetime) or unit_of(name) == "count":
        return value  # type: ignore[return-value]
    return half_away(value, PLACES[unit_of(name)])


def change(name: str, now: Published, before: Published) -> Published:
    """By how much what is shown differs; null where either is."""
    if now is None or before is None:
        return None
    difference = Fraction(now) - Fraction(before)  # type: ignore[arg-type]
    return int(difference) if unit_of(name) == "count" else half_away(difference, PLACES[unit_of(name)])


def change_ratio(difference: Published, before: Published) -> Decimal | None:
    """The change against what was before, whatever its sign; null against nothing."""
    if difference is None or before is None:
        return None
    return half_away(ratio(Fraction(difference), abs(Fraction(before))), 6)  # type: ignore[arg-type]
