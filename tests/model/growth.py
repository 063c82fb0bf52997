"""Section 7: the marketplace month by month, experiments with templates, cohorts.

Belongs here: what is told of the whole marketplace over time.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from fractions import Fraction
from uuid import UUID

from tests.model.rules import (
    currency_of,
    existing,
    half_away,
    is_before,
    local_month,
    month_number,
    month_of_number,
    ratio,
    reporting,
    total,
    utc,
)
from tests.model.world import Row, World, rows

FIRST_MONTH = date(2000, 1, 1)


def marketplace_monthly(world: World, as_of: datetime, *, currency: str = "usd", tz: str = "UTC") -> list[Row]:
    """One row per month from the first with activity to that of the last moment before as_of, nothing before 2000-01.

    Activity is a new deal, a dated completion of a deal, or a completed commission_deduct,
    agent_commission or refund in the reporting currency. gmv and take_rate are null unless that is usd.
    """
    as_of = utc(as_of, "as_of")
    new: dict[date, list[Row]] = defaultdict(list)
    completed: dict[date, list[Row]] = defaultdict(list)
    money: dict[date, list[Row]] = defaultdict(list)
    for deal in existing(world, "deals", as_of):
        new[local_month(deal["created_at"], tz)].append(deal)
        if deal["status"] == "completed" and is_before(deal["completed_at"], as_of):
            completed[local_month(deal["completed_at"], tz)].append(deal)
    for row in existing(world, "transactions", as_of):
        counted = row["type"] in ("commission_deduct", "agent_commission", "refund") and row["status"] == "completed"
        if counted and currency_of(row) == reporting(currency):
            money[local_month(row["created_at"], tz)].append(row)
    active = [month_number(month) for month in {*new, *completed, *money} if month >= FIRST_MONTH]
    if not active:
        return []
    last = month_number(local_month(as_of - timedelta(microseconds=1), tz))
    months = [month_of_number(number) for number in range(min(active), last + 1)]
    in_usd = reporting(currency) == "usd"
    return [_month_row(month, new[month], completed[month], money[month], in_usd) for month in months]


def _month_row(month: date, new: list[Row], completed: list[Row], money: list[Row], in_usd: bool) -> Row:
    def paid(kind: str) -> Fraction:
        return total(row["amount"] for row in money if row["type"] == kind)

    gmv = total(deal["amount"] for deal in completed)
    revenue, payouts = paid("commission_deduct"), paid("agent_commission")
    return {
        "month": month,
        "new_deals": len(new),
        "completed_deals": len(completed),
        "gmv": half_away(gmv, 2) if in_usd else None,
        "active_sponsors": len({deal["sponsor_id"] for deal in new}),
        "active_influencers": len({deal["influencer_id"] for deal in new}),
        "platform_revenue": half_away(revenue, 2),
        "agent_payouts": half_away(payouts, 2),
        "net_revenue": half_away(revenue - payouts, 2),
        "take_rate": half_away(ratio(revenue, gmv), 6) if in_usd else None,
        "refunds": half_away(paid("refund"), 2),
    }


def signup_cohorts(world: World, as_of: datetime, *, currency: str = "usd", tz: str = "UTC") -> list[Row]:
    """One row per signup month with members and months since, 0 to the month of the last moment before as_of.

    Members are influencers and sponsors by users.created_at; active are those party to a deal created in
    the month that many months later (in month 0 also one from before the signup itself).
    """
    as_of = utc(as_of, "as_of")
    members: dict[date, set[UUID]] = defaultdict(set)
    for user in rows(world, "users"):
        if user["role"] in ("influencer", "sponsor") and is_before(user["created_at"], as_of):
            members[local_month(user["created_at"], tz)].add(user["id"])
    parties: dict[int, set[UUID]] = defaultdict(set)
    for deal in existing(world, "deals", as_of):
        parties[month_number(local_month(deal["created_at"], tz))] |= {deal["influencer_id"], deal["sponsor_id"]}
    last = month_number(local_month(as_of - timedelta(microseconds=1), tz))
    found: list[Row] = []
    for cohort in sorted(members):
        first = month_number(cohort)
        for since in range(last - first + 1):
            active = len(members[cohort] & parties[first + since])
            found.append(
                {
                    "cohort_month": cohort,
                    "months_since": since,
                    "cohort_size": len(members[cohort]),
                    "active": active,
                    "retention": half_away(Fraction(active, len(members[cohort])), 6),
                }
            )
    return found
