"""What is drawn to be asked of slices can be answered, and the answers of the model hang together."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests import model
from tests.model.dimensions import CALENDAR
from tests.support.asked_slices import asked_slices, slice_as_ofs, slice_worlds
from tests.support.worlds import as_ofs, marketplaces, windows

COUNTS = ("deals", "invites_sent", "releases", "reviews", "signups", "replies")


@settings(max_examples=100, deadline=None)
@given(world=slice_worlds(), as_of=slice_as_ofs(), data=st.data())
def test_the_total_is_the_slice_without_groupings_and_comes_last(
    world: model.World, as_of: datetime, data: st.DataObject
) -> None:
    asked = data.draw(asked_slices(world, as_of))
    rows = model.slice_of(world, as_of=as_of, **asked)
    assert all(list(row) == list(rows[0]) for row in rows)
    if asked["totals"]:
        by = {"by": (), "top": None, "fill": False, "totals": False}
        if not (asked["compare"] == "year" and "week" in asked["by"]):
            (whole,) = model.slice_of(world, as_of=as_of, **{**asked, **by})
            assert {name: rows[-1][name] for name in whole} == whole
        kinds = [row["row"] for row in rows]
        assert kinds == sorted(kinds, key=("cell", "others", "total").index)
        assert kinds.count("total") == 1


@settings(max_examples=100, deadline=None)
@given(world=slice_worlds(), as_of=slice_as_ofs(), data=st.data())
def test_cells_of_single_values_add_up_to_the_total(world: model.World, as_of: datetime, data: st.DataObject) -> None:
    """Where no grouping is a list, each fact is in one row: counts add up, also with the others and filled up."""
    asked = data.draw(asked_slices(world, as_of))
    once = [grouping for grouping in asked["by"] if not grouping.endswith((".category", ".specialty"))]
    counted = [name for name in asked["names"] if name in COUNTS]
    if not counted or once != asked["by"]:
        return
    rows = model.slice_of(world, as_of=as_of, **{**asked, "totals": True})
    for name in counted:
        for column in (name, f"{name}_before", f"{name}_change") if asked["compare"] else (name,):
            assert sum(row[column] for row in rows[:-1]) == rows[-1][column]


@settings(max_examples=50, deadline=None)
@given(world=slice_worlds(), as_of=slice_as_ofs(), data=st.data())
def test_filling_adds_rows_of_nothing_and_changes_none(
    world: model.World, as_of: datetime, data: st.DataObject
) -> None:
    asked: dict[str, Any] = data.draw(asked_slices(world, as_of))
    by = [grouping for grouping in asked["by"] if grouping not in CALENDAR]
    asked |= {"by": [*by, data.draw(st.sampled_from(("month", "quarter", "year")))], "where": None, "fill": True}
    filled = model.slice_of(world, as_of=as_of, **asked)
    plain = model.slice_of(world, as_of=as_of, **{**asked, "fill": False})
    assert [row for row in filled if row in plain] == plain
    added = [row for row in filled if row not in plain]
    assert not any(row[name] for row in added for name in asked["names"])


@settings(max_examples=50, deadline=None)
@given(world=marketplaces(), as_of=as_ofs(), data=st.data())
def test_slices_by_agent_and_by_brand_are_the_model_s_boards(
    world: model.World, as_of: datetime, data: st.DataObject
) -> None:
    """Who has no fact has no row, and on the board the zero or the null of that."""
    since, until = data.draw(windows(as_of))
    window: dict[str, Any] = {"since": since, "until": until, "as_of": as_of}
    measures = ("recruits", "attributed_deals", "commission")
    found = {row["agent"]: row for row in model.slice_of(world, measures, by=["agent"], **window)}
    for row in model.agent_leaderboard(world, as_of, since, until):
        own = found.get(str(row["agent_id"]), dict.fromkeys(measures, 0))
        board = (row["total_referrals"], row["total_deals"], row["total_earnings"])
        assert tuple(own[name] for name in measures) == board
    names = {"rating": "overall_rating", "reviews": "review_count", "deals": "total_deals", "payment_time": None}
    found = {row["brand"]: row for row in model.slice_of(world, tuple(names), by=["brand"], as_of=as_of)}
    nothing = {"rating": None, "reviews": 0, "deals": 0, "payment_time": None}
    for row in model.brand_reputations(world, as_of):
        own = found.get(str(row["sponsor_id"]), nothing)
        assert all(own[name] == row[column or "average_payment_time"] for name, column in names.items())


@settings(max_examples=50, deadline=None)
@given(world=marketplaces(), as_of=as_ofs(), tz=st.sampled_from(("UTC", "Asia/Kolkata")))
def test_slices_by_month_are_the_model_s_marketplace(world: model.World, as_of: datetime, tz: str) -> None:
    names = {
        **dict.fromkeys(("completed_deals", "gmv", "active_sponsors", "active_influencers"), ""),
        **{"deals": "new_deals", "commission": "agent_payouts", "platform_revenue": "", "net_revenue": ""},
        **{"take_rate": "", "refunds": ""},
    }
    found = {row["month"]: row for row in model.slice_of(world, tuple(names), by=["month"], as_of=as_of, tz=tz)}
    absent = {name: None if name == "take_rate" else 0 for name in names}
    for row in model.marketplace_monthly(world, as_of, tz=tz):
        own = found.get(row["month"], absent)
        assert all(own[name] == row[column or name] for name, column in names.items())
