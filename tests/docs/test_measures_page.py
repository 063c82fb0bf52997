"""What docs/measures.md says: its Python runs, its commands print the columns shown, its mistakes get those answers."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest

import si_analytics
from si_analytics.errors import AnalyticsError
from si_analytics.query import warehouse as query_warehouse
from si_analytics.query.warehouse import Warehouse
from si_analytics.settings import Settings
from tests.support.commands import Si
from tests.support.folders import ROOT
from tests.support.pages import blocks

PAGE = ROOT / "docs" / "measures.md"
TEXT = PAGE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def warehouse(shop: Settings) -> Iterator[Warehouse]:
    with query_warehouse.connect(shop) as opened:
        yield opened


@pytest.mark.parametrize("block", blocks(PAGE, "python"), ids=lambda block: block.splitlines()[-1][:60])
def test_its_python_runs_line_by_line(block: str, warehouse: Warehouse) -> None:
    session: dict[str, Any] = {"si": si_analytics, "warehouse": warehouse}
    for line in block.splitlines():
        if line and line not in {"import si_analytics as si", "warehouse = si.connect()"}:
            exec(line, session)


@pytest.mark.parametrize("command", [line for block in blocks(PAGE, "sh") for line in block.splitlines()])
def test_its_commands_print_the_columns_it_shows(command: str, shop: Settings, si: Si) -> None:
    said = si(shop)(*shlex.split(command)[1:])
    assert said.code == 0, said.err
    shown = dict(re.findall(r"^```sh\n(.*?)\n```\n+```text\n(.*?)\n", TEXT, flags=re.MULTILINE))
    if command in shown:
        assert said.out.splitlines()[0].split() == shown[command].split()


def mistakes() -> list[tuple[str, str]]:
    return re.findall(r"^\| `(warehouse\..+?)` \| (.+) \|$", TEXT, flags=re.MULTILINE)


@pytest.mark.parametrize(("line", "answer"), mistakes())
def test_a_mistake_gets_the_answer_shown(line: str, answer: str, warehouse: Warehouse) -> None:
    with pytest.raises(AnalyticsError, match=re.escape(answer)):
        eval(line, {"warehouse": warehouse})
