"""Conversations about deals, and between agents and the people they brought.

Belongs here: conversations and messages.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from si_analytics.sample import columns, words
from si_analytics.sample.deals import Deals
from si_analytics.sample.people import People
from si_analytics.sample.randomness import Bools, Ints, Stream
from si_analytics.sample.recruitment import Recruitment
from si_analytics.sample.times import DAY, HOUR, LAST, MINUTE


@dataclass(frozen=True)
class Threads:
    """One entry per conversation: its two people (`left` writes first), a third in some (-1: none), its deal (-1)."""

    left: Ints
    right: Ints
    third: Ints
    deal: Ints
    begun: Ints
    length: Ints


def tables(
    seed: int, people: People, deals: Deals, recruitment: Recruitment, deal_ids: pl.Series
) -> dict[str, pl.DataFrame]:
    """Returns who talked to whom, and what they said when."""
    threads = _threads(Stream(seed, "conversations"), people, deals, recruitment)
    stream = Stream(seed, "messages")
    thread, sender, moment = _messages(stream, people, threads)
    latest = threads.begun.copy()
    np.maximum.at(latest, thread, moment)
    conversations = _conversations(Stream(seed, "conversations: columns"), people, threads, latest, deal_ids)
    messages = _message_columns(stream, people, threads, conversations["id"], (thread, sender, moment))
    return {"conversations": conversations, "messages": messages}


def _threads(stream: Stream, people: People, deals: Deals, recruitment: Recruitment) -> Threads:
    about = np.flatnonzero(stream.chance(len(deals), 0.5)).astype(np.int64)
    met = np.flatnonzero(stream.chance(len(recruitment.agent), 0.75)).astype(np.int64)
    nothing = np.full(len(met), -1, dtype=np.int64)
    helper = np.where(stream.chance(len(about), 0.1), deals.influencer_agent[about], -1)
    turned = stream.chance(len(met), 0.6)  # the agent usually writes first
    agent, recruit = recruitment.agent[met], recruitment.recruit[met]
    begun = np.concatenate((deals.created[about], recruitment.moment[met] + stream.wait(len(met), 5 * HOUR)))
    count = len(begun)
    length = np.minimum(stream.wait(count, 5), 60)
    length = np.where(stream.chance(count, 0.05), 0, length)
    return Threads(
        left=np.concatenate((deals.sponsor[about], np.where(turned, agent, recruit))),
        right=np.concatenate((deals.influencer[about], np.where(turned, recruit, agent))),
        third=np.concatenate((helper, nothing)),
        deal=np.concatenate((about, nothing)),
        begun=np.minimum(begun, LAST - 1),
        length=length,
    )


def _messages(stream: Stream, people: People, threads: Threads) -> tuple[Ints, Ints, Ints]:
    """Returns the thread, sender and moment of each message: people take turns, and sometimes one writes twice.

    The time of an answer depends on who answers; a second message of the same person follows within minutes.
    """
    thread = np.repeat(np.arange(len(threads.length)), threads.length)
    count = len(thread)
    begin = np.repeat(np.cumsum(threads.length) - threads.length, threads.length)
    switches = stream.chance(count, 0.72)
    switches[begin[begin == np.arange(count)]] = False
    turn = np.cumsum(switches)
    side = (turn - turn[begin]) % 2 if count else turn
    sender = np.where(side == 0, threads.left[thread], threads.right[thread])
    third = threads.third[thread]
    sender = np.where((third >= 0) & stream.chance(count, 0.2), third, sender)
    # A brand's pace is its days to a payment: read as hours here, so that late payers also answer late.
    answer = stream.wait(count, people.pace[sender] * HOUR)
    gap = np.where(switches, answer, stream.wait(count, 3 * MINUTE))
    gap = np.minimum(gap, 20 * DAY)
    elapsed = np.cumsum(gap)
    moment = threads.begun[thread] + elapsed - (elapsed - gap)[begin]
    written = moment < LAST
    return thread[written], sender[written], moment[written]


def _conversations(stream: Stream, people: People, threads: Threads, latest: Ints, deal_ids: pl.Series) -> pl.DataFrame:
    count = len(threads.left)
    gone = stream.chance(count, 0.004)  # the conversation still names an account that was deleted since
    member = np.stack((threads.left, threads.right, threads.third, np.zeros(count, dtype=np.int64)), axis=1)
    present = np.stack((np.ones(count), np.ones(count), threads.third >= 0, gone), axis=1).astype(np.bool_)
    ids = columns.at(people.ids, member[present])
    ghost = np.repeat(np.array([[False, False, False, True]]), count, axis=0)[present]
    ids = stream.ids(len(ids)).zip_with(pl.Series(ghost), ids)
    return pl.DataFrame(
        {
            "id": stream.ids(count),
            "participants": columns.groups(ids, present.sum(axis=1)),
            "deal_id": columns.at(deal_ids, threads.deal),
            "created_at": columns.instants(threads.begun),
            "updated_at": columns.instants(latest),
        }
    )


def _message_columns(
    stream: Stream, people: People, threads: Threads, conversation_ids: pl.Series, written: tuple[Ints, Ints, Ints]
) -> pl.DataFrame:
    thread, sender, moment = written
    count = len(thread)
    other = np.where(sender == threads.left[thread], threads.right[thread], threads.left[thread])
    read: Bools = stream.chance(count, 0.93)
    readers = columns.at(
        people.ids, np.stack((sender, other), axis=1)[np.stack((np.ones(count, np.bool_), read), axis=1)]
    )
    attached = columns.join('[{"name": "file-', pl.Series(stream.between(count, 1, 999)).cast(pl.String), '.pdf"}]')
    return pl.DataFrame(
        {
            "id": stream.ids(count),
            "conversation_id": columns.at(conversation_ids, thread),
            "sender_id": columns.at(people.ids, sender),
            "content": stream.words(count, words.MESSAGES),
            "created_at": columns.instants(moment),
            "read_by": columns.groups(readers, 1 + read.astype(np.int64)),
            "attachments": columns.where(stream.chance(count, 0.05), attached),
        }
    )
