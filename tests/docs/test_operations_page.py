"""The page on operations: what it gives to type is there on a server, and files it names are in `deploy/`."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

from tests.support.folders import ROOT
from tests.support.pages import blocks, parse, prose

OPERATIONS = ROOT / "docs" / "operations.md"
# What Debian, PostgreSQL and nginx bring along, and what a shell knows itself.
SERVER_PROGRAMS = {
    *("useradd", "git", "cd", "make", "install", "cp", "tar", "curl", "systemctl", "journalctl"),
    *("psql", "pg_dump", "pg_restore", "dropdb", "createdb", "htpasswd", "nginx"),
    *("create", "grant", "alter"),
    "as_si",
}


def on_the_server() -> list[list[str]]:
    """Every command of the page on operations, one where a line joins several; those in its text as well."""
    given = [line.split("  #")[0] for block in blocks(OPERATIONS, "sh") for line in block.splitlines()]
    told = [code for code in re.findall(r"`([^`\n]+)`", prose(OPERATIONS)) if re.match(r"(?!si )[a-z_-]+ [^|]", code)]
    parts = [part for line in (*given, *told) for part in re.split(r" && | \|\| |^runuser -u postgres(?: --)? ", line)]
    return [words for part in parts if (words := shlex.split(part, comments=True))]


def test_a_server_s_page_shows_its_own_programs_and_those_of_the_set_up() -> None:
    """Behind `as_si` stands a program of the project's, and behind that a command which it has."""
    for words in on_the_server():
        named = [word for word in words[1:] if word != "--owner"]
        if words[0] != "as_si" or not named:
            assert words[0] in SERVER_PROGRAMS, words
            continue
        program, *rest = named
        assert (Path(sys.executable).parent / program).exists(), words
        if program == "si":
            parse(rest)


def test_every_file_of_deploy_that_a_server_s_page_names_is_there_and_no_other_is() -> None:
    text = OPERATIONS.read_text(encoding="utf-8")
    shown = {name: [*ROOT.glob(name)] for name in re.findall(r"deploy/[\w./*-]*[\w*]", text)}
    assert [name for name, files in shown.items() if not files] == []
    named = {path for files in shown.values() for path in files}
    assert named == {path for path in (ROOT / "deploy").rglob("*") if path.is_file()}
