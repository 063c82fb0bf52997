"""Asks one question in a process of its own, which ends with the answer or when its time is up.

Belongs here: the limits, starting that process, and telling why it gave no answer. DuckDB cannot be stopped while it
computes one large value; a process always can.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from si_analytics.errors import UsageError
from si_analytics.mcp import worker
from si_analytics.mcp.answers import Answer
from si_analytics.mcp.copying import Copy
from si_analytics.settings import size

AT_ONCE = 2
"""How many questions are answered at the same time; others wait."""

_PASSED_ON = ("PATH", "PYTHONPATH", "PYTHONHOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SYSTEMROOT")
_SMALL = {
    "MALLOC_ARENA_MAX": "2",
    "POLARS_MAX_THREADS": "2",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONIOENCODING": "utf-8",
}


@dataclass(frozen=True)
class Limits:
    """What one question may take: seconds, rows of the answer, memory."""

    seconds: int = 30
    rows: int = 1000
    memory: str = "1GB"


class Asking:
    """Asks the copy within the limits. Used in a ``with`` block, which ends the process that waits for a question.

    One process waits at any time: starting it takes longer than most answers.
    """

    def __init__(self, copy: Copy, limits: Limits = Limits()) -> None:
        self._copy, self._limits = copy, limits
        self._turns = threading.Semaphore(AT_ONCE)
        self._waiting: queue.SimpleQueue[Child] = queue.SimpleQueue()

    def __enter__(self) -> Asking:
        self._waiting.put(Child(self._copy.folder))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while not self._waiting.empty():
            self._waiting.get().end()

    def __call__(self, tool: str, rows: int, arguments: Mapping[str, Any]) -> Answer:
        """The answer of a tool, of at most `rows` rows; raises UsageError with the sentence that it gave instead."""
        question = {
            "warehouse": str(self._copy.current()),
            "tool": tool,
            "rows": min(rows, self._limits.rows),
            "seconds": self._limits.seconds,
            "memory": self._limits.memory,
            "bytes": size(self._limits.memory),
            "arguments": dict(arguments),
        }
        with self._turns:
            said = self._answered(json.dumps(question))
        if "error" in said:
            raise UsageError(*said["error"])
        answer: Answer = said["answer"]
        return answer

    def _answered(self, question: str) -> dict[str, Any]:
        child = self._next()
        try:
            code, said = child.answer(question, self._limits.seconds)
        except subprocess.TimeoutExpired:
            raise self._late() from None
        finally:
            child.end()
        if code == -signal.SIGALRM:
            raise self._late()
        if code:
            raise self._ended(code)
        answered: dict[str, Any] = json.loads(said)
        return answered

    def _next(self) -> Child:
        """The process that waits, and another one in its place."""
        try:
            return self._waiting.get_nowait()
        except queue.Empty:
            return Child(self._copy.folder)
        finally:
            self._waiting.put(Child(self._copy.folder))

    def _late(self) -> UsageError:
        return UsageError(
            "the question",
            f"it took longer than {self._limits.seconds} seconds and was stopped",
            "Ask for a shorter period or fewer rows; more time: si mcp --seconds",
        )

    def _ended(self, code: int) -> UsageError:
        found = f"its process ended without an answer (code {code}), most likely for lack of memory"
        return UsageError("the question", f"{found}; it may use {self._limits.memory}", worker.TOO_LARGE)


class Child:
    """A process for one question, with a folder of its own below `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = tempfile.mkdtemp(dir=folder)
        self._process = subprocess.Popen(
            [sys.executable, "-m", worker.__name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=self._folder,
            env=_environment(self._folder),
            encoding="utf-8",
        )

    def answer(self, question: str, seconds: int) -> tuple[int, str]:
        """The exit code, and what it wrote; raises TimeoutExpired `seconds` after it was ready to answer."""
        assert self._process.stdout is not None
        self._process.stdout.readline()
        said, _ = self._process.communicate(question, timeout=seconds)
        return self._process.returncode, said

    def end(self) -> None:
        """Stop it, whatever it does, and remove its folder."""
        self._process.kill()
        with self._process:
            pass
        shutil.rmtree(self._folder, ignore_errors=True)


def _environment(home: str) -> dict[str, str]:
    """What the process finds in its environment: no setting, no address, no password."""
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    if "PYTHONPATH" in passed:  # the process runs in another folder
        entries = passed["PYTHONPATH"].split(os.pathsep)
        passed["PYTHONPATH"] = os.pathsep.join(str(Path(one).absolute()) for one in entries)
    return passed | _SMALL | {"HOME": home}
