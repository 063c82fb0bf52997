"""What can go wrong, each in one sentence: what was asked, what was found, what to do.

Belongs here: every exception the library raises on purpose.
"""

from __future__ import annotations

from collections.abc import Mapping


class AnalyticsError(Exception):
    """Base of every error raised on purpose; the command line prints it without a traceback.

    ``asked`` is what the caller wanted, ``found`` what stood in the way, ``remedy`` what to do now.
    """

    exit_code = 1

    def __init__(self, asked: str, found: str, remedy: str) -> None:
        self.asked = asked
        self.found = found
        self.remedy = remedy
        super().__init__(f"{asked}: {found}. {remedy}")

    def __reduce__(self) -> tuple[type[AnalyticsError], tuple[object, ...]]:
        return type(self), (self.asked, self.found, self.remedy)


class UsageError(AnalyticsError, ValueError):
    """An argument makes no sense; nothing was read or written."""

    exit_code = 2


class ArgumentError(UsageError, TypeError):
    """A verb of the library was called with arguments that its signature does not allow."""


class SettingsError(UsageError):
    """A setting (environment or .env) cannot be used."""


class ServerError(AnalyticsError, ConnectionError):
    """Postgres cannot be reached, started or logged in to."""


class InterruptedReadError(ServerError):
    """A read began and could not finish; it may succeed if tried again."""


class LockedError(InterruptedReadError):
    """Another session locked what is to be read for longer than the set timeout."""


class SchemaError(AnalyticsError):
    """The operational schema is not what the operation needs."""


class LoadError(AnalyticsError, ValueError):
    """Data for the operational tables does not fit."""


class ExtractError(AnalyticsError):
    """The operational tables could not be read exactly."""


class MissingTableError(AnalyticsError, LookupError):
    """A query reads a table the warehouse does not hold."""


class UnknownNameError(UsageError, LookupError):
    """No metric, funnel, table or breakdown has that name."""


class DefinitionError(AnalyticsError, ValueError):
    """A file under ``sql/`` has fields or a query that cannot be used; the message names the file."""


class WarehouseError(AnalyticsError, OSError):
    """The warehouse file is missing, damaged or cannot be written."""


class CheckFailedError(AnalyticsError):
    """A blocking check found rows; nothing was published."""


class PublishError(AnalyticsError):
    """The results could not be written back; the previous results remain."""


class ImplausibleChangeError(PublishError):
    """Publishing would take everything from too many agents; ``rows`` names each, with its published values."""

    def __init__(self, asked: str, found: str, remedy: str, rows: tuple[Mapping[str, object], ...] = ()) -> None:
        super().__init__(asked, found, remedy)
        self.rows = rows

    def __reduce__(self) -> tuple[type[AnalyticsError], tuple[object, ...]]:
        return type(self), (self.asked, self.found, self.remedy, self.rows)
