"""What drawn and crowded marketplaces hold in the tables that facts alone read.

Belongs here: for each such table how many rows, what each of its columns may hold, and what is unique in it. Moments
are drawn by whoever fills the tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

AMOUNTS = tuple(map(Decimal, ("10.00", "0.01", "33.33", "-5.00", "1000000.00")))
TOKENS = tuple(map(Decimal, ("1.00000000", "0.00000001", "-0.50000000", "33.33333333", "9999999999.99999999")))
CURRENCIES = ("usd", "usd", " USD ", "EUR", "eur", None, "", "btc")
ADDRESSES = ("0xa", "0xb", "")
FLAGS = (True, True, False, None)


@dataclass(frozen=True)
class Further:
    """The rows of one table: about how many, from which values each column is drawn, which columns are a key."""

    few: int
    many: int
    columns: Mapping[str, Sequence[Any]]
    unique: tuple[str, ...] = ()


def further(users: Sequence[UUID], agents: Sequence[UUID], gigs: Sequence[UUID]) -> dict[str, Further]:
    """Every such table that can have rows where these are there."""
    found = {
        "withdrawals": _withdrawals(users),
        "user_rewards": _rewards(users),
        "connected_wallets": Further(
            3,
            20,
            {"user_id": users, "address": ADDRESSES, "network": ("ethereum", "polygon", "solana")},
            ("user_id", "address"),
        ),
        "token_withdrawal_requests": _token_withdrawals(users),
        "matches": Further(6, 60, {"user_id": users, "target_id": users, "gig_id": (None, None, *gigs)}, _MATCH),
        "feed_activities": Further(
            5, 40, {"type": ("deal", "joined", ""), "user_id": (None, *users), "gig_id": (None, *gigs)}
        ),
        "social_accounts": _accounts(users),
        "notifications": _notifications(users),
    }
    if gigs:
        found["saved_gigs"] = Further(4, 40, {"user_id": users, "gig_id": gigs}, ("user_id", "gig_id"))
    if agents:
        found["agent_bonuses"] = _bonuses(agents, users)
    return found


_MATCH = ("user_id", "target_id", "gig_id")


def _withdrawals(users: Sequence[UUID]) -> Further:
    status = ("completed", "completed", "pending", "processing", "failed", None)
    money = {"amount": AMOUNTS, "currency": CURRENCIES}
    return Further(6, 60, {"user_id": users, **money, "method": ("stripe", "coinbase"), "status": status})


def _rewards(users: Sequence[UUID]) -> Further:
    kinds, status = ("cash", "cash", "crypto", "points", "points", "badge"), ("pending", "completed", None)
    money = {"amount": (None, *AMOUNTS), "currency": CURRENCIES}
    return Further(6, 60, {"user_id": users, "reward_type": kinds, **money, "status": status})


def _token_withdrawals(users: Sequence[UUID]) -> Further:
    status = ("completed", "completed", "pending", "failed", None)
    wallet = {"user_id": users, "wallet_address": (*ADDRESSES, "0xc")}
    return Further(6, 60, {**wallet, "amount": TOKENS, "status": status})


def _bonuses(agents: Sequence[UUID], users: Sequence[UUID]) -> Further:
    kinds = {"period": ("monthly", "quarterly"), "bonus_type": ("performance", "milestone", "tier_upgrade")}
    status = ("paid", "paid", "pending", "approved", None)
    return Further(5, 40, {"agent_id": (*agents, *agents, *users), **kinds, "amount": AMOUNTS, "status": status})


def _accounts(users: Sequence[UUID]) -> Further:
    platforms, followers = ("instagram", "tiktok", "youtube"), (None, 0, 100, 2_000_000_000)
    columns = {"user_id": users, "platform": platforms, "followers": followers, "is_verified": FLAGS}
    return Further(5, 40, columns, ("user_id", "platform"))


def _notifications(users: Sequence[UUID]) -> Further:
    columns = {"user_id": users, "type": ("deal", "message", ""), "priority": ("low", "urgent", None), "read": FLAGS}
    return Further(6, 60, columns)
