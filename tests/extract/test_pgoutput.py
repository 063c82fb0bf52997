"""What the log says of a row is read as its key; of a row with more columns nothing is kept."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from si_analytics.extract import pgoutput
from si_analytics.extract.pgoutput import Begin, Relation, Rows, Truncate, UnknownMessageError

numbers = st.integers(0, 2**32 - 1)
uuids = st.uuids().map(str)


def row(letter: bytes, *values: str | None) -> bytes:
    cells = [b"n" if value is None else b"t" + struct.pack(">I", len(value)) + value.encode() for value in values]
    return letter + struct.pack(">H", len(values)) + b"".join(cells)


@given(numbers, uuids)
def test_an_insert_tells_the_key_of_the_row(oid: int, key: str) -> None:
    assert pgoutput.read(b"I" + struct.pack(">I", oid) + row(b"N", key)) == Rows(oid, (key,))


@given(numbers, uuids)
def test_a_delete_tells_the_key_of_the_row(oid: int, key: str) -> None:
    assert pgoutput.read(b"D" + struct.pack(">I", oid) + row(b"K", key)) == Rows(oid, (key,))


@given(numbers, uuids, uuids)
def test_an_update_tells_the_key_before_it_too_where_it_was_another(oid: int, old: str, new: str) -> None:
    message = b"U" + struct.pack(">I", oid)
    assert pgoutput.read(message + row(b"N", new)) == Rows(oid, (new,))
    assert pgoutput.read(message + row(b"K", old) + row(b"N", new)) == Rows(oid, (old, new))


@given(numbers, uuids, st.lists(st.none() | st.text("abc"), min_size=1, max_size=4))
def test_of_a_row_of_several_columns_nothing_is_kept(oid: int, key: str, others: list[str | None]) -> None:
    message = b"U" + struct.pack(">I", oid) + row(b"O", key, *others) + row(b"N", key, *others)
    assert pgoutput.read(message) == Rows(oid, (None, None))


@given(st.integers(0, 2**62), numbers)
def test_a_transaction_begins_with_its_number_and_where_it_commits(place: int, transaction: int) -> None:
    assert pgoutput.read(b"B" + struct.pack(">qqI", place, 0, transaction)) == Begin(place, transaction)


@given(numbers, st.lists(st.tuples(st.sampled_from(["id", "user_id", "größe"]), st.booleans()), max_size=4))
def test_a_relation_tells_its_columns_and_which_of_them_are_its_key(oid: int, columns: list[tuple[str, bool]]) -> None:
    told = [bytes([is_key]) + name.encode() + b"\0" + struct.pack(">Ii", 2950, -1) for name, is_key in columns]
    message = b"R" + struct.pack(">I", oid) + b"public\0users\0d" + struct.pack(">H", len(columns)) + b"".join(told)
    names, key = tuple(name for name, _ in columns), tuple(name for name, is_key in columns if is_key)
    assert pgoutput.read(message) == Relation(oid, names, key)


@given(st.lists(numbers, max_size=5))
def test_a_truncation_tells_every_table_it_emptied(oids: list[int]) -> None:
    message = b"T" + struct.pack(">IB", len(oids), 1) + struct.pack(f">{len(oids)}I", *oids)
    assert pgoutput.read(message) == Truncate(tuple(oids))


@pytest.mark.parametrize("message", [b"", b"S\0\0\0\1", b"I\0\0", b"I\0\0\0\1X", b"I\0\0\0\1N\0\1t\0\0\0\x24cut"])
def test_a_message_that_is_cut_or_of_another_protocol_is_not_read(message: bytes) -> None:
    with pytest.raises(UnknownMessageError):
        pgoutput.read(message)


@given(st.binary(max_size=60))
def test_no_message_ends_in_another_error(message: bytes) -> None:
    try:
        pgoutput.read(message)
    except UnknownMessageError:
        return
