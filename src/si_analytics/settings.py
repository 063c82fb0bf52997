"""Where everything is and how it is reported: the environment, a ``.env`` file, defaults.

Belongs here: reading and validating settings, and the places derived from them. Reads the
environment only when asked to (`load`), never at import.
"""

from __future__ import annotations

import os
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from pydantic import SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from si_analytics import calendars
from si_analytics import time_zones as zones
from si_analytics.calendars import Calendar
from si_analytics.errors import SettingsError

PREFIX = "SI_"
_ENCODING = "utf-8-sig"  # some editors begin a file with a byte order mark, which belongs to no name
_MOST_DAYS = 3650
_LONGEST_NAME = 63  # of a name in Postgres, in bytes
_MOST_SECONDS = 86_400
LOCK_TIMEOUT = 60
"""The default number of seconds to wait for locks of other sessions."""
SCAN, SLOT = "scan", "slot"
"""How changed rows are found: by a pass over each table, or by what a replication slot tells."""
_SLOT_NAME = re.compile(rf"[a-z0-9_]{{1,{_LONGEST_NAME}}}")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt])(i?)b", re.IGNORECASE)
# DuckDB uses more memory than it counts, and the process uses more than DuckDB.
_SHARE_OF_DUCKDB = Decimal("0.6")


class Settings(BaseSettings):
    """Every setting of the toolkit; immutable once loaded.

    ``postgres_url`` None means the embedded server under ``home``; ``source_url``, if given, is where to read the
    operational tables instead. ``source_schema`` is their schema in both places. ``currency`` is the reporting
    currency, trimmed and lower-cased; ``timezone`` the IANA name of the reporting zone for days and months.
    ``week_start`` is the weekday that weeks begin with, ``fiscal_year_start`` the month that fiscal years do, by name.
    ``memory_limit`` is what extracting and computing may use (``2GB``), DuckDB's default if None. ``kept_days`` is for
    how many days before today to keep each day's last refresh for comparing; 0 keeps none. ``max_losing_share`` is the
    share of the earning agents that may lose everything at once, see `guards`; ``lock_timeout`` is how many seconds to
    wait for locks of other sessions in Postgres. ``changes`` is how changed rows are found, `SCAN` or `SLOT`; ``slot``
    names the replication slot that the latter reads, one for each warehouse.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file_encoding=_ENCODING,
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    postgres_url: SecretStr | None = None
    source_url: SecretStr | None = None
    source_schema: str = "public"
    home: Path = Path(".si")
    warehouse: Path = Path("warehouse.duckdb")
    currency: str = "usd"
    timezone: str = "UTC"
    week_start: str = "monday"
    fiscal_year_start: str = "january"
    memory_limit: str | None = None
    kept_days: int = 7
    max_losing_share: Decimal = Decimal("0.2")
    lock_timeout: int = LOCK_TIMEOUT
    changes: str = SCAN
    slot: str = "si_analytics"

    @model_validator(mode="before")
    @classmethod
    def _blank_is_unset(cls, given: dict[str, Any]) -> dict[str, Any]:
        stripped = {name: value.strip() if isinstance(value, str) else value for name, value in given.items()}
        return {name: value for name, value in stripped.items() if value != ""}

    @field_validator("source_url")
    @classmethod
    def _with_a_target(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is not None and info.data.get("postgres_url") is None:
            raise ValueError("is set without SI_POSTGRES_URL, where results are published")
        return value

    @field_validator("source_schema")
    @classmethod
    def _known_schema(cls, value: str) -> str:
        if len(value.encode()) > _LONGEST_NAME or "\0" in value:
            raise ValueError(f"is not the name of a schema, which has at most {_LONGEST_NAME} bytes")
        if value == "analytics" or value.startswith("pg_"):
            raise ValueError("is a schema for other things than operational tables")
        return value

    @field_validator("currency")
    @classmethod
    def _known_currency_shape(cls, value: str) -> str:
        return currency_code(value)

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in time_zones():
            raise ValueError("is not an IANA time zone, like UTC or Europe/Berlin")
        return value

    @field_validator("week_start")
    @classmethod
    def _known_weekday(cls, value: str) -> str:
        number = calendars.weekday(value)
        if number is None:
            raise ValueError("is not a day of the week, like monday or sunday")
        return calendars.WEEKDAYS[number - 1]

    @field_validator("fiscal_year_start", mode="before")
    @classmethod
    def _known_month(cls, value: Any) -> str:
        number = int(value) if re.fullmatch(r"0?[1-9]|1[0-2]", str(value)) else calendars.month(str(value))
        if number is None:
            raise ValueError("is not a month, like april or 4")
        return calendars.MONTHS[number - 1]

    @field_validator("memory_limit")
    @classmethod
    def _known_size(cls, value: str | None) -> str | None:
        if value is not None:
            size(value)
        return value

    @field_validator("kept_days", mode="before")
    @classmethod
    def _known_days(cls, value: Any) -> Any:
        if not str(value).isdecimal() or int(value) > _MOST_DAYS:
            raise ValueError(f"is not a number of days from 0 to {_MOST_DAYS}")
        return int(value)

    @field_validator("lock_timeout", mode="before")
    @classmethod
    def _known_seconds(cls, value: Any) -> Any:
        if not str(value).isdecimal() or not 1 <= int(value) <= _MOST_SECONDS:
            raise ValueError(f"is not a number of seconds from 1 to {_MOST_SECONDS}")
        return int(value)

    @field_validator("changes")
    @classmethod
    def _known_way(cls, value: str) -> str:
        if value not in {SCAN, SLOT}:
            raise ValueError(f"is neither {SCAN} nor {SLOT}")
        return value

    @field_validator("slot")
    @classmethod
    def _known_slot_name(cls, value: str) -> str:
        if not _SLOT_NAME.fullmatch(value):
            raise ValueError(f"is not 1 to {_LONGEST_NAME} lower-case letters, digits or underscores")
        return value

    @field_validator("max_losing_share", mode="before")
    @classmethod
    def _known_share(cls, value: Any) -> Any:
        if not re.fullmatch(r"0|1|0?\.\d{1,6}|[01]\.0{1,6}", str(value)):
            raise ValueError("is not a share from 0 to 1, like 0.2")
        return Decimal(str(value))

    @property
    def duckdb_memory(self) -> str | None:
        """What DuckDB may use so that the process stays within ``memory_limit``; None without a limit."""
        if self.memory_limit is None:
            return None
        return f"{int(size(self.memory_limit) * _SHARE_OF_DUCKDB)}B"

    @property
    def calendar(self) -> Calendar:
        """The day that weeks begin with, and the month that fiscal years do."""
        return Calendar(
            calendars.WEEKDAYS.index(self.week_start) + 1, calendars.MONTHS.index(self.fiscal_year_start) + 1
        )

    @property
    def postgres_home(self) -> Path:
        """The folder of the embedded server."""
        return self.home / "postgres"

    @property
    def exports(self) -> Path:
        """The default folder for exported files."""
        return self.home / "exports"


def size(value: str) -> int:
    """Returns the bytes of a size like ``2GB`` or ``512MiB``. Raises ValueError if it is none."""
    found = _SIZE.fullmatch(value)
    if found is None:
        raise ValueError("is not a size, like 2GB or 512MB")
    unit = (1024 if found[3] else 1000) ** ("kmgt".index(found[2].lower()) + 1)
    return int(Decimal(found[1]) * unit)


def currency_code(value: str) -> str:
    """Returns `value` trimmed and in lower case. Raises ValueError if it cannot be a currency."""
    currency = value.strip().lower()
    if not (0 < len(currency) <= 10 and currency.isascii() and currency.isalnum()):
        raise ValueError("is not 1 to 10 letters or digits, like usd, eur or eth")
    return currency


def time_zones() -> frozenset[str]:
    """Returns the IANA names of time zones."""
    return zones.names()


def names() -> tuple[str, ...]:
    """Returns every setting's name in the environment."""
    return tuple(PREFIX + name.upper() for name in Settings.model_fields)


def project_root(start: Path) -> Path:
    """Returns the nearest folder at or above `start` that holds a ``.si`` or a pyproject.toml; else `start`."""
    for folder in (start, *start.parents):
        if _holds(folder, ".si") or _holds(folder, "pyproject.toml"):
            return folder
    return start


def load(**overrides: Any) -> Settings:
    """Returns the settings in force: `overrides`, then the environment, then ``.env``, then defaults.

    Relative paths start at the project's folder, so notebooks/ and the root share one home.
    Raises SettingsError, which names the variable and what it may hold.
    """
    root = project_root(Path.cwd())
    try:
        given = Settings(_env_file=root / ".env", **overrides)  # type: ignore[call-arg]
    except ValidationError as error:
        raise _unusable(error) from error
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(root, error) from error
    home = _placed("SI_HOME", root, given.home)
    base = home if "warehouse" not in given.model_fields_set else root
    return given.model_copy(update={"home": home, "warehouse": _placed("SI_WAREHOUSE", base, given.warehouse)})


def origin(name: str) -> str:
    """Returns where the setting of that environment name comes from: ``environment``, ``.env`` or ``default``."""
    if _in_environment(name):
        return "environment"
    return ".env" if _in_file().get(name) else "default"


def given(name: str) -> str | None:
    """Returns the value of a variable outside `Settings` from the environment or ``.env``; None if neither has it."""
    return _in_environment(name) or _in_file().get(name)


def unknown() -> tuple[str, ...]:
    """Returns names in the environment or ``.env`` that look like settings but are not: most likely misspelt."""
    given = {*(key.upper() for key in os.environ), *_in_file()}
    return tuple(sorted(key for key in given if key.startswith(PREFIX) and key not in names()))


def _in_environment(name: str) -> str | None:
    return next((value for key, value in os.environ.items() if value and key.upper() == name), None)


def _in_file() -> dict[str, str]:
    """Returns the non-empty variables of ``.env``; empty if there is no such file."""
    root = project_root(Path.cwd())
    if not (root / ".env").is_file():
        return {}
    try:
        found = dotenv_values(root / ".env", encoding=_ENCODING)
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(root, error) from error
    return {key.upper(): value for key, value in found.items() if value}


def _holds(folder: Path, name: str) -> bool:
    try:
        return (folder / name).exists()
    except OSError:
        return False  # a folder we may not look into is none of ours


def _placed(name: str, base: Path, path: Path) -> Path:
    try:
        return (base / path.expanduser()).resolve()
    except (OSError, RuntimeError) as error:
        raise SettingsError(f"the setting {name}", f"'{path}' leads nowhere: {error}", "Name a folder") from error


def _unusable(error: ValidationError) -> SettingsError:
    first = error.errors()[0]
    name = PREFIX + "_".join(str(part) for part in first["loc"]).upper()
    shown = "its value" if "URL" in name else repr(first["input"])
    reason = first["msg"].removeprefix("Value error, ")
    return SettingsError(f"the setting {name}", f"{shown} {reason}", "Correct or unset it")


def _unreadable(root: Path, error: OSError | UnicodeDecodeError) -> SettingsError:
    reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
    return SettingsError(f"reading {root / '.env'}", str(reason), "Correct the file or its rights, or remove it")
