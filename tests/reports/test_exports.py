"""Files for people: typed, whole or not at all, in the folder of their refresh, and inert in a spreadsheet."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO, StringIO
from pathlib import Path
from xml.etree import ElementTree

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import si_analytics as si
from si_analytics.charts import saving
from si_analytics.compute import metrics
from si_analytics.errors import AnalyticsError
from si_analytics.query import warehouse as query_warehouse
from si_analytics.reports import export, pdf, spreadsheets
from si_analytics.settings import Settings

AS_OF = datetime(2026, 6, 1, tzinfo=UTC)
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
HOSTILE = ["=1+1", "+cmd", "-2", "@sum", " =a", "\tb", "＝1", "plain", "it's", ""]


@pytest.fixture(scope="module")
def warehouse() -> Iterator[query_warehouse.Warehouse]:
    with si.sample_warehouse() as opened:
        yield opened


@pytest.fixture
def using(warehouse: query_warehouse.Warehouse, tmp_path: Path) -> Settings:
    """Settings on the sample warehouse with a home, and so a folder of exports, of the test's own."""
    return warehouse.settings.model_copy(update={"home": tmp_path})


def cells(book: bytes, number: int) -> list[dict[str, tuple[str, str]]]:
    """Each row of a sheet: by the letter of its column, how a cell is kept (n, s, b; f: a formula), what it holds."""
    with zipfile.ZipFile(BytesIO(book)) as opened:
        strings = ElementTree.fromstring(opened.read("xl/sharedStrings.xml"))
        words = ["".join(part.text or "" for part in item.iter(f"{MAIN}t")) for item in strings]
        page = ElementTree.fromstring(opened.read(f"xl/worksheets/sheet{number}.xml"))
    rows = []
    for row in page.iter(f"{MAIN}row"):
        found = {}
        for cell in row:
            held, kind = cell.findtext(f"{MAIN}v") or "", cell.get("t", "n")
            formula = cell.find(f"{MAIN}f") is not None
            letter = (cell.get("r") or "").rstrip("0123456789")
            found[letter] = ("f", held) if formula else (kind, words[int(held)] if kind == "s" else held)
        rows.append(found)
    return rows


def test_text_that_would_be_a_formula_begins_with_an_apostrophe_in_csv_and_numbers_do_not() -> None:
    frame = pl.DataFrame({"typed": HOSTILE, "amount": [-1] * len(HOSTILE)})
    rows = list(csv.reader(StringIO(spreadsheets.csv(frame).decode(), newline="")))[1:]
    assert [typed for typed, _ in rows] == [f"'{one}" for one in HOSTILE[:7]] + HOSTILE[7:]
    assert {amount for _, amount in rows} == {"-1"}


def test_a_workbook_keeps_types_and_its_text_is_never_a_formula() -> None:
    """Numbers beyond fifteen digits, and days before 1900, have no exact cell of their own: they are text."""
    frame = pl.DataFrame(
        {
            "typed": ["=1+1", "http://x", None],
            "amount": [Decimal("-1234.50"), Decimal("90071992547409931.07"), None],
            "units": [7, 2**62, 0],
            "at": [AS_OF, datetime(1850, 1, 1, tzinfo=UTC), None],
            "day": [date(2026, 6, 1), None, None],
            "yes": [True, False, None],
        },
        schema_overrides={"amount": pl.Decimal(38, 2)},
    )
    rows = cells(
        spreadsheets.workbook([spreadsheets.Sheet("one", "of them", frame, {})], {"as of": "now"}, AS_OF).data, 2
    )
    assert [held for _, held in rows[0].values()] == frame.columns
    as_numbers = [("s", "=1+1"), ("n", "-1234.50"), ("n", "7"), ("n", "46174"), ("n", "46174"), ("b", "1")]
    as_text = [("s", "http://x"), ("s", "90071992547409931.07"), ("s", str(2**62)), ("s", "1850-01-01T00:00:00")]
    assert rows[1] == dict(zip("ABCDEF", as_numbers, strict=True))
    assert rows[2] == {**dict(zip("ABCD", as_text, strict=True)), "F": ("b", "0")}
    assert rows[3] == {"C": ("n", "0")}


def sheet_names(book: bytes) -> list[str]:
    with zipfile.ZipFile(BytesIO(book)) as opened:
        return [
            one.get("name") or "" for one in ElementTree.fromstring(opened.read("xl/workbook.xml")).iter(f"{MAIN}sheet")
        ]


def of_one(name: str, frame: pl.DataFrame) -> spreadsheets.Sheet:
    return spreadsheets.Sheet(name, f"what {name} is", frame, {})


def first_page(book: bytes) -> list[tuple[str, str]]:
    """The lines of the sheet `about`."""
    return [(row.get("A", ("", ""))[1], row.get("B", ("", ""))[1]) for row in cells(book, 1)]


def test_a_text_longer_than_a_cell_is_cut_and_which_is_said_on_the_first_sheet_and_in_a_note() -> None:
    """One letter more than fits, in the second row; a letter beyond the first 65,536 of Unicode takes two places."""
    fits, long, wide = "x" * 32_767, "y" * 32_768, "🙂" * 20_000
    frame = pl.DataFrame({"id": [1, 2, 3], "said": [fits, long, wide]})
    book = spreadsheets.workbook([of_one("talk", frame)], {"as of": "now"}, AS_OF)
    expected = [
        "talk, row 3, column said (cell B3): a text of 32,768 characters is cut, a cell holds 32,767;"
        " CSV and Parquet have all of it",
        "talk, row 4, column said (cell B4): a text of 40,000 characters is cut, a cell holds 32,767;"
        " CSV and Parquet have all of it",
    ]
    assert list(book.notes) == expected
    assert [words for name, words in first_page(book.data) if name == "cut"] == expected
    held = [row["B"][1] for row in cells(book.data, 2)[1:]]
    assert held == [fits, "y" * 32_767, "🙂" * 16_383]


def test_of_many_texts_that_are_cut_the_first_are_named_and_the_rest_counted() -> None:
    frame = pl.DataFrame({"said": ["x" * 32_768]}).select(pl.col("said").repeat_by(1_002).explode())
    book = spreadsheets.workbook([of_one("talk", frame)], {}, AS_OF)
    assert len(book.notes) == 21
    assert book.notes[-1] == "and 982 more texts are cut"
    listed = [words for name, words in first_page(book.data) if name == "cut"]
    assert (len(listed), listed[-1]) == (1_001, "and 2 more texts are cut")


def test_whatever_metrics_are_called_each_has_a_sheet_of_its_own_and_the_first_sheet_says_which() -> None:
    """31 characters, none of []:*?/\\, no apostrophe at an end; Excel keeps History, the first sheet is about."""
    stem = "sponsors_by_month_and_currenc"
    wanted = [f"{stem}y_paid_in", f"{stem}y_paid_out", f"{stem}y_", f"{stem}Y_"]
    wanted += ["about", "History", "a/b", "a:b", "'quoted'", "🙂" * 16]
    frame = pl.DataFrame({"id": [1]})
    made = spreadsheets.workbook([of_one(name, frame) for name in wanted], {}, AS_OF).data
    called = sheet_names(made)
    assert called[:5] == ["about", f"{stem}~3", f"{stem}~4", f"{stem}y_", f"{stem}~2"]
    assert called[5:] == ["about~2", "History~2", "a_b", "a_b~2", "_quoted_", "🙂" * 15]
    assert len({name.lower() for name in called}) == len(called)
    told = dict(first_page(made))
    for name, sheet in zip(wanted, called[1:], strict=True):
        assert told[sheet] in (f"what {name} is", f"{name}: what {name} is")
        assert name == sheet or told[sheet].startswith(name)
    assert spreadsheets.workbook([of_one(name, frame) for name in wanted], {}, AS_OF).data == made


@pytest.mark.parametrize(
    ("frame", "found"),
    [
        (pl.DataFrame({"id": pl.int_range(1_048_576, eager=True)}), "1,048,576 rows, a sheet holds 1,048,575"),
        (pl.DataFrame({f"c{one}": [one] for one in range(16_385)}), "16,385 columns, a sheet holds 16,384"),
    ],
)
def test_what_no_sheet_holds_is_left_to_a_file_beside_the_workbook_and_the_others_are_written(
    frame: pl.DataFrame, found: str
) -> None:
    given = [of_one("small", pl.DataFrame({"id": [1]})), of_one("large", frame), of_one("last", pl.DataFrame())]
    book = spreadsheets.workbook(given, {}, AS_OF)
    assert book.too_large == ("large",)
    assert book.notes == (f"large has {found}: it has no sheet, it is large.csv beside the workbook",)
    assert sheet_names(book.data) == ["about", "small", "last"]
    assert ("large", f"what large is ({book.notes[0]})") in first_page(book.data)


def test_a_metric_too_long_for_a_sheet_is_a_csv_beside_the_workbook_and_both_are_said(
    warehouse: query_warehouse.Warehouse, using: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With sheets of 20 rows in place of 1,048,575: what has more stands in a CSV file that has all of it."""
    monkeypatch.setattr(spreadsheets, "_ROWS", 20)
    told: list[str] = []
    paths = export.tables(using, form=export.TableFormat.xlsx, tell=told.append)
    long = [name for name in metrics.names() if warehouse.metric(name).height > 20]
    assert 0 < len(long) < len(metrics.names())
    assert [path.name for path in paths] == ["metrics.xlsx", *(f"{name}.csv" for name in long)]
    assert [one.split()[0] for one in told] == long
    assert sheet_names(paths[0].read_bytes()) == ["about", *(name for name in metrics.names() if name not in long)]
    for path in paths[1:]:
        assert path.read_bytes() == spreadsheets.csv(warehouse.metric(path.stem))


def test_floats_days_without_a_zone_and_letters_that_xml_lacks_come_through_a_workbook() -> None:
    """A float is a number; what is none (NaN, infinity) is text. A time without a zone is as it is written."""
    frame = pl.DataFrame(
        {
            "share": [0.25, float("nan"), float("-inf")],
            "at": [one.replace(tzinfo=None) for one in (AS_OF, datetime(1899, 12, 31, tzinfo=UTC))] + [None],
            "said": ["a\x00b\r\nc", "\ufffe_x0041_", "  spaced  "],
            "waited": [[1, 2], [], None],
        }
    )
    rows = cells(spreadsheets.workbook([of_one("one", frame)], {}, AS_OF).data, 2)[1:]
    assert [row["A"] for row in rows] == [("n", "0.25"), ("s", "nan"), ("s", "-inf")]
    assert [row.get("B") for row in rows] == [("n", "46174"), ("s", "1899-12-31T00:00:00"), None]
    assert [row["C"][1] for row in rows] == ["a_x0000_b_x000D_\nc", "_xFFFE__x005F_x0041_", "  spaced  "]
    assert [row.get("D") for row in rows] == [("s", "[1, 2]"), ("s", "[]"), None]


def test_a_sheet_s_heading_is_frozen_and_its_ratios_are_percentages(
    warehouse: query_warehouse.Warehouse, using: Settings
) -> None:
    (path,) = export.tables(using, form=export.TableFormat.xlsx)
    with zipfile.ZipFile(path) as opened:
        names = [one.get("name") for one in ElementTree.fromstring(opened.read("xl/workbook.xml")).iter(f"{MAIN}sheet")]
        page, styles = opened.read("xl/worksheets/sheet2.xml").decode(), opened.read("xl/styles.xml").decode()
    assert names == ["about", *metrics.names()]
    assert 'state="frozen"' in page
    assert 'formatCode="0.0%"' in styles
    assert cells(path.read_bytes(), 1)[0]["B"] == ("s", "2026-06-01T00:00:00+00:00")
    board = warehouse.agent_leaderboard()
    earned = "ABCDEFGHIJ"[board.columns.index("total_earnings")]
    rows = cells(path.read_bytes(), names.index("agent_leaderboard") + 1)[1:]
    shown = {row["A"][1]: (row[earned][0], Decimal(row[earned][1])) for row in rows}
    assert shown == {key: ("n", value) for key, value in board.select("agent_id", "total_earnings").iter_rows()}


@pytest.mark.parametrize("form", export.TableFormat)
def test_tables_of_the_same_refresh_are_the_same_bytes(using: Settings, form: export.TableFormat) -> None:
    first = {path: path.read_bytes() for path in export.tables(using, form=form)}
    assert first
    assert {path: path.read_bytes() for path in export.tables(using, form=form)} == first


def test_a_parquet_file_holds_the_very_frame(
    warehouse: query_warehouse.Warehouse, using: Settings, tmp_path: Path
) -> None:
    export.tables(using, tmp_path / "out", export.TableFormat.parquet)
    for name in metrics.names():
        assert_frame_equal(pl.read_parquet(tmp_path / "out" / f"{name}.parquet"), warehouse.metric(name))
    assert not (tmp_path / "exports").exists()


def test_exports_lie_in_the_folder_of_their_refresh_and_latest_leads_there(
    warehouse: query_warehouse.Warehouse, using: Settings
) -> None:
    export.tables(using)
    (using.exports / "latest").unlink()
    (using.exports / "latest").symlink_to("an older one")
    export.tables(using, form=export.TableFormat.xlsx)
    version = using.exports / f"2026-06-01T000000Z-{warehouse.refresh_id[:8]}"
    assert (using.exports / "latest").resolve() == version.resolve()
    expected = ["metrics.xlsx", *(f"{name}.csv" for name in metrics.names())]
    assert sorted(one.name for one in (using.exports / "latest" / "tables").iterdir()) == sorted(expected)
    assert sorted(one.name for one in using.exports.iterdir()) == [version.name, "latest"]


def test_where_links_are_impossible_latest_is_a_copy_that_is_replaced(
    using: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    export.tables(using)
    (using.exports / "latest" / "stale").touch()
    export.tables(using, form=export.TableFormat.parquet)
    latest = using.exports / "latest"
    assert not latest.is_symlink()
    assert [one.name for one in latest.iterdir()] == ["tables"]
    assert len(list((latest / "tables").iterdir())) == 2 * len(metrics.names())
    assert [one.name for one in using.exports.iterdir() if one.name.startswith(".")] == []


def test_what_fails_half_way_leaves_the_file_that_was_there(
    using: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk fills up while the second version is written: the first still stands, and nothing else."""
    whole = tmp_path / "out" / "file"
    saving.whole_file(whole, b"first", "writing")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(saving.os, "fsync", full)
    with pytest.raises(AnalyticsError, match="No space left on device"):
        export.tables(using, whole.parent)
    assert {one.name: one.read_bytes() for one in whole.parent.iterdir()} == {"file": b"first"}


def test_without_a_browser_a_pdf_is_refused_in_one_sentence(using: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER_PATH", "/nowhere/chromium")
    with pytest.raises(AnalyticsError, match=r"no Chromium or Chrome was found to print it[.] Install one"):
        export.dashboard(using, form=export.PageFormat.pdf)
    assert not using.exports.exists()


@pytest.mark.browser
@pytest.mark.usefixtures("browser")
def test_a_page_is_printed_after_its_scripts_have_drawn_it() -> None:
    """As many pages as the script makes: two, where the document alone has one."""
    page = (
        b"<p>one</p><script>setTimeout(()=>document.body.innerHTML+='<p style=break-before:page>two</p>',500)</script>"
    )
    printed = pdf.pdf(page, "printing")
    assert printed.startswith(b"%PDF-")
    assert printed.count(b"/Type /Page\n") + printed.count(b"/Type /Page ") == 2
