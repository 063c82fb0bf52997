"""The tools as an assistant sees them: what each is for, and what it takes.

Belongs here: names, descriptions and parameters; what a tool does is in `verbs`. An assistant chooses a tool by what
stands here, so it says what to ask first.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from mcp.types import CallToolResult, TextContent
from pydantic import Field

from si_analytics.errors import AnalyticsError
from si_analytics.mcp.answers import Answer

Ask = Callable[[str, int, Mapping[str, Any]], Answer]
"""Asks one question: the name of the tool, how many rows, its arguments."""

Result = Annotated[CallToolResult, Answer]

Rows = Annotated[
    int, Field(ge=1, le=1000, description="How many rows to show at most; the answer says how many there are")
]
During = Annotated[str | None, Field(description="A period: '2026-Q1', '2026-05', 'last 30 days', 'last month'")]
Since = Annotated[str | None, Field(description="Start, inclusive: '2026-01-01', '2026-01-01T08:00:00Z' or '30d'")]
Until = Annotated[str | None, Field(description="End, exclusive, in the same forms")]
AsOf = Annotated[str | None, Field(description="A moment before the last refresh, to ask what was known then")]
Tz = Annotated[str | None, Field(description="The time zone of days and months: 'Europe/Berlin'")]
Currency = Annotated[str | None, Field(description="The currency money is counted in: 'eur'")]
Metric = Annotated[str, Field(description="The name of a metric or funnel, as list_metrics gives it")]
Measure = Annotated[str, Field(description="The name of a measure, as list_measures gives it")]
Measures = Annotated[list[str], Field(min_length=1, description="Names of measures, as list_measures gives them")]
By = Annotated[list[str] | None, Field(description="Dimensions to break down by, as describe_measure gives them")]
Where = Annotated[
    dict[str, Any] | None, Field(description='Which rows count, by dimension: {"agent.tier": ["gold", "platinum"]}')
]
Cell = Annotated[
    str | list[str | int] | dict[str, Any],
    Field(
        description="The row: for a metric its key, such as an agent_id; for a funnel the stage, or [value, stage];"
        " for a measure the dimensions of the cell with their values"
    ),
]


class Tools:
    """Every tool as a method; `ask` answers them."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    @property
    def all(self) -> tuple[Callable[..., CallToolResult], ...]:
        """Every tool, the first to be used first."""
        return (
            *(self.list_measures, self.describe_measure, self.ask, self.explain_cell),
            *(self.list_metrics, self.describe_metric, self.metric, self.list_tables, self.sql),
        )

    def list_measures(self, rows: Rows = 200) -> Result:
        """List the measures: numbers that can be asked for by any dimension and period. Start here."""
        return self._answer("list_measures", rows)

    def describe_measure(self, name: Measure, rows: Rows = 200) -> Result:
        """List the dimensions that a measure can be broken down by and filtered on."""
        return self._answer("describe_measure", rows, name=name)

    def ask(
        self,
        *,
        measures: Measures,
        by: By = None,
        where: Where = None,
        during: During = None,
        since: Since = None,
        until: Until = None,
        as_of: AsOf = None,
        tz: Tz = None,
        currency: Currency = None,
        compare: Annotated[str | None, Field(description="What to compare with: 'previous' or 'year'")] = None,
        top: Annotated[int | None, Field(ge=1, description="Only so many rows, the largest first")] = None,
        totals: Annotated[bool, Field(description="Add a row with the totals")] = False,
        fill: Annotated[bool, Field(description="Add the periods in which nothing happened")] = False,
        rows: Rows = 100,
    ) -> Result:
        """Ask for one slice: one or several measures, broken down by dimensions, in a period.

        Prefer this to sql: a measure is defined once, and counts as the dashboard does.
        """
        when = {"during": during, "since": since, "until": until, "as_of": as_of, "tz": tz, "currency": currency}
        more = {"where": where, "compare": compare, "top": top, "totals": totals or None, "fill": fill or None}
        return self._answer("ask", rows, measures=measures, by=by, **when, **more)

    def explain_cell(
        self,
        *,
        name: Annotated[str, Field(description="The measure, metric or funnel that the cell is of")],
        cell: Cell,
        column: Annotated[str | None, Field(description="The column of a metric or funnel; none for a measure")] = None,
        during: During = None,
        since: Since = None,
        until: Until = None,
        as_of: AsOf = None,
        tz: Tz = None,
        currency: Currency = None,
        rows: Rows = 100,
    ) -> Result:
        """Show the source rows behind one number, and how they make it up. Ask as the number was asked for."""
        when = {"during": during, "since": since, "until": until, "as_of": as_of, "tz": tz, "currency": currency}
        return self._answer("explain_cell", rows, name=name, cell=cell, column=column, **when)

    def list_metrics(self, rows: Rows = 200) -> Result:
        """List the metrics and funnels: tables of fixed rows, such as the leaderboard, and their parameters."""
        return self._answer("list_metrics", rows)

    def describe_metric(self, name: Metric, rows: Rows = 200) -> Result:
        """List the columns of a metric or funnel: unit, meaning, and the operational columns each comes from."""
        return self._answer("describe_metric", rows, name=name)

    def metric(
        self,
        *,
        name: Metric,
        during: During = None,
        since: Since = None,
        until: Until = None,
        as_of: AsOf = None,
        tz: Tz = None,
        currency: Currency = None,
        by: Annotated[str | None, Field(description="Funnels only: an attribute to break the units down by")] = None,
        within: Annotated[str | None, Field(description="Funnels only: the time a unit may take, like '14d'")] = None,
        rows: Rows = 100,
    ) -> Result:
        """Show the rows of a metric or funnel, for all time or for a period. Refuses what the metric cannot use."""
        when = {"during": during, "since": since, "until": until, "as_of": as_of, "tz": tz, "currency": currency}
        return self._answer("metric", rows, name=name, by=by, within=within, **when)

    def list_tables(self, rows: Rows = 200) -> Result:
        """List the tables that sql can read, with their columns and types."""
        return self._answer("list_tables", rows)

    def sql(
        self,
        *,
        query: Annotated[str, Field(description="One query in DuckDB's SQL; values as $name")],
        values: Annotated[
            dict[str, Any] | None, Field(description='The values that the query names: {"floor": 100}')
        ] = None,
        rows: Rows = 100,
    ) -> Result:
        """Run one read-only query over the tables of raw, metrics, history and meta, for what no measure answers.

        Personal columns are not there: rows are told apart by ids. Files, network, settings and several statements
        are refused.
        """
        return self._answer("sql", rows, query=query, values=values)

    def _answer(self, tool: str, rows: int, **arguments: Any) -> CallToolResult:
        given = {name: value for name, value in arguments.items() if value is not None}
        try:
            answer = self._ask(tool, rows, given)
        except AnalyticsError as error:
            return CallToolResult(content=[TextContent(type="text", text=str(error))], is_error=True)
        text = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
        return CallToolResult(content=[TextContent(type="text", text=text)], structured_content=dict(answer))
