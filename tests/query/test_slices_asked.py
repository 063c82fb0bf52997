"""What is drawn to be asked of slices can be answered, and the answers of the model hang together."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests import model
from tests.support.asked_slices import asked_slices, slice_as_ofs
from tests.support.worlds import marketplaces

COUNTS = ("deals", "invites_sent", "releases", "reviews", "signups", "replies")


@settings(max_examples=150, deadline=None)
@given(world=marketplaces(), as_of=slice_as_ofs(), data=st.data())
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
@given(world=marketplaces(), as_of=slice_as_ofs(), data=st.data())
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


@settings(max_examples=100, deadline=None)
@given(world=marketplaces(), as_of=slice_as_ofs(), data=st.data())
def test_filling_adds_rows_of_nothing_and_changes_none(
    world: model.World, as_of: datetime, data: st.DataObject
) -> None:
    asked: dict[str, Any] = data.draw(asked_slices(world, as_of).filter(lambda asked: asked["fill"]))
    filled = model.slice_of(world, as_of=as_of, **asked)
    plain = model.slice_of(world, as_of=as_of, **{**asked, "fill": False})
    assert [row for row in filled if row in plain] == plain
    added = [row for row in filled if row not in plain]
    assert not any(row[name] for row in added for name in asked["names"])
