"""The whole marketplace of a scale and a seed.

Belongs here: putting the parts together in the order in which they need each other.
"""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import polars as pl

from si_analytics.sample import (
    activity,
    deals,
    gigs,
    invitations,
    ledger,
    messages,
    money,
    negotiations,
    nulls,
    outreach,
    people,
    profiles,
    recruitment,
    reviews,
    rewards,
    summaries,
)
from si_analytics.sample.times import Rhythm

_USERS, _DEALS, _INVITES = 2_000, 5_000, 10_000
_FEWEST = (40, 60, 100)  # with fewer, some tables would have no row


def size(scale: Decimal) -> people.Size:
    """Returns how many of each a scale means."""
    asked = (_USERS, _DEALS, _INVITES)
    users, struck, sent = (max(round(scale * number), least) for number, least in zip(asked, _FEWEST, strict=True))
    return people.Size(users=users, deals=struck, invites=sent)


def build(scale: Decimal, seed: int) -> dict[str, pl.DataFrame]:
    """Returns every operational table as a frame; the same scale and seed always give the same frames."""
    rhythm, extent = Rhythm(), size(scale)
    cast = people.populate(seed, extent, rhythm)
    brought = recruitment.recruit(seed, cast, rhythm)
    sent = invitations.send(seed, cast, brought, extent.invites, rhythm)
    posted = gigs.post(seed, cast, extent, rhythm)
    interests = gigs.interest(seed, cast, posted, extent)
    struck = deals.strike(seed, cast, posted, interests, brought)
    paid = ledger.keep(seed, struck)

    made = profiles.tables(seed, cast, brought)
    made |= outreach.tables(seed, cast, sent)
    running = np.bincount(struck.gig[struck.status < 2], minlength=len(posted)).astype(np.int64)
    done = np.bincount(struck.gig[struck.status == 2], minlength=len(posted)).astype(np.int64)
    made |= gigs.tables(seed, cast, posted, interests, running=running, done=done)
    gig_ids, application_ids = made["gigs"]["id"], made["gig_applications"]["id"]
    made |= deals.tables(seed, cast, struck, gig_ids, application_ids)
    deal_ids, job_ids = made["deals"]["id"], made["escrow_jobs"]["id"]
    made |= negotiations.tables(seed, cast, posted, interests, struck, gig_ids=gig_ids)
    made |= money.tables(seed, cast, struck, paid, gig_ids=gig_ids, job_ids=job_ids)
    made |= recruitment.tables(seed, cast, brought, money.commissions(paid, struck))
    made |= reviews.tables(seed, cast, struck, brought, deal_ids)
    made |= messages.tables(seed, cast, struck, brought, deal_ids)
    made |= rewards.tables(seed, cast, paid)
    made |= activity.tables(seed, cast, posted, struck, gig_ids=gig_ids, deal_ids=deal_ids)
    made |= summaries.tables(seed, cast, sent, contact_ids=made["contacts"]["id"], deals=struck, recruitment=brought)
    # Until here every interest and deal had a row, so that their numbers agree; now we drop the surplus rows.
    made["gig_applications"] = made["gig_applications"].filter(pl.Series(~interests.direct))
    made["escrow_jobs"] = made["escrow_jobs"].filter(pl.Series(struck.job))
    return nulls.leave(seed, made)
