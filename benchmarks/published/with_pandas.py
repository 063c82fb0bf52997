"""Every published number in pandas: the columns it takes are read from Postgres, the rest happens in frames.

Belongs here: the numbers of agents, brands, contacts, templates and users; `pandas_reading` holds what is read,
`pandas_funnels` the funnels, `exactly` the rounding. Written as a careful analyst would: columns and not rows,
aggregates before joins, whole cents and microseconds, so that it gives the very numbers of the others.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

import numpy as np
import pandas as pd

from benchmarks.published import pandas_funnels, pandas_reading
from benchmarks.published.exactly import decimals, quotients, rounded
from si_analytics.compute.metrics import DEFAULT_WEIGHTS

RATINGS = ("overall_rating", "payment_speed_rating", "communication_rating", "professionalism_rating")
"""What is 0 in `public.brand_reputations` where nobody gave one, as the columns' default is, and null on the board."""
_DAY, _HOUR = 86_400_000_000, 3_600_000_000
Tables = Mapping[str, pd.DataFrame]


def pandas(url: str, as_of: datetime, currency: str = "usd") -> int:
    """Compute every published number, and return how many rows they have."""
    return sum(len(frame) for frame in frames(url, as_of, currency).values())


def frames(
    url: str, as_of: datetime, currency: str = "usd", weights: Mapping[str, Decimal] = DEFAULT_WEIGHTS
) -> dict[str, pd.DataFrame]:
    """The published numbers, by the name of the table or view that shows them."""
    tables, now = pandas_reading.read(url), pd.Timestamp(as_of)
    ratings = _ratings(tables["reviews"], now)
    recruits = _recruits(tables["referrals"], now)
    board = _agent_leaderboard(tables, recruits, now, currency)
    brands = _brand_reputations(tables, ratings, now)
    return {
        "agent_leaderboard": board,
        "agent_performance_metrics": _agent_performance(tables, board, recruits, ratings, now, weights=weights),
        "agent_profiles": _agent_profiles(tables, board, now),
        "brand_leaderboard": _brand_leaderboard(tables, brands, ratings),
        "brand_reputations": brands.drop(columns="rating_sum").fillna(dict.fromkeys(RATINGS, Decimal("0.0"))),
        "contact_engagement": _contact_engagement(tables, now),
        "conversion_funnels": pandas_funnels.every(tables, now),
        "invite_templates": _invite_templates(tables, now),
        "users": _users(tables, ratings),
    }


def rows(frame: pd.DataFrame) -> list[dict[str, object]]:
    """The rows of a frame, with none where a value is missing."""
    told = frame.astype(object).where(frame.notna(), None)
    return [{str(name): value for name, value in row.items()} for row in told.to_dict("records")]


def _recruits(referrals: pd.DataFrame, now: pd.Timestamp) -> pd.DataFrame:
    known = (referrals["recruited_at"] < now) | referrals["recruited_at"].isna()
    return referrals.loc[referrals["is_active"] & known, ["agent_id", "user_id"]]


def _agent_leaderboard(tables: Tables, recruits: pd.DataFrame, now: pd.Timestamp, currency: str) -> pd.DataFrame:
    deals = tables["deals"][tables["deals"]["created_at"] < now]
    parties = pd.concat([deals["influencer_id"], deals["sponsor_id"]]).dropna().rename("user_id")
    attributed = parties.rename_axis("deal").reset_index().merge(recruits, on="user_id")
    # A deal counts once for an agent who recruited both its parties.
    attributed = attributed[["agent_id", "deal"]].drop_duplicates()
    paid = tables["commissions"]
    money = paid["currency"].fillna("usd").str.strip(" ").str.lower()
    paid = paid[(money == currency) & (paid["created_at"] < now)]
    users = tables["users"][["user_id", "name", "avatar"]].set_axis(["agent_id", "agent_name", "avatar"], axis=1)
    board = users.merge(tables["agents"], on="agent_id")
    measures = {
        "total_referrals": recruits.groupby("agent_id", sort=False).size(),
        "total_deals": attributed.groupby("agent_id", sort=False).size(),
        "cents": paid.groupby("agent_id", sort=False)["cents"].sum(),
    }
    for name, measure in measures.items():
        board[name] = _of(board["agent_id"], measure).fillna(0).astype("int64")
    board = board.sort_values(
        ["cents", "total_deals", "total_referrals", "agent_id"], ascending=[False, False, False, True]
    ).reset_index(drop=True)
    board["total_earnings"] = decimals(board.pop("cents"), 2)
    return board.assign(rank=board.index + 1)


def _of(keys: pd.Series, measure: pd.Series) -> pd.Series:
    """What `measure` holds for each of the keys; missing where it holds nothing."""
    return pd.Series(measure.reindex(keys).array, index=keys.index)


def _ratings(reviews: pd.DataFrame, now: pd.Timestamp) -> pd.DataFrame:
    """Per user the sum and number of each rating, in tenths."""
    names = ["rating", "payment_speed_rating", "communication_rating", "professionalism_rating"]
    grouped = reviews[reviews["created_at"] < now].groupby("user_id", sort=False)[names]
    counted = grouped.agg(["sum", "count"]).astype("int64")
    return counted.set_axis([f"{name}_{what}" for name, what in counted.columns], axis=1)


def _means(keys: pd.Series, ratings: pd.DataFrame, name: str) -> pd.Series:
    """The mean of a rating to one decimal, as tenths; missing where there is none."""
    return rounded(_of(keys, ratings[f"{name}_sum"]), _of(keys, ratings[f"{name}_count"]))


def _agent_performance(
    tables: Tables,
    board: pd.DataFrame,
    recruits: pd.DataFrame,
    ratings: pd.DataFrame,
    now: pd.Timestamp,
    *,
    weights: Mapping[str, Decimal],
) -> pd.DataFrame:
    agents = board["agent_id"]
    conversions, waits = _conversions(tables["invites"], now), _waits(tables, now)
    verified = _of(agents, _verified(tables["invites"], recruits, now)).fillna(0).astype("int64")
    conversion, wait = (
        [_of(agents, times[name]).astype("Int64") for name in ("sum", "count")] for times in (conversions, waits)
    )
    rating = [_of(agents, ratings[f"rating_{name}"]) for name in ("sum", "count")]
    components = {
        "total_earnings": (board["total_earnings"].map(lambda amount: int(amount.scaleb(2))), 1, 1),
        "total_deals": (board["total_deals"], 1, 1),
        "verified_referrals": (verified, board["total_referrals"], 1),
        "average_conversion_time": (*conversion, -1),
        "response_time": (*wait, -1),
        "satisfaction_score": (*rating, 1),
    }
    return pd.DataFrame(
        {
            "user_id": agents,
            "total_deals": board["total_deals"],
            "total_referrals": board["total_referrals"],
            "verified_referrals": verified,
            "total_earnings": board["total_earnings"],
            "average_conversion_time": decimals(rounded(conversion[0] * 100, conversion[1] * _DAY), 2),
            "response_time": decimals(rounded(wait[0] * 100, wait[1] * _HOUR), 2),
            "satisfaction_score": decimals(rounded(*rating), 1),
            "performance_score": _scores(components, weights),
            "last_calculated_at": now,
        }
    )


def _scores(
    components: Mapping[str, tuple[pd.Series, pd.Series | int, int]], weights: Mapping[str, Decimal]
) -> pd.Series:
    """100 x the sum of weight x mid-rank share, exactly: whole numbers over one common denominator."""
    standings = {}
    for name, (numerator, denominator, better) in components.items():
        whole, part = quotients(numerator, denominator)
        order = pd.DataFrame({"whole": whole * better, "part": part * better}).dropna()
        # Equal fractions are equal numbers: `ngroup` numbers them in order.
        place = order.groupby(["whole", "part"], sort=True).ngroup()
        sizes = place.value_counts().sort_index()
        worse = sizes.cumsum() - sizes
        standings[name] = (2 * place.map(worse) + place.map(sizes), 2 * len(order))
    common = math.lcm(*(compared for _, compared in standings.values() if compared))
    (any_numerator, _, _) = components["total_deals"]
    total = pd.Series(0, index=any_numerator.index, dtype=object)
    for name, (twice_below, compared) in standings.items():
        if compared:
            share = int(weights[name].scaleb(6)) * (common // compared)
            total = total.add(twice_below.astype(object) * share, fill_value=0)
    # Of `common` x 10^6 ; hundredths of a score of 100 are ten-thousandths.
    return decimals((2 * total * 10_000 + common * 10**6) // (2 * common * 10**6), 2)


def _conversions(invites: pd.DataFrame, now: pd.Timestamp) -> pd.DataFrame:
    told = invites[(invites["accepted_at"] >= invites["sent_at"]) & (invites["accepted_at"] < now)]
    took = (told["accepted_at"] - told["sent_at"]).astype("timedelta64[us]").astype("int64")
    return took.groupby(told["agent_id"], sort=False).agg(["sum", "count"])


def _verified(invites: pd.DataFrame, recruits: pd.DataFrame, now: pd.Timestamp) -> pd.Series:
    known = (invites["verified_at"] < now) | invites["verified_at"].isna()
    sent = (invites["sent_at"] < now) | invites["sent_at"].isna()
    verified = invites.loc[invites["is_verified"] & known & sent, ["agent_id", "converted_user_id"]]
    pairs = verified.dropna().drop_duplicates().rename(columns={"converted_user_id": "user_id"})
    return recruits.merge(pairs, on=["agent_id", "user_id"]).groupby("agent_id", sort=False).size()


def _waits(tables: Tables, now: pd.Timestamp) -> pd.DataFrame:
    """Per agent the sum and number of the microseconds from the first message of others to the agent's answer."""
    shared = tables["conversations"].merge(tables["agents"][["agent_id"]], on="agent_id")
    shared["pair"] = np.arange(len(shared))
    messages = tables["messages"][tables["messages"]["created_at"] < now]
    seen = messages.merge(shared, on="conversation_id").sort_values(["pair", "created_at", "message_id"])
    pair, own = seen["pair"].to_numpy(), (seen["sender_id"] == seen["agent_id"]).to_numpy(bool)
    first = np.r_[True, pair[1:] != pair[:-1]][: len(pair)]
    # A conversation begins as if after the agent's own message.
    before = np.where(first, True, np.r_[True, own[:-1]][: len(own)])
    runs = seen[own != before]
    waited = runs["created_at"].diff()
    # The first run of a conversation is the others', so the run before an own one is always of the same conversation.
    answers = (runs["sender_id"] == runs["agent_id"]).to_numpy(bool)
    took = waited[answers].astype("timedelta64[us]").astype("int64")
    return took.groupby(runs.loc[answers, "agent_id"], sort=False).agg(["sum", "count"])


def _agent_profiles(tables: Tables, board: pd.DataFrame, now: pd.Timestamp) -> pd.DataFrame:
    referrals, reviews = tables["referrals"], tables["reviews"]
    known = referrals[(referrals["recruited_at"] < now) | referrals["recruited_at"].isna()]
    pairs = known[["agent_id", "user_id"]].set_axis(["user_id", "reviewer_id"], axis=1)
    told = reviews[reviews["created_at"] < now].merge(pairs, on=["user_id", "reviewer_id"])
    counted = told.groupby("user_id", sort=False)["rating"].agg(["sum", "count"])
    found = {name: _of(board["agent_id"], counted[name]) for name in ("sum", "count")}
    return pd.DataFrame(
        {
            "agent_id": board["agent_id"],
            "total_earnings": board["total_earnings"],
            "recruit_satisfaction_score": decimals(rounded(found["sum"], found["count"]), 1),
            "recruit_satisfaction_count": found["count"].fillna(0).astype("int64"),
        }
    )


def _brand_reputations(tables: Tables, ratings: pd.DataFrame, now: pd.Timestamp) -> pd.DataFrame:
    users, deals, jobs = tables["users"], tables["deals"], tables["escrow"]
    sponsors = users.loc[users["role"] == "sponsor", "user_id"].rename("sponsor_id").reset_index(drop=True)
    dealt = deals[deals["created_at"] < now].groupby("sponsor_id", sort=False).size()
    done = (jobs["created_at"] < now) & (jobs["released_at"] < now) & (jobs["status"] == "released")
    paid = jobs[done & (jobs["released_at"] >= jobs["work_submitted_at"])]
    took = (paid["released_at"] - paid["work_submitted_at"]).astype("timedelta64[us]").astype("int64")
    times = took.groupby(paid["sponsor_id"], sort=False).agg(["sum", "count"])
    names = {name: name.removeprefix("overall_") for name in RATINGS}
    brands = {"sponsor_id": sponsors} | {
        column: decimals(_means(sponsors, ratings, name), 1) for column, name in names.items()
    }
    total, count = (_of(sponsors, times[name]).astype("Int64") for name in ("sum", "count"))
    return pd.DataFrame(brands).assign(
        total_deals=_of(sponsors, dealt).fillna(0).astype("int64"),
        average_payment_time=decimals(rounded(total * 100, count * _DAY), 2),
        review_count=_of(sponsors, ratings["rating_count"]).fillna(0).astype("int64"),
        rating_sum=_of(sponsors, ratings["rating_sum"]).fillna(0).astype("int64"),
    )


def _brand_leaderboard(tables: Tables, brands: pd.DataFrame, ratings: pd.DataFrame) -> pd.DataFrame:
    total, count = int(brands["rating_sum"].sum()), int(brands["review_count"].sum())
    board = brands.merge(tables["sponsors"], on="sponsor_id", how="left")
    score = rounded(100 * (5 * total + board.pop("rating_sum") * count), count * (5 + board["review_count"]))
    board["score"] = score.where(board["review_count"] > 0)  # the others are unrated, and come last
    board = board.sort_values(
        ["score", "review_count", "total_deals", "sponsor_id"], ascending=[False, False, False, True]
    ).reset_index(drop=True)
    board["reputation_score"] = decimals(board.pop("score"), 3)
    columns = ["sponsor_id", "company", "overall_rating", "payment_speed_rating", "communication_rating"]
    columns += ["professionalism_rating", "review_count", "total_deals", "average_payment_time", "reputation_score"]
    place = pd.Series(board.index + 1, dtype="Int64")
    return board[columns].assign(rank=place.where(board["review_count"] > 0))


def _contact_engagement(tables: Tables, now: pd.Timestamp) -> pd.DataFrame:
    sent = tables["invites"][tables["invites"]["sent_at"] < now]
    answered = sent.assign(
        opened_at=sent["opened_at"].where(sent["opened_at"] < now),
        clicked_at=sent["clicked_at"].where(sent["clicked_at"] < now),
        accepted=pandas_funnels.accepted(sent, now),
    )
    found = answered.groupby("contact_id", sort=False).agg(
        sent=("sent_at", "size"),
        last_invite_sent_at=("sent_at", "max"),
        opened_count=("opened_at", "count"),
        clicked_count=("clicked_at", "count"),
        last_opened_at=("opened_at", "max"),
        last_clicked_at=("clicked_at", "max"),
        accepted=("accepted", "sum"),
    )
    contacts = tables["contacts"].merge(found, left_on="contact_id", right_index=True, how="left")
    rate = rounded(contacts.pop("accepted") * 10_000, contacts["sent"])
    counts = ["total_invites_sent", "opened_count", "clicked_count"]
    contacts = contacts.rename(columns={"sent": "total_invites_sent"})
    contacts[counts] = contacts[counts].fillna(0).astype("int64")
    return contacts.assign(response_rate=decimals(rate.fillna(0), 2))


def _invite_templates(tables: Tables, now: pd.Timestamp) -> pd.DataFrame:
    sent = tables["invites"][tables["invites"]["sent_at"] < now]
    found = pandas_funnels.accepted(sent, now).groupby(sent["template_id"], sort=False).agg(["size", "sum"])
    templates = tables["templates"]["template_id"]
    used, accepted = _of(templates, found["size"]), _of(templates, found["sum"])
    return pd.DataFrame(
        {
            "template_id": templates,
            "times_used": used.fillna(0).astype("int64"),
            "acceptance_rate": decimals(rounded(accepted * 10_000, used), 2),
        }
    )


def _users(tables: Tables, ratings: pd.DataFrame) -> pd.DataFrame:
    users = tables["users"]["user_id"]
    return pd.DataFrame(
        {
            "user_id": users,
            "rating": decimals(_means(users, ratings, "rating").fillna(0), 1),
            "review_count": _of(users, ratings["rating_count"]).fillna(0).astype("int64"),
        }
    )
