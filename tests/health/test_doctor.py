"""`si doctor`: what it finds, and what it says to do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from pydantic import SecretStr

from si_analytics import warehouse
from si_analytics.health import doctor
from si_analytics.health.findings import Finding, Verdict
from si_analytics.schema import roles
from si_analytics.settings import Settings
from tests.support.commands import Si


def test_doctor_finds_everything_well_after_a_refresh(si: Si, shop: Settings) -> None:
    done = si(shop)("doctor", "--json")
    assert (done.code, done.err) == (0, "")
    found = {one["what"]: one for one in done.document}
    assert {one["what"] for one in found.values() if one["verdict"] != "ok"} <= {"checks"}
    assert found["SI_HOME"]["found"] == f"{shop.home} (environment)"
    assert found["SI_CURRENCY"]["found"] == "usd (default)"
    assert shop.postgres_url is not None
    with psycopg.connect(shop.postgres_url.get_secret_value()) as connection:
        version = connection.info.parameter_status("server_version")
    assert found["Postgres"]["found"] == f"PostgreSQL {version} as postgres"
    assert found["rights"]["found"] == "may read 29 tables, write 9 and refresh 3 views"
    assert found["schema"]["found"].startswith("all 42 tables")
    assert "as of 2026-06-01T00:00:00+00:00" in found["warehouse"]["found"]
    assert "rows last changed: agent_leaderboard " in found["published"]["found"]
    assert found["encryption"]["found"].startswith("none, and none needed")
    assert found["encoding"]["found"].startswith("UTF8")
    assert found["replication"]["found"].startswith("publication si_realtime; wal_level ")
    assert found["clock"]["found"] == "as this machine's, to 5 seconds"


def test_doctor_tells_each_setting_with_its_origin_and_no_password(
    si: Si, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / ".env").write_text("SI_POSTGRES_URL=postgresql://ana:hunter2@127.0.0.1:1/shop\nSI_CURENCY=eur\n")
    monkeypatch.setenv("SI_TIMEZONE", "Europe/Berlin")
    monkeypatch.setenv("SI_FISCAL_YEAR_START", "4")
    done = si()("doctor")
    assert done.code == 1
    for line in (
        "SI_POSTGRES_URL postgresql://ana@127.0.0.1:1/shop (.env)",
        "SI_TIMEZONE Europe/Berlin (environment)",
        "SI_WEEK_START monday (default)",
        "SI_FISCAL_YEAR_START april (environment)",
        "SI_CURENCY it is set, and is no setting",
        "Did you mean SI_CURRENCY?",
        "WRONG Postgres",
        "WRONG warehouse",
    ):
        assert line in " ".join(done.out.split())
    assert "hunter2" not in done.out + done.err


def test_doctor_tells_which_alerts_are_set_and_which_address_is_of_no_service_and_no_address(
    si: Si, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / ".env").write_text("ALERT_EMAIL_TO=team@example.com\n")
    monkeypatch.setenv("ALERT_URLS", "jsons://example.com/hunter2 nobody://hunter2 mailto://a:hunter2@example.com")
    done = si()("doctor", "--json")
    said = [(one["verdict"], one["what"], one["found"]) for one in done.document if one["what"][:5].lower() == "alert"]
    assert said == [
        ("ok", "ALERT_WEBHOOK_URL", "not set (default)"),
        ("ok", "ALERT_URLS", "set (environment)"),
        ("ok", "ALERT_EMAIL_TO", "set (.env)"),
        ("ok", "ALERT_EMAIL_FROM", "not set (default)"),
        ("ok", "ALERT_SMTP_URL", "not set (default)"),
        ("ok", "ALERT_UI_URL", "not set (default)"),
        ("note", "alerts", "no e-mail is sent: ALERT_EMAIL_FROM, ALERT_SMTP_URL is not set"),
        ("note", "alerts", "Number 2 of ALERT_URLS is no address of a service that apprise knows"),
        (
            "note",
            "alerts",
            "Number 3 of ALERT_URLS would send its password unencrypted: take the form with an s, like mailtos://",
        ),
    ]
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
    postgres.execute("alter table public.matches alter column match_score type numeric")
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
    assert not any("select" in found for found in told if "on public." in found)
    assert refused.code == 1
    assert "permission denied for schema analytics. Grant this user usage" in refused.err


def test_doctor_finds_the_two_roles_enough_and_misses_a_single_column(
    settings: Settings, postgres: psycopg.Connection
) -> None:
    """A login with si_reader and si_publisher; then one column is taken away, policies come, statements get a limit."""
    role = Identifier(f"both {postgres.info.backend_pid}")
    name = role.as_string(None)
    roles.apply(settings)
    postgres.execute(SQL("create role {} login in role si_reader, si_publisher").format(role))
    try:
        current = as_role(settings, role)
        found = by_name(current)
        assert found["rights"].found == "may read 29 tables, write 9 and refresh 3 views"
        assert "time limits" not in found
        assert (found["schema"].verdict, found["schema"].remedy) == (
            Verdict.notable,
            "As the owner of the database: si schema diff",
        )
        postgres.execute("revoke update (rating) on public.users from si_publisher")
        postgres.execute("revoke select on analytics.source_deals, analytics.source_gigs from si_reader")
        postgres.execute("revoke select (amount, xmin) on public.deals from si_reader")
        postgres.execute("alter table public.contacts enable row level security")
        postgres.execute(SQL("alter role {} set statement_timeout = '90s'").format(role))
        found = by_name(current)
        told = {one.found: one.remedy for one in doctor.findings(current, datetime.now(UTC)) if one.what == "rights"}
    finally:
        postgres.execute(SQL("drop role {}").format(role))
    assert told == {
        "this user lacks update (rating) on public.users": f"grant update (rating) on public.users to {name}",
        "this user lacks select (amount, xmin) on public.deals": (
            f"grant select (amount, xmin) on public.deals to {name}"
        ),
        "this user lacks bypassrls on public.contacts": (
            f"alter role {name} bypassrls, for its policies would hide rows; or connect as its owner"
        ),
    }
    assert found["time limits"].verdict is Verdict.notable
    assert found["time limits"].found.endswith("after statement_timeout = 90s")


def as_role(settings: Settings, role: Identifier) -> Settings:
    """The same database as another user."""
    assert settings.postgres_url is not None
    url = settings.postgres_url.get_secret_value().replace("postgres@", f"{quote(role._obj[0])}@")
    return settings.model_copy(update={"postgres_url": SecretStr(url)})


def by_name(current: Settings, now: datetime | None = None) -> dict[str, Finding]:
    return {one.what: one for one in doctor.findings(current, now or datetime.now(UTC))}


def test_a_stale_refresh_and_a_clock_apart_are_notable_and_not_wrong(shop: Settings) -> None:
    """Two days from now, by this machine's clock."""
    found = by_name(shop, datetime.now(UTC) + timedelta(days=2, minutes=1))
    for what in ("warehouse", "published"):
        assert (found[what].verdict, found[what].remedy) == (Verdict.notable, "Bring it up to date: si refresh")
        assert "2 days ago" in found[what].found
    assert found["clock"].verdict is Verdict.notable
    assert found["clock"].found.endswith("s behind this machine's")


def test_an_empty_database_lacks_its_schema_and_its_publications(empty_settings: Settings) -> None:
    found = by_name(empty_settings)
    assert found["schema"].verdict is Verdict.wrong
    assert found["published"].verdict is Verdict.notable
    assert "si schema apply" in found["replication"].remedy
    assert "Fill it first: si refresh" in found["warehouse"].remedy


def test_a_schema_without_a_refresh_says_to_make_one(settings: Settings) -> None:
    found = by_name(settings)
    assert (found["published"].found, found["published"].remedy) == ("nothing yet", "Publish: si refresh")
    assert found["schema"].verdict is Verdict.well


def test_a_folder_that_cannot_be_written_is_wrong_whoever_asks(settings: Settings) -> None:
    """Not even root writes into /proc."""
    found = [
        one
        for one in doctor.findings(
            settings.model_copy(update={"warehouse": Path("/proc/nowhere/warehouse.duckdb")}), datetime.now(UTC)
        )
        if one.what == "disk" and one.verdict is Verdict.wrong
    ]
    assert "/proc, where SI_WAREHOUSE is, cannot be written" in found[0].found
    assert "set SI_WAREHOUSE" in found[0].remedy


def test_what_a_dead_refresh_left_is_told_and_what_a_living_one_works_on_is_not(settings: Settings) -> None:
    settings.home.mkdir(parents=True)
    warehouse.working_path(settings).write_bytes(b"x" * 200_000)
    assert "(0.2 MB) was left by a refresh that died" in by_name(settings)["working file"].found
    with warehouse.writer_lock(settings):
        assert by_name(settings)["working file"] == Finding(Verdict.well, "working file", "another refresh works on it")


def test_a_server_that_is_down_is_one_finding_without_the_password(settings: Settings) -> None:
    down = settings.model_copy(update={"postgres_url": SecretStr("postgresql://ana:hunter2@127.0.0.1:1/shop")})
    found = doctor.findings(down, datetime.now(UTC))
    (server,) = (one for one in found if one.what == "Postgres")
    assert server.verdict is Verdict.wrong
    assert server.found.startswith("connecting to postgresql://ana@127.0.0.1:1/shop: ")
    assert not {"rights", "schema", "clock"} & {one.what for one in found}
    assert "hunter2" not in str(found)


def test_a_database_in_sql_ascii_is_wrong(ascii_database: str, make_settings: Callable[..., Settings]) -> None:
    found = by_name(make_settings(ascii_database))["Postgres"]
    assert found.verdict is Verdict.wrong
    assert "with encoding 'UTF8'" in found.remedy
