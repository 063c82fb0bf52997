"""`si doctor`: what it finds, and what it says to do."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from pydantic import SecretStr

from si_analytics.settings import Settings
from tests.commands import Si


def test_doctor_finds_everything_well_after_a_refresh(si: Si, shop: Settings) -> None:
    done = si(shop)("doctor", "--json")
    assert (done.code, done.err) == (0, "")
    found = {one["what"]: one for one in done.document}
    assert {one["verdict"] for one in found.values()} == {"ok"}
    assert found["SI_HOME"]["found"] == f"{shop.home} (environment)"
    assert found["SI_CURRENCY"]["found"] == "usd (default)"
    assert found["Postgres"]["found"] == "PostgreSQL 18.4 as postgres"
    assert found["rights"]["found"] == "may read 19 tables, write 9 and refresh 3 views"
    assert found["schema"]["found"].startswith("all 42 tables")
    assert "as of 2026-06-01T00:00:00+00:00" in found["warehouse"]["found"]


def test_doctor_tells_each_setting_with_its_origin_and_no_password(
    si: Si, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / ".env").write_text("SI_POSTGRES_URL=postgresql://ana:hunter2@127.0.0.1:1/shop\nSI_CURENCY=eur\n")
    monkeypatch.setenv("SI_TIMEZONE", "Europe/Berlin")
    done = si()("doctor")
    assert done.code == 1
    for line in (
        "SI_POSTGRES_URL postgresql://ana@127.0.0.1:1/shop (.env)",
        "SI_TIMEZONE Europe/Berlin (environment)",
        "SI_CURENCY it is set, and is no setting",
        "Did you mean SI_CURRENCY?",
        "WRONG Postgres",
        "WRONG warehouse",
    ):
        assert line in " ".join(done.out.split())
    assert "hunter2" not in done.out + done.err


def test_doctor_on_a_fresh_machine_makes_nothing(si: Si, tmp_path: Path) -> None:
    done = si()("doctor")
    assert done.code == 1
    assert "the embedded server was not made yet" in done.out
    assert not (tmp_path / "home").exists()


def test_doctor_names_each_object_that_differs_and_what_to_do(
    si: Si, settings: Settings, postgres: psycopg.Connection
) -> None:
    postgres.execute("drop index public.idx_users_email")
    postgres.execute("alter table public.matches alter column match_score type bigint")
    done = si(settings)("doctor", "--json")
    assert done.code == 1
    told = [(one["found"], one["remedy"]) for one in done.document if one["what"] == "schema"]
    assert told == [
        ("the column matches.match_score is not as declared", "Alter it by hand; both definitions: si schema diff"),
        ("the index idx_users_email is missing", "Build it: si schema apply"),
    ]


def test_doctor_names_each_missing_right_and_the_statement_that_gives_it(
    si: Si, settings: Settings, postgres: psycopg.Connection
) -> None:
    """A reader of every table in public: it may not write there, nor so much as look into analytics."""
    role = Identifier(f"reader {postgres.info.backend_pid}")
    postgres.execute(SQL("create role {} login").format(role))
    postgres.execute(SQL("grant select on all tables in schema public to {}").format(role))
    try:
        done = si(as_role(settings, role))("doctor", "--json")
        refused = si(as_role(settings, role))("sample", "--scale", "0.02")
    finally:
        postgres.execute(SQL("drop owned by {}").format(role))
        postgres.execute(SQL("drop role {}").format(role))
    assert (done.code, done.err) == (1, "")
    told = {one["found"]: one["remedy"] for one in done.document if one["what"] == "rights"}
    name = role.as_string(None)
    assert told["this user lacks usage on analytics"] == f"grant usage on schema analytics to {name}"
    assert told["this user lacks update on public.users"] == f"grant update on public.users to {name}"
    assert told["this user lacks delete, insert, update on public.brand_reputations"]
    assert told["this user lacks ownership on public.agent_leaderboard"].startswith("alter materialized view public.")
    assert not any("select" in found for found in told)
    assert refused.code == 1
    assert "permission denied for schema analytics. Grant this user usage" in refused.err


def as_role(settings: Settings, role: Identifier) -> Settings:
    """The same database as another user."""
    assert settings.postgres_url is not None
    url = settings.postgres_url.get_secret_value().replace("postgres@", f"{quote(role._obj[0])}@")
    return settings.model_copy(update={"postgres_url": SecretStr(url)})


def test_doctor_does_not_call_a_stale_warehouse_wrong(si: Si, shop: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from si_analytics.cli import doctor

    monkeypatch.setattr(doctor, "_STALE", doctor.timedelta())
    done = si(shop)("doctor", "--json")
    assert done.code == 0
    found = next(one for one in done.document if one["what"] == "warehouse")
    assert (found["verdict"], found["remedy"]) == ("note", "Bring it up to date: si refresh")
