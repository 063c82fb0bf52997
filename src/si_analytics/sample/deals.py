"""What became of each deal, from the agreement to the money.

Belongs here: the fate of deals as numbers, and the columns of deals and escrow jobs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from si_analytics.sample import columns, words
from si_analytics.sample.gigs import Gigs, Interests
from si_analytics.sample.people import People
from si_analytics.sample.profiles import numbered
from si_analytics.sample.randomness import Bools, Floats, Ints, Stream
from si_analytics.sample.recruitment import Recruitment
from si_analytics.sample.times import DAY, HOUR, LAST, MINUTE, NEVER, only, part, seen

USD, EUR, ETH, BTC = range(4)
CURRENCIES = ("usd", "eur", "eth", "btc")
_SPELLINGS = (("usd", "USD", " USD ", None), ("eur", "EUR"), ("eth", "ETH"), ("btc", "Btc "))
_CENTS_PER_UNIT = (1, 1, 3_000, 60_000)  # US cents to a hundredth of the currency

JOB_STATUSES = (
    "pending_payment", "payment_processing", "locked", "work_in_progress", "work_submitted", "under_review", "approved",
    "releasing", "released", "refunding", "refunded", "disputed",
)  # fmt: skip


@dataclass(frozen=True)
class Deals:
    """One entry per deal, in order of time. Moments that never come, or not before the end, are `NEVER`.

    `interest` is its place among the interests, `amount` is in US cents, `units` in hundredths of the currency it is
    paid in; `job` says whether it has an escrow job.
    """

    interest: Ints
    gig: Ints
    influencer: Ints
    sponsor: Ints
    influencer_agent: Ints
    sponsor_agent: Ints
    created: Ints
    amount: Ints
    currency: Ints
    units: Ints
    job: Bools
    locked: Ints
    submitted: Ints
    reviewing: Ints
    disputed: Ints
    approved: Ints
    released: Ints
    refunded: Ints
    cancelled: Ints

    def __len__(self) -> int:
        return len(self.gig)

    @property
    def status(self) -> Ints:
        """pending, active, completed, cancelled."""
        under_way = np.where(self.locked < NEVER, 1, 0)
        return np.where(self.cancelled < NEVER, 3, np.where(self.approved < NEVER, 2, under_way))


def strike(seed: int, people: People, gigs: Gigs, interests: Interests, recruitment: Recruitment) -> Deals:
    """Returns the deals, each with its fate."""
    stream = Stream(seed, "deals")
    chosen = np.flatnonzero(interests.dealt).astype(np.int64)
    chosen = chosen[np.lexsort((chosen, interests.agreed[chosen]))]
    gig, influencer, created = interests.gig[chosen], interests.influencer[chosen], interests.agreed[chosen]
    sponsor = gigs.sponsor[gig]
    count = len(chosen)
    factor = people.price[influencer] * stream.spread(count, narrow=True)
    amount = 500 * (np.floor(gigs.worth[gig] * np.minimum(factor, 8.0)).astype(np.int64) // 500 + 1)
    currency = np.where(amount >= 300_000, stream.pick(count, (0.7, 0.06, 0.14, 0.1)), stream.pick(count, (0.95, 0.05)))
    units = amount // np.array(_CENTS_PER_UNIT)[currency]
    units = np.where(currency == EUR, units * 92 // 100, units)
    return Deals(
        interest=chosen,
        gig=gig,
        influencer=influencer,
        sponsor=sponsor,
        influencer_agent=recruitment.agent_at(influencer, created),
        sponsor_agent=recruitment.agent_at(sponsor, created),
        created=created,
        amount=amount,
        currency=currency,
        units=units,
        job=~interests.direct[chosen] & ~stream.chance(count, 0.03),
        **_fate(stream, created, people.pace[sponsor]),
    )


def _fate(stream: Stream, created: Ints, pace_days: Floats) -> dict[str, Ints]:
    """Returns when the money was locked and the work submitted, approved and paid, or what went wrong instead."""
    count = len(created)
    fate = stream.pick(count, (0.83, 0.06, 0.06, 0.05))  # good, cancelled before and after payment, disputed
    locked = created + stream.wait(count, pace_days * 1.5 * HOUR)
    submitted = locked + stream.wait(count, 9 * DAY, narrow=True)
    reviewing = submitted + stream.wait(count, 8 * HOUR)
    verdict = stream.pick(count, (0.4, 0.35, 0.25))  # of a dispute: open, paid after all, refunded
    quarrel = np.where(fate == 3, stream.wait(count, 15 * DAY), 0)
    approved = reviewing + stream.wait(count, 20 * HOUR) + quarrel
    released = approved + stream.wait(count, pace_days * DAY, narrow=True)
    called_off = np.where(fate == 1, created, locked) + stream.wait(count, 3 * DAY)
    back = np.where(fate == 2, called_off, reviewing + quarrel) + stream.wait(count, 2 * DAY)
    paid = (fate == 0) | ((fate == 3) & (verdict == 1))
    returned = (fate == 2) | ((fate == 3) & (verdict == 2))
    worked = (fate == 0) | (fate == 3)
    given_up = np.where((fate == 1) | (fate == 2), called_off, only(returned, back))
    return {
        "locked": only(fate != 1, seen(locked)),
        "submitted": only(worked, seen(submitted)),
        "reviewing": only(worked, seen(reviewing)),
        "disputed": only(fate == 3, seen(reviewing + 6 * HOUR)),
        "approved": only(paid, seen(approved)),
        "released": only(paid, seen(released)),
        "refunded": only(returned, seen(back)),
        "cancelled": seen(only((fate == 1) | returned, given_up)),
    }


def spelled(stream: Stream, currency: Ints) -> pl.Series:
    """The currencies as people wrote them, mostly tidy."""
    plain = columns.lookup(currency, CURRENCIES)
    odd = stream.chance(len(currency), 0.07)
    style = stream.uniform(len(currency))
    pieces = [columns.lookup(np.floor(style * len(options)).astype(np.int64), options) for options in _SPELLINGS]
    for number, written in enumerate(pieces):
        plain = written.zip_with(pl.Series(odd & (currency == number)), plain)
    return plain


def tables(
    seed: int, people: People, deals: Deals, gig_ids: pl.Series, application_ids: pl.Series
) -> dict[str, pl.DataFrame]:
    """Returns the columns of deals and escrow jobs; `market` drops the job rows whose `deals.job` is false."""
    return {
        "deals": _deals(Stream(seed, "deals: columns"), people, deals, gig_ids),
        "escrow_jobs": _jobs(Stream(seed, "escrow_jobs"), people, deals, gig_ids, application_ids),
    }


def _deals(stream: Stream, people: People, deals: Deals, gig_ids: pl.Series) -> pl.DataFrame:
    count = len(deals)
    agent = np.where(deals.influencer_agent >= 0, deals.influencer_agent, deals.sponsor_agent)
    crypto = deals.currency >= ETH
    method = np.where(crypto | stream.chance(count, 0.04), 1, np.where(stream.chance(count, 0.03), -1, 0))
    commission = np.where(agent >= 0, deals.amount // 20, 0)
    written_down = (deals.status == 2) & ~stream.chance(count, 0.006)
    last = np.maximum(deals.created, np.where(deals.approved < NEVER, deals.approved, 0))
    return pl.DataFrame(
        {
            "id": stream.ids(count),
            "gig_id": columns.at(gig_ids, deals.gig),
            "influencer_id": columns.at(people.ids, deals.influencer),
            "sponsor_id": columns.at(people.ids, deals.sponsor),
            "agent_id": columns.at(people.ids, agent),
            "amount": columns.decimals(deals.amount, 10),
            "agent_commission": columns.decimals(commission, 10),
            "status": columns.lookup(deals.status, ("pending", "active", "completed", "cancelled")),
            "created_at": columns.instants(deals.created),
            "completed_at": columns.instants(only(written_down, deals.approved)),
            "payment_method": columns.lookup(method, ("stripe", "coinbase")),
            "contract_hash": columns.where(
                stream.chance(count, 0.9), columns.join("0x", columns.hexadecimal(stream.raw(count)))
            ),
            "updated_at": columns.instants(last),
        }
    )


def _job_status(stream: Stream, deals: Deals) -> Ints:
    """The furthest status the job has reached, by its moments."""
    count = len(deals)
    either = stream.chance(count, 0.5)
    status = np.where(either, 0, 1)
    for moment, states in (
        (deals.locked, (2, 3)),
        (deals.submitted, (4, 4)),
        (deals.reviewing, (5, 5)),
        (deals.disputed, (11, 11)),
        (deals.approved, (6, 7)),
        (deals.released, (8, 8)),
    ):
        status = np.where(moment < NEVER, np.where(either, *states), status)
    paid_back = np.where(deals.refunded < NEVER, 10, 9)
    called_off = (deals.cancelled < NEVER) & (deals.locked < NEVER)
    return np.where(called_off | (deals.refunded < NEVER), paid_back, status)


def _jobs(stream: Stream, people: People, deals: Deals, gig_ids: pl.Series, application_ids: pl.Series) -> pl.DataFrame:
    count = len(deals)
    status = _job_status(stream, deals)
    stripe = deals.currency < ETH
    opened = part(deals.created, np.minimum(deals.locked, deals.created + 10 * MINUTE), stream.uniform(count) * 0.9)
    opened = np.minimum(opened, LAST - 1)
    kept = ~stream.chance(count, 0.006)  # the rest were released by hand, and nobody noted when
    last = np.max(
        [np.where(m < NEVER, m, 0) for m in (deals.created, deals.locked, deals.submitted, deals.released)], axis=0
    )
    return pl.DataFrame(
        {
            "id": stream.ids(count),
            "gig_id": columns.at(gig_ids, deals.gig),
            "application_id": columns.at(application_ids, deals.interest),
            "sponsor_id": columns.at(people.ids, deals.sponsor),
            "influencer_id": columns.at(people.ids, deals.influencer),
            "amount": columns.decimals(deals.units, 15),
            "currency": spelled(stream, deals.currency),
            "status": columns.lookup(status, JOB_STATUSES),
            "locked_at": columns.instants(deals.locked),
            "released_at": columns.instants(only(kept, deals.released)),
            "sponsor_agent_id": columns.at(people.ids, deals.sponsor_agent),
            "influencer_agent_id": columns.at(people.ids, deals.influencer_agent),
            "stripe_payment_intent_id": columns.where(stripe, numbered(count, "pi_sample_")),
            "stripe_transfer_id": columns.where(stripe & (deals.released < NEVER), numbered(count, "tr_sample_")),
            "work_submitted_at": columns.instants(deals.submitted),
            "review_started_at": columns.instants(only(stream.chance(count, 0.9), deals.reviewing)),
            "approved_at": columns.instants(deals.approved),
            "dispute_reason": columns.where(deals.disputed < NEVER, stream.words(count, words.DISPUTES)),
            "disputed_at": columns.instants(deals.disputed),
            "metadata": columns.where(
                stream.chance(count, 0.1), columns.repeated(count, '{"source": "sample", "v": 2}')
            ),
            "created_at": columns.instants(opened),
            "updated_at": columns.instants(last),
        }
    )
