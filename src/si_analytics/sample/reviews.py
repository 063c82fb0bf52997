"""What people think of each other once the work is done.

Belongs here: the reviews.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from si_analytics.sample import columns, words
from si_analytics.sample.deals import Deals
from si_analytics.sample.people import People
from si_analytics.sample.randomness import Floats, Ints, Stream
from si_analytics.sample.recruitment import Recruitment
from si_analytics.sample.times import DAY, LAST, NEVER, part, seen

_NONE = -1


def tables(
    seed: int, people: People, deals: Deals, recruitment: Recruitment, deal_ids: pl.Series
) -> dict[str, pl.DataFrame]:
    """Returns the reviews of brands, influencers and agents, in order of time."""
    stream = Stream(seed, "user_reviews")
    parts = [_of_brands(stream, people, deals), _of_influencers(stream, people, deals)]
    parts.append(_of_agents(stream, people, recruitment))
    deal, by, about, overall, speed, manner, skill, moment = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    order = np.lexsort((about, by, moment))[: int((moment < LAST).sum())]
    count = len(order)
    written = columns.instants(moment[order])
    frame = pl.DataFrame(
        {
            "id": stream.ids(count),
            "deal_id": columns.at(deal_ids, deal[order]),
            "reviewer_id": columns.at(people.ids, by[order]),
            "reviewed_user_id": columns.at(people.ids, about[order]),
            "rating": columns.decimals(overall[order], 2, 1),
            "payment_speed_rating": _rating(speed[order]),
            "communication_rating": _rating(manner[order]),
            "professionalism_rating": _rating(skill[order]),
            "comment": columns.where(stream.chance(count, 0.6), stream.words(count, words.REVIEWS)),
            "created_at": written,
            "updated_at": written,
        }
    )
    return {"user_reviews": frame}


def _rating(tenths: Ints) -> pl.Series:
    return columns.where(tenths != _NONE, columns.decimals(tenths, 2, 1))


def _tenths(stream: Stream, centre: Floats) -> Ints:
    """Ratings in tenths around `centre` (1 to 5), half of them whole numbers, as people like them."""
    drawn = np.clip(centre + stream.bell(len(centre)) * 0.5, 1.0, 5.0)
    fine = np.floor(drawn * 10 + 0.5).astype(np.int64)
    return np.where(stream.chance(len(centre), 0.5), (fine + 5) // 10 * 10, fine)


def _some(stream: Stream, tenths: Ints, probability: float) -> Ints:
    """Keeps the given share of sub-ratings; the others were not given."""
    return np.where(stream.chance(len(tenths), probability), tenths, _NONE)


Part = tuple[Ints, Ints, Ints, Ints, Ints, Ints, Ints, Ints]


def _of_brands(stream: Stream, people: People, deals: Deals) -> Part:
    """Influencers review after they are paid, or after waiting long enough; a long wait lowers the rating."""
    writes = (deals.approved < NEVER) & stream.chance(len(deals), 0.55)
    which = np.flatnonzero(writes).astype(np.int64)
    patience = deals.approved[which] + 25 * DAY
    known = np.minimum(np.where(deals.released < NEVER, deals.released, NEVER)[which], patience)
    days = (np.minimum(known, LAST) - deals.submitted[which]) / DAY
    sponsor = deals.sponsor[which]
    speed = _tenths(stream, 5.6 - 0.75 * np.sqrt(days))
    manner = _tenths(stream, 2.4 + 2.6 * people.quality[sponsor])
    skill = _tenths(stream, 2.6 + 2.3 * people.quality[sponsor])
    overall = np.clip((speed * 2 + manner + skill + stream.between(len(which), -4, 5) + 2) // 4, 10, 50)
    moment = seen(known + stream.wait(len(which), 2 * DAY))
    given = (_some(stream, speed, 0.96), _some(stream, manner, 0.9), _some(stream, skill, 0.88))
    return (which, deals.influencer[which], sponsor, overall, *given, moment)


def _of_influencers(stream: Stream, people: People, deals: Deals) -> Part:
    writes = (deals.approved < NEVER) & stream.chance(len(deals), 0.45)
    which = np.flatnonzero(writes).astype(np.int64)
    influencer = deals.influencer[which]
    manner = _tenths(stream, 2.8 + 2.2 * people.quality[influencer])
    skill = _tenths(stream, 2.6 + 2.5 * people.quality[influencer])
    overall = (manner + skill + 1) // 2
    moment = seen(deals.approved[which] + stream.wait(len(which), 1.5 * DAY))
    none = np.full(len(which), _NONE, dtype=np.int64)
    given = (_some(stream, manner, 0.9), _some(stream, skill, 0.9))
    return (which, deals.sponsor[which], influencer, overall, none, *given, moment)


def _of_agents(stream: Stream, people: People, recruitment: Recruitment) -> Part:
    """Recruits review the agent who brought them, without a deal; a few do so twice."""
    recruits = np.arange(len(recruitment.agent))
    which = np.concatenate((recruits[stream.chance(len(recruits), 0.3)], recruits[stream.chance(len(recruits), 0.02)]))
    agent, recruit = recruitment.agent[which], recruitment.recruit[which]
    manner = _tenths(stream, 5.2 - 0.35 * np.sqrt(people.pace[agent]))
    skill = _tenths(stream, 2.5 + 2.5 * people.quality[agent])
    moment = part(recruitment.moment[which], np.full(len(which), LAST), stream.uniform(len(which)))
    none = np.full(len(which), _NONE, dtype=np.int64)
    given = (_some(stream, manner, 0.85), _some(stream, skill, 0.85))
    return (none, recruit, agent, (manner + skill + 1) // 2, none, *given, moment)
