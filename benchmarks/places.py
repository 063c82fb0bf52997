"""The databases that are measured: made of the sample marketplace and kept, or prepared by somebody else.

Belongs here: making them, enlarging them, changing a share of their rows, logins with fewer rights.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urlencode

import psycopg
from psycopg import conninfo
from psycopg import sql as pg_sql

from si_analytics import sample
from si_analytics.definitions import project
from si_analytics.postgres import embedded
from si_analytics.schema import roles

_LOGIN = "si_benchmark"
_SPREAD = 1_000_000
_TURNS = {
    "transactions": ("completed", "pending"),
    "deals": ("completed", "cancelled"),
    "invites": ("sent", "accepted"),
    "gig_applications": ("approved", "pending"),
}
"""What a status becomes when it is turned, and what it becomes when it is that already."""
STATUSES = tuple(_TURNS)
"""The tables whose rows change between refreshes."""


@dataclass(frozen=True)
class Place:
    """A database to measure: its address, the folder for what is made of it, its size and its server."""

    url: str
    home: Path
    deals: int
    transactions: int
    server: str

    @property
    def size(self) -> str:
        """Its size in words."""
        return f"{self.deals:,} deals, {self.transactions:,} transactions"


def made(folder: Path, scale: float) -> Place:
    """The sample marketplace of that scale in a server of its own under `folder`; kept there for the next run."""
    server = _server(folder / f"scale-{scale:g}" / "postgres")
    # In processes of their own: making the largest takes gigabytes, which would be missing while measuring.
    for command in (["schema", "apply"], ["sample", "--scale", f"{scale:g}", "--seed", "1"]):
        subprocess.run(
            [sys.executable, "-m", "si_analytics", *command],
            env={**os.environ, "SI_POSTGRES_URL": server.url},
            check=True,
        )
    return known(server.url, folder)


def _server(home: Path) -> embedded.Server:
    """A server with the quarter of the memory that PostgreSQL's documentation advises for one of its own machine."""
    quarter = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 4 // 2**20
    embedded.stop(home)
    return embedded.start(home, options={"shared_buffers": f"{quarter}MB"})


def prepared(home: Path, folder: Path) -> Place:
    """The database of somebody's SI_HOME; warehouses go to `folder` all the same."""
    return known(embedded.start(home / "postgres").url, folder)


def known(url: str, folder: Path) -> Place:
    """The database at an address, with what is measured of it settled: vacuumed, analysed, written to disk."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("vacuum (analyze)")
        connection.execute("checkpoint")
        deals, transactions, server = connection.execute(
            "select (select count(*) from public.deals), (select count(*) from public.transactions),"
            " current_setting('server_version')"
        ).fetchone() or (0, 0, "")
    home = folder / f"measured-{deals}-{transactions}"
    home.mkdir(parents=True, exist_ok=True)
    return Place(url, home, deals, transactions, server)


def change(place: Place, tables: tuple[str, ...], share: float, turn: int) -> int:
    """Turn the status of that share of each table's rows, evenly spread and other ones at each turn; how many."""
    if not share:
        return 0
    changed = 0
    with psycopg.connect(place.url, autocommit=True) as connection:
        for table in tables:
            statement = pg_sql.SQL(
                "update {} set status = case status when %(one)s then %(other)s else %(one)s end"
                " where abs(hashtextextended(id::text, %(turn)s)) %% %(spread)s < %(limit)s"
            ).format(pg_sql.Identifier("public", table))
            one, other = _TURNS[table]
            values = {"one": one, "other": other, "turn": turn, "spread": _SPREAD, "limit": round(share * _SPREAD)}
            changed += connection.execute(statement, values).rowcount
        connection.execute("checkpoint")
    return changed


def enlarged(place: Place, folder: Path, rows: int, table: str = "transactions") -> Place:
    """A copy of the database, in the same server, with the rows of `table` multiplied until there are that many."""
    parts = _parts(place)
    name = parts["dbname"] + ("_enlarged" if table == "transactions" else f"_{table}")
    # A copy is refused while anybody is connected to what is copied.
    with psycopg.connect(address(parts | {"dbname": "postgres"}), autocommit=True) as connection:
        if not connection.execute("select from pg_database where datname = %s", [name]).fetchall():
            command = pg_sql.SQL("create database {} template {} strategy file_copy")
            connection.execute(command.format(pg_sql.Identifier(name), pg_sql.Identifier(parts["dbname"])))
    url = address(parts | {"dbname": name})
    with psycopg.connect(url, autocommit=True) as connection:
        query = pg_sql.SQL("select count(*) from {}").format(pg_sql.Identifier("public", table))
        row = connection.execute(query).fetchone()
        missing = rows - (int(row[0]) if row else 0)
        if missing > 0:
            _multiply(connection, table, missing)
    return known(url, folder)


@contextmanager
def lesser_logins(place: Place) -> Iterator[tuple[str, str] | None]:
    """Addresses of two logins: a member of si_reader, and one that may read the views alone; none without the views."""
    with psycopg.connect(place.url, autocommit=True) as connection:
        if connection.execute("select to_regclass('analytics.source_transactions')").fetchone() == (None,):
            yield None
            return
        for text in roles.statements():
            connection.execute(text)
        names = (f"{_LOGIN}_reader", f"{_LOGIN}_viewer")
        reader, viewer = (_login(connection, place, name) for name in names)
        try:
            connection.execute(pg_sql.SQL("grant si_reader to {}").format(pg_sql.Identifier(names[0])))
            _show_views(connection, names[1])
            yield reader, viewer
        finally:
            for name in names:
                connection.execute(pg_sql.SQL("drop owned by {0}; drop role {0}").format(pg_sql.Identifier(name)))


def _login(connection: psycopg.Connection[tuple[object, ...]], place: Place, name: str) -> str:
    """A login made anew, without any right; its address."""
    password = secrets.token_urlsafe(24)
    if connection.execute("select to_regrole(%s)", [name]).fetchone() != (None,):
        connection.execute(pg_sql.SQL("drop owned by {0}; drop role {0}").format(pg_sql.Identifier(name)))
    connection.execute(
        pg_sql.SQL("create role {} login password {}").format(pg_sql.Identifier(name), pg_sql.Literal(password))
    )
    return address(_parts(place) | {"user": name, "password": password})


def _show_views(connection: psycopg.Connection[tuple[object, ...]], name: str) -> None:
    """Give a login the views of the extracted tables and the record of refreshes, and not the tables."""
    views = [f"source_{table}" for table in project().sources]
    relations = pg_sql.SQL(", ").join(pg_sql.Identifier("analytics", view) for view in [*views, "refreshes"])
    role = pg_sql.Identifier(name)
    connection.execute(pg_sql.SQL("grant usage on schema analytics to {}").format(role))
    connection.execute(pg_sql.SQL("grant select on {} to {}").format(relations, role))


def address(parts: dict[str, str]) -> str:
    """An address of these parts."""
    rest = dict(parts)
    user, password, database = rest.pop("user", ""), rest.pop("password", None), rest.pop("dbname", "")
    secret = "" if password is None else ":" + quote(password, safe="")
    return f"postgresql://{quote(user, safe='')}{secret}@/{quote(database, safe='')}?{urlencode(rest, safe='/')}"


def as_of() -> datetime:
    """The moment that the sample marketplace is described as of; nothing in it is later."""
    return sample.END.astimezone(UTC)


def _parts(place: Place) -> dict[str, str]:
    return {key: str(value) for key, value in conninfo.conninfo_to_dict(place.url).items() if value is not None}


def _multiply(connection: psycopg.Connection[tuple[object, ...]], table: str, missing: int) -> None:
    """Add copies of existing rows under new ids; only their keys differ, so that sums grow in step."""
    named = [
        str(row[0])
        for row in connection.execute(
            "select column_name from information_schema.columns"
            " where table_schema = 'public' and table_name = %s and column_name <> 'id'"
            " order by ordinal_position",
            [table],
        )
    ]
    columns = pg_sql.SQL(", ").join(map(pg_sql.Identifier, named))
    # Copies refer to what their originals refer to, so the keys need no second look.
    connection.execute("set session_replication_role = replica")
    connection.execute(
        pg_sql.SQL(
            "insert into {table} (id, {columns}) select gen_random_uuid(), {columns}"
            " from {table} cross join generate_series(1, %(times)s) limit %(missing)s"
        ).format(table=pg_sql.Identifier("public", table), columns=columns),
        {"times": missing, "missing": missing},
    )
