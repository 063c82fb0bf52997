"""Every public verb, called with what it does not take: one sentence of ours, never Python's text."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import polars as pl
import pytest

import si_analytics as si
from si_analytics import arguments
from si_analytics.errors import AnalyticsError, ArgumentError, UsageError
from tests.support import measure_frames

NO_DATE = datetime(2026, 1, 1)  # noqa: DTZ001  a time without a zone is what is tried
WRONG: list[Any] = [
    *(None, "", "nonsense", "\x00", b"x"),
    *(3.5, -1, 0, 10**30, float("nan"), Decimal(1), True),
    *([], [None], ("a",), {}, {"a": 1}, object(), print),
    *(NO_DATE, timedelta(days=-1), pl.DataFrame(), pl.DataFrame({"a": [1]}), pl.Series([1])),
]


@pytest.fixture(scope="module")
def warehouse() -> Iterator[si.Warehouse]:
    with si.sample_warehouse() as opened:
        yield opened


def verbs(warehouse: si.Warehouse, path: Path) -> Iterator[tuple[str, Callable[..., Any], Mapping[str, Any]]]:
    """Every public verb there is: its name, the verb, and a call of it that can be answered."""
    key = warehouse.agent_leaderboard()["agent_id"][0]
    calls: dict[str, dict[str, Any]] = {
        "describe": {"name": "agent_leaderboard"},
        "explain": {"metric": "agent_leaderboard", "key": key, "column": "total_earnings"},
        "funnel": {"name": "invite"},
        "funnel_differences": {"name": "invite", "stage": "accepted", "by": "method"},
        "funnel_sql": {"name": "invite"},
        "groupings": {"funnel": "invite"},
        "metric": {"name": "agent_leaderboard"},
        "stopped": {"name": "invite", "stage": "clicked"},
        "time_to_convert": {"name": "invite", "stage": "accepted"},
    }
    for name, verb in inspect.getmembers(warehouse, inspect.ismethod):
        if not name.startswith("_") and name != "close":
            yield f"warehouse.{name}", verb, calls.get(name, {})
    frames = {
        "brand_reputation": warehouse.brand_reputations(),
        "brands": warehouse.brand_reputations(),
        "cohorts": warehouse.signup_cohorts(),
        "earnings": warehouse.history(),
        "experiments": warehouse.template_experiments(),
        "funnel": warehouse.funnel("invite"),
        "funnel_by": warehouse.funnel("invite", by="method"),
        "leaderboard": warehouse.agent_leaderboard(),
        "measure": measure_frames.by_tier(),
        "monthly": warehouse.marketplace_monthly(),
        "performance": warehouse.agent_performance_metrics(),
        "standings": warehouse.agent_leaderboard(),
        "time_to_convert": warehouse.time_to_convert("invite", "accepted"),
    }
    for module in (si.charts, si.tables):
        for name in module.__all__:
            picture = {"figure": si.charts.monthly(frames["monthly"]), "path": path / "x.png"}
            call = {"frame": frames[name]} if name in frames else picture
            yield f"{module.__name__}.{name}", getattr(module, name), call
    yield "si.connect", si.connect, {"using": warehouse.settings}
    yield "si.Warehouse", si.Warehouse, {"using": warehouse.settings}


def named(verb: Callable[..., Any]) -> list[str]:
    """The parameters that can be given by their name."""
    every = inspect.signature(verb).parameters.values()
    return [one.name for one in every if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]


def test_whatever_any_verb_is_given_it_answers_or_refuses_in_our_words(
    warehouse: si.Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tried = 0
    for label, verb, call in verbs(warehouse, tmp_path):
        for name in named(verb):
            for value in WRONG:
                if f"{label}.{name}" in ("si_analytics.charts.save.width", "si_analytics.charts.save.scale"):
                    continue  # a picture takes a second to draw: they have a test of their own
                tried += 1
                try:
                    verb(**{**call, name: value})
                except AnalyticsError as error:
                    assert_of_ours(error, f"{label}({name}={value!r})")
    assert tried > 1900


def assert_of_ours(error: AnalyticsError, call: str) -> None:
    """One sentence for what was asked, found and to do, without Python's words for its own types."""
    said = str(error)
    assert error.asked, call
    assert error.found, call
    assert error.remedy, call
    for word in ("NoneType", "object is not", "unexpected keyword", "positional argument", "has no attribute"):
        assert word not in said, f"{call}: {said}"
    assert len(said) < 600, f"{call}: {said}"


def test_none_and_empty_text_are_refused_wherever_they_are_no_default(warehouse: si.Warehouse, tmp_path: Path) -> None:
    """What would quietly become the default (``tz=""``) is refused like the rest."""
    for label, verb, call in verbs(warehouse, tmp_path):
        parameters = inspect.signature(verb).parameters
        for name in named(verb):
            if not {"None", "object"} & set(str(parameters[name].annotation).split()):
                with pytest.raises(ArgumentError, match="it is None"):
                    verb(**{**call, name: None})
            if name == "title":
                continue  # a picture may go without one
            if "str" in str(parameters[name].annotation) or "Instant" in str(parameters[name].annotation):
                with pytest.raises(UsageError):
                    verb(**{**call, name: ""})
                assert label


def test_a_call_that_lacks_a_value_or_has_one_too_many_is_refused_with_what_the_verb_takes(
    warehouse: si.Warehouse, tmp_path: Path
) -> None:
    for label, verb, _ in [*verbs(warehouse, tmp_path), ("si.engine", si.engine, {})]:
        parameters = inspect.signature(verb).parameters.values()
        takes_any = any(one.kind is one.VAR_KEYWORD for one in parameters)
        takes_more = any(one.kind is one.VAR_POSITIONAL for one in parameters)
        if not takes_any:
            with pytest.raises(ArgumentError, match="it takes no wrong"):
                verb(wrong=1)
        with pytest.raises(ArgumentError, match="it is a int" if takes_more else "more values than it takes"):
            verb(*range(40))
        required = [] if takes_more else [one.name for one in parameters if one.default is one.empty]
        if required and not takes_any:
            with pytest.raises(ArgumentError, match=f"it was not given {', '.join(required)}"):
                verb()
        assert label


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda it: it.funnel(None), "name of warehouse.funnel: it is None. Give text"),
        (lambda it: it.agent_leaderboard(by=""), "by of warehouse.agent_leaderboard: it is empty. Give text, or leave"),
        (
            lambda it: si.tables.leaderboard(it.agent_leaderboard(), currency=" "),
            "currency of si.tables.leaderboard: it",
        ),
        (lambda it: it.funnel("invite", within=14), "it is a int. Give a duration or text, or leave it out"),
        (lambda it: it.funnel("invite", wihtin="14d"), "it takes no wihtin. Did you mean within? It takes name, by,"),
        (lambda it: it.funnel("invite", name="invite"), "warehouse.funnel: it was given name twice"),
        (lambda it: it.funnel(), "warehouse.funnel: it was not given name. It takes name, by,"),
        (
            lambda it: it.agent_leaderboard(tier=[1]),
            "it is a list, and holds something else. Give text or a list of text",
        ),
        (lambda it: it.agent_leaderboard(since=3.5), "since of warehouse.agent_leaderboard: it is a float"),
        (
            lambda it: it.explain("agent_leaderboard", None, "rank"),
            "key of warehouse.explain: it is None. Give text or",
        ),
        (lambda it: it.diff(1.5), "a of warehouse.diff: it is a float. Give a whole number or text or a date"),
        (lambda it: it.history(True), "agent_id of warehouse.history: it is a bool. Give text"),
        (lambda it: it.sql(None), "text of warehouse.sql: it is None. Give text"),
        (lambda it: it.measure(["gmv"]), "names of warehouse.measure: it is a list. Give text"),
        (lambda it: it.measure_sql("gmv", bye="month"), "it takes no bye. Did you mean by?"),
        (lambda it: si.charts.leaderboard(None), "frame of si.charts.leaderboard: it is None. Give a polars DataFrame"),
        (lambda it: si.charts.monthly(it.marketplace_monthly(), dark="no"), "it is a str. Give True or False"),
        (lambda it: si.tables.brands(it.brand_reputations(), top="3"), "top of si.tables.brands: it is a str"),
        (lambda it: si.engine(read_only=None), "read_only of engine: it is None. Give True or False"),
    ],
)
def test_the_sentence_names_verb_and_argument_and_says_what_to_give(
    warehouse: si.Warehouse, ask: Callable[[si.Warehouse], object], sentence: str
) -> None:
    with pytest.raises(ArgumentError, match=re.escape(sentence)) as refused:
        ask(warehouse)
    assert isinstance(refused.value, TypeError)
    assert isinstance(refused.value, ValueError)


def test_an_empty_time_zone_is_not_the_default_in_silence(warehouse: si.Warehouse) -> None:
    for ask in (warehouse.agent_leaderboard, warehouse.marketplace_monthly, warehouse.signup_cohorts):
        with pytest.raises(UsageError, match="time zone '': it is not an IANA name"):
            ask(tz="")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"width": 0}, "its width is 0. Give one from 1 to 10,000 pixels"),
        ({"width": -1}, "its width is -1"),
        ({"width": 10**9}, "its width is 1000000000"),
        ({"scale": 0.0}, "its scale is 0.0. Give one above 0, up to 10"),
        ({"scale": float("nan")}, "its scale is nan"),
        ({"width": None, "scale": None}, "scale of si.charts.save: it is None"),
    ],
)
def test_a_picture_of_no_size_is_refused_before_it_is_drawn(
    warehouse: si.Warehouse, tmp_path: Path, given: dict[str, Any], sentence: str
) -> None:
    figure = si.charts.monthly(warehouse.marketplace_monthly())
    with pytest.raises(UsageError, match=re.escape(sentence)):
        si.charts.save(figure, tmp_path / "x.png", **given)
    assert not list(tmp_path.iterdir())


def test_what_the_annotations_allow_is_let_through_and_iterators_are_not_used_up(warehouse: si.Warehouse) -> None:
    """Lists, tuples, sets and iterators of text; ids as UUID; names as the data has them, empty or missing."""
    gold = warehouse.agent_leaderboard(tier="gold")
    for given in (["gold"], ("gold",), {"gold"}, pl.Series(["gold"]), iter(["gold"])):
        assert warehouse.agent_leaderboard(tier=given).equals(gold)
    board = warehouse.agent_leaderboard()
    key = board["agent_id"][0]
    for id_ in (key, UUID(key), [key], board.row(0, named=True)):
        assert warehouse.explain("agent_leaderboard", id_, "total_deals").height == board["total_deals"][0]
    names: dict[str, Any] = {key: "", board["agent_id"][1]: None}
    assert si.tables.performance(warehouse.agent_performance_metrics(), names=names)


def test_a_checked_verb_keeps_its_name_its_signature_and_its_help() -> None:
    assert inspect.signature(si.Warehouse.funnel).parameters["name"].annotation == "str"
    assert si.charts.funnel.__name__ == "funnel"
    assert (si.charts.funnel.__doc__ or "").startswith("One funnel")
    assert arguments.checked(lambda top: top)(top=1) == 1
