"""What docs/add-a-metric.md says of measures, facts and dimensions: a line or a file, and it is there."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from si_analytics import refresh, sample
from si_analytics.definitions import loading, project
from si_analytics.definitions.fact_models import Fact
from si_analytics.definitions.models import Query
from si_analytics.query import warehouse as query_warehouse
from si_analytics.settings import Settings
from tests.support.commands import Si
from tests.support.folders import ROOT

TUTORIAL = ROOT / "docs" / "add-a-metric.md"
TEXT = TUTORIAL.read_text(encoding="utf-8").partition("# Or add a measure\n")[2]
AS_OF = datetime(2026, 6, 1, tzinfo=UTC)
FOLDERS = {"offers": "facts", "negotiation": "dimensions", "brand_spending": "metrics"}


def taught(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, flags=re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of `sql/` with every line and file of the page in it."""
    copy = tmp_path_factory.mktemp("added") / "sql"
    shutil.copytree(loading.root(), copy)
    for text in taught("sql"):
        name = text.removeprefix("-- ").partition(":")[0]
        (copy / FOLDERS[name] / f"{name}.sql").write_text(text, encoding="utf-8")
    measure, ratio = taught("toml")
    deals, ratios = copy / "facts" / "deals.sql", copy / "facts" / "ratios.toml"
    before = deals.read_text(encoding="utf-8")
    deals.write_text(before.replace("-- [measures]\n", f"-- [measures]\n-- {measure}"), encoding="utf-8")
    ratios.write_text(ratios.read_text(encoding="utf-8") + ratio, encoding="utf-8")
    return copy


@pytest.fixture(scope="module")
def using(
    create_database: Callable[..., str], schema_template: str, copied: Path, tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    """A small marketplace, refreshed before anything is added."""
    home = tmp_path_factory.mktemp("home")
    url = create_database(schema_template)
    made = Settings(_env_file=None, postgres_url=url, home=home, warehouse=home / "warehouse.duckdb")  # type: ignore[arg-type, call-arg]
    sample.generate(made, scale=0.02)
    refresh.run(made, as_of=AS_OF)
    return made


@pytest.fixture
def added(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library reads the copy."""
    monkeypatch.setattr(loading, "root", lambda: copied)
    monkeypatch.setattr(loading, "RECHECK_SECONDS", 0)


def asked(using: Settings, query: str) -> list[tuple[object, ...]]:
    """What Postgres says."""
    assert using.postgres_url is not None
    with psycopg.connect(using.postgres_url.get_secret_value()) as postgres:
        return postgres.execute(query, {"as_of": AS_OF}).fetchall()  # type: ignore[arg-type]


@pytest.mark.usefixtures("added")
@pytest.mark.parametrize(
    "command", [line for block in taught("sh") for line in block.splitlines() if line.startswith("si measure")]
)
def test_every_command_of_the_page_answers_on_the_warehouse_as_it_stands(command: str, using: Settings, si: Si) -> None:
    said = si(using)(*shlex.split(command)[1:], "--json")
    assert said.code == 0, said.err
    assert said.document


@pytest.mark.usefixtures("added")
def test_a_measure_is_one_line(using: Settings) -> None:
    with query_warehouse.connect(using) as warehouse:
        ((largest,),) = warehouse.measure("largest_deal").rows()
        revenue = warehouse.measure("agents_share", "commission", "platform_revenue").row(0, named=True)
        assert "brand.industry" in warehouse.dimensions("largest_deal")
    assert asked(using, "select max(amount) from deals where created_at < %(as_of)s") == [(largest,)]
    assert round(revenue["commission"] / revenue["platform_revenue"], 6) == revenue["agents_share"]


@pytest.mark.usefixtures("added")
def test_a_fact_is_one_file_and_leads_through_a_dimension_of_another(using: Settings) -> None:
    with query_warehouse.connect(using) as warehouse:
        rows = warehouse.measure("offers", by="negotiation.outcome")
        behind = warehouse.explain("accepted_offers", {})
        assert "negotiation.gig.brand.industry" in warehouse.dimensions("offers")
        assert behind.height == warehouse.measure("accepted_offers")["accepted_offers"][0]
        assert set(behind["source_table"]) <= {"negotiation_offers"}
    expected = asked(
        using,
        "select coalesce(nullif(n.status, ''), '(none)'), count(*) from negotiation_offers as o"
        " left join negotiations as n on n.id = o.negotiation_id and n.created_at < %(as_of)s"
        " where o.created_at < %(as_of)s group by 1",
    )
    assert sorted(rows.rows()) == sorted(expected)


@pytest.mark.usefixtures("added")
def test_a_metric_on_facts_needs_no_query_and_each_cell_is_explained(using: Settings) -> None:
    refresh.run(using, as_of=AS_OF)
    with query_warehouse.connect(using) as warehouse:
        rows = warehouse.metric("brand_spending")
        assert rows.equals(warehouse.sql("select * from metrics.brand_spending order by sponsor_id"))
        assert warehouse.metric("brand_spending", during="Q2 2026").height == rows.height
        best = rows.sort("total_amount", descending=True).row(0, named=True)
        behind = warehouse.explain("brand_spending", best["sponsor_id"], "total_amount")
        assert behind["value"].sum() == best["total_amount"]
        assert warehouse.explain("brand_spending", best, "mean_deal").height == 2 * best["total_deals"]
    expected = asked(
        using,
        "select u.id::text, count(d.id), coalesce(sum(d.amount), 0) from users as u left join deals as d"
        " on d.sponsor_id = u.id and d.created_at < %(as_of)s where u.role = 'sponsor' group by u.id order by u.id",
    )
    assert rows.select("sponsor_id", "total_deals", "total_amount").rows() == expected


def test_the_page_names_every_field_of_a_fact() -> None:
    table = TEXT.partition("| field | says |")[2]
    for name in set(Fact.model_fields) - set(Query.model_fields) - {"topic"}:
        assert f"| `{name}` |" in table or f"| `[{name}]` |" in table, name


def test_the_project_has_none_of_what_the_page_adds() -> None:
    assert not {"offers", "largest_deal", "agents_share"} & set(project().measures)
