"""The model of the contract, proven on worlds small enough to add up in your head: sections 0 to 3."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from tests import model
from tests.model import rules
from tests.support.worlds import AS_OF, START, Build, at, only

TICK = timedelta(microseconds=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def test_an_empty_world_has_no_rows_except_the_stages_of_the_funnels() -> None:
    for name, metric in model.METRICS.items():
        found = metric(model.empty(), AS_OF)
        assert len(found) == (sum(map(len, model.STAGES.values())) if name == "conversion_funnels" else 0)


def test_the_funnels_have_the_stages_of_the_contract() -> None:
    assert {name: " ".join(stages) for name, stages in model.STAGES.items()} == {
        "invite": "sent opened clicked accepted joined verified first_deal completed_deal",
        "gig": "posted applied approved dealt completed paid",
        "application": "applied reviewed approved dealt completed paid",
        "negotiation": "opened offered countered accepted dealt",
        "escrow": "created locked submitted approved released",
    }


def test_rounding_is_exact_and_half_away_from_zero() -> None:
    """4.35 -> 4.4 and -4.35 -> -4.4 (in binary 4.35 is less than it looks); -0.004 -> 0.00, without a sign."""
    assert rules.half_away(rules.mean([Decimal("4.3"), Decimal("4.4")]), 1) == Decimal("4.4")
    assert rules.half_away(Decimal("-4.35"), 1) == Decimal("-4.4")
    assert str(rules.half_away(Fraction(-4, 1000), 2)) == "0.00"
    assert str(rules.half_away(0, 2)) == "0.00"
    assert rules.half_away(Decimal("123456789012345678901234567890123.455"), 2) == Decimal(
        "123456789012345678901234567890123.46"
    )


def test_a_commission_is_counted_once_however_many_deals_the_recruits_have() -> None:
    """One agent, one recruit, three deals, one commission of 10.00: earnings are 10.00, not 30.00."""
    build = Build()
    agent, brand, star = build.agent(), build.sponsor(), build.influencer()
    build.referral(agent, star)
    for _ in range(3):
        build.deal(star, brand)
    build.transaction(agent, "10.00")
    assert model.agent_leaderboard(build.world, AS_OF) == [
        {
            "agent_id": agent,
            "agent_name": "Agent 1",
            "avatar": None,
            "tier": "bronze",
            "total_referrals": 1,
            "total_deals": 3,
            "total_earnings": Decimal("10.00"),
            "rank": 1,
            "previous_rank": None,
            "rank_change": None,
        }
    ]


def test_a_deal_between_two_recruits_is_one_deal_of_the_agent() -> None:
    build = Build()
    agent, brand, star = build.agent(), build.sponsor(), build.influencer()
    build.referral(agent, star)
    build.referral(agent, brand)
    build.deal(star, brand)
    assert model.agent_leaderboard(build.world, AS_OF)[0]["total_deals"] == 1


def test_only_active_recruits_of_before_as_of_or_of_an_unknown_time_bring_deals() -> None:
    """Recruits: active; null flag; inactive; recruited at as_of; a tick before; undated. One deal each: 3 count."""
    build = Build()
    agent, brand = build.agent(), build.sponsor()
    referrals: list[dict[str, Any]] = [
        {},
        {"is_active": None},
        {"is_active": False},
        {"recruited_at": AS_OF},
        {"recruited_at": AS_OF - TICK},
        {"recruited_at": None},
    ]
    for given in referrals:
        star = build.influencer()
        build.referral(agent, star, **given)
        build.deal(star, brand, created_at=START - DAY)
    row = model.agent_leaderboard(build.world, AS_OF)[0]
    assert (row["total_referrals"], row["total_deals"]) == (3, 3)


def test_earnings_are_completed_commissions_in_the_reporting_currency_before_as_of() -> None:
    """Of these ten only 1, 2, 4 and 8 dollars are earned; 16 euros are under eur."""
    build = Build()
    agent = build.agent()
    build.transaction(agent, "1.00")
    build.transaction(agent, "2.00", currency=" USD ")
    build.transaction(agent, "4.00", currency=None)
    build.transaction(agent, "8.00", created_at=AS_OF - TICK)
    build.transaction(agent, "16.00", currency="EUR")
    build.transaction(agent, "32.00", currency="\tusd")
    build.transaction(agent, "64.00", created_at=AS_OF)
    build.transaction(agent, "128.00", created_at=None)
    build.transaction(agent, "256.00", status="pending")
    build.transaction(agent, "512.00", type="refund")
    assert model.agent_leaderboard(build.world, AS_OF)[0]["total_earnings"] == Decimal("15.00")
    assert model.agent_leaderboard(build.world, AS_OF, currency=" EUR")[0]["total_earnings"] == Decimal("16.00")


def test_ties_are_broken_by_deals_then_referrals_then_id() -> None:
    """Earnings 5 for all; deals 0, 0, 1, 0; referrals 0, 1, 1, 0: third, second, first, fourth."""
    build = Build()
    agents = [build.agent() for _ in range(4)]
    brand, star = build.sponsor(), build.influencer()
    build.referral(agents[1], build.influencer())
    build.referral(agents[2], star)
    build.deal(star, brand)
    for agent in agents:
        build.transaction(agent, "5.00")
    board = model.agent_leaderboard(build.world, AS_OF)
    assert [row["agent_id"] for row in board] == [agents[2], agents[1], agents[0], agents[3]]
    assert [row["rank"] for row in board] == [1, 2, 3, 4]


def test_the_previous_rank_is_that_of_the_window_before() -> None:
    """February, and the month before it: [Feb 1, Mar 1) and [Jan 1, Feb 1).

    | agent | January | February | rank | previous | change |
    | a     | 1.00    | 9.00     | 1    | 2        | 1      |
    | b     | 5.00    | 2.00     | 2    | 1        | -1     |
    | c     | -       | 1.00     | 3    | null     | null   |
    """
    build = Build()
    a, b, c = (build.agent() for _ in range(3))
    build.transaction(a, "1.00", created_at=at("2026-01-01"))
    build.transaction(b, "5.00", created_at=at("2026-02-01") - TICK)
    build.transaction(c, "7.00", created_at=at("2026-01-01") - TICK)
    build.transaction(a, "9.00", created_at=at("2026-02-01"))
    build.transaction(b, "2.00", created_at=at("2026-03-01") - TICK)
    build.transaction(c, "1.00", created_at=at("2026-02-10"))
    build.transaction(c, "90.00", created_at=at("2026-03-01"))
    board = model.agent_leaderboard(build.world, AS_OF, at("2026-02-01"), at("2026-03-01"))
    ranks = [(row["agent_id"], row["rank"], row["previous_rank"], row["rank_change"]) for row in board]
    assert ranks == [(a, 1, 2, 1), (b, 2, 1, -1), (c, 3, None, None)]


def test_with_since_only_recruits_of_the_window_are_referrals_but_all_bring_deals() -> None:
    """Recruits of before, of the window and undated, a deal each in the window: 1 referral, 3 deals.

    The first recruit lies in the window before, which makes the agent first in it.
    """
    build = Build()
    agent, brand = build.agent(), build.sponsor()
    for recruited in (START, at("2026-02-05"), None):
        star = build.influencer()
        build.referral(agent, star, recruited_at=recruited)
        build.deal(star, brand, created_at=at("2026-02-10"))
    row = model.agent_leaderboard(build.world, AS_OF, since=at("2026-02-01"))[0]
    assert (row["total_referrals"], row["total_deals"]) == (1, 3)
    assert row["previous_rank"] == 1


@pytest.mark.parametrize(
    ("since", "until"),
    [
        (AS_OF, None),
        (AS_OF + DAY, AS_OF + 2 * DAY),
        (START, START),
        (datetime(2026, 1, 1), None),  # noqa: DTZ001 - the very mistake
        (None, datetime(2026, 1, 1)),  # noqa: DTZ001
    ],
)
def test_an_empty_window_or_a_time_without_a_zone_is_an_error(since: datetime, until: datetime | None) -> None:
    with pytest.raises(ValueError, match=r"window is empty|no time zone"):
        model.agent_leaderboard(model.empty(), AS_OF, since, until)


def test_a_window_is_judged_in_utc_whatever_the_zone_of_its_ends() -> None:
    """10:00+05:00 is 05:00 UTC: a commission of 06:00 UTC lies in the window from then on."""
    build = Build()
    build.transaction(build.agent(), "1.00", created_at=at("2026-02-01 06:00"))
    since = datetime(2026, 2, 1, 10, tzinfo=timezone(5 * HOUR))
    assert model.agent_leaderboard(build.world, AS_OF, since)[0]["total_earnings"] == Decimal("1.00")


def test_a_reply_is_timed_from_the_first_message_it_answers() -> None:
    """Agent g, others x and y: x 10:00, y 11:00, g 12:00 (2 h); g 12:30 (no reply); x 13:00, g 14:00 (1 h); y 15:00.

    Mean 1.5 h. At one and the same moment the ids decide: written before it, the question is answered in 0 h.
    """
    build = Build()
    agent, x, y = build.agent(), build.influencer(), build.sponsor()
    talk = build.conversation(agent, x, agent, None)
    # Written down in another order than said.
    for sender, clock in ((x, 13), (y, 11), (agent, 12), (x, 10), (agent, 12.5), (agent, 14), (y, 15)):
        build.message(talk, sender, START + clock * HOUR)
    assert model.agent_performance_metrics(build.world, AS_OF)[0]["response_time"] == Decimal("1.50")
    build.message(talk, x, AS_OF - HOUR)
    build.message(talk, agent, AS_OF - HOUR)
    build.message(talk, agent, AS_OF)
    # y asked at 15:00 on 10 January and is answered now, an hour before April: 80 days and 8 hours later.
    assert model.agent_performance_metrics(build.world, AS_OF)[0]["response_time"] == Decimal("643.67")


def test_an_agent_outside_a_conversation_replies_to_nobody_in_it() -> None:
    build = Build()
    agent, star = build.agent(), build.influencer()
    talk = build.conversation(star)
    build.message(talk, star, START)
    build.message(talk, agent, START + HOUR)
    assert model.agent_performance_metrics(build.world, AS_OF)[0]["response_time"] is None


def test_conversion_time_leaves_out_what_is_negative_or_not_before_as_of() -> None:
    """2 days, 1 day and none: 1. Left out: accepted before sending, at as_of, never; the status says nothing."""
    build = Build()
    agent = build.agent()
    build.invite(agent, accepted_at=START + 2 * DAY, status="expired")
    build.invite(agent, accepted_at=START + DAY, status="accepted")
    build.invite(agent, accepted_at=START)
    build.invite(agent, accepted_at=START - TICK)
    build.invite(agent, accepted_at=AS_OF)
    build.invite(agent, status="accepted")
    build.invite(agent, sent_at=None, accepted_at=START)
    assert model.agent_performance_metrics(build.world, AS_OF)[0]["average_conversion_time"] == Decimal("1.00")


def test_a_verified_referral_is_an_active_recruit_converted_by_the_agents_own_verified_invite() -> None:
    """Seven recruits with one invite each; verified are the plain one, the undated one and the never sent one."""
    build = Build()
    agent, other = build.agent(), build.agent()
    plain: dict[str, Any] = {"is_verified": True, "verified_at": START}
    for given in (
        plain,
        {**plain, "verified_at": None},
        {**plain, "sent_at": None},
        {**plain, "verified_at": AS_OF},
        {**plain, "sent_at": AS_OF},
        {"is_verified": None, "verified_at": START},
        {**plain, "agent_id": other},
    ):
        recruit = build.influencer()
        build.referral(agent, recruit)
        build.invite(agent, **{"converted_user_id": recruit, **given})
    former = build.influencer()
    build.referral(agent, former, is_active=False)
    build.invite(agent, converted_user_id=former, **plain)
    row = only(model.agent_performance_metrics(build.world, AS_OF), user_id=agent)
    assert (row["verified_referrals"], row["total_referrals"]) == (3, 7)


def test_a_lone_agent_scores_half_of_what_it_has() -> None:
    """Only earnings and deals are ever there: 100 x (0.30 + 0.20) x 0.5 = 25. With a review 0.10 more: 30."""
    build = Build()
    agent = build.agent()
    assert model.agent_performance_metrics(build.world, AS_OF)[0]["performance_score"] == Decimal("25.00")
    build.review(build.influencer(), agent, "1.0")
    assert model.agent_performance_metrics(build.world, AS_OF)[0]["performance_score"] == Decimal("30.00")


def test_equal_fractions_are_equal_and_quick_is_better_than_slow() -> None:
    """Reply times: a 4 h over 3 replies, b 8 h over 6: equal; c slower. Of 0.10: a and b 2/3, c 1/6.

    Nothing else differs: earnings and deals give each 0.50 x 1/2 = 25. So 31.67, 31.67, 26.67.
    """
    build = Build()
    a, b, c = (build.agent() for _ in range(3))
    asker = build.influencer()
    for agent, waits in ((a, (1, 1, 2)), (b, (2, 2, 1, 1, 1, 1)), (c, (5,))):
        talk = build.conversation(agent, asker)
        for number, hours in enumerate(waits):
            build.message(talk, asker, START + number * DAY)
            build.message(talk, agent, START + number * DAY + hours * HOUR)
    found = model.agent_performance_metrics(build.world, AS_OF)
    assert [row["performance_score"] for row in found] == [Decimal("31.67"), Decimal("31.67"), Decimal("26.67")]
    assert [row["response_time"] for row in found] == [Decimal("1.33"), Decimal("1.33"), Decimal("5.00")]


def test_a_weight_may_be_zero_and_then_its_component_counts_for_nothing() -> None:
    """All the weight on deals, of which a has one and b none: 75 and 25, whatever b earned."""
    build = Build()
    a, b, star = build.agent(), build.agent(), build.influencer()
    build.referral(a, star)
    build.deal(star, build.sponsor())
    build.transaction(b, "1000.00")
    weights = {**dict.fromkeys(model.DEFAULT_WEIGHTS, Decimal(0)), "total_deals": Decimal(1)}
    found = model.agent_performance_metrics(build.world, AS_OF, weights=weights)
    assert [row["performance_score"] for row in found] == [Decimal("75.00"), Decimal("25.00")]


@pytest.mark.parametrize(
    "change", [{"total_deals": Decimal("0.30")}, {"total_deals": Decimal("-0.20"), "total_earnings": Decimal("0.70")}]
)
def test_weights_that_are_negative_or_do_not_sum_to_one_are_an_error(change: dict[str, Decimal]) -> None:
    with pytest.raises(ValueError, match="weights"):
        model.agent_performance_metrics(model.empty(), AS_OF, weights={**model.DEFAULT_WEIGHTS, **change})


def test_reviews_by_former_recruits_count_for_the_profile_and_all_for_the_score() -> None:
    """4.0 by a former recruit, 4.5 by an undated one; 1.0 by a stranger and by a recruit of as_of: 4.3 of 2 (4.25)."""
    build = Build()
    agent = build.agent()
    for rating, given in (
        ("4.0", {"is_active": False}),
        ("4.5", {"recruited_at": None}),
        ("1.0", {"recruited_at": AS_OF}),
    ):
        recruit = build.influencer()
        build.referral(agent, recruit, **given)
        build.review(recruit, agent, rating)
    build.review(build.sponsor(), agent, "1.0")
    summary = model.agent_profile_summaries(build.world, AS_OF)[0]
    assert (summary["recruit_satisfaction_score"], summary["recruit_satisfaction_count"]) == (Decimal("4.3"), 2)
    assert model.agent_performance_metrics(build.world, AS_OF)[0]["satisfaction_score"] == Decimal("2.6")
