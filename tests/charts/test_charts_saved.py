"""Charts saved as pictures, by the browser that is installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from si_analytics import charts
from si_analytics.errors import AnalyticsError, UsageError
from tests.support import dashboard_frames as frames

BOARD = charts.leaderboard(frames.agents(3, names=("Ana", "Zoë", "Li")))


@pytest.mark.browser
def test_a_chart_is_saved_as_the_picture_its_name_ends_in(tmp_path: Path) -> None:
    """A PNG of the width asked for at twice the fineness, an SVG whose text is text, a PDF; and nothing beside them."""
    paths = [charts.save(BOARD, tmp_path / "made" / f"board.{form}", width=640) for form in ("png", "SVG", "pdf")]
    png, svg, pdf = (path.read_bytes() for path in paths)
    assert png.startswith(b"\x89PNG")
    assert int.from_bytes(png[16:20]) == 1280
    assert svg.startswith(b"<svg")
    assert "Zoë" in svg.decode()
    assert pdf.startswith(b"%PDF")
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == ["board.SVG", "board.pdf", "board.png"]


@pytest.mark.parametrize(("name", "found"), [("board.gif", "it ends in '.gif'"), ("board", "its name has no ending")])
def test_a_name_of_no_known_picture_is_refused_before_a_browser_starts(tmp_path: Path, name: str, found: str) -> None:
    with pytest.raises(UsageError, match=rf"{found}\. End it in \.png, \.svg, \.pdf"):
        charts.save(BOARD, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_without_a_browser_a_sentence_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER_PATH", str(tmp_path / "none"))
    (tmp_path / "old.png").write_bytes(b"old")
    with pytest.raises(AnalyticsError, match="no Chromium or Chrome was found to draw it"):
        charts.save(BOARD, tmp_path / "old.png")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("old.png", b"old")]
