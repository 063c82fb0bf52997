"""Frames of measures, small and by hand, in the shape that a warehouse's own have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal

import polars as pl

from si_analytics.frames import Figure, Grouping, MeasureFrame

GMV = Figure("gmv", "usd", 2, "value of completed deals", additive=True)
DEALS = Figure("new_deals", "deals", 0, "deals made", additive=True)
TAKE_RATE = Figure("take_rate", "ratio", 6, "the platform's share of what was dealt", additive=False)
LAST_DEAL = Figure("last_deal_at", "time", 0, "the latest deal", additive=False)
TIER = Grouping("agent.tier", "text")
METHOD = Grouping("invite.method", "text")
HOUR = Grouping("hour", "number", "hour")
WEEKDAY = Grouping("weekday", "number", "weekday")
MONTH = Grouping("month", "calendar", "month")
WEEK = Grouping("week", "calendar", "week")
SINCE, UNTIL = datetime(2025, 12, 31, 23, tzinfo=UTC), datetime(2026, 5, 16, 9, 30, tzinfo=UTC)
MONTHS = tuple(date(2026, month, 1) for month in range(1, 6))
_TYPES: dict[str, Any] = {"usd": pl.Decimal(38, 2), "ratio": pl.Decimal(38, 6), "time": pl.Datetime("us", "UTC")}


def made(
    groupings: Sequence[Grouping],
    figures: Sequence[Figure],
    rows: Sequence[Sequence[Any]],
    *,
    compared: Literal["previous", "year"] | None = None,
    also: Sequence[str] = (),
    currency: str = "usd",
) -> MeasureFrame:
    """A frame of these rows: groupings, for each figure its value (and its before), then `also` (complete, row)."""
    columns: dict[str, Any] = {one.name: _type(one) for one in groupings}
    for figure in figures:
        columns[figure.name] = _TYPES.get(figure.unit, pl.Int64)
        if compared:
            columns[f"{figure.name}_before"] = columns[figure.name]
    columns |= {name: pl.Boolean if name == "complete" else pl.String for name in also}
    values = list(zip(*rows, strict=True)) or [()] * len(columns)
    frame = pl.DataFrame(
        [
            pl.Series(name, [_exact(one, kind) for one in found], dtype=kind)
            for (name, kind), found in zip(columns.items(), values, strict=True)
        ]
    )
    frame = _changed(frame, figures) if compared else frame
    known = {"groupings": tuple(groupings), "figures": tuple(figures), "currency": currency, "compared": compared}
    return MeasureFrame.of(frame, **known, tz="Europe/Berlin", since=SINCE, until=UNTIL)


def _type(grouping: Grouping) -> Any:
    return {"text": pl.String, "calendar": pl.Date, "number": pl.Int64}[grouping.kind]


def _exact(found: Any, kind: Any) -> Any:
    return Decimal(found) if isinstance(kind, pl.Decimal) and found is not None else found


def _changed(frame: pl.DataFrame, figures: Sequence[Figure]) -> pl.DataFrame:
    """Adds change and relative change, after each measure's value before."""
    order: list[str] = []
    for name in frame.columns:
        order.append(name)
        of = name.removesuffix("_before")
        if of != name and any(figure.name == of for figure in figures):
            now, before = frame[of].to_list(), frame[name].to_list()
            changes = [None if a is None or b is None else a - b for a, b in zip(now, before, strict=True)]
            shares = [
                None if c is None or not b else (Decimal(c) / b).quantize(Decimal("0.000001"))
                for c, b in zip(changes, before, strict=True)
            ]
            frame = frame.with_columns(
                pl.Series(f"{of}_change", changes, dtype=frame[of].dtype),
                pl.Series(f"{of}_change_ratio", shares, dtype=pl.Decimal(38, 6)),
            )
            order += [f"{of}_change", f"{of}_change_ratio"]
    return frame.select(order)


def whole(**more: Any) -> MeasureFrame:
    """No grouping: one row."""
    return made((), (GMV, DEALS), [("1234567.80", 1200)], **more)


def by_tier(names: Sequence[str] = ("gold", "silver", "(none)")) -> MeasureFrame:
    """A tier's value is 1000.50 less than the one before; others and total below."""
    rows = [(name, f"{9000 - 1000 * at}.50", 40 - at, "0.123456", "cell") for at, name in enumerate(names)]
    rows += [("(others)", "500.00", 7, "0.050000", "others"), ("(total)", "33333.33", 321, "0.100000", "total")]
    return made((TIER,), (GMV, DEALS, TAKE_RATE), rows, also=("row",))


def compared_by_tier(names: Sequence[str] = ("gold", "silver", "bronze")) -> MeasureFrame:
    """A tier that grew, one that shrank, one that is new."""
    befores = ("8000.00", "9000.00", None)
    rows = [(name, f"{9000 - 1000 * at}.50", befores[at % 3]) for at, name in enumerate(names)]
    return made((TIER,), (GMV,), rows, compared="previous")


def by_month(figure: Figure = GMV) -> MeasureFrame:
    """January to May, May in part, with a total."""
    values = _values(figure, 5)
    rows: list[tuple[Any, ...]] = [
        (month, value, month.month < 5, "cell") for month, value in zip(MONTHS, values, strict=True)
    ]
    return made((MONTH,), (figure,), [*rows, (None, values[0], None, "total")], also=("complete", "row"))


def compared_by_month() -> MeasureFrame:
    """January to May against the year before, May in part."""
    rows = [(month, f"{100 + 30 * at}.00", f"{90 + 10 * at}.00", at < 4) for at, month in enumerate(MONTHS)]
    return made((MONTH,), (GMV,), rows, compared="year", also=("complete",))


def by_tier_and_month(names: Sequence[str] = ("gold", "silver", "(none)"), figure: Figure = GMV) -> MeasureFrame:
    """Each tier's months, May in part; the last tier has no March; the others too."""
    rows: list[tuple[Any, ...]] = []
    for at, name in enumerate([*names, "(others)"]):
        kind = "others" if name == "(others)" else "cell"
        for month, value in zip(MONTHS, _values(figure, 5, at), strict=True):
            if not (at == len(names) - 1 and month.month == 3):
                rows.append((name, month, value, month.month < 5, kind))
    return made((TIER, MONTH), (figure,), rows, also=("complete", "row"))


def by_tier_and_method(names: Sequence[str] = ("gold", "silver", "(none)")) -> MeasureFrame:
    """Each tier by each of three methods, one pair missing, with a total."""
    rows = [
        (name, method, f"{1000 + 700 * at - 300 * place}.00", "cell")
        for at, name in enumerate(names)
        for place, method in enumerate(("email", "sms", "link"))
        if (at, place) != (1, 1)
    ]
    rows.append(("(total)", "(total)", "99999.00", "total"))
    return made((TIER, METHOD), (GMV,), rows, also=("row",))


def by_weekday_and_hour() -> MeasureFrame:
    """New deals by weekday and hour, more in working hours; none on Sundays."""
    rows = [
        (day, hour, 3 + (hour * 7 + day) % 5 + (20 if 8 <= hour <= 17 else 0))
        for day in range(1, 7)
        for hour in range(24)
    ]
    return made((WEEKDAY, HOUR), (DEALS,), rows)


def by_weekday() -> MeasureFrame:
    """New deals of four weekdays."""
    return made((WEEKDAY,), (DEALS,), [(1, 12), (2, 15), (5, 9), (7, 2)])


def _values(figure: Figure, count: int, at: int = 0) -> list[Any]:
    if figure.unit == "ratio":
        return [f"0.{10 + 3 * place + at:02d}0000" for place in range(count)]
    return [f"{1000 * (at + 1) + 250 * place}.25" for place in range(count)]


def retitled(frame: MeasureFrame, **parts: Any) -> MeasureFrame:
    """The same frame, with other things known of it."""
    known = {
        part: getattr(frame, part) for part in ("groupings", "figures", "currency", "tz", "since", "until", "compared")
    }
    return MeasureFrame.of(frame, **{**known, **parts})


def negative() -> MeasureFrame:
    """One tier earned, one lost."""
    return made((TIER,), (replace(GMV, name="net_revenue"),), [("gold", "30.00"), ("silver", "-12.50")])
