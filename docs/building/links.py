"""Whether every link and picture of the pages of Markdown leads somewhere in the repository; `make lint` asks.

    python docs/building/links.py

Belongs here: files, and the headings that fragments name. What lies on other machines is not asked for: the answer
would depend on them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.anchors import anchors_plugin

ROOT = Path(__file__).parents[2]
_MARKDOWN = MarkdownIt("commonmark").enable("table").use(anchors_plugin, max_level=6)


def pages(root: Path = ROOT) -> list[Path]:
    """The pages: those beside the README, and all below docs."""
    return sorted([*root.glob("*.md"), *(root / "docs").rglob("*.md")])


def broken(page: Path) -> Iterator[str]:
    """A line for each link of `page` that leads nowhere: the page, where about in it, and the link."""
    for block in _read(page):
        for token in block.children or ():
            target = token.attrGet("href") or token.attrGet("src")
            if target is not None and not _leads_somewhere(page, str(target)):
                yield f"{page}:{block.map[0] + 1 if block.map else 1}: nothing is at {target}"


def _read(page: Path) -> list[Token]:
    return _MARKDOWN.parse(page.read_text(encoding="utf-8"))


def _leads_somewhere(page: Path, target: str) -> bool:
    parts = urlsplit(target)
    if parts.scheme or parts.netloc:
        return True
    linked = page.parent / unquote(parts.path) if parts.path else page
    if not parts.fragment or linked.suffix != ".md":
        return linked.exists()
    return linked.is_file() and parts.fragment in _headings(linked)


def _headings(page: Path) -> set[object]:
    return {token.attrGet("id") for token in _read(page) if token.type == "heading_open"}


def main() -> int:
    found = [line for page in pages() for line in broken(page)]
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
