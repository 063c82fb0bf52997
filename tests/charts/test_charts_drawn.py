"""How charts look: text that people typed, colours, and labels in a real browser."""

from __future__ import annotations

import re
import unicodedata
from itertools import combinations
from pathlib import Path

import plotly.io
import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser
from plotly.offline import get_plotlyjs

from si_analytics.charts import text, theme
from tests.support import dashboard_frames as frames
from tests.support.browsing import watched
from tests.support.chart_gallery import EVERY, unmarked

# Text that people typed


@given(st.text() | st.text(alphabet="<>&$%{}/#;x\n"))
def test_escaping_survives_plotlys_own_reading_letter_by_letter(typed: str) -> None:
    """No tag, entity, template or TeX is left in what Plotly reads, and undoing the entities gives the text back."""
    escaped = text.escape(typed)
    assert not re.search(r"[<>$]|%\{", escaped)
    visible = "".join(" " if unicodedata.category(letter) == "Cc" else letter for letter in typed)
    undone = re.sub(
        r"&(#\d+|[a-z]+);",
        lambda found: chr(int(found[1][1:])) if found[1][0] == "#" else {"amp": "&", "lt": "<", "gt": ">"}[found[1]],
        escaped,
    )
    assert undone == f"\u2068{visible}\u2069"


@given(st.text(max_size=60), st.integers(4, 40))
def test_clipping_keeps_a_beginning_and_says_that_it_cut(typed: str, width: int) -> None:
    clipped = text.clip(typed, width)
    assert clipped == typed or (clipped.endswith("…") and typed.startswith(clipped[:-1]))
    assert len(clipped) <= max(len(typed), 1)


@pytest.mark.parametrize("typed", ["e\u0301" * 30, "👩🏽\u200d🚀" * 30, "नि" * 30])
def test_clipping_never_cuts_inside_a_letter(typed: str) -> None:
    for width in range(4, 30):
        rest = typed[len(text.clip(typed, width)) - 1 :]
        assert not unicodedata.combining(rest[0])
        assert unicodedata.category(rest[0]) not in {"Mn", "Mc"}
        assert rest[0] not in "\u200d🏽"
        assert typed[: -len(rest)][-1:] != "\u200d"


def test_a_blank_name_is_said_to_be_missing() -> None:
    assert [text.label(name) for name in (None, "", "  ")] == ["(no name)"] * 3


# Colours


def luminance(colour: str) -> float:
    channels = [int(colour[position : position + 2], 16) / 255 for position in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("palette", [theme.LIGHT, theme.DARK])
def test_text_and_lines_stand_out_from_what_they_are_on(palette: theme.Palette) -> None:
    """WCAG: text 4.5 to 1, graphics 3 to 1, in both themes."""
    for words in (palette.ink, palette.muted, palette.accent, palette.positive, palette.negative):
        assert contrast(words, palette.surface) >= 4.5
        assert contrast(words, palette.page) >= 4.5
    assert contrast(palette.caution, palette.caution_soft) >= 4.5
    assert contrast(palette.accent, palette.accent_soft) >= 4.5
    assert contrast(palette.ink, palette.accent_soft) >= 4.5
    assert contrast(palette.muted, palette.raised) >= 4.5
    for line in palette.series:
        assert contrast(line, palette.surface) >= 3
    on_heat = "#ffffff" if palette is theme.DARK else "#444444"
    for step in palette.sequential:
        assert contrast(on_heat, step) >= 4.5


# What eyes without one kind of cone see (Machado, Oliveira and Fernandes 2009, full severity), on linear light.
DEFICIENCIES = {
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.01182, 0.04294, 0.968881)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
}


def seen_as(colour: str, matrix: tuple[tuple[float, ...], ...]) -> tuple[float, ...]:
    channels = [int(colour[position : position + 2], 16) / 255 for position in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return tuple(
        max(0.0, min(1.0, sum(weight * value for weight, value in zip(row, linear, strict=True)))) for row in matrix
    )


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
@pytest.mark.parametrize("palette", [theme.LIGHT, theme.DARK])
def test_the_colours_that_stand_side_by_side_differ_for_colour_blind_eyes(
    palette: theme.Palette, deficiency: str
) -> None:
    """The first three series, the most any chart draws together."""
    for one, other in combinations(palette.series[:3], 2):
        matrix = DEFICIENCIES[deficiency]
        apart = sum((a - b) ** 2 for a, b in zip(seen_as(one, matrix), seen_as(other, matrix), strict=True)) ** 0.5
        assert apart > 0.12, (one, other, apart)


# Drawn in a browser

BARS = """() => [...document.querySelectorAll('.bars path')]
    .map(element => element.getBoundingClientRect()).map(box => [box.left, box.top, box.right, box.bottom])"""
LABELS = """() => [...document.querySelectorAll('svg text')]
    .filter(element => element.textContent.trim() && !element.closest('.hoverlayer'))
    .map(element => { const box = element.getBoundingClientRect();
                      return [element.textContent, box.left, box.top, box.right, box.bottom]; })"""


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with every chart, its titles, labels and figures full of hostile names."""
    path = tmp_path_factory.mktemp("charts") / "charts.html"
    parts = [
        plotly.io.to_html(draw(), include_plotlyjs=False, full_html=False, div_id=name, config={"responsive": True})
        for name, draw in EVERY.items()
    ]
    page = (
        f"<!doctype html><meta charset=utf-8><body style='margin:0'><script>{get_plotlyjs()}</script>{''.join(parts)}"
    )
    path.write_text(page, encoding="utf-8")
    return path


@pytest.mark.browser
@pytest.mark.parametrize("width", [360, 1100])
def test_no_label_of_any_chart_runs_into_another_or_a_bar_or_out_of_sight(
    browser: Browser, gallery: Path, width: int
) -> None:
    with watched(browser, width=width) as seen:
        seen.page.goto(gallery.as_uri())
        seen.page.wait_for_selector("#monthly .main-svg")
        boxes = seen.page.evaluate(LABELS)
        assert len(boxes) > 100
        for (one, left, top, right, bottom), (other, left2, top2, right2, bottom2) in combinations(boxes, 2):
            across, down = min(right, right2) - max(left, left2), min(bottom, bottom2) - max(top, top2)
            assert across <= 1 or down <= 4, (one, other)
        for left, top, right, bottom in seen.page.evaluate(BARS):
            for words, left2, top2, right2, bottom2 in boxes:
                across, down = min(right, right2) - max(left, left2), min(bottom, bottom2) - max(top, top2)
                assert across <= 1 or down <= 4, words
        assert [box[0] for box in boxes if box[1] < -1 or box[3] > width + 1] == []
        assert seen.trouble == []


@pytest.mark.browser
def test_names_are_drawn_and_pointed_at_as_typed_and_nothing_of_them_runs(browser: Browser, gallery: Path) -> None:
    with watched(browser) as seen:
        seen.page.goto(gallery.as_uri())
        seen.page.wait_for_selector("#monthly .main-svg")
        drawn = "\n".join(unmarked(words) for words in seen.texts("#leaderboard .textpoint text"))
        for position, name in enumerate(frames.HOSTILE, 1):
            one_line = " ".join(name.split("\n"))
            assert text.clip(name, 24).replace("\n", " ") in drawn
            seen.page.evaluate("at => Plotly.Fx.hover('leaderboard', [{curveNumber: 0, pointNumber: at}])", position)
            seen.page.wait_for_selector(f"#leaderboard .hoverlayer text:has-text('Rank {position + 1} of 30')")
            hover = unmarked("".join(seen.texts("#leaderboard .hoverlayer .nums")))
            assert text.clip(one_line, 60) in hover
        assert "<script>alert(1)" in unmarked("".join(seen.texts("#performance .gtitle")))
        assert seen.page.locator("svg a, svg image[href^=x]").count() == 0
        assert seen.trouble == []
        assert seen.requests == [gallery.as_uri()]
