"""What is handed to the process that does one piece of work, and what it answers.

Belongs here: the two records and their form as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from si_analytics.settings import Settings


@dataclass(frozen=True)
class Task:
    """Which database, in which folder to leave things, and as of when. ``home`` stays from round to round."""

    url: str
    home: str
    scratch: str
    as_of: str
    memory_limit: str | None = None

    @property
    def moment(self) -> datetime:
        """The moment that numbers describe."""
        return datetime.fromisoformat(self.as_of)

    @property
    def settings(self) -> Settings:
        """The same for the library: its warehouse lies in ``home``."""
        home = Path(self.home)
        return Settings(
            _env_file=None,  # type: ignore[call-arg]
            postgres_url=self.url,  # type: ignore[arg-type]
            home=home,
            warehouse=home / "warehouse.duckdb",
            memory_limit=self.memory_limit,
        )

    def as_json(self) -> str:
        """For standard input: an address may hold a password, which a command line would show."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Task:
        """The task that was written with `as_json`."""
        return cls(**json.loads(text))


@dataclass(frozen=True)
class Measured:
    """What one piece of work took: seconds, the rows it came to, and the most memory its process held."""

    seconds: float
    rows: int
    peak_mb: float


@dataclass(frozen=True)
class Work:
    """A piece of work, ready to start: ``run`` is timed, ``after`` is not."""

    run: Callable[[], int]
    after: Callable[[], None] | None = None
