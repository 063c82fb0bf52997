"""Warnings about times that are missing, too early, or in the wrong order."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tests.support.duck import AS_OF, BEFORE, DAY, TICK, Duck, key

EVENT_TIMES = {
    **dict.fromkeys(("deals", "transactions", "user_reviews", "messages", "gigs", "negotiations"), "created_at"),
    **dict.fromkeys(("negotiation_offers", "escrow_jobs", "users"), "created_at"),
    "gig_applications": "applied_at",
    "referrals": "recruited_at",
    **dict.fromkeys(("feed_activities", "notifications", "social_accounts", "withdrawals"), "created_at"),
    **dict.fromkeys(("agent_bonuses", "user_rewards"), "earned_at"),
    "matches": "matched_at",
    "saved_gigs": "saved_at",
    "token_withdrawal_requests": "requested_at",
}


@pytest.mark.parametrize(("table", "column"), EVENT_TIMES.items())
def test_a_row_without_its_event_time_is_found(duck: Duck, table: str, column: str) -> None:
    duck.add(table)
    assert duck.check("null_event_times").passed
    row = duck.add(table, **{column: None})
    assert duck.found("null_event_times") == [{"table_name": table, "column_name": column, "key": row}]


def test_an_invite_that_was_not_sent_yet_lacks_no_time(duck: Duck) -> None:
    for more in ({"status": "pending"}, {"status": "expired"}, {"status": None}):
        duck.add("invites", sent_at=None, **more)
    duck.add("invites", sent_at=None, status="pending", opened_at=AS_OF, clicked_at=AS_OF, accepted_at=AS_OF)
    duck.add("invites", sent_at=None, status="accepted", accepted_at=AS_OF)
    assert duck.check("null_event_times").passed


@pytest.mark.parametrize(
    "said",
    [
        {"status": "sent"},
        {"status": "accepted"},
        {"status": "accepted", "accepted_at": BEFORE},
        {"status": "pending", "opened_at": BEFORE},
        {"status": None, "clicked_at": BEFORE},
        {"status": "expired", "accepted_at": BEFORE},
    ],
)
def test_an_invite_that_says_it_was_sent_but_not_when_is_found(duck: Duck, said: dict[str, object]) -> None:
    invite = duck.add("invites", sent_at=None, **said)
    assert duck.found("null_event_times") == [{"table_name": "invites", "column_name": "sent_at", "key": invite}]


def test_a_time_before_2000_is_found_in_every_column_of_time_that_is_read(duck: Duck) -> None:
    last = datetime(2000, 1, 1, tzinfo=UTC) - TICK
    for table, column in duck.columns("TIMESTAMP WITH TIME ZONE"):
        with duck.rows(table, {column: last}) as added:
            duck.add(table, **{column: last + TICK})
            assert duck.found("times_before_2000") == [
                {"table_name": table, "column_name": column, "key": added, "happened_at": last}
            ]


def test_the_year_2000_begins_in_the_reporting_time_zone(duck: Duck) -> None:
    """23:30 UTC is past midnight in Berlin; 03:00 UTC of the new year is still the old one in New York."""
    eve = duck.add("deals", created_at=datetime(1999, 12, 31, 23, 30, tzinfo=UTC))
    night = duck.add("deals", created_at=datetime(2000, 1, 1, 3, tzinfo=UTC))
    late = {tz: [row["key"] for row in duck.found("times_before_2000", tz=tz)] for tz in _ZONES}
    assert late == {
        **{"UTC": [eve], "Europe/Berlin": [], "Pacific/Kiritimati": []},
        **{"America/New_York": [eve, night], "Pacific/Pago_Pago": [eve, night]},
    }


_ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Pacific/Kiritimati", "Pacific/Pago_Pago")


def test_a_time_before_2000_of_a_row_that_does_not_exist_is_not_told(duck: Duck) -> None:
    """A deal of as_of, one of an unknown time; an invite not sent yet exists, one sent at as_of does not."""
    old = datetime(1999, 1, 1, tzinfo=UTC)
    duck.add("deals", created_at=AS_OF, completed_at=old)
    duck.add("deals", created_at=None, completed_at=old)
    duck.add("invites", sent_at=AS_OF, verified_at=old)
    invite = duck.add("invites", sent_at=None, verified_at=old)
    assert duck.found("times_before_2000") == [
        {"table_name": "invites", "column_name": "verified_at", "key": invite, "happened_at": old}
    ]


def test_a_completed_deal_without_its_time_is_found(duck: Duck) -> None:
    deal = duck.add("deals", completed_at=None)
    duck.add("deals")
    duck.add("deals", completed_at=AS_OF + DAY)
    for more in ({"status": "active"}, {"status": None}, {"created_at": AS_OF}, {"created_at": None}):
        duck.add("deals", **{"completed_at": None, **more})
    assert duck.found("completed_without_time") == [
        {"deal_id": deal, "created_at": BEFORE, "amount": Decimal("100.00")}
    ]


def test_deals_completed_with_their_time_pass(duck: Duck) -> None:
    duck.add("deals")
    duck.add("deals", status="pending", completed_at=None)
    assert duck.check("completed_without_time").passed
    assert duck.check("completed_before_created").passed


def test_a_deal_completed_before_it_was_created_is_found(duck: Duck) -> None:
    deal = duck.add("deals", status="cancelled", completed_at=BEFORE - TICK)
    duck.add("deals", completed_at=BEFORE)
    duck.add("deals", completed_at=None)
    duck.add("deals", created_at=AS_OF)
    assert duck.found("completed_before_created") == [
        {"deal_id": deal, "created_at": BEFORE, "completed_at": BEFORE - TICK}
    ]


def test_an_invite_accepted_before_it_was_sent_is_found(duck: Duck) -> None:
    invite = duck.add("invites", agent_id=key(50), accepted_at=BEFORE - TICK)
    duck.add("invites", accepted_at=BEFORE)
    duck.add("invites", accepted_at=None)
    for sent_at in (None, AS_OF):
        duck.add("invites", sent_at=sent_at, accepted_at=BEFORE)
    assert duck.found("accepted_before_sent") == [
        {"invite_id": invite, "agent_id": key(50), "sent_at": BEFORE, "accepted_at": BEFORE - TICK}
    ]


def test_invites_accepted_after_they_were_sent_pass(duck: Duck) -> None:
    duck.add("invites", accepted_at=BEFORE + DAY)
    assert duck.check("accepted_before_sent").passed
