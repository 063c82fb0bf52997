"""Who is on the marketplace, when they joined, and what they are like.

Belongs here: the people. All other modules read them; their columns are in `profiles`.

People are numbered in the order in which they joined, so "who was there by then" is a prefix.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from si_analytics.sample import words
from si_analytics.sample.randomness import Bools, Floats, Ints, Stream
from si_analytics.sample.times import FIRST, HOUR, Rhythm

INFLUENCER, SPONSOR, AGENT, ADMIN = range(4)
ROLES = ("influencer", "sponsor", "agent", "admin")

# The first to join, so that every role exists from the first week on.
_FOUNDERS = (ADMIN, AGENT, SPONSOR, INFLUENCER, SPONSOR, INFLUENCER, AGENT, INFLUENCER, SPONSOR, INFLUENCER)


@dataclass(frozen=True)
class Size:
    """How many of each there are."""

    users: int
    deals: int
    invites: int

    @property
    def gigs(self) -> int:
        """The number of gigs; on average two of them make four deals."""
        return self.deals * 11 // 20

    @property
    def pairs(self) -> int:
        """How many pairs of influencer and gig there are: applications, or deals made without one."""
        return self.deals * 3


@dataclass(frozen=True)
class People:
    """The people; every array has one entry per person, in order of joining.

    `weight`: a person's share of the market; `pace`: how long others wait for them (an agent's or influencer's
    median hours to an answer, a sponsor's median days to a payment); `quality` (0 to 1): how content others are;
    `price`: the value of their deals relative to an ordinary one.
    """

    ids: pl.Series
    names: pl.Series
    role: Ints
    created: Ints
    weight: Floats
    pace: Floats
    quality: Floats
    price: Floats

    def __len__(self) -> int:
        return len(self.role)

    def of(self, role: int) -> Ints:
        """The numbers of the people of that role."""
        return np.flatnonzero(self.role == role).astype(np.int64)

    def there(self, among: Ints, moments: Ints) -> Ints:
        """How many of `among` had joined by each moment."""
        return np.searchsorted(self.created[among], moments, side="left").astype(np.int64)


def populate(seed: int, size: Size, rhythm: Rhythm) -> People:
    """Returns the people of the marketplace of that seed and size."""
    stream = Stream(seed, "people")
    count = size.users
    role = _roles(stream, count)
    created = np.sort(rhythm.after(stream, np.full(count, FIRST, dtype=np.int64)), kind="stable")
    founded = FIRST + np.arange(1, len(_FOUNDERS) + 1) * HOUR
    created[: len(_FOUNDERS)] = founded
    created = np.maximum(created, founded[-1] + np.arange(count) - len(_FOUNDERS) + 1)
    created[: len(_FOUNDERS)] = founded
    return People(
        ids=stream.ids(count),
        names=stream.words(count, words.names(), words.name_weights()),
        role=role,
        created=created,
        weight=_weights(stream, role),
        pace=_paces(stream, role),
        quality=np.sqrt(stream.uniform(count)),
        price=stream.spread(count, narrow=True),
    )


def _roles(stream: Stream, count: int) -> Ints:
    drawn = np.repeat(np.arange(4), [0, count // 4, max(count * 11 // 100, 4), max(count // 100, 2)])
    role = np.full(count, INFLUENCER, dtype=np.int64)
    role[: len(drawn)] = drawn
    role = role[stream.order(count)]
    role[: len(_FOUNDERS)] = _FOUNDERS
    return role


def _weights(stream: Stream, role: Ints) -> Floats:
    """A few people do most of the work; one in six agents has never recruited anybody."""
    weight = stream.power_law(len(role))
    milder = np.sqrt(weight) * np.sqrt(np.sqrt(weight))
    idle = (role == AGENT) & stream.chance(len(role), 1 / 6)
    idle &= np.arange(len(role)) >= len(_FOUNDERS)
    return np.where(idle, 0.0, milder)


def _paces(stream: Stream, role: Ints) -> Floats:
    """Most brands pay within days; one in eight takes weeks."""
    count = len(role)
    slow: Bools = stream.chance(count, 1 / 8)
    days = np.where(slow, 12.0, 2.0) * stream.spread(count, narrow=True)
    hours = 4.0 * stream.spread(count)
    return np.where(role == SPONSOR, days, hours)
