"""Section 5, first half: for each funnel its units and every event that could take a unit to a stage.

Belongs here: which rows belong to a unit and what they claim. Whether a claim counts (as_of, within)
is decided by the funnel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from tests.model.rules import UNKNOWN, Moment, accepted, existing, is_before, said, sent_invites, timed
from tests.model.world import Row, World, by_key, grouped, rows

STAGES: dict[str, tuple[str, ...]] = {
    "application": ("applied", "reviewed", "approved", "dealt", "completed", "paid"),
    "escrow": ("created", "locked", "submitted", "approved", "released"),
    "gig": ("posted", "applied", "approved", "dealt", "completed", "paid"),
    "invite": ("sent", "opened", "clicked", "accepted", "joined", "verified", "first_deal", "completed_deal"),
    "negotiation": ("opened", "offered", "countered", "accepted", "dealt"),
}
# The order of the schema document, up to released; what comes after it says nothing about progress.
ESCROW_ORDER = (
    *("pending_payment", "payment_processing", "locked", "work_in_progress", "work_submitted"),
    *("under_review", "approved", "releasing", "released"),
)


@dataclass(frozen=True)
class Unit:
    """One unit: its row, its stage-1 time, and the candidate moments of each later stage."""

    row: Row
    start: datetime
    later: tuple[Sequence[Moment], ...]


def invite_units(world: World, as_of: datetime) -> Iterable[Unit]:
    """Invites that were sent.

    joined: the converted user's created_at, unknown where null. first_deal: any deal of that user, on
    either side, from the sending on. completed_deal: such a deal with status completed.
    """
    user = by_key(rows(world, "users"))
    as_influencer = grouped(existing(world, "deals", as_of), "influencer_id")
    as_sponsor = grouped(existing(world, "deals", as_of), "sponsor_id")
    for row in sent_invites(world, as_of):
        joiner = row["converted_user_id"]
        # No user, no deals: a null id is nobody's. A deal with oneself comes twice, which changes nothing.
        of_joiner = [] if joiner is None else [*as_influencer.get(joiner, []), *as_sponsor.get(joiner, [])]
        deals = [deal for deal in of_joiner if deal["created_at"] >= row["sent_at"]]
        yield Unit(
            row,
            row["sent_at"],
            (
                timed(row["opened_at"]),
                timed(row["clicked_at"]),
                accepted(row),
                [] if joiner is None else said(True, user[joiner]["created_at"]),
                said(bool(row["is_verified"]), row["verified_at"]),
                times_of(deals),
                completions(deals),
            ),
        )


def gig_units(world: World, as_of: datetime) -> Iterable[Unit]:
    """Gigs; their applications, deals and escrow jobs are those that name the gig."""
    applications = grouped(existing(world, "gig_applications", as_of), "gig_id")
    deals = grouped(existing(world, "deals", as_of), "gig_id")
    jobs = grouped(existing(world, "escrow_jobs", as_of), "gig_id")
    for row in existing(world, "gigs", as_of):
        applied, dealt = applications.get(row["id"], []), deals.get(row["id"], [])
        yield Unit(
            row,
            row["created_at"],
            (
                [application["applied_at"] for application in applied],
                [moment for application in applied for moment in approval(application)],
                times_of(dealt),
                completions(dealt),
                payments(jobs.get(row["id"], [])),
            ),
        )


def application_units(world: World, as_of: datetime) -> Iterable[Unit]:
    """Gig applications; their deals are those of the same gig and influencer, their jobs name them.

    reviewed: reviewed_at whatever the status, else a status that is set and not pending.
    """
    deals = grouped(existing(world, "deals", as_of), "gig_id", "influencer_id")
    jobs = grouped(existing(world, "escrow_jobs", as_of), "application_id")
    for row in existing(world, "gig_applications", as_of):
        dealt = deals.get((row["gig_id"], row["influencer_id"]), [])
        yield Unit(
            row,
            row["applied_at"],
            (
                timed(row["reviewed_at"], row["status"] not in (None, "pending")),
                approval(row),
                times_of(dealt),
                completions(dealt),
                payments(jobs.get(row["id"], [])),
            ),
        )


def negotiation_units(world: World, as_of: datetime) -> Iterable[Unit]:
    """Negotiations; their deals are those of the same gig, influencer and sponsor.

    countered: any offer by another than the author of the first offer (by time, then id), or an offer
    with status countered, at its response.
    """
    every_offer = grouped(rows(world, "negotiation_offers"), "negotiation_id")
    deals = grouped(existing(world, "deals", as_of), "gig_id", "influencer_id", "sponsor_id")
    for row in existing(world, "negotiations", as_of):
        written = every_offer.get(row["id"], [])
        offers = [offer for offer in written if is_before(offer["created_at"], as_of)]
        offers.sort(key=lambda offer: (offer["created_at"], offer["id"]))
        answers = [o["created_at"] for o in offers if o["from_user_id"] != offers[0]["from_user_id"]]
        responses = [moment for o in offers for moment in said(o["status"] == "countered", o["responded_at"])]
        yield Unit(
            row,
            row["created_at"],
            (
                times_of(offers),
                [*answers, *responses],
                agreement(row, written, offers),
                times_of(deals.get((row["gig_id"], row["influencer_id"], row["sponsor_id"]), [])),
            ),
        )


def agreement(negotiation: Row, written: Iterable[Row], offers: Iterable[Row]) -> list[Moment]:
    """A negotiation accepted, by the response to an accepted offer.

    Unknown if no offer was ever accepted; if accepted offers are there, but only from as_of on, it has not
    happened yet. (An offer without a time of its own says nothing: it neither dates nor denies.)
    """
    if negotiation["status"] != "accepted":
        return []
    moments = [moment for o in offers for moment in said(o["status"] == "accepted", o["responded_at"])]
    dated = [offer for offer in written if offer["status"] == "accepted" and offer["created_at"] is not None]
    return moments if dated else [UNKNOWN]


def escrow_units(world: World, as_of: datetime) -> Iterable[Unit]:
    """Escrow jobs: each stage at its own time, else by a status that lies at or beyond it.

    refunding, refunded and disputed lie nowhere on the way: with them only the times speak.
    """

    def at_or_beyond(row: Row, stage: str) -> bool:
        return row["status"] in ESCROW_ORDER[ESCROW_ORDER.index(stage) :]

    for row in existing(world, "escrow_jobs", as_of):
        yield Unit(
            row,
            row["created_at"],
            (
                timed(row["locked_at"], at_or_beyond(row, "locked")),
                timed(row["work_submitted_at"], at_or_beyond(row, "work_submitted")),
                timed(row["approved_at"], at_or_beyond(row, "approved")),
                timed(row["released_at"], at_or_beyond(row, "released")),
            ),
        )


def times_of(created: Iterable[Row]) -> list[Moment]:
    """When each of these rows was created."""
    return [row["created_at"] for row in created]


def approval(application: Row) -> list[Moment]:
    """Status approved, at reviewed_at."""
    return said(application["status"] == "approved", application["reviewed_at"])


def completions(deals: Iterable[Row]) -> list[Moment]:
    """Deals with status completed, each at completed_at."""
    return [moment for deal in deals for moment in said(deal["status"] == "completed", deal["completed_at"])]


def payments(jobs: Iterable[Row]) -> list[Moment]:
    """Escrow jobs with status released, each at released_at."""
    return [moment for job in jobs for moment in said(job["status"] == "released", job["released_at"])]


UNITS: dict[str, Callable[[World, datetime], Iterable[Unit]]] = {
    "application": application_units,
    "escrow": escrow_units,
    "gig": gig_units,
    "invite": invite_units,
    "negotiation": negotiation_units,
}
