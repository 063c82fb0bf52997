"""What docs/explain.md shows runs, and what it says of `how` is what there is."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from si_analytics.query import warehouse as query_warehouse
from si_analytics.settings import Settings
from tests.support.folders import ROOT
from tests.support.pages import blocks

PAGE = ROOT / "docs" / "explain.md"


@pytest.mark.parametrize("block", blocks(PAGE, "python"), ids=lambda block: block.splitlines()[0][:60])
def test_its_python_runs(block: str, shop: Settings) -> None:
    with query_warehouse.connect(shop) as warehouse:
        session: dict[str, Any] = {"warehouse": warehouse, "pl": pl}
        session["agent_id"] = warehouse.agent_leaderboard()["agent_id"][0]
        exec(block, session)


def test_it_names_every_way_in_which_facts_make_up_a_number(shop: Settings) -> None:
    text = PAGE.read_text(encoding="utf-8")
    with query_warehouse.connect(shop) as warehouse:
        assert f"says `{warehouse.how('take_rate')}`" in text
        for name in ("commission", "rating", "median_deal", "deals", "recruits", "conversion_time"):
            assert f"`{warehouse.how(name)}`" in text
        assert warehouse.how("slow_response_time").startswith("p90 of value")
        assert warehouse.how("response_time").endswith(" / 3600000000")
