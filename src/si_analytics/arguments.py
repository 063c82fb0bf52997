"""Checks the arguments of public verbs against their annotations: a wrong call gives one sentence, not Python's text.

Belongs here: the decorators `checked` and `checked_verbs`. They check types, and refuse an empty text for a
default; what a value means (a zone, a span, a metric's name) is up to the verb.
"""

from __future__ import annotations

import difflib
import functools
import inspect
import numbers
import types
import typing
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from os import PathLike
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

from si_analytics.errors import ArgumentError

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C")

_WORDS: Mapping[Any, str] = {
    str: "text",
    bool: "True or False",
    int: "a whole number",
    float: "a number",
    date: "a date",
    datetime: "a time",
    timedelta: "a duration",
    UUID: "an id",
    PathLike: "a path",
    Mapping: "a mapping",
}
_LISTS = (Sequence, Iterable)
_NUMBERS: Mapping[Any, Any] = {int: numbers.Integral, float: numbers.Real}  # Python also counts True as a number
_LARGEST = 2**63 - 1
_MAY_BE_EMPTY = {"title"}  # a chart may have no heading


def checked(verb: Callable[P, R]) -> Callable[P, R]:
    """Returns `verb` with a check that raises ArgumentError for arguments that do not fit its annotations.

    >>> checked(lambda top: top)(top=1)
    1
    """

    @functools.wraps(verb)
    def called(*args: P.args, **kwargs: P.kwargs) -> R:
        _require(verb, args, kwargs)
        return verb(*args, **kwargs)

    return called


def checked_verbs(kind: type[C]) -> type[C]:
    """Returns the class with its constructor and each of its public methods `checked`."""
    for name, verb in list(vars(kind).items()):
        if inspect.isfunction(verb) and (name == "__init__" or not name.startswith("_")):
            setattr(kind, name, checked(verb))
    return kind


def _require(verb: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    signature, hints = _described(verb)
    try:
        given = signature.bind(*args, **kwargs).arguments
    except TypeError:
        raise _miscalled(verb, signature, args, kwargs) from None
    for name in (name for name in given if name in hints):
        hint, parameter = hints[name], signature.parameters[name]
        for value in given[name] if parameter.kind is parameter.VAR_POSITIONAL else (given[name],):
            found = _means_nothing(parameter, value) if _fits(value, hint) else _found(value, hint)
            if found:
                raise _refused(verb, parameter, hint, found)


def _refused(verb: Callable[..., Any], parameter: inspect.Parameter, hint: Any, found: str) -> ArgumentError:
    words = " or ".join(_words(hint))
    optional = "" if parameter.default is parameter.empty else ", or leave it out"
    return ArgumentError(f"{parameter.name} of {_called(verb)}", found, f"Give {words}{optional}")


@functools.cache
def _described(verb: Callable[..., Any]) -> tuple[inspect.Signature, dict[str, Any]]:
    """Returns the signature and each parameter's type; ignores the return type, which only type checkers may know."""
    signature = inspect.signature(verb)
    ordinary = [one for one in signature.parameters.values() if one.kind is not one.VAR_KEYWORD]
    said = {one.name: one.annotation for one in ordinary if one.annotation is not one.empty}
    holder = types.SimpleNamespace(__annotations__=said)
    return signature, typing.get_type_hints(holder, globalns=getattr(verb, "__globals__", {}))


def _called(verb: Callable[..., Any]) -> str:
    """Returns the verb as people write it: ``warehouse.funnel``, ``si.charts.funnel``."""
    part = verb.__module__.split(".")[1:2]
    if verb.__name__ == "__init__":
        return verb.__qualname__.split(".")[-2]
    if "." in verb.__qualname__:
        return f"{verb.__qualname__.split('.')[-2].lower()}.{verb.__name__}"
    return f"si.{part[0]}.{verb.__name__}" if part in (["charts"], ["tables"]) else verb.__name__


def _miscalled(
    verb: Callable[..., Any], signature: inspect.Signature, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> ArgumentError:
    """Returns what is wrong with a call that does not fit the signature."""
    parameters = [one for name, one in signature.parameters.items() if name != "self"]
    names = [one.name for one in parameters]
    takes = f"It takes {', '.join(names)}" if names else "It takes nothing"
    unknown = [name for name in kwargs if name not in names]
    if unknown:
        near = difflib.get_close_matches(unknown[0], names, n=1)
        hint = f"Did you mean {near[0]}? " if near else ""
        return ArgumentError(f"{_called(verb)}", f"it takes no {unknown[0]}", f"{hint}{takes}")
    bound = signature.bind_partial(*args).arguments if _in_place(signature, args) else {}
    lacking = [
        one.name
        for one in parameters
        if one.default is one.empty
        and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)
        and one.name not in bound
        and one.name not in kwargs
    ]
    if bound and lacking:
        return ArgumentError(f"{_called(verb)}", f"it was not given {', '.join(lacking)}", takes)
    twice = [name for name in kwargs if name in bound]
    if twice:
        return ArgumentError(f"{_called(verb)}", f"it was given {twice[0]} twice", takes)
    if lacking and not args:
        return ArgumentError(f"{_called(verb)}", f"it was not given {', '.join(lacking)}", takes)
    return ArgumentError(
        f"{_called(verb)}", "it was given more values than it takes without a name", f"{takes}: name them"
    )


def _in_place(signature: inspect.Signature, args: Sequence[Any]) -> bool:
    """Whether every positional value has a parameter."""
    return len(args) <= sum(
        one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD) for one in signature.parameters.values()
    )


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value has the type; the contents of a mapping are not checked, for they come from the data."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any or hint is object:
        return True
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, one) for one in inner)
    if origin in _LISTS:
        # A frame is no list, even without rows. An iterator is not looked through, for that would use it up.
        alike = (
            isinstance(value, origin) and not isinstance(value, str | bytes | Mapping) and not hasattr(value, "columns")
        )
        return alike and (not isinstance(value, Collection) or all(_fits(one, inner[0]) for one in value))
    kind = _NUMBERS.get(hint, origin or hint)
    return isinstance(value, kind) and not (hint in _NUMBERS and isinstance(value, bool))


def _means_nothing(parameter: inspect.Parameter, value: Any) -> str:
    """Returns what is wrong with a value of the right type; empty if nothing is.

    Refuses an empty text where the default is a text; the verb itself looks up any other text, for it knows the
    choices.
    """
    stands_for_another = isinstance(parameter.default, str) and parameter.name not in _MAY_BE_EMPTY
    if stands_for_another and isinstance(value, str) and not value.strip():
        return "it is empty"
    return "it is too large" if isinstance(value, int) and abs(value) > _LARGEST else ""


def _words(hint: Any) -> list[str]:
    """Returns what may be given, in words, each once; leaves out None, for an argument may simply be left out."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return list(dict.fromkeys(word for one in inner for word in _words(one)))
    if hint is type(None):
        return []
    if origin in _LISTS:
        return [f"a list of {' or '.join(_words(inner[0]))}"]
    kind = origin or hint
    return [_WORDS.get(kind) or f"a {kind.__module__.split('.')[0]} {kind.__name__}"]


def _found(value: Any, hint: Any) -> str:
    if value is None:
        return "it is None"
    inner = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    listed = any(typing.get_origin(one) in _LISTS for one in inner)
    holds = listed and isinstance(value, Sequence) and not isinstance(value, str | bytes)
    return f"it is a {type(value).__name__}{', and holds something else' if holds else ''}"
