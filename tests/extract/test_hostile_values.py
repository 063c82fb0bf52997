"""What people may type, in every column of text that is read: a refresh, files, pages and lines are none the worse."""

from __future__ import annotations

import csv
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from pipelines import results
from si_analytics import extract, load, refresh, sample, tables
from si_analytics.definitions import contract
from si_analytics.errors import LoadError
from si_analytics.query import warehouse
from si_analytics.reports import export
from si_analytics.settings import Settings
from tests.support.commands import AS_OF, Si

HOSTILE = (
    'O\'Hara "Bo" `x`',
    "'; drop table public.users; --",
    "\\'; select pg_sleep(9) --\\",
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(2)>",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(1)",
    "\t=1+1",
    "\r\n=1",
    "a\nb|c\n\n# d",
    "%s %(name)s %d {} {0} {{ 7*7 }} {% raw %}",
    "$1 $since $$ :name ?",
    "abc\u202egnp.exe\u2066\u200f",
    "\x1b[2J\x1b]0;x\x07\x7f",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467 Zoe\u0301 \u738b\u5927\u5c71 \ufdfd",
    "[x](javascript:alert(3)) ![y](http://z/) **b** | c |",
    "\u2028\u2029\ufeff",
    "",
    " ",
    "null",
    "W" * 255,
)
CLOSED = {"role", "status", "type", "currency", "ab_test_variant"}
"""Columns of text with words of their own, which no person types: other values there mean other numbers."""


def texts() -> Iterator[tuple[str, str, str]]:
    """Every column of text that is read and that people type into: table, column, type."""
    for table in extract.tables():
        for column in contract.columns(table):
            if column.name not in CLOSED and column.type.startswith(("text", "character varying")):
                yield table, column.name, column.type


def spoil(postgres: psycopg.Connection) -> set[tuple[str, str]]:
    """Put the values into every column of text that takes them, one row after the other; the columns that did."""
    done = set()
    for table, column, kind in texts():
        room = int(found[1]) if (found := re.search(r"\((\d+)\)", kind)) else 255
        values = [value[:room] for value in HOSTILE]
        chosen = "(%(values)s::text[])[1 + numbered.number %% %(count)s]"
        statement = sql.SQL(
            "with numbered as (select ctid as place, (row_number() over (order by {first}, ctid))::integer as number"
            " from public.{table}) update public.{table} as target set {column} = "
            + (f"array[{chosen}, null]" if kind.endswith("[]") else chosen)
            + " from numbered where target.ctid = numbered.place"
        ).format(
            table=sql.Identifier(table),
            column=sql.Identifier(column),
            first=sql.SQL("role <> 'agent'" if table == "users" else "true"),  # so that every value is an agent's
        )
        try:
            with postgres.transaction():
                postgres.execute(statement, {"values": values, "count": len(values)})
        except psycopg.errors.CheckViolation:
            continue  # the database itself lets in only words of its own
        done.add((table, column))
    return done


Numbers = dict[str, list[tuple[object, ...]]]


def numbers(current: Settings) -> Numbers:
    """All-time figures that no text has a say in."""
    with warehouse.connect(current) as opened:
        return {
            "board": opened.agent_leaderboard().sort("agent_id").select("agent_id", "rank", "total_earnings").rows(),
            "brands": opened.brand_reputations().sort("sponsor_id").select("sponsor_id", "rank").rows(),
            "months": opened.metric("marketplace_monthly").rows(),
        }


@pytest.fixture(scope="module")
def before_and_after(
    create_database: Callable[..., str], schema_template: str, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Settings, Numbers, set[tuple[str, str]]]:
    """A marketplace refreshed, then full of hostile text and refreshed again; its numbers from before."""
    home = tmp_path_factory.mktemp("hostile")
    url = create_database(schema_template)
    made = Settings(_env_file=None, postgres_url=url, home=home, warehouse=home / "warehouse.duckdb")  # type: ignore[call-arg, arg-type]
    sample.generate(made, scale=0.12)
    refresh.run(made, as_of=datetime.fromisoformat(AS_OF))
    known = numbers(made)
    with psycopg.connect(url, autocommit=True) as postgres:
        spoiled = spoil(postgres)
    refresh.run(made, as_of=datetime.fromisoformat(AS_OF))
    return made, known, spoiled


@pytest.fixture
def spoiled(before_and_after: tuple[Settings, Numbers, set[tuple[str, str]]]) -> Settings:
    return before_and_after[0]


def test_names_change_no_number(before_and_after: tuple[Settings, Numbers, set[tuple[str, str]]]) -> None:
    current, known, columns = before_and_after
    assert {("users", "name"), ("sponsor_profiles", "company"), ("agent_profiles", "specialties")} <= columns
    assert numbers(current) == known


def test_names_come_through_the_warehouse_and_back_as_they_were_typed(spoiled: Settings) -> None:
    assert spoiled.postgres_url is not None
    with psycopg.connect(spoiled.postgres_url.get_secret_value()) as postgres:
        query = "select id::text, name from public.users inner join public.agent_profiles on user_id = id"
        typed = dict(postgres.execute(query).fetchall())
        board = dict(postgres.execute("select agent_id::text, agent_name from public.agent_leaderboard").fetchall())
    with warehouse.connect(spoiled) as opened:
        seen = dict(opened.agent_leaderboard().select("agent_id", "agent_name").rows())
    assert typed == board == seen
    assert set(HOSTILE) <= set(typed.values())


def test_no_cell_of_a_csv_starts_a_formula_and_no_workbook_holds_one(spoiled: Settings, tmp_path: Path) -> None:
    for path in export.tables(spoiled, tmp_path / "csv"):
        with path.open(newline="", encoding="utf-8-sig") as file:
            for row in csv.reader(file):
                for cell in row:
                    if cell.startswith(("=", "+", "-", "@", "\t", "\r")):
                        Decimal(cell)  # a negative number is one
    (book,) = export.tables(spoiled, tmp_path / "xlsx", export.TableFormat.xlsx)
    with zipfile.ZipFile(book) as opened:
        sheets = [name for name in opened.namelist() if name.startswith("xl/worksheets/sheet")]
        assert len(sheets) > 10
        for name in sheets:
            held = opened.read(name)
            assert b"<f>" not in held
            assert b"<f " not in held
            assert b"<hyperlink" not in held


def test_no_page_and_no_table_holds_markup_that_was_typed(spoiled: Settings) -> None:
    page = export.dashboard(spoiled).read_text(encoding="utf-8")
    with warehouse.connect(spoiled) as opened:
        made = tables.leaderboard(opened.agent_leaderboard()).as_raw_html()
    for text in (page, made):
        assert "<script>alert(" not in text
        assert "<img src=x" not in text
    assert page.count("</script>") == len(re.findall(r"<script[ >]", page))


def test_dagster_s_tables_keep_their_rows_and_hold_no_markup(spoiled: Settings) -> None:
    with warehouse.connect(spoiled) as opened:
        rows = opened.agent_leaderboard().select("agent_name", "tier", "rank").rows()
    lines = results.markdown(["agent_name", "tier", "rank"], rows).splitlines()
    assert len(lines) == len(rows) + 2
    for line in lines:
        assert len(re.findall(r"(?<!\\)\|", line)) == 4, line
        assert not re.search(r"(?<!\\)[<>\[\]*!`]", line), line


def test_a_line_of_a_terminal_is_one_and_obeys_nothing(si: Si, spoiled: Settings) -> None:
    with warehouse.connect(spoiled) as opened:
        agents = opened.agent_leaderboard().height
    shown = si(spoiled)("metric", "agent_leaderboard")
    assert len(shown.out.split("\n")) == agents + 2
    for unsafe in "\x1b\x07\r\u202e\u2066\u2028":
        assert unsafe not in shown.out + shown.err
    assert len(si(spoiled)("metric", "agent_leaderboard", "--json").document) == agents
    funnel = si(spoiled)("metric", "invite", "--by", "contact_segment", "--json")
    assert funnel.code == 0, funnel.err


def test_a_nul_is_refused_in_one_sentence_and_nothing_is_loaded(settings: Settings, tmp_path: Path) -> None:
    """Postgres knows no text with a NUL in it."""
    (tmp_path / "users.csv").write_bytes(b"email,password_hash,name,role\na@example.org,-,Bo\x00by,agent\n")
    with pytest.raises(LoadError) as caught:
        load.load(settings, tmp_path)
    assert "\x00" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert settings.postgres_url is not None
    with psycopg.connect(settings.postgres_url.get_secret_value()) as postgres:
        assert postgres.execute("select count(*) from public.users").fetchone() == (0,)


def test_a_refresh_told_as_json_is_a_document_whatever_is_in_the_data(si: Si, spoiled: Settings) -> None:
    done = si(spoiled)("refresh", "--as-of", AS_OF, "--dry-run", "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)
