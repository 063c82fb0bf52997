"""What people may ask of a job before it starts, and the sentence they read where it cannot be.

Belongs here: the launch forms of the jobs. Dagster holds the shape of a form while it is typed (which fields,
which of a few words); what only the library can judge, a time or a currency, is judged when the run is
launched: the run is then refused, with the library's own sentence, and never begins.
May import: `dagster`, `si_analytics`, `pipelines.resources`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg
from pydantic import Field, ValidationError, field_validator

from pipelines.resources import EXTRACT
from si_analytics import settings, windows


class LaunchRefusedError(dg.DagsterError):
    """A form that cannot be launched; one of Dagster's own, so that its sentence is what the launchpad shows first."""


class Extraction(dg.Config):
    """What a refresh may be asked for; nothing need be. Empty stands for the default, so that forms show it."""

    as_of: str = Field(
        default="",
        description="The moment to describe, like 2026-06-01T00:00:00Z; a date is its midnight in the reporting time"
        " zone. Empty: now. A past moment is old times with today's statuses, not time travel.",
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

    @field_validator("as_of")
    @classmethod
    def _is_a_moment(cls, value: str) -> str:
        if value.strip():
            windows.instant(value, name="as_of")
        return value.strip()

    @field_validator("currency")
    @classmethod
    def _is_a_currency(cls, value: str) -> str:
        return settings.currency_code(value) if value.strip() else ""


@dg.config_mapping(config_schema=Extraction.to_fields_dict())
def refresh_form(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The form of a refresh: its fields alone, judged at launch, handed to the step that takes them."""
    try:
        form = Extraction(**asked)
    except ValidationError as error:
        raise LaunchRefusedError(_sentence(error)) from None
    return {"ops": {EXTRACT: {"config": form.model_dump()}}}


def _sentence(error: ValidationError) -> str:
    """What is wrong with the first field that is, as the library puts it."""
    first = error.errors()[0]
    words, field = first["msg"].removeprefix("Value error, "), str(first["loc"][0])
    return words if words.startswith(field) else f"{field} '{first['input']}' {words}"
