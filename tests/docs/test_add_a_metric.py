"""What docs/add-a-metric.md says: one file of SQL, and the metric is in all five places; or one clear sentence."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import psycopg
import pytest

from pipelines.definitions import defs
from si_analytics import refresh, sample
from si_analytics.compute import lineage, metrics
from si_analytics.definitions import Metric, loading, proof
from si_analytics.errors import DefinitionError
from si_analytics.query import catalog
from si_analytics.query import warehouse as query_warehouse
from si_analytics.settings import Settings
from tests.support.commands import Command
from tests.support.folders import ROOT

TUTORIAL = ROOT / "docs" / "add-a-metric.md"
NAME = "sponsor_spending"
AS_OF = datetime(2026, 6, 1, tzinfo=UTC)


def taught() -> str:
    """The file of the tutorial."""
    return re.findall(r"^```sql\n(.*?)^```", TUTORIAL.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)[0]


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of `sql/` with the tutorial's file dropped into it."""
    copy = tmp_path_factory.mktemp("drop") / "sql"
    shutil.copytree(loading.root(), copy)
    (copy / "metrics" / f"{NAME}.sql").write_text(taught(), encoding="utf-8")
    return copy


@pytest.fixture
def dropped(copied: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The library reads the copy."""
    monkeypatch.setattr(loading, "root", lambda: copied)
    monkeypatch.setattr(loading, "RECHECK_SECONDS", 0)
    return copied


@pytest.fixture(scope="module")
def using(
    create_database: Callable[..., str],
    schema_template: str,
    copied: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Settings:
    """A small marketplace, refreshed with the new metric in place."""
    home = tmp_path_factory.mktemp("home")
    url = create_database(schema_template)
    made = Settings(_env_file=None, postgres_url=url, home=home, warehouse=home / "warehouse.duckdb")  # type: ignore
    sample.generate(made, scale=0.02)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loading, "root", lambda: copied)
        patch.setattr(loading, "RECHECK_SECONDS", 0)
        refresh.run(made, as_of=AS_OF)
    return made


@pytest.mark.usefixtures("dropped")
def test_the_warehouse_has_its_table_with_the_numbers_postgres_would_give(using: Settings) -> None:
    with query_warehouse.connect(using) as warehouse:
        rows = warehouse.metric(NAME)
        assert rows.equals(warehouse.sql(f"select * from metrics.{NAME} order by sponsor_id"))
        early = warehouse.metric(NAME, as_of="2026-03-01")
        assert warehouse.describe(NAME)["lineage"].to_list()[2] == ["deals.amount"]
    assert using.postgres_url is not None
    with psycopg.connect(using.postgres_url.get_secret_value()) as postgres:
        expected = postgres.execute(
            "select sponsor_id::text, count(*), sum(amount), min(created_at) from deals where created_at < %s"
            " group by sponsor_id order by sponsor_id",
            [AS_OF],
        ).fetchall()
    assert [(str(key), *rest) for key, *rest in rows.iter_rows()] == expected
    assert 0 < early["total_deals"].sum() < rows["total_deals"].sum()


@pytest.mark.usefixtures("dropped")
def test_the_command_line_prints_it_and_its_columns(
    using: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert using.postgres_url is not None
    given = {"SI_HOME": str(using.home), "SI_POSTGRES_URL": using.postgres_url.get_secret_value()}
    command = Command(tmp_path, given, monkeypatch, capsys)
    with query_warehouse.connect(using) as warehouse:
        assert len(command("metric", NAME, "--json").document) == warehouse.metric(NAME).height
    assert "deals.amount" in command("metric", NAME, "--list").out
    assert NAME in command("metric", "--list").out


@pytest.mark.usefixtures("dropped")
def test_the_catalogue_has_its_entry() -> None:
    entry = catalog.page().partition(f"### {NAME}\n")[2].partition("\n### ")[0]
    assert "| `total_amount` | usd | sum of their amounts | `deals.amount` |" in entry
    (row,) = [row for row in catalog.listing().to_dicts() if row["name"] == NAME]
    assert row["inputs"] == ["raw.deals"]


@pytest.mark.usefixtures("dropped")
def test_dagster_has_its_asset_after_what_it_reads() -> None:
    graph = defs().resolve_asset_graph()
    node = graph.get(dg.AssetKey(["metrics", NAME]))
    assert node.parent_keys == {dg.AssetKey(["raw", "deals"])}
    assert "what each sponsor has agreed to pay" in (node.description or "").lower()


def test_the_page_names_every_field_and_every_parameter_there_is() -> None:
    text = TUTORIAL.read_text(encoding="utf-8")
    for name in proof.PARAMETERS:
        assert f"`${name}`" in text
    own = {"name", "path", "text", "summary", "description", "units", "own_params"}
    for name, field in Metric.model_fields.items():
        said = f"[{name}]" if name in {"cells", "columns", "shows", "slices", "targets"} else field.alias or name
        assert name in own or f"| `{said}` |" in text, said


def test_what_may_be_bound_is_what_the_library_binds() -> None:
    bound = metrics.Parameters.all_time(AS_OF, "usd", "UTC").bound()
    assert sorted(proof.PARAMETERS) == sorted(bound)


WRONG = {
    "it lacks the field grain": ('-- grain = "one row per sponsor with a deal"\n', ""),
    "it lacks the fields order, columns": (r"-- order = .*?\n(.*)-- \[columns\]\n(-- [^+]*\n)*", r"\1"),
    "it has a field gran, which means nothing. Did you mean grain": ("grain =", "gran ="),
    "it has a field dialect, which means nothing": ("grain =", 'dialect = "postgres"\n-- grain ='),
    "its fields are no TOML: invalid value (at line 6": ('"one row per sponsor with a deal"', "one row per sponsor"),
    "its fields do not stand between two lines of +++": ("-- +++\n\n", "\n"),
    "it does not open by its name": ("-- sponsor_spending:", "-- sponsors:"),
    "it reads raw.dealz, which nothing fills. Did you mean raw.deals": ("raw.deals", "raw.dealz"),
    "it reads raw.deals, which inputs does not name": ('inputs = "raw.deals"', 'inputs = "raw.gigs"'),
    r"it binds $asof, which nothing fills in. There are: $as_of": ("$as_of", "$asof"),
    "params names limit, which it does not bind": (
        "-- [columns]",
        '-- [params]\n-- limit = "bigint"\n--\n-- [columns]',
    ),
    'columns: total_amount is neither "meaning" nor ["unit", "meaning"]': ('"sum of their amounts"]', '"sum", "all"]'),
    "its fields are no TOML: cannot overwrite a value": ("total_amount = [", "total_deals = ["),
    "money names total, which columns does not": ('money = "total_amount"', 'money = "total"'),
    "total_amount is in the reporting currency: list it under money": (
        r'-- money = "total_amount"\n(.*)"usd"',
        r'\1"reporting currency"',
    ),
    "order names sponsor, which columns does not": ('order = "sponsor_id"', 'order = "sponsor"'),
    "its query is not understood": ("from deals\n", "from deals deals deals\n"),
    "it is not one query": (r"order by sponsor_id\n$", "order by sponsor_id; select 1"),
    "it is computed from itself: sponsor_spending reads sponsor_spending": ("raw.deals", "metrics.sponsor_spending"),
}


@pytest.mark.parametrize("found", WRONG)
def test_a_file_that_cannot_be_used_is_told_in_one_sentence(found: str, dropped: Path) -> None:
    pattern, replacement = WRONG[found]
    exact = pattern if "\\" in pattern else re.escape(pattern)
    text = re.sub(exact, replacement, taught(), flags=re.DOTALL)
    assert text != taught()
    path = dropped / "metrics" / f"{NAME}.sql"
    path.write_text(text, encoding="utf-8")
    try:
        with pytest.raises(DefinitionError) as told:
            metrics.names()
    finally:
        path.write_text(taught(), encoding="utf-8")
    assert str(told.value).startswith(f"sql/metrics/{NAME}.sql: {found}")
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("name", ["My metric", "1st", "sponsor-spending", "a" * 64])
def test_a_name_that_no_table_can_have_is_told(name: str, dropped: Path) -> None:
    path = dropped / "metrics" / f"{name}.sql"
    path.write_text(taught().replace(NAME, name), encoding="utf-8")
    try:
        with pytest.raises(DefinitionError, match="a table cannot have its name"):
            metrics.names()
    finally:
        path.unlink()


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("sum(amount)", "sum(amounts)", "its query is not understood"),
        ("as first_deal_at", "as first_at", "columns says .* where the query gives"),
    ],
)
def test_a_query_that_does_not_give_what_is_declared_stops_the_refresh(
    old: str, new: str, found: str, dropped: Path, using: Settings
) -> None:
    path = dropped / "metrics" / f"{NAME}.sql"
    path.write_text(taught().replace(old, new), encoding="utf-8")
    try:
        with pytest.raises(DefinitionError, match=rf"sql/metrics/{NAME}\.sql: {found}"):
            refresh.run(using, as_of=AS_OF)
    finally:
        path.write_text(taught(), encoding="utf-8")
    assert lineage.column_lineage(NAME)["total_amount"] == (("deals", "amount"),)


def test_a_file_that_cannot_be_used_stops_a_refresh_before_postgres_is_reached(dropped: Path, tmp_path: Path) -> None:
    nowhere = Settings(_env_file=None, postgres_url="postgresql://nobody@127.0.0.1:1/none", home=tmp_path)  # type: ignore
    path = dropped / "metrics" / f"{NAME}.sql"
    path.write_text(taught().replace("raw.deals", "raw.dealz"), encoding="utf-8")
    try:
        with pytest.raises(DefinitionError, match=r"raw\.dealz, which nothing fills"):
            refresh.run(nowhere)
    finally:
        path.write_text(taught(), encoding="utf-8")
    assert not list(tmp_path.iterdir())
