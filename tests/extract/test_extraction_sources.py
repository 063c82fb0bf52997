"""What is read is the table that has the name, never what a view still shows; and other shapes of it do as well."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest
from psycopg import sql as pg_sql

from si_analytics import extract, publish, refresh, schema
from si_analytics.definitions import project
from si_analytics.errors import CheckFailedError, ExtractError, PublishError, SchemaError
from si_analytics.health import doctor, privileges
from si_analytics.health.findings import Verdict
from si_analytics.schema import roles, stale_views
from si_analytics.settings import Settings
from tests.support import extractions, worlds
from tests.support.commands import Si
from tests.support.extractions import extraction
from tests.support.worlds import Build

SWAPPED = (
    "alter table transactions rename to transactions_old",
    "create table transactions (like transactions_old including all)",
)
"""As an application does when it begins with a new table: whatever stood on the old one still does."""


@pytest.fixture(autouse=True)
def however_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables of a few rows: however many of them change, the changes alone are read."""
    monkeypatch.setattr("si_analytics.extract.reading._MOST_CHANGED", 1.0)


def run(postgres: psycopg.Connection, *statements: str) -> None:
    for statement in statements:
        postgres.execute(pg_sql.SQL(statement))  # type: ignore[arg-type]


def pay(postgres: psycopg.Connection, number: int, amount: str = "1.00") -> None:
    statement = "insert into transactions (id, type, amount, status) values (%s, 'refund', %s, 'completed')"
    postgres.execute(statement, [UUID(int=number), amount])


def transactions(told: list[extract.TableExtract]) -> extract.TableExtract:
    return next(one for one in told if one.table == "transactions")


def test_a_view_of_a_table_that_was_renamed_away_is_never_read(
    settings: Settings, postgres: psycopg.Connection, login: Callable[[], Settings]
) -> None:
    """One transaction of 1.00 in the old table, two of 5.00 in the new: 10.00, or one sentence; never 1.00."""
    metrics = login()
    pay(postgres, 1)
    refresh.run(metrics)
    run(postgres, *SWAPPED)
    pay(postgres, 2, "5.00")
    pay(postgres, 3, "5.00")
    with pytest.raises(ExtractError) as caught:
        refresh.run(metrics)
    assert "analytics.source_transactions shows another table than the one called transactions" in str(caught.value)
    assert caught.value.remedy.endswith("si schema roles")
    assert "\n" not in str(caught.value)
    wrong = {
        one.what: one.remedy for one in privileges.look(metrics) if one.verdict is Verdict.wrong and one.what == "views"
    }
    assert wrong == {"views": "Make it anew, as the owner: si schema roles"}
    roles.apply(settings)
    assert privileges.look(metrics)[0].verdict is Verdict.well
    read = transactions(list(refresh.run(metrics).extracts))
    assert (read.rows, read.money) == (2, Decimal("10.00"))


def test_doctor_says_so_to_a_login_that_may_not_compare_the_schema(
    postgres: psycopg.Connection, login: Callable[[], Settings]
) -> None:
    metrics = login()
    run(postgres, *SWAPPED)
    told = [str(one.found) for one in doctor.findings(metrics, datetime.now(UTC)) if one.what == "views"]
    assert told == [
        "analytics.source_transactions shows another relation than the one called public.transactions by now"
    ]


def test_a_view_whose_table_went_to_another_schema_is_never_read(
    postgres: psycopg.Connection, login: Callable[[], Settings]
) -> None:
    metrics = login()
    run(postgres, "create schema kept_apart", "alter table messages set schema kept_apart")
    run(postgres, "create table messages (like kept_apart.messages including all)")
    with pytest.raises(ExtractError, match=r"source_messages shows another table.*si schema roles"):
        refresh.run(metrics)


def test_who_may_read_the_table_itself_reads_the_new_one(settings: Settings, postgres: psycopg.Connection) -> None:
    """The owner does not need the view; that it is outdated is told by doctor and diff."""
    pay(postgres, 1)
    refresh.run(settings)
    run(postgres, *SWAPPED)
    pay(postgres, 2, "5.00")
    assert transactions(list(refresh.run(settings).extracts)).money == Decimal("5.00")
    assert [one.what for one in privileges.look(settings) if one.verdict is Verdict.wrong] == ["views"]
    assert "analytics.source_transactions" in {one.name for one in schema.diff(settings) if one.status == "changed"}


def test_who_sets_up_the_roles_is_told_what_stands_on_an_outdated_view(
    settings: Settings, postgres: psycopg.Connection
) -> None:
    run(postgres, "create view mine as select id from analytics.source_transactions", *SWAPPED)
    with pytest.raises(SchemaError, match=r"view mine would fall with it.*Nothing was changed"):
        roles.apply(settings)
    run(postgres, "drop view mine")
    roles.apply(settings)
    with extractions.connect(settings) as connection:
        assert stale_views.find(connection) == []


def test_a_board_that_shows_another_table_than_is_written_is_not_published_as_new(
    settings: Settings, postgres: psycopg.Connection
) -> None:
    """The materialized view would go on showing the old board after every refresh."""
    build = Build()
    build.transaction(build.agent(), amount="10.00")
    worlds.insert(postgres, build.world)
    run(
        postgres,
        "alter table analytics.agent_leaderboard rename to board_before",
        "create table analytics.agent_leaderboard (like analytics.board_before including all)",
    )
    with pytest.raises(PublishError, match=r"public\.agent_leaderboard shows another.*si schema apply --replace-views"):
        refresh.run(settings)
    schema.apply(settings, replace_views=True)
    refresh.run(settings)
    assert postgres.execute("select total_earnings from agent_leaderboard").fetchall() == [(Decimal("10.00"),)]


@pytest.mark.parametrize("view", ["user_statistics", "active_gigs"])
def test_the_views_for_others_are_looked_at_as_well(
    settings: Settings, postgres: psycopg.Connection, view: str
) -> None:
    table = "user_reviews" if view == "user_statistics" else "gig_applications"
    run(postgres, f"alter table {table} rename to gone", f"create table {table} (like gone including all)")
    told = {str(one.found): one.remedy for one in privileges.look(settings) if one.what == "views"}
    found = f"public.{view} shows another relation than the one called public.{table} by now"
    assert told[found] == "Make it anew, as the owner: si schema apply --replace-views"


def test_every_view_of_ours_stands_on_just_what_it_is_declared_to(settings: Settings) -> None:
    with extractions.connect(settings) as connection:
        assert stale_views.find(connection) == []
    assert len(stale_views.declared()) == len(extract.tables()) + len(publish.views()) + len(
        ("user_statistics", "active_gigs")
    )


OTHER_TYPES = (
    "create type tx_status as enum ('pending', 'completed', 'failed')",
    "create domain cents as numeric(12, 2) not null",
    "create domain letters as varchar(60)",
    "create domain short_letters as letters check (length(value) < 50)",
    "drop view analytics.source_transactions",
    "alter table transactions drop constraint transactions_status_check, alter column status drop default",
    "alter table transactions alter column status type tx_status using status::tx_status",
    "alter table transactions alter column amount type cents, alter column type type short_letters",
    "alter table transactions alter column currency type char(5), alter column created_at type timestamptz(3)",
    "alter table transactions alter column id type uuid, alter column description type varchar(10)",
)


def test_enumerations_domains_and_other_lengths_are_read_exactly_and_told(
    settings: Settings, postgres: psycopg.Connection, login: Callable[[], Settings]
) -> None:
    """Read whole and as changes, by the owner and by si_reader; the schema is applied and compared again."""
    run(postgres, *OTHER_TYPES)
    assert schema.apply(settings).created == {"view": ("analytics.source_transactions",)}
    assert {one.status for one in schema.diff(settings)} == {"accepted"}
    assert {one.name for one in schema.diff(settings)} >= {"transactions.status", "transactions.amount"}
    assert schema.apply(settings).counts == {}
    metrics = login()
    with extraction(settings, "transactions") as reading:
        for who in (settings, metrics):
            reading.settings, reading.baseline = who, None
            pay(postgres, 10 + (who is metrics), "9999999999.99")
            told = reading.refresh()["transactions"]
            assert told.mode == "full"
            pay(postgres, 20 + (who is metrics), "0.01")
            again = reading.refresh()["transactions"]
            assert (again.mode, again.inserted) == ("incremental", 1)
            held = {key: row[:9] for key, row in reading.held("transactions").items()}
            standing = {key: row[:9] for key, row in extractions.standing(postgres, "transactions").items()}
            assert {key: (*row[:7], str(row[7]).strip(), *row[8:]) for key, row in standing.items()} == held
        raw = reading.connection.table("raw.transactions")
        types = dict(zip(raw.columns, map(str, raw.types), strict=True))
        assert (types["status"], types["type"], types["amount"]) == ("VARCHAR", "VARCHAR", "DECIMAL(15,2)")
        for part in (
            "transactions.status is public.tx_status where character varying(20) is expected",
            "transactions.amount is public.cents where numeric(15,2) is expected",
            "transactions.type is public.short_letters where character varying(30) is expected",
            "transactions.currency is character(5) where character varying(10) is expected",
            "transactions.created_at is timestamp(3) with time zone where",
        ):
            assert part in told.drift
    refresh.run(settings)
    assert [one.verdict for one in privileges.look(metrics)] == [Verdict.well]


def test_lists_of_an_enumeration_arrive_as_lists_of_words(settings: Settings, postgres: psycopg.Connection) -> None:
    run(
        postgres,
        "create type topic as enum ('sport', 'food')",
        "drop view analytics.source_gigs, active_gigs",
        "drop index if exists idx_gigs_categories",
        "alter table gigs alter column categories drop default",
        "alter table gigs alter column categories type topic[] using categories::text[]::topic[]",
    )
    build = Build()
    build.gig(build.sponsor())
    with extraction(settings, "gigs") as reading:
        worlds.insert(postgres, build.world)
        run(postgres, "update gigs set categories = '{food,sport}'")
        reading.refresh()
        ((held,),) = reading.connection.sql("select categories from raw.gigs").fetchall()
        assert held == ["food", "sport"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("create domain loose as numeric; alter table {} alter column amount type loose", "is public.loose where"),
        ("create domain fine as numeric(18, 3); alter table {} alter column amount type fine", "is public.fine where"),
        ("alter table {} alter column created_at type timestamp", "is timestamp without time zone where"),
    ],
)
def test_a_type_in_which_something_would_be_lost_is_refused_whatever_it_is_called(
    settings: Settings, postgres: psycopg.Connection, change: str, told: str
) -> None:
    run(postgres, "drop view analytics.source_transactions", *change.format("transactions").split("; "))
    with pytest.raises(ExtractError, match=told):
        refresh.run(settings)


def moved_behind_a_view(postgres: psycopg.Connection, table: str, kind: str = "view") -> None:
    """The rows of a table go elsewhere; a view in its place shows them."""
    run(
        postgres,
        f"drop view analytics.source_{table}",
        "drop view active_gigs",
        "create schema kept_apart",
        f"alter table {table} set schema kept_apart",
        f"create {kind} {table} as select * from kept_apart.{table}",
    )


@pytest.mark.parametrize("kind", ["view", "materialized view"])
def test_a_view_in_place_of_a_table_is_read_whole_each_time_and_said_so(
    settings: Settings, postgres: psycopg.Connection, login: Callable[[], Settings], kind: str
) -> None:
    """By the owner and by si_reader; what can be built beside it is, and doctor has nothing against it."""
    build = Build()
    build.gig(build.sponsor())
    worlds.insert(postgres, build.world)
    moved_behind_a_view(postgres, "gigs", kind)
    assert schema.apply(settings).created["view"] == ("analytics.source_gigs",)
    assert [one.name for one in schema.diff(settings) if one.status in {"missing", "changed"}] == []
    assert "gigs" in {one.name for one in schema.diff(settings) if one.status == "accepted"}
    assert schema.apply(settings).counts == {}
    metrics = login()
    for who in (settings, metrics, metrics):
        read = next(one for one in refresh.run(who).extracts if one.table == "gigs")
        assert (read.mode, read.rows) == ("full", 1)
        assert f"gigs is a {kind} where a table is expected: all rows are read each time" in read.drift
    assert read.reason == "a view, which does not tell what changed"
    wrong = [one for one in doctor.findings(metrics, datetime.now(UTC)) if one.verdict is Verdict.wrong]
    assert wrong == []


def test_the_key_of_a_view_is_checked(settings: Settings, postgres: psycopg.Connection) -> None:
    """Shown twice a key stops the refresh in a check; without a key a row stops its reading."""
    pay(postgres, 1)
    run(
        postgres,
        "drop view analytics.source_transactions",
        "alter table transactions rename to behind",
        "create view transactions as select * from behind union all select * from behind",
    )
    with pytest.raises(CheckFailedError, match="duplicate_keys"):
        refresh.run(settings)
    columns = ", ".join(
        "null::uuid as id" if one.strip() == "id" else one for one in extractions.names_of("transactions")
    )
    run(
        postgres,
        "drop view transactions",
        f"create view transactions as select {columns} from behind",
    )
    with pytest.raises(ExtractError, match="the view of that name shows 1 rows without id"):
        refresh.run(settings)


def test_a_view_in_place_of_a_table_that_is_written_is_refused(
    settings: Settings, postgres: psycopg.Connection
) -> None:
    run(
        postgres,
        "create schema kept_apart",
        "alter table invite_templates set schema kept_apart",
        "create view invite_templates as select * from kept_apart.invite_templates",
    )
    with pytest.raises(SchemaError, match="invite_templates is view where table is expected"):
        schema.apply(settings)


def test_diff_names_what_is_accepted_and_ends_well(settings: Settings, postgres: psycopg.Connection, si: Si) -> None:
    run(postgres, "alter table deals alter column contract_hash type varchar(99)")
    done = si(settings)("schema", "diff")
    assert done.code == 0
    assert "accepted" in done.out
    assert "deals.contract_hash" in done.out


def test_a_reading_from_a_key_that_is_kept_unique_by_nothing_is_told(
    settings: Settings, postgres: psycopg.Connection
) -> None:
    run(postgres, "alter table messages drop constraint messages_pkey")
    with extraction(settings, "messages") as reading:
        told = reading.refresh()["messages"].drift
    assert told == "messages.id is kept unique by no index of its own: it is checked"
    assert project().sources["messages"].key == "id"
