"""The dashboard as one self-contained HTML file.

Belongs here: putting template, styles, scripts and data together, the policy that keeps the page
off the network, and writing the file whole or not at all. The same content gives the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from collections.abc import Sequence
from datetime import UTC, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from si_analytics import formatting
from si_analytics.charts import theme
from si_analytics.charts.saving import whole_file
from si_analytics.periods import windows
from si_analytics.reports.dashboard import layout
from si_analytics.reports.dashboard.content import DashboardContent, Period
from si_analytics.reports.dashboard.kpis import TILES, Tile
from si_analytics.reports.dashboard.panel import Panel
from si_analytics.reports.dashboard.panels import PANELS

_SCRIPTS = (
    *("decimal.js", "csv.js", "state.js", "table.js", "charts.js"),
    *("filters.js", "panels.js", "details.js", "freshness.js", "page.js"),
)
_MODULE_WORDS = re.compile(r'^(?:import \{[^}]*\} from "\./[a-z]+\.js";\n|export )', re.MULTILINE)
# Not allowed in JSON inside a script element: the element's end tag, and the two line ends that
# JavaScript and JSON treat differently.
_JSON_ESCAPES = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)

# Plotly brings the styles of a map library and adds them unless an element with this id exists.
_UNUSED_STYLE = re.compile(r'if\(!document\.getElementById\("([0-9a-f]{64})"\)\)')


def render(content: DashboardContent, *, panels: Sequence[Panel] = PANELS, tiles: Sequence[Tile] = TILES) -> str:
    """The whole page as text."""
    laid = layout.lay_out(content, panels, tiles)
    style, script, plotly = _style(content), _script(), get_plotlyjs()
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        loader=jinja2.FunctionLoader(_static),
        keep_trailing_newline=True,
    )
    return environment.get_template("dashboard.html.j2").render(
        content=content,
        as_of=formatting.moment(content.as_of),
        as_of_local=_local_time(content),
        sections=layout.sections(laid),
        details=layout.details(laid),
        freshness=content.freshness,
        taken_at="" if content.freshness is None else formatting.moment(content.freshness.taken_at),
        periods=[(period.key, period.name.capitalize(), _days(content, period)) for period in content.periods],
        provenance=_provenance(content),
        definitions=_definitions(content),
        policy=_policy([script, plotly], [style]),
        unused_styles=_UNUSED_STYLE.findall(plotly),
        # Our own text, or already escaped for its place: autoescape must leave it alone.
        style=Markup(style),
        script=Markup(script),
        plotly=Markup(plotly),
        data=Markup(embedded_json({"meta": _meta(content), **layout.data(laid)})),
    )


def write(
    content: DashboardContent,
    path: str | os.PathLike[str],
    *,
    panels: Sequence[Panel] = PANELS,
    tiles: Sequence[Tile] = TILES,
) -> Path:
    """Write the page to `path`, whole or not at all, and return it. Replaces what was there."""
    text = render(content, panels=panels, tiles=tiles)
    return whole_file(Path(path), text.encode(), "writing the dashboard to")


def embedded_json(value: Any) -> str:
    """`value` as JSON that is safe inside a script element, whatever it holds."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.translate(_JSON_ESCAPES)


def _static(name: str) -> str:
    return resources.files("si_analytics.reports.dashboard").joinpath("static", name).read_text(encoding="utf-8")


def _script() -> str:
    """The page's own script: its modules one after the other, in a scope of their own.

    A page opened from disk cannot import modules, so all share one scope: there every name means what its import
    meant, and the words `import` and `export` are left out.
    """
    parts = "\n".join(_MODULE_WORDS.sub("", _static(name)) for name in _SCRIPTS)
    return f'(() => {{\n"use strict";\n{parts}\n}})();\n'


def _policy(scripts: list[str], styles: list[str]) -> str:
    """Allows only these scripts and styles; no network, no frames, no forms.

    Three exceptions are for Plotly: an empty style element that it fills rule by rule, style
    attributes on shapes, and pictures made in memory for the cells of a heat map.
    None of them can reach the network.
    """
    script_hashes = " ".join(_hash(text) for text in scripts)
    style_hashes = " ".join(_hash(text) for text in (*styles, ""))
    return (
        f"default-src 'none'; script-src {script_hashes}; style-src-elem {style_hashes}; "
        "style-src-attr 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def _style(content: DashboardContent) -> str:
    light, dark = _variables(theme.LIGHT), _variables(theme.DARK)
    running = _css_text(
        f"{content.title} · as of {formatting.moment(content.as_of)} · snapshot {content.snapshot} "
        f"· refresh {content.refresh_id}"
    )
    footer = (
        "@page{"
        f'@bottom-left{{content:"{running}";font:8px Arial,sans-serif;color:#555}}'
        '@bottom-right{content:counter(page) " / " counter(pages);font:8px Arial,sans-serif;color:#555}}'
    )
    return (
        f":root{{color-scheme:light dark;{light}}}\n@media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"
        f"@media print{{:root{{color-scheme:light;{light}}}}}\n{footer}\n{_static('dashboard.css')}"
    )


def _variables(palette: theme.Palette) -> str:
    names = (
        "page", "surface", "raised", "ink", "muted", "line", "accent", "accent_soft",
        "positive", "negative", "caution", "caution_soft",
    )  # fmt: skip
    return ";".join(f"--{name.replace('_', '-')}:{getattr(palette, name)}" for name in names)


def _css_text(text: str) -> str:
    """`text` inside a CSS string: only plain letters, digits and a little punctuation stay, the rest as code points."""
    return "".join(
        letter if letter.isascii() and (letter.isalnum() or letter in " .,:-+") else f"\\{ord(letter):06x}"
        for letter in text
    )


def _days(content: DashboardContent, period: Period) -> str:
    """The first and last day of the period in the reporting time zone: ``2 May to 31 May 2026``."""
    zone = windows.zone(content.timezone)
    first, last = period.since.astimezone(zone), (period.until - timedelta(microseconds=1)).astimezone(zone)
    year = "" if first.year == last.year else f" {first.year}"
    return f"{first.day} {first:%b}{year} to {last.day} {last:%b %Y}"


def _local_time(content: DashboardContent) -> str:
    if content.timezone == "UTC":
        return ""
    return f"{content.as_of_local:%Y-%m-%d %H:%M} in {content.timezone}"


def _provenance(content: DashboardContent) -> list[tuple[str, str]]:
    fresh = content.freshness
    newest = "none" if fresh is None or fresh.newest_event is None else formatting.moment(fresh.newest_event)
    known = [] if fresh is None else [("Newest event", newest), ("Read on", formatting.moment(fresh.taken_at))]
    return [
        ("As of", formatting.moment(content.as_of)),
        *known,
        ("Reporting time zone", content.timezone),
        ("Reporting currency", content.currency.upper()),
        ("Refresh", content.refresh_id),
        ("Snapshot", content.snapshot),
        ("Agents", formatting.number(content.agent_leaderboard.height)),
        ("Brands", formatting.number(content.brand_reputations.height)),
    ]


def _definitions(content: DashboardContent) -> list[tuple[str, str, Sequence[tuple[str, str, str]]]]:
    """What each metric means: its name as readers write it, its meaning as a sentence, and its columns."""
    return [
        (_capital(name.replace("_", " ")), _capital(content.definitions[name]), content.meanings.get(name, ()))
        for name in sorted(content.definitions)
    ]


def _snapshot(content: DashboardContent) -> dict[str, Any]:
    """When the tables were read, and the age in seconds that is unusual: only the reader's clock knows the age."""
    if content.freshness is None:
        return {}
    return {
        "taken_at": content.freshness.taken_at.astimezone(UTC).isoformat(),
        "snapshot_keeps": int(content.freshness.snapshot_keeps.total_seconds()),
    }


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _meta(content: DashboardContent) -> dict[str, Any]:
    return {
        "as_of": f"{content.as_of_utc:%Y-%m-%d}",
        "moment": content.as_of_utc.isoformat(),
        "currency": content.currency,
        **_snapshot(content),
    }
