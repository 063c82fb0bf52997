"""How Sphinx turns the pages into the site: which files are pages, how they are linked, what they look like.

Sphinx reads the repository from its root, so that a link means the same on the site as in the repository.
`build.py` beside this file prepares what no page holds: outputs of notebooks, Plotly's script, the dashboard.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.config import Config

ROOT = Path(__file__).parents[2]

project = "si_analytics"
copyright = ""
version = release = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
language = "en"
extensions = ["myst_nb", "sphinx.ext.autodoc"]
root_doc = "docs/README"
include_patterns = ["*.md", "docs/*.md", "docs/adr/*.md", "notebooks/*.ipynb"]
exclude_patterns = [".*", "site", "build", "dist", "docs/building"]

myst_heading_anchors = 6
nb_execution_mode = "off"
nb_merge_streams = True
default_role = "code"  # docstrings put names in single backticks
pygments_style = "default"
pygments_dark_style = "github-dark"

suppress_warnings = ["misc.highlighting_failure"]  # no lexer knows DuckDB's $name; the rest is coloured all the same

add_module_names = False
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
maximum_signature_line_length = 88

html_theme = "furo"
html_title = "si_analytics"
html_static_path = ["static"]
html_css_files = ["site.css"]
templates_path = ["templates"]
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "sidebar/search.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "sidebar/live.html",
        "sidebar/scroll-end.html",
    ]
}
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_show_search_summary = False  # it is fetched, and a page opened from disk may fetch nothing
html_permalinks_icon = "#"

_ROW = re.compile(r"^\| \[([^\]]*)\]\(([^)#:]+)\) \|", flags=re.MULTILINE)
_LIVE = "<!-- the site links its live dashboard here -->"


def setup(app: Sphinx) -> None:
    app.add_config_value("prepared", "", "env", types=(str,))
    app.connect("config-inited", _take_what_was_prepared)
    app.connect("source-read", _show_outputs)
    app.connect("source-read", _order_by_tables)
    app.connect("source-read", _link_the_dashboard)


def _take_what_was_prepared(app: Sphinx, config: Config) -> None:
    if config.prepared:
        prepared = Path(config.prepared)
        config.html_static_path.append(str(prepared / "static"))
        config.html_extra_path.append(str(prepared / "extra"))


def _show_outputs(app: Sphinx, name: str, source: list[str]) -> None:
    """A notebook that was run is shown as it ran; the repository holds none with outputs."""
    if not app.config.prepared or not name.startswith("notebooks/"):
        return
    ran = Path(app.config.prepared) / f"{name}.ipynb"
    if ran.exists():
        source[0] = ran.read_text(encoding="utf-8")


def _order_by_tables(app: Sphinx, name: str, source: list[str]) -> None:
    """The navigation: the pages that a page's tables link in their first column are below it, in that order.

    They stand there under their titles; those of the first page as it calls them.
    """
    rows = _ROW.findall(source[0])
    listed = [f"{text} <{page}>" if name == root_doc else page for text, page in rows]
    if listed:
        source[0] += "\n".join(["", "", "```{toctree}", ":hidden:", "", *listed, "```", ""])


def _link_the_dashboard(app: Sphinx, name: str, source: list[str]) -> None:
    """Where a page asks for it; the file is there on the site alone, so that no page can link it itself."""
    link = f'<p><a class="live" href="{"../" * name.count("/")}dashboard.html">Open the sample\'s dashboard</a></p>'
    source[0] = source[0].replace(_LIVE, link)
