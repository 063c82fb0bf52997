"""What `deploy/` holds: services whose programs are there, and a Dagster that keeps its memory in Postgres."""

from __future__ import annotations

import configparser
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest
import yaml

from tests.support.folders import ROOT

DEPLOY = ROOT / "deploy"


def services() -> dict[str, list[str]]:
    """The command of each service."""
    found = {}
    for path in sorted((DEPLOY / "systemd").glob("*.service")):
        unit = configparser.ConfigParser(interpolation=None)
        unit.optionxform = str  # type: ignore[assignment, method-assign]
        unit.read(path, encoding="utf-8")
        found[path.stem] = shlex.split(unit["Service"]["ExecStart"])
    return found


def test_every_service_runs_an_installed_program_and_listens_on_loopback_alone() -> None:
    commands = services()
    assert set(commands) == {"si-dagster-code", "si-dagster-web", "si-dagster-daemon"}
    for command in commands.values():
        assert (Path(sys.executable).parent / Path(command[0]).name).is_file()
        assert command[command.index("--host") + 1 :][:1] == ["127.0.0.1"] if "--host" in command else True
        assert "0.0.0.0" not in command
    assert all("--host" in commands[name] for name in ("si-dagster-code", "si-dagster-web"))
    (location,) = yaml.safe_load((DEPLOY / "workspace.yaml").read_text(encoding="utf-8"))["load_from"]
    code = commands["si-dagster-code"]
    assert code[code.index("--port") + 1] == str(location["grpc_server"]["port"])
    assert location["grpc_server"]["host"] == "127.0.0.1"


def test_the_code_location_is_one_process_that_tells_what_it_cannot_load() -> None:
    """Two would hide the end of one from systemd; one that ends where code is wrong tells nobody in the web UI why."""
    code = services()["si-dagster-code"]
    assert code[1:4] == ["api", "grpc", "--lazy-load-user-code"]
    text = (DEPLOY / "systemd" / "si-dagster-code.service").read_text(encoding="utf-8")
    assert "OOMPolicy=continue" in text and "bin/dagster instance info" in text


def test_no_run_leaves_the_queue_for_a_code_location_that_is_ending() -> None:
    """systemd stops in the reverse of the order it starts in: the daemon first, whoever restarts the code location."""
    text = (DEPLOY / "systemd" / "si-dagster-daemon.service").read_text(encoding="utf-8")
    assert "\nPartOf=si-dagster-code.service\n" in text
    (after,) = (line for line in text.splitlines() if line.startswith("After="))
    assert "si-dagster-code.service" in after.split()


def test_a_server_differs_from_one_machine_in_where_dagster_remembers_alone() -> None:
    server, machine = (
        yaml.safe_load((folder / "dagster.yaml").read_text(encoding="utf-8")) for folder in (DEPLOY, ROOT)
    )
    assert server.pop("storage") == {"postgres": {"postgres_url": {"env": "DAGSTER_POSTGRES_URL"}}}
    del machine["code_servers"]  # there the daemon starts the code itself
    assert server == machine


def test_the_sample_of_the_environment_names_a_login_and_the_folder_that_the_web_server_offers() -> None:
    """si_reader and si_publisher are no logins; files come out readable for the web server's group, and no further."""
    lines = (line.partition("=") for line in (DEPLOY / "si.env").read_text(encoding="utf-8").splitlines())
    sample = {name.lstrip("#"): value for name, _, value in lines}
    assert sample["SI_POSTGRES_URL"].startswith("postgresql://si_metrics:")
    nginx = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    assert f"alias {sample['SI_HOME']}/exports/;" in nginx
    assert sample["EXPORTS_URL"] == f"{sample['ALERT_UI_URL']}/exports"
    assert f"server_name {sample['ALERT_UI_URL'].removeprefix('https://')};" in nginx
    for path in (DEPLOY / "systemd").glob("*.service"):
        text = path.read_text(encoding="utf-8")
        assert "\nRestart=always\n" in text  # also after an end that looks like an ordinary one
        assert "UMask=0027" in text and f"ReadWritePaths={sample['SI_HOME']}" in text


def as_si(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """`as_si` with these words, for a checkout and settings in `folder`, and as the account of this test."""
    text = (DEPLOY / "as_si").read_text(encoding="utf-8")
    text = text.replace("/etc/si/", f"{folder}/").replace("cd /opt/si_analytics", f"cd {folder}")
    account = f"--reuid={os.getuid()} --regid={os.getgid()} --keep-groups"
    text = text.replace("--reuid=si --regid=si --clear-groups", account)
    return subprocess.run(["sh", "-c", text, "as_si", *words], capture_output=True, text=True, check=False)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with a program that shows how it was run, and settings as a server has them."""
    show = tmp_path / ".venv" / "bin" / "show"
    show.parent.mkdir(parents=True)
    show.write_text('#!/bin/sh\nprintf "%s\\n" "$SI_POSTGRES_URL" "$SI_HOME" "$HOME" "$PWD" "$(umask)" "$@"\nexit 7\n')
    show.chmod(0o755)
    settings = "# of a server\nSI_POSTGRES_URL=postgresql://si:a$b@db/m?sslmode=verify-full&options=-c%20x\n\n"
    (tmp_path / "si.env").write_text(f'{settings}#SI_HOME=/nowhere\nSI_HOME="/var/lib/si"')
    (tmp_path / "owner.env").write_text("SI_POSTGRES_URL=postgresql://owner@db/m\n")
    return tmp_path


def test_a_program_run_as_the_services_has_their_settings_letter_by_letter(checkout: Path) -> None:
    done = as_si(checkout, "show", "two words", "$HOME")
    address = "postgresql://si:a$b@db/m?sslmode=verify-full&options=-c%20x"
    shown = [address, "/var/lib/si", "/var/lib/si", str(checkout), "0027", "two words", "$HOME"]
    assert (done.returncode, done.stdout.splitlines(), done.stderr) == (7, shown, "")


def test_a_program_run_as_the_owner_has_the_owner_s_address_alone_from_another_file(checkout: Path) -> None:
    done = as_si(checkout, "--owner", "show")
    assert done.stdout.splitlines()[:2] == ["postgresql://owner@db/m", "/var/lib/si"]
    sample = (DEPLOY / "owner.env").read_text(encoding="utf-8").splitlines()
    assert [line.partition("=")[0] for line in sample if not line.startswith("#")] == ["SI_POSTGRES_URL"]


def test_without_a_program_it_says_how_it_is_used(checkout: Path) -> None:
    done = as_si(checkout, "--owner")
    assert (done.returncode, done.stderr[:6]) == (2, "Usage:")


def test_dagster_keeps_its_runs_in_the_postgres_of_the_environment(
    create_database: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = (DEPLOY / "si.env").read_text(encoding="utf-8")
    (scheme,) = (line.split("=", 1)[1].split(":")[0] for line in sample.splitlines() if line.startswith("DAGSTER_POST"))
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", create_database().replace("postgresql", scheme, 1))
    (tmp_path / "dagster.yaml").write_text((DEPLOY / "dagster.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    for _ in range(2):  # a process that ends leaves them to the next
        with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
            if not instance.get_runs_count():
                instance.add_run(
                    dg.DagsterRun(job_name="refresh_metrics", run_id="00000000-0000-0000-0000-000000000001")
                )
    assert [path.name for path in tmp_path.iterdir()] == ["dagster.yaml"]
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert [run.job_name for run in instance.get_runs()] == ["refresh_metrics"]
