"""The published warehouse as analysts use it: one object, a verb for each question.

Belongs here: `Warehouse` and `connect`, which only pass questions on. Read-only throughout: what a
question needs beyond the published tables is computed in memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from types import TracebackType
from typing import Any

import duckdb
import polars as pl

from si_analytics import arguments, formatting, settings
from si_analytics.compute import currencies, funnels
from si_analytics.compute.currencies import Present
from si_analytics.errors import UsageError, WarehouseError
from si_analytics.frames import MeasureFrame
from si_analytics.periods import windows
from si_analytics.periods.windows import Duration, Instant
from si_analytics.query import catalog, connection, explain, explain_measures, freshness, leaderboards, queries, slices
from si_analytics.query import diff as query_diff
from si_analytics.query.explain import Key
from si_analytics.query.freshness import Freshness
from si_analytics.query.leaderboards import Board, Choice
from si_analytics.query.queries import CellQuestion, FunnelQuestion
from si_analytics.query.question import Question
from si_analytics.settings import Settings
from si_analytics.warehouse import versions


@arguments.checked_verbs
class Warehouse:
    """The published warehouse, read-only, as of the last refresh when it was opened.

    Results are polars DataFrames whose column names equal the warehouse's; money is Decimal, times
    are UTC-aware, ids are text. The next `connect` sees a refresh that ends meanwhile.

    Verbs that take them: `since` (inclusive) and `until` (exclusive) are the ends of a window, `during` gives both
    (``Q1 2026``, ``ytd``, ``last 30 days``). A date means its midnight in `tz`, a span given as one end its first
    moment, ``14d`` that long before as_of. `as_of` is a moment before the refresh's: old times with
    today's statuses. `currency` is the one money is counted in, `tz` the zone of days and months.

    >>> warehouse = si.connect()
    >>> warehouse.agent_leaderboard(since="2026-01-01")
    """

    def __init__(self, using: Settings) -> None:
        self.settings = using
        self._opened: duckdb.DuckDBPyConnection | None = connection.connect(using)
        last = self._connection.sql(
            "select refresh_id, as_of, snapshot, currency, timezone, number from meta.refreshes"
            " order by number desc limit 1"
        ).fetchone()
        if last is None:
            raise WarehouseError(f"reading the warehouse {using.warehouse}", "it is empty", "Fill it: si refresh")
        self.refresh_id = str(last[0])
        self.as_of: datetime = windows.instant(last[1])
        self.snapshot: str = last[2]
        self.currency: str = last[3]
        self.timezone: str = last[4]
        self._number: int = last[5]

    def __enter__(self) -> Warehouse:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; refuses every later question."""
        if self._opened is not None:
            self._opened.close()
        self._opened = None

    def agent_leaderboard(
        self,
        since: Instant | None = None,
        until: Instant | None = None,
        *,
        during: date | str | None = None,
        by: str = "earnings",
        tier: Choice | None = None,
        specialty: Choice | None = None,
        location: Choice | None = None,
        tz: str | None = None,
        currency: str | None = None,
        as_of: Instant | None = None,
    ) -> pl.DataFrame:
        """Agents ranked by commission, or `by` deals or referrals: one row per agent, in order of rank.

        Columns: agent_id, agent_name, avatar, tier, total_referrals, total_deals, total_earnings (in
        the reporting currency), rank; with `since` also previous_rank and rank_change against the
        window before. `tier`, `specialty` and `location` (of the agent's recruits: the
        schema has none of agents) choose who is shown; rank stays the place on the whole board.

        >>> warehouse.agent_leaderboard(since="2026-01-01", until="2026-02-01", tz="Europe/Berlin")
        >>> warehouse.agent_leaderboard(during="last 30 days", by="deals", tier=["gold", "platinum"])
        """
        question = Question(since, until, during, as_of, currency, tz)
        board = Board(by, tier, specialty, location)
        return leaderboards.leaderboard(self._connection, board, question, self.present)

    def history(
        self,
        agent_id: str | None = None,
        *,
        since: Instant | None = None,
        until: Instant | None = None,
        during: date | str | None = None,
        currency: str | None = None,
    ) -> pl.DataFrame:
        """The all-time leaderboard kept for each day: as_of_date, agent and figures, by day and rank.

        A window includes a day if it holds the day's first moment, in the reporting time zone.

        >>> warehouse.history(during="last 30 days")
        """
        question = Question(since, until, during, None, currency)
        return leaderboards.history(self._connection, question, self.present, agent_id)

    def agent_performance_metrics(
        self, *, as_of: Instant | None = None, currency: str | None = None, tz: str | None = None
    ) -> pl.DataFrame:
        """One row per agent, all time: totals, mean times (days, hours), satisfaction, score 0 to 100."""
        return self.metric("agent_performance_metrics", as_of=as_of, currency=currency, tz=tz)

    def brand_reputations(self, *, as_of: Instant | None = None, tz: str | None = None) -> pl.DataFrame:
        """One row per sponsor, all time, in order of rank: ratings, payment time (days), reputation_score."""
        return self.metric("brand_reputations", as_of=as_of, tz=tz)

    def marketplace_monthly(
        self, *, as_of: Instant | None = None, currency: str | None = None, tz: str | None = None
    ) -> pl.DataFrame:
        """One row per month of the reporting time zone: deals, gmv, who was active, revenue, take_rate."""
        return self.metric("marketplace_monthly", as_of=as_of, currency=currency, tz=tz)

    def marketplace_activity(
        self,
        since: Instant | None = None,
        until: Instant | None = None,
        *,
        during: date | str | None = None,
        tz: str | None = None,
        currency: str | None = None,
        as_of: Instant | None = None,
    ) -> pl.DataFrame:
        """One row with the columns of `marketplace_monthly`, for a window of any length instead of a month.

        >>> warehouse.marketplace_activity(during="last 30 days")
        """
        return queries.activity(self._connection, Question(since, until, during, as_of, currency, tz), self.present)

    def signup_cohorts(self, *, as_of: Instant | None = None, tz: str | None = None) -> pl.DataFrame:
        """One row per signup month and months since: cohort_size, active, retention (0 to 1)."""
        return self.metric("signup_cohorts", as_of=as_of, tz=tz)

    def template_experiments(self, *, as_of: Instant | None = None, tz: str | None = None) -> pl.DataFrame:
        """One row per agent, template name and variant A or B: acceptance, Wilson interval, B against A."""
        return self.metric("template_experiments", as_of=as_of, tz=tz)

    def funnel(
        self,
        name: str,
        *,
        by: str | Sequence[str] | None = None,
        where: Mapping[str, Any] | None = None,
        within: Duration | None = None,
        since: Instant | None = None,
        until: Instant | None = None,
        during: date | str | None = None,
        tz: str | None = None,
        as_of: Instant | None = None,
    ) -> pl.DataFrame:
        """One row per breakdown value and stage of the funnel `name`.

        `by` breaks the units down: by one of the funnel's breakdowns, by anything that `groupings` lists, or by several
        of them, each with a column of its own then. `where` keeps the units with one of the values. `within` limits the
        time from stage 1 (``14d``), the window chooses the units that entered in it. conversion_low and conversion_high
        are Wilson's 95 % interval of conversion_from_start.

        >>> warehouse.funnel("invite", by="method", within="14d")
        >>> warehouse.funnel("gig", by=["gig.brand.industry", "month"], where={"gig.location": ["Berlin", None]})
        """
        asked = FunnelQuestion(name, Question(since, until, during, as_of, tz=tz), by, within, where)
        return queries.funnel(self._connection, asked, self.present)

    def funnel_differences(
        self,
        name: str,
        stage: str,
        *,
        by: str | Sequence[str],
        where: Mapping[str, Any] | None = None,
        within: Duration | None = None,
        since: Instant | None = None,
        until: Instant | None = None,
        during: date | str | None = None,
        tz: str | None = None,
        as_of: Instant | None = None,
    ) -> pl.DataFrame:
        """Which breakdown values truly differ in how many get to `stage`: one row per pair of values.

        Columns: value_a, value_b, of each how many reached it, entered and the conversion of that; difference (b minus
        a), p_value of the pooled two-proportion z-test, p_corrected (Benjamini and Hochberg, for as many pairs as there
        are), significant: whether that is below 0.05. Refuses a list such as gig.category, whose values share units.

        >>> warehouse.funnel_differences("invite", "accepted", by="method", within="14d")
        """
        asked = FunnelQuestion(name, Question(since, until, during, as_of, tz=tz), by, within, where)
        return queries.funnel_differences(self._connection, asked, stage, self.present)

    def funnel_sql(self, name: str, **asked: Any) -> str:
        """The query behind `funnel`, asked alike, with its values: it runs in the duckdb shell on the warehouse file.

        Wilson's intervals are added to its rows.
        """
        when = Question(**{part: asked.pop(part, None) for part in ("since", "until", "during", "as_of", "tz")})
        return queries.funnel_sql(self._connection, FunnelQuestion(name, when, **asked), self.present)

    def groupings(self, funnel: str) -> list[str]:
        """Everything the funnel can be broken down by and filtered to.

        >>> warehouse.groupings("invite")
        """
        return list(funnels.reachable(funnel))

    def time_to_convert(
        self,
        name: str,
        stage: str,
        *,
        by: str | Sequence[str] | None = None,
        where: Mapping[str, Any] | None = None,
        within: Duration | None = None,
        since: Instant | None = None,
        until: Instant | None = None,
        during: date | str | None = None,
        tz: str | None = None,
        as_of: Instant | None = None,
    ) -> pl.DataFrame:
        """How long units took to reach `stage`: one row per breakdown value and percentile 0 to 100, in hours.

        `units` is how many have a time of their own there; the 50th and 90th percentiles are those of `funnel`.

        >>> warehouse.time_to_convert("invite", "accepted", by="method")
        """
        asked = FunnelQuestion(name, Question(since, until, during, as_of, tz=tz), by, within, where)
        return queries.time_to_convert(self._connection, asked, stage, self.present)

    def stopped(
        self,
        name: str,
        stage: str,
        *,
        where: Mapping[str, Any] | None = None,
        within: Duration | None = None,
        since: Instant | None = None,
        until: Instant | None = None,
        during: date | str | None = None,
        tz: str | None = None,
        as_of: Instant | None = None,
    ) -> pl.DataFrame:
        """The units that reached `stage` and none after it: one row per unit, oldest first.

        Columns: unit_id, started_at, reached_at (null: unknown), immature (their time `within` is not
        up yet), and every breakdown of the funnel.

        >>> warehouse.stopped("invite", "clicked", during="last month")
        """
        asked = FunnelQuestion(name, Question(since, until, during, as_of, tz=tz), within=within, where=where)
        return queries.stopped(self._connection, asked, stage, self.present)

    def metric(
        self,
        name: str,
        *,
        since: Instant | None = None,
        until: Instant | None = None,
        during: date | str | None = None,
        tz: str | None = None,
        as_of: Instant | None = None,
        currency: str | None = None,
    ) -> pl.DataFrame:
        """Any metric or funnel by name; `metrics` lists them. Refuses parameters the metric cannot use."""
        question = Question(since, until, during, as_of, currency, tz)
        if name in funnels.names():
            return queries.funnel(self._connection, FunnelQuestion(name, question), self.present)
        return queries.metric(self._connection, queries.named(name), question, self.present)

    def measure(
        self,
        *names: str,
        by: str | Sequence[str] = (),
        where: Mapping[str, Any] | None = None,
        since: Instant | None = None,
        until: Instant | None = None,
        during: date | str | None = None,
        as_of: Instant | None = None,
        tz: str | None = None,
        currency: str | None = None,
        compare: str | None = None,
        top: int | None = None,
        totals: bool = False,
        fill: bool | None = None,
    ) -> MeasureFrame:
        """Any measures by anything their facts can be grouped by: one row per group, in order of the groups.

        `measures` lists the measures, `dimensions` what goes with one. `where` keeps the facts with one of the
        values: ``{"agent.tier": ["gold", "platinum"]}``. Columns: each grouping by its name (``(none)`` where a text
        is missing), each measure, and with a calendar grouping `complete`: whether the period lies in the window as a
        whole. `compare` is ``previous`` (the window before) or ``year`` (the same window last year), and adds
        NAME_before, NAME_change and NAME_change_ratio. `top` shows so many values of the first grouping, greatest
        first measure first, and pools all others; `totals` adds a row over everything; both are worked out of the
        facts anew, and a column `row` says which is which. `fill` adds the periods without a fact.

        >>> warehouse.measure("commission", by=["agent.tier", "week"], during="2026-Q2", compare="previous", top=5)
        """
        when = Question(since, until, during, as_of, currency, tz)
        shown = {"compare": compare, "top": top, "totals": totals, "fill": bool(fill)}
        asked = slices.question(names, by, where, when, **shown)
        return slices.answer(self._connection, asked, self.present)

    def measure_sql(
        self,
        *names: str,
        by: str | Sequence[str] = (),
        where: Mapping[str, Any] | None = None,
        since: Instant | None = None,
        until: Instant | None = None,
        during: date | str | None = None,
        as_of: Instant | None = None,
        tz: str | None = None,
        currency: str | None = None,
        compare: str | None = None,
        top: int | None = None,
        totals: bool = False,
        fill: bool | None = None,
    ) -> str:
        """The query behind `measure`, asked alike, with its values; the duckdb shell runs it on the warehouse file.

        >>> warehouse.measure_sql("gmv", by="month", during="Q2 2026")
        """
        when = Question(since, until, during, as_of, currency, tz)
        shown = {"compare": compare, "top": top, "totals": totals, "fill": bool(fill)}
        return slices.sql(self._connection, slices.question(names, by, where, when, **shown), self.present)

    def metric_sql(
        self,
        name: str,
        *,
        since: Instant | None = None,
        until: Instant | None = None,
        during: date | str | None = None,
        tz: str | None = None,
        as_of: Instant | None = None,
        currency: str | None = None,
    ) -> str:
        """The query behind `metric`, asked alike, with its values; the duckdb shell runs it on the warehouse file."""
        return queries.metric_sql(
            self._connection, name, Question(since, until, during, as_of, currency, tz), self.present
        )

    def measures(self) -> pl.DataFrame:
        """Every measure: name, unit, places, the facts it is of, how it is worked out, what it says, dimensions."""
        return slices.listing()

    def dimensions(self, measure: str) -> list[str]:
        """Everything the measure can be grouped by and filtered to.

        >>> warehouse.dimensions("commission")
        """
        return list(slices.dimensions(measure))

    def explain(
        self,
        metric: str,
        key: Key,
        column: str | None = None,
        *,
        where: Mapping[str, Any] | None = None,
        since: Instant | None = None,
        until: Instant | None = None,
        during: date | str | None = None,
        tz: str | None = None,
        as_of: Instant | None = None,
        currency: str | None = None,
        by: str | Sequence[str] | None = None,
        within: Duration | None = None,
    ) -> pl.DataFrame:
        """The rows behind one cell: the facts with their values and operational rows, `how` saying how they make it up.

        Of a metric, `key` is the row's id, a funnel's stage, or the row itself, and `column` the cell. Of a measure, it
        is what the cell is grouped under, or a row of `measure`; of a ratio the parts are apart. Takes the
        parameters of the metric or measure itself; refuses those it cannot use.

        >>> warehouse.explain("agent_leaderboard", agent_id, "total_earnings", during="2026-Q1", currency="eur")
        >>> warehouse.explain("invite", ("email", "accepted"), "reached", by="method")
        >>> warehouse.explain("commission", {"agent.tier": "gold"}, during="2026-Q2")
        """
        question = Question(since, until, during, as_of, currency, tz)
        if column is None:
            return self._explain_measure(metric, key, where, question)
        asked = CellQuestion(metric, key, column, question, by, within, where)
        return queries.rows_behind(self._connection, asked, self.present)

    def _explain_measure(self, name: str, cell: Key, where: Mapping[str, Any] | None, when: Question) -> pl.DataFrame:
        if not isinstance(cell, Mapping):
            raise UsageError(
                f"explaining {name}",
                "it is not said which cell",
                "Give a column of a metric, or of a measure what it is grouped under: {'agent.tier': 'gold'}",
            )
        asked = slices.question((name,), (), where, when)
        with connection.scratch(self._connection):
            found = explain_measures.of_slice(self._connection, name, cell, asked, self.present)
            return formatting.readable(found.pl())

    def how(self, metric: str, column: str | None = None) -> str:
        """How the rows that `explain` gives make up the cell: ``sum of value``, ``number of rows``.

        >>> warehouse.how("agent_leaderboard", "total_earnings")
        'sum of value'
        """
        if column is None:
            return explain_measures.making(slices.measure(metric)).how
        return explain.how(metric, column)

    def diff(
        self,
        a: int | str | date | None = None,
        b: int | str | date | None = None,
        metric: str | None = None,
        *,
        key: Key | None = None,
        column: str | None = None,
    ) -> pl.DataFrame:
        """What differs between two refreshes: one row per metric; for one `metric` one per cell; for one cell why.

        `a` and `b` are numbers of refreshes, or days, which mean the day's last refresh; `b` defaults to this one,
        `a` to the one before. `refreshes` lists those kept. With `key` and `column`, as `explain`
        takes them: the source rows behind that cell that were added, removed or changed.

        >>> warehouse.diff("2026-05-31")
        >>> warehouse.diff("2026-05-31", metric="agent_leaderboard")
        >>> warehouse.diff("2026-05-31", metric="agent_leaderboard", key=agent_id, column="total_earnings")
        """
        pair = versions.pair(self.settings, a, self._number if b is None else b)
        return query_diff.between(self.settings, pair, metric, key, column)

    def refreshes(self) -> pl.DataFrame:
        """One row per refresh kept to compare with: number, as_of, taken_at, currency, timezone."""
        return query_diff.refreshes(self.settings)

    def sql(self, text: str, /, **parameters: Any) -> pl.DataFrame:
        """The rows of one query of your own over raw, metrics, history and meta; values are bound by name.

        >>> warehouse.sql("select id, amount from raw.deals where amount > $floor", floor=100)
        """
        return connection.query(self._connection, text, parameters)

    def metrics(self) -> pl.DataFrame:
        """One row per metric and funnel: name, what it is, its grain, parameters, inputs and columns.

        Each of `columns` has its name, unit, meaning and lineage: the operational columns it comes from.
        """
        return catalog.listing()

    def describe(self, name: str) -> pl.DataFrame:
        """One row per column of a metric or funnel: its unit, its meaning, the operational columns it comes from.

        >>> warehouse.describe("agent_leaderboard")
        """
        return catalog.described(queries.named(name))

    def tables(self) -> pl.DataFrame:
        """One row per table of the warehouse: schema, table and its number of rows."""
        held = connection.names(self._connection)
        counts = [connection.table(self._connection, s, t).aggregate("count(*)").fetchone() for s, t in held]
        rows = [(s, t, count[0] if count else 0) for (s, t), count in zip(held, counts, strict=True)]
        return pl.DataFrame(rows, schema={"schema": pl.String, "table": pl.String, "rows": pl.Int64}, orient="row")

    def checks(self) -> pl.DataFrame:
        """One row per check of the last refresh: check_name, severity, rows found, what such a row means."""
        return self.sql(
            "select check_name, severity, rows, summary from meta.checks where refresh_id = $refresh_id"
            " order by severity, check_name",
            refresh_id=self.refresh_id,
        )

    def freshness(self) -> Freshness:
        """How old the newest event and the snapshot are, which pause is usual, and a warning if it is longer.

        >>> warehouse.freshness().told
        """
        return freshness.of(self._connection, self.as_of)

    def __repr__(self) -> str:
        return f"<Warehouse {self.settings.warehouse.name} as of {self.as_of:%Y-%m-%d %H:%M} UTC, in {self.currency}>"

    def _repr_html_(self) -> str:
        return formatting.warehouse(self.as_of, self.currency, self.timezone, list(self.tables().iter_rows()))

    @property
    def _connection(self) -> duckdb.DuckDBPyConnection:
        if self._opened is None:
            raise WarehouseError(
                f"reading the warehouse {self.settings.warehouse}", "it was closed", "Open it again: si.connect()"
            )
        return self._opened

    @property
    def present(self) -> Present:
        """The defaults of every question: the last refresh's as_of, currency and time zone, the settings' calendar."""
        return Present(
            self.as_of,
            self.currency,
            self.timezone,
            lambda: currencies.held(self._connection),
            self.settings.calendar,
        )


@arguments.checked
def connect(using: Settings | None = None) -> Warehouse:
    """Open the published warehouse. Raises WarehouseError, with what to do, if there is none yet.

    >>> warehouse = si.connect()
    """
    return Warehouse(using or settings.load())
