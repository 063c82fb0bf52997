"""`si metric` and `si export`: print numbers and write files for people."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from si_analytics.cli.output import Json, Progress, as_json, lines, note, raw, say, table
from si_analytics.errors import UsageError

if TYPE_CHECKING:
    import polars as pl

    from si_analytics.query.warehouse import Warehouse

export = typer.Typer(help="Write files for people who have nothing installed.", no_args_is_help=True)


class Format(StrEnum):
    """How a metric is printed."""

    table = "table"
    csv = "csv"
    json = "json"
    parquet = "parquet"


class PageFormat(StrEnum):
    """How a dashboard is written; same as in `si_analytics.reports.export`."""

    html = "html"
    pdf = "pdf"


class TableFormat(StrEnum):
    """How tables are written; same as in `si_analytics.reports.export`, which takes a second to load."""

    csv = "csv"
    parquet = "parquet"
    xlsx = "xlsx"


def metric(
    name: Annotated[str | None, typer.Argument(help="A metric or a funnel, like agent_leaderboard or invite.")] = None,
    since: Annotated[str | None, typer.Option(metavar="T", help="From this date, time or span's start on.")] = None,
    until: Annotated[str | None, typer.Option(metavar="T", help="Before this date, time or span's start.")] = None,
    during: Annotated[
        str | None, typer.Option(metavar="SPAN", help="Both at once: Q1 2026, ytd, last 30 days.")
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            metavar="X", help="Break a funnel down, like method or agent.tier,month; order the board by deals."
        ),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(metavar="D=V", help="Only a funnel's units with this value, like agent.tier=gold; repeat it."),
    ] = None,
    within: Annotated[str | None, typer.Option(metavar="14d", help="Bound the time a funnel may take.")] = None,
    stopped: Annotated[str | None, typer.Option(metavar="STAGE", help="Whoever got to STAGE and no further.")] = None,
    times: Annotated[
        str | None, typer.Option(metavar="STAGE", help="How long it took to STAGE, in percentiles.")
    ] = None,
    differences: Annotated[
        str | None, typer.Option(metavar="STAGE", help="Which values of --by truly differ in who gets to STAGE.")
    ] = None,
    tier: Annotated[list[str] | None, typer.Option(metavar="TIER", help="Show agents of this tier.")] = None,
    specialty: Annotated[list[str] | None, typer.Option(metavar="X", help="Show agents of this specialty.")] = None,
    location: Annotated[list[str] | None, typer.Option(metavar="X", help="Show agents with recruits there.")] = None,
    tz: Annotated[str | None, typer.Option(metavar="ZONE", help="Time zone of dates and months.")] = None,
    currency: Annotated[str | None, typer.Option(metavar="CODE", help="Currency that money is counted in.")] = None,
    as_of: Annotated[
        str | None,
        typer.Option(metavar="T", help="An earlier moment, like 2026-05-31 or yesterday: old times, today's statuses."),
    ] = None,
    format: Annotated[Format | None, typer.Option("--format", help="How to print it. [default: table]")] = None,
    listed: Annotated[
        bool, typer.Option("--list", help="List every metric and funnel; with NAME, its columns and what they mean.")
    ] = False,
    sql: Annotated[bool, typer.Option("--sql", help="Print the query instead, to run in the duckdb shell.")] = False,
    json: Json = False,
) -> None:
    """Print one metric or funnel from the warehouse.

    A date means its midnight in the reporting time zone; a time carries its offset, like 2026-01-31T09:00:00Z.
    Spans are 2026, Q2 2026, May 2026, 2026-W05, FY2026, yesterday, this month, ytd (qtd, mtd, wtd), last 8 weeks (whole
    ones, before this one); 14d is so long before the last refresh's as_of. Given as --since, --until or --as-of a span
    stands for its first moment.
    """
    form = shape(format, json)
    if name is None and not listed:
        raise UsageError("si metric", "no metric was named", "Name one; `si metric --list` lists them")
    from si_analytics import settings
    from si_analytics.query import warehouse as query_warehouse

    if name is None or listed:
        show(_listed(name, form), form)
        return
    when = given(since=since, until=until, during=during, tz=tz, currency=currency, as_of=as_of)
    funnel = given(within=within, stopped=stopped, times=times, differences=differences, where=filters(where or []))
    board = given(tier=tier, specialty=specialty, location=location)
    with query_warehouse.connect(settings.load()) as warehouse:
        if sql:
            lines(_sql(warehouse, name, when, given(by=by), funnel, board))
            return
        frame = _asked(warehouse, name, by, when, funnel, board)
    show(frame, form)


def _listed(name: str | None, form: Format) -> pl.DataFrame:
    """Every metric and funnel, or the columns of one: everything for programs, what fits a line for people."""
    import polars as pl

    from si_analytics.query import catalog, queries

    frame = catalog.listing() if name is None else catalog.described(queries.named(name))
    if form in {Format.json, Format.parquet}:
        return frame
    if name is None:
        return frame.select("name", "kind", "summary", "grain")
    return frame.with_columns(pl.col("lineage").list.join(", "))


def shape(asked: Format | None, json: bool) -> Format:
    """How to print; parquet is for files and programs, not for a terminal."""
    if json and asked not in {None, Format.json}:
        raise UsageError(f"si metric --format {asked}", "--json asks for JSON", "Leave one of them out")
    form = Format.json if json else asked or Format.table
    if form is Format.parquet and sys.stdout.isatty():
        raise UsageError(
            "si metric --format parquet",
            "a terminal cannot show it",
            "Send it into a file: si metric ... > file.parquet",
        )
    return form


def given(**options: Any) -> dict[str, Any]:
    """The options that were typed."""
    return {name: value for name, value in options.items() if value is not None and value not in ([], {})}


def filters(written: Sequence[str], command: str = "si metric") -> dict[str, list[str]]:
    """The filters as they are written, D=V each; those of one grouping are alternatives."""
    found: dict[str, list[str]] = {}
    for one in written:
        name, equals, value = one.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"{command} --where {one}", "it is not a grouping and a value", "Write agent.tier=gold")
        found.setdefault(name.strip(), []).append(value.strip())
    return found


def _sql(
    warehouse: Warehouse,
    name: str,
    when: dict[str, Any],
    by: dict[str, Any],
    of_funnels: dict[str, Any],
    of_boards: dict[str, Any],
) -> str:
    """The query of a metric or funnel, asked as `_asked` asks it."""
    from si_analytics.compute import funnels

    asked = by | {key: value for key, value in of_funnels.items() if key in {"within", "where"}}
    others = {key: value for key, value in of_funnels.items() if key not in asked}
    _require_none({**others, **of_boards}, name, "cannot go with --sql")
    if name in funnels.names():
        _require_none({key: when[key] for key in when if key == "currency"}, name, "are for metrics of money")
        return warehouse.funnel_sql(name, **when, **asked)
    _require_none(asked, name, "cannot go with --sql")
    return warehouse.metric_sql(name, **when)


def _asked(
    warehouse: Warehouse,
    name: str,
    by: str | None,
    when: dict[str, Any],
    of_funnels: dict[str, Any],
    of_boards: dict[str, Any],
) -> pl.DataFrame:
    from si_analytics.compute import funnels
    from si_analytics.query import queries

    ordered = {} if by is None else {"by": by}
    if queries.named(name) in funnels.names():
        _require_none(of_boards, name, "are for agent_leaderboard")
        return _of_funnel(warehouse, name, {**when, **ordered}, of_funnels)
    _require_none(of_funnels, name, "are for funnels")
    if name == "agent_leaderboard":
        return warehouse.agent_leaderboard(**when, **ordered, **of_boards)
    _require_none({**ordered, **of_boards}, name, "are for funnels and agent_leaderboard")
    return warehouse.metric(name, **when)


def _of_funnel(warehouse: Warehouse, name: str, asked: dict[str, Any], options: dict[str, Any]) -> pl.DataFrame:
    """A funnel, or its units: --stopped, --times and --differences each ask for something else."""
    stopped, times, differences = (options.get(key) for key in ("stopped", "times", "differences"))
    asked |= {key: value for key, value in options.items() if key in {"within", "where"}}
    tables = [f"--{key}" for key in ("stopped", "times", "differences") if key in options]
    if len(tables) > 1:
        said = " and ".join(tables)
        raise UsageError(f"funnel '{name}'", f"{said} give different tables", "Leave one of them out")
    _require_none({key: asked[key] for key in asked if key == "currency"}, name, "are for metrics of money")
    if stopped is not None:
        _require_none({key: asked[key] for key in asked if key == "by"}, name, "cannot go with --stopped")
        return warehouse.stopped(name, stopped, **asked)
    if times is not None:
        return warehouse.time_to_convert(name, times, **asked)
    if differences is not None:
        if "by" not in asked:
            raise UsageError(
                f"funnel '{name}' with --differences", "it is not said between what", "Give --by method, say"
            )
        return warehouse.funnel_differences(name, differences, **asked)
    return warehouse.funnel(name, **asked)


def _require_none(options: dict[str, Any], name: str, found: str) -> None:
    if options:
        named = ", ".join(f"--{option}" for option in options)
        raise UsageError(f"metric '{name}' with {named}", f"such options {found}", f"Leave {named} out")


def show(frame: pl.DataFrame, form: Format) -> None:
    """Print a frame in that form."""
    from si_analytics import formatting

    if form is Format.json:
        as_json([dict(zip(frame.columns, row, strict=True)) for row in formatting.rows(frame)])
    elif form is Format.csv:
        raw(formatting.readable(frame).write_csv(datetime_format="%Y-%m-%dT%H:%M:%S%.6f%:z").encode())
    elif form is Format.parquet:
        written = BytesIO()
        frame.write_parquet(written)
        raw(written.getvalue())
    else:
        numbers = [name for name, kind in frame.schema.items() if kind.is_numeric()]
        table(frame.columns, formatting.rows(frame), numbers)


@export.command()
def dashboard(
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="PLACE", help="A folder, or a file ending in .html or .pdf. [default: exports in SI_HOME]"
        ),
    ] = None,
    format: Annotated[PageFormat | None, typer.Option("--format", help="What to write. [default: html]")] = None,
    json: Json = False,
) -> None:
    """Write the dashboard: one HTML file that opens from disk with no network, or a PDF of it.

    Without --out it goes into a folder of its refresh, which `latest` leads to.
    """
    from si_analytics import settings
    from si_analytics.reports import export as exporting

    ending = "" if out is None or out.is_dir() else out.suffix.lower()
    form = format or (PageFormat.pdf if ending == ".pdf" else PageFormat.html)
    fitting = {".pdf"} if form is PageFormat.pdf else {".html", ".htm"}
    if ending in {".pdf", ".html", ".htm"} - fitting:
        raise UsageError(f"si export dashboard --format {form} --out {out}", "they differ", "Leave one of them out")
    if out is not None and ending not in fitting:
        out = out / f"dashboard.{form}"
    with Progress("drawing the dashboard", quiet=json):
        current = settings.load()
        path = exporting.dashboard(current, out, exporting.PageFormat(form.value))
    _wrote([path], json, exporting.warning(current))


@export.command()
def tables(
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The folder to write to. [default: exports in SI_HOME]")
    ] = None,
    format: Annotated[TableFormat, typer.Option("--format", help="What to write.")] = TableFormat.csv,
    json: Json = False,
) -> None:
    """Write every published metric: a file each, or with xlsx a sheet each of one workbook.

    Without --out they go into a folder of their refresh, which `latest` leads to.
    """
    from si_analytics import settings
    from si_analytics.reports import export as exporting

    with Progress("writing the tables", quiet=json):
        current, notes = settings.load(), list[str]()
        paths = exporting.tables(current, out, exporting.TableFormat(format.value), tell=notes.append)
    _wrote(paths, json, exporting.warning(current), notes)


def _wrote(paths: list[Path], json: bool, warning: str, notes: Sequence[str] = ()) -> None:
    if json:
        told = {"warning": warning, "notes": list(notes)}
        as_json({"written": paths, **{name: value for name, value in told.items() if value}})
        return
    for path in paths:
        say(f"Wrote {path}")
    if warning:
        say(f"{warning}.")
    for one in notes:
        note(one)
