"""Settings: from the environment, from .env, from nowhere; and what is said of those that cannot be used."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path

import pytest

from si_analytics import settings
from si_analytics.calendars import Calendar
from si_analytics.errors import SettingsError

URL = "postgresql://ana:hunter2@db.example/shop"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project that we stand in, and an environment without settings."""
    for name in list(os.environ):
        if name.upper().startswith("SI_"):
            monkeypatch.delenv(name)
    root = (tmp_path / "project").resolve()
    root.mkdir()
    (root / "pyproject.toml").touch()
    monkeypatch.chdir(root)
    return root


def test_without_anything_set_all_is_below_the_project(project: Path) -> None:
    found = settings.load()
    assert found.postgres_url is None
    assert found.home == project / ".si"
    assert found.postgres_home == project / ".si" / "postgres"
    assert found.warehouse == project / ".si" / "warehouse.duckdb"
    assert found.exports == project / ".si" / "exports"
    assert (found.currency, found.timezone, found.memory_limit) == ("usd", "UTC", None)
    assert found.calendar == Calendar(week_start=1, fiscal_start=1)


def test_the_calendar_is_that_of_both_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SI_WEEK_START", "sunday")
    monkeypatch.setenv("SI_FISCAL_YEAR_START", "april")
    assert settings.load().calendar == Calendar(week_start=7, fiscal_start=4)


def test_loading_writes_nothing(project: Path) -> None:
    settings.load()
    assert [path.name for path in project.iterdir()] == ["pyproject.toml"]


@pytest.mark.parametrize(
    ("name", "given", "attribute", "meant"),
    [
        ("SI_CURRENCY", " EUR ", "currency", "eur"),
        ("SI_TIMEZONE", " Europe/Berlin", "timezone", "Europe/Berlin"),
        ("SI_WEEK_START", " Sunday", "week_start", "sunday"),
        ("SI_WEEK_START", "SAT", "week_start", "saturday"),
        ("SI_FISCAL_YEAR_START", "April ", "fiscal_year_start", "april"),
        ("SI_FISCAL_YEAR_START", "4", "fiscal_year_start", "april"),
        ("SI_FISCAL_YEAR_START", "12", "fiscal_year_start", "december"),
        ("SI_MEMORY_LIMIT", "2GB", "memory_limit", "2GB"),
        ("SI_KEPT_DAYS", " 30", "kept_days", 30),
        ("SI_MEMORY_LIMIT", "1.5 GiB", "memory_limit", "1.5 GiB"),
        ("SI_LOCK_TIMEOUT", " 300", "lock_timeout", 300),
        ("SI_CHANGES", " slot ", "changes", "slot"),
        ("SI_SLOT", "si_nightly", "slot", "si_nightly"),
        ("SI_MAX_LOSING_SHARE", "0.35 ", "max_losing_share", Decimal("0.35")),
    ],
)
@pytest.mark.parametrize("place", ["environment", ".env"])
def test_a_setting_is_read_from_the_environment_and_from_the_file(
    project: Path, monkeypatch: pytest.MonkeyPatch, name: str, given: str, attribute: str, meant: str, place: str
) -> None:
    if place == "environment":
        monkeypatch.setenv(name, given)
    else:
        (project / ".env").write_text(f"{name}='{given}'\n")
    assert getattr(settings.load(), attribute) == meant
    assert settings.origin(name) == place


def test_the_environment_goes_before_the_file_and_an_argument_before_both(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / ".env").write_text("SI_CURRENCY=eur\nSI_TIMEZONE=Europe/Berlin\n")
    monkeypatch.setenv("SI_CURRENCY", "gbp")
    found = settings.load()
    assert (found.currency, found.timezone) == ("gbp", "Europe/Berlin")
    assert settings.load(currency="jpy").currency == "jpy"
    assert [settings.origin(f"SI_{name}") for name in ("CURRENCY", "TIMEZONE", "HOME")] == [
        "environment",
        ".env",
        "default",
    ]


@pytest.mark.parametrize("name", ["POSTGRES_URL", "HOME", "WAREHOUSE", "CURRENCY", "TIMEZONE", "MEMORY_LIMIT"])
@pytest.mark.parametrize("blank", ["", "  "])
def test_an_empty_setting_is_as_good_as_none(
    project: Path, monkeypatch: pytest.MonkeyPatch, name: str, blank: str
) -> None:
    before = settings.load()
    monkeypatch.setenv(f"SI_{name}", blank)
    assert settings.load() == before


def test_an_empty_setting_lets_the_file_speak(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / ".env").write_text("SI_CURRENCY=eur\n")
    monkeypatch.setenv("SI_CURRENCY", "")
    assert settings.load().currency == "eur"
    assert settings.origin("SI_CURRENCY") == ".env"


def test_relative_places_hang_below_the_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SI_HOME", "elsewhere/deep")
    assert settings.load().warehouse == project / "elsewhere" / "deep" / "warehouse.duckdb"
    monkeypatch.setenv("SI_WAREHOUSE", "board.duckdb")
    assert settings.load().warehouse == project / "board.duckdb"


def test_absolute_places_and_the_users_home_are_taken_as_they_are(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SI_HOME", "~/si")
    monkeypatch.setenv("SI_WAREHOUSE", "/srv/board.duckdb")
    found = settings.load()
    assert (found.home, found.warehouse) == ((tmp_path / "si").resolve(), Path("/srv/board.duckdb"))


def test_a_notebook_sees_the_home_of_its_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / ".env").write_text("SI_CURRENCY=eur\n")
    notebooks = project / "notebooks" / "drafts"
    notebooks.mkdir(parents=True)
    monkeypatch.chdir(notebooks)
    found = settings.load()
    assert (found.home, found.currency) == (project / ".si", "eur")
    assert settings.origin("SI_CURRENCY") == ".env"


def test_a_home_made_without_a_checkout_is_found_from_below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    below = tmp_path / "desk" / "today"
    below.mkdir(parents=True)
    (tmp_path / "desk" / ".si").mkdir()
    monkeypatch.chdir(below)
    assert settings.load().home == (tmp_path / "desk" / ".si").resolve()


def test_outside_of_any_project_home_is_where_we_stand(tmp_path: Path) -> None:
    lonely = tmp_path / "lonely"
    lonely.mkdir()
    assert settings.project_root(lonely) == lonely


def test_settings_do_not_change_once_loaded() -> None:
    with pytest.raises(ValueError, match="frozen"):
        settings.load().currency = "eur"


@pytest.mark.parametrize(
    ("name", "given", "sentence"),
    [
        ("SI_CURRENCY", "us dollars", r"setting SI_CURRENCY: 'us dollars' is not 1 to 10 letters or digits, like usd"),
        ("SI_CURRENCY", "€", r"SI_CURRENCY: '€' is not"),
        ("SI_TIMEZONE", "Berlin", r"SI_TIMEZONE: 'Berlin' is not an IANA time zone, like UTC or Europe/Berlin"),
        ("SI_TIMEZONE", "localtime", r"SI_TIMEZONE: 'localtime' is not"),
        ("SI_WEEK_START", "someday", r"SI_WEEK_START: 'someday' is not a day of the week, like monday or sunday"),
        ("SI_WEEK_START", "7", r"SI_WEEK_START: '7' is not a day of the week"),
        ("SI_FISCAL_YEAR_START", "Q2", r"SI_FISCAL_YEAR_START: 'Q2' is not a month, like april or 4"),
        ("SI_FISCAL_YEAR_START", "13", r"SI_FISCAL_YEAR_START: '13' is not a month"),
        ("SI_MAX_LOSING_SHARE", "20%", r"SI_MAX_LOSING_SHARE: '20%' is not a share from 0 to 1, like 0.2"),
        ("SI_MAX_LOSING_SHARE", "1.5", r"SI_MAX_LOSING_SHARE: '1.5' is not a share from 0 to 1, like 0.2"),
        ("SI_LOCK_TIMEOUT", "0", r"SI_LOCK_TIMEOUT: '0' is not a number of seconds from 1 to 86400"),
        ("SI_CHANGES", "log", "SI_CHANGES: 'log' is neither scan nor slot"),
        ("SI_SLOT", "Si-1", "SI_SLOT: 'Si-1' is not 1 to 63 lower-case letters, digits or underscores"),
        ("SI_LOCK_TIMEOUT", "1min", r"SI_LOCK_TIMEOUT: '1min' is not a number of seconds from 1 to 86400"),
        ("SI_KEPT_DAYS", "-1", r"SI_KEPT_DAYS: '-1' is not a number of days from 0 to 3650"),
        ("SI_MEMORY_LIMIT", "a lot", r"SI_MEMORY_LIMIT: 'a lot' is not a size, like 2GB or 512MB"),
        ("SI_HOME", "~nobody-of-that-name/x", r"SI_HOME: '~nobody-of-that-name/x' leads nowhere"),
    ],
)
def test_an_unusable_setting_is_named_with_what_it_holds_and_may_hold(
    monkeypatch: pytest.MonkeyPatch, name: str, given: str, sentence: str
) -> None:
    monkeypatch.setenv(name, given)
    with pytest.raises(SettingsError, match=sentence) as caught:
        settings.load()
    assert caught.value.exit_code == 2
    assert caught.value.remedy


def test_a_password_is_shown_by_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SI_POSTGRES_URL", URL)
    found = settings.load()
    assert found.postgres_url is not None
    assert found.postgres_url.get_secret_value() == URL
    for shown in (repr(found), str(found), found.model_dump_json(), repr(found.model_dump()), str(found.postgres_url)):
        assert "hunter2" not in shown


def test_an_error_about_another_setting_does_not_show_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SI_POSTGRES_URL", URL)
    monkeypatch.setenv("SI_TIMEZONE", "Berlin")
    with pytest.raises(SettingsError) as caught:
        settings.load()
    assert "hunter2" not in f"{caught.value!r} {caught.value.__cause__} {caught.value.__cause__!r}"


def test_a_file_with_a_byte_order_mark_is_read(project: Path) -> None:
    (project / ".env").write_bytes(b"\xef\xbb\xbfSI_CURRENCY=eur\r\n")
    assert settings.load().currency == "eur"
    assert settings.origin("SI_CURRENCY") == ".env"


def test_a_file_that_is_no_text_is_one_sentence(project: Path) -> None:
    (project / ".env").write_bytes(b"SI_CURRENCY=\xff\xfe\n")
    for read in (settings.load, lambda: settings.origin("SI_CURRENCY")):
        with pytest.raises(SettingsError, match=r"reading .*\.env: it is not UTF-8 text"):
            read()


def test_a_folder_called_dot_env_is_no_file_of_settings(project: Path) -> None:
    (project / ".env").mkdir()
    assert settings.load().currency == "usd"
    assert settings.origin("SI_CURRENCY") == "default"


def test_a_misspelt_setting_is_told_from_a_known_one(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / ".env").write_text("SI_CURENCY=eur\nOTHER=1\nSI_HOME=x\n")
    monkeypatch.setenv("SI_POSTGRESS_URL", "x")
    assert settings.unknown() == ("SI_CURENCY", "SI_POSTGRESS_URL")


def test_every_setting_has_its_name_in_the_environment() -> None:
    assert settings.names() == (
        "SI_POSTGRES_URL",
        "SI_SOURCE_URL",
        "SI_SOURCE_SCHEMA",
        "SI_HOME",
        "SI_WAREHOUSE",
        "SI_CURRENCY",
        "SI_TIMEZONE",
        "SI_WEEK_START",
        "SI_FISCAL_YEAR_START",
        "SI_MEMORY_LIMIT",
        "SI_KEPT_DAYS",
        "SI_MAX_LOSING_SHARE",
        "SI_LOCK_TIMEOUT",
        "SI_CHANGES",
        "SI_SLOT",
    )


@pytest.mark.parametrize(
    ("limit", "duckdb"),
    [("2GB", "1200000000B"), ("1.5 GiB", "966367641B"), ("512mb", "307200000B"), (None, None)],
)
def test_duckdb_gets_that_part_of_the_memory_that_keeps_the_process_within_the_limit(
    limit: str | None, duckdb: str | None
) -> None:
    assert settings.Settings(_env_file=None, memory_limit=limit).duckdb_memory == duckdb
