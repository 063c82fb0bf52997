"""Section 9: the facts of money on its way: asked for, pending, held, earned on top.

Belongs here: withdrawals, pending commissions, open escrow, rewards, bonuses, withdrawals of tokens.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from tests.model.facts import WORK_LINKS, Fact, linked, not_later
from tests.model.rules import DAY, currency_of, earliest, existing, is_before, timed
from tests.model.units import ESCROW_ORDER
from tests.model.world import Row, World, rows

MONEY_REWARDS = ("cash", "crypto")


def withdrawals(world: World, as_of: datetime) -> list[Fact]:
    """Requests of any status; completed ones are so by completed_at where it is set."""
    return [
        Fact(
            (row["id"],),
            row["created_at"],
            dict.fromkeys(("user", "agent"), row["user_id"]),
            {
                "method": row["method"],
                "currency": currency_of(row),
                "status": row["status"],
                "is_completed": row["status"] == "completed" and not_later(row["completed_at"], as_of),
                "is_pending": row["status"] in ("pending", "processing"),
            },
            {"amount": row["amount"]},
        )
        for row in existing(world, "withdrawals", as_of)
    ]


def pending_commissions(world: World, as_of: datetime) -> list[Fact]:
    """Commissions of agents with status pending."""
    columns = {"agent": "to_user_id", "user": "to_user_id", "payer": "from_user_id", "gig": "gig_id"}
    return [
        Fact((row["id"],), row["created_at"], linked(row, columns), {"currency": currency_of(row)}, dict(row))
        for row in existing(world, "transactions", as_of)
        if (row["type"], row["status"]) == ("agent_commission", "pending")
    ]


def escrow_open(world: World, as_of: datetime) -> list[Fact]:
    """Jobs that were locked, and neither released nor refunded."""
    found = []
    for row in existing(world, "escrow_jobs", as_of):
        if not is_held(row, as_of):
            continue
        attributes = {"age": age(row["locked_at"], as_of), "status": row["status"], "currency": currency_of(row)}
        found.append(Fact((row["id"],), row["created_at"], linked(row, WORK_LINKS), attributes, dict(row)))
    return found


def is_held(job: Row, as_of: datetime) -> bool:
    """Locked and released by their own times, where these are null by the status; refunded by the status alone."""
    progressed = job["status"] in ESCROW_ORDER[ESCROW_ORDER.index("locked") :]
    locked = earliest(timed(job["locked_at"], progressed), as_of)
    released = earliest(timed(job["released_at"], job["status"] == "released"), as_of)
    return locked is not None and released is None and job["status"] != "refunded"


def age(locked_at: datetime | None, as_of: datetime) -> str:
    """How many whole days ago that was, in buckets."""
    if locked_at is None:
        return "unknown"
    days = (as_of - locked_at) // DAY
    for last, bucket in ((7, "0-7"), (14, "8-14"), (30, "15-30"), (60, "31-60")):
        if days <= last:
            return bucket
    return "61+"


def rewards(world: World, as_of: datetime) -> list[Fact]:
    """Rewards of every type; only cash and crypto are money, points are something else."""
    return [
        Fact(
            (row["id"],),
            row["earned_at"],
            {"user": row["user_id"]},
            {"type": row["reward_type"], "currency": reward_currency(row), "status": row["status"]},
            {
                "amount": row["amount"] if row["reward_type"] in MONEY_REWARDS else None,
                "points": row["amount"] if row["reward_type"] == "points" else None,
            },
        )
        for row in existing(world, "user_rewards", as_of)
    ]


def reward_currency(row: Row) -> str | None:
    """The currency that is named; of money without one dollars, of all else none."""
    return currency_of(row) if row["currency"] is not None or row["reward_type"] in MONEY_REWARDS else None


def bonuses(world: World, as_of: datetime) -> list[Fact]:
    """Bonuses of agents; paid ones are so by paid_at where it is set."""
    return [
        Fact(
            (row["id"],),
            row["earned_at"],
            {"agent": row["agent_id"]},
            {
                "period": row["period"],
                "type": row["bonus_type"],
                "status": row["status"],
                "is_paid": row["status"] == "paid" and not_later(row["paid_at"], as_of),
            },
            {"amount": row["amount"]},
        )
        for row in existing(world, "agent_bonuses", as_of)
    ]


def token_withdrawals(world: World, as_of: datetime) -> list[Fact]:
    """Requests for tokens; the network is that of the same user's wallet of the same address."""
    network = {(wallet["user_id"], wallet["address"]): wallet["network"] for wallet in rows(world, "connected_wallets")}
    found = []
    for row in existing(world, "token_withdrawal_requests", as_of):
        completed = row["status"] == "completed" and (
            row["processed_at"] is None or is_before(row["processed_at"], as_of)
        )
        attributes = {
            "status": row["status"],
            "is_completed": completed,
            "network": network.get((row["user_id"], row["wallet_address"])),
        }
        links, values = {"user": row["user_id"]}, {"amount": row["amount"]}
        found.append(Fact((row["id"],), row["requested_at"], links, attributes, values))
    return found


FACTS: dict[str, Callable[[World, datetime], list[Fact]]] = {
    "withdrawals": withdrawals,
    "pending_commissions": pending_commissions,
    "escrow_open": escrow_open,
    "rewards": rewards,
    "bonuses": bonuses,
    "token_withdrawals": token_withdrawals,
}
