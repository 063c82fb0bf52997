"""What `make lint` says of the links of the documents."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.building import links


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A page that has a page, a folder and a file with a space beside it."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "other.md").write_text("# Other\n\n## What `si load` takes\n", encoding="utf-8")
    (tmp_path / "a file.sql").touch()
    return tmp_path / "README.md"


@pytest.mark.parametrize(
    "target",
    [
        *("docs/other.md", "docs", "a%20file.sql", "docs/other.md#what-si-load-takes", "#here"),
        *("https://example.com/nowhere", "mailto:nobody@example.com"),
    ],
)
def test_a_link_that_leads_somewhere_is_left_alone(page: Path, target: str) -> None:
    page.write_text(f"# Here\n\n[a link]({target})\n", encoding="utf-8")
    assert list(links.broken(page)) == []


@pytest.mark.parametrize(
    "target", ["other.md", "docs/other.md#what-si-loads-takes", "#there", "docs/missing/", "gone#here"]
)
@pytest.mark.parametrize(
    "written", ["[a link]({})", "![a picture]({})", "[a link][x]\n\n[x]: {}", "| a |\n|-|\n| [a]({}) |"]
)
def test_a_link_that_leads_nowhere_is_told_with_its_page_and_line(page: Path, target: str, written: str) -> None:
    page.write_text(f"# Here\n\n{written.format(target)}\n", encoding="utf-8")
    (told,) = links.broken(page)
    assert told.startswith(f"{page}:")
    assert told.endswith(f"nothing is at {target}")


def test_a_link_in_code_is_no_link(page: Path) -> None:
    page.write_text("`[a](gone.md)`\n\n```text\n[a](gone.md)\n```\n", encoding="utf-8")
    assert list(links.broken(page)) == []


def test_the_pages_of_the_repository_are_read() -> None:
    names = {page.relative_to(links.ROOT).as_posix() for page in links.pages()}
    assert {"README.md", "CONTRIBUTING.md", "docs/metrics.md", "docs/adr/README.md"} <= names
