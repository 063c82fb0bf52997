"""What people may ask of a job before it starts, and the sentence they read if it is refused.

Belongs here: the launch forms of the jobs. Dagster checks the shape of a form as it is typed (which fields,
which of a few words). What only the library can judge, a time or a currency, is judged at launch:
the run is then refused with the library's own sentence, and never begins.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg
from dagster._core.errors import DagsterUserCodeProcessError  # any other error is shown with its frames
from dagster._utils.error import SerializableErrorInfo
from pydantic import Field, ValidationError, field_validator, model_validator

from pipelines.resources import EXTRACT
from si_analytics import settings
from si_analytics.errors import AnalyticsError
from si_analytics.periods import windows

REPORTS = "reports__dashboard"
"""The step that writes the reports."""

_PAGES = ("html", "pdf")
_TABLES = ("csv", "parquet", "xlsx")


class LaunchRefusedError(DagsterUserCodeProcessError):
    """A form that cannot be launched: the launchpad shows its sentence without any stack frames.

    Dagster shows an error of a code location as described here; to any other error it adds the frames.
    """

    def __init__(self, sentence: str) -> None:
        said = SerializableErrorInfo(message=sentence, stack=[], cls_name=None)
        super().__init__(sentence, user_code_process_error_infos=[said])  # type: ignore[no-untyped-call]


class _Form(dg.Config):
    """A form whose mistakes are one sentence, whether a job or an asset of it is launched."""

    def __init__(self, **filled: Any) -> None:
        try:
            super().__init__(**filled)
        except ValidationError as error:
            raise LaunchRefusedError(_sentence(error)) from None
        except AnalyticsError as error:
            raise LaunchRefusedError(str(error)) from None


class Extraction(_Form):
    """What a refresh may be asked for; nothing need be. Empty stands for the default, so that forms show it."""

    as_of: str = Field(
        default="",
        description="The moment to describe, like 2026-06-01T00:00:00Z; a date is its midnight in the reporting time"
        " zone, yesterday or this month its first moment, counted from when the run begins to read. Empty: now. A past"
        " moment is old times with today's statuses, not time travel.",
    )
    currency: str = Field(
        default="",
        description="The reporting currency, like usd or eur. Empty: the setting SI_CURRENCY."
        " Amounts in other currencies are left out, not converted.",
    )
    full: bool = Field(
        default=False,
        description="Read every row anew. Otherwise what changed since the last refresh is read, and everything only"
        " where changes cannot be told, with the reason shown.",
    )

    accept_change: bool = Field(
        default=False,
        description="Publish also where a fifth of the agents or more would lose all they earned, which is refused"
        " otherwise, for it looks like a mistake in the data. Blocking checks still hold.",
    )

    @field_validator("as_of")
    @classmethod
    def _is_a_moment(cls, value: str) -> str:
        if value.strip():
            windows.instant(value, name="as_of", as_of=datetime.now(UTC))
        return value.strip()

    @field_validator("currency")
    @classmethod
    def _is_a_currency(cls, value: str) -> str:
        return settings.currency_code(value) if value.strip() else ""


class Reports(_Form):
    """Which files an export writes; the page alone where nothing is asked for."""

    pages: list[str] = Field(
        default=["html"],
        description="The dashboard as which files: html (opens in any browser), pdf (needs Chromium on this machine),"
        " or both, like [html, pdf]. An empty list: none.",
    )
    tables: list[str] = Field(
        default=[],
        description="Every metric as a table besides, as csv, parquet (a file each) or xlsx (one workbook); several,"
        " like [csv, xlsx]. Empty: none.",
    )

    @field_validator("pages")
    @classmethod
    def _are_pages(cls, value: list[str]) -> list[str]:
        return _listed("pages", value, _PAGES)

    @field_validator("tables")
    @classmethod
    def _are_tables(cls, value: list[str]) -> list[str]:
        return _listed("tables", value, _TABLES)

    @model_validator(mode="after")
    def _can_be_written(self) -> Reports:
        if not self.pages and not self.tables:
            raise ValueError("nothing is asked for: pages and tables are both empty. Name html or pdf under pages")
        if "pdf" in self.pages:
            from si_analytics.reports import pdf  # late: it loads what drives a browser

            pdf.browser("pages pdf")
        return self


@dg.config_mapping(config_schema=Extraction.to_fields_dict())
def refresh_form(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The form of a refresh: its fields alone, judged at launch, passed to the step that takes them."""
    return _handed(EXTRACT, Extraction, asked)


@dg.config_mapping(config_schema=Reports.to_fields_dict())
def reports_form(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The form of an export, judged at launch like that of a refresh."""
    return _handed(REPORTS, Reports, asked)


def _handed(step: str, form: type[dg.Config], asked: Mapping[str, Any]) -> dict[str, Any]:
    return {"ops": {step: {"config": form(**asked).model_dump()}}}


def _listed(field: str, value: list[str], known: Sequence[str]) -> list[str]:
    """`value` in lower case, without repeats; raises ValueError, with the nearest, for a word not `known`."""
    asked = list(dict.fromkeys(word.strip().lower() for word in value))
    for word in asked:
        if word not in known:
            near = difflib.get_close_matches(word, known, n=1)
            raise ValueError(f"{field} '{word}' is none of {', '.join(known)}{f': {near[0]}?' if near else ''}")
    return asked


def _sentence(error: ValidationError) -> str:
    """What is wrong with the first invalid field, in the library's words."""
    first = error.errors()[0]
    words, field = first["msg"].removeprefix("Value error, "), str((*first["loc"], "")[0])
    return words if words.startswith(field) else f"{field} '{first['input']}' {words}"
