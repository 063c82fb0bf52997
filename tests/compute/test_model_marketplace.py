"""The model of the contract, proven on worlds small enough to add up in your head: sections 4, 6 and 7."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from tests import model
from tests.support.worlds import AS_OF, START, Build, at, only

TICK = timedelta(microseconds=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def test_a_means_half_is_rounded_up_and_future_reviews_do_not_exist() -> None:
    """4.3 and 4.4 are 4.35: 4.4. The 1.0 of as_of and the undated 1.0 are not there."""
    build = Build()
    brand, star = build.sponsor(), build.influencer()
    build.review(star, brand, "4.3", payment_speed_rating=Decimal("2.0"), professionalism_rating=Decimal("3.0"))
    build.review(star, brand, "4.4")
    build.review(star, brand, "1.0", created_at=AS_OF)
    build.review(star, brand, "1.0", created_at=None)
    row = model.brand_reputations(build.world, AS_OF)[0]
    assert (row["overall_rating"], row["payment_speed_rating"]) == (Decimal("4.4"), Decimal("2.0"))
    assert (row["communication_rating"], row["professionalism_rating"]) == (None, Decimal("3.0"))
    assert row["review_count"] == 2
    assert only(model.user_ratings(build.world, AS_OF), user_id=brand)["rating"] == Decimal("4.4")
    assert only(model.user_ratings(build.world, AS_OF), user_id=star)["rating"] is None


def test_a_brand_with_one_perfect_review_does_not_beat_one_with_many_good_ones() -> None:
    """m = (5 + 10 x 4.8) / 11 = 4.8181...

    One 5.0: (5 m + 5) / 6 = 4.848. Ten 4.8: (5 m + 48) / 15 = 4.806. None: unrated, and last.
    """
    build = Build()
    few, many, none, star = build.sponsor(), build.sponsor(company=None), build.sponsor(), build.influencer()
    build.review(star, few, "5.0")
    for _ in range(10):
        build.review(star, many, "4.8")
    build.review(few, star, "1.0")
    found = model.brand_reputations(build.world, AS_OF)
    assert [(row["sponsor_id"], row["reputation_score"], row["rank"]) for row in found] == [
        (few, Decimal("4.848"), 1),
        (many, Decimal("4.806"), 2),
        (none, None, None),
    ]
    assert only(found, sponsor_id=many)["company"] is None


def test_brands_without_a_review_have_no_rank_and_go_by_deals_then_id() -> None:
    """Nobody was reviewed; the second has a cancelled deal; a user of another role is no sponsor."""
    build = Build()
    first, second, third, star = build.sponsor(), build.sponsor(), build.sponsor(), build.influencer()
    build.deal(star, second, status="cancelled")
    found = model.brand_reputations(build.world, AS_OF)
    assert [row["sponsor_id"] for row in found] == [second, first, third]
    assert {(row["reputation_score"], row["rank"], row["overall_rating"]) for row in found} == {(None, None, None)}


def test_payment_time_is_of_released_jobs_with_both_times_in_order() -> None:
    """432 s and 864 s: mean 648 s is 0.0075 days, 0.01. Not: refunded, negative, released at as_of, not submitted."""
    build = Build()
    brand = build.sponsor()
    application = build.application(build.gig(brand), build.influencer())
    plain = {"status": "released", "work_submitted_at": START}
    build.escrow_job(application, **plain, released_at=START + timedelta(seconds=432))
    build.escrow_job(application, **plain, released_at=START + timedelta(seconds=864))
    build.escrow_job(application, **{**plain, "status": "refunded"}, released_at=START + 9 * DAY)
    build.escrow_job(application, **plain, released_at=START - TICK)
    build.escrow_job(application, **plain, released_at=AS_OF)
    build.escrow_job(application, **{**plain, "work_submitted_at": None}, released_at=START + 9 * DAY)
    assert model.brand_reputations(build.world, AS_OF)[0]["average_payment_time"] == Decimal("0.01")
    # Released at the moment of submission is 0 days: the mean of three is 0.005, still 0.01; of four 0.00375, 0.00.
    build.escrow_job(application, **plain, released_at=START)
    assert model.brand_reputations(build.world, AS_OF)[0]["average_payment_time"] == Decimal("0.01")
    build.escrow_job(application, **plain, released_at=START)
    assert model.brand_reputations(build.world, AS_OF)[0]["average_payment_time"] == Decimal("0.00")


def test_engagement_counts_sent_invites_and_what_was_seen_before_as_of() -> None:
    """Sent: seen and accepted early; opened at as_of; accepted by status; seen. Not sent: one accepted.

    4 sent, 2 opened and clicked, 2 accepted: 50.00; the contact without invites has no rate.
    """
    build = Build()
    agent = build.agent()
    contact, quiet, template = build.contact(agent), build.contact(agent), build.template()
    plain = {"contact": contact, "template_id": template}
    build.invite(agent, **plain, opened_at=START + HOUR, clicked_at=START + 2 * HOUR, accepted_at=START - DAY)
    build.invite(agent, **plain, opened_at=AS_OF, accepted_at=AS_OF, status="accepted")
    build.invite(agent, **plain, status="accepted", sent_at=START + DAY)
    build.invite(agent, **plain, opened_at=START, clicked_at=START)
    build.invite(agent, **plain, sent_at=None, accepted_at=START, opened_at=START, clicked_at=START)
    build.invite(agent, **plain, sent_at=AS_OF, accepted_at=START)
    assert only(model.contact_engagement(build.world, AS_OF), contact_id=contact) == {
        "contact_id": contact,
        "total_invites_sent": 4,
        "last_invite_sent_at": START + DAY,
        "opened_count": 2,
        "clicked_count": 2,
        "last_opened_at": START + HOUR,
        "last_clicked_at": START + 2 * HOUR,
        "response_rate": Decimal("50.00"),
    }
    assert only(model.contact_engagement(build.world, AS_OF), contact_id=quiet)["response_rate"] is None
    unused = build.template()
    usage = model.invite_template_usage(build.world, AS_OF)
    assert only(usage, template_id=template)["acceptance_rate"] == Decimal("50.00")
    assert only(usage, template_id=unused) == {"template_id": unused, "times_used": 0, "acceptance_rate": None}


def test_months_without_activity_between_two_with_are_zeros() -> None:
    """A deal in January completed in March for 200.00 with 10.00 deducted and 4.00 paid out; February is empty.

    Take rate 10 / 200 = 0.05. The completion in 1999 is left out; the one without a time is nowhere.
    """
    build = Build()
    star, brand = build.influencer(), build.sponsor()
    march = at("2026-03-05")
    build.deal(star, brand, status="completed", completed_at=march, amount=Decimal("200.00"))
    build.deal(star, brand, created_at=at("1999-12-31 23:30"), status="completed")
    build.transaction(None, "10.00", type="commission_deduct", created_at=march)
    build.transaction(None, "4.00", created_at=march)
    build.transaction(None, "3.00", type="refund", created_at=march)
    build.transaction(None, "99.00", type="refund", created_at=at("2025-06-01"), currency="eur")
    build.transaction(None, "7.00", type="refund", created_at=at("2025-05-01"), status="pending")
    build.transaction(None, "7.00", type="payment_in", created_at=at("2025-05-01"))
    found = model.marketplace_monthly(build.world, AS_OF)
    assert [row["month"] for row in found] == [date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)]
    assert [(row["new_deals"], row["completed_deals"], row["active_sponsors"]) for row in found] == [
        (1, 0, 1),
        (0, 0, 0),
        (0, 1, 0),
    ]
    assert [row["take_rate"] for row in found] == [None, None, Decimal("0.050000")]
    assert (found[2]["gmv"], found[2]["net_revenue"], found[2]["refunds"]) == tuple(map(Decimal, ("200", "6", "3")))
    euros = model.marketplace_monthly(build.world, AS_OF, currency="eur")
    assert (euros[0]["month"], euros[0]["refunds"]) == (date(2025, 6, 1), Decimal("99.00"))
    assert {row["gmv"] for row in euros} == {None}
    # It goes on to the month of the last moment before as_of, whatever happens in it.
    later = model.marketplace_monthly(build.world, at("2026-06-01"))
    assert [row["month"].month for row in later] == [1, 2, 3, 4, 5]
    assert (later[-1]["new_deals"], later[-1]["gmv"], later[-1]["take_rate"]) == (0, Decimal(0), None)
    assert model.marketplace_monthly(build.world, at("2026-06-01") + TICK)[-1]["month"] == date(2026, 6, 1)
    # In Berlin the old deal is from 2000, half an hour into it.
    assert model.marketplace_monthly(build.world, AS_OF, tz="Europe/Berlin")[0]["month"] == date(2000, 1, 1)


def test_an_experiment_compares_b_with_a_where_one_agent_sent_both() -> None:
    """A: 1 of 4 accepted, B: 3 of 4 (over two templates): lift 2, difference 0.5, z = sqrt 2, p = 0.157299.

    Another agent sent A and a template without a variant, and has no row.
    """
    build = Build()
    agent, other = build.agent(), build.agent()
    a, b, b_too = build.template(variant="A"), build.template(variant="B"), build.template(variant="B")
    for template, accepted in ((a, 1), (a, 0), (a, 0), (a, 0), (b, 1), (b, 1), (b_too, 1), (b_too, 0)):
        build.invite(agent, template_id=template, status="accepted" if accepted else "sent")
    build.invite(other, template_id=a)
    build.invite(other, template_id=build.template())
    row, same = model.template_experiments(build.world, AS_OF)
    assert (row["variant"], row["sent"], row["accepted"], row["acceptance"]) == ("A", 4, 1, Decimal("0.25"))
    assert (row["wilson_low"], row["wilson_high"]) == (Decimal("0.045587"), Decimal("0.699358"))
    compared = {name: row[name] for name in ("lift", "difference", "p_value", "enough_data")}
    assert compared == {
        "lift": Decimal(2),
        "difference": Decimal("0.5"),
        "p_value": Decimal("0.157299"),
        "enough_data": False,
    }
    assert compared.items() <= same.items()


@pytest.mark.parametrize(("sent_a", "sent_b", "enough"), [(30, 30, True), (29, 30, False), (30, 29, False)])
def test_a_comparison_needs_thirty_of_each(sent_a: int, sent_b: int, enough: bool) -> None:
    """Nobody accepted: no p-value and no lift, a difference of zero, an interval from zero on."""
    build = Build()
    agent, a, b = build.agent(), build.template(variant="A"), build.template(variant="B")
    for template in (*[a] * sent_a, *[b] * sent_b):
        build.invite(agent, template_id=template)
    row, _ = model.template_experiments(build.world, AS_OF)
    assert (row["enough_data"], row["p_value"], row["lift"], row["difference"]) == (enough, None, None, Decimal(0))
    assert str(row["wilson_low"]) == "0.000000"


def test_a_cohort_is_followed_to_the_month_of_the_last_moment_before_as_of() -> None:
    """Two members of January, one deal in March between one of them and a brand of March; as_of is 1 April, 00:00.

    | cohort | 0   | 1   | 2   |
    | Jan, 2 | 0   | 0   | 0.5 |
    | Mar, 1 | 1   |     |     |
    """
    build = Build()
    star = build.influencer()
    build.influencer()
    build.agent()
    brand = build.sponsor(created_at=at("2026-03-20"))
    build.deal(star, brand, created_at=at("2026-03-10"))
    found = model.signup_cohorts(build.world, AS_OF)
    assert [(row["cohort_month"].month, row["months_since"], row["cohort_size"], row["active"]) for row in found] == [
        (1, 0, 2, 0),
        (1, 1, 2, 0),
        (1, 2, 2, 1),
        (3, 0, 1, 1),
    ]
    assert [row["retention"] for row in found] == [0, 0, Decimal("0.5"), 1]
