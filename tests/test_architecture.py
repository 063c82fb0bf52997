"""The house: what may import what, and what importing may do."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import si_analytics

PACKAGE = Path(si_analytics.__file__).parent
FLOORS = (
    {"errors", "findings", "zones"},
    {
        "arguments",
        "settings",
        "sql",
        "operational",
        "definitions",
        "display",
        "differences",
        "periods",
        "keyhash",
        "permitted",
    },
    {"windows", "clocks", "embedded", "cluster", "programs", "sockets", "sessions", "postgres", "locks", "warehouse"},
    {
        "statistics",
        "contract",
        "kept",
        "source",
        "standby",
        "arrays",
        "changes",
        "reconciliation",
        "catalog",
        "ddl",
        "equivalents",
        "declared",
        "roles",
        "schema",
        "copying",
        "sample",
        "load",
        "funnels",
        "extract",
        "metrics",
        "checks",
        "currencies",
        "gate",
        "staging",
        "turns",
        "unit_of_work",
        "publish",
        "listening",
        "server_health",
        "rights",
        "stale",
    },
    {
        "charts",
        "printing",
        "sheets",
        "tables",
        "records",
        "counting",
        "resumption",
        "explain",
        "lineage",
        "glossary",
        "working",
    },
    {"published", "questions", "leaderboards", "comparison", "freshness"},
    {"refresh", "dashboard", "reader"},
    {"export", "history", "diagnosis", "packaged", "watch"},
    {"cli", "__main__"},
)
"""From the ground up; a module imports its own floor and those below."""


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def floor_of(name: str) -> int:
    return next(number for number, floor in enumerate(FLOORS) if name in floor)


def part_of(path: Path) -> str:
    """The top-level module or package a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """The parts of the library that a file imports when it runs (imports for types alone left out)."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: set[str] = set()
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in node.body
    }
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.ImportFrom) and node.module == "si_analytics":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("si_analytics."):
            found.add((node.module or "").split(".")[1])
    return {name for name in found if (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").is_file()}


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down_only(path: Path) -> None:
    if path == PACKAGE / "__init__.py":
        return
    here = floor_of(part_of(path))
    above = {name for name in imported(path) if floor_of(name) > here}
    assert not above, f"{path.name} on floor {here} imports {above} from above"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_opens_by_saying_what_belongs_in_it(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), f"{path.name} has no docstring"


def test_every_public_name_is_documented() -> None:
    for name in si_analytics.__all__:
        assert getattr(si_analytics, name).__doc__, name


def test_importing_reads_no_environment_makes_no_file_and_knows_no_dagster(tmp_path: Path) -> None:
    """A fresh interpreter in an empty folder, with settings that could not be loaded."""
    program = (
        "import sys, pathlib, si_analytics\n"
        "assert not any(name.split('.')[0] in {'dagster', 'pipelines'} for name in sys.modules), 'dagster'\n"
        "assert not list(pathlib.Path().iterdir()), 'files'\n"
    )
    environment = {"SI_CURRENCY": "no currency at all", "SI_TIMEZONE": "Nowhere", "HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
