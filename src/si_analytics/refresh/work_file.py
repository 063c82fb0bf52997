"""The file a refresh works on: a copy of the published one or an empty one, brought to a new snapshot of Postgres.

Belongs here: which of the two it is, and reading into it, with retries of interrupted reads.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

import duckdb
import tenacity

from si_analytics import extract, warehouse
from si_analytics.errors import InterruptedReadError, LockedError, ServerError, UsageError
from si_analytics.extract import TableExtract
from si_analytics.extract.incremental import Baseline
from si_analytics.extract.source import Snapshot
from si_analytics.postgres import locks
from si_analytics.refresh import run_log
from si_analytics.settings import Settings

EVERY_ROW = "every row was asked for"
_ATTEMPTS = 4
_LONGEST_WAIT = 8.0


def _worth_another_try(state: tenacity.RetryCallState) -> bool:
    """Whether Postgres broke off; after the first attempt also if it cannot be reached, for it may be restarting."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, LockedError):
        return False  # the wait for that lock is already over
    return isinstance(error, InterruptedReadError if state.attempt_number == 1 else ServerError)


@dataclass
class WorkingFile:
    """The working file of one refresh: `open_copy` or `open_empty` it; `close` drops it unless it was published.

    ``interrupted`` is called at each break, with the number of the attempt and the seconds until the next; ``waiting``
    is called with whose lock is waited for. ``sleep`` does the waiting.
    """

    settings: Settings
    interrupted: Callable[[int, float], None]
    waiting: locks.Said
    sleep: Callable[[float], None] = time.sleep
    _connection: duckdb.DuckDBPyConnection | None = field(default=None, init=False)
    _baseline: Baseline | None = field(default=None, init=False)
    _reason: str = field(default=EVERY_ROW, init=False)

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The file, open for writing."""
        if self._connection is None:
            raise UsageError("a step of a refresh", "the refresh is not open", "Use it as a context manager")
        return self._connection

    @property
    def of(self) -> UUID | None:
        """The refresh whose results the file holds beside rows that have gone on from it; None if there is none."""
        return self._baseline.refresh_id if self._baseline else None

    def open_copy(self) -> bool:
        """Work on a copy of the published file; returns False, and opens nothing, if there is none."""
        self._connection = warehouse.copy_to_working(self.settings)
        return self._connection is not None

    def open_for_changes(self) -> None:
        """Work on a copy if changes can be read into it, on an empty file if not."""
        if not self.open_copy():
            self.open_empty("nothing was read before")
            return
        baseline = run_log.baseline(self.connection)
        if isinstance(baseline, str):
            self.open_empty(baseline)
        else:
            self._baseline = baseline

    def open_empty(self, reason: str = EVERY_ROW) -> None:
        """Work on an empty file, for the `reason` given; only the records are copied into it."""
        self.close()
        self._baseline, self._reason = None, reason
        self._connection = warehouse.create_working(self.settings)
        run_log.carry_over(self._connection, self.settings)

    def read(self, done: Callable[[TableExtract], None]) -> tuple[Snapshot, list[TableExtract]]:
        """Bring every table to one new snapshot. Retries interrupted reads, with growing pauses."""
        again = tenacity.Retrying(
            retry=_worth_another_try,
            stop=tenacity.stop_after_attempt(_ATTEMPTS),
            wait=tenacity.wait_exponential(max=_LONGEST_WAIT),
            sleep=self.sleep,
            before_sleep=self._heard_of_a_break,
            reraise=True,
        )
        return again(self._read_unlocked, done)

    def release(self) -> None:
        """Close the file but leave it in place, to be published."""
        self.connection.close()
        self._connection = None

    def close(self) -> None:
        """Close the file, and remove it unless it was published."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        warehouse.discard_working(self.settings)

    def _read_unlocked(self, done: Callable[[TableExtract], None]) -> tuple[Snapshot, list[TableExtract]]:
        """Read; while another session locks a table, retry with a new snapshot for as long as the settings allow."""
        try:
            return locks.patiently(
                lambda: self._read(done),
                LockedError,
                wait=locks.at_once(self.settings),
                patience=self.settings.lock_timeout,
                said=lambda error, seconds: self.waiting(str(getattr(error, "found", error)), seconds),
                sleep=self.sleep,
            )
        except LockedError as error:
            raise locks.given_up(error, self.settings) from error

    def _read(self, done: Callable[[TableExtract], None]) -> tuple[Snapshot, list[TableExtract]]:
        """Read what changed within one snapshot, or everything if changes cannot be told."""
        with (
            warehouse.writing_back(self.settings),
            warehouse.published_beside(self.connection, self.settings),
            extract.snapshot(self.connection, self.settings) as reading,
        ):
            against = self._against(reading)
            if against is None:
                run_log.leave_results_behind(self.connection)
                reading = extract.ask_log(self.connection, reading, self._baseline, self.settings)  # noqa: PLW2901
                return reading.snapshot, extract.read(self.connection, reading, self._baseline, self._reason, done)
        self.open_empty(against)
        return self._read(done)

    def _against(self, reading: extract.Reading) -> str | None:
        """Why changes cannot be told, or None if they can."""
        if self._baseline is None:
            return None
        return extract.against(self.connection, reading, self._baseline, self.settings)

    def _heard_of_a_break(self, state: tenacity.RetryCallState) -> None:
        self.interrupted(state.attempt_number, state.next_action.sleep if state.next_action else 0.0)
