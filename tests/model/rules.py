"""Section 0 of the contract: existence, own times, windows, money, months, rounding, percentiles.

Belongs here: rules that more than one metric follows, each in one function.
"""

from __future__ import annotations

import enum
import zoneinfo
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from tests.model.world import Row, World, rows


class Unknown(enum.Enum):
    """The moment of something that happened nobody knows when."""

    TIME = "unknown"


UNKNOWN = Unknown.TIME
Moment = datetime | Unknown
Number = int | Decimal | Fraction

EVENT_TIMES = {
    "deals": "created_at",
    "transactions": "created_at",
    "user_reviews": "created_at",
    "messages": "created_at",
    "gigs": "created_at",
    "negotiations": "created_at",
    "negotiation_offers": "created_at",
    "escrow_jobs": "created_at",
    "gig_applications": "applied_at",
    "withdrawals": "created_at",
    "user_rewards": "earned_at",
    "agent_bonuses": "earned_at",
    "token_withdrawal_requests": "requested_at",
    "matches": "matched_at",
    "saved_gigs": "saved_at",
    "feed_activities": "created_at",
    "social_accounts": "created_at",
    "notifications": "created_at",
}
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def existing(world: World, table: str, as_of: datetime) -> list[Row]:
    """Rows that exist at as_of: event time strictly before it. A null event time never exists."""
    column = EVENT_TIMES[table]
    return [row for row in rows(world, table) if is_before(row[column], as_of)]


def sent_invites(world: World, as_of: datetime) -> list[Row]:
    """Invites sent before as_of."""
    return [row for row in rows(world, "invites") if is_before(row["sent_at"], as_of)]


def recruited_before(referral: Row, moment: datetime) -> bool:
    """Whether the referral dates from before `moment`; a null recruited_at means always."""
    return referral["recruited_at"] is None or referral["recruited_at"] < moment


def is_before(moment: datetime | None, limit: datetime) -> bool:
    """Whether `moment` is known and strictly before `limit`."""
    return moment is not None and moment < limit


def utc(moment: datetime, name: str) -> datetime:
    """`moment` in UTC (two times of one zone compare by the clock on the wall otherwise); naive is an error."""
    if moment.tzinfo is None:
        raise ValueError(f"{name} has no time zone")
    return moment.astimezone(UTC)


def window(as_of: datetime, since: datetime | None, until: datetime | None) -> tuple[datetime | None, datetime]:
    """``[since, until)``: until defaults to as_of and is cut to it; since >= until is an error."""
    end = as_of if until is None else min(utc(until, "until"), as_of)
    if since is None:
        return None, end
    start = utc(since, "since")
    if start >= end:
        raise ValueError("the window is empty: since is not before until")
    return start, end


def first_moment(day: date, tz: str) -> datetime:
    """When `day` begins in `tz`: the first second that bears its date, or a later one where clocks skip all of it."""
    zone, quarter, second = zoneinfo.ZoneInfo(tz), timedelta(minutes=15), timedelta(seconds=1)
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    if midnight.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == midnight.replace(tzinfo=None):
        return midnight.astimezone(UTC)  # clocks show it; of one that comes twice this is the first
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC) - 18 * HOUR
    while moment.astimezone(zone).date() < day:
        moment += quarter
    moment -= quarter
    while moment.astimezone(zone).date() < day:
        moment += second
    return moment


def day_begun(moment: datetime, tz: str) -> date | None:
    """The day in `tz` whose first moment this is, if it is one's."""
    day = moment.astimezone(zoneinfo.ZoneInfo(tz)).date()
    return day if first_moment(day, tz) == moment else None


def window_before(
    since: datetime, until: datetime, tz: str = "UTC", whole_until: datetime | None = None
) -> tuple[datetime, datetime]:
    """The window before ``[since, until)``: as many months, local days, or as long.

    Given where a period would end that as_of cuts short at `until`: the period before, over as much of it.
    """
    start = datetime.min.replace(tzinfo=UTC)
    first, last = day_begun(since, tz), day_begun(whole_until or until, tz)
    if first is None or last is None:
        length = (whole_until or until) - since
        start = since - min(length, since - start)
    elif (first.day, last.day) == (1, 1):
        months = month_number(last) - month_number(first)
        start = first_moment(month_of_number(month_number(first) - months), tz)
    else:
        start = first_moment(first - (last - first), tz)
    if whole_until is None:
        return start, since
    today, begun = day_begun(until, tz), day_begun(start, tz)
    if today is None or begun is None or first is None:
        return start, min(since, start + (until - since))
    return start, min(since, first_moment(begun + (today - first), tz))


def in_window(moment: datetime | None, since: datetime | None, until: datetime) -> bool:
    """Whether `moment` is known and in ``[since, until)``."""
    return moment is not None and (since is None or since <= moment) and moment < until


def said(holds: bool, own_time: datetime | None) -> list[Moment]:
    """A status (flag, reference) is needed: at its own time where that is set, else at an unknown time."""
    if not holds:
        return []
    return [UNKNOWN if own_time is None else own_time]


def timed(own_time: datetime | None, holds: bool = False) -> list[Moment]:
    """A time is enough; where it is null, a status that holds says so at an unknown time."""
    if own_time is not None:
        return [own_time]
    return [UNKNOWN] if holds else []


def earliest(
    moments: Iterable[Moment], as_of: datetime, start: datetime | None = None, within: timedelta | None = None
) -> Moment | None:
    """When it first happened: known before as_of (and within), else unknown, else None (it has not).

    Each candidate passes or fails on its own before the earliest is taken. With `within`, only a
    known time up to and including start + within counts; a time before start passes.
    """
    known, unknown = [], False
    for moment in moments:
        if isinstance(moment, Unknown):
            unknown = unknown or within is None
        elif moment < as_of and (within is None or start is None or moment - start <= within):
            known.append(moment)
    return min(known) if known else (UNKNOWN if unknown else None)


def accepted(invite: Row) -> list[Moment]:
    """An invite's acceptance: accepted_at whatever the status, else the status, at an unknown time."""
    return timed(invite["accepted_at"], invite["status"] == "accepted")


def reporting(currency: str) -> str:
    """A reporting currency as settings hold it: trimmed, lower-cased."""
    return currency.strip(" ").lower()


def currency_of(row: Row) -> str:
    """A row's currency, normalised: null is usd, spaces (and only spaces) around it removed."""
    return "usd" if row["currency"] is None else row["currency"].strip(" ").lower()


def local_month(moment: datetime, tz: str) -> date:
    """The first day of the month in which `moment` lies, in the reporting zone."""
    return moment.astimezone(zoneinfo.ZoneInfo(tz)).date().replace(day=1)


def month_number(month: date) -> int:
    """Months counted from year 0, so that months can be subtracted."""
    return 12 * month.year + month.month - 1


def month_of_number(number: int) -> date:
    """The inverse of `month_number`."""
    return date(number // 12, number % 12 + 1, 1)


def half_away(value: Number | None, places: int) -> Decimal | None:
    """`value` rounded once, exactly, halves away from zero; None stays None."""
    if value is None:
        return None
    scaled = abs(Fraction(value)) * 10**places
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    # From digits: arithmetic on Decimals would round to the context's precision.
    return Decimal((int(value < 0 and whole > 0), tuple(int(digit) for digit in str(whole)), -places))


def mean(values: Sequence[Number]) -> Fraction | None:
    """The exact mean; None of nothing."""
    return sum((Fraction(value) for value in values), Fraction(0)) / len(values) if values else None


def total(values: Iterable[Number]) -> Fraction:
    """The exact sum; 0 of nothing."""
    return sum((Fraction(value) for value in values), Fraction(0))


def ratio(part: Number, whole: Number) -> Fraction | None:
    """part / whole, exactly; None where whole is 0."""
    return Fraction(part) / Fraction(whole) if whole else None


def span(duration: timedelta, unit: timedelta) -> Fraction:
    """A duration in units of another, exactly (timedelta counts whole microseconds)."""
    return Fraction(duration // timedelta(microseconds=1), unit // timedelta(microseconds=1))


def percentile(values: Sequence[Fraction], share: Fraction) -> Fraction | None:
    """The continuous percentile: at position share x (n - 1) of the sorted values, linear in between."""
    if not values:
        return None
    ordered = sorted(values)
    position = share * (len(ordered) - 1)
    below = position.numerator // position.denominator
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (position - below) * (ordered[above] - ordered[below])
