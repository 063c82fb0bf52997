"""Builds the site: runs the notebooks on the packaged sample, writes its dashboard, and lets Sphinx do the rest.

    python docs/building/build.py site
    python docs/building/build.py site --run tour     # sooner: the other notebooks rest without outputs

The site opens from disk: index.html. A broken link, a page that nothing leads to or a cell that fails is an error.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import nbformat
import plotly.io
from nbclient import NotebookClient
from nbformat import NotebookNode
from plotly.offline import get_plotlyjs
from sphinx.cmd import build as sphinx

from si_analytics import packaged_sample
from si_analytics.reports import export
from si_analytics.settings import Settings

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
AT_A_TIME = 2
_QUIETLY = ["--log-level=ERROR"]  # a kernel warns of those who listen on the machine; what it says here is the sample
_PLOTLY = "application/vnd.plotly.v1+json"
_SCRIPT = "../_static/plotly.min.js"
_INDEX = '<!doctype html><meta charset="utf-8"><title>si_analytics</title>' + (
    '<meta http-equiv="refresh" content="0; url=docs/README.html"><a href="docs/README.html">si_analytics</a>\n'
)


def build(out: Path, notebooks: Iterable[Path] = NOTEBOOKS) -> int:
    """Write the site to `out`, with the outputs of `notebooks`; the exit code. What was there before is replaced."""
    with tempfile.TemporaryDirectory(prefix="si-docs-") as folder:
        prepared, made = Path(folder, "prepared"), Path(folder, "site")
        prepare(prepared, notebooks)
        options = ["--quiet", "--fail-on-warning", "--keep-going", "--define", f"prepared={prepared}"]
        places = ["--conf-dir", str(Path(__file__).parent), "--doctree-dir", str(Path(folder, "doctrees"))]
        code = sphinx.main(["--builder", "html", *options, *places, str(ROOT), str(made)])
        if code == 0:
            shutil.rmtree(out, ignore_errors=True)
            shutil.move(made, out)
    return code


def prepare(prepared: Path, notebooks: Iterable[Path]) -> None:
    """Write into `prepared` what no page of the repository holds."""
    for name in ("static", "extra", "notebooks"):
        (prepared / name).mkdir(parents=True)
    home = prepared / "home"
    settings = Settings(_env_file=None, home=home, warehouse=home / "warehouse.duckdb")  # type: ignore[call-arg]
    packaged_sample.build(settings)
    (prepared / "extra" / "index.html").write_text(_INDEX, encoding="utf-8")
    (prepared / "static" / "plotly.min.js").write_text(get_plotlyjs(), encoding="utf-8")
    asyncio.run(_ask(notebooks, settings, prepared))


async def _ask(notebooks: Iterable[Path], settings: Settings, prepared: Path) -> None:
    """Run the notebooks, and write the dashboard meanwhile."""
    turns = asyncio.Semaphore(AT_A_TIME)

    async def run(path: Path) -> None:
        async with turns:
            ran = await _run(path, _environment(settings, prepared / "jupyter" / path.stem))
        (prepared / "notebooks" / path.name).write_text(nbformat.writes(ran), encoding="utf-8")  # type: ignore[no-untyped-call]

    dashboard = asyncio.to_thread(export.dashboard, settings, prepared / "extra" / "dashboard.html")
    await asyncio.gather(dashboard, *map(run, notebooks))


def _environment(settings: Settings, mine: Path) -> dict[str, str]:
    """What a kernel is started with: the sample's warehouse, nothing of the account's own Jupyter, no Postgres."""
    places = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    mine.mkdir(parents=True)
    return {
        **os.environ,
        **{name: str(mine / name.lower()) for name in places},
        "SI_POSTGRES_URL": "postgresql://nobody@127.0.0.1:1/none",
        "SI_HOME": str(settings.home),
        "SI_WAREHOUSE": str(settings.warehouse),
    }


async def _run(path: Path, environment: dict[str, str]) -> NotebookNode:
    """The notebook after a run from top to bottom, its figures as HTML too; a cell that fails is an error."""
    notebook: NotebookNode = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    place = {"metadata": {"path": str(path.parent)}}
    client = NotebookClient(notebook, timeout=300, kernel_name="python3", resources=place, extra_arguments=_QUIETLY)
    await client.async_execute(env=environment)
    script: str | bool = _SCRIPT
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if _PLOTLY in output.get("data", {}):
                output.data = {"text/html": _drawn(output.data[_PLOTLY], script)}
                script = False
    return notebook


def _drawn(figure: dict[str, object], script: str | bool) -> str:
    """A figure as HTML; the first of a page brings Plotly's script, which lies beside the pages."""
    made = {"data": figure["data"], "layout": figure["layout"]}
    config = {"responsive": True, "displaylogo": False}
    return str(plotly.io.to_html(made, config, include_plotlyjs=script, full_html=False, default_height=450))


def main(arguments: list[str]) -> int:
    names = [path.stem for path in NOTEBOOKS]
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("out", type=Path, help="the folder to write the site to; it is replaced")
    parser.add_argument("--run", nargs="*", choices=names, default=names, help="the notebooks to run; without: all")
    given = parser.parse_args(arguments)
    return build(given.out, [path for path in NOTEBOOKS if path.stem in given.run])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
