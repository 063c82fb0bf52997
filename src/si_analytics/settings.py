"""Where everything is and how it is reported: the environment, a ``.env`` file, defaults.

Belongs here: reading and validating settings, and the places derived from them. Reads the
environment only when asked to (`load`), never at import. May import: `errors`.
"""

from __future__ import annotations

import os
import zoneinfo
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from si_analytics.errors import SettingsError


class Settings(BaseSettings):
    """Every setting of the toolkit; immutable once loaded.

    ``postgres_url`` none means the embedded server under ``home``. ``currency`` is the reporting
    currency, trimmed and lower-cased; ``timezone`` an IANA name, the reporting zone for days and
    months; ``memory_limit`` what DuckDB may use (``2GB``), its own default where none.
    """

    model_config = SettingsConfigDict(
        env_prefix="SI_", env_file_encoding="utf-8", extra="ignore", frozen=True
    )

    postgres_url: SecretStr | None = None
    home: Path = Path(".si")
    warehouse: Path = Path("warehouse.duckdb")
    currency: str = "usd"
    timezone: str = "UTC"
    memory_limit: str | None = Field(default=None, pattern=r"(?i)^\s*\d+(\.\d+)?\s*[kmgt]i?b\s*$")

    @field_validator("postgres_url", "memory_limit", mode="before")
    @classmethod
    def _empty_is_unset(cls, value: Any) -> Any:
        return None if isinstance(value, str) and not value.strip() else value

    @field_validator("currency")
    @classmethod
    def _known_currency_shape(cls, value: str) -> str:
        currency = value.strip().lower()
        if not (1 <= len(currency) <= 10 and currency.isascii() and currency.isalnum()):
            raise ValueError("is not 1 to 10 letters or digits, like usd, eur or eth")
        return currency

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in zoneinfo.available_timezones():
            raise ValueError("is not an IANA time zone, like UTC or Europe/Berlin")
        return value

    @property
    def postgres_home(self) -> Path:
        """The folder of the embedded server."""
        return self.home / "postgres"

    @property
    def exports(self) -> Path:
        """The folder that exported files go to unless another is named."""
        return self.home / "exports"


def project_root(start: Path) -> Path:
    """The nearest folder at or above `start` that holds a ``.si`` or a pyproject.toml; else `start`."""
    for folder in (start, *start.parents):
        if (folder / ".si").is_dir() or (folder / "pyproject.toml").is_file():
            return folder
    return start


def load(**overrides: Any) -> Settings:
    """The settings in force: `overrides`, then the environment, then ``.env``, then defaults.

    Relative paths hang below the project's folder, so notebooks/ and the root see one home.
    Raises SettingsError that names the variable and what it may hold.
    """
    root = project_root(Path.cwd())
    try:
        given = Settings(_env_file=root / ".env", **overrides)  # type: ignore[call-arg]
    except ValidationError as error:
        first = error.errors()[0]
        name = "SI_" + "_".join(str(part) for part in first["loc"]).upper()
        shown = "its value" if "URL" in name else repr(first["input"])
        reason = first["msg"].removeprefix("Value error, ")
        raise SettingsError(f"the setting {name}", f"{shown}: {reason}", "Correct or unset it") from error
    home = (root / given.home.expanduser()).resolve()
    base = home if "warehouse" not in given.model_fields_set else root
    warehouse = (base / given.warehouse.expanduser()).resolve()
    return given.model_copy(update={"home": home, "warehouse": warehouse})


def origin(name: str) -> str:
    """Where the setting of that environment name comes from: the environment, ``.env`` or the default."""
    if os.environ.get(name):
        return "environment"
    file = project_root(Path.cwd()) / ".env"
    return ".env" if file.is_file() and dotenv_values(file).get(name) else "default"
