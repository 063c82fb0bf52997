"""The summary tables as an earlier refresh left them.

Belongs here: contact_engagement, agent_performance_metrics and brand_reputations, a month old and with
gaps, so that a refresh has something to write, add and correct.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from si_analytics.sample import columns
from si_analytics.sample.deals import Deals
from si_analytics.sample.invitations import Invitations
from si_analytics.sample.people import AGENT, INFLUENCER, SPONSOR, People
from si_analytics.sample.randomness import Ints, Stream
from si_analytics.sample.recruitment import Recruitment
from si_analytics.sample.times import DAY, LAST, NEVER

_THEN = LAST - 31 * DAY


def tables(
    seed: int, people: People, sent: Invitations, *, contact_ids: pl.Series, deals: Deals, recruitment: Recruitment
) -> dict[str, pl.DataFrame]:
    """Returns the three outdated summary tables."""
    return {
        "contact_engagement": _engagement(Stream(seed, "contact_engagement"), sent, contact_ids),
        "agent_performance_metrics": _agents(Stream(seed, "agent_performance_metrics"), people, recruitment),
        "brand_reputations": _brands(Stream(seed, "brand_reputations"), people, deals),
    }


def _tally(sent: Invitations, moment: Ints) -> tuple[Ints, Ints]:
    """Per contact: how many of the moments lie before the earlier refresh, and the last one (`NEVER`: none)."""
    count = len(sent.contact_agent)
    before = moment < _THEN
    number = np.bincount(sent.contact[before], minlength=count).astype(np.int64)
    last = np.full(count, -1, dtype=np.int64)
    np.maximum.at(last, sent.contact[before], moment[before])
    return number, np.where(last < 0, NEVER, last)


def _engagement(stream: Stream, sent: Invitations, contact_ids: pl.Series) -> pl.DataFrame:
    invites, last_sent = _tally(sent, sent.sent)
    opened, last_opened = _tally(sent, sent.opened)
    clicked, last_clicked = _tally(sent, sent.clicked)
    accepted, _ = _tally(sent, sent.accepted)
    count = len(invites)
    rate = np.where(invites > 0, np.minimum(accepted, invites) * 10_000 // np.maximum(invites, 1), 0)
    frame = pl.DataFrame(
        {
            "contact_id": contact_ids,
            "total_invites_sent": columns.integers(invites),
            "last_invite_sent_at": columns.instants(last_sent),
            "opened_count": columns.integers(opened),
            "clicked_count": columns.integers(clicked),
            "last_opened_at": columns.instants(last_opened),
            "last_clicked_at": columns.instants(last_clicked),
            "response_rate": columns.decimals(rate, 5),
            "updated_at": columns.instants(np.full(count, _THEN)),
        }
    )
    return frame.filter(pl.Series(stream.chance(count, 0.7)))


def _agents(stream: Stream, people: People, recruitment: Recruitment) -> pl.DataFrame:
    """The agents at that time, and one or two people who are no longer agents."""
    agents = people.of(AGENT)
    agents = agents[(people.created[agents] < _THEN) & stream.chance(len(agents), 0.7)]
    former = people.of(INFLUENCER)[:: max(len(people.of(INFLUENCER)) // 2, 1)][:2]
    who = np.concatenate((agents, former))
    count = len(who)
    before = recruitment.moment < _THEN
    recruits = np.bincount(recruitment.agent[before], minlength=len(people))[who].astype(np.int64)
    known = recruits > 0
    quality = np.floor(people.quality[who] * 40).astype(np.int64) + 10
    return pl.DataFrame(
        {
            "user_id": columns.at(people.ids, who),
            "total_deals": columns.integers(recruits * 2),
            "total_referrals": columns.integers(recruits),
            "verified_referrals": columns.integers(recruits * 6 // 10),
            "total_earnings": columns.decimals(recruits * 5_000, 10),
            "average_conversion_time": columns.where(known, columns.decimals(stream.between(count, 50, 900), 10)),
            "response_time": columns.where(known, columns.decimals(stream.between(count, 20, 4_000), 10)),
            "satisfaction_score": columns.where(known, columns.decimals(quality, 2, 1)),
            "performance_score": columns.where(known, columns.decimals(stream.between(count, 500, 9_500), 10)),
            "last_calculated_at": columns.instants(np.full(count, _THEN)),
            "updated_at": columns.instants(np.full(count, _THEN)),
        }
    )


def _brands(stream: Stream, people: People, deals: Deals) -> pl.DataFrame:
    sponsors = people.of(SPONSOR)
    who = sponsors[(people.created[sponsors] < _THEN) & stream.chance(len(sponsors), 0.7)]
    count = len(who)
    number = np.bincount(deals.sponsor[deals.created < _THEN], minlength=len(people))[who].astype(np.int64)
    rated = np.where(number > 0, np.floor(people.quality[who] * 40).astype(np.int64) + 10, 0)
    days = np.floor(people.pace[who] * 100).astype(np.int64) + 150
    return pl.DataFrame(
        {
            "sponsor_id": columns.at(people.ids, who),
            "overall_rating": columns.decimals(rated, 2, 1),
            "payment_speed_rating": columns.decimals(rated, 2, 1),
            "communication_rating": columns.decimals(rated, 2, 1),
            "professionalism_rating": columns.decimals(rated, 2, 1),
            "total_deals": columns.integers(number),
            "average_payment_time": columns.where(number > 0, columns.decimals(days, 10)),
            "review_count": columns.integers(number // 2),
            "updated_at": columns.instants(np.full(count, _THEN)),
        }
    )
