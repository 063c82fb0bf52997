"""Bonuses, payouts, points, badges.

Belongs here: agent bonuses and automatic payouts, reward rules and rewards, achievements.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from si_analytics.sample import columns, ledger
from si_analytics.sample.ledger import Entries
from si_analytics.sample.people import AGENT, People
from si_analytics.sample.randomness import Ints, Stream
from si_analytics.sample.times import DAY, FIRST, HOUR, LAST, NEVER, only, part, seen

_TRIGGERS = (
    ("signup", "First steps", '{"event": "signup"}'),
    ("first_deal", "First deal", '{"event": "deal", "count": 1}'),
    ("deals", "Ten deals", '{"event": "deal", "count": 10}'),
    ("referral", "A friend joined", '{"event": "referral"}'),
    ("streak", "Four weeks in a row", '{"weeks": 4}'),
    ("review", "Five stars", '{"rating": 5.0}'),
    ("season", 'Season special "Winter"', '{"months": [11, 12]}'),
    ("retired", "No longer given", "{}"),
)
# The trigger, the name, the kind, the hundredths, the currency, the badge's colour.
_DEFINITIONS = (
    (0, "Welcome points", "points", 10_000, None, None),
    (1, "First-deal points", "points", 25_000, None, None),
    (1, "First-deal badge", "badge", None, None, "#2f6f4f"),
    (2, "Ten-deal bonus", "cash", 2_500, "usd", None),
    (2, "Ten-deal badge", "badge", None, None, "#b8860b"),
    (3, "Referral bonus", "cash", 1_000, "usd", None),
    (3, "Referral token", "crypto", 500, "IMPACT", None),
    (4, "Streak badge", "badge", None, None, "#7a4fb0"),
    (5, "Five-star points", "points", 5_000, None, None),
    (6, "Winter token", "crypto", 1_000, "IMPACT", None),
    (7, "Pioneer badge", "badge", None, None, "#444444"),
)
_ACHIEVEMENTS = (
    ("first-recruit", "First recruit", 1, "recruits", "bronze"),
    ("recruits-10", "Ten recruits", 10, "recruits", "silver"),
    ("recruits-100", "One hundred recruits", 100, "recruits", "platinum"),
    ("earned-100", "First hundred", 100, "earnings", "bronze"),
    ("earned-1000", "Four digits", 1000, "earnings", "silver"),
    ("earned-10000", "Five digits", 10000, "earnings", "gold"),
    ("conversion-10", "One in ten", 10, "conversion", "silver"),
    ("conversion-25", "One in four", 25, "conversion", "gold"),
    ("one-year", "A year with us", 365, "milestone", None),
    ("night-owl", "Night owl 🦉", 1, "milestone", "bronze"),
)


def tables(seed: int, people: People, entries: Entries) -> dict[str, pl.DataFrame]:
    """Returns all rewards for good work."""
    triggers, definitions = _rules(Stream(seed, "reward_triggers"))
    return {
        "agent_bonuses": _bonuses(Stream(seed, "agent_bonuses"), people),
        "auto_payouts": _payouts(Stream(seed, "auto_payouts"), people, entries),
        "reward_triggers": triggers,
        "reward_definitions": definitions,
        "user_rewards": _rewards(Stream(seed, "user_rewards"), people, definitions),
        "achievements": _achievements(),
        "user_achievements": _unlocked(Stream(seed, "user_achievements"), people),
    }


def _quarters() -> tuple[Ints, Ints]:
    """The first and last day of each whole quarter in the marketplace's life, as midnights."""
    starts = [date(year, month, 1) for year in (2024, 2025, 2026) for month in (1, 4, 7, 10)]
    days = [(day - date(1970, 1, 1)).days for day in starts]
    begun = np.array(days, dtype=np.int64) * DAY
    over = begun[1:] < LAST
    return begun[:-1][over], (begun[1:] - DAY)[over]


def _bonuses(stream: Stream, people: People) -> pl.DataFrame:
    """Each quarter, the agents who recruit many get a bonus."""
    agents = people.of(AGENT)
    able = agents[np.argsort(-people.weight[agents], kind="stable")][: max(len(agents) // 3, 2)]
    begun, over = _quarters()
    who, quarter = np.repeat(able, len(begun)), np.tile(np.arange(len(begun)), len(able))
    there = (people.created[who] < over[quarter]) & stream.chance(len(who), 0.6)
    who, quarter = who[there], quarter[there]
    count = len(who)
    monthly = stream.chance(count, 0.4)
    earned = over[quarter] + DAY + stream.between(count, 1, 3 * DAY)
    status = stream.pick(count, (0.1, 0.1, 0.8))
    paid = only(status == 2, seen(earned + stream.wait(count, 6 * DAY)))
    status = np.where((status == 2) & (paid >= NEVER), 1, status)
    amount = np.minimum(2_500 * (1 + np.floor(np.sqrt(people.weight[who])).astype(np.int64)), 500_000)
    target = pl.Series(stream.between(count, 3, 40)).cast(pl.String)
    return pl.DataFrame(
        {
            "id": stream.ids(count),
            "agent_id": columns.at(people.ids, who),
            "period": columns.lookup(np.where(monthly, 0, 1), ("monthly", "quarterly")),
            "period_start": columns.dates(np.where(monthly, over[quarter] - 29 * DAY, begun[quarter])),
            "period_end": columns.dates(over[quarter]),
            "bonus_type": stream.words(count, ("performance", "milestone", "tier_upgrade"), (0.6, 0.3, 0.1)),
            "amount": columns.decimals(amount, 10),
            "status": columns.lookup(status, ("pending", "approved", "paid")),
            "earned_at": columns.instants(earned),
            "paid_at": columns.instants(paid),
            "criteria": columns.where(stream.chance(count, 0.9), columns.join('{"recruits": ', target, "}")),
        }
    )


def _payouts(stream: Stream, people: People, entries: Entries) -> pl.DataFrame:
    """Half of the agents are paid out automatically; the last payout is their last withdrawal."""
    agents = people.of(AGENT)
    who = agents[stream.chance(len(agents), 0.5) | (np.arange(len(agents)) < 2)]
    count = len(who)
    done = entries.take((entries.kind == ledger.WITHDRAWAL) & (entries.status == ledger.COMPLETED))
    moment, units = np.full(len(people), NEVER, dtype=np.int64), np.zeros(len(people), dtype=np.int64)
    moment[done.payer], units[done.payer] = done.moment, done.units  # in order of time, so the last one stays
    paid = moment[who] < NEVER
    created = part(people.created[who], np.minimum(moment[who], LAST), stream.uniform(count))
    return pl.DataFrame(
        {
            "id": stream.ids(count),
            "agent_id": columns.at(people.ids, who),
            "threshold": columns.decimals(stream.between(count, 1, 11) * 5_000, 10),
            "next_scheduled_date": columns.instants(
                only(stream.chance(count, 0.9), LAST + stream.between(count, 1, 30) * DAY)
            ),
            "last_payout_date": columns.instants(moment[who]),
            "last_payout_amount": columns.where(paid, columns.decimals(units[who], 10)),
            "is_active": columns.flags(stream.chance(count, 0.9)),
            "created_at": columns.instants(created),
            "updated_at": columns.instants(created),
        }
    )


def _rules(stream: Stream) -> tuple[pl.DataFrame, pl.DataFrame]:
    count, many = len(_TRIGGERS), len(_DEFINITIONS)
    created = columns.instants(FIRST + np.arange(count) * HOUR)
    triggers = pl.DataFrame(
        {
            "id": stream.ids(count),
            "type": pl.Series([kind for kind, _, _ in _TRIGGERS]),
            "name": pl.Series([name for _, name, _ in _TRIGGERS]),
            "description": columns.where(np.arange(count) != 4, columns.repeated(count, "Given once per person.")),
            "conditions": pl.Series([rule for _, _, rule in _TRIGGERS]),
            "is_active": columns.flags(np.arange(count) != count - 1),
            "created_at": created,
            "updated_at": created,
        }
    )
    trigger, name, kind, amount, currency, colour = (list(column) for column in zip(*_DEFINITIONS, strict=True))
    place = np.array(trigger, dtype=np.int64)
    units = np.array([-1 if value is None else value for value in amount], dtype=np.int64)
    badge = np.array([value == "badge" for value in kind])
    since = created.gather(pl.Series(place))
    definitions = pl.DataFrame(
        {
            "id": stream.ids(many),
            "trigger_id": columns.at(triggers["id"], place),
            "name": pl.Series(name),
            "description": columns.where(np.arange(many) != 2, columns.repeated(many, "See the rules.")),
            "reward_type": pl.Series(kind),
            "amount": columns.where(units >= 0, columns.decimals(units, 15)),
            "currency": pl.Series(currency, dtype=pl.String),
            "badge_icon": columns.where(badge, columns.repeated(many, "https://img.example.com/badge.svg")),
            "badge_color": pl.Series(colour, dtype=pl.String),
            "is_active": columns.flags(np.arange(many) != many - 1),
            "created_at": since,
            "updated_at": since,
        }
    )
    return triggers, definitions


def _rewards(stream: Stream, people: People, definitions: pl.DataFrame) -> pl.DataFrame:
    count = max(len(people), 20)
    who = stream.between(count, 0, len(people))
    what = stream.between(count, 0, len(_DEFINITIONS))
    earned = part(people.created[who], np.full(count, LAST), stream.uniform(count))
    status = stream.pick(count, (0.1, 0.05, 0.82, 0.03))
    claimed = only(status == 2, part(earned, np.full(count, LAST), stream.uniform(count) * 0.1))
    chosen = definitions[pl.Series(what)]
    crypto = (chosen["reward_type"] == "crypto").to_numpy()
    return pl.DataFrame(
        {
            "id": stream.ids(count),
            "user_id": columns.at(people.ids, who),
            "reward_definition_id": chosen["id"],
            "reward_name": chosen["name"],
            "reward_type": chosen["reward_type"],
            "amount": chosen["amount"],
            "currency": chosen["currency"],
            "status": columns.lookup(status, ("pending", "processing", "completed", "failed")),
            "earned_at": columns.instants(earned),
            "claimed_at": columns.instants(claimed),
            "transaction_hash": columns.where(
                crypto & (status == 2), columns.join("0xsample", columns.hexadecimal(stream.raw(count)))
            ),
            "metadata": columns.where(stream.chance(count, 0.1), columns.repeated(count, '{"shown": true}')),
        }
    )


def _achievements() -> pl.DataFrame:
    key, name, requirement, category, tier = (list(column) for column in zip(*_ACHIEVEMENTS, strict=True))
    count = len(key)
    return pl.DataFrame(
        {
            "id": pl.Series(key),
            "name": pl.Series(name),
            "description": columns.where(np.arange(count) != 9, columns.join(pl.Series(name), ".")),
            "icon": columns.where(np.arange(count) != 8, columns.join("badge/", pl.Series(key))),
            "requirement": pl.Series(requirement, dtype=pl.Int32),
            "category": pl.Series(category),
            "tier": pl.Series(tier, dtype=pl.String),
        }
    )


def _unlocked(stream: Stream, people: People) -> pl.DataFrame:
    agents = people.of(AGENT)
    keys = [key for key, *_ in _ACHIEVEMENTS]
    who, what = np.repeat(agents, len(keys)), np.tile(np.arange(len(keys)), len(agents))
    has = stream.chance(len(who), np.minimum(people.weight[who] / 20.0 + 0.02, 0.9)) & (people.weight[who] > 0)
    has[0] = True
    who, what = who[has], what[has]
    unlocked = part(people.created[who], np.full(len(who), LAST), stream.uniform(len(who)))
    return pl.DataFrame(
        {
            "id": stream.ids(len(who)),
            "user_id": columns.at(people.ids, who),
            "achievement_id": columns.lookup(what, keys),
            "unlocked_at": columns.instants(unlocked),
        }
    )
