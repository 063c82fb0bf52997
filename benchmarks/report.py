"""What was measured, as tables in docs/performance.md and on the terminal.

Belongs here: ratios, and the blocks of the page between its markers. The page's words are written by hand.
"""

from __future__ import annotations

import os
import platform
import re
import statistics
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from importlib import metadata
from pathlib import Path

from benchmarks.dagster_loading import Loading
from benchmarks.dagster_overhead import Overhead
from benchmarks.measuring import Result
from benchmarks.places import Place
from benchmarks.publishing import Cost, Delay, Waits
from benchmarks.slices import Timed
from benchmarks.tasks import Measured

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
_VERSIONS = (
    *("duckdb", "psycopg", "pandas", "polars", "pyarrow", "adbc-driver-postgresql", "connectorx", "dlt", "numpy"),
)
_OTHERS = ("psycopg_pandas", "polars_adbc", "polars_connectorx", "dlt_connectorx", "dlt_pyarrow")


@dataclass(frozen=True)
class Figure:
    """A ratio to reach: of which piece, to which others (the fastest of them), and how much at most."""

    words: str
    piece: str
    beside: tuple[str, ...]
    at_most: float


FIGURES = (
    Figure("full extraction / raw binary `COPY`", "full_reading", ("raw_copy",), 1.15),
    Figure("full extraction, reconciled / raw binary `COPY`", "full", ("raw_copy",), 1.15),
    Figure("full extraction as `si_reader` / raw binary `COPY`", "reader_reading", ("raw_copy",), 1.4),
    Figure("full extraction as `si_reader`, reconciled / raw binary `COPY`", "reader", ("raw_copy",), 1.4),
    Figure("full extraction through the view / raw binary `COPY`", "view_reading", ("raw_copy",), 1.4),
    Figure("incremental, 0.1 % changed / full", "changed_0.1_reading", ("full_reading",), 0.12),
    Figure("incremental, 0.1 % changed / full, both reconciled", "changed_0.1", ("full",), 0.12),
    Figure("incremental, nothing changed / full", "unchanged_reading", ("full_reading",), 0.08),
    Figure("incremental, nothing changed / full, both reconciled", "unchanged", ("full",), 0.08),
    Figure("full extraction / the fastest other tool", "full_reading", _OTHERS, 0.5),
    Figure("full extraction, reconciled / the fastest other tool", "full", _OTHERS, 0.5),
    Figure("whole refresh / Postgres SQL", "full_refresh", ("published_in_postgres",), 0.2),
    Figure("whole refresh / pandas", "full_refresh", ("published_in_pandas",), 0.5),
    Figure("whole refresh, 0.1 % changed / Postgres SQL", "incremental_refresh", ("published_in_postgres",), 0.03),
    Figure("whole refresh, nothing changed / Postgres SQL", "unchanged_refresh", ("published_in_postgres",), 0.01),
)


def circumstances(place: Place, day: date, rounds: int) -> str:
    """When, where, with what and how often."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    found = [f"{name} {version}" for name in _VERSIONS if (version := _version(name))]
    times = "once" if rounds == 1 else f"medians of {rounds} rounds"
    text = (
        f"{day.isoformat()}: {place.size}; {times}. {_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB,"
        f" {platform.system()} {platform.machine()}; PostgreSQL {place.server.split()[0]}, Python"
        f" {platform.python_version()}, {', '.join(found)}."
    )
    return textwrap.fill(text, 118, break_long_words=False, break_on_hyphens=False)


def measured(results: Sequence[Result], base: str) -> str:
    """A table of what each piece took, and how that compares with the piece `base`."""
    (first,) = [one for one in results if one.piece == base]
    return _table(
        ("what", "seconds", "from - to", "rows", "most memory, MB", f"times {first.title}"),
        [
            (
                one.title,
                f"{one.seconds:.2f}",
                f"{min(one.all_seconds):.2f} - {max(one.all_seconds):.2f}",
                f"{one.rows:,}",
                f"{one.peak_mb:,.0f}",
                f"{one.seconds / first.seconds:.2f}",
            )
            for one in results
        ],
    )


def figures(results: Sequence[Result]) -> str:
    """The ratios to reach, of those that were measured."""
    held = {one.piece: one for one in results}
    rows = []
    for figure in FIGURES:
        beside = [held[name] for name in figure.beside if name in held]
        if figure.piece in held and beside:
            ratio = held[figure.piece].seconds / min(one.seconds for one in beside)
            verdict = "yes" if ratio <= figure.at_most else "no"
            rows.append((figure.words, f"{ratio:.2f}", f"{figure.at_most:g}", verdict))
    return _table(("ratio", "measured", "at most", "reached"), rows)


def grown(sizes: Iterable[tuple[Place, Sequence[Result]]]) -> str:
    """One row for each size, one column for each piece."""
    listed = list(sizes)
    titles = [one.title for one in listed[0][1]]
    rows = [
        (f"{place.deals:,}", f"{place.transactions:,}", *(f"{one.seconds:.2f}" for one in results))
        for place, results in listed
    ]
    return _table(("deals", "transactions", *titles), rows)


def bounded(place: Place, limit: str, found: Measured) -> str:
    """The one row of the run with little memory."""
    rows = [(f"{place.transactions:,}", limit, f"{found.seconds:.0f}", f"{found.peak_mb:,.0f}")]
    return _table(("transactions", "`SI_MEMORY_LIMIT`", "seconds", "most memory of the process, MB"), rows)


def added(found: Iterable[Overhead]) -> str:
    """What Dagster adds to a refresh, one row for each number of metrics."""
    rows = [
        (
            str(one.metrics),
            *(f"{seconds:.2f}" for seconds in (one.command_seconds, one.dagster_seconds, one.more)),
            f"{one.more_work:.2f}",
            "yes" if one.reached else "no",
        )
        for one in found
    ]
    return _table(
        (
            "metrics",
            "`si refresh`, s",
            "through Dagster, s",
            "more, s",
            "more of the processor, s",
            "at most 10 s more",
        ),
        rows,
    )


def loaded(found: Loading) -> str:
    """What loading the code location takes, beside an empty one."""
    row = (
        *(f"{seconds:.2f}" for seconds in (found.empty_seconds, found.seconds, found.more, found.more_work)),
        "yes" if found.reached else "no",
    )
    titles = ("an empty code location, s", "ours, s", "more, s", "more of the processor, s", "less than 3 s more")
    return _table(titles, [row])


def costs(found: Iterable[Cost]) -> str:
    """What publications took, a row for each."""
    rows = [
        (one.words, f"{one.rows:,}", f"{statistics.median(one.seconds):.2f}", _range(one.seconds, 2)) for one in found
    ]
    return _table(("what", "rows written", "seconds", "from - to"), rows)


def waited(found: Iterable[Waits]) -> str:
    """The longest waits of other sessions, a row for each session and size."""
    rows = [
        (name, f"{one.rows:,}", f"{one.seconds:.2f}", *(f"{1000 * each:,.0f}" for each in (one.quiet[name], longest)))
        for one in found
        for name, longest in one.published.items()
    ]
    return _table(
        ("session", "rows written", "publishing, s", "longest wait before, ms", "longest wait meanwhile, ms"), rows
    )


def delayed(found: Iterable[Delay]) -> str:
    """How long a change took to the published rank, a row for each debounce."""
    rows = [
        (f"`--debounce {one.debounce}`", f"{one.median:.1f}", _range(one.seconds), _range(one.refreshing))
        for one in found
    ]
    return _table(("", "seconds from commit to rank", "from - to", "of which the refresh"), rows)


def sliced(found: Iterable[Timed]) -> str:
    """What slices take, a row for each, beside the same query written by hand."""
    rows = [(one.title, f"{one.ours * 1000:,.0f}", f"{one.by_hand * 1000:,.0f}", f"{one.ratio:.1f}") for one in found]
    return _table(("question", "`warehouse.measure`, ms", "by hand, ms", "times as long"), rows)


def _range(values: Sequence[float], digits: int = 1) -> str:
    return f"{min(values):.{digits}f} - {max(values):.{digits}f}"


def write(page: Path, blocks: dict[str, str]) -> None:
    """Put each block between its markers on the page; the other blocks stay as they are."""
    text = page.read_text(encoding="utf-8")
    for name, block in blocks.items():
        pattern = re.compile(rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
        found = pattern.search(text)
        if not found:
            raise ValueError(f"{page} has no place for {name}: it lacks <!-- begin {name} --> or <!-- end {name} -->")
        begin, end = found.group(1), found.group(2)
        text = f"{text[: found.start()]}{begin}{block.strip()}\n{end}{text[found.end() :]}"
    page.write_text(text, encoding="utf-8")


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
