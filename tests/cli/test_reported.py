"""What `si refresh` says that it computed: what stayed, what followed the changed rows, what was done whole and why."""

from __future__ import annotations

from types import SimpleNamespace

from si_analytics.cli import reported
from si_analytics.compute.upkeep import Stored


def said(*stored: Stored) -> str:
    return reported.computed(SimpleNamespace(stored=stored))  # type: ignore[arg-type]


def test_what_stayed_is_told_from_what_followed_the_changed_rows() -> None:
    found = said(
        Stored("facts.deals", 10, 0, ""),
        Stored("dimensions.agent", 3, 0, ""),
        Stored("facts.payments", 20, 4, ""),
        Stored("metrics.agent_leaderboard", 3, 2, ""),
    )
    assert found == "Computed 2 facts and dimensions as they were; the changed rows of 1 fact or dimension, 1 metric"


def test_what_was_computed_whole_is_named_with_its_reason() -> None:
    found = said(
        Stored("facts.deals", 10, 0, ""),
        Stored("facts.escrow_open", 2, None, "it does more with as_of than compare times with it"),
    )
    assert found == (
        "Computed 1 fact or dimension as it was;"
        " all of facts.escrow_open: it does more with as_of than compare times with it"
    )


def test_a_first_refresh_computes_everything_for_one_reason() -> None:
    reason = "it was not stored before"
    found = said(Stored("facts.deals", 10, None, reason), Stored("metrics.user_ratings", 5, None, reason))
    assert found == "Computed all of every fact and metric: it was not stored before"
