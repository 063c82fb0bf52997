"""Every cell of the tables that are explained, against the rows that are said to be behind it.

What is said of the rows (how they make the cell, its places, what it is without any) is done here in exact fractions;
it has to give the cell.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from si_analytics import refresh, sample
from si_analytics.compute import metrics
from si_analytics.definitions import project
from si_analytics.errors import MissingTableError, UnknownNameError, UsageError
from si_analytics.periods import windows
from si_analytics.query import explain
from si_analytics.query import warehouse as query_warehouse
from si_analytics.query.explain import FUNNELS
from si_analytics.settings import Settings
from tests.model import Row, World, experiments
from tests.support import warehouses
from tests.support.explained import Rows, cell
from tests.support.folders import ROOT
from tests.support.moments import AS_OF, Draw, as_ofs, funnel_queries
from tests.support.moments import windows as spans
from tests.support.worlds import marketplaces

COMPARES = "compares its parts"
"""How the invites of A and B make up what compares them: no single way, as docs/explain.md says."""

AT_MOST = 12
"""So many rows, from the first to the last, stand for all of a metric that has more."""

PAGE = (ROOT / "docs" / "explain.md").read_text(encoding="utf-8")


@cache
def said(metric: str, column: str) -> explain.Making:
    """How the rows behind a cell make it up."""
    return explain.making(metric, column)


def made(metric: str, column: str, rows: Rows) -> Any:
    """What the rows make, in the way that is said."""
    making = said(metric, column)
    return cell(making.how, making.decimals, making.empty, rows)


def agrees(stands: Any, found: Any) -> bool:
    return stands == found if not isinstance(found, str) else str(stands) == found


def told(metric: str) -> list[str]:
    """The columns of a metric that their rows make in one way."""
    return [column for column in explain.columns(metric) if said(metric, column).how != COMPARES]


def differing(rows: Rows, metric: str, ask: Callable[[Row, str], Rows]) -> list[str]:
    """The cells of a metric that their rows do not make, in words."""
    found = []
    for row in rows:
        for column in told(metric):
            stands = row[column]
            behind = ask(row, column)
            result = made(metric, column, behind)
            if not agrees(stands, result):
                found.append(f"{column} is {stands!r}, its {len(behind)} rows make {result!r}: {row}")
    return found


def explained(connection: duckdb.DuckDBPyConnection, rows: Rows, metric: str, asked: metrics.Parameters) -> list[str]:
    def ask(row: Row, column: str) -> Rows:
        return warehouses.rows_of(explain.rows(connection, metric, row, column, asked))

    return differing(rows, metric, ask)


@pytest.fixture(scope="module")
def using(
    create_database: Callable[..., str], schema_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    """A sampled marketplace, refreshed."""
    home: Path = tmp_path_factory.mktemp("explain")
    url = create_database(schema_template)
    made_of = Settings(_env_file=None, postgres_url=url, home=home, warehouse=home / "warehouse.duckdb")  # type: ignore[arg-type, call-arg]
    sample.generate(made_of, scale=0.01, seed=4)
    refresh.run(made_of, as_of=AS_OF)
    return made_of


@pytest.fixture(scope="module")
def raw(using: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse in memory, to be filled with a small world; it tells of one refresh."""
    connection = warehouses.in_memory(warehouses.raw_definitions(using))
    connection.execute(
        "insert into meta.refreshes (refresh_id, as_of, taken_at) values (uuid(), $at, $at)", {"at": AS_OF}
    )
    yield connection
    connection.close()


def spread(rows: Rows) -> Rows:
    """At most so many of the rows, evenly."""
    return rows[:: -(-len(rows) // AT_MOST) or 1]


def test_every_column_of_every_metric_is_explained_but_keys_that_are_no_id() -> None:
    """A month or a component only says which row is meant. What is refused stands on the page, with the reason."""
    assert set(explain.keys()) == set(project().metrics)
    for name, metric in project().metrics.items():
        refused = {column.name for column in metric.columns} - set(explain.columns(name))
        assert refused <= set(metric.key)
        assert not refused or len(metric.key) > 1 or metric.rows == "month", "an id leads to its operational row"
        assert all(f"`{name}.{column}`" in PAGE for column in refused)


@pytest.mark.parametrize("metric", sorted(project().metrics))
def test_the_rows_behind_every_cell_of_a_sampled_marketplace_make_the_cell(using: Settings, metric: str) -> None:
    with query_warehouse.connect(using) as warehouse:
        rows = warehouse.metric(metric).to_dicts()
        rows = rows if metric == FUNNELS else spread(rows)
        assert rows
        assert told(metric)

        def ask(row: Row, column: str) -> Rows:
            return warehouse.explain(metric, row, column).to_dicts()

        assert differing(rows, metric, ask) == []


def test_what_compares_a_and_b_shows_the_invites_whose_counts_make_it(using: Settings) -> None:
    """An interval is of one variant's invites. Where nobody accepted A there is no lift, and nothing behind it."""
    name = "template_experiments"
    compares = [column for column in explain.columns(name) if said(name, column).how == COMPARES]
    assert all(f"`{column}`" in PAGE for column in compares)
    with query_warehouse.connect(using) as warehouse:
        rows = warehouse.metric(name).to_dicts()
        assert len(rows) >= 2
        for pair in zip(rows[::2], rows[1::2], strict=True):
            ids = [{part: ids_behind(warehouse, row, part)[part] for part in ("sent", "accepted")} for row in pair]
            outcomes = [[one in each["accepted"] for one in sorted(each["sent"])] for each in ids]
            both = experiments.compared(*outcomes)
            for variant, row in enumerate(pair):
                made = {**both, **experiments.figures(outcomes[variant])}
                for column in compares:
                    assert agrees(row[column], made[column])
                    of = [ids[variant]] if column.startswith("wilson") else ids
                    shown = ids_behind(warehouse, row, column)
                    wanted = {part: set[str]().union(*(each[part] for each in of)) for part in shown}
                    assert shown == wanted
                    assert any(shown.values()) == (made[column] is not None)


def ids_behind(warehouse: query_warehouse.Warehouse, row: Row, column: str) -> dict[str, set[str]]:
    """The ids of the invites behind a cell of an experiment, those sent and those accepted."""
    found: dict[str, set[str]] = {"sent": set(), "accepted": set()}
    for invite in warehouse.explain("template_experiments", row, column).to_dicts():
        part = invite.get("part", "accepted" if column == "accepted" else "sent")
        found[part.removeprefix("invites_")].add(invite["source_id"])
    return {part: ids for part, ids in found.items() if ids or part == column}


@pytest.mark.parametrize(
    ("metric", "asked"),
    [
        ("agent_leaderboard", {"during": "2026-01", "tz": "America/New_York", "currency": "eur"}),
        ("agent_leaderboard", {"since": "60d", "as_of": "2026-02-01"}),
        ("agent_performance_metrics", {"as_of": "2026-01-15", "tz": "Europe/Berlin"}),
        ("agent_performance_metrics", {"currency": "eur"}),
        ("brand_reputations", {"as_of": "2026-01-15T12:00:00Z"}),
        ("agent_performance_components", {"as_of": "2026-01-15", "currency": "eur"}),
        ("agent_performance_standings", {"as_of": "2026-01-15", "currency": "eur"}),
        ("agent_replies", {"as_of": "2025-09-01"}),
    ],
    ids=str,
)
def test_the_rows_make_the_cell_whatever_the_metric_was_asked_with(
    using: Settings, metric: str, asked: dict[str, Any]
) -> None:
    with query_warehouse.connect(using) as warehouse:
        rows = warehouse.metric(metric, **asked).to_dicts()
        assert rows != warehouse.metric(metric).to_dicts()

        def ask(row: Row, column: str) -> Rows:
            return warehouse.explain(metric, row, column, **asked).to_dicts()

        assert differing(rows[:2], metric, ask) == []
        assert warehouse.metric(metric).equals(warehouse.metric(metric, as_of=AS_OF)), "nothing is left behind"


@pytest.mark.parametrize(
    "asked",
    [
        {"during": "2026-Q1", "by": "month", "within": "14d", "tz": "Asia/Kolkata"},
        {"since": "2026-01-01", "as_of": "2026-02-01", "by": "method"},
    ],
    ids=str,
)
def test_the_rows_make_the_cell_however_the_funnel_was_asked_for(using: Settings, asked: dict[str, Any]) -> None:
    """Named by its value and stage, and by the row itself, which says what it is broken down by."""
    with query_warehouse.connect(using) as warehouse:
        rows = warehouse.funnel("invite", **asked).drop("conversion_low", "conversion_high").to_dicts()[3:5]
        by_row = {name: value for name, value in asked.items() if name != "by"}
        for row in rows:
            key = (row["breakdown_value"], row["stage"])
            assert differing([row], FUNNELS, lambda _, column, key=key: behind(warehouse, key, column, asked)) == []
            assert behind(warehouse, row, "reached", by_row) == behind(warehouse, key, "reached", asked)


def behind(warehouse: query_warehouse.Warehouse, key: explain.Key, column: str, asked: dict[str, Any]) -> Rows:
    return warehouse.explain("invite", key, column, **asked).to_dicts()


STAGE = {"funnel": "invite", "breakdown": "all", "breakdown_value": "all", "stage_number": 2}


@pytest.mark.parametrize(
    ("metric", "key", "column", "asked", "error", "sentence"),
    [
        ("agent_board", "AGENT", "rank", {}, UnknownNameError, "Did you mean 'agent_leaderboard'"),
        ("agent_replies", "AGENT", "wait_microseconds", {}, UnknownNameError, "Give one of the column message_id"),
        ("agent_performance_standings", "AGENT", "worse", {}, UsageError, "it has 1 parts. Give component, agent_id"),
        ("agent_performance_standings", ("speed", "AGENT"), "worse", {}, UnknownNameError, "Did you mean '.*'"),
        ("marketplace_monthly", "2026-01-01", "month", {}, UsageError, "nothing is behind it. Explain another: new_"),
        ("marketplace_monthly", "2026-02-01", "gmv", {"as_of": "2026-01-20"}, UnknownNameError, "there is none. Did"),
        ("signup_cohorts", "2026-01", "active", {}, UsageError, "it has 1 parts. Give cohort_month, months_since"),
        ("signup_cohorts", ("2020-01-01", 3), "active", {}, UnknownNameError, "Did you mean '.*, 3'"),
        ("agent_leaderboard", "AGENT", "total_earning", {}, UnknownNameError, "Did you mean 'total_earnings'"),
        ("agent_leaderboard", "AGENT", "email", {}, UnknownNameError, "There are: agent_id, agent_name"),
        ("brand_reputations", "AGENT", "rank", {}, UnknownNameError, "Give one of the column sponsor_id"),
        ("agent_leaderboard", "nobody", "rank", {}, UnknownNameError, "Did you mean '.*'"),
        ("agent_leaderboard", ("AGENT", "2"), "rank", {}, UsageError, "it has 2 parts. Give agent_id"),
        ("agent_leaderboard", {"rank": 1}, "rank", {}, UsageError, "it lacks agent_id"),
        ("agent_leaderboard", "AGENT", "rank", {"by": "deals"}, UsageError, "by and within are for funnels"),
        ("agent_leaderboard", "AGENT", "rank", {"within": "1d"}, UsageError, "by and within are for funnels"),
        ("agent_leaderboard", "AGENT", "rank", {"since": datetime(2026, 1, 1)}, UsageError, "it has no time zone"),  # noqa: DTZ001
        (
            "agent_leaderboard",
            "AGENT",
            "rank",
            {"since": "2026-02-01", "until": "2026-01-01"},
            UsageError,
            "ends before",
        ),
        ("agent_leaderboard", "AGENT", "rank", {"since": "1d", "during": "2026"}, UsageError, "Leave since and until"),
        ("agent_leaderboard", "AGENT", "rank", {"as_of": "2027-01-01"}, UsageError, "nothing after its refresh"),
        ("agent_leaderboard", "AGENT", "rank", {"currency": "$"}, UsageError, "like usd, eur or eth"),
        ("agent_leaderboard", "AGENT", "rank", {"tz": "Berlin"}, UsageError, "it is not an IANA name"),
        ("agent_performance_metrics", "AGENT", "total_deals", {"until": "2030"}, UsageError, "it describes all time"),
        ("agent_performance_metrics", "AGENT", "total_deals", {"during": "2026"}, UsageError, "it describes all time"),
        ("agent_performance_metrics", "AGENT", "total_deals", {"tz": "UTC"}, UsageError, "it has no days or months"),
        ("brand_reputations", "AGENT", "rank", {"currency": "eur"}, UsageError, "it adds up no money"),
        ("invite", "sent", "reached", {"currency": "eur"}, UsageError, "it adds up no money"),
        ("invite", "paid", "reached", {}, UnknownNameError, "There are: sent, opened"),
        ("invite", "0", "reached", {}, UnknownNameError, "There are: sent, opened"),
        ("invite", "sent", "reached", {"within": "-1d"}, UsageError, "it is negative"),
        ("invite", "sent", "reached", {"by": "method"}, UsageError, r"it is not said which. Give \(value, stage\)"),
        ("invite", ("email", "sent"), "reached", {"by": "colour"}, UnknownNameError, "There are: method, agent"),
        ("invite", ("post", "sent"), "reached", {"by": "method"}, UnknownNameError, "Give one of the column breakdown"),
        ("invite", ("email", "sent"), "reached", {}, UsageError, "it is not broken down. Say by what, one of: method"),
        ("invite", STAGE, "reached", {"by": "method"}, UsageError, "a row by method: it is not broken down"),
        ("invite", STAGE | {"breakdown": "month"}, "reached", {"by": "method"}, UsageError, "it is one by month"),
        ("gig", STAGE, "reached", {}, UsageError, "it is one of 'invite'. Name its own funnel"),
        ("conversion_funnels", "sent", "reached", {}, UsageError, "Give funnel, breakdown_value, stage_number"),
    ],
)
def test_what_cannot_be_explained_is_refused_with_what_can(
    using: Settings,
    metric: str,
    key: explain.Key,
    column: str,
    asked: dict[str, Any],
    error: type[Exception],
    sentence: str,
) -> None:
    with query_warehouse.connect(using) as warehouse:
        agent = warehouse.agent_leaderboard()["agent_id"][0]
        named = agent if key == "AGENT" else key
        if isinstance(key, tuple):
            named = tuple(agent if part == "AGENT" else part for part in key)
        with pytest.raises(error, match=sentence):
            warehouse.explain(metric, named, column, **asked)


def test_a_warehouse_without_the_rows_behind_a_cell_says_so(using: Settings, tmp_path: Path) -> None:
    """What only one of its tables knows is not explained without that table."""
    bare = using.model_copy(update={"warehouse": tmp_path / "bare.duckdb"})
    shutil.copyfile(using.warehouse, bare.warehouse)
    with duckdb.connect(str(bare.warehouse)) as opened:
        opened.execute("drop table raw.transactions")
        opened.execute("drop table facts.payments")
    with query_warehouse.connect(bare) as warehouse:
        agent = warehouse.agent_leaderboard()["agent_id"][0]
        with pytest.raises(MissingTableError, match=r"lacks a table.*si refresh"):
            warehouse.explain("agent_leaderboard", agent, "total_earnings")


@st.composite
def questions(draw: Draw) -> tuple[datetime, str, tuple[datetime | None, datetime | None], dict[str, Any]]:
    """A moment, a currency, a window, and a question to a funnel as of that moment."""
    as_of = draw(as_ofs())
    return as_of, draw(st.sampled_from(("usd", "eur"))), draw(spans(as_of)), draw(funnel_queries(as_of))


ALL_TIME = (
    *("agent_performance_components", "agent_performance_metrics", "agent_performance_standings", "agent_replies"),
    "brand_reputations",
)


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(world=marketplaces(max_users=6), asked=questions())
def test_the_rows_behind_every_cell_of_any_small_marketplace_make_the_cell(
    raw: duckdb.DuckDBPyConnection,
    world: World,
    asked: tuple[datetime, str, tuple[datetime | None, datetime | None], dict[str, Any]],
) -> None:
    """All time, and a leaderboard and a funnel in a window, broken down and within; as of a moment, in a currency."""
    as_of, currency, span, query = asked
    warehouses.fill(raw, world)
    all_time = warehouses.all_time(as_of, currency)
    tables = warehouses.compute_all(raw, all_time)
    for metric in ALL_TIME:
        assert explained(raw, spread(tables[metric]), metric, all_time) == []
    window = metrics.Parameters(windows.window(as_of, *span), currency, "UTC")
    board = warehouses.rows_of(metrics.evaluate(raw, "agent_leaderboard", window))
    assert explained(raw, board, "agent_leaderboard", window) == []
    units = metrics.Parameters(
        windows.window(as_of, query["since"], query["until"]),
        currency,
        query["tz"],
        within=query["within"],
        by=query["by"],
        funnels=(query["name"],),
    )
    funnel = warehouses.rows_of(metrics.evaluate(raw, FUNNELS, units))
    assert explained(raw, funnel[:8], FUNNELS, units) == []
