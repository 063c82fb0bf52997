"""Gigs, and who showed interest in them.

Belongs here: gigs, applications, saved gigs, comparisons of gigs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from si_analytics.sample import columns, words
from si_analytics.sample.people import INFLUENCER, SPONSOR, People, Size
from si_analytics.sample.randomness import Bools, Floats, Ints, Stream
from si_analytics.sample.times import DAY, HOUR, LAST, NEVER, Rhythm, only, part, seen


@dataclass(frozen=True)
class Gigs:
    """One entry per gig, in order of time; `worth` is what a deal on it usually pays, in cents."""

    sponsor: Ints
    created: Ints
    worth: Ints
    appeal: Floats

    def __len__(self) -> int:
        return len(self.sponsor)


@dataclass(frozen=True)
class Interests:
    """One entry per pair of influencer and gig; no pair comes twice.

    `reviewed` is when the sponsor looked at it and `agreed` when a deal could begin, `NEVER` if after the end;
    `dealt` says whether a deal was made, `direct` that it was made without an application.
    """

    gig: Ints
    influencer: Ints
    applied: Ints
    reviewed: Ints
    agreed: Ints
    dealt: Bools
    direct: Bools

    def __len__(self) -> int:
        return len(self.gig)


def post(seed: int, people: People, size: Size, rhythm: Rhythm) -> Gigs:
    """Returns the sponsors' gigs: a few brands post most of them."""
    stream = Stream(seed, "gigs")
    sponsors = people.of(SPONSOR)
    count = size.gigs
    exposure = people.weight[sponsors] * ((LAST - people.created[sponsors]) // DAY + 1)
    sponsor = sponsors[stream.pick(count, exposure)]
    created = rhythm.after(stream, people.created[sponsor] + HOUR)
    order = np.lexsort((sponsor, created))
    sponsor, created = sponsor[order], created[order]
    worth = 500 * (np.floor(people.price[sponsor] * stream.spread(count) * 70).astype(np.int64) + 5)
    appeal = np.where(stream.chance(count, 0.07), 0.0, np.sqrt(stream.power_law(count)))  # nobody wants some of them
    return Gigs(sponsor, created, worth, appeal)


def interest(seed: int, people: People, gigs: Gigs, size: Size) -> Interests:
    """Returns who wanted to work on what; the size says how many of them become deals."""
    stream = Stream(seed, "interest")
    gig, influencer = _pairs(stream, people, gigs, size)
    applied = np.maximum(gigs.created[gig], people.created[influencer]) + stream.wait(len(gig), 30 * HOUR)
    wanted = np.flatnonzero(applied < LAST)[: size.pairs]
    wanted = wanted[np.lexsort((influencer[wanted], applied[wanted]))]
    gig, influencer, applied = gig[wanted], influencer[wanted], applied[wanted]
    count = len(gig)
    reviewed = seen(applied + stream.wait(count, 22 * HOUR))
    agreed = seen(reviewed + stream.wait(count, 16 * HOUR))
    possible = stream.order(count)
    possible = possible[agreed[possible] < NEVER][: size.deals]
    dealt = np.zeros(count, dtype=np.bool_)
    dealt[possible] = True
    return Interests(gig, influencer, applied, reviewed, agreed, dealt, dealt & stream.chance(count, 0.07))


def _pairs(stream: Stream, people: People, gigs: Gigs, size: Size) -> tuple[Ints, Ints]:
    influencers = people.of(INFLUENCER)
    draws = size.pairs * 2
    gig = stream.pick(draws, gigs.appeal)
    present = people.there(influencers, gigs.created[gig] + 12 * DAY)
    position = stream.pick_before(np.cumsum(people.weight[influencers]), present)
    influencer = influencers[position]
    _, first = np.unique(gig * len(people) + influencer, return_index=True)
    kept = np.sort(first)
    return gig[kept], influencer[kept]


def tables(
    seed: int, people: People, gigs: Gigs, interests: Interests, *, running: Ints, done: Ints
) -> dict[str, pl.DataFrame]:
    """Returns the columns; `running` and `done` count each gig's active and completed deals."""
    posted = _gigs(Stream(seed, "gigs: columns"), people, gigs, running, done)
    return {
        "gigs": posted,
        "gig_applications": _applications(Stream(seed, "gig_applications"), people, interests, posted["id"]),
        "saved_gigs": _saved(Stream(seed, "saved_gigs"), people, gigs, posted["id"]),
        "gig_comparisons": _comparisons(Stream(seed, "gig_comparisons"), people, gigs, posted["id"]),
    }


def _gigs(stream: Stream, people: People, gigs: Gigs, running: Ints, done: Ints) -> pl.DataFrame:
    count = len(gigs)
    stale = gigs.created < LAST - 90 * DAY
    untouched = np.where(stale & stream.chance(count, 0.6), 3, 0)
    status = np.where(running > 0, 1, np.where(done > 0, np.where(stream.chance(count, 0.85), 2, 0), untouched))
    athletes = stream.chance(count, 0.4)
    title = columns.join(stream.words(count, words.GIG_WHAT), ": ", stream.words(count, words.GIG_FOR))
    updated = part(gigs.created, np.full(count, LAST), stream.uniform(count))
    return pl.DataFrame(
        {
            "id": stream.ids(count),
            "sponsor_id": columns.at(people.ids, gigs.sponsor),
            "title": title,
            "description": columns.join(title, ". Details after signing; draft before posting."),
            "price": columns.where(stream.chance(count, 0.75), columns.decimals(gigs.worth, 10)),
            "budget_min": columns.decimals(gigs.worth * 7 // 10, 10),
            "budget_max": columns.decimals(gigs.worth * stream.between(count, 10, 19) // 10, 10),
            "categories": stream.sets(count, words.CATEGORIES, 3, least=0),
            "influencer_types": stream.sets(count, words.INFLUENCER_TYPES, 2),
            "athlete_sports": columns.where(athletes, stream.sets(count, words.SPORTS, 2)),
            "location": columns.where(stream.chance(count, 0.85), stream.words(count, words.CITIES)),
            "requirements": columns.where(stream.chance(count, 0.8), stream.sets(count, words.REQUIREMENTS, 3)),
            "deliverables": columns.where(stream.chance(count, 0.9), stream.sets(count, words.DELIVERABLES, 3)),
            "deadline": columns.instants(
                only(stream.chance(count, 0.7), gigs.created + stream.wait(count, 40 * DAY, narrow=True))
            ),
            "status": columns.lookup(status, ("open", "in_progress", "completed", "cancelled")),
            "created_at": columns.instants(gigs.created),
            "updated_at": columns.instants(updated),
        }
    )


def _applications(stream: Stream, people: People, interests: Interests, gig_ids: pl.Series) -> pl.DataFrame:
    """One row per interest, also for direct deals, whose rows `market` removes at the end."""
    count = len(interests)
    verdict = stream.pick(count, (0.22, 0.1, 0.68))  # pending, approved (but without a deal), rejected
    verdict = np.where(interests.dealt, 1, np.where(interests.reviewed < NEVER, verdict, 0))
    noted = (verdict > 0) & ~stream.chance(count, 0.03)
    return pl.DataFrame(
        {
            "id": stream.ids(count),
            "gig_id": columns.at(gig_ids, interests.gig),
            "influencer_id": columns.at(people.ids, interests.influencer),
            "status": columns.lookup(verdict, ("pending", "approved", "rejected")),
            "applied_at": columns.instants(interests.applied),
            "reviewed_at": columns.instants(only(noted, interests.reviewed)),
            "message": columns.where(stream.chance(count, 0.7), stream.words(count, words.MESSAGES)),
        }
    )


def _saved(stream: Stream, people: People, gigs: Gigs, gig_ids: pl.Series) -> pl.DataFrame:
    count = len(gigs)
    person = stream.between(count, 0, len(people))
    gig = stream.between(count, 0, len(gigs))
    _, first = np.unique(gig * len(people) + person, return_index=True)
    person, gig = person[np.sort(first)], gig[np.sort(first)]
    count = len(gig)
    since = np.maximum(people.created[person], gigs.created[gig])
    return pl.DataFrame(
        {
            "id": stream.ids(count),
            "user_id": columns.at(people.ids, person),
            "gig_id": columns.at(gig_ids, gig),
            "saved_at": columns.instants(part(since, np.full(count, LAST), stream.uniform(count))),
            "notes": columns.where(stream.chance(count, 0.2), stream.words(count, words.NOTES)),
        }
    )


def _comparisons(stream: Stream, people: People, gigs: Gigs, gig_ids: pl.Series) -> pl.DataFrame:
    count = max(len(gigs) // 8, 3)
    person = stream.between(count, 0, len(people))
    sizes = stream.between(count, 2, 5)
    compared = stream.between(int(sizes.sum()), 0, len(gigs))
    gone = stream.chance(len(compared), 0.01)  # deleted since, but the comparison still names it
    members = columns.at(gig_ids, compared).zip_with(pl.Series(~gone), stream.ids(len(compared)))
    created = columns.instants(part(people.created[person], np.full(count, LAST), stream.uniform(count)))
    return pl.DataFrame(
        {
            "id": stream.ids(count),
            "user_id": columns.at(people.ids, person),
            "name": columns.where(
                stream.chance(count, 0.8), stream.words(count, ("Shortlist", "Summer", "Maybe", "最高"))
            ),
            "gig_ids": columns.groups(members, sizes),
            "created_at": created,
            "updated_at": created,
        }
    )
