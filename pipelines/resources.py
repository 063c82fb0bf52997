"""The refresh that the steps of a run share.

Belongs here: opening one `Refresh` for a run, passing it from step to step, finishing it with the last.

One process executes all steps of a run, and Dagster sets a resource up once per process. So
the resource holds the refresh, and with it the working file and the writer's lock, from the first step
that needs them to the last.

- A run that extracts begins a new refresh. Before publishing or finishing, the refresh computes whatever
  the run itself does not, so a warehouse never holds rows of two moments: materialising raw
  tables alone renews the whole warehouse and leaves Postgres as it is.
- A run that does not extract continues the last refresh on a copy of the published warehouse, with its
  rows, its as_of, its currency.
- The last step that works on the warehouse finishes the refresh, if all others succeeded. Otherwise the
  working file is dropped, and what was published before stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime

import dagster as dg
from pydantic import PrivateAttr

from si_analytics import settings
from si_analytics.errors import InterruptedReadError
from si_analytics.periods import windows
from si_analytics.refresh import WAITING, Refresh, StepListener

REFRESH = "refresh"
EXTRACT = "extract"

_RETRIES = 3
_FIRST_WAIT_SECONDS = 20.0

StepContext = dg.AssetExecutionContext | dg.AssetCheckExecutionContext


class RefreshResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """One refresh for all steps of a run."""

    _stack: ExitStack = PrivateAttr(default_factory=ExitStack)
    _refresh: Refresh | None = PrivateAttr(default=None)
    _left: set[str] = PrivateAttr(default_factory=set)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[RefreshResource]:
        """Lives as long as the run; drops whatever was not finished by then."""
        with ExitStack() as self._stack:
            self._refresh, self._left = None, set()
            yield self

    @contextmanager
    def extraction(
        self,
        context: dg.AssetExecutionContext,
        as_of: str = "",
        currency: str = "",
        *,
        full: bool = False,
        accept_change: bool = False,
    ) -> Iterator[Refresh]:
        """A new refresh, for the step that begins it; empty means now and the setting's currency.

        Words in `as_of`, like ``yesterday``, count from now.
        """
        given = {"currency": currency} if currency else {}
        current = settings.load(**given)
        moment = None
        if as_of:
            now, calendar = datetime.now(UTC), current.calendar
            moment = windows.instant(as_of, current.timezone, name="as_of", as_of=now, calendar=calendar)
        self._begin(context, Refresh(current, moment, full=full, accept_change=accept_change))
        try:
            with self.step(context) as refresh:
                yield refresh
        except InterruptedReadError as error:
            # The library has retried for some seconds; a server that restarts for minutes is worth a longer wait.
            self._drop()
            wait = _FIRST_WAIT_SECONDS * 2**context.retry_number
            raise dg.RetryRequested(max_retries=_RETRIES, seconds_to_wait=wait) from error

    @contextmanager
    def step(self, context: StepContext) -> Iterator[Refresh]:
        """The refresh, for the duration of one step; the last step to succeed finishes it."""
        refresh = self._refresh or self._resume(context)
        refresh.listen = _told(context)
        yield refresh
        self._left.discard(_name(context))
        if not self._left:
            report = refresh.finish()
            for sentence in report.moved:
                context.log.warning(f"Numbers moved though no row did. {sentence}")
            context.log.info(f"The warehouse {refresh.settings.warehouse} is as of {report.as_of.isoformat()}")
            context.log.info(f"It worked on {report.file}" if report.file else "It began with an empty file")

    @contextmanager
    def publication(self, context: dg.AssetExecutionContext) -> Iterator[Refresh]:
        """The refresh, for the step that writes to Postgres: every other step must have succeeded."""
        with self.step(context) as refresh:
            others = sorted(self._left - {_name(context)})
            if others:
                raise dg.Failure(f"Nothing was published, because these steps did not succeed: {', '.join(others)}")
            yield refresh

    def _begin(self, context: StepContext, refresh: Refresh) -> Refresh:
        self._left = _steps(context)
        self._refresh = self._stack.enter_context(refresh)
        return self._refresh

    def _drop(self) -> None:
        """Close the refresh with its working file and its lock, so that another attempt can begin its own."""
        self._stack.close()
        self._refresh = None

    def _resume(self, context: StepContext) -> Refresh:
        if EXTRACT in _steps(context):
            raise dg.Failure("Nothing was done, because the extraction of this run did not succeed")
        if context.run.tags.get("dagster/is_resume_retry") == "true":
            raise dg.Failure("A failed refresh leaves nothing to go on with. Choose 'Re-execute all' instead")
        refresh = self._begin(context, Refresh.resume(settings.load()))
        context.log.info(f"No extraction in this run: taking up the refresh as of {refresh.as_of}")
        return refresh


def _told(context: StepContext) -> StepListener:
    """A listener that logs whom the step waits for; everything else appears where it was made."""

    def listen(phase: str, name: str, rows: int, seconds: float) -> None:
        if phase == WAITING:
            context.log.warning(f"Waiting: {name}")

    return listen


def _name(context: StepContext) -> str:
    return str(context.get_step_execution_context().step.key)


def _steps(context: StepContext) -> set[str]:
    """The steps of this run that work on the warehouse."""
    definitions = {node.name: node.definition for node in context.job_def.nodes}
    ours = {
        name
        for name, definition in definitions.items()
        if isinstance(definition, dg.OpDefinition) and REFRESH in definition.required_resource_keys
    }
    chosen = context.run.step_keys_to_execute
    return ours if chosen is None else ours & set(chosen)
