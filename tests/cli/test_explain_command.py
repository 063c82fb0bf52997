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


def test_a_row_with_a_key_of_several_columns_is_named_by_them_in_order(si: Si, shop: Settings) -> None:
    standing = si(shop)("metric", "agent_performance_standings", "--json").document[-1]
    key = (standing["component"], standing["agent_id"])
    done = si(shop)("explain", "agent_performance_standings", *key, "worse", "--json")
    assert len([row for row in done.document if row["part"] == "worse"]) == standing["worse"]
    assert len(done.document) == standing["compared"]
    assert "number of rows of worse" in done.err


def test_a_reply_and_a_sum_behind_a_mean_are_explained_by_name(si: Si, shop: Settings) -> None:
    reply = si(shop)("metric", "agent_replies", "--json").document[0]
    done = si(shop)("explain", "agent_replies", reply["message_id"], "wait_microseconds", "--json")
    assert done.document[-1]["message_id"] == reply["message_id"]
    assert done.document[0]["value"] == reply["waiting_since"]
    component = si(shop)("metric", "agent_performance_components", "--json").document[0]
    done = si(shop)("explain", "agent_performance_components", component["agent_id"], "reply_microseconds", "--json")
    assert sum(int(row["value"]) for row in done.document) == int(component["reply_microseconds"])


def test_a_key_without_a_column_is_refused(si: Si, shop: Settings) -> None:
    done = si(shop)("explain", "agent_leaderboard", "AGENT")
    assert (done.code, done.out) == (2, "")
    assert "it is not said which column" in done.err
