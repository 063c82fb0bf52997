"""Haggling: negotiations and the offers in them.

Belongs here: the columns of both.

A negotiation that led to a deal lies between the application and the deal, and its last offer is the
deal's amount. The others end with a refusal, end in silence, or are still open.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from si_analytics.sample import columns, words
from si_analytics.sample.deals import Deals
from si_analytics.sample.gigs import Gigs, Interests
from si_analytics.sample.people import People
from si_analytics.sample.randomness import Ints, Stream
from si_analytics.sample.times import DAY, LAST, NEVER, only, part, seen

OPEN, ACCEPTED, REJECTED, EXPIRED = range(4)
_STATUSES = ("open", "accepted", "rejected", "expired")
_TIMELINES = ("1 week", "2 weeks", "by the end of the month", "flexible", "ASAP!")


@dataclass(frozen=True)
class Talks:
    """One entry per negotiation: its interest, the amount in question (cents), its begin and end, its status, and the
    number of its offers."""

    interest: Ints
    amount: Ints
    begun: Ints
    ended: Ints
    status: Ints
    offers: Ints


def tables(
    seed: int, people: People, gigs: Gigs, interests: Interests, deals: Deals, *, gig_ids: pl.Series
) -> dict[str, pl.DataFrame]:
    """Returns negotiations and their offers."""
    stream = Stream(seed, "negotiations")
    talks = _talks(stream, gigs, interests, deals)
    count = len(talks.interest)
    gig = interests.gig[talks.interest]
    frame = pl.DataFrame(
        {
            "id": stream.ids(count),
            "gig_id": columns.at(gig_ids, gig),
            "influencer_id": columns.at(people.ids, interests.influencer[talks.interest]),
            "sponsor_id": columns.at(people.ids, gigs.sponsor[gig]),
            "status": columns.lookup(talks.status, _STATUSES),
            "created_at": columns.instants(talks.begun),
            "updated_at": columns.instants(np.minimum(talks.ended, LAST - 1)),
            "expires_at": columns.instants(only(stream.chance(count, 0.9), talks.begun + 14 * DAY)),
        }
    )
    offers = _offers(Stream(seed, "negotiation_offers"), people, gigs, interests, talks, ids=frame["id"])
    return {"negotiations": frame, "negotiation_offers": offers}


def _talks(stream: Stream, gigs: Gigs, interests: Interests, deals: Deals) -> Talks:
    count = len(interests)
    haggled = stream.chance(count, np.where(interests.direct, 0.9, np.where(interests.dealt, 0.42, 0.12)))
    which = np.flatnonzero(haggled).astype(np.int64)
    dealt = interests.dealt[which]
    deal_of = np.full(count, -1, dtype=np.int64)
    deal_of[deals.interest] = np.arange(len(deals))
    agreed_amount = deals.amount[np.maximum(deal_of[which], 0)]
    amount = np.where(dealt, agreed_amount, gigs.worth[interests.gig[which]])
    until = np.where(dealt, interests.agreed[which], interests.applied[which] + stream.wait(len(which), 5 * DAY))
    begun = part(interests.applied[which], until, stream.uniform(len(which)) * 0.4)
    begun = np.minimum(begun, LAST - 1)
    verdict = 1 + stream.pick(len(which), (0.04, 0.5, 0.46))
    status = np.where(dealt, ACCEPTED, np.where(until < LAST, verdict, OPEN))
    silent = (status != ACCEPTED) & stream.chance(len(which), 0.15)
    offers = np.where(silent, 0, np.minimum(stream.wait(len(which), 1.5, narrow=True), 6))
    # A few deals have an open negotiation: nobody noted the answer, or the deal was made without one.
    status = np.where(dealt & stream.chance(len(which), 0.03), OPEN, status)
    return Talks(which, amount, begun, until, status, offers)


def _offers(
    stream: Stream, people: People, gigs: Gigs, interests: Interests, talks: Talks, *, ids: pl.Series
) -> pl.DataFrame:
    talk = np.repeat(np.arange(len(talks.offers)), talks.offers)
    count = len(talk)
    number = np.arange(count) - np.repeat(np.cumsum(talks.offers) - talks.offers, talks.offers)
    total = talks.offers[talk]
    span = (number + 0.2 + 0.6 * stream.uniform(count)) / (total + 0.2)
    made = part(talks.begun[talk], talks.ended[talk], span)
    last = number == total - 1
    following = np.where(last, talks.ended[talk], np.concatenate((made[1:], [NEVER])))
    starts_sponsor = stream.chance(len(talks.offers), 0.4)[talk]
    by_sponsor = starts_sponsor ^ (number % 2 == 1)
    interest = talks.interest[talk]
    sender = np.where(by_sponsor, gigs.sponsor[interests.gig[interest]], interests.influencer[interest])
    distance = (total - 1 - number) * stream.between(count, 3, 12)  # percent away from the final amount
    amount = talks.amount[talk] * (100 + np.where(by_sponsor, -distance, distance)) // 100
    closing = np.array([0, 1, 2, 0])[talks.status[talk]]
    earlier = np.where(stream.chance(count, 0.92), 3, 2)
    status = np.where(following < LAST, np.where(last, closing, earlier), 0)
    answered = only(
        (status != 0) & ~stream.chance(count, 0.03), part(made, following, 0.3 + 0.6 * stream.uniform(count))
    )
    frame = pl.DataFrame(
        {
            "id": stream.ids(count),
            "negotiation_id": columns.at(ids, talk),
            "from_user_id": columns.at(people.ids, sender),
            "amount": columns.decimals(amount, 10),
            "deliverables": columns.where(stream.chance(count, 0.8), stream.sets(count, words.DELIVERABLES, 3)),
            "timeline": columns.where(stream.chance(count, 0.8), stream.words(count, _TIMELINES)),
            "message": columns.where(stream.chance(count, 0.6), stream.words(count, words.MESSAGES)),
            "status": columns.lookup(status, ("pending", "accepted", "rejected", "countered")),
            "created_at": columns.instants(made),
            "responded_at": columns.instants(seen(answered)),
        }
    )
    return frame.filter(pl.Series(made < LAST))
