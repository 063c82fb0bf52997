"""The table of periods in docs/definitions.md: whatever it shows can be written."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

from si_analytics.periods import spans

PAGE = Path(__file__).parents[2] / "docs" / "definitions.md"
TODAY = date(2026, 6, 3)


def written() -> list[str]:
    """The forms in the first column of the table of periods."""
    section = PAGE.read_text(encoding="utf-8").partition("**Periods**")[2].partition("Today is the day")[0]
    cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return [form for cell in cells for form in re.findall(r"`([^`]+)`", cell)]


def test_every_period_that_the_page_shows_is_read() -> None:
    forms = written()
    assert len(forms) > 20
    for form in forms:
        assert spans.begins_with_a_duration(form) or spans.read(form, TODAY), form


def test_each_row_that_shows_several_forms_of_one_period_means_one_by_all() -> None:
    for row in (["May 2026", "2026 May", "2026-05"], ["Q2 2026", "2026-Q2", "2026Q2"], ["2026-W14", "W14 2026"]):
        assert set(row) <= set(written())
        assert len({spans.read(form, None) for form in row}) == 1
