"""DuckDB's extension for Postgres is checked before it is loaded, once in a process."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import duckdb_extension_postgres_scanner as wheel

# In a process of its own: the tests' own connections check no signature, which saves much of their time.
LOAD = """
import sys
from pathlib import Path
import duckdb
from si_analytics import warehouse
from si_analytics.warehouse import file
file.resources.files = lambda name: Path(sys.argv[1])
for _ in range(2):
    with duckdb.connect(config={"allow_unsigned_extensions": True}) as connection:
        warehouse.load_postgres_extension(connection)
        print("loaded")
"""


def loaded(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", LOAD, folder], capture_output=True, text=True, check=False)


def test_an_extension_that_was_changed_is_refused_where_the_connection_itself_would_not_ask(tmp_path: Path) -> None:
    name = f"extensions/v{duckdb.__version__}/postgres_scanner.duckdb_extension"
    file = tmp_path / name
    file.parent.mkdir(parents=True)
    shutil.copyfile(Path(str(wheel.__file__)).parent / name, file)
    assert loaded(tmp_path).stdout == "loaded\nloaded\n"
    with file.open("r+b") as opened:
        opened.seek(file.stat().st_size // 2)
        opened.write(b"changed")
    refused = loaded(tmp_path)
    assert refused.stdout == ""
    assert "signature" in refused.stderr
