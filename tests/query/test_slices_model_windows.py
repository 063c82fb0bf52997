"""The model of slices is right about windows, periods and comparisons: each figure added up by hand."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from tests.support.asked_slices import asked_rows, asked_tuples
from tests.support.worlds import START, Build, at

TICK = timedelta(microseconds=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NONE, OTHERS, TOTAL = "(none)", "(others)", "(total)"


def test_recruits_without_a_time_are_of_all_time_and_bring_deals_in_every_window() -> None:
    """Recruited in January, in March and nobody knows when; each with a deal in February."""
    build = Build()
    agent, brand = build.agent(), build.sponsor()
    for recruited in (START, at("2026-03-10"), None):
        star = build.influencer()
        build.referral(agent, star, recruited_at=recruited)
        build.deal(star, brand, created_at=at("2026-02-10"))
    build.invite(agent)
    build.invite(agent)
    asked = ("recruits", "attributed_deals", "deals_per_invite")
    assert asked_tuples(build, *asked) == [(3, 3, Decimal("1.500000"))]
    assert asked_tuples(build, *asked, until=at("2026-03-10")) == [(2, 2, Decimal("1.000000"))]
    assert asked_tuples(build, *asked, since=at("2026-02-01"), until=at("2026-03-10") + TICK) == [(1, 3, None)]
    assert asked_tuples(build, "recruits", by=["month"]) == [
        (date(2026, 1, 1), 1, True),
        (date(2026, 3, 1), 1, True),
        (None, 1, None),
    ]


def test_periods_are_of_the_zone_and_complete_where_they_lie_in_the_window() -> None:
    """23:30 on 31 January in UTC is February in Berlin, Sunday, the first of the month, half past midnight."""
    build = Build()
    build.user("agent", created_at=at("2026-01-31 23:30"))
    build.user("agent", created_at=at("2026-02-08 12:00"))
    asked: dict[str, Any] = {"since": at("2026-01-31 23:00"), "until": at("2026-02-20"), "tz": "Europe/Berlin"}
    february, sunday = date(2026, 2, 1), date(2026, 2, 8)
    assert asked_tuples(build, "signups", by=["hour", "weekday"], **asked) == [(0, 7, 1), (13, 7, 1)]
    assert asked_tuples(build, "signups", by=["month", "quarter"], **asked) == [(february, date(2026, 1, 1), 2, False)]
    assert asked_tuples(build, "signups", by=["week"], **asked) == [
        (date(2026, 1, 26), 1, False),
        (date(2026, 2, 2), 1, True),
    ]
    assert asked_tuples(build, "signups", by=["week"], week_start=7, **asked) == [
        (february, 1, True),
        (sunday, 1, True),
    ]
    assert asked_tuples(build, "signups", by=["day"], fill=True, week_start=7, **asked)[6:9] == [
        (date(2026, 2, 7), 0, True),
        (sunday, 1, True),
        (date(2026, 2, 9), 0, True),
    ]
    filled = asked_tuples(build, "signups", by=["day"], fill=True, **asked)
    assert (len(filled), filled[-1]) == (20, (date(2026, 2, 20), 0, False))


def test_the_greatest_are_of_this_window_and_who_was_there_before_is_one_of_the_others() -> None:
    """February: a sent 2, b 1. January: b 1, c 5. One by the values of February: a; and b and c together."""
    build = Build()
    a, b, c = (build.agent() for _ in range(3))
    for agent, month, count in ((a, 2, 2), (b, 2, 1), (b, 1, 1), (c, 1, 5)):
        for _ in range(count):
            build.invite(agent, sent_at=at(f"2026-0{month}-10"))
    window: dict[str, Any] = {"since": at("2026-02-01"), "until": at("2026-03-01"), "compare": "previous"}
    assert asked_tuples(build, "invites_sent", by=["agent", "month"], top=1, totals=True, **window) == [
        (str(a), date(2026, 2, 1), 2, 0, 2, None, True, "cell"),
        (OTHERS, date(2026, 2, 1), 1, 6, -5, Decimal("-0.833333"), True, "others"),
        (TOTAL, None, 3, 6, -3, Decimal("-0.5"), None, "total"),
    ]


def test_the_window_before_meets_this_one_period_by_period() -> None:
    """February against January: their first and third days; January's 31st comes to lie beside 3 March.

    A change of nothing has no ratio; in the month as a whole 3 against 2 are half as much again.
    """
    build = Build()
    agent = build.agent()
    for day in ("2026-02-01", "2026-02-03", "2026-02-28", "2026-01-03", "2026-01-31"):
        build.invite(agent, sent_at=at(day))
    window: dict[str, Any] = {"since": at("2026-02-01"), "until": at("2026-03-01"), "compare": "previous"}
    assert asked_tuples(build, "invites_sent", by=["day"], **window) == [
        (date(2026, 2, 1), 1, 0, 1, None, True),
        (date(2026, 2, 3), 1, 1, 0, 0, True),
        (date(2026, 2, 28), 1, 0, 1, None, True),
        (date(2026, 3, 3), 0, 1, -1, -1, False),
    ]
    assert asked_rows(build, "invites_sent", "last_invite_sent_at", by=["month"], **window, totals=True) == [
        {
            "month": month,
            "invites_sent": 3,
            "invites_sent_before": 2,
            "invites_sent_change": 1,
            "invites_sent_change_ratio": Decimal("0.500000"),
            "last_invite_sent_at": at("2026-02-28"),
            "last_invite_sent_at_before": at("2026-01-31"),
            "complete": complete,
            "row": row,
        }
        for month, complete, row in ((date(2026, 2, 1), True, "cell"), (None, None, "total"))
    ]


def test_last_year_meets_this_one_by_date_or_by_week() -> None:
    """29 February 2024 beside 1 March 2025; by week Thursday 29 February 2024 beside Thursday 27 February 2025."""
    build = Build()
    build.user("agent", created_at=at("2024-02-29 12:00"))
    build.user("agent", created_at=at("2025-03-01 12:00"))
    window: dict[str, Any] = {"since": at("2025-01-01"), "until": at("2026-01-01"), "compare": "year"}
    assert asked_tuples(build, "signups", by=["day"], **window) == [(date(2025, 3, 1), 1, 1, 0, 0, True)]
    assert asked_tuples(build, "signups", by=["month"], **window) == [
        (date(2025, 2, 1), 0, 1, -1, -1, True),
        (date(2025, 3, 1), 1, 0, 1, None, True),
    ]
    assert asked_tuples(build, "signups", by=["week", "day"], **window) == [
        (date(2025, 2, 24), date(2025, 2, 27), 0, 1, -1, -1, True),
        (date(2025, 2, 24), date(2025, 3, 1), 1, 0, 1, None, True),
    ]
