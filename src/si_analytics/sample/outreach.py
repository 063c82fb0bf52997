"""Contacts, invites, templates, reminders.

Belongs here: the columns of the agents' outreach.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from si_analytics.sample import columns, words
from si_analytics.sample.invitations import Invitations
from si_analytics.sample.people import AGENT, People
from si_analytics.sample.profiles import numbered
from si_analytics.sample.randomness import Bools, Ints, Stream
from si_analytics.sample.times import DAY, FIRST, LAST, MINUTE, NEVER, only, part, seen

_SEGMENTS = ("hot", "warm", "cold", "converted", "unresponsive")
_VARIANTS = ("A", "B")


def tables(seed: int, people: People, sent: Invitations) -> dict[str, pl.DataFrame]:
    """The outreach of all agents."""
    templates, template = _templates(Stream(seed, "invite_templates"), people, sent)
    contacts = _contacts(Stream(seed, "contacts"), people, sent)
    return {
        "contacts": contacts,
        "invite_templates": templates,
        "invites": _invites(Stream(seed, "invites: columns"), people, sent, contacts["id"], template),
        "contact_reminders": _reminders(Stream(seed, "contact_reminders"), sent, contacts["id"]),
    }


def _extremes(sent: Invitations) -> tuple[Ints, Ints]:
    """The first creation and the last sending among the invites to each contact (`NEVER`: none)."""
    count = len(sent.contact_agent)
    first = np.full(count, NEVER, dtype=np.int64)
    np.minimum.at(first, sent.contact, sent.created)
    last = np.full(count, -1, dtype=np.int64)
    np.maximum.at(last, sent.contact, np.where(sent.sent < NEVER, sent.sent, -1))
    return first, np.where(last < 0, NEVER, last)


def _contacts(stream: Stream, people: People, sent: Invitations) -> pl.DataFrame:
    agent, person = sent.contact_agent, sent.contact_person
    count = len(agent)
    first, last = _extremes(sent)
    invited_by_then = np.where(first < NEVER, first, LAST)
    added = part(people.created[agent], invited_by_then, np.sqrt(stream.uniform(count)))
    accepted = np.zeros(count, dtype=np.bool_)
    accepted[sent.contact[sent.accepted < NEVER]] = True
    cool = stream.pick(count, (0.12, 0.3, 0.36, 0.0, 0.22))
    keen = stream.pick(count, (0.5, 0.35, 0.1, 0.0, 0.05))
    segment = np.where((person >= 0) & stream.chance(count, 0.92), 3, np.where(accepted, keen, cool))
    source = stream.pick(count, (0.3, 0.45, 0.25))
    names = stream.words(count, words.names(), words.name_weights())
    known = columns.at(people.names, person)
    return pl.DataFrame(
        {
            "id": stream.ids(count),
            "agent_id": columns.at(people.ids, agent),
            "name": known.zip_with(known.is_not_null(), names),
            "email": columns.where(stream.chance(count, 0.92), numbered(count, "contact.", "@people.example.com")),
            "phone": columns.where(stream.chance(count, 0.8), _phones(stream, count)),
            "linkedin_url": columns.where(source == 2, numbered(count, "https://profiles.example.com/in/")),
            "source": columns.lookup(source, ("manual", "imported", "linkedin")),
            "segment": columns.lookup(np.where(stream.chance(count, 0.03), -1, segment), _SEGMENTS),
            "tags": columns.where(stream.chance(count, 0.6), stream.sets(count, words.TAGS, 3, least=0)),
            "notes": columns.where(stream.chance(count, 0.3), stream.words(count, words.NOTES)),
            "added_at": columns.instants(added),
            "last_contacted_at": columns.instants(last),
            "next_follow_up_date": columns.dates(
                only(stream.chance(count, 0.2), LAST + stream.between(count, -20, 40) * DAY)
            ),
        }
    )


def _phones(stream: Stream, count: int) -> pl.Series:
    """Numbers from 555-0100 to 555-0199, a block reserved for fiction."""
    area = pl.Series(stream.between(count, 201, 990)).cast(pl.String)
    line = pl.Series(stream.between(count, 100, 200)).cast(pl.String)
    return columns.join("+1 ", area, " 555 0", line)


def _templates(stream: Stream, people: People, sent: Invitations) -> tuple[pl.DataFrame, pl.Series]:
    """Returns the templates, and the template_id of each invite.

    Three pairs belong to everyone; busy agents have a pair of their own. Variant B is accepted more often:
    acceptances are already known here, so the variant is drawn to match them.
    """
    agents = people.of(AGENT)
    own = agents[(people.weight[agents] > 0) & stream.chance(len(agents), 0.5)]
    owner = np.concatenate((np.full(7, -1, dtype=np.int64), np.repeat(own, 2)))
    variant = np.concatenate(([0, 1, 0, 1, 0, 1, -1], np.tile([0, 1], len(own)))).astype(np.int64)
    text = np.concatenate(([0, 0, 1, 1, 2, 2, 0], np.repeat(stream.between(len(own), 0, 3), 2))).astype(np.int64)
    count = len(owner)
    names = columns.lookup(text, [name for name, _, _ in words.TEMPLATES])
    personal = columns.join(names, " (mine)")
    created = np.where(owner >= 0, people.created[owner] + DAY, FIRST)
    ids = stream.ids(count)
    frame = pl.DataFrame(
        {
            "id": ids,
            "agent_id": columns.at(people.ids, owner),
            "name": personal.zip_with(pl.Series(owner >= 0), names),
            "subject": columns.where(
                stream.chance(count, 0.9), columns.lookup(text, [subject for _, subject, _ in words.TEMPLATES])
            ),
            "message": columns.lookup(text, [message for _, _, message in words.TEMPLATES]),
            "is_default": columns.flags(owner < 0),
            "ab_test_variant": columns.lookup(variant, _VARIANTS),
            "times_used": columns.integers(np.zeros(count, dtype=np.int64)),
            "acceptance_rate": columns.where(stream.chance(count, 0.2), columns.decimals(np.full(count, 1_250), 5)),
            "created_at": columns.instants(np.minimum(created, LAST - 1)),
            "updated_at": columns.instants(np.minimum(created, LAST - 1)),
        }
    )
    used, dangling = _used(stream, people, sent, own)
    return frame, columns.at(ids, used).zip_with(pl.Series(~dangling), stream.ids(len(sent)))


def _used(stream: Stream, people: People, sent: Invitations, own: Ints) -> tuple[Ints, Bools]:
    """The number of each invite's template (-1: none), and whether the template was deleted."""
    count = len(sent)
    pair_of = np.full(len(people), -1, dtype=np.int64)
    pair_of[own] = 7 + 2 * np.arange(len(own))
    accepted = sent.accepted < NEVER
    variant_b = stream.chance(count, np.where(accepted, 0.6, 0.487))
    everyones = 2 * stream.pick(count, (0.5, 0.3, 0.2))
    mine = pair_of[sent.agent]
    pair = np.where((mine >= 0) & stream.chance(count, 0.7), mine, everyones) + variant_b
    kind = stream.pick(count, (0.84, 0.04, 0.12))
    used = np.where(kind == 0, pair, np.where(kind == 1, 6, -1))
    return used, stream.chance(count, 0.004)


def _status(stream: Stream, sent: Invitations) -> Ints:
    """pending, sent, accepted, expired; a few acceptances do not show in the status yet."""
    count = len(sent)
    old = sent.sent + 14 * DAY < LAST
    lagging = stream.chance(count, 0.015)
    open_or_over = np.where(old & stream.chance(count, 0.85), 3, 1)
    status = np.where((sent.accepted < NEVER) & ~lagging, 2, open_or_over)
    return np.where(sent.sent >= NEVER, 0, status)


def _invites(
    stream: Stream, people: People, sent: Invitations, contact_ids: pl.Series, template: pl.Series
) -> pl.DataFrame:
    count = len(sent)
    status = _status(stream, sent)
    unknown = (status == 2) & stream.chance(count, 0.04)  # accepted, but nobody noted when
    within = (sent.accepted - sent.sent) // DAY
    happened = (sent.sent < NEVER) & (sent.accepted < NEVER)
    waiting = (sent.accepted >= NEVER) & (sent.sent < NEVER)
    reminded = only(waiting & stream.chance(count, 0.5), seen(sent.sent + 3 * DAY))
    again = only((reminded < NEVER) & stream.chance(count, 0.4), seen(sent.sent + 7 * DAY))
    verified = (sent.verified < NEVER) & (sent.person >= 0)
    return pl.DataFrame(
        {
            "id": stream.ids(count),
            "agent_id": columns.at(people.ids, sent.agent),
            "contact_id": columns.at(contact_ids, sent.contact),
            "method": stream.words(count, ("sms", "email", "both"), (0.3, 0.55, 0.15)),
            "status": columns.lookup(status, ("pending", "sent", "accepted", "expired")),
            "referral_code": columns.at(numbered(len(people), "SI"), sent.agent),
            "template_id": template,
            "message": stream.words(count, words.INVITE_TEXTS),
            "sent_at": columns.instants(sent.sent),
            "accepted_at": columns.instants(only(~unknown, sent.accepted)),
            "expires_at": columns.instants(sent.sent + 14 * DAY),
            "reminder_sent_at": columns.instants(reminded),
            "second_reminder_sent_at": columns.instants(again),
            "is_verified": columns.flags(verified),
            "verified_at": columns.instants(only(verified & ~stream.chance(count, 0.03), sent.verified)),
            "converted_user_id": columns.at(people.ids, sent.person),
            "location": columns.where(stream.chance(count, 0.3), stream.words(count, words.CITIES)),
            "opened_at": columns.instants(sent.opened),
            "clicked_at": columns.instants(sent.clicked),
            "accepted_within_days": columns.integers(np.where(happened, within, 0), ~happened | unknown),
            "created_at": columns.instants(sent.created),
        }
    )


def _reminders(stream: Stream, sent: Invitations, contact_ids: pl.Series) -> pl.DataFrame:
    count = max(len(sent) // 8, 3)
    invite = stream.between(count, 0, len(sent))
    due = sent.created[invite] + stream.wait(count, 4 * DAY)
    status = np.where(due >= LAST, 0, stream.pick(count, (0.0, 0.85, 0.15)))
    return pl.DataFrame(
        {
            "id": stream.ids(count),
            "contact_id": columns.at(contact_ids, sent.contact[invite]),
            "scheduled_for": columns.instants(due),
            "message": stream.words(count, words.INVITE_TEXTS),
            "status": columns.lookup(status, ("scheduled", "sent", "cancelled")),
            "created_at": columns.instants(sent.created[invite]),
            "sent_at": columns.instants(only(status == 1, seen(due + stream.between(count, 1, 5 * MINUTE)))),
        }
    )
