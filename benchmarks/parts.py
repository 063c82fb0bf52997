"""The parts of the benchmark: which pieces are taken together, and in what order.

Belongs here: extraction, whole refreshes, growth, memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from benchmarks.limit import TABLE
from benchmarks.measuring import Listener, Result, Turn, in_turn, missing, once
from benchmarks.places import STATUSES, Place, change, lesser_logins
from benchmarks.tasks import Measured

_FEW = 5_000
_PEERS = ("psycopg_pandas", "polars_adbc", "polars_connectorx", "dlt_connectorx", "dlt_pyarrow")


def extraction(place: Place, rounds: int, listen: Listener) -> list[Result]:
    """One table out of Postgres: the limit, ours in full and by changes, other tools."""

    def changed(share: float, seed: int, turn: int) -> None:
        change(place, (TABLE,), share, 10 * turn + seed)

    with lesser_logins(place) as urls:
        turns = [Turn("raw_copy")]
        if urls:
            reader, viewer = urls
            turns += [Turn("reader", url=reader), Turn("reader_reading", url=reader), Turn("view_reading", url=viewer)]
        else:
            listen(f"{place.size}: si_reader is left out, for its views are not there (si schema apply builds them)")
        turns += [
            Turn("full_reading"),
            Turn("full"),  # after the lesser logins', because what follows is read against this one
            Turn("unchanged"),
            Turn("unchanged_reading"),
            Turn("changed_0.1", partial(changed, 0.001, 1)),
            Turn("changed_0.1_reading", partial(changed, 0.001, 3)),
            Turn("changed_1", partial(changed, 0.01, 2)),
            *map(Turn, _installed(_PEERS, listen)),
        ]
        return in_turn(place, turns, rounds, listen)


def whole(place: Place, rounds: int, listen: Listener) -> list[Result]:
    """Whole refreshes, and the same numbers by other means."""

    def agreed(turn: int) -> None:
        # What it gives is held against what the refresh before it published: other numbers are no peer.
        if turn == 1:
            once("pandas_agreement", place)
            listen(f"{place.size}: pandas gives the very numbers that were published")

    turns = [
        Turn("full_refresh"),
        Turn("incremental_refresh", lambda turn: change(place, STATUSES, 0.001, 10 * turn + 3)),
        Turn("unchanged_refresh"),
        Turn("published_in_postgres"),
        *(Turn(piece, agreed) for piece in _installed(("published_in_pandas",), listen)),
    ]
    return in_turn(place, turns, rounds, listen)


def as_written(place: Place, listen: Listener) -> Result:
    """The schema document's own view, once: it takes minutes where there are a million deals."""
    return in_turn(place, [Turn("schema_document_view")], 1, listen)[0]


def growth(places: Sequence[Place], rounds: int, listen: Listener) -> list[tuple[Place, list[Result]]]:
    """What extraction and refreshes take at each size."""

    def turns(place: Place) -> list[Turn]:
        return [
            Turn("full"),
            Turn("changed_0.1", lambda turn: change(place, (TABLE,), 0.001, 10 * turn + 4)),
            Turn("full_refresh"),
            Turn("incremental_refresh", lambda turn: change(place, STATUSES, 0.001, 10 * turn + 5)),
            Turn("few_changed_refresh", lambda turn: change(place, (TABLE,), _FEW / place.transactions, 10 * turn + 6)),
        ]

    return [(place, in_turn(place, turns(place), rounds, listen)) for place in places]


def memory(place: Place, limit: str, listen: Listener) -> Measured:
    """Everything extracted and computed within the memory limit, once."""
    found = once("extract_and_compute", place, memory_limit=limit)
    listen(f"{place.size}: {found.seconds:.0f} s, at most {found.peak_mb:.0f} MB")
    return found


def _installed(pieces: Sequence[str], listen: Listener) -> list[str]:
    for piece in pieces:
        if missing(piece):
            listen(f"{piece} is left out: {', '.join(missing(piece))} not installed (make bench installs it)")
    return [piece for piece in pieces if not missing(piece)]
