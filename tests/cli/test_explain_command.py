"""`si explain`: the rows behind a number, and what is said where there is no such number."""

from __future__ import annotations

import json
from decimal import Decimal

from si_analytics.settings import Settings
from tests.support.commands import Si


def test_the_rows_printed_add_up_to_the_number_printed(si: Si, shop: Settings) -> None:
    board = json.loads(si(shop)("metric", "agent_leaderboard", "--format", "json").out)
    first = board[0]
    done = si(shop)("explain", "agent_leaderboard", first["agent_id"], "total_earnings", "--json")
    rows = json.loads(done.out)
    assert done.code == 0
    assert sum((Decimal(row["value"]) for row in rows), Decimal()) == Decimal(first["total_earnings"])
    assert "sum of value" in done.err


def test_a_stage_of_a_broken_down_funnel_is_named_by_its_value(si: Si, shop: Settings) -> None:
    asked = ("invite", "--by", "method", "--format", "json")
    email = [row for row in json.loads(si(shop)("metric", *asked).out) if row["breakdown_value"] == "email"]
    (accepted,) = (row for row in email if row["stage"] == "accepted")
    done = si(shop)("explain", "invite", "accepted", "reached", "--by", "method", "--value", "email", "--json")
    assert len(json.loads(done.out)) == accepted["reached"]


def test_a_stage_that_is_none_is_refused_with_the_nearest(si: Si, shop: Settings) -> None:
    done = si(shop)("explain", "invite", "acepted", "reached")
    assert (done.code, done.out) == (2, "")
    assert "Did you mean 'accepted'?" in done.err


def test_a_cell_is_explained_as_it_was_asked_for(si: Si, shop: Settings) -> None:
    """In a span, a currency and a time zone, as of an earlier moment: the rows still make the number printed."""
    asked = ("--during", "2026-03", "--as-of", "2026-03-20", "--currency", "eur", "--tz", "Europe/Berlin", "--json")
    first = si(shop)("metric", "agent_leaderboard", *asked).document[0]
    done = si(shop)("explain", "agent_leaderboard", first["agent_id"], "total_deals", *asked)
    assert (done.code, len(done.document)) == (0, first["total_deals"])
    earned = si(shop)("explain", "agent_leaderboard", first["agent_id"], "total_earnings", *asked).document
    assert sum((Decimal(row["value"]) for row in earned), Decimal()) == Decimal(first["total_earnings"])
    assert {row["currency"].strip().lower() for row in earned} <= {"eur"}


def test_a_value_of_no_breakdown_is_refused(si: Si, shop: Settings) -> None:
    done = si(shop)("explain", "invite", "accepted", "reached", "--value", "email")
    assert (done.code, done.out) == (2, "")
    assert "Add --by" in done.err
