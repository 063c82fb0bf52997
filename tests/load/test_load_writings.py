"""CSV files as people have them: read where there is one way to read them, else refused with the option that helps."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from si_analytics.errors import LoadError, UsageError
from si_analytics.load import Options, load
from si_analytics.load.clean import Strict
from si_analytics.load.comma import CommaFile
from si_analytics.settings import Settings
from tests.support.dumps import USERS, rows, write

HEAD = "email,password_hash,name,role"


@pytest.fixture
def names(settings: Settings, tmp_path: Path, postgres: psycopg.Connection[Any]) -> Callable[..., list[str]]:
    """A function that loads a users.csv and returns the names that arrived."""

    def loaded(content: str | bytes, *, called: str = "users.csv", **said: Any) -> list[str]:
        folder = tmp_path / "dump"
        folder.mkdir(exist_ok=True)
        (folder / called).write_bytes(content.encode() if isinstance(content, str) else content)
        load(settings, folder, options=Options(**said))
        return [name for (name,) in rows(postgres, "select name from users order by email")]

    return loaded


def test_capitals_and_spaces_in_the_heading_and_in_the_files_name_are_no_trouble(
    names: Callable[..., list[str]],
) -> None:
    assert names("Email, PASSWORD_HASH,Name ,role\na,x,Zoë,agent\n", called="Users.CSV") == ["Zoë"]


def test_a_column_twice_but_for_its_capitals_is_refused(names: Callable[..., list[str]]) -> None:
    with pytest.raises(LoadError, match="it has the column name more than once"):
        names(f"{HEAD},NAME\na,x,A,agent,B\n")


@pytest.mark.parametrize("line", ["sep=;", '"sep=;"', "SEP=;"])
def test_the_line_in_which_excel_names_the_separator_is_understood(names: Callable[..., list[str]], line: str) -> None:
    assert names(f"{line}\r\n{HEAD.replace(',', ';')}\r\na;x;Ann, Bo;agent\r\n") == ["Ann, Bo"]


def test_lines_are_counted_from_the_very_first_one(names: Callable[..., list[str]]) -> None:
    with pytest.raises(LoadError, match="line 4: it breaks the rule users_role_check"):
        names(f"sep=,\n{HEAD}\na,x,A,agent\nb,x,B,duck\n")


@pytest.mark.parametrize(("mark", "said"), [(";", ";"), ("\t", "tab"), ("|", "|")])
def test_another_separator_is_read_where_it_is_said(names: Callable[..., list[str]], mark: str, said: str) -> None:
    assert names(f"{HEAD},rating\na,x,A,agent,4.5\n".replace(",", mark), separator=said) == ["A"]


def test_a_comma_for_the_decimals_is_read_where_it_is_said(
    names: Callable[..., list[str]], postgres: psycopg.Connection[Any]
) -> None:
    content = f"{HEAD},rating\na,x,A,agent,4,5\n".replace(",", ";").replace("4;5", "4,5")
    with pytest.raises(LoadError, match=r"line 2, column rating: '4,5' has a comma\. .* --decimal ,"):
        names(content, separator=";")
    names(content, separator=";", decimal=",")
    assert rows(postgres, "select rating::text from users") == [("4.5",)]


@pytest.mark.parametrize("called", ["users.csv", "users.csv.gz", "users.CSV.GZ"])
def test_a_file_packed_with_gzip_is_read_whatever_it_is_called(names: Callable[..., list[str]], called: str) -> None:
    assert names(gzip.compress(f"{HEAD}\na,x,A,agent\n".encode()), called=called) == ["A"]


def test_a_packed_file_that_is_cut_off_is_refused(names: Callable[..., list[str]]) -> None:
    whole = gzip.compress("\n".join([HEAD, *(f"{number},x,A{number},agent" for number in range(500))]).encode())
    for content in (whole[:-9], whole[:-200], whole[:20] + b"\0\0\0\0" + whole[24:]):
        with pytest.raises(LoadError, match=r"loading users\.csv: it is not a whole gzip file"):
            names(content)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_an_encoding_is_known_by_its_mark(names: Callable[..., list[str]], encoding: str) -> None:
    content = f"{HEAD}\na,x,Zoë 東京,agent\n".encode(encoding)
    assert names(content) == ["Zoë 東京"]


def test_the_mark_is_believed_before_the_option(names: Callable[..., list[str]]) -> None:
    assert names(codecs.BOM_UTF8 + f"{HEAD}\na,x,Zoë,agent\n".encode(), encoding="windows-1252") == ["Zoë"]


@pytest.mark.parametrize("encoding", ["windows-1252", "iso-8859-15", "utf-16-le", "utf-16-be"])
def test_another_encoding_is_read_where_it_is_said(names: Callable[..., list[str]], encoding: str) -> None:
    content = f"{HEAD}\na,x,Zoë €5,agent\n".encode(encoding)
    with pytest.raises(LoadError, match=r"--encoding (windows-1252|utf-16-[lb]e)"):
        names(content)
    assert names(content, encoding=encoding) == ["Zoë €5"]


def test_bytes_that_the_said_encoding_does_not_have_are_refused_by_line(names: Callable[..., list[str]]) -> None:
    with pytest.raises(LoadError, match="line 3 holds bytes that are not cp1252"):
        names(f"{HEAD}\na,x,A,agent\nb,x,".encode() + b"\x81,agent\n", encoding="windows-1252")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_blank_lines_at_the_end_are_nothing_and_others_are_refused(names: Callable[..., list[str]], end: str) -> None:
    content = f"{HEAD}\na,x,A,agent\n\n\n".replace("\n", end)
    assert names(content) == ["A"]
    with pytest.raises(LoadError, match="line 3 is blank, and lines with values follow"):
        names(content + f"b,x,B,agent{end}")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ('a,x,5" screen,agent\nb,x,B,agent\n', "line 2: a quote stands in the middle of a value"),
        ('a,x,5" screen,agent\nb,x,6" screen,agent\n', "line 2: a quote stands in the middle of a value"),
        ('a,x,A,agent\nb,x,"B" b,agent\n', "line 3: a quote stands in the middle of a value"),
        ('a,x,A,agent\nb,x, "B",agent\n', "line 3: a quote stands in the middle of a value"),
        ('a,x,A,agent\nb,x,"B,agent\nc,x,C,agent\nd,x,"D",agent\n', "line 3: a quote stands in the middle"),
        ('a,x,A,agent\nb,x,"B,agent\nc,x,C,agent\n', "line 3: a quote is opened there and never closed"),
        ('a,x,"A\n""a""",agent\nb,x,"B"",agent\n', "line 4: a quote is opened there and never closed"),
    ],
)
def test_a_stray_quote_is_told_at_its_line(names: Callable[..., list[str]], content: str, found: str) -> None:
    with pytest.raises(LoadError) as caught:
        names(f"{HEAD}\n{content}")
    assert found in str(caught.value)
    assert "write a quote within it twice" in str(caught.value)


@pytest.mark.parametrize(
    ("start", "found"),
    [(b"PAR1xxxxPAR1", "it is a Parquet file. Name it .parquet"), (b"PK\x03\x04", "it is a ZIP or XLSX file. Save it")],
)
def test_another_kind_of_file_that_is_called_csv_is_named(
    names: Callable[..., list[str]], start: bytes, found: str
) -> None:
    with pytest.raises(LoadError, match=found):
        names(start)


def test_a_value_of_a_megabyte_and_more_arrives_whole(
    names: Callable[..., list[str]], postgres: psycopg.Connection[Any]
) -> None:
    names(f"{HEAD},avatar\na,x,A,agent,{'x' * 3_000_000}\n")
    assert rows(postgres, "select length(avatar) from users") == [(3_000_000,)]


def test_a_row_too_long_to_be_one_is_refused(names: Callable[..., list[str]]) -> None:
    with pytest.raises(LoadError, match="a row of it is longer than 16 MB"):
        names(f"{HEAD},avatar\na,x,A,agent,{'x' * 40_000_000}\n")


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({"separator": ";;"}, "--separator ';;': it is no separator"),
        ({"separator": "a"}, "it is no separator"),
        ({"decimal": "'"}, "--decimal ''': there is no such choice. Give one of: .  ,"),
        ({"decimal": ",", "separator": ","}, "--decimal ,: it separates the columns as well"),
        ({"dates": "american"}, "Give one of: day-first  month-first"),
        ({"encoding": "klingon"}, "--encoding 'klingon': there is no such encoding"),
        ({"encoding": "rot13"}, "there is no such encoding"),
        ({"encoding": "base64"}, "there is no such encoding"),
        ({"timezone": "IST"}, "time zone 'IST': it is not an IANA name"),
        ({"timezone": "europe/berlin"}, "Did you mean Europe/Berlin?"),
        ({"mode": "merge"}, "Give one of: add  upsert  replace"),
    ],
)
def test_an_option_that_means_nothing_is_refused(said: dict[str, Any], found: str) -> None:
    with pytest.raises(UsageError) as caught:
        Options(**said)
    assert found in str(caught.value)


def test_the_command_hands_its_options_on(si: Any, settings: Settings, tmp_path: Path) -> None:
    write(tmp_path, users_csv=f"{HEAD};created_at\na;x;Zoë;agent;5.6.2026 14:30\n".replace(",", ";").encode("cp1252"))
    ours = si(settings)
    told = ours("load", str(tmp_path), "--separator", ";")
    assert (told.code, "--encoding windows-1252" in told.err) == (1, True)
    options = ("--separator", ";", "--encoding", "windows-1252", "--dates", "day-first", "--timezone", "Europe/Berlin")
    done = ours("load", str(tmp_path), *options)
    assert done.code == 0, done.err
    again = ours("load", str(tmp_path), *options)
    assert (again.code, "say --upsert" in again.err) == (1, True)
    both = ours("load", str(tmp_path), "--upsert", "--replace")
    assert both.code == 2


TEXTS = st.text(st.sampled_from('ab,;"\r\né'), max_size=6)


@given(st.lists(st.lists(TEXTS, min_size=2, max_size=2), min_size=1, max_size=6), st.sampled_from(["\n", "\r\n"]))
def test_whatever_a_program_writes_as_csv_is_read_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, table: list[list[str]], end: str
) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator=end, quoting=csv.QUOTE_ALL).writerows([["one", "two"], *table])
    path = tmp_path_factory.mktemp("csv") / "deals.csv"
    path.write_bytes(text.getvalue().encode())
    file = CommaFile(path, Options())
    read = [list(row.values()) for batch in file.batches() for row in batch.to_pylist()]
    assert read == table


@given(st.lists(st.lists(TEXTS, min_size=2, max_size=2), min_size=1, max_size=6), st.integers(1, 9), st.data())
def test_the_line_of_a_row_is_found_however_the_text_comes_in_pieces(
    table: list[list[str]], size: int, data: st.DataObject
) -> None:
    """Line breaks within values count as well: the row is where a text editor shows its beginning."""
    pieces = [io.StringIO() for _ in table]
    for row, piece in zip(table, pieces, strict=True):
        csv.writer(piece, lineterminator="\n", quoting=csv.QUOTE_ALL).writerow(row)
    whole = "".join(piece.getvalue() for piece in pieces).encode()
    wanted = data.draw(st.integers(1, len(table)))
    strict = Strict("deals.csv", ",", 2, 2, wanted=wanted)
    passed = b"".join(strict.passed(whole[at : at + size] for at in range(0, len(whole), size)))
    before = "".join(piece.getvalue() for piece in pieces[: wanted - 1])
    assert passed == whole
    assert strict.found == 2 + len(before.replace("\r\n", "\n").replace("\r", "\n").split("\n")) - 1


@given(st.text(st.sampled_from('a,"\n'), max_size=12))
def test_no_stray_quote_gets_past_whatever_the_text(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """What is let through, the strict reader of Python's standard library reads alike, or holds too few values."""
    path = tmp_path_factory.mktemp("csv") / "deals.csv"
    path.write_text(f"one,two\n{text}", newline="")
    try:
        read = [[value or "" for value in row.values()] for batch in CommaFile(path, Options()).batches()
                for row in batch.to_pylist()]  # fmt: skip
    except LoadError:
        return
    lines = list(csv.reader(io.StringIO(text.rstrip("\n") if not read else text, newline=""), strict=True))
    assert read == [line for line in lines if line]


def test_a_file_without_rows_is_empty_however_it_ends(settings: Settings, tmp_path: Path) -> None:
    for content in (HEAD, f"{HEAD}\n", f"{HEAD}\r\n\r\n", f"\ufeff{HEAD}\n"):
        write(tmp_path, users_csv=content)
        assert load(settings, tmp_path).rows == {"users": 0}
    write(tmp_path, users_csv=USERS, conversations_csv="participants\n")
    assert load(settings, tmp_path).rows == {"users": 2, "conversations": 0}
