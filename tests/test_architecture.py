"""The house: what each module says of itself, and what importing it may do. Its floors are in pyproject.toml."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import si_analytics

PACKAGE = Path(si_analytics.__file__).parent


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


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
