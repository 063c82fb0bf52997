"""Transactions, withdrawals and balances.

Belongs here: the money's columns, and the sums over them.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from si_analytics.sample import columns, ledger, words
from si_analytics.sample.deals import CURRENCIES, ETH, EUR, USD, Deals, spelled
from si_analytics.sample.ledger import Entries
from si_analytics.sample.people import People
from si_analytics.sample.profiles import numbered
from si_analytics.sample.randomness import Ints, Stream
from si_analytics.sample.times import HOUR, LAST, only


def tables(
    seed: int, people: People, deals: Deals, entries: Entries, *, gig_ids: pl.Series, job_ids: pl.Series
) -> dict[str, pl.DataFrame]:
    """Returns the transactions, the withdrawals among them, and the resulting balances."""
    transactions = _transactions(
        Stream(seed, "transactions: columns"), people, deals, entries, gig_ids=gig_ids, job_ids=job_ids
    )
    return {
        "transactions": transactions,
        "withdrawals": _withdrawals(Stream(seed, "withdrawals"), people, entries, transactions),
        "user_balances": _balances(people, entries),
    }


def _transactions(
    stream: Stream, people: People, deals: Deals, entries: Entries, *, gig_ids: pl.Series, job_ids: pl.Series
) -> pl.DataFrame:
    count = len(entries)
    job = np.where((entries.deal >= 0) & deals.job[entries.deal], entries.deal, -1)
    gone = (job >= 0) & stream.chance(count, 0.003)  # the job was deleted since, its payments were not
    unclear = (entries.status == ledger.FAILED) & stream.chance(count, 0.02)
    paid_by_card = (entries.kind == ledger.PAYMENT_IN) & (entries.currency < ETH)
    kinds = columns.lookup(entries.kind, [kind.replace("_", " ") for kind in ledger.TYPES])
    return pl.DataFrame(
        {
            "id": stream.ids(count),
            "type": columns.lookup(entries.kind, ledger.TYPES),
            "job_id": columns.at(job_ids, job).zip_with(pl.Series(~gone), stream.ids(count)),
            "gig_id": columns.at(gig_ids, np.where(entries.deal >= 0, deals.gig[entries.deal], -1)),
            "from_user_id": columns.at(people.ids, entries.payer),
            "to_user_id": columns.at(people.ids, entries.payee),
            "amount": columns.decimals(entries.units, 15),
            "currency": spelled(stream, entries.currency),
            "fee": columns.decimals(entries.fee, 15),
            "attributed_agent_id": columns.at(people.ids, entries.agent),
            "recruited_type": columns.lookup(entries.recruited, ledger.RECRUITED),
            "split_percentage": columns.integers(entries.split, entries.split < 0),
            "status": columns.lookup(np.where(unclear, -1, entries.status), ("pending", "completed", "failed")),
            "created_at": columns.instants(entries.moment),
            "payment_id": columns.where(paid_by_card, numbered(count, "py_sample_")),
            "description": columns.where(stream.chance(count, 0.3), kinds),
        }
    )


def _withdrawals(stream: Stream, people: People, entries: Entries, transactions: pl.DataFrame) -> pl.DataFrame:
    places = np.flatnonzero(entries.kind == ledger.WITHDRAWAL)
    made = entries.take(places)
    count = len(made)
    crypto = made.currency >= ETH
    waiting = np.where(stream.chance(count, 0.5), 0, 1)
    status = np.where(made.status == ledger.COMPLETED, 2, np.where(made.status == ledger.FAILED, 3, waiting))
    asked = made.moment - stream.wait(count, 5 * HOUR, narrow=True)
    recorded = (made.status != ledger.FAILED) | stream.chance(count, 0.5)
    bank = numbered(count, "bank account sample-")
    return pl.DataFrame(
        {
            "id": stream.ids(count),
            "user_id": columns.at(people.ids, made.payer),
            "amount": columns.decimals(made.units, 15),
            "currency": columns.lookup(made.currency, CURRENCIES),
            "method": columns.lookup(np.where(crypto, 1, 0), ("stripe", "coinbase")),
            "destination": numbered(count, "0xsample").zip_with(pl.Series(crypto), bank),
            "status": columns.lookup(status, ("pending", "processing", "completed", "failed")),
            "created_at": columns.instants(asked),
            "completed_at": columns.instants(only(status == 2, made.moment)),
            "transaction_id": columns.at(transactions["id"], np.where(recorded, places, -1)),
            "failure_reason": columns.where(status == 3, stream.words(count, words.REFUSALS)),
        }
    )


def _balances(people: People, entries: Entries) -> pl.DataFrame:
    """One row per person and currency with any movement; the schema keeps no balance in euro."""
    moved = entries.take((entries.status == ledger.COMPLETED) & (entries.currency != EUR))
    sides = [_effects(moved, moved.payer, payer=True), _effects(moved, moved.payee, payer=False)]
    # Everybody on the platform has a dollar account, used or not.
    empty = pl.DataFrame({"person": np.arange(len(people)), "currency": np.full(len(people), USD)}).with_columns(
        *(pl.lit(0, pl.Int64).alias(name) for name in ("available", "escrow", "earned", "withdrawn")),
        moment=pl.Series(np.minimum(people.created, LAST - 1)),
    )
    summed = (
        pl.concat([*sides, empty.select(sides[0].columns)])
        .group_by("person", "currency")
        .agg(pl.sum("available", "escrow", "earned", "withdrawn"), pl.max("moment"))
        .sort("person", "currency")
    )
    amounts = {
        name: columns.decimals(summed[name].to_numpy(), 15) for name in ("available", "escrow", "earned", "withdrawn")
    }
    return pl.DataFrame(
        {
            "user_id": columns.at(people.ids, summed["person"].to_numpy()),
            "currency": columns.lookup(summed["currency"].to_numpy(), CURRENCIES),
            "available_balance": amounts["available"],
            "escrow_balance": amounts["escrow"],
            "total_earnings": amounts["earned"],
            "total_withdrawals": amounts["withdrawn"],
            "last_updated": columns.instants(summed["moment"].to_numpy()),
        }
    )


def _effects(moved: Entries, person: Ints, *, payer: bool) -> pl.DataFrame:
    """Returns how each completed transaction changes the account of the person on that side."""
    kind, units = moved.kind, moved.units
    zero = np.zeros(len(moved), dtype=np.int64)
    if payer:
        available = np.where((kind == ledger.ESCROW_LOCK) | (kind == ledger.WITHDRAWAL), -units, zero)
        left = (kind == ledger.RELEASE) | (kind == ledger.COMMISSION_DEDUCT)
        escrow = np.where(kind == ledger.ESCROW_LOCK, units, np.where(left, -units, zero))
        earned, withdrawn = zero, np.where(kind == ledger.WITHDRAWAL, units, zero)
    else:
        available = units
        escrow = np.where(kind == ledger.REFUND, -units, zero)
        earned = np.where((kind == ledger.RELEASE) | (kind == ledger.AGENT_COMMISSION), units, zero)
        withdrawn = zero
    frame = pl.DataFrame(
        {
            "person": person,
            "currency": moved.currency,
            "available": available,
            "escrow": escrow,
            "earned": earned,
            "withdrawn": withdrawn,
            "moment": moved.moment,
        }
    )
    return frame.filter(pl.col("person") >= 0)


def commissions(entries: Entries, deals: Deals) -> pl.DataFrame:
    """Returns what each agent earned in dollars through each recruit: agent, recruit, cents.

    A commission for both parties of a deal counts half for each; the sponsor's half gets an odd cent.
    """
    paid = entries.take(
        (entries.kind == ledger.AGENT_COMMISSION) & (entries.status == ledger.COMPLETED) & (entries.currency == USD)
    )
    half = paid.units // 2
    both, by_sponsor = paid.recruited == 2, paid.recruited != 1
    sponsor_cents = np.where(both, paid.units - half, np.where(by_sponsor, paid.units, 0))
    sides = (
        (deals.sponsor[paid.deal], sponsor_cents),
        (deals.influencer[paid.deal], paid.units - sponsor_cents),
    )
    frames = [pl.DataFrame({"agent": paid.agent, "recruit": recruit, "cents": cents}) for recruit, cents in sides]
    summed = pl.concat(frames).group_by("agent", "recruit").agg(pl.sum("cents"))
    return summed.filter(pl.col("cents") > 0).sort("agent", "recruit")
