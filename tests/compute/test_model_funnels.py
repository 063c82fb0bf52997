"""The model of the funnels, proven on worlds small enough to add up in your head: section 5."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from tests import model
from tests.support.worlds import AS_OF, START, Build, only

TICK = timedelta(microseconds=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def reached(build: Build, name: str, **asked: Any) -> list[int]:
    """How many units reached each stage, first to last."""
    return [row["reached"] for row in model.funnel(build.world, name, AS_OF, **asked)]


def medians(build: Build, name: str, **asked: Any) -> list[str | None]:
    found = [row["median_hours_from_start"] for row in model.funnel(build.world, name, AS_OF, **asked)]
    return [None if hours is None else str(hours) for hours in found]


def test_every_stage_is_given_though_nobody_entered_and_its_ratios_are_null() -> None:
    first, second = model.funnel(model.empty(), "negotiation", AS_OF)[:2]
    assert first == {
        "funnel": "negotiation",
        "breakdown": "all",
        "breakdown_value": "all",
        "stage_number": 1,
        "stage": "opened",
        "reached": 0,
        "dropped": 0,
        "conversion_from_previous": None,
        "conversion_from_start": None,
        "median_hours_from_start": None,
        "p90_hours_from_start": None,
        "immature": 0,
    }
    assert (second["conversion_from_previous"], second["conversion_from_start"]) == (None, None)
    assert model.funnel(model.empty(), "negotiation", AS_OF, by="month") == []


def test_a_hidden_open_is_implied_and_has_no_time() -> None:
    """Three sent; one opened after 2 h; one accepted after 1 h without an open or a click; one nothing.

    | sent | opened | clicked | accepted |
    | 3    | 2      | 1       | 1        |
    """
    build = Build()
    agent = build.agent()
    build.invite(agent, opened_at=START + 2 * HOUR)
    build.invite(agent, accepted_at=START + HOUR)
    build.invite(agent)
    assert reached(build, "invite") == [3, 2, 1, 1, 0, 0, 0, 0]
    assert medians(build, "invite")[:4] == [None, "2.00", None, "1.00"]
    opened = model.funnel(build.world, "invite", AS_OF)[1]
    assert (opened["dropped"], str(opened["conversion_from_start"])) == (1, "0.666667")
    assert str(model.funnel(build.world, "invite", AS_OF)[2]["conversion_from_previous"]) == "0.500000"


def test_only_invites_sent_in_the_window_enter_and_later_events_count_up_to_as_of() -> None:
    """Sent a tick before since, at since, at until, never. One enters; it is opened after until, before as_of."""
    build = Build()
    agent = build.agent()
    for sent in (START - TICK, START, START + DAY, None):
        build.invite(agent, sent_at=sent, opened_at=AS_OF - TICK, clicked_at=AS_OF)
    assert reached(build, "invite", since=START, until=START + DAY)[:3] == [1, 1, 0]


def test_acceptance_goes_by_its_time_where_that_is_set() -> None:
    """Accepted: by time though expired; by status, nobody knows when. Not: by status with a time from as_of on."""
    build = Build()
    agent = build.agent()
    build.invite(agent, status="expired", accepted_at=START + HOUR)
    build.invite(agent, status="accepted")
    build.invite(agent, status="accepted", accepted_at=AS_OF)
    assert reached(build, "invite")[3] == 2
    assert medians(build, "invite")[3] == "1.00"


def test_within_is_inclusive_and_knows_no_unknown_times() -> None:
    """Within a day: accepted after a day; not a tick later; not at an unknown time; but before sending."""
    build = Build()
    agent = build.agent()
    build.invite(agent, accepted_at=START + DAY)
    build.invite(agent, accepted_at=START + DAY + TICK)
    build.invite(agent, status="accepted")
    build.invite(agent, accepted_at=START - DAY)
    assert reached(build, "invite", within=DAY)[3] == 2
    assert reached(build, "invite")[3] == 4
    assert reached(build, "invite", within=timedelta())[3] == 1
    # The time before sending counts as reached and gives no duration.
    assert medians(build, "invite", within=DAY)[3] == "24.00"


def test_a_later_stage_within_implies_an_earlier_one_that_was_late_itself() -> None:
    """Clicked after an hour, opened (so the mail client says) after two days: within a day it was opened."""
    build = Build()
    build.invite(build.agent(), opened_at=START + 2 * DAY, clicked_at=START + HOUR)
    assert reached(build, "invite", within=DAY)[:3] == [1, 1, 1]
    assert medians(build, "invite", within=DAY)[1] is None


def test_entrants_whose_time_is_not_up_are_immature() -> None:
    """Within a day: sent a day before as_of (up), a tick later (not up). Without within, nobody is immature."""
    build = Build()
    agent = build.agent()
    build.invite(agent, sent_at=AS_OF - DAY)
    build.invite(agent, sent_at=AS_OF - DAY + TICK)
    assert {row["immature"] for row in model.funnel(build.world, "invite", AS_OF, within=DAY)} == {1}
    assert {row["immature"] for row in model.funnel(build.world, "invite", AS_OF)} == {0}


def test_median_and_p90_are_interpolated_and_halves_rounded_up() -> None:
    """Opened after 0, 10, 20 and 30 h and 0.02 h: the median of 0, 0.02, 10, 20, 30 is 10, p90 is at 3.6: 26 h.

    Two more worlds of one: 18 s are 0.005 h, 0.01; two of 0 and 18 s have 0.0025 h, 0.00.
    """
    build = Build()
    agent = build.agent()
    for hours in (0, 10, 20, 30, 0.02):
        build.invite(agent, opened_at=START + hours * HOUR)
    row = only(model.funnel(build.world, "invite", AS_OF), stage="opened")
    assert (row["median_hours_from_start"], row["p90_hours_from_start"]) == (Decimal("10.00"), Decimal("26.00"))
    build = Build()
    build.invite(build.agent(), opened_at=START + timedelta(seconds=18))
    assert medians(build, "invite")[1] == "0.01"
    build.invite(build.agent(), opened_at=START)
    assert medians(build, "invite")[1] == "0.00"


def joiner_world(joined: datetime | None) -> tuple[Build, UUID, UUID]:
    build = Build()
    agent, brand, star = build.agent(), build.sponsor(), build.influencer(created_at=joined)
    build.invite(agent, converted_user_id=star, is_verified=True, verified_at=START + 2 * HOUR)
    return build, brand, star


@pytest.mark.parametrize(
    ("joined", "hours"), [(START + HOUR, "1.00"), (None, None), (AS_OF, None), (START - DAY, None)]
)
def test_joining_is_dated_by_the_users_creation(joined: datetime | None, hours: str | None) -> None:
    """Created an hour later; unknown; at as_of (not joined, but verified, which implies it); before the invite."""
    build, _, _ = joiner_world(joined)
    assert reached(build, "invite") == [1, 1, 1, 1, 1, 1, 0, 0]
    assert medians(build, "invite")[4:6] == [hours, "2.00"]
    build.world["invites"][0]["is_verified"] = None
    assert reached(build, "invite")[4:6] == [int(joined != AS_OF), 0]


def test_the_first_deal_is_the_earliest_from_sending_on_on_either_side() -> None:
    """Deals of the joiner: before sending (no), after 3 h as an influencer, after 2 h as a sponsor: 2 h.

    Of the three the first is completed after 1 h, which is no deal of this invite; then the second is, undated.
    """
    build, brand, star = joiner_world(START)
    build.deal(star, brand, created_at=START - TICK, status="completed", completed_at=START + HOUR)
    late = build.deal(star, brand, created_at=START + 3 * HOUR)
    sold = build.deal(brand, star, created_at=START + 2 * HOUR)
    assert reached(build, "invite")[6:] == [1, 0]
    assert medians(build, "invite")[6:] == ["2.00", None]
    only(build.world["deals"], id=late)["status"] = "completed"
    assert reached(build, "invite")[6:] == [1, 1]
    assert reached(build, "invite", within=DAY)[6:] == [1, 0]
    only(build.world["deals"], id=late)["completed_at"] = AS_OF
    assert reached(build, "invite")[6:] == [1, 0]
    only(build.world["deals"], id=sold)["created_at"] = START
    assert medians(build, "invite")[6] == "0.00"


def test_a_gig_goes_by_the_earliest_known_time_of_its_rows() -> None:
    """Two approvals, one undated, one after 5 h: 5 h. A deal with a null created_at is none. Paid needs the status."""
    build = Build()
    brand, gig = (sponsor := build.sponsor()), build.gig(sponsor)
    first = build.application(gig, build.influencer(), status="approved", applied_at=START + HOUR)
    build.application(gig, build.influencer(), status="approved", reviewed_at=START + 5 * HOUR)
    build.application(gig, build.influencer(), status="rejected", reviewed_at=START + HOUR)
    build.deal(build.influencer(), brand, gig, created_at=None, status="completed", completed_at=START)
    build.escrow_job(first, status="disputed", released_at=START + HOUR)
    assert reached(build, "gig") == [1, 1, 1, 0, 0, 0]
    assert medians(build, "gig")[:3] == [None, "0.00", "5.00"]
    build.escrow_job(first, status="released")
    assert reached(build, "gig") == [1, 1, 1, 1, 1, 1]
    assert reached(build, "gig", within=DAY) == [1, 1, 1, 0, 0, 0]


def test_an_application_is_reviewed_by_its_time_or_by_any_other_status_than_pending() -> None:
    """Reviewed: pending with a time, rejected without. Not: null status without, rejected with a time of as_of."""
    build = Build()
    gig = build.gig(build.sponsor())
    for status, at_ in (("pending", START), ("rejected", None), (None, None), ("rejected", AS_OF), ("approved", AS_OF)):
        build.application(gig, build.influencer(), status=status, reviewed_at=at_)
    assert reached(build, "application")[:3] == [5, 2, 0]
    build.world["gig_applications"][4]["reviewed_at"] = START + HOUR
    assert reached(build, "application")[:3] == [5, 3, 1]


def test_an_application_leads_to_deals_of_its_own_influencer_and_jobs_of_its_own() -> None:
    """Two applications to one gig; the deal is the first one's (from before it applied), the job the second's."""
    build = Build()
    brand = build.sponsor()
    gig = build.gig(brand)
    first, second = build.influencer(), build.influencer()
    build.application(gig, first)
    paid = build.application(gig, second)
    build.deal(first, brand, gig, created_at=START - DAY)
    assert reached(build, "application") == [2, 1, 1, 1, 0, 0]
    assert medians(build, "application")[3] is None
    build.escrow_job(paid, status="released", released_at=START + HOUR)
    assert reached(build, "application") == [2, 2, 2, 2, 1, 1]


def negotiation_world(**given: Any) -> tuple[Build, UUID, UUID, UUID]:
    build = Build()
    brand, star = build.sponsor(industry="Sport"), build.influencer()
    return build, build.negotiation(build.gig(brand), star, brand, **given), brand, star


def test_a_counter_is_an_offer_by_another_or_an_offer_that_was_countered() -> None:
    """The brand offers twice: no counter. Then the star offers after 3 h: countered after 3 h; by status after 2."""
    build, talk, brand, star = negotiation_world()
    opening = build.offer(talk, brand, created_at=START + HOUR)
    build.offer(talk, brand, created_at=START + 2 * HOUR)
    build.offer(talk, star, created_at=AS_OF)
    assert reached(build, "negotiation") == [1, 1, 0, 0, 0]
    build.offer(talk, star, created_at=START + 3 * HOUR)
    assert medians(build, "negotiation")[1:3] == ["1.00", "3.00"]
    only(build.world["negotiation_offers"], id=opening).update(status="countered", responded_at=START + 2 * HOUR)
    assert medians(build, "negotiation")[1:3] == ["1.00", "2.00"]


def test_the_first_offer_is_the_earliest_not_the_one_written_down_first() -> None:
    """The star's offer of 3 h has the lower id, the brand's of 1 h comes first: countered after 3 h, not 1."""
    build, talk, brand, star = negotiation_world()
    build.offer(talk, star, created_at=START + 3 * HOUR)
    build.offer(talk, brand, created_at=START + HOUR)
    assert medians(build, "negotiation")[1:3] == ["1.00", "3.00"]


@pytest.mark.parametrize(
    ("offers", "accepted", "hours"),
    [
        ([], 1, None),
        ([{"status": "rejected"}], 1, None),
        ([{"responded_at": START + HOUR}], 1, "1.00"),
        ([{"responded_at": None}], 1, None),
        ([{"responded_at": None}, {"responded_at": START + HOUR}], 1, "1.00"),
        ([{"responded_at": AS_OF}], 0, None),
        ([{"created_at": AS_OF, "responded_at": START}], 0, None),
        ([{"created_at": AS_OF}, {"responded_at": AS_OF}], 0, None),
        ([{"created_at": None, "responded_at": START + HOUR}], 1, None),
        ([{"created_at": None}, {"created_at": AS_OF}], 0, None),
        ([{"created_at": AS_OF}, {"responded_at": None}], 1, None),
    ],
)
def test_a_negotiation_is_accepted_when_an_accepted_offer_says_so(
    offers: list[dict[str, Any]], accepted: int, hours: str | None
) -> None:
    """Status accepted; the offers are accepted unless they say otherwise. An open negotiation never is."""
    build, talk, brand, _ = negotiation_world(status="accepted")
    for given in offers:
        build.offer(talk, brand, **{"status": "accepted", **given})
    assert reached(build, "negotiation")[3:] == [accepted, 0]
    assert medians(build, "negotiation")[3] == hours
    assert reached(build, "negotiation", within=DAY)[3] == int(hours is not None)
    build.world["negotiations"][0]["status"] = "open"
    assert reached(build, "negotiation")[3] == 0


def test_a_negotiation_is_dealt_by_a_deal_of_the_same_three() -> None:
    build, _, brand, star = negotiation_world()
    gig = build.world["gigs"][0]["id"]
    build.deal(star, brand)
    build.deal(build.influencer(), brand, gig)
    build.deal(star, build.sponsor(), gig)
    assert reached(build, "negotiation") == [1, 0, 0, 0, 0]
    build.deal(star, brand, gig, created_at=START + HOUR)
    assert reached(build, "negotiation") == [1, 1, 1, 1, 1]


@pytest.mark.parametrize(
    ("given", "stages"),
    [
        ({"status": "payment_processing"}, [1, 0, 0, 0, 0]),
        ({"status": "locked"}, [1, 1, 0, 0, 0]),
        ({"status": "work_in_progress"}, [1, 1, 0, 0, 0]),
        ({"status": "under_review"}, [1, 1, 1, 0, 0]),
        ({"status": "releasing"}, [1, 1, 1, 1, 0]),
        ({"status": "released"}, [1, 1, 1, 1, 1]),
        ({"status": "released", "released_at": AS_OF}, [1, 1, 1, 1, 0]),
        ({"status": "released", "released_at": AS_OF, "approved_at": AS_OF}, [1, 1, 1, 0, 0]),
        ({"status": "refunding"}, [1, 0, 0, 0, 0]),
        ({"status": "refunded", "work_submitted_at": START}, [1, 1, 1, 0, 0]),
        ({"status": "disputed", "released_at": START}, [1, 1, 1, 1, 1]),
        ({"status": None, "locked_at": START}, [1, 1, 0, 0, 0]),
        ({"created_at": AS_OF, "status": "released"}, [0, 0, 0, 0, 0]),
    ],
)
def test_an_escrow_job_stands_where_its_times_and_its_status_say(given: dict[str, Any], stages: list[int]) -> None:
    build = Build()
    build.escrow_job(build.application(build.gig(build.sponsor()), build.influencer()), **given)
    assert reached(build, "escrow") == stages
