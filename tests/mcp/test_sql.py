"""One query of an assistant's own: what it may do, how long, how much; in one sentence where it may not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from si_analytics.errors import AnalyticsError
from si_analytics.mcp import answers, verbs
from si_analytics.settings import Settings
from tests.support import assistants, forbidden
from tests.support.assistants import Assistant

SECRET = "nobody may read this"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working directory with files that no query may read; nothing is written there."""
    for name in ("x.csv", "x.txt", "x.json"):
        (tmp_path / name).write_text(f'"{SECRET}"\n')
    pl.DataFrame({"said": [SECRET]}).write_parquet(tmp_path / "x.parquet")
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    yield tmp_path
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("query", forbidden.REACHING)
def test_a_query_that_reaches_further_is_refused(copied: Settings, folder: Path, query: str) -> None:
    with pytest.raises(AnalyticsError) as refused:
        verbs.sql(copied, 10, query)
    assert SECRET not in str(refused.value)
    assert refused.value.asked.startswith("the query")


@pytest.mark.parametrize("before", forbidden.SPELLINGS)
def test_whatever_is_no_query_is_refused(copied: Settings, folder: Path, before: str) -> None:
    for statement in forbidden.STATEMENTS:
        with pytest.raises(AnalyticsError):
            verbs.sql(copied, 10, before + statement)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("from read_csv('/etc/passwd')", "read_csv reaches beyond the warehouse's tables"),
        ("from '/etc/passwd'", "the warehouse holds no such table"),
        ("explain analyze create table raw.kept as select 1", "it changes something"),
        ("select 1; select 2", "it is several"),
        ("select getenv('HOME')", "getenv reaches beyond the warehouse's tables"),
        ("selec 1", "Parser Error"),
        ("from raw.dels", "the warehouse holds no such table"),
        ("select $floor", "$floor has no value"),
    ],
)
def test_a_refusal_is_the_library_s_sentence(ask: Assistant, query: str, found: str) -> None:
    said = ask("sql", query=query)
    assert said.is_error
    assert said.text.startswith("the query")
    assert found in said.text
    assert "Traceback" not in said.text


def test_a_query_is_answered_with_exact_amounts_and_bound_values(ask: Assistant) -> None:
    said = ask(
        "sql",
        query="select count(*) as deals, sum(amount) as amount from raw.deals where amount > $floor",
        values={"floor": 0},
    )
    [row] = said.rows
    assert row["deals"] > 100
    assert "." in row["amount"]


def test_an_answer_that_is_cut_says_how_many_rows_there_are(ask: Assistant) -> None:
    said = ask("sql", query="select i from range(12345) as t (i)", rows=7)
    assert [row["i"] for row in said.rows] == [0, 1, 2, 3, 4, 5, 6]
    assert said.answer["rows_in_all"] == 12345
    assert said.answer["notes"][0].startswith("These are the first 7 of 12,345 rows.")


def test_long_texts_and_long_answers_are_cut() -> None:
    frame = pl.DataFrame({"said": ["x" * 5000] * 500})
    answer = answers.of(frame, 500)
    assert answer["rows"][0][0].endswith("… (5,000 characters in all)")
    assert 10 < len(answer["rows"]) < 200
    assert "of 500 rows" in answer["notes"][0]


def test_a_query_that_takes_too_long_is_stopped_and_the_next_is_answered(
    elsewhere: dict[str, str], tmp_path: Path
) -> None:
    with assistants.connected(tmp_path, elsewhere, "--seconds", "5") as ask:
        said = ask("sql", query="select count(*) from range(100000000000) as a (i), range(1000) as b (i)")
        assert said.is_error
        assert said.text.startswith("the question: it took longer than 5 seconds and was stopped. Ask for")
        assert ask("sql", query="select 1 as one").rows == [{"one": 1}]


@pytest.fixture(scope="module")
def tight(elsewhere: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    """An assistant whose questions may use little memory."""
    folder = tmp_path_factory.mktemp("tight")
    with assistants.connected(folder, elsewhere, "--seconds", "60", "--memory", "128MB") as assistant:
        yield assistant
        assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "query",
    [
        "select list(sha256(cast(i as varchar))) as all_of_them from range(2000000) as t (i)",
        "select count(distinct d) from (select sha256(cast(i as varchar)) as d from range(2000000) as t (i))",
        "select max(repeat(cast(i as varchar), 400000000)) as one from range(10) as t (i)",
    ],
)
def test_a_query_that_needs_too_much_memory_is_refused_in_a_sentence(tight: Assistant, query: str) -> None:
    """Too much to collect, too much to sort out without a file, one value too large."""
    said = tight("sql", query=query)
    assert said.is_error
    assert "memory" in said.text
    assert said.text.endswith("Ask for fewer rows or columns at once; more memory: si mcp --memory")


def test_the_process_that_answers_has_no_setting_in_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    from si_analytics.mcp import asking

    monkeypatch.setenv("SI_POSTGRES_URL", "postgresql://somebody:secret@127.0.0.1/x")
    passed = asking._environment("/nowhere")
    assert not any(name.startswith(("SI_", "PG")) for name in passed)
    assert passed["PATH"] == os.environ["PATH"]
