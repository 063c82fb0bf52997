"""Which currencies exist. Refuses a mistyped one, because every figure in it would be zero.

Belongs here: asking the extracted rows, and the sentences for a currency they do not have.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

import duckdb

from si_analytics import settings
from si_analytics.calendars import STANDARD, Calendar
from si_analytics.definitions import project
from si_analytics.errors import MissingTableError, SettingsError, UnknownNameError, UsageError

ALWAYS = "usd"
"""Known whatever was paid: deals have their amounts in it, and so has a transaction without a currency."""


@dataclass(frozen=True)
class Present:
    """What the warehouse's last refresh described, and in what: its as_of, currency and time zone.

    ``currencies``, called when a question names one, returns those that money was recorded in; None accepts any.
    ``calendar`` is that of whoever asks: no stored number depends on it.
    """

    as_of: datetime
    currency: str
    tz: str
    currencies: Callable[[], Iterable[str]] | None = field(default=None, compare=False)
    calendar: Calendar = STANDARD


def held(connection: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    """The currencies that money was recorded in and that can be asked for, in order."""
    try:
        rows = connection.sql(project().queries.currencies_held.text).fetchall()
    except duckdb.CatalogException as error:
        raise MissingTableError(
            "the currencies there are", "this warehouse lacks the tables of money", "Fill it first: si refresh"
        ) from error
    return tuple(currency for (currency,) in rows if _can_be_asked_for(currency))


def require(currency: str, known: Iterable[str]) -> str:
    """Returns `currency` if it is usd or one of the `known`; else raises UnknownNameError with the nearest."""
    choices = sorted({*known, ALWAYS})
    if currency in choices:
        return currency
    raise UnknownNameError(f"currency '{currency}'", "no money was recorded in it", _there_are(currency, choices))


def asked_for(given: str | None, present: Present) -> str:
    """The currency meant. Raises UsageError if no code is written like that, or no money was recorded in it."""
    if given is None:
        return present.currency
    try:
        code = settings.currency_code(given)
    except ValueError as error:
        raise UsageError(f"currency '{given[:40]}'", f"it {error}", "Write one like usd, eur or eth") from error
    if code == present.currency or present.currencies is None:
        return code
    return require(code, present.currencies())


@functools.cache
def official() -> frozenset[str]:
    """Every code of ISO 4217, in lower case."""
    from babel.numbers import list_currencies

    return frozenset(code.lower() for code in list_currencies())


def require_setting(currency: str, known: Iterable[str]) -> None:
    """Raise SettingsError for a reporting currency that nobody was paid in and that is no official one.

    An official currency may have no money yet. A new marketplace has none in any.
    """
    choices = sorted(known)
    if choices and currency not in (*choices, ALWAYS) and currency not in official():
        raise SettingsError(
            f"the setting SI_CURRENCY, '{currency}'",
            "no money was recorded in it",
            f"Nothing was published. {_there_are(currency, choices)}",
        )


def _there_are(currency: str, choices: list[str]) -> str:
    near = difflib.get_close_matches(currency, choices, n=1)
    hint = f"Did you mean '{near[0]}'? " if near else ""
    return f"{hint}There are: {', '.join(choices)}"


def _can_be_asked_for(currency: str) -> bool:
    try:
        return settings.currency_code(currency) == currency
    except ValueError:
        return False
