"""The five conversion funnels in pandas: which stages each unit reached, and when.

Belongs here: the stages of each funnel, and counting them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from benchmarks.published.exactly import decimals, rounded

_HOUR = 3_600_000_000
_MEDIAN, _P90 = 5, 9  # tenths

Tables = Mapping[str, pd.DataFrame]
Stage = tuple[str, pd.Series, pd.Series]
"""Its name, whether each unit reached it on its own, and when (missing where that is unknown)."""


def every(tables: Tables, now: pd.Timestamp) -> pd.DataFrame:
    """All funnels, one after the other, one row per stage."""
    programs = {"invite": _invite, "gig": _gig, "application": _application, "negotiation": _negotiation}
    programs["escrow"] = _escrow
    return pd.concat([_counted(name, program(tables, now)) for name, program in programs.items()], ignore_index=True)


def accepted(invites: pd.DataFrame, now: pd.Timestamp) -> pd.Series:
    """Whether each invite was accepted: by its time where it has one, else by its status."""
    return (invites["accepted_at"] < now) | (invites["accepted_at"].isna() & (invites["status"] == "accepted"))


def _happened(rows: pd.DataFrame, status: str, time: str, now: pd.Timestamp) -> pd.DataFrame:
    """The rows with that status whose time of it is not to come."""
    return rows[(rows["status"] == status) & ((rows[time] < now) | rows[time].isna())]


def _reached(units: pd.DataFrame, events: pd.DataFrame, keys: str | Sequence[str], time: str) -> tuple[pd.Series, ...]:
    """Whether there is an event of each unit, and the earliest known time of one."""
    listed = [keys] if isinstance(keys, str) else [*keys]
    first = events.groupby(listed, sort=False)[time].min().rename("reached_at").reset_index()
    found = units[listed].merge(first, on=listed, how="left", indicator="found").set_index(units.index)
    return found["found"] == "both", found["reached_at"]


def _own(time: pd.Series, now: pd.Timestamp) -> tuple[pd.Series, pd.Series]:
    return time < now, time


def _all(units: pd.DataFrame, time: str) -> tuple[pd.Series, pd.Series]:
    return pd.Series(True, index=units.index), units[time]


def _invite(tables: Tables, now: pd.Timestamp) -> list[Stage]:
    sent = tables["invites"][tables["invites"]["sent_at"] < now].reset_index(drop=True)
    sent["unit"] = sent.index
    users = tables["users"].set_axis(["converted_user_id", *tables["users"].columns[1:]], axis=1)
    users = users[(users["created_at"] < now) | users["created_at"].isna()]
    deals = tables["deals"][tables["deals"]["created_at"] < now]
    columns = ["status", "created_at", "completed_at"]
    parties = pd.concat(
        deals[[party, *columns]].rename(columns={party: "converted_user_id"})
        for party in ("influencer_id", "sponsor_id")
    )
    led = sent.loc[sent["converted_user_id"].notna(), ["unit", "converted_user_id", "sent_at"]]
    led = led.merge(parties, on="converted_user_id")
    led = led[led["created_at"] >= led["sent_at"]]
    known = (sent["verified_at"] < now) | sent["verified_at"].isna()
    return [
        ("sent", *_all(sent, "sent_at")),
        ("opened", *_own(sent["opened_at"], now)),
        ("clicked", *_own(sent["clicked_at"], now)),
        ("accepted", accepted(sent, now), sent["accepted_at"]),
        ("joined", *_reached(sent, users, "converted_user_id", "created_at")),
        ("verified", sent["is_verified"] & known, sent["verified_at"]),
        ("first_deal", *_reached(sent, led, "unit", "created_at")),
        ("completed_deal", *_reached(sent, _happened(led, "completed", "completed_at", now), "unit", "completed_at")),
    ]


def _gig(tables: Tables, now: pd.Timestamp) -> list[Stage]:
    gigs = tables["gigs"][tables["gigs"]["created_at"] < now]
    applications = tables["applications"][tables["applications"]["applied_at"] < now]
    deals = tables["deals"][tables["deals"]["created_at"] < now]
    jobs = tables["escrow"][tables["escrow"]["created_at"] < now]
    approved = _happened(applications, "approved", "reviewed_at", now)
    return [
        ("posted", *_all(gigs, "created_at")),
        ("applied", *_reached(gigs, applications, "gig_id", "applied_at")),
        ("approved", *_reached(gigs, approved, "gig_id", "reviewed_at")),
        ("dealt", *_reached(gigs, deals, "gig_id", "created_at")),
        ("completed", *_reached(gigs, _happened(deals, "completed", "completed_at", now), "gig_id", "completed_at")),
        ("paid", *_reached(gigs, _happened(jobs, "released", "released_at", now), "gig_id", "released_at")),
    ]


def _application(tables: Tables, now: pd.Timestamp) -> list[Stage]:
    units = tables["applications"][tables["applications"]["applied_at"] < now]
    deals = tables["deals"][tables["deals"]["created_at"] < now]
    jobs = tables["escrow"][tables["escrow"]["created_at"] < now]
    status, reviewed_at = units["status"], units["reviewed_at"]
    judged = status.notna() & (status != "pending")
    done, paid = _happened(deals, "completed", "completed_at", now), _happened(jobs, "released", "released_at", now)
    pair = ["gig_id", "influencer_id"]
    return [
        ("applied", *_all(units, "applied_at")),
        ("reviewed", (reviewed_at < now) | (reviewed_at.isna() & judged), reviewed_at),
        ("approved", (status == "approved") & ((reviewed_at < now) | reviewed_at.isna()), reviewed_at),
        ("dealt", *_reached(units, deals, pair, "created_at")),
        ("completed", *_reached(units, done, pair, "completed_at")),
        ("paid", *_reached(units, paid, "application_id", "released_at")),
    ]


def _negotiation(tables: Tables, now: pd.Timestamp) -> list[Stage]:
    units = tables["negotiations"][tables["negotiations"]["created_at"] < now]
    offers = tables["offers"][tables["offers"]["created_at"].notna()]
    # Sorted by their time and id, the first of each negotiation is its author's.
    first = offers.sort_values(["created_at", "offer_id"]).drop_duplicates("negotiation_id")
    first = first[["negotiation_id", "from_user_id"]].rename(columns={"from_user_id": "author"})
    made = offers[offers["created_at"] < now].merge(first, on="negotiation_id")
    replies = made.loc[made["from_user_id"] != made["author"], ["negotiation_id", "created_at"]]
    countered = _happened(made, "countered", "responded_at", now)[["negotiation_id", "responded_at"]]
    either = pd.concat([one.set_axis(["negotiation_id", "at"], axis=1) for one in (replies, countered)])
    agreed, agreed_at = _reached(
        units, _happened(made, "accepted", "responded_at", now), "negotiation_id", "responded_at"
    )
    told = units["negotiation_id"].isin(offers.loc[offers["status"] == "accepted", "negotiation_id"])
    deals = tables["deals"][tables["deals"]["created_at"] < now]
    return [
        ("opened", *_all(units, "created_at")),
        ("offered", *_reached(units, made, "negotiation_id", "created_at")),
        ("countered", *_reached(units, either, "negotiation_id", "at")),
        ("accepted", (units["status"] == "accepted") & (agreed | ~told), agreed_at),
        ("dealt", *_reached(units, deals, ["gig_id", "influencer_id", "sponsor_id"], "created_at")),
    ]


def _escrow(tables: Tables, now: pd.Timestamp) -> list[Stage]:
    jobs = tables["escrow"][tables["escrow"]["created_at"] < now]
    order = ["locked", "work_in_progress", "work_submitted", "under_review", "approved", "releasing", "released"]
    progress = jobs["status"].map({status: number for number, status in enumerate(order, start=1)}).fillna(0)
    least = {"locked": ("locked_at", 1), "submitted": ("work_submitted_at", 3)}
    least |= {"approved": ("approved_at", 5), "released": ("released_at", 7)}
    return [
        ("created", *_all(jobs, "created_at")),
        *(
            (stage, (jobs[time] < now) | (jobs[time].isna() & (progress >= number)), jobs[time])
            for stage, (time, number) in least.items()
        ),
    ]


def _counted(funnel: str, stages: Sequence[Stage]) -> pd.DataFrame:
    """How many units came at least so far, and how long half and nine in ten of them took."""
    started = stages[0][2]
    furthest = np.zeros(len(started), dtype=np.int64)
    for number, (_, is_reached, _) in enumerate(stages, start=1):
        furthest[is_reached.to_numpy(bool)] = number
    reached = pd.Series([int((furthest >= number).sum()) for number in range(1, len(stages) + 1)])
    before = reached.shift(1)
    took = [None, *(_durations(started, *stage[1:]) for stage in stages[1:])]
    return pd.DataFrame(
        {
            "funnel": funnel,
            "breakdown": "all",
            "breakdown_value": "all",
            "stage_number": range(1, len(stages) + 1),
            "stage": [name for name, _, _ in stages],
            "reached": reached,
            "dropped": (before.fillna(reached) - reached).astype("int64"),
            "conversion_from_previous": decimals(rounded(reached * 10**6, before), 6),
            "conversion_from_start": decimals(rounded(reached * 10**6, pd.Series(reached[0], reached.index)), 6),
            "median_hours_from_start": [_hours(one, _MEDIAN) for one in took],
            "p90_hours_from_start": [_hours(one, _P90) for one in took],
            "immature": 0,
        }
    )


def _durations(started: pd.Series, is_reached: pd.Series, reached_at: pd.Series) -> np.ndarray:
    timed = is_reached.to_numpy(bool) & (reached_at >= started).to_numpy(bool)
    return np.sort((reached_at[timed] - started[timed]).astype("timedelta64[us]").astype("int64").to_numpy())


def _hours(durations: np.ndarray | None, tenths: int) -> object:
    """A percentile between its two neighbours, in hours to two decimals; none where there is no duration."""
    if durations is None or not len(durations):
        return None
    place, rest = divmod(tenths * (len(durations) - 1), 10)
    low, high = int(durations[place]), int(durations[min(place + 1, len(durations) - 1)])
    exact = pd.Series([100 * (low * (10 - rest) + high * rest)])
    return decimals(rounded(exact, pd.Series([10 * _HOUR])), 2)[0]
