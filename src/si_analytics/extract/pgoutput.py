"""The messages of ``pgoutput``, Postgres's own plugin for logical decoding, as far as changed keys are told by them.

Belongs here: reading one message of protocol version 1, as ``pg_logical_slot_peek_binary_changes`` gives it.

A row is read only if it has a single column, which is the key. Of a row with more columns nothing is kept.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TypeAlias

_BEGIN = struct.Struct(">qqI")  # where the transaction commits in the log, when, its number
_NUMBER, _COUNT = struct.Struct(">I"), struct.Struct(">H")
_OF_NO_ROW = frozenset(b"COYM")  # commit, origin, type, message


@dataclass(frozen=True)
class Begin:
    """A committed transaction begins: the place in the log of its commit, and its number, in 32 bits."""

    commits_at: int
    transaction: int


@dataclass(frozen=True)
class Relation:
    """What the log tells of the rows of a table: its columns in order, and which of them tell a row from others."""

    oid: int
    columns: tuple[str, ...]
    key: tuple[str, ...]


@dataclass(frozen=True)
class Rows:
    """A row was inserted, updated or deleted: its keys before and after; None for a row of more than its key."""

    oid: int
    keys: tuple[str | None, ...]


@dataclass(frozen=True)
class Truncate:
    """These tables were emptied."""

    oids: tuple[int, ...]


Message: TypeAlias = Begin | Relation | Rows | Truncate


class UnknownMessageError(ValueError):
    """A message is not of protocol version 1."""


def read(data: bytes) -> Message | None:
    """Returns the message; None for one that tells of no row. Raises UnknownMessageError."""
    try:
        return _read(data)
    except (struct.error, IndexError, UnicodeDecodeError, ValueError) as error:
        raise UnknownMessageError(f"a message of type {data[:1]!r} and {len(data)} bytes") from error


def _read(data: bytes) -> Message | None:
    kind = data[0]
    if kind in _OF_NO_ROW:
        return None
    if kind == ord("B"):
        place, _, transaction = _BEGIN.unpack_from(data, 1)
        return Begin(place, transaction)
    if kind == ord("R"):
        return _relation(data)
    if kind == ord("T"):
        (count,) = _NUMBER.unpack_from(data, 1)
        return Truncate(struct.unpack_from(f">{count}I", data, 6))
    if kind in b"IUD":
        (oid,) = _NUMBER.unpack_from(data, 1)
        return Rows(oid, _keys(data, 5))
    raise ValueError(kind)


def _relation(data: bytes) -> Relation:
    (oid,) = _NUMBER.unpack_from(data, 1)
    _, at = _text(data, 5)
    _, at = _text(data, at)
    (count,) = _COUNT.unpack_from(data, at + 1)  # after the byte of the replica identity
    at += 3
    columns, key = [], []
    for _ in range(count):
        name, after = _text(data, at + 1)
        columns.append(name)
        if data[at] & 1:
            key.append(name)
        at = after + 8  # type and modifier
    return Relation(oid, tuple(columns), tuple(key))


def _keys(data: bytes, at: int) -> tuple[str | None, ...]:
    """Returns the key of each version of a row: the old one if it was another, then the new one."""
    found = []
    while at < len(data):
        if data[at] not in b"KON":
            raise ValueError(data[at])
        key, at = _row(data, at + 1)
        found.append(key)
    return tuple(found)


def _row(data: bytes, at: int) -> tuple[str | None, int]:
    """Returns the only value of a row, and where the row ends; None for a row of several values, which stay unread."""
    (count,) = _COUNT.unpack_from(data, at)
    at += 2
    value = None
    for _ in range(count):
        kind, at = data[at : at + 1], at + 1
        if kind in (b"n", b"u"):
            continue
        if kind != b"t":
            raise ValueError(kind)
        (length,) = _NUMBER.unpack_from(data, at)
        at += 4
        if count == 1:
            value = data[at : at + length].decode("ascii")
        at += length
    if at > len(data):
        raise ValueError(at)
    return value, at


def _text(data: bytes, at: int) -> tuple[str, int]:
    end = data.index(b"\0", at)
    return data[at:end].decode(), end + 1
