"""Realistic mistakes in the SQL, and what the metrics then say of marketplaces that are always the same.

Belongs here: reading `tests/mutations/*.toml`, a copy of `sql/` to make mistakes in, the questions whose answers
the model knows.

A mistake is found by its text, white space aside, which has to occur once in the file: one that the SQL has
grown away from is stale, and says so. What stands in `compiled-<metric>.toml` is a mistake in the query that is made
of what the metric declares, wherever its text occurs in it.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from si_analytics.compute import funnels, metrics
from si_analytics.definitions import Metric, loading, measured, project, staged
from tests import model
from tests.support import warehouses
from tests.support.folders import TESTS
from tests.support.moments import AS_OF, FEBRUARY, START

FOLDER = TESTS / "mutations"
COMPILED = "compiled"
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Mistake:
    """One mistake in one file of `sql/`: in words, and as the text it is made of."""

    folder: str
    name: str
    words: str
    text: str
    replacement: str

    def __str__(self) -> str:
        return f"{self.folder}/{self.name}: {self.words}"

    @property
    def is_compiled(self) -> bool:
        """Whether it is made in what a metric is compiled to, rather than in a file."""
        return self.folder == COMPILED

    def made_in(self, right: str) -> str:
        """The text of the file or query with the mistake in it."""
        occurrences = len(self._pattern.findall(right))
        once = occurrences == 1 or (self.is_compiled and occurrences)
        assert once, f"'{self}' is stale: its text occurs {occurrences} times"
        return self.put_into(right)

    def put_into(self, right: str) -> str:
        """The text with the mistake wherever it can be made."""
        return self._pattern.sub(lambda _: self.replacement, right)

    @property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(r"\s+".join(map(re.escape, self.text.split())))


def mistakes() -> list[Mistake]:
    """Every mistake, by file."""
    return [
        Mistake(folder, name, **one)
        for path in sorted(FOLDER.glob("*.toml"))
        for folder, _, name in [path.stem.partition("-")]
        for one in tomllib.loads(path.read_text(encoding="utf-8"))["mistake"]
    ]


@contextmanager
def made(mistake: Mistake, copy: Path) -> Iterator[None]:
    """The copy of `sql/`, or what a metric is compiled to, has the mistake in it within the block."""
    with _compiled(mistake) if mistake.is_compiled else _written(mistake, copy):
        yield


@contextmanager
def _written(mistake: Mistake, copy: Path) -> Iterator[None]:
    (path,) = (copy / mistake.folder).glob(f"{mistake.name}.*")
    right = path.read_text(encoding="utf-8")
    path.write_text(mistake.made_in(right), encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(right, encoding="utf-8")


@contextmanager
def _compiled(mistake: Mistake) -> Iterator[None]:
    whole, counted = measured.whole, funnels.counted

    def miscounted(chosen: Sequence[str], how: Any) -> tuple[str, tuple[str, ...]]:
        text, tables = counted(chosen, how)
        return mistake.put_into(text), tables

    def mistaken(metric: Metric, words: measured.Vocabulary) -> Metric:
        found = whole(metric, words)
        return found.model_copy(update={"text": mistake.made_in(found.text)}) if metric.name == mistake.name else found

    with pytest.MonkeyPatch.context() as patch:
        if project().declared_metrics[mistake.name].funnels:
            every = funnels.asked("month, is_approved", {}, within=True, tz="Europe/Berlin")
            mistake.made_in(counted(("gig",), every)[0])
            patch.setattr(funnels, "counted", miscounted)
        else:
            patch.setattr(measured, "whole", mistaken)
        loading._loaded.cache_clear()
        try:
            yield
        finally:
            loading._loaded.cache_clear()


@dataclass(frozen=True)
class Question:
    """A metric, or one funnel of `conversion_funnels`, and the parameters it is asked with."""

    metric: str
    as_of: datetime = AS_OF
    more: dict[str, Any] = field(default_factory=dict)

    def of_model(self, world: model.World) -> list[model.Row]:
        if self.metric in model.STAGES:
            return model.funnel(world, self.metric, self.as_of, **self.more)
        return model.METRICS[self.metric](world, self.as_of, **self.more)

    def of_sql(self, connection: duckdb.DuckDBPyConnection) -> list[model.Row]:
        if self.metric in model.STAGES:
            return warehouses.funnel(connection, self.metric, self.as_of, **self.more)
        if "since" in self.more:
            return warehouses.leaderboard(connection, self.as_of, **self.more)
        asked = warehouses.all_time(self.as_of, **self.more)
        for name in _needed(self.metric):
            metrics.compute(connection, name, asked)
        return warehouses.rows_of(metrics.evaluate(connection, self.metric, asked))


@functools.cache
def _needed(metric: str) -> tuple[str, ...]:
    """The metrics that a metric is computed from, each after its own."""
    needed = [table.removeprefix("metrics.") for table in metrics.inputs(metric) if table.startswith("metrics.")]
    return tuple(dict.fromkeys(one for name in needed for one in (*_needed(name), name)))


def questions(mistake: Mistake) -> list[Question]:
    """What is asked to find a mistake: all that could differ, the plainest first."""
    if mistake.name == "conversion_funnels":
        return [*_of_funnel("invite"), *_of_funnel("gig")]
    of_funnels = [question for name in funnels_with(mistake.folder, mistake.name) for question in _of_funnel(name)]
    return [*of_funnels, *_of_metrics(mistake)]


def funnels_with(folder: str, name: str) -> list[str]:
    """The funnels whose units are that fact, or whose breakdowns lead through that dimension."""
    ours = project()
    if folder == "facts":
        return [fact.funnel for fact in ours.facts.values() if fact.name == name and fact.funnel]
    return [
        funnel
        for funnel, fact in ours.funnels.items()
        for by in fact.breakdowns
        if folder == "dimensions"
        and any(step.dimension == name for step in staged.resolve(fact, ours.dimensions, by).steps)
    ]


def _of_metrics(mistake: Mistake) -> list[Question]:
    seen = [name for name in _seen_in(mistake) if not project().declared_metrics[name].funnels]
    # What has no counterpart in the model is seen in the metric it is there for.
    shown = dict.fromkeys(name if name in model.METRICS else "agent_performance_metrics" for name in seen)
    return [question for metric in shown for question in _of_metric(metric)]


def _seen_in(mistake: Mistake) -> list[str]:
    """The metrics that a mistake is in, or that read the fact or dimension it is in."""
    if mistake.folder in {"metrics", COMPILED}:
        return [mistake.name]
    found = project().metrics
    if mistake.name in project().ratios:
        ratios = {measure.name for measure in project().ratios[mistake.name].measures}
        return [name for name, metric in found.items() if ratios & set(metric.cells.values())]
    return [name for name, metric in found.items() if f"{mistake.folder}.{mistake.name}" in metric.inputs]


def _of_metric(metric: str) -> list[Question]:
    return [
        Question(metric),
        Question(metric, START + DAY),
        Question(metric, AS_OF, {"currency": "eur", "tz": "Europe/Berlin"}),
        Question(metric, FEBRUARY, {"tz": "Pacific/Kiritimati"}),
        *(_windowed() if metric == "agent_leaderboard" else []),
    ]


def _windowed() -> list[Question]:
    spans = ((START, None), (START, START + DAY), (FEBRUARY, AS_OF - timedelta(hours=2)), (START - 40 * DAY, START))
    return [Question("agent_leaderboard", AS_OF, {"since": since, "until": until}) for since, until in spans]


def _of_funnel(name: str) -> list[Question]:
    berlin = {"tz": "Europe/Berlin"}
    return [
        Question(name),
        Question(name, FEBRUARY),
        Question(name, AS_OF, {"within": 14 * DAY, "since": START, "until": FEBRUARY}),
        Question(name, AS_OF, {"within": timedelta()}),
        *(Question(name, AS_OF, {"by": by, **berlin}) for by in model.BREAKDOWNS[name]),
        *(Question(name, START + 2 * DAY, {"by": by, "within": DAY}) for by in model.BREAKDOWNS[name]),
    ]
