"""No room on the disk, and places that cannot be written to: one sentence, nothing changed, and the next run is right.

A limit on the length of files stands for the full disk. It needs no rights and no other file system, and what the
operating system then says goes the same way; where a file system can be mounted there is a real one as well.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from si_analytics import refresh, sample
from si_analytics.settings import Settings
from tests.support import worlds
from tests.support.forks import Ended, Forks, forking
from tests.support.interruptions import files, state
from tests.support.published_tables import assert_published, connection_to

REFRESH = ("refresh", "--as-of", sample.END.isoformat())


@pytest.fixture(scope="module")
def filled(
    create_database: Callable[..., str], schema_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    """A marketplace that was refreshed and changed since: the next refresh has something to write."""
    home = tmp_path_factory.mktemp("full")
    url = create_database(schema_template)
    made = Settings(_env_file=None, postgres_url=url, home=home, warehouse=home / "w" / "w.duckdb")  # type: ignore[call-arg, arg-type]
    sample.generate(made, scale=0.01, seed=23)
    refresh.run(made, as_of=sample.END)
    with connection_to(made) as postgres:
        postgres.execute("update transactions set amount = amount + 1 where status = 'completed'")
    return made


@pytest.fixture(scope="module")
def forks(filled: Settings) -> Iterator[Forks]:
    assert filled.postgres_url is not None
    with forking(filled.postgres_url.get_secret_value(), filled.home, filled.warehouse) as started:
        yield started


@pytest.fixture
def postgres(filled: Settings) -> Iterator[psycopg.Connection]:
    with connection_to(filled) as connection:
        yield connection


def error_of(ended: Ended) -> str:
    """The one sentence that a command ended with."""
    assert ended.code == 1, ended.said
    told = [line for line in ended.said.splitlines() if line.startswith("error: ")]
    assert len(told) == 1
    assert ended.said.splitlines()[-1] == told[0]
    assert "nobody foresaw" not in told[0]
    assert "Traceback" not in ended.said
    return told[0]


def held(settings: Settings) -> dict[str, bytes]:
    return files(settings.model_copy(update={"home": settings.warehouse.parent}))


@pytest.mark.parametrize(("share", "full"), [(0.0, True), (0.3, True), (0.9, True), (0.5, False), (1.0, False)])
def test_a_disk_that_fills_up_at_any_point_is_one_sentence_before_anything_is_published(
    filled: Settings, forks: Forks, postgres: psycopg.Connection, share: float, full: bool
) -> None:
    """At the first byte, in the middle, at the end; while a copy of the last warehouse is made, and after."""
    before, stood = state(postgres), held(filled)
    room = int(filled.warehouse.stat().st_size * share)
    told = error_of(forks.command(*REFRESH, *(["--full"] if full else []), file_bytes=room))
    assert told.startswith(f"error: writing the warehouse {filled.warehouse}.working: File too large. Check")
    assert state(postgres) == before
    assert held(filled) == stood


def test_a_real_file_system_that_is_full_is_told_the_same_way(
    filled: Settings, forks: Forks, postgres: psycopg.Connection, tmp_path: Path
) -> None:
    """Where the machine lets us mount one; elsewhere `/dev/full` at least refuses what is printed."""
    small = tmp_path / "small"
    small.mkdir()
    mount = shutil.which("mount")
    mounted = (
        mount
        and not subprocess.run(
            [mount, "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(small)], capture_output=True, check=False
        ).returncode
    )
    if not mounted:
        with Path("/dev/full").open("wb") as full:
            ended = subprocess.run(
                [sys.executable, "-m", "si_analytics", "metric", "agent_leaderboard"],
                env={**os.environ, "SI_HOME": str(filled.home), "SI_WAREHOUSE": str(filled.warehouse)},
                stdout=full,
                stderr=subprocess.PIPE,
                check=False,
            )
        assert ended.returncode == 1
        assert b"No space left on device" in ended.stderr
        return
    try:
        assert filled.postgres_url is not None
        before = state(postgres)
        with forking(filled.postgres_url.get_secret_value(), filled.home, small / "w.duckdb") as there:
            told = error_of(there.command(*REFRESH))
        assert "No space left on device. Check the folder and disk" in told
        assert [path.name for path in small.iterdir()] == ["w.duckdb.lock"]
        assert state(postgres) == before
    finally:
        subprocess.run(["umount", str(small)], check=True)


@pytest.mark.parametrize("taken", ["", ".working", ".lock"])
def test_a_warehouse_that_cannot_be_written_is_one_sentence_for_root_as_for_anybody(
    filled: Settings, postgres: psycopg.Connection, tmp_path: Path, taken: str
) -> None:
    """Its folder is a file; or a folder lies where its working file, or its lock, is to be."""
    place = tmp_path / "place"
    if taken:
        (place / f"w.duckdb{taken}" / "something").mkdir(parents=True)
    else:
        place.write_text("a file")
    before = state(postgres)
    assert filled.postgres_url is not None
    with forking(filled.postgres_url.get_secret_value(), filled.home, place / "w.duckdb") as there:
        told = error_of(there.command(*REFRESH))
    assert told.startswith(f"error: writing the warehouse {place / 'w.duckdb'}")
    assert state(postgres) == before


def test_exports_without_room_or_place_are_one_sentence_and_leave_the_old_file(
    filled: Settings, forks: Forks, tmp_path: Path
) -> None:
    page, tables = tmp_path / "page.html", tmp_path / "tables"
    page.write_text("the old page")
    blocked = tmp_path / "a file"
    blocked.write_text("")
    assert str(page) in error_of(forks.command("export", "dashboard", "--out", str(page), file_bytes=10_000))
    assert str(tables) in error_of(forks.command("export", "tables", "--out", str(tables), file_bytes=100))
    assert str(blocked) in error_of(forks.command("export", "dashboard", "--out", str(blocked / "page.html")))
    assert str(blocked) in error_of(forks.command("export", "tables", "--out", str(blocked / "tables")))
    assert page.read_text() == "the old page"
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == {blocked, page}


def test_once_there_is_room_the_next_refresh_is_right(
    filled: Settings, forks: Forks, postgres: psycopg.Connection
) -> None:
    assert forks.command(*REFRESH).code == 0
    assert_published(postgres, worlds.read(postgres), sample.END)
