"""Where the tests write: in memory, where the machine has a file system there that will do.

The tests make hundreds of databases and warehouses and throw all of them away: on a disk, a third of their time went
into writing what nobody reads again.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

PLACE = Path("/dev/shm")
ROOM = 6 * 2**30
"""Bytes that must be free there and in memory: twice what a run with three workers was seen to fill (2.6 GiB)."""
_NAME = "si-tests-of-"


def folder() -> Path | None:
    """A new folder in memory; none where somebody chose a place (``TMPDIR``), or where there is no room for it.

    What test runs left that were killed goes first: it takes memory until the machine is started anew.
    """
    if "TMPDIR" in os.environ or not _will_do():
        return None
    for left in PLACE.glob(f"{_NAME}*"):
        if left.stat().st_uid == os.geteuid() and not Path("/proc", left.name.removeprefix(_NAME)).exists():
            shutil.rmtree(left)
    made = PLACE / f"{_NAME}{os.getpid()}"
    made.mkdir()
    made.chmod(0o755)  # as root, servers run as other accounts, which have to pass
    return made


def write_below(made: Path) -> None:
    """Let whatever this process and those it starts write for a while be written in that folder."""
    os.environ["TMPDIR"] = str(made)
    tempfile.tempdir = None  # asked for anew


def _will_do() -> bool:
    """Whether programs may be run from there, and there is room."""
    if not PLACE.is_dir() or not os.access(PLACE, os.W_OK | os.X_OK):
        return False
    told = os.statvfs(PLACE)
    return not told.f_flag & os.ST_NOEXEC and min(told.f_bavail * told.f_frsize, _free_memory()) >= ROOM


def _free_memory() -> int:
    """Bytes that could be had without another program having to give any up."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    kilobytes = {name: int(value.split()[0]) for name, _, value in (line.partition(":") for line in lines)}
    return 1024 * kilobytes["MemAvailable"]
