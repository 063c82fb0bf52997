"""The process that answers one question and ends: ``python -m si_analytics.mcp.worker``.

Belongs here: reading the question from standard input, keeping this process within its limits, and writing the answer,
or the sentence that says why there is none. It is told one file, the copy, and writes none.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from si_analytics.errors import AnalyticsError, UsageError
from si_analytics.mcp import verbs
from si_analytics.settings import Settings

_ROOM = 2  # in sizes of the memory allowed: a process reserves addresses that it never fills
_SPILLS = ("File too large", "temporary file")


def main() -> None:
    """Say that it is ready, then answer the question on standard input; end without one if nobody asks."""
    print(flush=True)
    given = sys.stdin.read()
    if not given:
        return
    question = json.loads(given)
    using = _settings(Path(question["warehouse"]), question["memory"])
    _limit(question["seconds"], question["bytes"])
    json.dump(_answered(using, question), sys.stdout, ensure_ascii=False)
    sys.stdout.flush()


def _answered(using: Settings, question: Mapping[str, Any]) -> dict[str, Any]:
    """The answer, or the three parts of an error."""
    try:
        return {"answer": verbs.TOOLS[question["tool"]](using, question["rows"], **question["arguments"])}
    except AnalyticsError as error:
        refused = _too_large(question["memory"]) if _is_too_large(error) else error
    except MemoryError:
        refused = _too_large(question["memory"])
    except Exception as error:  # noqa: BLE001 - an assistant gets a sentence, whatever went wrong
        known = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        found = f"it failed in a way nobody foresaw ({known})"
        refused = UsageError(f"the tool {question['tool']}", found, "Ask in another way, and report it")
    return {"error": (refused.asked, refused.found, refused.remedy)}


def _settings(path: Path, memory: str) -> Settings:
    """Settings for the copy alone: the environment's settings are not for this process."""
    return Settings.model_construct(
        postgres_url=None, home=path.parent, warehouse=path, currency="usd", timezone="UTC", memory_limit=memory
    )


def _limit(seconds: int, size: int) -> None:
    """Let the system end this process when its time is up, even if nobody is left to do it; let it write no file."""
    signal.alarm(seconds + 1)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() if _is_linux() else None
    if taken is not None:  # elsewhere the system does not keep to it
        resource.setrlimit(resource.RLIMIT_AS, (taken + _ROOM * size, taken + _ROOM * size))


def _is_linux() -> bool:
    return sys.platform == "linux"


def _is_too_large(error: AnalyticsError) -> bool:
    """Whether a query did not fit into memory; one that may write files would have gone on in one."""
    cause = error.__cause__
    spilled = isinstance(cause, duckdb.Error) and any(sign in str(cause) for sign in _SPILLS)
    return spilled or isinstance(cause, duckdb.OutOfMemoryException)


def _too_large(memory: str) -> UsageError:
    return UsageError("the question", f"it needs more than the {memory} of memory it may use", TOO_LARGE)


TOO_LARGE = "Ask for fewer rows or columns at once; more memory: si mcp --memory"
"""What to do about a question that needs too much memory."""


if __name__ == "__main__":
    main()
