"""`make bench`: time the refresh and its extraction, each beside a peer in the same run.

Belongs here: measuring only; what is measured lives in the library. A figure is a ratio, the median of
several runs taken in turn, because machines differ and are noisy. May import: `si_analytics`.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import psycopg
import typer
from rich.console import Console
from rich.table import Table

from benchmarks import peers
from si_analytics import embedded, extract, refresh, sample, schema, sql, warehouse
from si_analytics.settings import Settings

console = Console()


def timed(work: Callable[[], object]) -> float:
    """Seconds that `work` takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def medians(rounds: int, **work: Callable[[], object]) -> dict[str, float]:
    """Median seconds of each piece of work, taken in turn so that a busy moment hits them alike."""
    seconds: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds):
        for name, piece in work.items():
            seconds[name].append(timed(piece))
    return {name: statistics.median(found) for name, found in seconds.items()}


def extract_transactions(settings: Settings) -> None:
    """Read the columns of transactions into an empty warehouse file, as a refresh does, and count them."""
    connection = warehouse.create_working(settings)
    try:
        with extract.snapshot(connection, settings):
            connection.sql(sql.read("extract", "transactions").text).create("raw.transactions")
    finally:
        connection.close()
        warehouse.discard_working(settings)


def measure(settings: Settings, rounds: int) -> list[tuple[str, float, str, float]]:
    """Rows of the table: what, its seconds, the peer, the peer's seconds."""
    url = settings.postgres_url.get_secret_value() if settings.postgres_url else ""
    with psycopg.connect(url, autocommit=True) as connection:
        reading = medians(
            rounds,
            ours=lambda: extract_transactions(settings),
            peer=lambda: peers.copy_transactions(connection),
        )
        whole = medians(
            rounds,
            ours=lambda: refresh.run(settings, as_of=sample.END),
            peer=lambda: peers.figures_in_postgres(connection, sample.END),
        )
    return [
        ("full extraction of transactions", reading["ours"], "raw binary COPY, discarded", reading["peer"]),
        ("whole refresh, every metric", whole["ours"], "leaderboard and brands in Postgres SQL", whole["peer"]),
    ]


def main(
    scale: Annotated[float, typer.Option(help="Size of the sample; 40 is a million transactions.")] = 40.0,
    rounds: Annotated[int, typer.Option(help="How often each piece is timed.")] = 3,
) -> None:
    """Measure on a sample marketplace in a server of its own, and print ratios."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        server = embedded.start(home / "postgres")
        try:
            settings = Settings(_env_file=None, postgres_url=server.url, home=home, warehouse=home / "warehouse.duckdb")  # type: ignore[call-arg, arg-type]
            schema.apply(settings)
            report = sample.generate(settings, scale=scale, seed=1)
            table = Table(title=f"Scale {scale:g}: {sum(report.rows.values()):,} rows; median of {rounds}")
            for column in ("what", "seconds", "beside", "seconds", "ratio"):
                table.add_column(column, justify="left" if column in {"what", "beside"} else "right")
            for what, ours, peer, theirs in measure(settings, rounds):
                table.add_row(what, f"{ours:.2f}", peer, f"{theirs:.2f}", f"{ours / theirs:.2f}")
            console.print(table)
        finally:
            embedded.stop(home / "postgres")


if __name__ == "__main__":
    typer.run(main)
