"""What the browser tests share: a page that remembers all that went wrong, and reading what it shows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Page


@dataclass
class Watched:
    """A page and what it did that it should not: console messages, errors, dialogs, requests beyond the file."""

    page: Page
    trouble: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def texts(self, selector: str) -> list[str]:
        """The text of every element that `selector` finds, as the document holds it."""
        return self.page.locator(selector).evaluate_all("found => found.map(element => element.textContent)")


@contextmanager
def watched(browser: Browser, *, width: int = 1280, height: int = 900, scheme: str = "light") -> Iterator[Watched]:
    """A page of its own, with the network off."""
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,  # type: ignore[arg-type]
        offline=True,
        accept_downloads=True,
        reduced_motion="reduce",
    )
    page = context.new_page()
    seen = Watched(page)
    page.on("console", lambda message: seen.trouble.append(message.text))
    page.on("pageerror", lambda error: seen.trouble.append(str(error)))
    page.on("dialog", lambda dialog: (seen.trouble.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on("request", lambda request: seen.requests.append(request.url))
    page.add_init_script(
        "addEventListener('securitypolicyviolation', event => console.error('policy', event.effectiveDirective))"
    )
    try:
        yield seen
    finally:
        context.close()


def open_file(seen: Watched, path: Path, fragment: str = "") -> None:
    """Opens `path` from disk and waits until its tables and first charts are drawn."""
    seen.page.goto(f"{path.as_uri()}{fragment}")
    seen.page.wait_for_selector("html[data-ready]")
    seen.page.wait_for_selector(".main-svg", state="attached")
