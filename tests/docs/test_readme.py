"""The documents: what can be typed works, and tables are held to what they tell of. `make lint` follows the links."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import textwrap
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars
import pytest
import typer.main

import si_analytics
from si_analytics import charts, refresh, sample, tables
from si_analytics.cli.app import app
from si_analytics.definitions import project
from si_analytics.query import warehouse as query_warehouse
from si_analytics.settings import Settings
from si_analytics.settings import names as setting_names
from tests.support.folders import ROOT
from tests.support.pages import blocks, parse, prose

AS_OF = datetime(2026, 6, 1, tzinfo=UTC)
_ELSEWHERE = {".venv", ".git", ".si", "node_modules", "dist", "build", "site"}
PAGES = sorted(
    page
    for page in ROOT.rglob("*.md")
    if not any(p in _ELSEWHERE or p.startswith(".") for p in page.relative_to(ROOT).parts)
)
READS_ONLY = ("si metric", "si measure", "si doctor", "si schema diff", "si db url", "si export")
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


@pytest.fixture(scope="module")
def using(
    create_database: Callable[..., str], schema_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    """Settings on a small sample marketplace and its warehouse."""
    home = tmp_path_factory.mktemp("readme")
    url = create_database(schema_template)
    made = Settings(_env_file=None, postgres_url=url, home=home, warehouse=home / "warehouse.duckdb")  # type: ignore[arg-type, call-arg]
    sample.generate(made, scale=0.05)
    refresh.run(made, as_of=AS_OF)
    return made


@pytest.fixture(scope="module")
def environment(using: Settings) -> dict[str, str]:
    assert using.postgres_url is not None
    given = {"SI_POSTGRES_URL": using.postgres_url.get_secret_value(), "SI_HOME": str(using.home)}
    return {**os.environ, **given, "SI_WAREHOUSE": str(using.warehouse)}


def lines(page: Path) -> list[list[str]]:
    """The commands a page gives to type: the lines of its sh blocks, as words."""
    found = [line for block in blocks(page, "sh") for line in block.splitlines()]
    return [words for line in found if (words := shlex.split(line.removeprefix(".venv/bin/"), comments=True))]


def mentions(page: Path) -> list[list[str]]:
    """The commands a page speaks of in its text, which may leave out what they need."""
    found = re.findall(r"`((?:si|make) [^`\n]+)`", prose(page))
    return [words for code in found if "..." not in (words := shlex.split(code))]


def section(page: Path, heading: str) -> str:
    """The text below the first heading that has `heading` in it, until the next of its level or above."""
    text = page.read_text(encoding="utf-8")
    found = re.search(rf"^(#+) [^\n]*\b{re.escape(heading)}\b", text, flags=re.MULTILINE)
    assert found, f"{page.name} has no section {heading}"
    rest = text[found.end() :]
    end = re.search(rf"^#{{1,{len(found[1])}}} ", rest, flags=re.MULTILINE)
    return rest[: end.start()] if end else rest


def first_cells(text: str) -> list[str]:
    """The names in code in the first column of the tables of `text`."""
    rows = re.findall(r"^\| ([^|]*) \|", text, flags=re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row)]


def test_the_pages_are_found() -> None:
    assert {"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "definitions.md", "metrics.md"} <= {
        page.name for page in PAGES
    }


@every_page
def test_a_page_keeps_its_blocks_closed_and_its_paragraphs_narrow(page: Path) -> None:
    assert page.read_text(encoding="utf-8").count("```") % 2 == 0
    wide = [line for line in prose(page).splitlines() if len(line) > 125 and not line.startswith(("|", "![", "<"))]
    assert wide == []


@every_page
def test_every_si_command_shown_is_one(page: Path) -> None:
    for words in lines(page):
        if words[0] == "si":
            parse(words[1:])
    for words in mentions(page):
        if words[0] == "si":
            parse([*words[1:], "--help"])


@every_page
def test_every_make_target_shown_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert "demo" in targets
    shown = {words[1] for words in lines(page) + mentions(page) if words[0] == "make"}
    assert shown <= targets


@every_page
def test_every_other_program_shown_comes_with_the_set_up(page: Path) -> None:
    known = {"si", "make", "export", "pytest", "pre-commit", "nbstripout"}
    for words in [] if page.name == "operations.md" else lines(page):  # see test_operations_page.py
        assert words[0] in known, words
        if words[0] in {"pytest", "pre-commit", "nbstripout"}:
            assert (Path(sys.executable).parent / words[0]).exists()


def test_every_command_that_there_is_stands_in_the_readme() -> None:
    shown = section(ROOT / "README.md", "Commands")
    group: Any = typer.main.get_command(app)
    for name, command in group.commands.items():
        for inner in getattr(command, "commands", {"": None}):
            assert re.search(rf"`si {name}\b", shown), name
            assert not inner or re.search(rf"`(si {name} )?{inner}\b", shown), f"{name} {inner}"


def test_the_readme_s_commands_that_only_read_do_what_they_say(environment: dict[str, str], tmp_path: Path) -> None:
    shown = lines(ROOT / "README.md") + mentions(ROOT / "README.md")
    reading = {tuple(words) for words in shown if " ".join(words).startswith(READS_ONLY)}
    assert len(reading) > 4
    for words in sorted(reading):
        done = subprocess.run(
            [sys.executable, "-m", "si_analytics", *words[1:]],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        assert done.stdout.strip(), words


@pytest.mark.parametrize("block", blocks(ROOT / "README.md", "python"))
def test_the_readme_s_python_runs(block: str, environment: dict[str, str], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", block], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "total_earnings" in done.stdout


def test_the_readme_s_python_output_has_the_columns_of_the_code() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    code, output = re.findall(r"^```python\n(.*?)^```\n+```text\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)[0]
    shown = re.findall(r"select\((.*?)\)", code)[0].replace('"', "").split(", ")
    assert [name for name in shown if name in output] == shown


def test_every_setting_stands_in_the_readme() -> None:
    assert first_cells(section(ROOT / "README.md", "Settings")) == list(setting_names())


def test_the_map_names_every_folder_and_no_other() -> None:
    shown = re.findall(r"^(\S+)/  ", blocks(ROOT / "README.md", "text")[-1], flags=re.MULTILINE)
    assert shown == ["sql", "src/si_analytics", "pipelines", "notebooks", "tests", "benchmarks", "docs"]
    assert all((ROOT / folder).is_dir() for folder in shown)


@pytest.mark.parametrize("name", ["dashboard.png", "dagster-graph.png"])
def test_a_picture_is_a_picture_and_light_enough(name: str) -> None:
    picture = (ROOT / "docs" / "img" / name).read_bytes()
    assert picture.startswith(b"\x89PNG\r\n")
    assert 10_000 < len(picture) < 400_000


def test_every_direct_dependency_has_its_line_of_why_and_no_other_has() -> None:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = told["project"]["optional-dependencies"].values()
    groups = told["dependency-groups"].values()
    named = [one for group in (told["project"]["dependencies"], *extras, *groups) for one in group]
    direct = [re.split(r"[\[<>=~! ]", one, maxsplit=1)[0] for one in named]
    assert sorted(first_cells((ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8"))) == sorted(direct)


@pytest.mark.parametrize("name", list(project().metrics))
def test_every_metric_has_its_place_among_the_rules_and_a_link_to_its_columns(name: str) -> None:
    assert f"(metrics.md#{name})" in (ROOT / "docs" / "definitions.md").read_text(encoding="utf-8")


def test_the_weights_of_the_score_are_those_in_the_library() -> None:
    from si_analytics.compute.metrics import DEFAULT_WEIGHTS

    told = section(ROOT / "docs" / "definitions.md", "agent_performance_metrics")
    shown = re.findall(r"^\| `(\w+)(?: / \w+)?` \| (0\.\d+) \|", told, flags=re.MULTILINE)
    assert dict(shown) == {name: f"{weight:.2f}" for name, weight in DEFAULT_WEIGHTS.items()}


def examples() -> list[tuple[str, str]]:
    """Every `>>>` line of the public API's docstrings, with the name it stands under."""
    named = {f"si.{name}": getattr(si_analytics, name) for name in si_analytics.__all__}
    named |= {
        f"Warehouse.{name}": thing
        for name, thing in vars(query_warehouse.Warehouse).items()
        if not name.startswith("_")
    }
    for module in (charts, tables):
        named |= {f"{module.__name__}.{name}": getattr(module, name) for name in module.__all__}
    named["si_analytics"] = si_analytics
    return [
        (name, line.split("# doctest:")[0].strip())
        for name, thing in named.items()
        for line in re.findall(r"^\s*>>> (.*)$", thing.__doc__ or "", flags=re.MULTILINE)
    ]


def test_the_examples_of_the_api_run(using: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each example in a docstring, typed as it stands into a session that knows `warehouse` and an `agent_id`."""
    assert using.postgres_url is not None
    monkeypatch.setenv("SI_POSTGRES_URL", using.postgres_url.get_secret_value())
    monkeypatch.setenv("SI_HOME", str(using.home))
    monkeypatch.setenv("SI_WAREHOUSE", str(using.warehouse))
    warehouse = si_analytics.connect()
    session: dict[str, Any] = {"si": si_analytics, "polars": polars, "warehouse": warehouse}
    session["agent_id"] = warehouse.agent_leaderboard()["agent_id"][0]
    session |= {name: getattr(charts, name) for name in charts.__all__}
    found = examples()
    assert len(found) > 10
    for name, line in found:
        try:
            exec(line, session)
        except Exception as error:  # noqa: BLE001 - whatever an example raises, it is told which one
            pytest.fail(f"{name}: {line}: {textwrap.shorten(str(error), 200)}")
