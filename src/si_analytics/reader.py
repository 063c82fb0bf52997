"""The published warehouse as analysts meet it: one object, a verb for each question.

Belongs here: `Warehouse` and `connect`. Read-only throughout: what a question needs beyond the
published tables is computed in memory. May import: every module below.
"""

from __future__ import annotations

import difflib
import html
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from types import TracebackType
from typing import Any

import duckdb
import polars as pl

from si_analytics import explain, funnels, metrics, settings, sql, warehouse, windows
from si_analytics.errors import MissingTableError, UnknownNameError, UsageError, WarehouseError
from si_analytics.settings import Settings
from si_analytics.windows import Duration, Instant


class Warehouse:
    """The published warehouse, read-only, as of the refresh that was last when it was opened.

    Results are polars DataFrames whose column names equal the warehouse's; money is Decimal, times
    are UTC-aware, ids are text. A refresh that ends meanwhile is seen by the next `connect`.

    >>> warehouse = si.connect()
    >>> warehouse.agent_leaderboard(since="2026-01-01")
    """

    def __init__(self, using: Settings) -> None:
        self.settings = using
        self._opened: duckdb.DuckDBPyConnection | None = _open(using)
        last = self._connection.sql(
            "select refresh_id, as_of, snapshot, currency, timezone from meta.refreshes order by taken_at desc limit 1"
        ).fetchone()
        if last is None:
            raise WarehouseError(f"reading the warehouse {using.warehouse}", "it is empty", "Fill it: si refresh")
        self.refresh_id = str(last[0])
        self.as_of: datetime = windows.instant(last[1])
        self.snapshot: str = last[2]
        self.currency: str = last[3]
        self.timezone: str = last[4]

    def __enter__(self) -> Warehouse:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file; whatever is asked afterwards is refused."""
        if self._opened is not None:
            self._opened.close()
        self._opened = None

    def agent_leaderboard(
        self, since: Instant | None = None, until: Instant | None = None, *, tz: str | None = None
    ) -> pl.DataFrame:
        """Agents ranked by commission: one row per agent, in order of rank.

        Columns: agent_id, agent_name, avatar, tier, total_referrals, total_deals, total_earnings (in
        the reporting currency), rank; with `since` also previous_rank and rank_change against the
        window of equal length before. A date means its midnight in `tz`.

        >>> warehouse.agent_leaderboard(since="2026-01-01", until="2026-02-01", tz="Europe/Berlin")
        """
        return self.metric("agent_leaderboard", since=since, until=until, tz=tz)

    def agent_performance_metrics(self) -> pl.DataFrame:
        """One row per agent, all time: totals, mean times (days, hours), satisfaction, score 0 to 100."""
        return self.metric("agent_performance_metrics")

    def brand_reputations(self) -> pl.DataFrame:
        """One row per sponsor, all time, in order of rank: ratings, payment time (days), reputation_score."""
        return self.metric("brand_reputations")

    def marketplace_monthly(self) -> pl.DataFrame:
        """One row per month of the reporting time zone: deals, gmv, who was active, revenue, take_rate."""
        return self.metric("marketplace_monthly")

    def signup_cohorts(self) -> pl.DataFrame:
        """One row per signup month and months since: cohort_size, active, retention (0 to 1)."""
        return self.metric("signup_cohorts")

    def template_experiments(self) -> pl.DataFrame:
        """One row per agent, template name and variant A or B: acceptance, Wilson interval, B against A."""
        return self.metric("template_experiments")

    def funnel(
        self,
        name: str,
        *,
        by: str | None = None,
        within: Duration | None = None,
        since: Instant | None = None,
        until: Instant | None = None,
        tz: str | None = None,
    ) -> pl.DataFrame:
        """One row per breakdown value and stage of the funnel `name`.

        `by` breaks the units down by one of their attributes, `within` bounds the time from stage 1
        (``14d``), `since` and `until` choose the units that entered in between.

        >>> warehouse.funnel("invite", by="method", within="14d")
        """
        sql.read("funnels", name)
        funnels.check_breakdown(name, by)
        return self._evaluated("conversion_funnels", since, until, tz, within=within, by=by, chosen=(name,))

    def metric(
        self, name: str, *, since: Instant | None = None, until: Instant | None = None, tz: str | None = None
    ) -> pl.DataFrame:
        """Any metric by name; `metrics` lists them. A window is refused where the metric has none."""
        if name in funnels.names():
            return self.funnel(name, since=since, until=until, tz=tz)
        file = sql.read("metrics", name)
        if since is None and until is None:
            return self._table(f"metrics.{file.name}")
        if "$since" not in file.fields.get("Params", ""):
            raise UsageError(f"metric '{name}' with a window", "it describes all time", "Leave since and until out")
        return self._evaluated(name, since, until, tz)

    def explain(
        self,
        metric: str,
        key: explain.Key,
        column: str,
        *,
        since: Instant | None = None,
        until: Instant | None = None,
        tz: str | None = None,
        by: str | None = None,
        within: Duration | None = None,
    ) -> pl.DataFrame:
        """The source rows behind one cell; `key` is the row's id, a funnel's stage, or the row itself.

        >>> warehouse.explain("agent_leaderboard", agent_id, "total_earnings")
        >>> warehouse.explain("invite", ("email", "accepted"), "reached", by="method")
        """
        zone = windows.zone(tz or self.timezone).key
        window = windows.window(self.as_of, since, until, zone)
        bound = None if within is None else windows.duration(within)
        asked = metrics.Parameters(window, self.currency, zone, by=by, within=bound)
        return explain.rows(self._connection, metric, key, column, asked).pl()

    def sql(self, text: str, /, **parameters: Any) -> pl.DataFrame:
        """The rows of one query of your own over raw, metrics, history and meta; values are bound by name.

        >>> warehouse.sql("select id, amount from raw.deals where amount > $floor", floor=100)
        """
        try:
            _require_query(self._connection.extract_statements(text), parameters)
            return self._connection.sql(text, params=parameters or None).pl()
        except duckdb.CatalogException as error:
            raise self._missing(error) from error
        except duckdb.Error as error:
            raise UsageError("the query", " ".join(str(error).split()), "Correct it") from error

    def metrics(self) -> pl.DataFrame:
        """One row per metric and funnel: name, what it is, its grain, the parameters it takes."""
        rows = [
            {
                "name": file.name,
                "kind": file.folder.removesuffix("s"),
                "summary": file.summary,
                "grain": file.fields.get("Grain", ""),
                "parameters": file.fields.get("Params", ""),
                "definition": metrics.one_line(file.description),
            }
            for folder in ("metrics", "funnels")
            for file in sql.read_all(folder)
        ]
        return pl.DataFrame(rows)

    def tables(self) -> pl.DataFrame:
        """One row per table of the warehouse: schema, table and its number of rows."""
        held = self._connection.sql(
            "select schema_name, table_name from duckdb_tables() where database_name = 'published' order by all"
        ).fetchall()
        counts = [self._connection.table(f'published.{s}."{t}"').aggregate("count(*)").fetchone() for s, t in held]
        rows = [(s, t, count[0] if count else 0) for (s, t), count in zip(held, counts, strict=True)]
        return pl.DataFrame(rows, schema={"schema": pl.String, "table": pl.String, "rows": pl.Int64}, orient="row")

    def checks(self) -> pl.DataFrame:
        """One row per check of the last refresh: check_name, severity, rows found, what such a row means."""
        return self.sql(
            "select check_name, severity, rows, summary from meta.checks where refresh_id = $refresh_id"
            " order by severity, check_name",
            refresh_id=self.refresh_id,
        )

    def __repr__(self) -> str:
        return f"<Warehouse {self.settings.warehouse.name} as of {self.as_of:%Y-%m-%d %H:%M} UTC, in {self.currency}>"

    def _repr_html_(self) -> str:
        tables = self.tables()
        rows = "".join(
            f"<tr><td>{html.escape(schema)}.{html.escape(table)}</td><td style='text-align:right'>{count:,}</td></tr>"
            for schema, table, count in tables.iter_rows()
        )
        return (
            f"<p><b>Warehouse</b> as of {self.as_of:%Y-%m-%d %H:%M} UTC, in {html.escape(self.currency)}. Try "
            "<code>agent_leaderboard()</code>, <code>funnel('invite', by='method')</code>, <code>metrics()</code>.</p>"
            f"<details><summary>{tables.height} tables</summary><table>{rows}</table></details>"
        )

    @property
    def _connection(self) -> duckdb.DuckDBPyConnection:
        if self._opened is None:
            raise WarehouseError(
                f"reading the warehouse {self.settings.warehouse}", "it was closed", "Open it again: si.connect()"
            )
        return self._opened

    def _evaluated(
        self,
        name: str,
        since: Instant | None,
        until: Instant | None,
        tz: str | None,
        *,
        within: Duration | None = None,
        by: str | None = None,
        chosen: tuple[str, ...] | None = None,
    ) -> pl.DataFrame:
        zone = windows.zone(tz or self.timezone).key
        window = windows.window(self.as_of, since, until, zone)
        asked = metrics.Parameters(window, self.currency, zone, by=by, funnels=chosen)
        if within is not None:
            asked = replace(asked, within=windows.duration(within))
        return metrics.evaluate(self._connection, name, asked).pl()

    def _table(self, name: str) -> pl.DataFrame:
        """A stored table, in the order it was stored in."""
        schema, _, table = name.partition(".")
        if not self.tables().filter(schema=schema, table=table).height:
            raise MissingTableError(f"reading {name}", "this warehouse does not hold it", "Fill it: si refresh")
        return self._connection.table(f"published.{name}").pl()

    def _missing(self, error: duckdb.Error) -> MissingTableError | UsageError:
        """What DuckDB could not find, with the nearest table where it is a table."""
        words = " ".join(str(error).split())
        found = re.search(r"Table with name (\S+) does not exist", words)
        if found is None:
            return UsageError("the query", words, "Correct it")
        named = found[1].strip('"')
        # By bare name; of two alike the later schema, so that metrics come before their history.
        held = {table: f"{schema}.{table}" for schema, table, _ in self.tables().iter_rows()}
        near = difflib.get_close_matches(named.split(".")[-1], held, n=1)
        hint = f"Did you mean {held[near[0]]}? " if near else ""
        return MissingTableError(
            f"the query on {named}", "the warehouse holds no such table", f"{hint}warehouse.tables() lists all it holds"
        )


def connect(using: Settings | None = None) -> Warehouse:
    """Open the published warehouse. Raises WarehouseError, with what to do, where there is none yet.

    >>> warehouse = si.connect()
    """
    return Warehouse(using or settings.load())


def _open(using: Settings) -> duckdb.DuckDBPyConnection:
    """A memory of our own with views on the published tables, under the names they have there."""
    connection = duckdb.connect(config=warehouse.configuration(using))
    connection.execute("set global TimeZone = 'UTC'")
    if not warehouse.attach_published(connection, using):
        raise WarehouseError(
            f"opening the warehouse {using.warehouse}", "there is none yet", "Fill it first: si refresh"
        )
    for schema in warehouse.SCHEMAS:
        connection.execute(f"create schema {schema}")
        connection.execute(f"use {schema}")
        held = connection.sql(
            "select table_name from duckdb_tables() where database_name = 'published' and schema_name = $schema",
            params={"schema": schema},
        ).fetchall()
        for (table,) in held:
            connection.table(f'published.{schema}."{table}"').create_view(table)
    connection.execute("use main")
    return connection


def _require_query(statements: list[duckdb.Statement], given: Mapping[str, Any]) -> None:
    """Raise UsageError unless there is one statement, it asks rather than changes, and `given` fits its names.

    DuckDB lays a `pivot` out as several statements, of which none has a text.
    """
    written = [one.type for one in statements if one.query]
    asking = all(kind in (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN) for kind in written)
    if not statements or len(written) > 1 or not asking:
        found = "it is none" if not statements else "it is several" if len(written) > 1 else "it changes something"
        raise UsageError("the query", found, "Give one query; the warehouse is only read")
    wanted = {name for one in statements for name in one.named_parameters}
    if lacking := sorted(wanted - given.keys()):
        values = ", ".join(f"{name}=..." for name in lacking)
        raise UsageError("the query", f"${', $'.join(lacking)} has no value", f"Give one: warehouse.sql(..., {values})")
    if unasked := sorted(given.keys() - wanted):
        raise UsageError("the query", f"it does not name ${', $'.join(unasked)}", "Leave the value out, or name it")


def named(name: str) -> str:
    """`name`, if it is a metric or funnel; raises UnknownNameError that suggests the nearest."""
    known = (*metrics.names(), *funnels.names())
    if name in known:
        return name
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean '{near[0]}'? " if near else ""
    raise UnknownNameError(
        f"metric '{name}'", "there is none of that name", f"{hint}There are: {', '.join(sorted(known))}"
    )
