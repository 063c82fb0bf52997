"""Which agent brought whom.

Belongs here: the referrals.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from si_analytics.sample import columns
from si_analytics.sample.people import AGENT, INFLUENCER, SPONSOR, People
from si_analytics.sample.randomness import Bools, Ints, Stream
from si_analytics.sample.times import DAY, LAST, NEVER, SECOND, Rhythm, only


@dataclass(frozen=True)
class Recruitment:
    """The referrals, and for each person the agent who brought them first (-1: none)."""

    agent: Ints
    recruit: Ints
    moment: Ints
    active: Bools
    agent_of: Ints
    since: Ints
    invited: Bools
    """Whether the person joined by following an invite."""

    def agent_at(self, person: Ints, moment: Ints) -> Ints:
        """The agent who shares in what `person` does at `moment`; -1 for none."""
        return np.where(self.since[person] <= moment, self.agent_of[person], -1)


def recruit(seed: int, people: People, rhythm: Rhythm) -> Recruitment:
    """Most influencers and sponsors come through an agent; some are recruited long after they joined."""
    stream = Stream(seed, "referrals")
    candidates = np.flatnonzero((people.role == INFLUENCER) | (people.role == SPONSOR)).astype(np.int64)
    count = len(candidates)
    joined = people.created[candidates]
    brought = stream.chance(count, 0.62)
    invited = brought & stream.chance(count, 0.78)
    late = only(~brought & stream.chance(count, 0.25), rhythm.after(stream, joined + 30 * DAY))
    late = only(joined + 30 * DAY < LAST, late)
    moment = np.where(brought, joined + stream.between(count, 1, 90 * SECOND), late)
    moment = only(moment < LAST, moment)
    agent = _choose(stream, people, np.where(brought, joined, late))
    agent = np.where(moment < NEVER, agent, -1)
    agent_of = np.full(len(people), -1, dtype=np.int64)
    since = np.full(len(people), NEVER, dtype=np.int64)
    agent_of[candidates] = agent
    since[candidates] = only(agent >= 0, moment)
    flags = np.zeros(len(people), dtype=np.bool_)
    flags[candidates] = invited & (agent >= 0)
    first = np.flatnonzero(agent >= 0)
    pairs = (agent[first], candidates[first], moment[first])
    return _with_second_agents(stream, people, rhythm, pairs, (agent_of, since, flags))


def _choose(stream: Stream, people: People, moment: Ints) -> Ints:
    """Draws an agent who was there by `moment`, by weight."""
    agents = people.of(AGENT)
    position = stream.pick_before(np.cumsum(people.weight[agents]), people.there(agents, moment))
    return np.where(position >= 0, agents[position], -1)


def _with_second_agents(
    stream: Stream,
    people: People,
    rhythm: Rhythm,
    pairs: tuple[Ints, Ints, Ints],
    by_person: tuple[Ints, Ints, Bools],
) -> Recruitment:
    """Lets another agent recruit a few people once more."""
    agent, recruit, moment = pairs
    again = stream.chance(len(agent), 0.03) & (moment < LAST - 20 * DAY)
    at = rhythm.after(stream, moment[again] + 10 * DAY)
    other = _choose(stream, people, at)
    real = (other >= 0) & (other != agent[again])
    agent = np.concatenate((agent, other[real]))
    recruit = np.concatenate((recruit, recruit[again][real]))
    moment = np.concatenate((moment, at[real]))
    order = np.lexsort((recruit, agent, moment))
    active = ~stream.chance(len(order), 0.07)
    agent_of, since, invited = by_person
    return Recruitment(agent[order], recruit[order], moment[order], active, agent_of, since, invited)


def tables(seed: int, people: People, made: Recruitment, commissions: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Returns the referrals; `commissions` says what each agent earned by each recruit (agent, recruit, cents)."""
    stream = Stream(seed, "referrals: columns")
    pairs = pl.DataFrame({"agent": made.agent, "recruit": made.recruit})
    earned = pairs.join(commissions, on=["agent", "recruit"], how="left", maintain_order="left")
    cents = earned["cents"].fill_null(0).to_numpy().astype(np.int64)
    kind = np.where(people.role[made.recruit] == SPONSOR, 0, 1)
    frame = pl.DataFrame(
        {
            "id": stream.ids(len(made.agent)),
            "agent_id": columns.at(people.ids, made.agent),
            "recruited_user_id": columns.at(people.ids, made.recruit),
            "recruited_user_type": columns.lookup(kind, ("sponsor", "influencer")),
            "recruited_at": columns.instants(made.moment),
            "total_commissions_earned": columns.decimals(cents, 15),
            "is_active": columns.flags(made.active),
        }
    )
    return {"referrals": frame}
