"""`make bench`: what extraction and refreshes take, beside other tools and the limit, in one run.

Belongs here: options, and which parts are run on which databases. The clock's date is read here.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown

from benchmarks import dagster_loading, dagster_overhead, parts, places, publishing, report, slices
from benchmarks.places import Place

_SCALES = (20.0, 200.0)
_GROWTH = (0.2, 2.0, 20.0, 200.0)
_SMALL = 200_000  # deals up to which the schema document's view is run
console = Console()


class Part(StrEnum):
    """The parts, by name."""

    EXTRACTION = "extraction"
    WHOLE = "whole"
    GROWTH = "growth"
    DAGSTER = "dagster"
    PUBLISHING = "publishing"
    SLICES = "slices"
    MEMORY = "memory"


_DEFAULTS = {
    Part.GROWTH: _GROWTH,
    Part.MEMORY: _SCALES[-1:],
    Part.DAGSTER: (2.0,),
    Part.PUBLISHING: (1.0,),
    Part.SLICES: (1.0,),
}


def _say(line: str) -> None:
    console.print(line, highlight=False, soft_wrap=True)


def _block(part: Part, number: int) -> str:
    return f"{part}-{number}"


def _sized(part: Part, chosen: list[Place], rounds: int, day: date) -> dict[str, str]:
    """The tables of extraction or of whole refreshes, one for each size, smallest first."""
    blocks = {}
    for number, place in enumerate(chosen, start=1):
        if part is Part.EXTRACTION:
            results = parts.extraction(place, rounds, _say)
            text = report.measured(results, "raw_copy")
        else:
            results = parts.whole(place, rounds, _say)
            if place.deals <= _SMALL:
                results.append(parts.as_written(place, _say))
            text = report.measured(results, "full_refresh")
        head = report.circumstances(place, day, rounds)
        blocks[_block(part, number)] = f"{head}\n\n{text}\n{report.figures(results)}"
    return blocks


def _growth(chosen: list[Place], rounds: int, day: date) -> str:
    grown = parts.growth(chosen, rounds, _say)
    return f"{report.circumstances(chosen[-1], day, rounds)}\n\n{report.grown(grown)}"


def _dagster(place: Place, rounds: int, day: date) -> dict[str, str]:
    found = dagster_overhead.measured(place, rounds, _say)
    loading = dagster_loading.measured(rounds, _say)
    if not found or loading is None:
        return {}
    head = report.circumstances(place, day, rounds)
    return {"dagster": f"{head}\n\n{report.added(found)}\n{report.loaded(loading)}"}


def _publishing(place: Place, folder: Path, contacts: int, rounds: int, day: date) -> dict[str, str]:
    """What publishing costs and keeps waiting with many contacts, and how soon a change is published without."""
    large = places.enlarged(place, folder / "contacts", contacts, "contacts")
    head = f"{report.circumstances(large, day, rounds)} With {contacts:,} contacts."
    return {
        "publishing": f"{head}\n\n{report.costs(publishing.cost(large, rounds, _say))}",
        "waiting": f"{head}\n\n{report.waited(publishing.waits(large, _say))}",
        "delay": f"{report.circumstances(place, day, rounds)}\n\n"
        + report.delayed(publishing.delays(place, rounds, _say)),
    }


def _slices(place: Place, folder: Path, rounds: int, day: date) -> str:
    """Slices beside hand-written queries, on the place's facts repeated until there are millions."""
    found = slices.measured(slices.refreshed(place), folder, rounds, _say)
    head = (
        f"{report.circumstances(place, day, rounds)}\nIts facts were repeated to {slices.TRANSACTIONS:,} transactions."
    )
    return f"{head}\n\n{report.sliced(found)}"


def _memory(place: Place, folder: Path, transactions: int, limit: str, day: date) -> str:
    large = places.enlarged(place, folder, transactions)
    found = parts.memory(large, limit, _say)
    return f"{report.circumstances(large, day, 1)}\n\n{report.bounded(large, limit, found)}"


def _chosen(folder: Path, homes: list[Path], url: str | None, scales: list[float]) -> list[Place]:
    """The databases asked for, smallest first."""
    found = [places.prepared(home, folder) for home in homes]
    found += [places.known(url, folder)] if url else []
    found += [places.made(folder, scale) for scale in scales]
    return sorted(found, key=lambda place: place.deals)


def main(  # noqa: PLR0917 - an option of a command is an argument of its function
    part: Annotated[
        list[Part] | None, typer.Argument(help="What to measure; without any, all but memory, which takes long.")
    ] = None,
    scale: Annotated[
        list[float] | None, typer.Option(help="A sample marketplace of this size; 200 is a million deals.")
    ] = None,
    home: Annotated[
        list[Path] | None, typer.Option(help="The SI_HOME of a database that is ready; is changed.")
    ] = None,
    postgres_url: Annotated[str | None, typer.Option(help="A database that is ready; is changed.")] = None,
    folder: Annotated[Path, typer.Option(help="Where databases and warehouses are kept.")] = Path(".si/benchmarks"),
    rounds: Annotated[int, typer.Option(min=1, help="How often each piece is measured.")] = 5,
    transactions: Annotated[int, typer.Option(help="How many there are in the part memory.")] = 20_000_000,
    contacts: Annotated[int, typer.Option(help="How many there are in the part publishing.")] = 1_000_000,
    memory_limit: Annotated[str, typer.Option(help="SI_MEMORY_LIMIT of the part memory.")] = "2GB",
    day: Annotated[datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="Of the run; today.")] = None,
    page: Annotated[Path, typer.Option(help="The page whose tables are written.")] = report.PAGE,
) -> None:
    """Measure on databases that are made, or given; databases that are given are changed by it."""
    dated = (day or datetime.now(UTC)).date()
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    given = bool(scale or home or postgres_url)
    for one in part or [one for one in Part if one is not Part.MEMORY]:
        defaults = _DEFAULTS.get(one, _SCALES)
        chosen = _chosen(folder, home or [], postgres_url, (scale or []) if given else list(defaults))
        if one is Part.DAGSTER:
            blocks = _dagster(chosen[-1], rounds, dated)
        elif one is Part.PUBLISHING:
            blocks = _publishing(chosen[-1], folder, contacts, rounds, dated)
        elif one is Part.SLICES:
            blocks = {"slices": _slices(chosen[-1], folder, rounds, dated)}
        elif one is Part.GROWTH:
            blocks = {"growth": _growth(chosen, rounds, dated)}
        elif one is Part.MEMORY:
            blocks = {"memory": _memory(chosen[-1], folder, transactions, memory_limit, dated)}
        else:
            blocks = _sized(one, chosen, rounds, dated)
        for block in blocks.values():
            console.print(Markdown(block))
        report.write(page, blocks)


if __name__ == "__main__":
    typer.run(main)
