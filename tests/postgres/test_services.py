"""Addresses that say little: a service, the variables PG..., a file of passwords mean the same to whoever connects."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
import sqlalchemy

from si_analytics import postgres, refresh, sample, schema, warehouse
from si_analytics.errors import ServerError
from si_analytics.settings import Settings
from tests.support.commands import Si
from tests.support.outside import OutsideServer

Make = Callable[..., Settings]
Shop = tuple[str, str, str]


@pytest.fixture
def shop(outside_server: OutsideServer) -> Shop:
    """A role with a password, and its database: the database's name, the role's, the password."""
    user, password = outside_server.create_role()
    return outside_server.create_database(user), user, password


WAYS = (
    *("service", "PGSERVICE", "PGUSER over a service", "service and PGPASSFILE", "variables", "PGHOSTADDR"),
    *("several hosts", "PGPASSFILE", "passfile"),
)


def given(way: str, shop: Shop, server: OutsideServer, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An address that leaves all or some of it to services, variables and files; these are laid out."""
    database, user, password = shop
    place = {"host": "127.0.0.1", "port": str(server.port), "dbname": database, "user": user, "password": password}
    variables: dict[str, str] = {}
    passwords, services = folder / "passwords", folder / "services"
    passwords.write_text(f"127.0.0.1:{server.port}:{database}:{user}:{password}\n")
    passwords.chmod(0o600)
    address = "postgresql://?service=an"
    match way:
        case "PGSERVICE":
            variables, address = {"PGSERVICE": "an"}, "postgresql://"
        case "PGUSER over a service":
            variables = {"PGUSER": place.pop("user")}
        case "service and PGPASSFILE":
            del place["password"]
            variables = {"PGPASSFILE": str(passwords)}
        case "variables":
            names = {"host": "PGHOST", "port": "PGPORT", "dbname": "PGDATABASE", "user": "PGUSER"}
            variables = {names.get(name, "PGPASSWORD"): value for name, value in place.items()}
            address = "postgresql://"
        case "PGHOSTADDR":
            variables = {"PGHOSTADDR": "127.0.0.1"}
            address = f"postgresql://{user}:{password}@nowhere.invalid:{server.port}/{database}"
        case "several hosts":
            address = f"postgresql://{user}:{password}@127.0.0.1:1,127.0.0.1:{server.port}/{database}"
        case "PGPASSFILE":
            variables = {"PGPASSFILE": str(passwords)}
            address = f"postgresql://{user}@127.0.0.1:{server.port}/{database}"
        case "passfile":
            address = f"postgresql://{user}@127.0.0.1:{server.port}/{database}?passfile={passwords}"
    lines = (f"{name}={value}" for name, value in place.items())
    services.write_text("\n".join(["[an]", *lines, "application_name=a service's", ""]))
    for name, value in {**variables, "PGSERVICEFILE": str(services)}.items():
        monkeypatch.setenv(name, value)
    return address


def where(asked: Callable[[str], tuple[object, ...] | None]) -> tuple[object, ...] | None:
    return asked("select current_database()::text, session_user::text, current_setting('application_name')")


@pytest.mark.parametrize("way", WAYS)
def test_whoever_connects_is_led_to_the_same_database_as_the_same_user(
    shop: Shop,
    outside_server: OutsideServer,
    make_settings: Make,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
) -> None:
    """psycopg, SQLAlchemy and DuckDB's extension, which each read the environment in a way of their own."""
    url = given(way, shop, outside_server, tmp_path, monkeypatch)
    current = make_settings(url)
    with postgres.connect(current) as connection:
        first = where(lambda query: connection.execute(query).fetchone())  # type: ignore[call-overload]
    engine = postgres.engine(current)
    with engine.connect() as opened:
        second = where(lambda query: tuple(opened.execute(sqlalchemy.text(query)).one()))
    engine.dispose()
    with duckdb.connect() as reading:
        warehouse.attach_postgres(reading, postgres.url(current), 5.0)
        asked = "select * from postgres_query('pg', $query)"
        third = where(lambda query: reading.sql(asked, params={"query": query}).fetchone())
    assert first is not None
    assert third is not None
    assert first == second
    assert first[:2] == third[:2] == shop[:2]
    names = ("a service's", "a service's") if "service" in way.lower() else ("si_analytics", "si_analytics extraction")
    assert (first[2], third[2]) == names
    for shown in (postgres.shown(url), repr(engine), repr(postgres.place(url)), str(current)):
        assert shop[2] not in shown


def test_doctor_and_refresh_agree_on_a_service_and_tell_nobody_its_password(
    si: Si,
    shop: Shop,
    outside_server: OutsideServer,
    make_settings: Make,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = given("service", shop, outside_server, tmp_path, monkeypatch)
    current = make_settings(url)
    schema.apply(current)
    sample.generate(current, scale=0.02)
    refreshed, looked = si(current)("refresh"), si(current)("doctor", "--json")
    assert refreshed.code == 0, refreshed.err
    found = {one["what"]: one["found"] for one in looked.document}
    assert found["SI_POSTGRES_URL"] == "postgresql://?service=an (environment)"
    address = f"postgresql://{shop[1]}@127.0.0.1:{outside_server.port}/{shop[0]}"
    assert found["address"] == f"with its service and the variables PG... it leads to {address}"
    assert found["Postgres"].endswith(f" as {shop[1]}")
    assert shop[2] not in refreshed.out + refreshed.err + looked.out + looked.err


@pytest.mark.parametrize("way", ["address", "variable"])
def test_a_service_that_is_none_is_one_sentence_from_doctor_and_refresh(
    si: Si, make_settings: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    name = f"none_{secrets.token_hex(3)}"
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))
    (tmp_path / "services").write_text("[an]\npassword=hunter2\n")
    if way == "variable":
        monkeypatch.setenv("PGSERVICE", name)
    current = make_settings("postgresql://" + (f"?service={name}" if way == "address" else ""))
    said = []
    for act in (postgres.connect, refresh.run, lambda given: postgres.engine(given).connect()):
        with pytest.raises(ServerError, match=f'definition of service "{name}" not found') as caught:
            act(current)
        said.append(str(caught.value))
    assert len(set(said)) == 1
    assert "PGSERVICEFILE" in said[0]
    told = si(current)("doctor")
    assert told.code == 1
    assert "not found" in " ".join(told.out.split())
    assert "hunter2" not in told.out + said[0]


def test_an_address_that_says_everything_is_followed_whatever_the_variables_say(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with postgres.connect(settings) as connection:
        expected = connection.info.dbname
    for name, value in {"PGDATABASE": "other", "PGUSER": "other", "PGPORT": "1", "PGHOST": "other"}.items():
        monkeypatch.setenv(name, value)
    with postgres.connect(settings) as connection:
        assert connection.info.dbname == expected
        assert postgres.leads_to(connection, postgres.url(settings)) == "", "nothing is added to what it says"
    with duckdb.connect() as reading:
        warehouse.attach_postgres(reading, postgres.url(settings), 5.0)
        query = "select * from postgres_query('pg', 'select current_database()::text')"
        assert reading.sql(query).fetchone() == (expected,)
