"""What became of each invite: who sent it, who opened it, who joined.

Belongs here: the invites and their contacts, as numbers. The columns are in `outreach`.

The people who joined by an invite are already known, so their invites are made backwards from the
day they joined; the other invites are sent and stop at some stage.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from si_analytics.sample.people import AGENT, People
from si_analytics.sample.randomness import Bools, Floats, Ints, Stream
from si_analytics.sample.recruitment import Recruitment
from si_analytics.sample.times import DAY, HOUR, LAST, MINUTE, NEVER, Rhythm, only, part, seen

_CONTACTS_PER_INVITE = 0.62


@dataclass(frozen=True)
class Invitations:
    """One entry per invite, in order of sending; `person` is who joined by it (-1: nobody).

    `sent`, `opened`, `clicked`, `accepted` and `verified` are `NEVER` if it did not happen; `contact` numbers
    the contacts, and `contact_agent` and `contact_person` are their agents and persons.
    """

    agent: Ints
    person: Ints
    contact: Ints
    created: Ints
    sent: Ints
    opened: Ints
    clicked: Ints
    accepted: Ints
    verified: Ints
    contact_agent: Ints
    contact_person: Ints

    def __len__(self) -> int:
        return len(self.agent)


def send(seed: int, people: People, recruitment: Recruitment, count: int, rhythm: Rhythm) -> Invitations:
    """Returns `count` invites, or one for each person who joined by an invite if those are more."""
    stream = Stream(seed, "invites")
    person = np.flatnonzero(recruitment.invited).astype(np.int64)
    others = max(count - len(person), 0)
    agent = np.concatenate((recruitment.agent_of[person], _senders(stream, people, others)))
    person = np.concatenate((person, np.full(others, -1, dtype=np.int64)))
    total = len(person)
    joined = person >= 0
    start = people.created[agent]
    sent = rhythm.after(stream, start + HOUR)
    reaction = stream.wait(total, 2.5 * DAY)
    arrival = people.created[np.maximum(person, 0)]
    sent = np.where(joined, np.maximum(arrival - reaction, part(start, arrival, stream.uniform(total))), sent)
    accepts = joined | stream.chance(total, 0.055)
    accepted = np.where(joined, part(sent, arrival, 0.6 + 0.4 * stream.uniform(total)), sent + reaction)
    accepted = seen(only(accepts, accepted))
    created = part(start, sent, 1.0 - stream.uniform(total) * 0.02)
    sent = only(joined | ~stream.chance(total, 0.03), sent)
    accepted = only(sent < NEVER, accepted)
    opened, clicked = _reading(stream, sent, accepted)
    verified = only(joined & stream.chance(total, 0.8), seen(arrival + stream.wait(total, 9 * HOUR)))
    order = np.lexsort((created, np.minimum(sent, created + 2 * DAY)))
    contact, contact_agent, contact_person = _contacts(stream, agent[order], person[order])
    return Invitations(
        agent=agent[order],
        person=person[order],
        contact=contact,
        created=created[order],
        sent=sent[order],
        opened=opened[order],
        clicked=clicked[order],
        accepted=accepted[order],
        verified=verified[order],
        contact_agent=contact_agent,
        contact_person=contact_person,
    )


def _senders(stream: Stream, people: People, count: int) -> Ints:
    """Draws agents by their weight and by how long they have been there."""
    agents = people.of(AGENT)
    share: Floats = people.weight[agents] * ((LAST - people.created[agents]) // DAY)
    return agents[stream.pick(count, share)]


def _reading(stream: Stream, sent: Ints, accepted: Ints) -> tuple[Ints, Ints]:
    """When invites were opened and clicked; some mail clients hide the opening, so a click may come without it."""
    count = len(sent)
    yes = accepted < NEVER
    opens = stream.chance(count, np.where(yes, 0.95, 0.46))
    clicks = stream.chance(count, np.where(yes, 0.9, np.where(opens, 0.24, 0.015)))
    hidden = clicks & stream.chance(count, 0.09)
    until = np.where(yes, accepted, sent)
    opened = np.where(yes, part(sent, until, stream.uniform(count) * 0.7), sent + stream.wait(count, 7 * HOUR))
    later = opened + stream.wait(count, 4 * MINUTE)
    clicked = np.where(yes, part(opened, until, stream.uniform(count)), later)
    happened = sent < NEVER
    return seen(only(opens & ~hidden & happened, opened)), seen(only(clicks & happened, clicked))


def _contacts(stream: Stream, agent: Ints, person: Ints) -> tuple[Ints, Ints, Ints]:
    """Spreads each agent's invites over the agent's contacts, and adds some contacts without an invite."""
    count = len(agent)
    mixed = stream.order(count)
    order = mixed[np.argsort(agent[mixed], kind="stable")]
    sorted_agent = agent[order]
    first = np.concatenate(([True], sorted_agent[1:] != sorted_agent[:-1])) if count else np.zeros(0, dtype=np.bool_)
    begin = np.maximum.accumulate(np.where(first, np.arange(count), 0))
    place = np.floor((np.arange(count) - begin) * _CONTACTS_PER_INVITE).astype(np.int64)
    # Whoever joined is a contact of their own, for nobody joins twice.
    joined: Bools = person[order] >= 0
    new = first | joined | np.concatenate(([False], (place[1:] != place[:-1]) | joined[:-1]))
    number = np.cumsum(new) - 1
    contact = np.empty(count, dtype=np.int64)
    contact[order] = number
    idle = stream.pick(max(count // 12, 3), np.bincount(agent).astype(np.float64))
    contact_agent = np.concatenate((sorted_agent[new], idle))
    contact_person = np.concatenate((np.where(joined, person[order], -1)[new], np.full(len(idle), -1, dtype=np.int64)))
    return contact, contact_agent, contact_person
