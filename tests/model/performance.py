"""Section 3: how well an agent does; and of section 6 the summary on the agent's profile.

Belongs here: the components of the performance score and the score.
"""

from __future__ import annotations

import bisect
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from tests.model.leaderboard import active_recruits, agents, standings
from tests.model.rules import (
    DAY,
    HOUR,
    Number,
    existing,
    half_away,
    is_before,
    mean,
    ratio,
    recruited_before,
    span,
    total,
    utc,
)
from tests.model.world import Row, World, grouped, rows

DEFAULT_WEIGHTS: dict[str, Decimal] = {
    "total_earnings": Decimal("0.30"),
    "total_deals": Decimal("0.20"),
    "verified_share": Decimal("0.20"),
    "average_conversion_time": Decimal("0.10"),
    "response_time": Decimal("0.10"),
    "satisfaction_score": Decimal("0.10"),
}
LOWER_IS_BETTER = ("average_conversion_time", "response_time")


def verified_recruits(world: World, as_of: datetime) -> dict[UUID, int]:
    """Active recruits for whom the same agent has a verified invite that converted the recruit.

    The invite exists (sent before as_of or never sent), and was verified before as_of or nobody knows when.
    """
    pairs = {
        (invite["agent_id"], invite["converted_user_id"])
        for invite in rows(world, "invites")
        if invite["is_verified"]
        and (invite["verified_at"] is None or invite["verified_at"] < as_of)
        and (invite["sent_at"] is None or invite["sent_at"] < as_of)
    }
    return {
        agent: sum((agent, recruit) in pairs for recruit in recruits)
        for agent, recruits in active_recruits(world, as_of).items()
    }


def conversion_times(world: World, as_of: datetime) -> dict[UUID, list[Fraction]]:
    """Days from sent to accepted of each agent's invites with both times, in this order, before as_of."""
    times: dict[UUID, list[Fraction]] = defaultdict(list)
    for invite in rows(world, "invites"):
        sent, accepted = invite["sent_at"], invite["accepted_at"]
        if sent is not None and is_before(accepted, as_of) and accepted >= sent:
            times[invite["agent_id"]].append(span(accepted - sent, DAY))
    return times


def agent_replies(world: World, as_of: datetime, *, currency: str = "usd", tz: str = "UTC") -> list[Row]:
    """One row per reply: the agent's message, and since when the others waited.

    Per conversation with the agent among its participants, by (created_at, id). Others' messages since
    the agent's last one, or since the beginning, make one run; an agent's message with no run answers nothing.
    """
    everyone = set(agents(world))
    messages = grouped(existing(world, "messages", as_of), "conversation_id")
    found: list[Row] = []
    for conversation in rows(world, "conversations"):
        thread = sorted(messages.get(conversation["id"], []), key=lambda row: (row["created_at"], row["id"]))
        for agent in set(conversation["participants"]) & everyone:
            asked: datetime | None = None
            for message in thread:
                if message["sender_id"] != agent:
                    asked = message["created_at"] if asked is None else asked
                elif asked is not None:
                    found.append(
                        {
                            "agent_id": agent,
                            "conversation_id": conversation["id"],
                            "message_id": message["id"],
                            "waiting_since": asked,
                            "replied_at": message["created_at"],
                            "wait_microseconds": (message["created_at"] - asked) // timedelta(microseconds=1),
                        }
                    )
                    asked = None
    return sorted(found, key=lambda row: (row["agent_id"], row["replied_at"], row["message_id"]))


def reply_times(world: World, as_of: datetime) -> dict[UUID, list[Fraction]]:
    """Hours of each reply of an agent."""
    times: dict[UUID, list[Fraction]] = defaultdict(list)
    for reply in agent_replies(world, as_of):
        times[reply["agent_id"]].append(span(reply["replied_at"] - reply["waiting_since"], HOUR))
    return times


def percentiles(values: Mapping[UUID, Number | None], lower_is_better: bool) -> dict[UUID, Fraction]:
    """Mid-rank percentile among the agents that have a value: (strictly worse + half the equal) / n; else 0."""
    goodness = {
        agent: -Fraction(value) if lower_is_better else Fraction(value)
        for agent, value in values.items()
        if value is not None
    }
    ordered = sorted(goodness.values())
    shares = dict.fromkeys(values, Fraction(0))
    for agent, value in goodness.items():
        worse = bisect.bisect_left(ordered, value)
        equal = bisect.bisect_right(ordered, value) - worse
        shares[agent] = (worse + Fraction(equal, 2)) / len(ordered)
    return shares


def checked_weights(weights: Mapping[str, Number]) -> dict[str, Fraction]:
    """The weights as fractions: all six, none negative, together exactly 1; anything else is an error."""
    exact = {name: Fraction(weight) for name, weight in weights.items()}
    if set(exact) != set(DEFAULT_WEIGHTS):
        raise ValueError("the weights do not name the six components")
    if min(exact.values()) < 0 or sum(exact.values()) != 1:
        raise ValueError("the weights are negative or do not sum to 1")
    return exact


def agent_performance_metrics(
    world: World,
    as_of: datetime,
    *,
    currency: str = "usd",
    tz: str = "UTC",
    weights: Mapping[str, Number] = DEFAULT_WEIGHTS,
) -> list[Row]:
    """One row per agent, all time; performance_score = 100 x sum of weight x percentile, 2 decimals.

    Percentiles compare exact values; a component an agent has not counts 0 and keeps its weight.
    """
    as_of = utc(as_of, "as_of")
    exact = checked_weights(weights)
    board = standings(world, as_of, None, as_of, currency)
    verified = verified_recruits(world, as_of)
    conversions, replies = conversion_times(world, as_of), reply_times(world, as_of)
    reviews = grouped(existing(world, "user_reviews", as_of), "reviewed_user_id")
    components: dict[str, dict[UUID, Number | None]] = {
        "total_earnings": {agent: standing.total_earnings for agent, standing in board.items()},
        "total_deals": {agent: standing.total_deals for agent, standing in board.items()},
        "verified_share": {a: ratio(verified.get(a, 0), board[a].total_referrals) for a in board},
        "average_conversion_time": {agent: mean(conversions.get(agent, [])) for agent in board},
        "response_time": {agent: mean(replies.get(agent, [])) for agent in board},
        "satisfaction_score": {a: mean([row["rating"] for row in reviews.get(a, [])]) for a in board},
    }
    shares = {name: percentiles(values, name in LOWER_IS_BETTER) for name, values in components.items()}
    return [
        {
            "user_id": agent,
            "total_deals": board[agent].total_deals,
            "total_referrals": board[agent].total_referrals,
            "verified_referrals": verified.get(agent, 0),
            "total_earnings": half_away(board[agent].total_earnings, 2),
            "average_conversion_time": half_away(components["average_conversion_time"][agent], 2),
            "response_time": half_away(components["response_time"][agent], 2),
            "satisfaction_score": half_away(components["satisfaction_score"][agent], 1),
            "performance_score": half_away(100 * total(exact[c] * shares[c][agent] for c in exact), 2),
            "last_calculated_at": as_of,
        }
        for agent in agents(world)
    ]


def agent_profile_summaries(
    world: World,
    as_of: datetime,
    *,
    currency: str = "usd",
    tz: str = "UTC",
) -> list[Row]:
    """One row per agent: the leaderboard's earnings, and reviews about the agent by whom the agent recruited.

    Any referrals row makes a recruit here, active or not, dated before as_of or not at all.
    """
    as_of = utc(as_of, "as_of")
    board = standings(world, as_of, None, as_of, currency)
    recruited = {
        (row["agent_id"], row["recruited_user_id"]) for row in rows(world, "referrals") if recruited_before(row, as_of)
    }
    ratings: dict[UUID, list[Decimal]] = defaultdict(list)
    for review in existing(world, "user_reviews", as_of):
        if (review["reviewed_user_id"], review["reviewer_id"]) in recruited:
            ratings[review["reviewed_user_id"]].append(review["rating"])
    return [
        {
            "agent_id": agent,
            "total_earnings": half_away(board[agent].total_earnings, 2),
            "recruit_satisfaction_score": half_away(mean(ratings.get(agent, [])), 1),
            "recruit_satisfaction_count": len(ratings.get(agent, [])),
        }
        for agent in agents(world)
    ]
