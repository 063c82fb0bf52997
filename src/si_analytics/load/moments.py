"""Reads times and days written as text.

Belongs here: which ways of writing a time or a day are accepted, and which moment they mean.

A time begins with a year of four digits and ends with its zone: an offset or an IANA name. With `--dates` the day or
month may come first, and the year still has four digits; with `--timezone` the zone may be missing.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import polars as pl

from si_analytics import settings
from si_analytics.load import zones
from si_analytics.load.options import Options
from si_analytics.load.target import LoadColumn
from si_analytics.load.unfit import TIME_WORDS, Unfit, hold, shown

FORM = "Write it like 2026-06-05T14:30:00Z"
NO_ZONE = "Add its offset, like Z or +02:00, or say the zone: --timezone Europe/Berlin"
_ZONE = r"(?: ?(?P<zone>Z|UTC|GMT|[+-](?:0[0-9]|1[0-5])(?::?[0-5][0-9](?::?[0-5][0-9])?)?|[A-Za-z_]+(?:/[\w+-]+)+))?"
_REST = r":(?P<minute>[0-5][0-9])(?::(?P<second>[0-5][0-9])(?:\.(?P<fraction>[0-9]{1,6})0*)?)?"
_ISO = rf"^(?P<year>[0-9]{{4}})-(?P<month>[0-9]{{2}})-(?P<day>[0-9]{{2}})(?:[T ](?P<hour>[01][0-9]|2[0-3]){_REST}(?P<half>[^\s\S])?{_ZONE})?$"  # noqa: E501
_FIRST, _SECOND = r"(?P<{}>[0-9]{{1,2}})[./-]", r"(?P<{}>[0-9]{{1,2}})[./-]"
_CLOCK = rf"(?:,?[T ](?P<hour>[01]?[0-9]|2[0-3]){_REST}(?: ?(?P<half>[AaPp][Mm]))?{_ZONE})?$"
_OTHERS = {
    "day-first": f"^{_FIRST.format('day')}{_SECOND.format('month')}(?P<year>[0-9]{{4}}){_CLOCK}",
    "month-first": f"^{_FIRST.format('month')}{_SECOND.format('day')}(?P<year>[0-9]{{4}}){_CLOCK}",
}
_OFFSET = r"^([+-])([0-9]{2}):?([0-9]{2})?:?([0-9]{2})?$"
_UTC = ("Z", "UTC", "GMT")
_DAY_AND_MONTH = re.compile(r"\d{1,2}[./-]\d{1,2}[./-]\d{4}(?!\d)")
_TWO_DIGITS = re.compile(r"\d{1,2}[./-]\d{1,2}[./-]\d{2}(?!\d)")
_FINER = re.compile(r"\d{4}-\d\d-\d\d[T ][\d:]+\.\d{6}\d*[1-9]")
_ABBREVIATED = re.compile(r"\d{4}-\d\d-\d\d[T ][\d:.]+ ?([A-Za-z]{1,6})")
# Times between these lie in the years 1 to 9999 in every zone, as all calendars here require.
EARLIEST, LATEST = "0001-01-03", "9999-12-29"


def moments(column: LoadColumn, options: Options) -> Callable[[pl.Series], pl.Series]:
    """Returns the converter from texts to moments; it raises Unfit, with the reason, for a text that is not one."""

    def explain(value: str) -> tuple[str, str]:
        return _explained(value, column, options)

    def convert(texts: pl.Series) -> pl.Series:
        parts = _parts(texts.str.strip_chars(), options)
        hold(parts["local"].is_not_null() | texts.is_null(), texts, explain)
        made = parts["local"].dt.replace_time_zone("UTC") - parts["offset"]
        for name in parts["named"].drop_nulls().unique().sort():
            if name not in settings.time_zones():
                at = int((parts["named"] == name).arg_true()[0])
                raise Unfit(*_unknown_zone(shown(texts[at], column)), at)
            those = (parts["named"] == name).fill_null(value=False)
            found, verdict = zones.moments(pl.select(pl.when(those).then(parts["local"])).to_series(), name)
            hold(verdict.is_null(), verdict, _told(texts, verdict, name, column))
            made = pl.select(pl.when(those).then(found).otherwise(made)).to_series()
        hold(made.is_not_null() | texts.is_null(), texts, explain)
        return bounded(made, lambda at: shown(texts[at], column))

    return convert


def days(column: LoadColumn, options: Options) -> Callable[[pl.Series], pl.Series]:
    """Returns the converter from texts to days; it raises Unfit for a text that is not a day."""

    def convert(texts: pl.Series) -> pl.Series:
        parts = _parts(texts.str.strip_chars(), options)
        good = parts["local"].is_not_null() & parts["hour"].is_null()
        hold(good | texts.is_null(), texts, lambda value: _explained_day(value, column))
        return parts["local"].dt.date()

    return convert


def local_moments(column: LoadColumn, zone: str) -> Callable[[pl.Series], pl.Series]:
    """Returns the converter from times without a zone, in a file with types, to moments of `zone`."""

    def convert(local: pl.Series) -> pl.Series:
        texts = local.dt.to_string("%Y-%m-%d %H:%M:%S%.f")
        made, verdict = zones.moments(local, zone)
        hold(verdict.is_null(), verdict, _told(texts, verdict, zone, column))
        hold(made.is_not_null() | local.is_null(), texts, lambda value: _outside(shown(value, column)))
        return bounded(made, lambda at: shown(texts[at], column))

    return convert


def bounded(made: pl.Series, said: Callable[[int], str]) -> pl.Series:
    """Returns the moments if they all lie in the years 1 to 9999 in every zone; else raises Unfit."""
    limits = pl.Series([EARLIEST, LATEST]).str.to_datetime("%Y-%m-%d", time_unit="us").to_physical()
    micros = made.to_physical()
    wrong = ((micros < limits[0]) | (micros >= limits[1])).fill_null(value=False).arg_true()
    if len(wrong):
        raise Unfit(*_outside(said(int(wrong[0]))), int(wrong[0]))
    return made


def _parts(texts: pl.Series, options: Options) -> pl.DataFrame:
    """Returns the parts of each text: its local time, its offset or zone name, whether it has an hour."""
    groups = texts.str.extract_groups(_ISO).struct.unnest()
    if options.dates is not None:
        others = texts.str.extract_groups(_OTHERS[options.dates]).struct.unnest()
        iso = groups["year"].is_not_null()
        groups = pl.DataFrame(
            [pl.select(pl.when(iso).then(groups[name]).otherwise(others[name]).alias(name)).to_series()
             for name in groups.columns]
        )  # fmt: skip
    hour = pl.col("hour").cast(pl.Int32)
    half = pl.col("half").str.to_lowercase()
    noon = pl.when(half == "pm").then(12).otherwise(0)
    zone = pl.col("zone").fill_null(options.timezone) if options.timezone else pl.col("zone")
    return (
        groups.with_columns(
            pl.when(half.is_null()).then(hour).when(hour.is_between(1, 12)).then(hour % 12 + noon).alias("clock"),
            zone=pl.when(pl.col("year").is_not_null()).then(zone),
        )
        .with_columns(_local().alias("local"), _offset().alias("offset"), pl.col("hour"))
        .select(
            # A text without a zone is not one moment; days have no zone and are checked by their missing hour.
            "local",
            "hour",
            "offset",
            named=pl.when(~pl.col("zone").is_in(_UTC) & ~pl.col("zone").str.contains(_OFFSET)).then(pl.col("zone")),
        )
    )


def _local() -> pl.Expr:
    day = pl.concat_str(
        pl.col("year"), pl.col("month").str.zfill(2), pl.col("day").str.zfill(2), separator="-", ignore_nulls=False
    )
    # An invalid hour (13 pm) gives null, a missing hour gives midnight.
    hour = pl.when(pl.col("hour").is_null()).then(pl.lit("00")).otherwise(pl.col("clock").cast(pl.String).str.zfill(2))
    clock = pl.concat_str(
        hour, pl.col("minute").fill_null("00"), pl.col("second").fill_null("00"), separator=":", ignore_nulls=False
    )
    fraction = pl.col("fraction").fill_null("").str.pad_end(6, "0")
    text = pl.concat_str(day, pl.lit(" "), clock, pl.lit("."), fraction, ignore_nulls=False)
    return text.str.to_datetime("%Y-%m-%d %H:%M:%S%.6f", time_unit="us", strict=False)


def _offset() -> pl.Expr:
    """Returns the offset from UTC; zero for UTC itself, null if the zone is a name or missing."""
    parts = pl.col("zone").str.extract_groups(_OFFSET).struct
    seconds = sum(
        (parts.field(str(place)).cast(pl.Int64).fill_null(0) * unit for place, unit in ((3, 60), (4, 1))),
        parts.field("2").cast(pl.Int64) * 3600,
    )
    signed = pl.when(parts.field("1") == "-").then(-seconds).otherwise(seconds)
    return pl.duration(seconds=pl.when(pl.col("zone").is_in(_UTC)).then(0).otherwise(signed), time_unit="us")


def _told(texts: pl.Series, verdict: pl.Series, zone: str, column: LoadColumn) -> Callable[[str], tuple[str, str]]:
    """Returns the words for the first time that the clocks of a zone skip or show twice."""

    def explain(what: str) -> tuple[str, str]:
        said = shown(texts[int(verdict.is_not_null().arg_true()[0])], column)
        does = "skip it" if what == zones.SKIPPED else "show it twice"
        return f"{said} is not one moment in {zone}, whose clocks {does}", "Write it with its offset, like +02:00"

    return explain


def _explained(value: str, column: LoadColumn, options: Options) -> tuple[str, str]:
    text = value.strip()
    abbreviated = _ABBREVIATED.fullmatch(text)
    in_order = f"{FORM}, or say which comes first: --dates day-first or --dates month-first"
    by_name = "Write an offset, like +05:30, or an IANA name, like Asia/Kolkata"
    reasons = (
        (text.lower() in TIME_WORDS, "is a word and no time", FORM),
        (_TWO_DIGITS.match(text), "has a year of two digits", f"{FORM}, the year with four"),
        (options.dates is None and _DAY_AND_MONTH.match(text), "does not begin with the year", in_order),
        (_FINER.match(text), "has more than six decimals of a second", "Shorten it if that is meant"),
        (
            abbreviated and abbreviated[1] not in _UTC,
            "names its zone by an abbreviation, which may be several",
            by_name,
        ),
        (options.timezone is None and _lacks_zone(text), "has no time zone, so it names no one moment", NO_ZONE),
    )
    found, remedy = next(((found, remedy) for applies, found, remedy in reasons if applies), ("is no time", FORM))
    return f"{shown(value, column)} {found}", remedy


def _lacks_zone(text: str) -> bool:
    return any((found := re.match(form, text)) and not found["zone"] for form in (_ISO, *_OTHERS.values()))


def _explained_day(value: str, column: LoadColumn) -> tuple[str, str]:
    said, text = shown(value, column), value.strip()
    if _TWO_DIGITS.match(text):
        return f"{said} has a year of two digits", "Write it like 2026-06-05"
    if _DAY_AND_MONTH.match(text):
        remedy = "Write it like 2026-06-05, or say which comes first: --dates day-first or --dates month-first"
        return f"{said} does not begin with the year", remedy
    return f"{said} is no day", "Write it like 2026-06-05"


def _unknown_zone(said: str) -> tuple[str, str]:
    return f"{said} names a time zone that there is not", "Write an offset, like +05:30, or an IANA name"


def _outside(said: str) -> tuple[str, str]:
    return f"{said} lies outside the years 1 to 9999", "Correct it, or leave it empty where there is none"
