"""Refreshes that are broken off, and what they leave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import psycopg

from si_analytics import sample
from si_analytics.refresh import Refresh, StepListener
from si_analytics.settings import Settings


def state(postgres: psycopg.Connection) -> list[object]:
    """All that a refresh publishes."""
    relations = (
        "analytics.refreshes",
        "public.agent_leaderboard",
        "public.agent_performance_metrics",
        "agent_profiles",
    )
    return [postgres.execute(f"select * from {name} order by 1").fetchall() for name in relations]


def run(settings: Settings, waits: Waits, listen: StepListener | None = None) -> None:
    with Refresh(settings, sample.END, **({"listen": listen} if listen else {}), full=True, sleep=waits) as running:
        running.extract()
        running.publish()
        running.finish()


@dataclass
class Breaker:
    """A listener that does something to the server when the first tables are read, as many times as it is told."""

    breaking: Callable[[], object]
    times: int
    after: str = "contacts"
    phase: str = "extract"
    broken: int = 0
    phases: list[tuple[str, str]] = field(default_factory=list)

    def __call__(self, phase: str, name: str, rows: int, seconds: float) -> None:
        self.phases.append((phase, name))
        if (phase, name) == (self.phase, self.after) and self.broken < self.times:
            self.broken += 1
            self.breaking()


@dataclass
class Waits:
    """What a refresh sleeps with; waits for nothing and keeps what was asked for."""

    asked: list[float] = field(default_factory=list)

    def __call__(self, seconds: float) -> None:
        self.asked.append(seconds)


def files(settings: Settings) -> dict[str, bytes]:
    """The files of a home, but for locks and for the spare, which a refresh that fails may have used up."""
    held = (path for path in settings.home.rglob("*") if path.is_file() and path.suffix not in {".lock", ".spare"})
    return {str(path.relative_to(settings.home)): path.read_bytes() for path in held}
