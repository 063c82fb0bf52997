"""Refreshes in processes of their own, quick enough to be killed by the dozen.

Belongs here: a process that has imported the library, has done nothing else and therefore may fork, and does so for
each refresh it is told of; with it a reader that looks all the while.

The process that runs the tests has threads of databases in it and must not fork. It starts this one, writes a line
of JSON for each job and reads one in answer. Nothing waits for ever: who takes longer than `LONGEST` is killed.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.folders import ROOT

LONGEST = 60.0
BEFORE, AFTER = "before the rename", "after the rename"


@dataclass(frozen=True)
class Ended:
    """How a refresh came to its end: its exit code or minus the signal, seconds, what it had told, what it wrote."""

    code: int
    seconds: float
    steps: tuple[tuple[str, str], ...]
    said: str

    @property
    def killed(self) -> bool:
        return self.code == -signal.SIGKILL


@dataclass
class Forks:
    """The process that forks; `url` and `warehouse` say for which database."""

    process: subprocess.Popen[str]

    def refresh(self, *, seconds: float | None = None, at: tuple[str, str] | None = None) -> Ended:
        """A refresh, killed after so many `seconds` or right at a step, or let be."""
        return Ended(**self._ask({"job": "refresh", "seconds": seconds, "at": at}))

    def command(self, *arguments: str, file_bytes: int | None = None) -> Ended:
        """The command line, in a process that may not write a file longer than `file_bytes`: as on a full disk."""
        return Ended(**self._ask({"job": "command", "arguments": arguments, "file_bytes": file_bytes}))

    def watch(self) -> None:
        """Have a reader begin to look."""
        self._ask({"job": "watch"})

    def watched(self) -> dict[str, Any]:
        """Have the reader end, and tell what it saw."""
        return self._ask({"job": "watched"})

    def _ask(self, job: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        ready, _, _ = select.select([self.process.stdout], [], [], 2 * LONGEST)
        assert ready, f"no answer to {job}"
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer


@contextmanager
def forking(url: str, home: Path, warehouse: Path, *, kept_days: int | None = None) -> Iterator[Forks]:
    """Such a process for the length of the block, with the settings given and no others."""
    # Threads that a library starts when it is imported are not there in a fork: it is told to start none.
    quiet = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")
    given = {"SI_POSTGRES_URL": url, "SI_HOME": str(home), "SI_WAREHOUSE": str(warehouse)}
    given |= {} if kept_days is None else {"SI_KEPT_DAYS": str(kept_days)}
    plain = {name: value for name, value in os.environ.items() if not name.startswith("SI_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.forks"],
        cwd=ROOT,
        env={**plain, **quiet, **given},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Forks(process)
    finally:
        process.kill()
        process.communicate()


def main() -> None:
    """Do each job that standard input names."""
    import scipy.stats  # noqa: F401 - what a refresh imports when it first needs it, all of them need

    from si_analytics import refresh, sample  # noqa: F401 - and so with these
    from si_analytics.compute import metrics
    from si_analytics.settings import Settings
    from tests.support import agreement

    # Read once, as far as that starts no thread: an eighth of what a refresh takes, and it is killed in what it does.
    metrics.names()

    settings = Settings(_env_file=None)  # type: ignore[call-arg]
    stop, told, reader = -1, -1, -1
    for line in sys.stdin:
        job = json.loads(line)
        answer: dict[str, Any] = {}
        if job["job"] == "watch":
            heard, stop = os.pipe()
            told, telling = os.pipe()
            reader = _forked(lambda heard=heard, telling=telling: agreement.watch(settings, heard, telling), stop, told)
            os.close(heard)
            os.close(telling)
        elif job["job"] == "watched":
            os.close(stop)
            answer = json.loads(_read(told, time.monotonic() + LONGEST) or '{"broken": ["the reader never answered"]}')
            os.kill(reader, signal.SIGKILL)
            os.waitpid(reader, 0)
        elif job["job"] == "refresh":
            at = tuple(job["at"]) if job["at"] else None
            answer = _ended(lambda tell, at=at: _refresh(settings, tell, at), job["seconds"])
        else:
            answer = _ended(lambda tell, job=job: _command(job, tell), None)
        print(json.dumps(answer), flush=True)


def _forked(work: Callable[[], int | None], *ours: int) -> int:
    """A child that does `work` and ends with what that gives; it does not hold `ours` open."""
    number = os.fork()
    if number:
        return number
    code = 1
    try:
        for handle in ours:
            os.close(handle)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        code = work() or 0
    except BaseException as error:  # noqa: BLE001 - the child ends here whatever happened, and says what
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        sys.stderr.flush()
    finally:
        os._exit(code)


def _ended(work: Callable[[int], int | None], seconds: float | None) -> dict[str, Any]:
    """A child's end: of its own, or by the signal after so many seconds."""
    heard, tell = os.pipe()
    started = time.monotonic()
    number = _forked(lambda: work(tell), heard)
    os.close(tell)
    text = _read(heard, started + (LONGEST if seconds is None else seconds))
    os.kill(number, signal.SIGKILL)  # where it has ended, it only waits to be asked how
    _, status = os.waitpid(number, 0)
    took = time.monotonic() - started
    said = [line for line in text.splitlines() if not line.startswith("step ")]
    steps = [line.split()[1:] for line in text.splitlines() if line.startswith("step ")]
    return {"code": os.waitstatus_to_exitcode(status), "seconds": took, "steps": steps, "said": "\n".join(said)}


def _read(handle: int, deadline: float) -> str:
    """All that is written until the other side is closed, or the time is up; closes it."""
    parts = []
    while (left := deadline - time.monotonic()) > 0 and select.select([handle], [], [], left)[0]:
        part = os.read(handle, 1 << 16)
        if not part:
            break
        parts.append(part)
    os.close(handle)
    return b"".join(parts).decode()


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _refresh(settings: Any, tell: int, at: tuple[str, str] | None) -> None:
    from si_analytics import refresh, sample

    os.dup2(tell, 1)
    os.dup2(tell, 2)

    def listen(phase: str, name: str, rows: int, seconds: float) -> None:
        os.write(tell, f"step {phase} {name}\n".encode())
        if (phase, name) == at:
            _die()

    if at in ((BEFORE, ""), (AFTER, "")):
        _die_at_the_rename(settings.warehouse, at[0])  # type: ignore[index]
    refresh.run(settings, as_of=sample.END, listen=listen)


def _die_at_the_rename(warehouse: Path, when: str) -> None:
    """The interpreter tells of a rename right before it, and of the folder being opened right after."""
    renamed = []

    def heard(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "os.rename" and str(arguments[1]) == str(warehouse):
            renamed.append(event)
            if when == BEFORE:
                _die()
        elif event == "open" and renamed and str(arguments[0]) == str(warehouse.parent):
            _die()

    sys.addaudithook(heard)


def _command(job: dict[str, Any], tell: int) -> int:
    from si_analytics.cli import app

    os.dup2(tell, 1)
    os.dup2(tell, 2)
    if job["file_bytes"] is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (job["file_bytes"], job["file_bytes"]))
    code = app.run(tuple(job["arguments"]))
    sys.stdout.flush()
    sys.stderr.flush()
    return code


if __name__ == "__main__":
    main()
