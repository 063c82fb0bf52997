"""Dagster as people meet it: its UI in a real browser, its daemon with its queue, on a real database.

One Dagster for the file: started as `si ui` starts it, on a home of its own, and ended with all its children.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from si_analytics import sample
from si_analytics.settings import Settings
from tests.support.folders import ROOT

LOCATION = "locations/__repository__@pipelines.definitions"
SECONDS = 60_000

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def dagster(
    create_database: Callable[..., str], schema_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of a running `dagster dev` on a small marketplace."""
    home, url = tmp_path_factory.mktemp("dagster"), create_database(schema_template)
    settings = Settings(_env_file=None, postgres_url=url, home=home, warehouse=home / "warehouse.duckdb")  # type: ignore[arg-type, call-arg]
    sample.generate(settings, scale=Decimal("0.02"))
    shutil.copyfile(ROOT / "dagster.yaml", home / "dagster.yaml")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {**os.environ, "SI_POSTGRES_URL": url, "SI_HOME": str(home), "DAGSTER_HOME": str(home)}
    environment |= {"SI_WAREHOUSE": str(settings.warehouse), "SI_TIMEZONE": "Europe/Berlin"}
    command = [sys.executable, "-m", "dagster", "dev", "--host", "127.0.0.1", "--port", str(port)]
    with (home / "log").open("wb") as log:
        running = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_for(address, running, home / "log")
        yield address
    finally:
        os.killpg(running.pid, signal.SIGTERM)
        try:
            running.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait(20)


def _wait_for(address: str, running: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 90
    while time.monotonic() < until and running.poll() is None:
        try:
            if requests.get(f"{address}/server_info", timeout=2).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.3)
    pytest.fail(f"Dagster did not come up: {log.read_text(encoding='utf-8')[-2000:]}")


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    context.set_default_timeout(SECONDS)
    yield context.new_page()
    context.close()


def fill_in(page: Page, text: str) -> None:
    """Put `text` into the launchpad, in place of what stands there."""
    page.locator(".CodeMirror").first.click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(text)


def ask(address: str, query: str, **variables: Any) -> dict[str, Any]:
    answer = requests.post(f"{address}/graphql", json={"query": query, "variables": variables}, timeout=60)
    found = answer.json()
    assert "errors" not in found, found
    data: dict[str, Any] = found["data"]
    return data


def runs(address: str) -> list[dict[str, Any]]:
    found = ask(address, "{runsOrError(limit: 50) {... on Runs {results {runId jobName status startTime endTime}}}}")
    results: list[dict[str, Any]] = found["runsOrError"]["results"]
    return results


def test_someone_finds_the_graph_launches_a_refresh_and_reads_what_it_made(dagster: str, page: Page) -> None:
    """The graph; a mistaken form, refused with its sentence; a good one, to the end; table, chart, plots, checks."""
    page.goto(f"{dagster}/asset-groups")
    for group in ("operational", "raw", "facts", "metrics", "published", "history", "reports"):
        expect(page.get_by_text(group, exact=True).first).to_be_visible(timeout=SECONDS)

    page.goto(f"{dagster}/{LOCATION}/jobs/refresh_metrics/playground")
    expect(page.get_by_text("The moment to describe, like").first).to_be_visible(timeout=SECONDS)
    fill_in(page, "full: maybe\n")
    expect(page.get_by_text("is not valid for expected type").first).to_be_visible(timeout=SECONDS)
    fill_in(page, "as_of: someday\n")
    expect(page.get_by_text("No errors").first).to_be_visible(timeout=SECONDS)
    page.get_by_role("button", name="Launch Run").click()
    expect(page.get_by_text("as_of 'someday': it is no date or time").first).to_be_visible(timeout=SECONDS)
    page.get_by_role("button", name="OK").click()
    assert runs(dagster) == []

    fill_in(page, "full: true\n")
    expect(page.get_by_text("No errors").first).to_be_visible(timeout=SECONDS)
    page.get_by_role("button", name="Launch Run").click()
    page.wait_for_url(re.compile("/runs/"))
    expect(page.get_by_text("Success", exact=True).first).to_be_visible(timeout=SECONDS)

    page.goto(f"{dagster}/assets/metrics/agent_leaderboard")
    expect(page.get_by_text("Agents ranked by what they earned").first).to_be_visible(timeout=SECONDS)
    expect(page.get_by_text("completed commissions to the agent in the window").first).to_be_visible()
    expect(page.get_by_text("headline: total earnings").first).to_be_visible()
    for shown in ("first rows", "chart"):
        row = page.get_by_role("row").filter(has=page.get_by_text(shown, exact=True)).first
        expect(row.locator("table")).to_be_visible()
    expect(page.get_by_text("█" * 24).first).to_be_visible()
    page.get_by_text("Plots", exact=True).first.click()
    expect(page.locator("canvas").first).to_be_visible()
    page.goto(f"{dagster}/assets/metrics/agent_leaderboard?view=checks")
    expect(page.get_by_text("leaderboard_totals").first).to_be_visible(timeout=SECONDS)
    expect(page.get_by_text("Succeeded").first).to_be_visible()


def test_a_backfill_launched_in_the_browser_is_one_run_for_all_its_days(dagster: str, page: Page) -> None:
    page.goto(f"{dagster}/{LOCATION}/jobs/backfill_history")
    page.get_by_role("button", name="Materialize all").click()
    page.get_by_text("Last 90 days", exact=True).first.wait_for()
    page.get_by_role("button", name="All", exact=True).click()
    page.get_by_role("button", name="Launch backfill").click()
    found: list[str] = []
    until = time.monotonic() + 90
    while time.monotonic() < until and found != ["SUCCESS"]:
        time.sleep(1)
        found = [run["status"] for run in runs(dagster) if run["jobName"] != "refresh_metrics"]
        assert len(found) <= 1 and "FAILURE" not in found, found
    assert found == ["SUCCESS"]


def test_a_mistake_in_a_launch_form_comes_back_as_its_sentence_alone(dagster: str) -> None:
    """What the launchpad is sent, and shows whole: a message, the frames it was found in, and what caused it."""
    launch = """mutation ($of: JobOrPipelineSelector!, $form: RunConfigData!) {
        launchRun(executionParams: {selector: $of, runConfigData: $form}) {
            __typename
            ... on PythonError {message stack causes {message} errorChain {error {message}}}
            ... on RunConfigValidationInvalid {errors {message}}
        }
    }"""
    of = {"repositoryName": "__repository__", "repositoryLocationName": "pipelines.definitions"}
    before = len(runs(dagster))
    for job, form, sentence in (
        ("refresh_metrics", {"as_of": "someday"}, "as_of 'someday': it is no date or time"),
        ("export_dashboards", {"pages": ["htm"]}, "pages 'htm' is none of html, pdf: html?"),
    ):
        told = ask(dagster, launch, of={**of, "pipelineName": job}, form=form)["launchRun"]
        assert told.pop("message").startswith(sentence)
        assert told == {"__typename": "PythonError", "stack": [], "causes": [], "errorChain": []}
    told = ask(dagster, launch, of={**of, "pipelineName": "refresh_metrics"}, form={"full": "perhaps"})["launchRun"]
    assert told["__typename"] == "RunConfigValidationInvalid"
    assert len(told["errors"]) == 1
    assert len(runs(dagster)) == before


def test_runs_queued_together_never_write_together(dagster: str) -> None:
    """Two refreshes are launched at once: one begins after the other has ended, and both succeed."""
    launch = """mutation ($of: JobOrPipelineSelector!) {
        launchRun(executionParams: {selector: $of, runConfigData: {}}) {... on LaunchRunSuccess {run {runId}}}
    }"""
    of = {
        "repositoryName": "__repository__",
        "repositoryLocationName": "pipelines.definitions",
        "pipelineName": "refresh_metrics",
    }
    ours = {ask(dagster, launch, of=of)["launchRun"]["run"]["runId"] for _ in range(2)}
    until = time.monotonic() + 90
    done: list[dict[str, Any]] = []
    while time.monotonic() < until and len(done) < 2:
        time.sleep(1)
        done = [run for run in runs(dagster) if run["runId"] in ours and run["status"] in {"SUCCESS", "FAILURE"}]
    assert [run["status"] for run in done] == ["SUCCESS", "SUCCESS"]
    first, second = sorted(done, key=lambda run: float(run["startTime"]))
    assert first["endTime"] <= second["startTime"]
