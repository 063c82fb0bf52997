"""The dashboard as a file: what goes in, what comes out, what it says first."""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from si_analytics.errors import AnalyticsError, UsageError
from si_analytics.reports import dashboard
from si_analytics.reports.dashboard import page
from tests.support import dashboard_frames as frames
from tests.support.dashboards import BOARD, content

# What goes in


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"as_of": datetime(2026, 6, 1)}, "has no time zone"),  # noqa: DTZ001
        ({"timezone": "Mars/Olympus"}, "it is not an IANA name"),
        ({"brand_reputations": BOARD}, "brand_reputations: the frame has no column sponsor_id"),
        (
            {"agent_performance_metrics": frames.performance(BOARD.head(5))},
            "120 agents and the performance metrics 5 agents",
        ),
        ({"conversion_funnels": frames.broken_down("gig", "month", ["2026-01"])}, "it is broken down"),
        (
            {"funnels_by_breakdown": {("gig", "location"): frames.broken_down("gig", "month", ["x"])}},
            "holds another funnel",
        ),
        ({"warnings": pl.DataFrame({"check": ["x"]})}, "no column severity, rows, summary"),
        (
            {"marketplace_monthly": pl.DataFrame({"month": []})},
            "marketplace_monthly: the frame has no column new_deals",
        ),
    ],
)
def test_content_that_could_not_be_shown_truthfully_is_refused(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError, match=re.escape(sentence)):
        content(**changes)


# What comes out


def test_the_same_content_gives_the_same_bytes_whatever_order_it_came_in() -> None:
    whole = content()
    shuffled = replace(
        whole,
        agent_leaderboard=whole.agent_leaderboard.reverse(),
        agent_performance_metrics=whole.agent_performance_metrics.reverse(),
        brand_reputations=whole.brand_reputations.reverse(),
        conversion_funnels=whole.conversion_funnels.reverse(),
        funnels_by_breakdown=dict(reversed(list(whole.funnels_by_breakdown.items()))),
        marketplace_monthly=frames.monthly().reverse(),
        warnings=frames.warnings().reverse(),
    )
    assert dashboard.render(whole) == dashboard.render(whole)
    assert dashboard.render(shuffled) == dashboard.render(whole)


def test_the_policy_allows_the_scripts_of_the_page_by_their_hashes_and_nothing_beside_them() -> None:
    text = dashboard.render(content())
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert policy
    directives = dict(part.strip().split(" ", 1) for part in policy[1].replace("&#39;", "'").split(";"))
    scripts = re.findall(r"<script>(.*?)</script>", text, flags=re.DOTALL)
    hashes = [f"'sha256-{b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" for script in scripts]
    assert directives["script-src"] == " ".join(hashes)
    assert directives["default-src"] == "'none'"
    assert not {"connect-src", "font-src", "frame-src", "worker-src"} & directives.keys()
    assert len(scripts) == 2


def test_plotly_is_in_the_file_once_and_the_file_is_below_8_megabytes() -> None:
    text = dashboard.render(content())
    assert text.count("* plotly.js v") == 1
    assert len(text.encode()) < 8_000_000


@given(
    st.recursive(
        st.none() | st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_embedded_json_cannot_leave_its_script_element_and_reads_back_the_same(value: object) -> None:
    written = page.embedded_json(value)
    assert not re.search("[<>&\u2028\u2029]", written)
    assert json.loads(written) == value


def test_nothing_people_typed_stands_in_the_file_as_html() -> None:
    text = dashboard.render(
        content(title="<i>Q2</i> & more", refresh_id='"><script>alert(9)</script>', snapshot="*/}body{}")
    )
    assert "<script>alert" not in text
    assert "<img" not in text
    assert "<i>Q2" not in text
    assert "Completed commissions &lt;paid&gt;" in text


def test_writing_replaces_what_was_there_and_makes_the_folder(tmp_path: Path) -> None:
    target = tmp_path / "new folder" / "report.html"
    assert dashboard.write(content(3), target) == target
    first = target.read_bytes()
    dashboard.write(content(4), str(target))
    assert target.read_bytes() != first
    assert [file.name for file in target.parent.iterdir()] == ["report.html"]


def test_writing_that_fails_keeps_the_old_file_and_leaves_no_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "report.html"
    target.write_text("old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(page.os, "fsync", full)
    with pytest.raises(AnalyticsError, match="No space left on device"):
        dashboard.write(content(3), target)
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("report.html", "old")]


def test_writing_where_a_file_stands_in_the_way_says_so(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(AnalyticsError, match="writing the dashboard to"):
        dashboard.write(content(3), tmp_path / "taken" / "report.html")


def test_what_stands_in_the_file_beside_the_metrics_comes_in_one_order_too() -> None:
    """A period, cohorts, experiments, boards kept, times, money left out and tables read, each backwards."""

    def whole(order: Callable[[pl.DataFrame], pl.DataFrame]) -> str:
        board, funnels = order(frames.agents(9, moved=True)), order(frames.funnels())
        period = dashboard.Period(
            name="last 30 days",
            since=frames.AS_OF - timedelta(days=30),
            until=frames.AS_OF,
            agent_leaderboard=board,
            agents_before=board,
            conversion_funnels=funnels,
            funnels_before=funnels,
        )
        names = ["btc", "eth", ""]
        return dashboard.render(
            content(
                9,
                periods=(period,),
                signup_cohorts=order(frames.cohorts()),
                template_experiments=order(frames.experiments()),
                history=order(frames.history()),
                times_to_convert={"invite": order(frames.times())},
                left_out=order(pl.DataFrame({"currency": names, "transactions": 1, "total_amount": Decimal("0.04")})),
                sources=order(
                    pl.DataFrame({"table_name": ["users", "deals"], "rows": 2, "mode": "full"}).with_columns(
                        pl.lit(0).alias(name) for name in ("inserted", "updated", "deleted")
                    )
                ),
            )
        )

    assert whole(lambda frame: frame) == whole(pl.DataFrame.reverse)


# What it says first


def headlines(of: dashboard.DashboardContent) -> dict[str, tuple[str, str]]:
    from si_analytics.reports.dashboard.kpis import headlines

    return {headline.label: (headline.value, headline.note) for headline in headlines(of)}


def test_headlines_are_the_exact_sums_of_the_frames() -> None:
    said = headlines(content())
    assert said["Agent earnings (USD)"][0] == f"{BOARD['total_earnings'].sum():,}"
    assert said["Active recruits"][0] == f"{BOARD['total_referrals'].sum():,}"
    assert said["Invite to first deal"] == ("12.7 %", "1,200 of 9,412 invites sent")


def test_the_latest_month_in_the_headlines_is_one_that_is_over() -> None:
    """As of midnight in Berlin on 1 June, which is 22:00 UTC on 31 May: May is over there, and not yet in UTC."""
    turn = datetime.fromisoformat("2026-05-31T22:00:00+00:00")
    assert "Completed deals (USD), May 2026" in headlines(content(as_of=turn, timezone="Europe/Berlin"))
    assert "Completed deals (USD), Apr 2026" in headlines(content(as_of=turn, timezone="UTC"))


def test_the_headline_of_a_marketplace_that_stopped_is_of_the_last_month_that_is_over() -> None:
    """The data ends in May and as_of is 30 November: October is the month, and nothing happened in it or before."""
    turn = datetime.fromisoformat("2026-11-30T00:00:00+00:00")
    stopped = frames.monthly(7).with_columns(
        pl.date_range(date(2026, 4, 1), date(2026, 10, 1), "1mo").alias("month"), pl.lit(0).alias("new_deals")
    )
    said = headlines(content(as_of=turn, timezone="UTC", marketplace_monthly=stopped))
    assert said["New deals, Oct 2026"] == ("0", "As much as in Sep 2026")
    assert not any("May 2026" in label for label in said)
    # Months that were not handed over are none: nothing older is put in their place.
    assert not any("Deals" in label for label in headlines(content(as_of=turn, marketplace_monthly=frames.monthly(2))))


def test_the_latest_month_is_compared_with_the_one_before() -> None:
    """100.00 in April and 93.00 in May is 7.0 % less; nothing in April compares with nothing."""
    months = frames.monthly(2)
    pair = months.with_columns(pl.Series("gmv", ["100.00", "93.00"]).cast(pl.Decimal(38, 2)))
    assert headlines(content(marketplace_monthly=pair))["Completed deals (USD), May 2026"] == (
        "93.00",
        "▼ 7.0 % against Apr 2026",
    )
    none = months.with_columns(pl.Series("gmv", ["0.00", "93.00"]).cast(pl.Decimal(38, 2)))
    assert headlines(content(marketplace_monthly=none))["Completed deals (USD), May 2026"][1] == "0.00 in Apr 2026"
    first = content(marketplace_monthly=months.tail(1))
    assert headlines(first)["Completed deals (USD), May 2026"][1] == "No month before to compare with"
