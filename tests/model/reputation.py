"""Sections 4 and 6: reputations of brands, ratings of users, engagement of contacts, use of templates.

Belongs here: what is summed up about one user, contact or template.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from fractions import Fraction
from typing import Any

from tests.model.rules import (
    DAY,
    accepted,
    earliest,
    existing,
    half_away,
    is_before,
    mean,
    ratio,
    sent_invites,
    span,
    total,
    utc,
)
from tests.model.world import Row, World, by_key, grouped, rows

PRIOR_REVIEWS = 5
RATINGS = ("rating", "payment_speed_rating", "communication_rating", "professionalism_rating")


def brand_reputations(world: World, as_of: datetime, *, currency: str = "usd", tz: str = "UTC") -> list[Row]:
    """One row per sponsor (role sponsor), by rank: published score, reviews, deals descending, then id.

    Ratings are means of what is given, null of nothing. The score is (5 m + sum of ratings) / (5 + reviews),
    m the mean of all reviews about sponsors. It is ranked as rounded to 3 decimals. Who has no review has
    neither score nor rank, and stands after all others: by deals descending, then id.
    """
    as_of = utc(as_of, "as_of")
    sponsors = sorted(row["id"] for row in rows(world, "users") if row["role"] == "sponsor")
    profile = by_key(rows(world, "sponsor_profiles"), "user_id")
    reviews = grouped(existing(world, "user_reviews", as_of), "reviewed_user_id")
    deals = grouped(existing(world, "deals", as_of), "sponsor_id")
    jobs = grouped(existing(world, "escrow_jobs", as_of), "sponsor_id")
    prior = mean([review["rating"] for sponsor in sponsors for review in reviews.get(sponsor, [])])
    found: list[Row] = []
    for sponsor in sponsors:
        about = reviews.get(sponsor, [])
        means = [mean([row[column] for row in about if row[column] is not None]) for column in RATINGS]
        score = None
        if about and prior is not None:
            score = (PRIOR_REVIEWS * prior + total(row["rating"] for row in about)) / (PRIOR_REVIEWS + len(about))
        found.append(
            {
                "sponsor_id": sponsor,
                "company": profile[sponsor]["company"] if sponsor in profile else None,
                "overall_rating": half_away(means[0], 1),
                "payment_speed_rating": half_away(means[1], 1),
                "communication_rating": half_away(means[2], 1),
                "professionalism_rating": half_away(means[3], 1),
                "review_count": len(about),
                "total_deals": len(deals.get(sponsor, [])),
                "average_payment_time": half_away(mean(payment_times(jobs.get(sponsor, []), as_of)), 2),
                "reputation_score": half_away(score, 3),
            }
        )
    rated = [row for row in found if row["review_count"]]
    rated.sort(key=lambda row: (-row["reputation_score"], -row["review_count"], -row["total_deals"], row["sponsor_id"]))
    unrated = sorted(
        (row for row in found if not row["review_count"]), key=lambda row: (-row["total_deals"], row["sponsor_id"])
    )
    ranked = [{**row, "rank": number} for number, row in enumerate(rated, start=1)]
    return ranked + [{**row, "rank": None} for row in unrated]


def payment_times(jobs: Iterable[Row], as_of: datetime) -> list[Fraction]:
    """Days from work submitted to released: status released, both times, not negative, released before as_of."""
    return [
        span(job["released_at"] - job["work_submitted_at"], DAY)
        for job in jobs
        if job["status"] == "released"
        and job["work_submitted_at"] is not None
        and is_before(job["released_at"], as_of)
        and job["released_at"] >= job["work_submitted_at"]
    ]


def contact_engagement(world: World, as_of: datetime, *, currency: str = "usd", tz: str = "UTC") -> list[Row]:
    """One row per contact, over its invites sent before as_of; opens and clicks from before as_of.

    response_rate = 100 x accepted / sent, null without a sent invite; accepted is the invite's own
    acceptance (its time, else its status), nothing implied, also before it was sent.
    """
    as_of = utc(as_of, "as_of")
    invites = grouped(sent_invites(world, as_of), "contact_id")
    found: list[Row] = []
    for contact in sorted(row["id"] for row in rows(world, "contacts")):
        sent = invites.get(contact, [])
        opened = [row["opened_at"] for row in sent if is_before(row["opened_at"], as_of)]
        clicked = [row["clicked_at"] for row in sent if is_before(row["clicked_at"], as_of)]
        found.append(
            {
                "contact_id": contact,
                "total_invites_sent": len(sent),
                "last_invite_sent_at": max((row["sent_at"] for row in sent), default=None),
                "opened_count": len(opened),
                "clicked_count": len(clicked),
                "last_opened_at": max(opened, default=None),
                "last_clicked_at": max(clicked, default=None),
                "response_rate": half_away(acceptance_percentage(sent, as_of), 2),
            }
        )
    return found


def acceptance_percentage(sent: list[Row], as_of: datetime) -> Fraction | None:
    """100 x accepted / sent; None where nothing was sent."""
    return ratio(100 * sum(is_accepted(invite, as_of) for invite in sent), len(sent))


def is_accepted(invite: Row, as_of: datetime) -> bool:
    """Whether the invite was accepted as of then, at a known or an unknown time."""
    return earliest(accepted(invite), as_of) is not None


def invite_template_usage(world: World, as_of: datetime, *, currency: str = "usd", tz: str = "UTC") -> list[Row]:
    """One row per template: how many sent invites name it, and the share accepted; null when unused."""
    as_of = utc(as_of, "as_of")
    invites = grouped(sent_invites(world, as_of), "template_id")
    return [
        {
            "template_id": template,
            "times_used": len(invites.get(template, [])),
            "acceptance_rate": half_away(acceptance_percentage(invites.get(template, []), as_of), 2),
        }
        for template in sorted(row["id"] for row in rows(world, "invite_templates"))
    ]


def user_ratings(world: World, as_of: datetime, *, currency: str = "usd", tz: str = "UTC") -> list[Row]:
    """One row per user: mean and number of the reviews about the user; a mean of nothing is null."""
    reviews = grouped(existing(world, "user_reviews", utc(as_of, "as_of")), "reviewed_user_id")

    def summary(user: Any) -> Row:
        ratings = [row["rating"] for row in reviews.get(user, [])]
        return {"user_id": user, "rating": half_away(mean(ratings), 1), "review_count": len(ratings)}

    return [summary(user) for user in sorted(row["id"] for row in rows(world, "users"))]
