"""Publishing what changed leaves what publishing all would leave, whatever the metrics and others did meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, note
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from si_analytics import publish, refresh, warehouse
from si_analytics.postgres import row_marks
from si_analytics.publish import candidates
from si_analytics.settings import Settings
from tests.support import publishing, worlds
from tests.support.commands import Si
from tests.support.published_tables import connection_to
from tests.support.publishing import Publisher
from tests.support.worlds import AS_OF, Build

Other = psycopg.Connection[Any]

COMPARED_BY_KEY = set(publish.targets()) - {"conversion_funnels"}
PEOPLE = range(3)


@dataclass
class Shop:
    """Three agents with a contact each, three sponsors, and a template."""

    build: Build = field(default_factory=Build)

    def __post_init__(self) -> None:
        self.agents = [self.build.agent() for _ in PEOPLE]
        self.sponsors = [self.build.sponsor() for _ in PEOPLE]
        self.contacts = [self.build.contact(agent) for agent in self.agents]
        self.build.template(agent_id=self.agents[0])

    def row(self, table: str, key: UUID) -> worlds.World:
        """That row of a table alone, to be inserted again."""
        return {table: [row for row in self.build.world[table] if key in (row.get("id"), row.get("user_id"))]}


@dataclass(frozen=True)
class Refreshed:
    """A database to be cloned, in which the shop was published, and the warehouse it was published from."""

    template: str
    warehouse: Path
    shop: Shop


@pytest.fixture(scope="module")
def refreshed(
    create_database: Callable[..., str], schema_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Refreshed:
    home, url, shop = tmp_path_factory.mktemp("refreshed"), create_database(schema_template), Shop()
    made = Settings(_env_file=None, postgres_url=url, home=home, warehouse=home / "w.duckdb")  # type: ignore[call-arg, arg-type]
    with connection_to(made) as connection:
        worlds.insert(connection, shop.build.world)
    refresh.run(made, as_of=AS_OF)
    return Refreshed(url.split("?")[0].rsplit("/", 1)[1], made.warehouse, shop)


@pytest.fixture
def shop(refreshed: Refreshed) -> Shop:
    return refreshed.shop


@pytest.fixture
def settings(
    passing_database: Callable[..., str], make_settings: Callable[..., Settings], refreshed: Refreshed
) -> Settings:
    return make_settings(passing_database(refreshed.template))


@pytest.fixture
def publisher(settings: Settings, refreshed: Refreshed, monkeypatch: pytest.MonkeyPatch) -> Publisher:
    """The shop, published as a whole in this database a moment ago."""
    publishing.find_changes_in_few_rows(monkeypatch)
    found = Publisher(settings, refreshed.warehouse)
    found.publish(whole=publish.EVERY_ROW)
    return found


@pytest.fixture
def other(settings: Settings) -> Iterator[Other]:
    """An application's connection, in a transaction of its own."""
    with psycopg.connect(str(settings.postgres_url and settings.postgres_url.get_secret_value())) as connection:
        yield connection
        connection.rollback()


def whole(publisher: Publisher) -> dict[str, str]:
    """Why which targets were compared as a whole, those apart of which all are compared each time."""
    return {name: one.reason for name, one in publisher.changes.items() if one.reason and name in COMPARED_BY_KEY}


def assert_settled(publisher: Publisher) -> None:
    """Nothing is left that differs, and the next publish neither writes nor compares a whole target."""
    assert publisher.left() == ()
    again = publisher.publish()
    assert {name: one.changed for name, one in again.items() if one.changed} == {}
    assert whole(publisher) == {}


# --- What changes in the metrics


RATED = "update metrics.user_ratings set review_count = review_count + 1 where user_id = '{}'"
INVITED = "update metrics.contact_engagement set total_invites_sent = total_invites_sent + 1 where contact_id = '{}'"


def test_without_changes_nothing_is_compared_and_nothing_written(publisher: Publisher) -> None:
    done = publisher.publish()
    assert whole(publisher) == {}
    assert done["conversion_funnels"].reason == "its key is no single uuid"
    assert sum(one.changed for one in done.values()) == 0


def test_a_metric_s_new_changed_and_lacking_rows_are_written_and_no_others(
    publisher: Publisher, shop: Shop, postgres: Other
) -> None:
    """Of three boards' rows one changes and one goes; it comes back with the next refresh."""
    one, two, _ = shop.agents
    changed = f"update metrics.agent_leaderboard set total_earnings = 7.00 where agent_id = '{one}'"
    done = publisher.publish(
        "create temporary table gone as select * from metrics.agent_leaderboard",
        changed,
        f"delete from metrics.agent_leaderboard where agent_id = '{two}'",
    )["agent_leaderboard"]
    assert (done.inserted, done.updated, done.deleted, done.reason) == (0, 1, 1, "")
    assert_settled(publisher)
    back = "insert into metrics.agent_leaderboard by name select * replace ('{}' as agent_id) from"
    back += " metrics.agent_leaderboard where agent_id = '{}'"
    done = publisher.publish(back.format(two, one))["agent_leaderboard"]
    assert (done.inserted, done.updated, done.deleted, done.reason) == (1, 0, 0, "")
    assert postgres.execute("select count(*) from analytics.agent_leaderboard").fetchone() == (3,)
    assert_settled(publisher)


def test_a_refresh_remembers_its_publish_and_the_next_compares_no_target_as_a_whole(
    settings: Settings, refreshed: Refreshed, monkeypatch: pytest.MonkeyPatch, postgres: Other
) -> None:
    publishing.find_changes_in_few_rows(monkeypatch)
    first = refresh.run(settings, as_of=AS_OF)
    assert {one.reason for one in first.targets} == {"nothing was published before"}
    postgres.execute("update users set rating = 1.0 where role = 'sponsor'")
    second = refresh.run(settings, as_of=AS_OF)
    assert {one.target: one.reason for one in second.targets if one.reason} == {
        "conversion_funnels": "its key is no single uuid"
    }
    assert second.changed["users"] == 3
    full = refresh.run(settings, as_of=AS_OF, full=True)
    assert {one.reason for one in full.targets} == {publish.EVERY_ROW}


def test_the_report_says_which_targets_were_compared_as_a_whole_and_why(settings: Settings, si: Si) -> None:
    """Those that are each time, for they are small, are told by --json alone."""
    command, arguments = si(settings), ("refresh", "--as-of", AS_OF.isoformat())
    assert "Compared all rows of every target: nothing was published before\n" in command(*arguments).out
    assert "Compared" not in command(*arguments).out
    told = command(*arguments, "--json").document["targets"]
    assert {one["target"]: one["reason"] for one in told}["users"] == "few rows"
    assert "Compared all rows of every target: every row was asked for\n" in command(*arguments, "--full").out


def test_a_refresh_that_published_nothing_leaves_no_record_to_compare_with(
    settings: Settings, refreshed: Refreshed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its metrics are newer than what stands in Postgres."""
    publishing.find_changes_in_few_rows(monkeypatch)
    refresh.run(settings, as_of=AS_OF)
    with refresh.Refresh(settings, AS_OF) as unpublished:
        unpublished.extract()
        unpublished.finish()
    told = refresh.run(settings, as_of=AS_OF)
    assert {one.reason for one in told.targets} == {
        "the last refresh of this warehouse was not published, or was taken up again since"
    }


# --- What others do to the targets


@pytest.mark.parametrize(
    ("statement", "target", "counts"),
    [
        ("update contact_engagement set total_invites_sent = 99", "contact_engagement", (0, 3, 0)),
        ("update users set rating = 0.1 where role = 'sponsor'", "users", (0, 3, 0)),
        ("delete from contact_engagement where contact_id = '{contact}'", "contact_engagement", (1, 0, 0)),
        ("truncate brand_reputations", "brand_reputations", (3, 0, 0)),
        ("delete from analytics.agent_leaderboard", "agent_leaderboard", (3, 0, 0)),
        ("insert into analytics.brand_leaderboard (sponsor_id) values ('{agent}')", "brand_leaderboard", (0, 0, 1)),
        (
            "insert into brand_reputations (sponsor_id) values ('{agent}');"
            " delete from brand_reputations where sponsor_id = '{sponsor}'",
            "brand_reputations",
            (1, 0, 1),
        ),
        (
            "update contact_engagement set total_invites_sent = 99; create table copied as table contact_engagement;"
            " drop table contact_engagement; alter table copied rename to contact_engagement;"
            " alter table contact_engagement add primary key (contact_id)",
            "contact_engagement",
            (0, 3, 0),
        ),
        (
            "alter table agent_performance_metrics alter total_deals type integer using 77",
            "agent_performance_metrics",
            (0, 3, 0),
        ),
        (
            "alter table invite_templates drop times_used; alter table invite_templates add times_used int default 5",
            "invite_templates",
            (0, 1, 0),
        ),
    ],
    ids=["updated", "of others' columns", "deleted", "truncated", "emptied", "inserted", "one for another", "replaced",
         "rewritten", "a column anew"],
)  # fmt: skip
def test_a_target_that_others_changed_is_repaired(
    publisher: Publisher, postgres: Other, shop: Shop, statement: str, target: str, counts: tuple[int, int, int]
) -> None:
    named = {"contact": shop.contacts[0], "agent": shop.agents[0], "sponsor": shop.sponsors[0]}
    before = publishing.standing(postgres)
    postgres.execute(statement.format(**named).encode())
    done = publisher.publish()
    assert {name for name, one in done.items() if one.changed} == {target}
    assert (done[target].inserted, done[target].updated, done[target].deleted) == counts
    assert publishing.standing(postgres) == before
    publisher.publish()
    assert_settled(publisher)


def test_as_many_rows_gone_as_others_brought_are_told_from_none(
    publisher: Publisher, postgres: Other, shop: Shop, other: Other
) -> None:
    """What the transaction that was open at the last publish inserted and deleted is found as well."""
    contact = shop.contacts[1]
    other.execute("delete from contact_engagement where contact_id = %s", [contact])
    assert publisher.publish()["contact_engagement"].changed == 0
    other.commit()
    done = publisher.publish()["contact_engagement"]
    assert (done.inserted, done.reason) == (1, "others deleted rows")
    assert_settled(publisher)


def test_a_row_another_session_changes_between_comparison_and_commit_is_found_by_the_next_refresh(
    publisher: Publisher, postgres: Other, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = publish.publication.record.write  # type: ignore[attr-defined]

    def meanwhile(*asked: Any) -> Any:
        postgres.execute(
            "update contact_engagement set total_invites_sent = 99 where contact_id = %s", [shop.contacts[0]]
        )
        postgres.execute("delete from analytics.agent_leaderboard where agent_id = %s", [shop.agents[0]])
        return written(*asked)

    with monkeypatch.context() as patched:
        patched.setattr("si_analytics.publish.record.write", meanwhile)
        assert sum(one.changed for one in publisher.publish().values()) == 0
    done = publisher.publish()
    assert {name: one.changed for name, one in done.items() if one.changed} == {
        "agent_leaderboard": 1, "contact_engagement": 1
    }  # fmt: skip
    assert_settled(publisher)


def test_a_transaction_open_over_several_publishes_is_found_by_the_one_that_sees_it(
    publisher: Publisher, other: Other, shop: Shop
) -> None:
    other.execute("update users set review_count = 99 where id = %s", [shop.agents[2]])
    for sponsor in shop.sponsors[:2]:
        assert publisher.publish(RATED.format(sponsor))["users"].updated == 1
    other.commit()
    assert publisher.publish()["users"].updated == 1
    assert_settled(publisher)


@pytest.mark.parametrize("listed", [0, 3, 10_000])
def test_however_many_transactions_went_by_rows_that_others_wrote_are_found(
    publisher: Publisher, postgres: Other, shop: Shop, monkeypatch: pytest.MonkeyPatch, listed: int
) -> None:
    monkeypatch.setattr(row_marks, "LISTED", listed)
    for contact in shop.contacts:
        postgres.execute("update contact_engagement set opened_count = 9 where contact_id = %s", [contact])
    done = publisher.publish(INVITED.format(shop.contacts[0]))["contact_engagement"]
    assert (done.updated, done.reason) == (3, "")
    assert_settled(publisher)


# --- Owners who go and come back


def test_a_row_left_as_its_owner_is_gone_is_written_once_the_owner_is_back(
    publisher: Publisher, postgres: Other, shop: Shop
) -> None:
    """A sponsor becomes an influencer and a sponsor again; the row stands all the while, with its old value."""
    sponsor = shop.sponsors[0]
    postgres.execute("update users set role = 'influencer' where id = %s", [sponsor])
    more = f"update metrics.brand_reputations set total_deals = 41 where sponsor_id = '{sponsor}'"
    assert publisher.publish(more)["brand_reputations"].skipped == 1
    postgres.execute("update users set role = 'sponsor' where id = %s", [sponsor])
    done = publisher.publish()["brand_reputations"]
    assert (done.updated, done.reason) == (1, "rows were left as they stood last time")
    assert_settled(publisher)


def test_a_row_the_metric_lacks_stays_while_its_owner_does_and_goes_with_the_owner(
    publisher: Publisher, postgres: Other, shop: Shop
) -> None:
    sponsor = shop.sponsors[0]
    lacking = f"delete from metrics.brand_reputations where sponsor_id = '{sponsor}'"
    assert publisher.publish(lacking)["brand_reputations"].deleted == 0
    postgres.execute("update users set role = 'influencer' where id = %s", [sponsor])
    done = publisher.publish()["brand_reputations"]
    assert (done.deleted, done.reason) == (1, "rows were left as they stood last time")
    assert_settled(publisher)


def test_an_owner_who_was_deleted_and_comes_back_as_before_gets_the_row_back(
    publisher: Publisher, postgres: Other, shop: Shop
) -> None:
    contact = shop.contacts[0]
    postgres.execute("delete from contacts where id = %s", [contact])
    done = publisher.publish()["contact_engagement"]
    assert (done.skipped, done.changed, done.reason) == (1, 0, "others deleted rows")
    worlds.insert(postgres, shop.row("contacts", contact))
    done = publisher.publish()["contact_engagement"]
    assert (done.inserted, done.reason) == (1, "others deleted rows")
    assert_settled(publisher)


def test_an_owner_who_is_deleted_and_of_whom_the_metric_knows_costs_no_whole_comparison(
    publisher: Publisher, postgres: Other, shop: Shop
) -> None:
    """Postgres deletes the row with its contact; the metric lacks it too."""
    contact = shop.contacts[0]
    postgres.execute("delete from contacts where id = %s", [contact])
    done = publisher.publish(f"delete from metrics.contact_engagement where contact_id = '{contact}'")
    assert (done["contact_engagement"].changed, done["contact_engagement"].reason) == (0, "")
    assert_settled(publisher)


def test_a_row_a_trigger_keeps_from_being_written_is_tried_again_each_time(
    publisher: Publisher, postgres: Other, shop: Shop
) -> None:
    postgres.execute(
        "create function keep() returns trigger language plpgsql as 'begin return null; end';"
        " create trigger kept before update on contact_engagement for each row execute function keep()"
    )
    assert publisher.publish(INVITED.format(shop.contacts[0]))["contact_engagement"].skipped == 1
    assert publisher.publish()["contact_engagement"].skipped == 1
    postgres.execute("drop trigger kept on contact_engagement")
    assert publisher.publish()["contact_engagement"].updated == 1
    assert_settled(publisher)


# --- Crashes, restores, other places


def test_a_publish_whose_refresh_died_before_its_file_was_in_place_is_made_up_for(
    publisher: Publisher, shop: Shop
) -> None:
    """Postgres is ahead of the file: what the dead refresh wrote goes back, or on, with the next one."""
    one, two, _ = shop.contacts
    assert publisher.publish(INVITED.format(one), replaces=False)["contact_engagement"].updated == 1
    done = publisher.publish(INVITED.format(two))["contact_engagement"]
    assert (done.updated, done.reason) == (2, "")
    assert_settled(publisher)


def test_a_publish_that_was_rolled_back_after_its_file_was_in_place_is_made_up_for(
    publisher: Publisher, postgres: Other, shop: Shop
) -> None:
    """As after a restore to an earlier time: the record is gone, and the row stands as before."""
    publisher.publish(INVITED.format(shop.contacts[0]))
    postgres.execute(
        "delete from analytics.refreshes where finished_at = (select max(finished_at) from analytics.refreshes)"
    )
    publisher.publish()
    told = "the last publish of this warehouse is not in this database, which was restored since"
    assert set(whole(publisher).values()) == {told}
    assert_settled(publisher)


def test_the_same_refresh_published_again_since_is_another_publish(
    publisher: Publisher, postgres: Other, shop: Shop
) -> None:
    postgres.execute("update analytics.refreshes set finished_at = finished_at + interval '1 microsecond'")
    publisher.publish()
    assert len(whole(publisher)) == len(COMPARED_BY_KEY)
    assert_settled(publisher)


def test_another_database_that_is_published_to_is_compared_as_a_whole(
    publisher: Publisher, passing_database: Callable[..., str], make_settings: Callable[..., Settings],
    refreshed: Refreshed,
) -> None:  # fmt: skip
    moved = make_settings(passing_database(refreshed.template), warehouse=publisher.settings.warehouse)
    publisher.settings = moved
    publisher.publish()
    assert set(whole(publisher).values()) == {"another server or database than last time"}
    assert_settled(publisher)


def test_two_warehouses_that_take_turns_each_find_what_the_other_wrote(
    publisher: Publisher, refreshed: Refreshed, shop: Shop, tmp_path: Path
) -> None:
    second = Publisher(publisher.settings.model_copy(update={"warehouse": tmp_path / "b.duckdb"}), refreshed.warehouse)
    second.publish(whole=publish.EVERY_ROW)
    for _ in range(2):
        assert publisher.publish(INVITED.format(shop.contacts[0]))["contact_engagement"].updated == 1
        assert second.publish()["contact_engagement"].updated == 1
        assert (whole(publisher), whole(second)) == ({}, {})


@pytest.mark.parametrize(
    ("metric", "change", "told"),
    [
        ("agent_leaderboard", "total_earnings type decimal(20, 2)", "the metric has other columns"),
        ("agent_leaderboard", "rank type integer", "the table or what is published to it was altered or replaced"),
    ],
    ids=["of the same type there", "of another type there"],
)
def test_a_metric_whose_columns_have_other_types_is_compared_as_a_whole(
    publisher: Publisher, metric: str, change: str, told: str
) -> None:
    publisher.publish(f"alter table metrics.{metric} alter {change}")
    assert list(whole(publisher)) == [metric]
    assert whole(publisher)[metric].startswith(told)


def test_a_file_of_a_version_that_kept_no_record_is_no_baseline(publisher: Publisher) -> None:
    with publisher.refreshing() as working:
        working.execute("alter table meta.publications rename column unwritten to spare")
    warehouse.publish_working(publisher.settings)
    with publisher.refreshing() as working:
        working.execute("alter table meta.publications rename column spare to unwritten")
        changes = publisher._published(working, "")
    assert {one.reason for one in changes.values()} == {"the warehouse was made by another version"}


def test_small_targets_and_ones_most_of_which_changed_are_compared_as_a_whole(
    publisher: Publisher, postgres: Other, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidates, "_FEWEST", 4)
    monkeypatch.setattr(candidates, "_MOST_CHANGED", 0.3)
    assert publisher.publish()["contact_engagement"].reason == "few rows"
    monkeypatch.setattr(candidates, "_FEWEST", 3)
    assert publisher.publish()["contact_engagement"].reason == ""
    postgres.execute("update contact_engagement set opened_count = 9")
    done = publisher.publish()["contact_engagement"]
    assert (done.updated, done.reason) == (3, "most of its rows changed")


def test_a_role_that_may_not_ask_who_wrote_a_row_compares_all(
    publisher: Publisher, login: Callable[[], Settings], postgres: Other
) -> None:
    publisher.settings = login()
    publisher.publish()
    assert whole(publisher) == {}
    postgres.execute("revoke select (xmin) on contact_engagement from si_publisher")
    publisher.publish()
    assert whole(publisher) == {
        "contact_engagement": "this role may not ask which transaction wrote a row: si schema roles"
    }


def test_a_target_with_parts_is_compared_as_a_whole(publisher: Publisher, postgres: Other) -> None:
    postgres.execute("create table archived () inherits (contact_engagement)")
    publisher.publish()
    assert whole(publisher) == {"contact_engagement": "not a plain table"}


# --- Anything


Step = Callable[[Publisher, Other, Shop], "str | None"]


def _metric(statement: str) -> Callable[[int], Step]:
    def at(number: int) -> Step:
        return lambda publisher, postgres, shop: _named(statement, shop, number)

    return at


def _others(statement: str) -> Callable[[int], Step]:
    def at(number: int) -> Step:
        return lambda publisher, postgres, shop: postgres.execute(_named(statement, shop, number).encode()) and None

    return at


def _named(statement: str, shop: Shop, number: int) -> str:
    people = {"agent": shop.agents, "sponsor": shop.sponsors, "contact": shop.contacts}
    return statement.format(number=number, **{name: ids[number] for name, ids in people.items()})


STEPS = {
    "invited": _metric(INVITED.replace("{}", "{contact}")),
    "rated": _metric(RATED.replace("{}", "{sponsor}")),
    "deals": _metric("update metrics.brand_reputations set total_deals = 5 where sponsor_id = '{sponsor}'"),
    "earned": _metric("update metrics.agent_leaderboard set total_earnings = 5.00 where agent_id = '{agent}'"),
    "metric lacks": _metric("delete from metrics.contact_engagement where contact_id = '{contact}'"),
    "metric lacks a brand": _metric("delete from metrics.brand_reputations where sponsor_id = '{sponsor}'"),
    "metric has again": _metric(
        "insert into metrics.contact_engagement by name select * replace ('{contact}'::uuid as contact_id) from"
        " (from metrics.contact_engagement limit 1) where '{contact}' not in"
        " (select contact_id from metrics.contact_engagement)"
    ),
    "updated": _others("update contact_engagement set opened_count = 9 where contact_id = '{contact}'"),
    "restored": _others("update contact_engagement set opened_count = 0 where contact_id = '{contact}'"),
    "board": _others("update analytics.agent_leaderboard set rank = 9 where agent_id = '{agent}'"),
    "rating": _others("update users set rating = 0.1 where id = '{sponsor}'"),
    "deleted": _others("delete from contact_engagement where contact_id = '{contact}'"),
    "deleted off the board": _others("delete from analytics.agent_leaderboard where agent_id = '{agent}'"),
    "inserted": _others("insert into brand_reputations (sponsor_id) values ('{agent}') on conflict do nothing"),
    "role": _others("update users set role = 'influencer' where id = '{sponsor}'"),
    "role again": _others("update users set role = 'sponsor' where id = '{sponsor}'"),
    "contact deleted": _others("delete from contacts where id = '{contact}'"),
    "profile deleted": _others("delete from agent_profiles where user_id = '{agent}'"),
    "truncated": _others("truncate contact_engagement"),
    "rewritten": _others("vacuum full contact_engagement"),
}


def _come_back(number: int) -> Step:
    """The contact and the profile, where they had gone."""

    def run(publisher: Publisher, postgres: Other, shop: Shop) -> None:
        for table, key, name in (
            ("contacts", "id", shop.contacts[number]),
            ("agent_profiles", "user_id", shop.agents[number]),
        ):
            if not postgres.execute(f"select 1 from {table} where {key} = '{name}'".encode()).fetchall():
                worlds.insert(postgres, shop.row(table, name))

    return run


def _dies(number: int) -> Step:
    def run(publisher: Publisher, postgres: Other, shop: Shop) -> None:
        publisher.publish(INVITED.format(shop.contacts[number]), replaces=False)

    return run


steps = st.tuples(st.sampled_from([*STEPS, "come back", "dies"]), st.sampled_from(PEOPLE))


@hypothesis_settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(st.lists(steps, max_size=4), min_size=1, max_size=3))
def test_whatever_changes_the_same_rows_are_written_as_if_all_had_been_compared(
    publisher: Publisher, postgres: Other, shop: Shop, refreshed: Refreshed, rounds: list[list[tuple[str, int]]]
) -> None:
    worlds.clear(postgres)
    worlds.insert(postgres, shop.build.world)
    here = Publisher(publisher.settings, refreshed.warehouse)
    here.publish(whole=publish.EVERY_ROW)
    for drawn in rounds:
        changes = []
        for name, number in drawn:
            made = {**STEPS, "come back": _come_back, "dies": _dies}[name](number)
            changes.append(made(here, postgres, shop))
        statements = [one for one in changes if one]
        found, expected = here.previews(*statements)
        assert found.rows == expected.rows
        done = here.publish(*statements)
        note(str({name: one.reason for name, one in done.items()}))
        counts = {name: sum(one.values()) for name, one in expected.counts.items()}
        assert {name: one.changed for name, one in done.items()} == counts
        assert here.left() == ()
