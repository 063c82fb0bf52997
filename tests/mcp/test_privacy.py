"""No personal column is in reach of an assistant, under whatever name it is asked for."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from si_analytics.definitions import contract, project
from si_analytics.errors import AnalyticsError
from si_analytics.mcp import copying, privacy, verbs
from si_analytics.mcp.copying import Copy
from si_analytics.query.warehouse import Warehouse
from si_analytics.settings import Settings
from tests.support.assistants import Assistant

CHOSEN = {
    "agent_bonuses": {"bonus_type", "period", "status"},
    "agent_profiles": {"tier", "specialties"},
    "connected_wallets": {"network"},
    "contacts": {"source", "segment"},
    "deals": {"status"},
    "escrow_jobs": {"currency", "status"},
    "feed_activities": {"type"},
    "gig_applications": {"status"},
    "gigs": {"categories", "location", "status"},
    "influencer_profiles": {"influencer_type", "location"},
    "invite_templates": {"ab_test_variant"},
    "invites": {"method", "status"},
    "negotiation_offers": {"status"},
    "negotiations": {"status"},
    "notifications": {"priority", "type"},
    "referrals": {"recruited_user_type"},
    "social_accounts": {"platform"},
    "sponsor_profiles": {"industry", "location"},
    "token_withdrawal_requests": {"status"},
    "transactions": {"type", "currency", "status", "payment_id"},
    "user_rewards": {"currency", "reward_type", "status"},
    "users": {"role"},
    "withdrawals": {"currency", "method", "status"},
}
"""Texts that say what kind of thing a row is, or where: they name nobody."""


def test_every_text_that_is_read_is_declared_personal_or_known_to_name_nobody() -> None:
    """A new column of text fails here until somebody decides."""
    for source in project().sources.values():
        texts = {one.name for one in contract.columns(source.name) if "char" in one.type or "text" in one.type}
        assert texts - set(source.personal) == CHOSEN.get(source.name, set()), source.name


def test_what_comes_from_a_personal_column_is_personal_and_keys_hold_codes() -> None:
    found = privacy.tables()
    assert found["raw.users"].left_out == {"name", "avatar"}
    assert found["metrics.agent_leaderboard"].left_out == {"agent_name", "avatar"}
    assert found["history.agent_leaderboard"].left_out == {"agent_name", "avatar"}
    assert found["metrics.brand_reputations"].left_out == {"company"}
    assert found["metrics.template_experiments"].coded == {"template_name"}
    assert found["raw.invite_templates"].coded == {"name"}
    assert privacy.of("raw.deals") == privacy.NONE


@pytest.fixture(scope="module")
def personal(original: Warehouse) -> frozenset[str]:
    """Every name, picture, company and title that the warehouse holds."""
    texts = original.sql(
        "select name from raw.users union select avatar from raw.users union select company from raw.sponsor_profiles"
        " union select name from raw.invite_templates"
    )
    found = frozenset(text for (text,) in texts.rows() if text)
    assert len(found) > 200
    return found


def test_no_table_of_the_copy_holds_a_personal_value(copied: Settings, personal: frozenset[str]) -> None:
    """Every value of every column, as text, nested ones included."""
    with closing(duckdb.connect(str(copied.warehouse), read_only=True)) as file:
        tables = file.sql("select schema_name, table_name from duckdb_tables()").fetchall()
        assert len(tables) > 30
        for schema, table in tables:
            for row in file.table(f'{schema}."{table}"').fetchall():
                assert not named_in([str(value) for value in row], personal), f"{schema}.{table}"


def test_the_copy_has_every_row_and_every_other_column(copied: Settings, original: Warehouse) -> None:
    with Warehouse(copied) as copy:
        # What a refresh needs to go on from the last one stays behind.
        asked = original.tables().filter(~pl.col("schema").is_in(["changes", "measured"]))
        assert copy.tables().equals(asked)
        assert copy.sql("from raw.deals order by id").equals(original.sql("from raw.deals order by id"))
        assert copy.sql("select * from metrics.marketplace_monthly").equals(original.marketplace_monthly())


def test_a_table_that_nobody_declared_is_not_copied(original: Warehouse, tmp_path: Path) -> None:
    file = tmp_path / "warehouse.duckdb"
    shutil.copy(original.settings.warehouse, file)
    with closing(duckdb.connect(str(file))) as opened:
        opened.execute("create table raw.messages_whole as select 'Dear Anna' as content")
    with Copy(original.settings.model_copy(update={"warehouse": file})) as copy:
        copied = closing(duckdb.connect(str(copy.current()), read_only=True))
        with copied as held:
            names = {name for (name,) in held.sql("select table_name from duckdb_tables()").fetchall()}
    assert "messages" in names
    assert "messages_whole" not in names


@pytest.mark.parametrize(
    "query",
    [
        "select name from raw.users",
        "select u.avatar from raw.users as u",
        "select name from published.raw.users",
        "select agent_name from published.history.agent_leaderboard",
        "select company from metrics.brand_reputations",
        "select sample from meta.checks",
        'from "1".raw.users',
        "select columns('name|avatar') from raw.users",
    ],
)
def test_a_query_that_names_a_personal_column_is_refused(copied: Settings, query: str) -> None:
    with pytest.raises(AnalyticsError):
        verbs.sql(copied, 10, query)


@pytest.mark.parametrize(
    "query",
    [
        "from raw.users",
        "from published.raw.users",
        "select u from raw.users as u",
        "from published.metrics.agent_leaderboard",
        "from history.agent_leaderboard",
        "from metrics.template_experiments",
        "from duckdb_views()",
        "from duckdb_tables()",
        "from duckdb_columns()",
        "select sql from duckdb_views() where schema_name = 'raw'",
        "from information_schema.columns",
        "show all tables",
        "summarize raw.users",
        "summarize raw.invite_templates",
        "describe published.raw.users",
        "from meta.checks",
    ],
)
def test_a_query_that_names_none_gets_no_personal_value(copied: Settings, personal: frozenset[str], query: str) -> None:
    answer = verbs.sql(copied, 1000, query)
    assert answer["rows"]
    assert not named_in(answer, personal)


def test_a_refused_column_is_named_with_what_to_do(copied: Settings) -> None:
    with pytest.raises(
        AnalyticsError, match=r"^the query: the column name is personal, and left out of this copy\. Ask by id"
    ):
        verbs.sql(copied, 10, "select name from raw.users")


def test_metrics_and_explanations_at_any_moment_name_nobody(
    copied: Settings, original: Warehouse, personal: frozenset[str]
) -> None:
    """Computed anew, a metric reads columns that are not there: the row's id stands for them, and is not shown."""
    for name, asked in (
        ("agent_leaderboard", {"during": "2026-Q1"}),
        ("agent_leaderboard", {"as_of": "2026-04-01"}),
        ("brand_reputations", {"as_of": "2026-05-01"}),
        ("template_experiments", {"as_of": "2026-05-01"}),
    ):
        answer = verbs.metric(copied, 1000, name, **asked)
        whole = original.metric(name, **asked)  # type: ignore[arg-type]
        assert answer["rows_in_all"] == whole.height
        assert set(answer["columns"]) == set(whole.columns) - privacy.of(f"metrics.{name}").left_out
        assert not named_in(answer, personal)
        same = [column for column in answer["columns"] if column != "template_name"]
        if name != "template_experiments":  # its rows are ordered by the name that is a code here
            shown = [dict(zip(answer["columns"], row, strict=True)) for row in answer["rows"]]
            assert [str(row[same[1]]) for row in shown] == [str(value) for value in whole[same[1]]]


def test_the_cell_of_a_personal_column_is_not_explained(copied: Settings, original: Warehouse) -> None:
    agent = str(original.agent_leaderboard()["agent_id"][0])
    with pytest.raises(AnalyticsError, match="it is personal"):
        verbs.explain_cell(copied, 10, "agent_leaderboard", agent, "agent_name")


def test_experiments_of_one_title_stay_together(copied: Settings, original: Warehouse) -> None:
    """A and B of one template have one code, another template another."""
    answer = verbs.metric(copied, 1000, "template_experiments")
    titles = original.template_experiments()["template_name"].n_unique()
    codes = [row[answer["columns"].index("template_name")] for row in answer["rows"]]
    assert len(set(codes)) == titles
    assert all(code.startswith(copying.CODE) for code in codes)


def test_the_copy_follows_a_refresh_and_goes_at_the_end(original: Warehouse, tmp_path: Path) -> None:
    file = tmp_path / "warehouse.duckdb"
    shutil.copy(original.settings.warehouse, file)
    with Copy(original.settings.model_copy(update={"warehouse": file})) as copy:
        first = copy.current()
        assert copy.current() == first
        assert copy.folder.stat().st_mode & 0o077 == 0
        shutil.copy(original.settings.warehouse, tmp_path / "next.duckdb")
        (tmp_path / "next.duckdb").replace(file)
        assert copy.current() != first
    assert not copy.folder.exists()


def test_no_tool_says_a_name_or_a_password(ask: Assistant, original: Warehouse, personal: frozenset[str]) -> None:
    agent = str(original.agent_leaderboard()["agent_id"][0])
    for tool, arguments in (
        ("metric", {"name": "agent_leaderboard"}),
        ("metric", {"name": "brand_reputations", "as_of": "2026-05-01"}),
        ("explain_cell", {"name": "agent_leaderboard", "cell": agent, "column": "total_earnings"}),
        ("sql", {"query": "from raw.users"}),
        ("sql", {"query": "select getenv('SI_POSTGRES_URL')"}),
    ):
        said = ask(tool, **arguments)
        assert "wordnobodyknows" not in said.text
        assert not named_in(said.answer.get("rows", said.text), personal)


def named_in(value: Any, personal: frozenset[str]) -> set[str]:
    """The personal values among the cells of an answer, or inside of one that holds several."""
    texts = set(cells(value))
    nested = [text for text in texts if text.startswith(("[", "{"))]
    return personal.intersection(texts) | {name for name in personal for text in nested if name in text}


def cells(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (text for each in value.values() for text in cells(each))
    elif isinstance(value, list | tuple):
        yield from (text for each in value for text in cells(each))
    else:
        yield str(value)
