"""`si mcp` as an assistant uses it: the package's own client, over standard input and output."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from si_analytics.mcp import verbs
from si_analytics.query.warehouse import Warehouse
from tests.support import assistants
from tests.support.assistants import Assistant
from tests.support.commands import Si
from tests.support.folders import ROOT
from tests.support.pages import blocks

TOOLS = {
    *("list_measures", "describe_measure", "ask", "explain_cell", "list_metrics", "describe_metric", "metric"),
    *("list_tables", "sql"),
}


def test_the_tools_say_what_they_are_for_and_only_read(ask: Assistant) -> None:
    tools = ask.tools()
    assert set(tools) == TOOLS == set(verbs.TOOLS)
    for tool in tools.values():
        assert tool.description
        assert tool.annotations and tool.annotations.read_only_hint
        assert all("description" in one or "$ref" in one for one in tool.input_schema["properties"].values()), tool.name
        assert tool.output_schema


def test_metrics_are_listed_and_described_without_personal_columns(ask: Assistant, original: Warehouse) -> None:
    assert {row["name"] for row in ask("list_metrics").rows} == set(original.metrics()["name"])
    said = ask("describe_metric", name="agent_leaderboard")
    assert "total_earnings" in {row["column"] for row in said.rows}
    assert "agent_name" not in {row["column"] for row in said.rows}
    assert said.answer["notes"] == ["Left out, for they are personal: agent_name, avatar"]


def test_a_metric_has_the_warehouse_s_own_numbers(ask: Assistant, original: Warehouse) -> None:
    said = ask("metric", name="agent_leaderboard", during="2026-Q1", tz="Europe/Berlin")
    board = original.agent_leaderboard(during="2026-Q1", tz="Europe/Berlin")
    assert [(row["agent_id"], row["total_earnings"], row["rank"]) for row in said.rows] == [
        (str(row["agent_id"]), str(row["total_earnings"]), row["rank"]) for row in board.to_dicts()
    ]


def test_a_funnel_is_broken_down(ask: Assistant, original: Warehouse) -> None:
    said = ask("metric", name="invite", by="method", within="14d")
    whole = original.funnel("invite", by="method", within="14d")
    assert [row["reached"] for row in said.rows] == whole["reached"].to_list()


def test_the_rows_behind_a_number_add_up_to_it(ask: Assistant, original: Warehouse) -> None:
    best = original.agent_leaderboard(during="2026-Q1").to_dicts()[0]
    said = ask(
        "explain_cell", name="agent_leaderboard", cell=str(best["agent_id"]), column="total_earnings", during="2026-Q1"
    )
    assert said.answer["notes"][0] == "How these rows make up the cell: sum of value"
    assert sum(round(float(row["value"]) * 100) for row in said.rows) == best["total_earnings"] * 100


def test_tables_are_listed_with_the_columns_that_a_query_can_read(ask: Assistant) -> None:
    found = {f"{row['schema']}.{row['table']}": row["columns"] for row in ask("list_tables").rows}
    assert found["raw.users"].split(", ") == [
        "id uuid", "role varchar", "is_active boolean", "created_at timestamp with time zone",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("tool", "arguments", "sentence"),
    [
        (
            "metric",
            {"name": "agent_leaderbord"},
            "metric 'agent_leaderbord': there is none of that name. Did you mean 'agent_leaderboard'?",
        ),
        (
            "metric",
            {"name": "agent_leaderboard", "by": "tier"},
            "metric 'agent_leaderboard': by and within are for funnels.",
        ),
        (
            "metric",
            {"name": "invite", "by": "method", "currency": "usd"},
            "funnel 'invite' in a currency: it adds up no money.",
        ),
        ("metric", {}, "the tool metric: it lacks name. Give name"),
        (
            "metric",
            {"name": "invite", "sinc": "2026"},
            "the tool metric: it takes no sinc. Did you mean since? There are: ",
        ),
        (
            "sql",
            {"query": "select 1", "rows": 5000},
            "rows of the tool sql: Input should be less than or equal to 1000.",
        ),
        ("sqll", {"query": "select 1"}, "the tool sqll: there is none of that name. Did you mean sql? There are: "),
        (
            "explain_cell",
            {"name": "agent_leaderboard", "cell": "x"},
            "a cell of metric 'agent_leaderboard': it is not said which.",
        ),
    ],
)
def test_a_mistake_is_one_sentence(ask: Assistant, tool: str, arguments: dict[str, object], sentence: str) -> None:
    said = ask(tool, **arguments)
    assert said.is_error
    assert said.text.startswith(sentence)
    assert "\n" not in said.text


def test_without_a_warehouse_the_answer_says_what_to_do(tmp_path: Path) -> None:
    with assistants.connected(tmp_path, {"SI_HOME": str(tmp_path / "home")}) as ask:
        said = ask("list_metrics")
    assert said.is_error
    assert said.text.endswith("there is none yet. Fill it first: si refresh")


def test_without_the_package_the_command_says_how_to_install_it(si: Si, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    done = si()("mcp")
    assert (done.code, done.out) == (1, "")
    assert done.err == "error: starting mcp: it is not installed. Install it: pip install 'si_analytics[mcp]'\n"


def test_a_size_that_is_none_is_refused(si: Si) -> None:
    done = si()("mcp", "--memory", "much")
    assert done.code == 2
    assert done.err == "error: --memory much: it is not a size, like 2GB or 512MB. Give a size\n"


HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}


@pytest.mark.parametrize("how", [None, signal.SIGTERM, signal.SIGINT])
def test_a_server_that_is_told_to_end_leaves_nothing_behind(
    elsewhere: dict[str, str], tmp_path: Path, how: signal.Signals | None
) -> None:
    """Its input is closed, as the protocol has it; or it gets a signal."""
    environment = {**os.environ, **elsewhere, "TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-m", "si_analytics", "mcp"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, env=environment, cwd=tmp_path) as server:
        assert server.stdin
        assert server.stdout
        server.stdin.write(json.dumps(HELLO).encode() + b"\n")
        server.stdin.flush()
        assert b"si_analytics" in server.stdout.readline()
        assert list(tmp_path.glob("si-mcp-*"))
        if how is None:
            server.stdin.close()
        else:
            server.send_signal(how)
        assert server.wait(timeout=20) == (0 if how is None else 128 + how)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("number", "servers"), [(0, "mcpServers"), (1, "servers")], ids=["Claude Desktop", "VS Code"])
def test_the_settings_shown_for_an_assistant_start_the_server(
    number: int, servers: str, elsewhere: dict[str, str], tmp_path: Path
) -> None:
    shown = json.loads(blocks(ROOT / "docs" / "mcp.md", "json")[number])[servers]["si_analytics"]
    assert shown["command"].endswith("/.venv/bin/si")
    assert shown["args"] == ["mcp"]
    assert list(shown["env"]) == ["SI_HOME"]
    home = tmp_path / "home"
    home.mkdir()
    (home / "warehouse.duckdb").symlink_to(elsewhere["SI_WAREHOUSE"])
    with assistants.connected(tmp_path, {"SI_HOME": str(home)}) as ask:
        assert ask("sql", query="select count(*) > 0 as filled from raw.users").rows == [{"filled": True}]


def test_the_command_prints_the_settings_that_start_it(si: Si, elsewhere: dict[str, str], tmp_path: Path) -> None:
    done = si().apart("mcp", "--seconds", "20", "--json", environment={"SI_WAREHOUSE": elsewhere["SI_WAREHOUSE"]})
    told = done.document["mcpServers"]["si_analytics"]
    assert told["command"] == sys.executable
    assert told["args"] == ["-m", "si_analytics", "mcp", "--seconds", "20", "--rows", "1000", "--memory", "1GB"]
    with assistants.connected(tmp_path, told["env"], *told["args"][3:]) as ask:
        assert ask("sql", query="select 1 as one").rows == [{"one": 1}]


def test_the_page_names_every_tool() -> None:
    page = (ROOT / "docs" / "mcp.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`[^|]*) \|", page, flags=re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", " ".join(rows))) >= TOOLS
