"""How people see a result: numbers and times as text, and the columns a frame needs.

Belongs here: exact formatting (a Decimal never becomes a float on its way to a reader), the check that a frame
has the columns a chart, table or page reads, and how a notebook shows a warehouse. Knows no chart, table or
page.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import polars as pl

from si_analytics.errors import UsageError

MISSING = "–"
NONE_RANKED = "new"
_DAY = {"ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
_CYCLE_YEARS, _CYCLE_DAYS = 400, 146_097
# In days since 1970: Python's range, well within what polars can show.
_EPOCH = date(1970, 1, 1).toordinal()
_FIRST_DAY, _AFTER_LAST_DAY = 1 - _EPOCH, date.max.toordinal() + 1 - _EPOCH
_SHOWN_DAYS = 95_000_000
_HOURS_SHOWN_AS_HOURS = Decimal(48)
_TRY = (
    ("agent_leaderboard(during='last 30 days')", "who earned what, and who is moving"),
    ("funnel('invite', by='method', within='14d')", "what becomes of an invite"),
    ("explain('agent_leaderboard', agent_id, 'total_earnings')", "the rows behind a number"),
    ("metrics()", "everything there is"),
)


def require(frame: pl.DataFrame, columns: Sequence[str], asked: str) -> pl.DataFrame:
    """Returns `frame` if it has `columns`; raises UsageError, which names the missing ones, if not."""
    if not isinstance(frame, pl.DataFrame):
        raise UsageError(asked, f"it was given a {type(frame).__name__}", "Give a polars DataFrame of the warehouse")
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise UsageError(
            asked,
            f"the frame has no column {', '.join(missing)} (it has {', '.join(frame.columns) or 'none'})",
            "Give the warehouse's own frame, with its column names",
        )
    return frame


def number(value: Decimal | int | None) -> str:
    """Returns `value` with its own decimals and with commas between thousands: ``1,234.50``."""
    if value is None:
        return MISSING
    return f"{value:,f}" if isinstance(value, Decimal) else f"{value:,}"


def percent(ratio: Decimal | None, places: int = 1) -> str:
    """Returns a ratio 0-1 as a percentage, rounded half away from zero: ``23.5 %``."""
    if ratio is None:
        return MISSING
    rounded = (ratio * 100).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    return f"{rounded:,f} %"


def hours(value: Decimal | None) -> str:
    """Returns a duration given in hours in the unit that reads best: ``5.2 h`` below two days, else ``3.1 d``."""
    if value is None:
        return MISSING
    in_hours = abs(value) < _HOURS_SHOWN_AS_HOURS
    shown = value if in_hours else value / 24
    return f"{shown.quantize(Decimal('0.1'), rounding=ROUND_HALF_UP):,f} {'h' if in_hours else 'd'}"


def plural(count: int, one: str, many: str | None = None) -> str:
    """Returns a count with its noun: ``1 agent``, ``2 agents``, ``5,000 agents``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def movement(change: int | None) -> str:
    """Returns places gained or lost, readable without colour: ``▲ 3``, ``▼ 2``, ``=``; ``new`` without earlier rank."""
    if change is None:
        return NONE_RANKED
    if change == 0:
        return "="
    return f"{'▲' if change > 0 else '▼'} {abs(change):,}"


def has_movement(frame: pl.DataFrame) -> bool:
    """Whether `frame` was ranked against an earlier window, so that it shows places gained and lost."""
    return "rank_change" in frame.columns and frame["rank_change"].null_count() < frame.height


def moment(value: datetime) -> str:
    """Returns an instant in UTC to the second: ``2026-06-01 00:00:00 UTC``."""
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def values(column: pl.Series) -> list[Any]:
    """Returns the values of a column; a time or day outside Python's years 1 to 9999 becomes text.

    That text is ISO 8601 in UTC, with the year 0000 for 1 BC, as polars writes it: ``-0043-03-15``.
    """
    if not isinstance(column.dtype, pl.Date | pl.Datetime):
        return column.to_list()
    day, counts = _units(column.dtype), column.to_physical()
    zone = getattr(column.dtype, "time_zone", None)
    apart = 0 if zone in {None, "UTC"} else 1  # local time may be a day apart from UTC
    known = counts.is_between((_FIRST_DAY + apart) * day, (_AFTER_LAST_DAY - apart) * day - 1)
    if known.all():
        return column.to_list()
    found = column.set(~known, None).to_list()
    return [
        _beyond(count, day) if value is None and count is not None else value
        for value, count in zip(found, counts.to_list(), strict=True)
    ]


def rows(frame: pl.DataFrame) -> list[tuple[Any, ...]]:
    """Returns the rows of a frame, with values as `values` gives them."""
    return list(zip(*(values(column) for column in frame.iter_columns()), strict=True))


def readable(frame: pl.DataFrame) -> pl.DataFrame:
    """Returns the frame with far-off times as text: polars panics when it shows them."""
    far = [
        column.name
        for column in frame.iter_columns()
        if isinstance(column.dtype, pl.Datetime)
        and (shown := _SHOWN_DAYS * _units(column.dtype)) < 2**63  # nanoseconds never reach that far
        and (column.to_physical().abs() > shown).any()
    ]
    return frame.with_columns(pl.Series(name, [_written(each) for each in values(frame[name])]) for name in far)


def _units(kind: pl.Date | pl.Datetime) -> int:
    """Returns how many of its units make a day."""
    return _DAY[kind.time_unit] if isinstance(kind, pl.Datetime) else 1


def _written(value: datetime | str | None) -> str | None:
    return value.isoformat(timespec="microseconds") if isinstance(value, datetime) else value


def _beyond(count: int, day: int) -> str:
    """Returns the day or time `count` units after 1970, by the calendar's cycle of 400 years."""
    days, rest = divmod(count, day)
    cycles, left = divmod(days, _CYCLE_DAYS)
    near = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=left, microseconds=rest * _DAY["us"] // day)
    year = near.year + _CYCLE_YEARS * cycles
    shown = f"{year:04d}" if 0 <= year <= 9999 else f"{year:+05d}"
    return f"{shown}{near:-%m-%d}" if day == 1 else f"{shown}{near:-%m-%dT%H:%M:%S.%f}+00:00"


def warehouse(as_of: datetime, currency: str, timezone: str, tables: Sequence[tuple[str, str, int]]) -> str:
    """Returns a warehouse as a notebook shows it, in HTML: its moment, what to try, and its tables with row counts."""
    rows = "".join(
        f"<tr><td>{html.escape(schema)}.{html.escape(table)}</td><td style='text-align:right'>{count:,}</td></tr>"
        for schema, table, count in tables
    )
    tried = "".join(f"<li><code>warehouse.{html.escape(call)}</code>, {why}</li>" for call, why in _TRY)
    return (
        f"<p><b>Warehouse</b> as of {as_of:%Y-%m-%d %H:%M} UTC, in {html.escape(currency)}, days and months in"
        f" {html.escape(timezone)}. Try</p><ul>{tried}</ul>"
        f"<details><summary>{plural(len(tables), 'table')}</summary><table>{rows}</table></details>"
    )
