"""What the files under `sql/` declare is so: what they read, take, return and in which order."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import duckdb
import pytest
import sqlglot
from pydantic import ValidationError
from sqlglot import expressions

from si_analytics.compute import checks, lineage
from si_analytics.definitions import (
    Check,
    Declaration,
    Dimension,
    Fact,
    Metric,
    Query,
    Source,
    loading,
    project,
    proof,
    staged,
)
from si_analytics.definitions.parameters import PARAMETERS
from si_analytics.errors import DefinitionError, UnknownNameError
from tests.support import everything

NUMBER = re.compile(r"^total_|_rate$|_count$|_score$|_at$|earnings|_time$|_rating$|_days$|_hours$")


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of `sql/`, which the library reads in its place."""
    copy = tmp_path / "sql"
    shutil.copytree(loading.root(), copy)
    monkeypatch.setattr(loading, "root", lambda: copy)
    monkeypatch.setattr(loading, "RECHECK_SECONDS", 0)
    return copy


def each(declared: Iterable[Declaration]) -> Callable[..., object]:
    """The test once for each of these."""
    found = list(declared)
    return pytest.mark.parametrize("one", found, ids=[one.path.removeprefix("sql/") for one in found])


def parsed(one: Query) -> expressions.Expression:
    return sqlglot.parse_one(one.text, read="duckdb")


def spark(one: Query) -> str:
    """The query in Spark's SQL. Raises UnsupportedError where it says something Spark cannot.

    Spark has no 128-bit integers: where a query counts in DuckDB's HUGEINT, the 38 digits of
    DECIMAL(38, 0) hold what it adds up. What DuckDB calls epoch_us, Spark calls unix_micros.
    """

    def said_by_spark(node: expressions.Expression) -> expressions.Expression:
        if isinstance(node, expressions.DataType) and node.this == expressions.DataType.Type.INT128:
            return expressions.DataType.build("decimal(38, 0)")
        if isinstance(node, expressions.Anonymous) and node.name == "epoch_us":
            return expressions.Anonymous(this="unix_micros", expressions=node.expressions)
        return node

    return parsed(one).transform(said_by_spark).sql(dialect="spark", unsupported_level=sqlglot.ErrorLevel.RAISE)


def common_table(one: Query, name: str) -> expressions.Select:
    return next(cte.this for cte in parsed(one).find_all(expressions.CTE) if cte.alias == name)


def final_query(one: Query) -> expressions.Select:
    """The common table expression called final, whose columns are those of the file."""
    return common_table(one, "final")


@each(everything.declarations())
def test_a_file_says_in_one_sentence_what_it_is(one: Declaration) -> None:
    assert one.summary.endswith(".")
    assert "\n" not in one.summary


@each(everything.queries())
def test_a_query_says_what_a_row_of_it_is(one: Query) -> None:
    assert one.grain.startswith("one row per ")


@each(everything.queries())
def test_the_inputs_are_the_tables_that_are_read(one: Query) -> None:
    query = parsed(one)
    own = {cte.alias for cte in query.find_all(expressions.CTE)}
    read = {
        ".".join(part.name for part in table.parts)
        for table in query.find_all(expressions.Table)
        if table.db or table.name not in own
    }
    assert set(one.inputs) == read
    assert len(one.inputs) == len(read)


@each(everything.queries())
def test_the_params_are_those_the_query_binds(one: Query) -> None:
    statements = duckdb.extract_statements(one.text)
    assert len(statements) == 1
    assert sorted(parameter.name for parameter in one.params) == sorted(statements[0].named_parameters)


@each(everything.of_postgres())
def test_the_params_are_those_that_postgres_is_asked_with(one: Query) -> None:
    query = one.text.rpartition("-- +++")[2]
    assert {parameter.name for parameter in one.params} == set(re.findall(r"%\((\w+)\)s", query))


@each(one for one in everything.queries() if one.path.endswith(".sql") and one.order)
def test_a_query_that_is_written_ends_in_its_order(one: Query) -> None:
    """Those that do not stand on facts end in `final`."""
    if not isinstance(one, Metric) or not any("facts." in table for table in one.inputs):
        assert one.text.endswith(f"\n\nselect * from final\norder by {one.order}\n")
    order = parsed(one).args["order"].expressions
    written = sqlglot.parse_one(f"select 1 order by {one.order}", read="duckdb").args["order"].expressions
    assert [(by.this.name, by.args["desc"], by.args["nulls_first"]) for by in order] == [
        (by.this.name, by.args["desc"], by.args["nulls_first"]) for by in written
    ]


@each(everything.standing())
def test_what_metrics_stand_on_has_no_order_and_no_parameter_but_the_moment(one: Query) -> None:
    assert one.order == ""
    bound = {parameter.name for parameter in one.params}
    assert bound <= {"as_of"}
    assert bound or not isinstance(one, Fact)


@each(everything.queries())
def test_a_file_declares_no_parameter_that_means_the_same_everywhere(one: Query) -> None:
    assert not {parameter.name for parameter in one.own_params} & set(PARAMETERS)
    assert [parameter.meaning for parameter in one.params[len(one.own_params) :]] == [
        PARAMETERS[parameter.name] for parameter in one.params[len(one.own_params) :]
    ]


@each(project().sources.values())
def test_a_source_with_an_amount_says_that_it_is_money(one: Source) -> None:
    assert ("amount" in one.columns) == (one.money is not None)


@each(everything.queries())
def test_a_query_runs_on_spark_as_well(one: Query) -> None:
    assert isinstance(sqlglot.parse_one(spark(one), read="spark"), expressions.Query)


@each(project().computed.values())
def test_the_columns_are_those_of_the_query_in_order(one: Metric | Fact) -> None:
    assert [column.name for column in one.columns] == list(lineage.of(one))


@each(everything.standing())
def test_the_columns_of_a_fact_or_dimension_are_those_of_the_query_in_order(one: Fact | Dimension) -> None:
    assert list(one.selected) == list(lineage.of(one))


@each(project().computed.values())
def test_a_column_says_what_it_means_and_a_number_in_which_unit(one: Metric | Fact) -> None:
    for column in one.columns:
        assert len(column.meaning) > 4
        assert not column.meaning.endswith(".")
        assert column.unit or not NUMBER.search(column.name), column.name


@each(project().funnels.values())
def test_a_funnel_begins_at_the_time_of_its_units_and_goes_on_by_flags_and_times(one: Fact) -> None:
    first, *later = one.stages
    assert (first.flag, first.time) == ("", one.time)
    units = {column.name: column.unit for column in one.columns}
    for stage in later:
        assert units[stage.time] == "time"
        assert not stage.flag or (stage.flag.startswith("is_") and units[stage.flag] == "")


@each(project().funnels.values())
def test_what_a_funnel_is_broken_down_by_can_be_reached(one: Fact) -> None:
    for name in staged.reachable(one, project().dimensions):
        assert staged.resolve(one, project().dimensions, name).name == name


@each(checks.every())
def test_the_remedy_of_a_check_goes_on_in_a_sentence(one: Check) -> None:
    assert not one.remedy.endswith(".")


@each(checks.every())
def test_the_order_of_a_check_is_by_columns_it_shows(one: Check) -> None:
    shown = set(final_query(one).named_selects)
    if "*" not in shown:
        assert set(one.ordered_by) <= shown


def said(text: str) -> Query:
    return Query(name="wide", path="sql/metrics/wide.sql", text=text, summary="wide", grain="one row")


def test_counting_in_128_bits_becomes_38_digits_on_spark() -> None:
    query = said("select cast(1 as hugeint) * amount as product from raw.deals")
    assert spark(query) == "SELECT CAST(1 AS DECIMAL(38, 0)) * amount AS product FROM raw.deals"


def test_the_microseconds_of_a_moment_have_another_name_on_spark() -> None:
    query = said("select epoch_us(created_at) as moment from raw.deals")
    assert spark(query) == "SELECT UNIX_MICROS(created_at) AS moment FROM raw.deals"


def test_what_spark_cannot_say_is_refused() -> None:
    with pytest.raises(sqlglot.errors.UnsupportedError):
        spark(said("select amount from raw.deals for update"))


def test_what_is_declared_cannot_be_changed() -> None:
    ours = project()
    with pytest.raises(ValidationError, match="frozen"):
        ours.metrics["user_ratings"].grain = "one row per nobody"  # type: ignore[misc]
    with pytest.raises(TypeError):
        ours.metrics["another"] = ours.metrics["user_ratings"]  # type: ignore[index]


def test_what_is_declared_is_read_once_for_a_state_of_the_files(copied: Path) -> None:
    """The same object while no file changes; another, with what is new in it, as soon as one does."""
    before = project()
    assert project() is before
    path = copied / "checks" / "leaderboard_copies.sql"
    path.write_text(path.read_text(encoding="utf-8").replace('severity = "blocking"', 'severity = "warning"'), "utf-8")
    assert project() is not before
    assert (before.checks["leaderboard_copies"].severity, project().checks["leaderboard_copies"].severity) == (
        "blocking",
        "warning",
    )


@pytest.mark.parametrize(
    ("path", "old", "new", "found"),
    [
        ("checks/leaderboard_copies.sql", "severity =", "severty =", "severity"),
        (
            "checks/leaderboard_copies.sql",
            '"blocking"',
            '"severe"',
            "severity: input should be 'blocking' or 'warning'",
        ),
        ("sources/deals.toml", 'key = "id"', 'key = "deal_id"', "key names deal_id, which columns does not"),
        ("sources/users.toml", '"avatar"]', '"picture"]', "personal names picture, which columns does not"),
        ("sources/deals.toml", "columns =", "colums =", "columns"),
        ("queries/stopped.sql", "-- stopped:", "-- stoped:", "it does not open by its name"),
        ("schema/02_gigs_and_deals.sql", "-- tables =", "-- table =", "Did you mean tables"),
        ("facts/deals.sql", 'key = "deal_id"', 'key = "id"', "key names id, which columns does not"),
        ("facts/deals.sql", 'time = "created_at"', 'time = "at"', "time names at, which columns does not"),
        ("facts/deals.sql", 'brand = "sponsor_id"', 'brand = "sponsor"', "links names sponsor, which columns does not"),
        (
            "facts/deals.sql",
            'gig = "gig_id" }',
            'gigs = "gig_id" }',
            "links.gigs leads to gigs, which is no dimension. Did you mean gig",
        ),
        ("facts/deals.sql", '["deals", "count(*)"', '["deals"', "measures: deals is not"),
        ("facts/deals.sql", '["deals", "count(*)"', '["deals, all", "count(*)"', "where only any currency may stand"),
        (
            "facts/deals.sql",
            '"raw.deals"',
            '"raw.deal"',
            "it reads raw.deal, which nothing fills. Did you mean raw.deals",
        ),
        (
            "facts/deals.sql",
            '"raw.deals"',
            '"metrics.user_ratings"',
            "it reads metrics.user_ratings. Read tables in raw",
        ),
        (
            "facts/gigs.sql",
            'dealt = ["dealt_at"',
            'dealt = ["deal_at"',
            "stages.dealt names deal_at, which columns does",
        ),
        (
            "facts/gigs.sql",
            'posted = ["created_at"',
            'posted = ["dealt_at"',
            "the first of the stages is not at created_at",
        ),
        ("facts/gigs.sql", 'dealt = ["dealt_at",', 'dealt = ["",', "dealt names no column: give its time, or its flag"),
        ("facts/gigs.sql", 'dealt = ["dealt_at",', "dealt = [", "dealt is neither"),
        ("facts/gigs.sql", '-- funnel = "gig"\n', "", "funnel and stages belong together"),
        ("facts/payments.sql", 'currency = "currency"', 'currency = "money"', "currency names money, which columns"),
        ("dimensions/gig.sql", 'key = "gig_id"', 'key = "id"', "key names id, which columns does not"),
        ("facts/gigs.sql", '{ id = "gig_id" }', '{ ident = "gig_id" }', "unit names ident, which is not read of gigs"),
        ("facts/gigs.sql", '{ id = "gig_id" }', '{ id = "gig" }', "unit names gig, which columns does not"),
        ("facts/gigs.sql", '{ id = "gig_id" }', '{ id = "gig_id", created_at = "created_at" }', "several columns"),
        ("facts/gigs.sql", '-- unit = { id = "gig_id" }\n', "", "stands_on says what units need"),
        ("facts/gigs.sql", '-- deals = "id = gig_id"', '-- deal = "id = gig_id"', "stands_on.deal is no other table"),
        ("facts/gigs.sql", '-- deals = "id = gig_id"', '-- deals = "id = gigid"', "Did you mean gig_id"),
        ("facts/gigs.sql", '-- deals = "id = gig_id"', '-- deals = "id is gig_id"', "which is not understood"),
        (
            "facts/replies.sql",
            '"conversations.participants contains id"',
            '"negotiations.participants contains id"',
            "stands_on.users goes through negotiations, which stands_on does not name",
        ),
        ("dimensions/gig.sql", 'brand = "sponsor_id"', 'brands = "sponsor_id"', "links.brands leads to brands"),
        (
            "metrics/user_ratings.sql",
            'rows = "user"',
            'rows = "usr"',
            "rows is usr, which is neither month nor a dimension. Did you mean user",
        ),
    ],
)
def test_a_mistake_names_the_file_and_the_field_before_anything_runs(
    copied: Path, path: str, old: str, new: str, found: str
) -> None:
    file = copied / path
    file.write_text(file.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DefinitionError) as told:
        project()
    assert str(told.value).startswith(f"sql/{path}: ")
    assert found in str(told.value)


@pytest.mark.parametrize(
    ("path", "old", "new", "found"),
    [
        (
            "facts/deals.sql",
            '"sum(amount)"',
            '"sum(amuont)"',
            "measures.deal_amount names amuont, which columns does not.",
        ),
        ("facts/deals.sql", '"sum(amount)"', '"summe(amount)"', "measures.deal_amount: SUMME(amount) in summe(amount)"),
        (
            "facts/deals.sql",
            '"sum(amount)"',
            '"sum(amount"',
            "measures.deal_amount: sum(amount is not understood. Write",
        ),
        (
            "facts/deals.sql",
            '"sum(amount)"',
            '"gmv"',
            "measures.deal_amount is gmv, which names gmv outside an aggregate",
        ),
        ("facts/deals.sql", "-- deal_amount =", "-- gmv =", "another measure is called gmv. Rename one"),
        ("facts/deals.sql", "    gig_id\nfrom", "    gig_id as gig\nfrom", "columns says deal_id, created_at"),
        ("facts/deals.sql", "where created_at < $as_of", "where created_at < $until", "it binds $until, which nothing"),
        ("facts/deals.sql", "from raw.deals", "from raw.gigs", "it reads raw.gigs, which inputs does not name"),
        ("facts/deals.sql", "    id as deal_id", "    id deal_id from from", "its query is not understood"),
        (
            "facts/replies.sql",
            "        conversation_id,\n        message_id,\n        waiting",
            "        waiting",
            "columns",
        ),
        (
            "facts/gigs.sql",
            '"gig.category"',
            '"gig.categories"',
            "breakdowns.category is gig.categories, which is neither",
        ),
        ("facts/gigs.sql", 'funnel = "gig"', 'funnel = "invite"', "another funnel is called"),
        ("facts/ratios.toml", "platform_revenue / gmv", "platform_revenue / gvm", "Did you mean gmv"),
        ("facts/ratios.toml", '"platform_revenue / gmv"', '"sum(amount)"', "which aggregates columns of no fact"),
        ("facts/ratios.toml", '"platform_revenue / gmv"', '"take_rate + 1"', "measures.take_rate is made of take_rate"),
        ("dimensions/gig.sql", "    gigs.location,\n", "", "columns says gig_id, category, location"),
        (
            "dimensions/contact.sql",
            "as contacts\n",
            "as contacts where id < $tz\n",
            "it binds $tz, which nothing fills",
        ),
    ],
)
def test_a_mistake_in_a_fact_dimension_or_measure_is_told_before_a_refresh_reads_anything(
    copied: Path, path: str, old: str, new: str, found: str
) -> None:
    file = copied / path
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DefinitionError) as told:
        proof.require(project())
    assert str(told.value).startswith(f"sql/{path}: ") or found.startswith("another")
    assert found in str(told.value)


@pytest.mark.parametrize(("gone", "found"), [("stopped", "it lacks stopped"), ("", "nothing asks mine")])
def test_a_query_the_library_asks_is_there_and_no_other_is(copied: Path, gone: str, found: str) -> None:
    folder = copied / "queries"
    if gone:
        (folder / f"{gone}.sql").unlink()
    else:
        text = (folder / "stopped.sql").read_text(encoding="utf-8")
        (folder / "mine.sql").write_text(text.replace("-- stopped:", "-- mine:"), encoding="utf-8")
    with pytest.raises(DefinitionError, match=f"sql/queries: {found}"):
        project()


def test_a_name_that_is_not_declared_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'user_ratings'"):
        loading.lookup(project().metrics, "user_rating", "metric")
