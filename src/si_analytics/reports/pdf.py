"""Prints a page as PDF in the installed Chromium.

Belongs here: finding the browser the way charts find theirs, and printing one page in it without access to the
network.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from choreographer.browsers.chromium import Chromium

from si_analytics.errors import AnalyticsError

_SECONDS = 120
_DRAWING_MS = 10_000  # of the page's own time, which runs as fast as the browser can work
_OPTIONS = (
    *("--headless", "--disable-gpu", "--no-first-run", "--no-default-browser-check", "--no-pdf-header-footer"),
    *("--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--no-sandbox",  # root cannot have one; the page is our own, and its policy allows it nothing outside
    "--proxy-server=127.0.0.1:9",  # a port where nobody answers: the page's requests go nowhere
)


def browser(asked: str) -> str:
    """Where the browser is; if there is none, raises AnalyticsError that begins with what was `asked`."""
    found = Chromium.find_browser(skip_local=False)
    if found is None or not Path(found).is_file():
        raise AnalyticsError(
            asked,
            "no Chromium or Chrome was found to print it",
            "Install one (apt-get install chromium), or name yours in BROWSER_PATH",
        )
    return found


def pdf(page: bytes, asked: str) -> bytes:
    """`page`, a self-contained HTML document, as PDF.

    Raises AnalyticsError that begins with what was `asked` if there is no browser, or it prints nothing.
    """
    program = browser(asked)
    with tempfile.TemporaryDirectory(prefix="si-print-", ignore_cleanup_errors=True) as folder:
        source, target = Path(folder) / "page.html", Path(folder) / "page.pdf"
        source.write_bytes(page)
        places = (f"--user-data-dir={folder}/profile", f"--print-to-pdf={target}")
        waiting = f"--virtual-time-budget={_DRAWING_MS}"
        try:
            subprocess.run(
                [program, *_OPTIONS, *places, waiting, source.as_uri()],
                timeout=_SECONDS,
                capture_output=True,
                check=True,
            )
            return target.read_bytes()
        except (OSError, subprocess.SubprocessError) as error:
            raise AnalyticsError(
                asked,
                f"the browser {program} did not print it ({type(error).__name__})",
                "Try again; if it goes on, look whether it starts on this machine",
            ) from error
