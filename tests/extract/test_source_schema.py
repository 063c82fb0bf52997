"""Operational tables in another schema than ``public``: built, filled, read, published, compared and told of there."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql as pg_sql
from pydantic import SecretStr

from si_analytics import extract, load, postgres, refresh, sample, schema
from si_analytics.definitions import project
from si_analytics.errors import LoadError, SchemaError, SettingsError
from si_analytics.health import doctor
from si_analytics.health.findings import Verdict
from si_analytics.postgres import operational, relations
from si_analytics.publish import statements
from si_analytics.refresh import watch
from si_analytics.schema import roles
from si_analytics.settings import Settings
from tests.support import everything, pipeline_runs
from tests.support.commands import Si
from tests.support.logins import address, as_user, login

SHOP = """Shop "1%s" it's.a"""
"""Capitals, blanks, both quotes, a sign of per cent, a dot."""
BOARDS = ("public.agent_leaderboard", "public.brand_leaderboard", "public.conversion_funnels")
SUMMARIES = {
    "agent_performance_metrics": "user_id, total_deals, total_earnings, performance_score",
    "brand_reputations": "sponsor_id, overall_rating, total_deals, review_count",
    "contact_engagement": "contact_id, total_invites_sent, response_rate",
    "users": "id, rating, review_count",
    "agent_profiles": "user_id, total_earnings",
    "invite_templates": "id, times_used, acceptance_rate",
}

Make = Callable[..., Settings]


def connection_to(settings: Settings) -> psycopg.Connection:
    return psycopg.connect(address(settings), autocommit=True, options="-c TimeZone=UTC")


def table(settings: Settings, name: str) -> pg_sql.Identifier:
    return pg_sql.Identifier(settings.source_schema, name)


def published(settings: Settings) -> dict[str, list[tuple[object, ...]]]:
    """Every board, and what is published into operational tables."""
    with connection_to(settings) as connection:
        found = {name: connection.execute(f"select * from {name} order by 1, 2, 3, 4").fetchall() for name in BOARDS}  # type: ignore[arg-type]
        for name, columns in SUMMARIES.items():
            query = pg_sql.SQL("select {} from {} order by 1").format(pg_sql.SQL(columns), table(settings, name))
            found[name] = connection.execute(query).fetchall()
    return found


@pytest.fixture(scope="module")
def shop_template(create_database: Callable[..., str]) -> str:
    """The name of a database with a sampled marketplace in that schema, to be cloned."""
    made = Settings(_env_file=None, postgres_url=create_database(), source_schema=SHOP)  # type: ignore[arg-type, call-arg]
    with connection_to(made) as connection:
        connection.execute(pg_sql.SQL("create schema {}").format(pg_sql.Identifier(SHOP)))
        name = connection.info.dbname
    schema.apply(made)
    sample.generate(made, scale=0.02, seed=3)
    return name


@pytest.fixture
def shop(passing_database: Callable[..., str], make_settings: Make, shop_template: str) -> Settings:
    """A sampled marketplace in a schema with a name that has to be quoted, and nothing operational in ``public``."""
    return make_settings(passing_database(shop_template), source_schema=SHOP)


@pytest.fixture
def twin(make_sampled: Callable[[float, int], Settings], tmp_path: Path) -> Settings:
    """The same marketplace in ``public``, with a home of its own."""
    return make_sampled(0.02, 3).model_copy(
        update={"home": tmp_path / "twin", "warehouse": tmp_path / "twin" / "w.duckdb"}
    )


def test_a_marketplace_in_another_schema_is_published_as_the_same_one_in_public(shop: Settings, twin: Settings) -> None:
    reports = [refresh.run(each, as_of=sample.END) for each in (shop, twin)]
    found, expected = published(shop), published(twin)
    assert found == expected
    assert all(expected.values())
    assert reports[0].changed == reports[1].changed
    with connection_to(shop) as connection:
        ((tables,),) = connection.execute(
            "select count(*) from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'v')"
        ).fetchall()
    assert tables == 0


def test_changes_in_another_schema_are_read_as_changes_and_told_before_they_are_written(shop: Settings) -> None:
    refresh.run(shop, as_of=sample.END)
    before = published(shop)
    with connection_to(shop) as connection:
        changed = connection.execute(
            pg_sql.SQL(
                "update {} set amount = amount + 1 where type = 'agent_commission' and status = 'completed' returning 1"
            ).format(table(shop, "transactions"))
        ).fetchall()
    assert watch.look(shop).tables == ("transactions",)
    _, told = refresh.preview(shop, as_of=sample.END)
    assert told.counts["agent_performance_metrics"]["update"] > 0
    assert published(shop) == before
    report = refresh.run(shop, as_of=sample.END)
    assert {one.reason for one in report.extracts} <= {"", "most of its rows changed"}
    assert {one.table: one.mode for one in report.extracts}["transactions"] == extract.INCREMENTAL
    assert {one.table: one.updated for one in report.extracts}["transactions"] == len(changed) > 0
    assert published(shop)["agent_profiles"] != before["agent_profiles"]
    assert not watch.look(shop).changed


def test_the_schema_stands_and_is_compared_where_it_was_asked_for(shop: Settings) -> None:
    assert schema.diff(shop) == []
    assert not schema.apply(shop).counts
    with connection_to(shop) as connection:
        connection.execute(pg_sql.SQL("drop index {}").format(table(shop, "idx_deals_status")))
        connection.execute("drop index public.idx_agent_leaderboard_rank")
        connection.execute(pg_sql.SQL("alter table {} drop column bio").format(table(shop, "influencer_profiles")))
    missing = {one.name for one in schema.diff(shop)}
    assert {"idx_deals_status", "public.idx_agent_leaderboard_rank"} < missing
    schema.apply(shop)
    assert schema.diff(shop) == []


def test_an_older_board_in_public_is_replaced_by_its_successor(shop: Settings) -> None:
    with connection_to(shop) as connection:
        connection.execute("drop materialized view public.agent_leaderboard")
        connection.execute("create materialized view public.agent_leaderboard as select 1 as agent_id")
    with pytest.raises(SchemaError, match=r"stands under public.agent_leaderboard"):
        schema.apply(shop)
    assert schema.apply(shop, replace_views=True).replaced == ("public.agent_leaderboard",)
    assert schema.diff(shop) == []


def test_the_roles_read_and_write_in_that_schema_and_nothing_in_public(shop: Settings) -> None:
    reports = roles.apply(shop)
    assert [report.others for report in reports] == [(), ()]
    assert f"{SHOP}.deals" in reports[0].reads
    with connection_to(shop) as connection:
        members = [login(connection, *each) for each in ((roles.READER, roles.PUBLISHER), (roles.READER,))]
    both, reader = (
        shop.model_copy(update={"postgres_url": SecretStr(as_user(address(shop), *each))}) for each in members
    )
    assert refresh.run(both, as_of=sample.END).rows_written > 0
    found = {one.found for one in doctor.findings(both, datetime.now(UTC)) if one.what == "rights"}
    assert found == {"may read 29 tables, write 9 and refresh 3 views"}
    lacking = [one for one in doctor.findings(reader, datetime.now(UTC)) if one.what == "rights"]
    quoted = '"Shop ""1%s"" it\'s.a".users'
    assert any(f"on {quoted}" in one.found and f"on {quoted} to" in one.remedy for one in lacking)
    assert not any("select (amount)" in one.found for one in lacking)


def test_doctor_names_the_schema_and_finds_nothing_wrong(shop: Settings) -> None:
    refresh.run(shop, as_of=sample.END)
    found = list(doctor.findings(shop, datetime.now(UTC)))
    assert f"{SHOP} (default)" in {one.found for one in found if one.what == "SI_SOURCE_SCHEMA"}
    assert [one for one in found if one.verdict is Verdict.wrong] == []


def test_files_are_loaded_into_that_schema_and_held_against_its_keys(shop: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "users.csv").write_text("email,password_hash,name,role\nana@shop.example,x,Ana,influencer\n")
    assert load.load(shop, folder).rows == {"users": 1}
    with connection_to(shop) as connection:
        query = pg_sql.SQL("select name from {} where email = 'ana@shop.example'").format(table(shop, "users"))
        assert connection.execute(query).fetchall() == [("Ana",)]
    with pytest.raises(LoadError, match="is there already"):
        load.load(shop, folder)


def test_people_find_the_tables_by_their_names_alone(shop: Settings) -> None:
    with postgres.engine(shop).connect() as connection:
        assert connection.exec_driver_sql("select count(*) from deals").scalar_one() == 100


def test_the_pipelines_read_and_publish_in_that_schema(
    shop: Settings, twin: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline_runs.in_environment(monkeypatch, shop)
    assert pipeline_runs.launch("refresh_metrics", as_of=sample.END.isoformat()).success
    found = published(shop)
    monkeypatch.undo()
    refresh.run(twin, as_of=sample.END)
    assert found == published(twin)


def asked_of_public(shop: Settings) -> Settings:
    """The same database by somebody who has set nothing."""
    given = {"postgres_url": shop.postgres_url, "home": shop.home, "warehouse": shop.warehouse}
    return Settings(_env_file=None, **given)  # type: ignore[arg-type]


def acts(folder: Path) -> dict[str, Callable[[Settings], object]]:
    (folder / "users.csv").write_text("email,password_hash,name,role\nana@shop.example,x,Ana,influencer\n")
    return {
        "refresh": refresh.run,
        "preview": refresh.preview,
        "look": watch.look,
        "apply": schema.apply,
        "diff": schema.diff,
        "require": schema.require,
        "sample": lambda settings: sample.generate(settings, scale=0.01),
        "load": lambda settings: load.load(settings, folder),
        "roles": roles.apply,
    }


@pytest.mark.parametrize("act", acts(Path("/dev/shm")).keys())
def test_tables_that_stand_in_another_schema_are_named_and_never_built_a_second_time(
    shop: Settings, act: str, tmp_path: Path
) -> None:
    if act == "look":
        refresh.run(shop, as_of=sample.END)
    with pytest.raises(SchemaError) as caught:
        acts(tmp_path)[act](asked_of_public(shop))
    assert f"SI_SOURCE_SCHEMA={SHOP}" in str(caught.value)
    assert "si schema apply" not in str(caught.value)
    with connection_to(shop) as connection:
        assert connection.execute("select to_regclass('public.users')").fetchone() == (None,)


def test_doctor_names_the_schema_that_has_the_tables_and_does_not_advise_to_build_them(shop: Settings) -> None:
    found = [one for one in doctor.findings(asked_of_public(shop), datetime.now(UTC)) if one.what == "schema"]
    assert [one.verdict for one in found] == [Verdict.wrong]
    assert f"SI_SOURCE_SCHEMA={SHOP}" in found[0].remedy


def test_whoever_names_public_gets_a_second_set_of_tables_there(shop: Settings, make_settings: Make) -> None:
    """The views of the extracted columns are one set for a database: they follow the schema asked for."""
    schema.apply(make_settings(address(shop), source_schema="public"), replace_views=True)
    with connection_to(shop) as connection:
        assert connection.execute("select count(*) from public.users").fetchone() == (0,)


def test_a_few_missing_tables_are_built_also_where_another_schema_has_them_all(
    shop: Settings, make_settings: Make
) -> None:
    here = make_settings(address(shop), source_schema="public")
    schema.apply(here, replace_views=True)
    with connection_to(here) as connection:
        connection.execute("drop table public.gig_comparisons cascade")
    for act in (refresh.run, schema.require):
        with pytest.raises(SchemaError, match=r"lacks gig_comparisons.*Build them first: si schema apply"):
            act(here)


def test_a_schema_that_is_not_there_is_one_sentence_with_the_statement_that_makes_it(
    empty_settings: Settings,
) -> None:
    using = empty_settings.model_copy(update={"source_schema": "Shop"})
    with pytest.raises(SchemaError, match=r'it has no schema Shop\. Create it: create schema "Shop"'):
        schema.apply(using)


def test_the_command_line_takes_the_setting(shop: Settings, si: Si, monkeypatch: pytest.MonkeyPatch) -> None:
    assert si(shop)("refresh", "--as-of", "2026-06-01T00:00:00Z").code == 0
    assert si(shop)("schema", "diff").code == 0
    monkeypatch.delenv("SI_SOURCE_SCHEMA")
    refused = si(asked_of_public(shop))("refresh")
    assert refused.code == 1
    assert f"SI_SOURCE_SCHEMA={SHOP}" in refused.err


@pytest.mark.parametrize("name", ["analytics", "pg_catalog", "x" * 64, "é" * 32])
def test_a_schema_that_cannot_be_one_is_refused(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from si_analytics import settings

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SI_SOURCE_SCHEMA", name)
    with pytest.raises(SettingsError, match="the setting SI_SOURCE_SCHEMA"):
        settings.load()


NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=15)


@given(NAMES)
def test_any_name_is_put_into_a_file_so_that_postgres_reads_it_back(name: str) -> None:
    """A name before a dot, after the word schema and as a text, in a statement and in a body; comments stay."""
    written = (
        "select 'public', 'in public' from public.users;"
        " do $$ begin grant usage on schema public to x; end $$ -- public."
    )
    identifier = pg_sql.Identifier(name).as_string(None)
    literal = "'" + name.replace("'", "''") + "'"
    expected = (
        f"select {literal}, 'in public' from {identifier}.users;"
        f" do $$ begin grant usage on schema {identifier} to x; end $$ -- public."
    )
    assert operational.text(written, name) == (written if name == "public" else expected)
    with_parameters = operational.text("select * from public.users where id = %(id)s", name)
    assert with_parameters == f"select * from {identifier.replace('%', '%%')}.users where id = %(id)s"


def test_every_file_that_names_the_schema_names_the_other_one_where_asked(postgres: psycopg.Connection) -> None:
    """Whatever of the files Postgres is asked goes to the schema asked for: none of them says public any more."""

    targets = [target.within("Shop") for target in project().targets.values()]
    for target in targets:
        assert not re.search(r"\bpublic\.", statements.compare(target) + statements.write(target)), target.name
    for file in everything.of_postgres():
        moved = "\n".join(
            line for line in operational.text(file.text, "Shop").splitlines() if not line.lstrip().startswith("--")
        )
        assert "public." not in moved, file.path
        assert "'public'" not in moved, file.path
    assert project().targets["users"].within("Shop").relation == pg_sql.Identifier("Shop", "users")
    assert relations.ANALYTICS == "analytics"
