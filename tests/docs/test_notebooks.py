"""The notebooks: clean in the repository, and run from top to bottom on a real warehouse, in a browser too."""

from __future__ import annotations

import ast
import html
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Page
from playwright.sync_api import TimeoutError as TooLate

from si_analytics import formatting, packaged_sample, sample
from si_analytics.cli import dev
from si_analytics.query import warehouse as query_warehouse
from si_analytics.settings import Settings
from tests.support.folders import ROOT

if TYPE_CHECKING:
    from nbformat import NotebookNode

FOLDER = ROOT / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.\w+")
PHONE = re.compile(r"\+\d[\d ().-]{7,}\d")
PLOTLY = "application/vnd.plotly.v1+json"
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@pytest.fixture(scope="module")
def using(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings on the sample's warehouse, with two refreshes to compare; there is no Postgres to ask."""
    home = tmp_path_factory.mktemp("notebooks")
    made = Settings(_env_file=None, home=home, warehouse=home / "warehouse.duckdb")  # type: ignore[call-arg]
    packaged_sample.build(made)
    return made


@pytest.fixture(scope="module")
def environment(using: Settings, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a kernel or JupyterLab is started with: our settings, and nothing of the account's own Jupyter."""
    mine = tmp_path_factory.mktemp("jupyter")
    places = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    places += ("JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR")
    return {
        **os.environ,
        **{name: str(mine / name.lower()) for name in places},
        "SI_POSTGRES_URL": "postgresql://nobody@127.0.0.1:1/none",
        "SI_HOME": str(using.home),
        "SI_WAREHOUSE": str(using.warehouse),
    }


@pytest.fixture(scope="module")
def executed(environment: dict[str, str]) -> dict[str, NotebookNode]:
    """Every notebook after a run from top to bottom; a cell that fails, fails the test."""
    return {path.stem: _run(path, environment) for path in NOTEBOOKS}


def test_how_a_number_came_about_is_told_after_the_very_first_refresh_too(
    environment: dict[str, str], using: Settings, tmp_path: Path
) -> None:
    """As after `make demo`: a warehouse, and no earlier one kept beside it; what differs is shown of the sample."""
    alone = shutil.copy(using.warehouse, tmp_path / "warehouse.duckdb")
    told = _run(
        FOLDER / "how_a_number_came_about.ipynb",
        {**environment, "SI_HOME": str(tmp_path), "SI_WAREHOUSE": str(alone)},
    )
    assert any("added" in text and "removed" in text for text in shown(told))


def read(path: Path) -> NotebookNode:
    """The notebook in a file. Its library takes seconds to import: not where tests are only collected."""
    import nbformat

    return nbformat.read(path, as_version=4)


def _run(path: Path, environment: dict[str, str]) -> NotebookNode:
    from nbclient import NotebookClient

    notebook = read(path)
    place = {"metadata": {"path": str(FOLDER)}}
    client = NotebookClient(notebook, timeout=300, kernel_name="python3", resources=place)
    client.execute(env=environment)
    return notebook


def code(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def shown(notebook: NotebookNode) -> list[str]:
    """All that a reader sees below the cells: texts, tables without their styles, figures as data."""
    found = []
    for cell in code(notebook):
        for output in cell.outputs:
            data = output.get("data", {"text/plain": output.get("text", "")})
            found += [str(value) for kind, value in data.items() if kind != "text/html"]
            found.append(re.sub(r"<style.*?</style>", "", data.get("text/html", ""), flags=re.DOTALL))
    return found


def test_there_are_notebooks() -> None:
    told = {"tour", "agents_and_commissions", "brands", "funnels_and_experiments"}
    assert {path.stem for path in NOTEBOOKS} == told | {"your_own_metric", "how_a_number_came_about"}


@each_notebook
def test_a_notebook_is_valid_and_runs_on_any_python_3_kernel(path: Path) -> None:
    import nbformat

    notebook = read(path)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"


def test_the_notebooks_rest_without_outputs() -> None:
    paths = [str(path) for path in NOTEBOOKS]
    done = subprocess.run(
        [sys.executable, "-m", "nbstripout", "--verify", *paths], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    for path in NOTEBOOKS:
        assert [cell.outputs for cell in code(read(path)) if cell.outputs] == [], path.stem


@each_notebook
def test_a_notebook_defines_nothing_and_imports_the_library_and_polars_alone(path: Path) -> None:
    tree = ast.parse("\n".join(cell.source for cell in code(read(path))))
    nodes = list(ast.walk(tree))
    assert [n for n in nodes if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda)] == []
    assert [n for n in nodes if isinstance(n, ast.ImportFrom)] == []
    imported = {(alias.name, alias.asname) for n in nodes if isinstance(n, ast.Import) for alias in n.names}
    assert imported == {("si_analytics", "si"), ("polars", "pl")}


@each_notebook
def test_a_notebook_tells_before_it_computes(path: Path) -> None:
    """It opens with a title, and never computes more than two cells in a row without a word."""
    cells = read(path).cells
    assert cells[0].cell_type == "markdown"
    assert cells[0].source.startswith("# ")
    kinds = "".join(cell.cell_type[0] for cell in cells)
    assert "ccc" not in kinds


@each_notebook
def test_a_notebook_runs_from_top_to_bottom_on_a_real_warehouse(path: Path, executed: dict[str, NotebookNode]) -> None:
    cells = code(executed[path.stem])
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert {output.output_type for output in outputs} <= {"execute_result", "display_data"}, "no warnings, no errors"
    assert [cell.source for cell in cells if not cell.outputs] == []


def test_the_tour_shows_the_numbers_of_the_warehouse(using: Settings, executed: dict[str, NotebookNode]) -> None:
    with query_warehouse.connect(using) as warehouse:
        best = warehouse.agent_leaderboard().row(0, named=True)
        brand = warehouse.brand_reputations().row(0, named=True)
        sent = warehouse.funnel("invite")["reached"][0]
    text = html.unescape("\n".join(shown(executed["tour"])))
    assert best["total_earnings"] > 0
    assert f"{formatting.number(best['total_earnings'])}</td>" in text
    assert f"{formatting.number(brand['reputation_score'])}</td>" in text
    assert f"{sent:,} entered" in text


@pytest.fixture(scope="module")
def secrets() -> set[str]:
    """The addresses and telephone numbers that the marketplace holds."""
    made = sample.frames(packaged_sample.SCALE, packaged_sample.SEED)
    held = [made["users"]["email"], made["contacts"]["email"], made["contacts"]["phone"]]
    return {value for column in held for value in column.drop_nulls() if value}


@each_notebook
def test_no_personal_data_reaches_the_outputs(path: Path, executed: dict[str, NotebookNode], secrets: set[str]) -> None:
    """Neither anything shaped like an address or a telephone number, nor one that the marketplace holds."""
    assert len(secrets) > 50
    text = "\n".join(shown(executed[path.stem]))
    assert EMAIL.findall(text) + PHONE.findall(text) == []
    assert [secret for secret in secrets if secret in text] == []


@contextmanager
def jupyterlab(folder: Path, environment: dict[str, str], log: Path) -> Iterator[str]:
    """JupyterLab on `folder`, as `si lab` starts it; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = ["--ServerApp.port_retries=0", "--IdentityProvider.token=", "--no-browser"]
    with log.open("w") as output:
        server = subprocess.Popen(
            [sys.executable, *dev.lab_arguments(folder, port), *arguments],
            env={**environment, **dev.lab_environment(FOLDER.parent, environment)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_until_up(f"http://127.0.0.1:{port}/api/status", server, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(timeout=60)


def _wait_until_up(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert server.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.2)
    pytest.fail(f"JupyterLab did not answer: {log.read_text()}")


def _run_all_cells(page: Page, cells: int) -> None:
    page.locator(".jp-Notebook").wait_for(timeout=90_000)
    page.locator(".jp-Toolbar-kernelName", has_text="Python 3").first.wait_for(timeout=90_000)
    # A kernel that has a name may not yet take cells.
    page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']").first.wait_for(timeout=90_000)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    try:
        page.wait_for_function(
            "count => [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')]"
            ".filter(prompt => /^\\[\\d+\\]:$/.test(prompt.textContent)).length === count",
            arg=cells,
            timeout=180_000,
        )
    except TooLate as error:
        prompts = page.locator(".jp-CodeCell .jp-InputPrompt").all_inner_texts()
        raise AssertionError(f"not all of {cells} cells ran: {prompts}") from error


@pytest.mark.browser
def test_the_tour_runs_in_jupyterlab_and_shows_its_tables_and_charts_without_a_network(
    browser: Browser, environment: dict[str, str], executed: dict[str, NotebookNode], tmp_path: Path
) -> None:
    """The real interface: Run, Run All Cells; then every chart is drawn and no request has left the machine."""
    copied = shutil.copytree(FOLDER, tmp_path / "notebooks", ignore=shutil.ignore_patterns(".*"))
    cells = code(executed["tour"])
    kinds = [kind for cell in cells for output in cell.outputs for kind in output.data]
    tables = sum("gt_table" in output.data.get("text/html", "") for cell in cells for output in cell.outputs)
    with jupyterlab(copied, environment, tmp_path / "log") as address:
        page = browser.new_page(viewport={"width": 1300, "height": 1000})
        left: list[str] = []
        broken: list[str] = []
        page.on("request", lambda asked: left.append(asked.url) if asked.url.startswith("http") else None)
        page.on("pageerror", lambda error: broken.append(str(error)))
        page.goto(f"{address}/lab/tree/tour.ipynb?reset")
        _run_all_cells(page, len(cells))
        page.wait_for_function(
            "count => [...document.querySelectorAll('.js-plotly-plot')]"
            ".filter(plot => plot.querySelector('.main-svg .layer, .main-svg .cartesianlayer')).length === count",
            arg=kinds.count(PLOTLY),
            timeout=60_000,
        )
        assert page.locator(".gt_table").count() == tables
        assert page.locator("[data-mime-type='application/vnd.jupyter.error']").count() == 0
        assert page.locator("[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
        # No box that asks for news in front of the charts.
        assert page.locator(".Toastify__toast").all_inner_texts() == []
        page.close()
    assert broken == []
    assert [url for url in left if not url.startswith(address)] == []
