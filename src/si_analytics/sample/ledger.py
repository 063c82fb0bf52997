"""The money: every payment between a sponsor's card and the bank of an influencer or agent.

Belongs here: transactions as numbers, so that they add up. The columns are in `money`.

The path of a deal's money: the sponsor pays it in, and escrow locks it. On release the platform deducts its
commission from the escrow and gives the agents their part of that; the rest goes to the influencer.
Refunds return to the sponsor. Withdrawals never exceed the payment they follow.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from si_analytics.sample.deals import ETH, Deals
from si_analytics.sample.randomness import Bools, Ints, Stream
from si_analytics.sample.times import DAY, HOUR, LAST, MINUTE, NEVER, SECOND, part

TYPES = ("payment_in", "escrow_lock", "release", "commission_deduct", "agent_commission", "withdrawal", "refund")
PAYMENT_IN, ESCROW_LOCK, RELEASE, COMMISSION_DEDUCT, AGENT_COMMISSION, WITHDRAWAL, REFUND = range(7)
PENDING, COMPLETED, FAILED = range(3)
RECRUITED = ("sponsor", "influencer", "both")
_PLATFORM_PERCENT, _AGENT_PERCENT = 15, 5


@dataclass(frozen=True)
class Entries:
    """Transactions, one per place; -1 in `deal`, `payer`, `payee`, `agent`, `recruited` and `split` means none."""

    kind: Ints
    deal: Ints
    payer: Ints
    payee: Ints
    units: Ints
    currency: Ints
    fee: Ints
    moment: Ints
    status: Ints
    agent: Ints
    recruited: Ints
    split: Ints

    def __len__(self) -> int:
        return len(self.kind)

    def take(self, which: Ints | Bools) -> Entries:
        """Returns the entries at those places."""
        return Entries(*(getattr(self, field.name)[which] for field in fields(self)))


def _together(parts: list[Entries]) -> Entries:
    return Entries(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Entries)))


def _entries(kind: int, deals: Deals, which: Bools, moment: Ints, units: Ints, **others: Ints | int) -> Entries:
    """Entries of one kind for the deals where `which` holds; by default with no other party, completed and free."""
    places = np.flatnonzero(which)
    values: dict[str, Ints | int] = {
        **dict.fromkeys(("payer", "payee", "agent", "recruited", "split"), -1),
        **{"kind": kind, "deal": np.arange(len(deals)), "units": units, "currency": deals.currency, "fee": 0},
        **{"moment": moment, "status": COMPLETED},
        **others,
    }
    columns = {name: np.broadcast_to(value, (len(deals),))[places].astype(np.int64) for name, value in values.items()}
    return Entries(**columns)


def keep(seed: int, deals: Deals) -> Entries:
    """Returns every transaction, in order of time."""
    stream = Stream(seed, "transactions")
    parts = [*_paid_in(stream, deals), *_locked(deals), *_released(stream, deals), *_commissions(stream, deals)]
    earned = _together(parts)
    earned = earned.take((earned.moment < LAST) & (earned.units > 0))
    every = _together([earned, _withdrawn(stream, earned)])
    return every.take(np.lexsort((every.units, every.deal, every.kind, every.moment)))


def _card_fee(deals: Deals) -> Ints:
    return np.where(deals.currency < ETH, deals.units * 29 // 1000 + 30, 0)


def _paid_in(stream: Stream, deals: Deals) -> list[Entries]:
    count = len(deals)
    paid = deals.locked < NEVER
    moment = part(deals.created, np.minimum(deals.locked, LAST), 0.5 + 0.5 * stream.uniform(count))
    refused = paid & stream.chance(count, 0.04)
    earlier = part(deals.created, moment, stream.uniform(count))
    expected = (deals.locked >= NEVER) & (deals.cancelled >= NEVER) & stream.chance(count, 0.7)
    soon = deals.created + stream.between(count, MINUTE, HOUR)
    return [
        _entries(PAYMENT_IN, deals, paid, moment, deals.units, payee=deals.sponsor, fee=_card_fee(deals)),
        _entries(PAYMENT_IN, deals, refused, earlier, deals.units, payee=deals.sponsor, status=FAILED),
        _entries(PAYMENT_IN, deals, expected, soon, deals.units, payee=deals.sponsor, status=PENDING),
    ]


def _locked(deals: Deals) -> list[Entries]:
    locked, refunded = deals.locked < NEVER, deals.refunded < NEVER
    return [
        _entries(ESCROW_LOCK, deals, locked, deals.locked, deals.units, payer=deals.sponsor),
        _entries(REFUND, deals, refunded & locked, deals.refunded, deals.units, payee=deals.sponsor),
    ]


def _released(stream: Stream, deals: Deals) -> list[Entries]:
    count = len(deals)
    done = deals.released < NEVER
    cut = deals.units * _PLATFORM_PERCENT // 100
    rest = deals.units - cut
    parties = {"payer": deals.sponsor, "payee": deals.influencer}
    failed = done & stream.chance(count, 0.015)
    before = part(deals.approved, np.minimum(deals.released, LAST), stream.uniform(count))
    releasing = (deals.approved < NEVER) & ~done & stream.chance(count, 0.5)
    started = deals.approved + stream.between(count, MINUTE, HOUR)
    return [
        _entries(COMMISSION_DEDUCT, deals, done, deals.released, cut, payer=deals.sponsor),
        _entries(RELEASE, deals, done, deals.released, rest, **parties),
        _entries(RELEASE, deals, failed, before, rest, status=FAILED, **parties),
        _entries(RELEASE, deals, releasing, started, rest, status=PENDING, **parties),
    ]


def _commissions(stream: Stream, deals: Deals) -> list[Entries]:
    """The agents' part: half each if two agents brought the two parties, all of it if one did."""
    count = len(deals)
    left, right = deals.sponsor_agent, deals.influencer_agent
    done = deals.released < NEVER
    awaited = (deals.approved < NEVER) & ~done & stream.chance(count, 0.6)
    moment = np.where(done, np.minimum(deals.released + SECOND, LAST - 1), deals.approved + HOUR)
    status = np.where(done, np.where(stream.chance(count, 0.012), FAILED, COMPLETED), PENDING)
    share = deals.units * _AGENT_PERCENT // 100
    two = (left >= 0) & (right >= 0) & (left != right)
    both = (left >= 0) & (left == right)
    part_units = np.where(two, share // 2, share)
    split = np.where(two, 50, 100)
    entries = []
    for agent, recruited in ((left, np.where(both, 2, 0)), (right, np.full(count, 1))):
        which = (done | awaited) & (agent >= 0) & (~both | (recruited == 2))
        details = {"payee": agent, "agent": agent, "recruited": recruited, "split": split, "status": status}
        entries.append(_entries(AGENT_COMMISSION, deals, which, moment, part_units, **details))
    return entries


def _withdrawn(stream: Stream, earned: Entries) -> Entries:
    """Most people move a good part of each payment to their bank or wallet."""
    source = earned.take(((earned.kind == RELEASE) | (earned.kind == AGENT_COMMISSION)) & (earned.status == COMPLETED))
    count = len(source)
    moment = source.moment + stream.wait(count, 6 * DAY)
    units = source.units * stream.between(count, 40, 101) // 100
    recent = moment > LAST - 3 * DAY
    status = np.where(recent, PENDING, np.where(stream.chance(count, 0.03), FAILED, COMPLETED))
    nobody = np.full(count, -1, dtype=np.int64)
    made = Entries(
        kind=np.full(count, WITHDRAWAL, dtype=np.int64),
        deal=nobody,
        payer=source.payee,
        payee=nobody,
        units=units,
        currency=source.currency,
        fee=np.where(source.currency < ETH, 25, 0),
        moment=moment,
        status=status,
        agent=nobody,
        recruited=nobody,
        split=nobody,
    )
    return made.take(stream.chance(count, 0.22) & (moment < LAST) & (units > 0))
