"""What docs/cookbook.md says: every line gives rows, and the command line the same ones."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import NamedTuple

import polars as pl
import pytest

from si_analytics import refresh, sample
from si_analytics.cli import results
from si_analytics.definitions import project
from si_analytics.query import warehouse as query_warehouse
from si_analytics.query.warehouse import Warehouse
from si_analytics.settings import Settings
from tests.support.commands import AS_OF, Si
from tests.support.folders import ROOT

PAGE = ROOT / "docs" / "cookbook.md"
TEXT = PAGE.read_text(encoding="utf-8")


class Answer(NamedTuple):
    """A line of Python, and the command that says the same; empty where the page gives none."""

    line: str
    command: str


def answers() -> list[Answer]:
    """Every line of Python of the page, with the command below it."""
    found = re.findall(r"^```(python|sh)\n(.*?)^```", TEXT, flags=re.DOTALL | re.MULTILINE)
    made: list[Answer] = []
    for language, block in found:
        if language == "python":
            made.append(Answer(block.strip(), ""))
        else:
            assert not made[-1].command, block
            made[-1] = Answer(made[-1].line, block.strip())
    return made


@pytest.fixture(scope="module")
def using(
    create_database: Callable[..., str], schema_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    """A sampled marketplace that has money in several currencies, refreshed."""
    home = tmp_path_factory.mktemp("cookbook")
    url = create_database(schema_template)
    made = Settings(_env_file=None, postgres_url=url, home=home, warehouse=home / "warehouse.duckdb")  # type: ignore[arg-type, call-arg]
    sample.generate(made, scale=0.3)
    refresh.run(made, as_of=datetime.fromisoformat(AS_OF))
    return made


@pytest.fixture(scope="module")
def warehouse(using: Settings) -> Iterator[Warehouse]:
    with query_warehouse.connect(using) as opened:
        yield opened


def test_there_are_many_questions_and_each_is_answered_by_one_line() -> None:
    questions = re.findall(r"^### (.+)$", TEXT, flags=re.MULTILINE)
    assert len(questions) > 20
    assert all(question.endswith("?") for question in questions)
    for section in TEXT.split("\n### ")[1:]:
        assert "```python\n" in section, section.splitlines()[0]
    assert [answer.line for answer in answers() if "\n" in answer.line] == []


def test_the_lines_ask_for_facts_of_every_part_of_the_marketplace() -> None:
    asked = set(re.findall(r"[\w.]+", " ".join(answer.line for answer in answers())))
    measures = project().measures
    topics = {project().facts[measures[name].fact].topic for name in asked & set(measures) if measures[name].fact}
    assert topics == {fact.topic for fact in project().facts.values()}


@pytest.mark.parametrize("answer", answers(), ids=lambda answer: answer.line[:60])
def test_every_line_gives_rows_and_its_command_the_same(
    answer: Answer, warehouse: Warehouse, using: Settings, si: Si, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = eval(answer.line, {"warehouse": warehouse})
    assert isinstance(frame, pl.DataFrame)
    assert frame.height > 0
    if answer.command:
        words = shlex.split(answer.command)
        assert words[0] == "si"
        said = si(using)(*words[1:], "--json")
        assert said.code == 0, said.err
        results.show(frame, results.Format.json)
        assert said.out == capsys.readouterr().out
    elif answer.line.startswith("warehouse.measure"):
        pytest.fail(f"the command line can say this as well: {answer.line}")


def test_the_list_of_measures_needs_no_warehouse(si: Si) -> None:
    every = si().apart("measure", "--list", "--json")
    assert [row["name"] for row in every.document] == list(project().measures)
    one = si().apart("measure", "commission", "gmv", "--list")
    assert "gig.category" in one.out
    assert "agent.tier" not in one.out
