"""A frame of measures: what of it survives polars' verbs, copies and pickling, and what a notebook shows."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from si_analytics import tables
from si_analytics.frames import MeasureFrame
from tests.support import measure_frames as frames

KNOWN = ("groupings", "figures", "currency", "tz", "since", "until", "compared")


def known(frame: pl.DataFrame) -> list[object]:
    assert isinstance(frame, MeasureFrame)
    return [getattr(frame, part) for part in KNOWN]


def plain(frame: pl.DataFrame) -> str:
    """What polars alone shows of the frame."""
    return pl.DataFrame(frame)._repr_html_()


@pytest.mark.parametrize(
    "derive",
    [
        lambda frame: frame.filter(pl.col("gmv") > 0),
        lambda frame: frame.sort("gmv"),
        lambda frame: frame.head(9),
        lambda frame: frame.tail(9),
        lambda frame: frame.limit(9),
        lambda frame: frame.reverse(),
        lambda frame: frame.top_k(9, by="gmv"),
        lambda frame: frame.bottom_k(9, by="gmv"),
        lambda frame: frame.sample(3, seed=1),
        lambda frame: frame[0:9],
        lambda frame: frame.clone(),
        lambda frame: next(frame.iter_slices(9)),
        copy.copy,
        copy.deepcopy,
        lambda frame: pickle.loads(pickle.dumps(frame)),
    ],
)
def test_choosing_ordering_copying_and_pickling_keep_what_is_known(
    derive: Callable[[MeasureFrame], pl.DataFrame],
) -> None:
    frame = frames.compared_by_tier()
    derived = derive(frame)
    assert known(derived) == known(frame)
    assert_frame_equal(pl.DataFrame(derived).sort("gmv"), pl.DataFrame(frame).sort("gmv"))
    assert "gt_table" in derived._repr_html_()


@pytest.mark.parametrize(
    "derive",
    [
        lambda frame: frame.select("gmv"),
        lambda frame: frame.with_columns(double=pl.col("gmv") * 2),
        lambda frame: frame.drop("gmv"),
        lambda frame: frame.rename({"gmv": "value"}),
        lambda frame: frame.group_by("agent.tier").agg(pl.col("gmv").sum()),
        lambda frame: frame.join(frame, on="agent.tier"),
        lambda frame: frame.lazy().collect(),
        lambda frame: frame.vstack(frame),
        lambda frame: frame.clear(),
        lambda frame: pl.concat([frame, frame]),
        pl.DataFrame,
    ],
)
def test_other_columns_or_other_rows_are_an_ordinary_frame(derive: Callable[[MeasureFrame], pl.DataFrame]) -> None:
    derived = derive(frames.by_tier())
    assert type(derived) is pl.DataFrame
    assert "gt_table" not in derived._repr_html_()


def test_it_stays_a_polars_frame_and_prints_like_one() -> None:
    frame = frames.by_tier()
    assert isinstance(frame, pl.DataFrame)
    assert frame["new_deals"].sum() == 40 + 39 + 38 + 7 + 321
    assert str(frame) == str(pl.DataFrame(frame))
    assert frame.equals(pl.DataFrame(frame))


def test_a_notebook_shows_the_table_of_measures() -> None:
    frame = frames.by_tier()
    assert frame._repr_html_() == tables.measure(frame)._repr_html_()


def test_a_frame_changed_in_place_is_shown_as_polars_shows_it() -> None:
    frame = frames.by_tier()
    frame.drop_in_place("gmv")
    assert frame._repr_html_() == plain(frame)


def test_a_frame_made_without_measures_is_shown_as_polars_shows_it() -> None:
    frame = MeasureFrame({"a": [1]})
    assert frame._repr_html_() == plain(frame)
    assert frame.head(1)._repr_html_() == plain(frame)


def test_the_frame_it_is_made_of_is_left_alone() -> None:
    given = pl.DataFrame({"new_deals": [1]})
    made = MeasureFrame.of(
        given, groupings=(), figures=(frames.DEALS,), currency="usd", tz="UTC", since=None, until=None, compared=None
    )
    made.drop_in_place("new_deals")
    assert given.columns == ["new_deals"]
    assert type(given) is pl.DataFrame
