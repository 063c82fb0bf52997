"""Saves a figure as a picture: PNG, SVG or PDF, drawn by Kaleido in the installed Chromium.

Belongs here: the kinds of picture, drawing one without network access, and writing it whole or not at
all.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

import plotly.graph_objects as go

from si_analytics.errors import AnalyticsError, UsageError

FORMATS = ("png", "svg", "pdf")
DEFAULT_WIDTH = 900
_SECONDS = 60
_WIDEST, _FINEST = 10_000, 10
# Kaleido's page never needs the network; a proxy that never answers keeps the browser off it too.
_NOWHERE = "127.0.0.1:9"


def save(figure: go.Figure, path: str | os.PathLike[str], *, width: int | None = None, scale: float = 2.0) -> Path:
    """Write `figure` as a picture of the kind that `path` ends in (.png, .svg, .pdf), whole or not at all.

    `width` is in pixels (default: the figure's own, or 900); `scale` makes a PNG finer; the others are drawings.
    Replaces what was at `path`. Raises UsageError for another ending, AnalyticsError if there
    is no Chromium to draw it.

    For example ``si.charts.save(si.charts.monthly(warehouse.marketplace_monthly()), "months.png")``.
    """
    target = Path(path)
    form = target.suffix.lower().removeprefix(".")
    if form not in FORMATS:
        raise UsageError(
            f"saving a chart as {target.name}",
            f"it ends in '{target.suffix}'" if target.suffix else "its name has no ending",
            f"End it in {', '.join('.' + known for known in FORMATS)}",
        )
    _require_size(target, width, scale)
    wide = width or figure.layout.width or DEFAULT_WIDTH
    picture = _drawn(figure, {"format": form, "width": wide, "scale": scale if form == "png" else 1}, target)
    return whole_file(target, picture, "saving a chart as")


def _require_size(target: Path, width: int | None, scale: float) -> None:
    """Raise UsageError for an impossible size, or one that no browser draws."""
    asked = f"saving a chart as {target.name}"
    if width is not None and not 1 <= width <= _WIDEST:
        raise UsageError(asked, f"its width is {width}", f"Give one from 1 to {_WIDEST:,} pixels")
    if not 0 < scale <= _FINEST:
        raise UsageError(asked, f"its scale is {scale}", f"Give one above 0, up to {_FINEST}")


def _drawn(figure: go.Figure, options: dict[str, Any], target: Path) -> bytes:
    import kaleido  # type: ignore[import-untyped]
    from kaleido import errors

    try:
        return bytes(
            kaleido.calc_fig_sync(
                figure.to_dict(),
                opts=options,
                kopts={"mathjax": False, "timeout": _SECONDS, "proxy_server": _NOWHERE},
            )
        )
    except errors.ChromeNotFoundError as error:
        raise AnalyticsError(
            f"saving a chart as {target.name}",
            "no Chromium or Chrome was found to draw it",
            "Install one (apt-get install chromium), or name yours in BROWSER_PATH",
        ) from error
    except (errors.BrowserFailedError, errors.BrowserClosedError, errors.KaleidoError, TimeoutError) as error:
        raise AnalyticsError(
            f"saving a chart as {target.name}",
            f"the browser did not draw it ({type(error).__name__})",
            "Try again; if it goes on, look whether chromium starts on this machine",
        ) from error


def whole_file(target: Path, data: bytes, asked: str) -> Path:
    """Write `data` to a temporary name and rename it to `target`, so that nobody ever opens half a file."""
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise AnalyticsError(
            f"{asked} {target}",
            error.strerror or type(error).__name__,
            "Choose a folder that can be written to, with room for a few megabytes",
        ) from error
    return target
