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
    """An argument that cannot mean anything; nothing was read or written."""

    exit_code = 2


class ArgumentError(UsageError, TypeError):
    """A verb of the library called with what its signature does not allow."""


class SettingsError(UsageError):
    """A setting (environment or .env) that cannot be used."""


class ServerError(AnalyticsError, ConnectionError):
    """Postgres cannot be reached, started or logged in to."""


class InterruptedReadError(ServerError):
    """Reading began and could not be brought to its end; it may succeed when tried again."""


class LockedError(InterruptedReadError):
    """Another session holds what is to be read, and was waited for as long as is set."""


class SchemaError(AnalyticsError):
    """The operational schema is not what the operation needs."""


class LoadError(AnalyticsError, ValueError):
    """Data that was to go into the operational tables does not fit."""


class ExtractError(AnalyticsError):
    """The operational tables could not be read exactly."""


class MissingTableError(AnalyticsError, LookupError):
    """A query reads a table the warehouse does not hold."""


class UnknownNameError(UsageError, LookupError):
    """A metric, funnel, table or breakdown of that name does not exist."""


class DefinitionError(AnalyticsError, ValueError):
    """A file under ``sql/`` whose fields or query cannot be used; the message names the file."""


class WarehouseError(AnalyticsError, OSError):
    """The warehouse file is missing, damaged, or cannot be written."""


class CheckFailedError(AnalyticsError):
    """A blocking check found rows; nothing was published."""


class PublishError(AnalyticsError):
    """The results could not be written back; the previous results stand."""


class ImplausibleChangeError(PublishError):
    """Publishing would take everything from too many agents; ``rows`` names each, with what is published of it."""

    def __init__(self, asked: str, found: str, remedy: str, rows: tuple[Mapping[str, object], ...] = ()) -> None:
        super().__init__(asked, found, remedy)
        self.rows = rows

    def __reduce__(self) -> tuple[type[AnalyticsError], tuple[object, ...]]:
        return type(self), (self.asked, self.found, self.remedy, self.rows)
