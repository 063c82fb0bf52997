"""Publishing among others: whom it waits for, whom it never keeps waiting, who is gone meanwhile, what it sends."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from pydantic import SecretStr

from si_analytics import publish, refresh, sample, warehouse
from si_analytics.definitions import project
from si_analytics.errors import PublishError
from si_analytics.publish import TargetChange, staging, turns
from si_analytics.schema import roles
from si_analytics.settings import Settings
from tests.support import worlds
from tests.support.published_tables import assert_published, connection_to
from tests.support.worlds import AS_OF, Build

Other = psycopg.Connection[Any]


@dataclass
class Shop:
    """Two agents, a sponsor, a contact and a template of the first agent's; nobody has deals, so that all can go."""

    build: Build = field(default_factory=Build)

    def __post_init__(self) -> None:
        self.agents = sorted(self.build.agent() for _ in range(2))
        self.sponsor, self.influencer = self.build.sponsor(), self.build.influencer()
        self.contact = self.build.contact(self.agents[0])
        self.template = self.build.template(agent_id=self.agents[0])
        self.build.invite(self.agents[0], self.contact, template_id=self.template)
        for one in (*self.agents, self.sponsor):
            self.build.review(self.influencer, one, "4.0")


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
    """Settings on a published shop of the test's own, and on a warehouse that all tests read."""
    return make_settings(passing_database(refreshed.template), warehouse=refreshed.warehouse)


@pytest.fixture
def other(settings: Settings) -> Iterator[Other]:
    """An application's connection, in a transaction of its own."""
    assert settings.postgres_url is not None
    url = settings.postgres_url.get_secret_value()
    with psycopg.connect(url, application_name="the shop") as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def apart() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


def written(
    settings: Settings, *, sleep: Callable[[float], None] = time.sleep, heard: list[str] | None = None
) -> dict[str, TargetChange]:
    """Publish what the warehouse holds."""
    provenance = publish.Provenance(uuid4(), AS_OF, "1:1:", "usd", AS_OF, 0.0)
    told = [] if heard is None else heard
    with warehouse.open_file(settings.warehouse, settings, read_only=True) as opened:
        changes = publish.publish(
            opened, settings, provenance, said=lambda words, seconds: told.append(words), sleep=sleep
        )
    return {change.target: change for change in changes}


def until_it_waits(postgres: Other) -> None:
    """Return when a session of ours waits for a lock."""
    deadline = time.monotonic() + 20
    query = "select count(*) from pg_stat_activity where application_name = 'si_analytics' and wait_event_type = 'Lock'"
    while postgres.execute(query).fetchone() == (0,):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def spoil_ratings(postgres: Other) -> None:
    postgres.execute("update users set rating = 2.0 where review_count > 0")


def ratings(postgres: Other) -> set[Decimal]:
    return {rating for (rating,) in postgres.execute("select rating from users where review_count > 0")}


def unpublish(postgres: Other) -> None:
    """Leave the targets as a new schema has them."""
    postgres.execute("truncate contact_engagement, agent_performance_metrics, brand_reputations")
    postgres.execute("update users set rating = 0, review_count = 0")
    postgres.execute("update agent_profiles set recruit_satisfaction_score = 0, total_earnings = 1")
    postgres.execute("update invite_templates set times_used = 0, acceptance_rate = null")


def test_a_shop_that_stands_as_it_was_published_is_published_again_without_a_row(settings: Settings) -> None:
    assert {change.changed + change.skipped for change in written(settings).values()} == {0}


@pytest.mark.parametrize("before", [True, False], ids=["published before", "never published before"])
def test_who_is_deleted_between_extraction_and_publication_is_skipped_and_counted(
    settings: Settings, postgres: Other, shop: Shop, tmp_path: Path, before: bool
) -> None:
    """An agent with contact and template, and a sponsor; of each target their rows, the boards apart."""
    if not before:
        unpublish(postgres)
    postgres.execute("delete from users where id = any(%s)", [[shop.agents[0], shop.sponsor]])
    skipped = {name: change.skipped for name, change in written(settings).items() if change.skipped}
    profiled = ("agent_performance_metrics", "agent_profiles", "brand_reputations", "contact_engagement")
    assert skipped == {**dict.fromkeys((*profiled, "invite_templates"), 1), "users": 2}
    for table in ("agent_performance_metrics", "brand_reputations", "contact_engagement"):
        assert postgres.execute(f"select count(*) from {table}").fetchone() == (int(table.startswith("agent")),)
    if before:
        after = refresh.run(settings.model_copy(update={"warehouse": tmp_path / "own.duckdb"}), as_of=AS_OF)
        assert [change.target for change in after.targets if change.skipped] == []
        assert_published(postgres, worlds.read(postgres), AS_OF)


@pytest.mark.parametrize(
    ("target", "statement"),
    [
        ("contact_engagement", "delete from contacts where id = %(contact)s"),
        ("agent_performance_metrics", "delete from users where id = %(agent)s"),
        ("brand_reputations", "delete from users where id = %(sponsor)s"),
    ],
)
def test_who_is_deleted_while_the_row_is_being_written_is_skipped_and_counted(
    settings: Settings,
    postgres: Other,
    other: Other,
    shop: Shop,
    apart: ThreadPoolExecutor,
    target: str,
    statement: str,
) -> None:
    """The delete is not committed yet when the rows are compared, and is while the new row waits for it."""
    postgres.execute(f"truncate {target}")
    other.execute(
        statement,  # type: ignore[arg-type]
        {"contact": shop.contact, "agent": shop.agents[1], "sponsor": shop.sponsor},
    )
    running: Future[dict[str, TargetChange]] = apart.submit(written, settings)
    until_it_waits(postgres)
    other.commit()
    done = running.result(timeout=60)
    assert done[target].skipped == 1
    assert postgres.execute(f"select count(*) from {target}").fetchone() == (int(target.startswith("agent")),)


def test_rows_that_an_application_holds_are_waited_for_with_pauses_and_the_numbers_are_right(
    settings: Settings, postgres: Other, other: Other, shop: Shop
) -> None:
    """It lets go during the second pause; until then nothing of ours is seen, and no row of ours is held in a pause."""
    spoil_ratings(postgres)
    other.execute("update users set email_verified = true where id = %s", [shop.agents[1]])
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        assert ratings(postgres) == {Decimal("2.0")}
        postgres.execute("select 1 from users where id <> %s for update nowait", [shop.agents[1]])
        if len(pauses) == 2:
            other.commit()

    heard: list[str] = []
    done = written(settings, sleep=sleep, heard=heard)
    assert done["users"].updated == 3
    assert pauses == [0.2, 0.4]
    assert len(heard) == 2
    assert all("lock timeout" in words and '"users"' in words for words in heard)
    assert all(f"; open the longest: process {other.info.backend_pid} of postgres" in words for words in heard)
    assert_published(postgres, worlds.read(postgres), AS_OF)


def test_rows_held_for_too_long_are_one_error_that_says_who_and_changes_nothing(
    settings: Settings, postgres: Other, other: Other, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "ROW_WAIT", 0.02)
    spoil_ratings(postgres)
    other.execute("update users set email_verified = true where id = %s", [shop.agents[1]])
    with pytest.raises(PublishError, match=r"after 60 s of waiting .*; open the longest: process") as caught:
        written(settings, sleep=lambda _: None)
    assert f"process {other.info.backend_pid} of postgres (the shop) since 20" in str(caught.value)
    assert "Nothing was written, the previous results stand" in str(caught.value)
    assert ratings(postgres) == {Decimal("2.0")}
    assert postgres.execute("select count(*) from analytics.refreshes").fetchone() == (1,)


def test_an_application_that_locks_the_other_way_round_gets_its_rows_and_no_deadlock(
    settings: Settings, postgres: Other, other: Other, shop: Shop, apart: ThreadPoolExecutor
) -> None:
    """It holds the last row when we hold the first, and then asks for the first: we give way, it never fails."""
    spoil_ratings(postgres)
    first, *_, last = sorted((*shop.agents, shop.sponsor))
    other.execute("update users set email_verified = true where id = %s", [last])
    running: Future[dict[str, TargetChange]] = apart.submit(written, settings)
    until_it_waits(postgres)
    other.execute("update users set email_verified = true where id = %s", [first])
    other.commit()
    assert running.result(timeout=60)["users"].updated == 3
    assert_published(postgres, worlds.read(postgres), AS_OF)


def test_rows_are_locked_in_the_order_of_their_key(
    settings: Settings, postgres: Other, other: Other, shop: Shop, apart: ThreadPoolExecutor
) -> None:
    """While the first row is waited for no later one is held: who locks in this order cannot deadlock."""
    spoil_ratings(postgres)
    first, *later = sorted((*shop.agents, shop.sponsor))
    other.execute("select 1 from users where id = %s for update", [first])
    running: Future[dict[str, TargetChange]] = apart.submit(written, settings)
    until_it_waits(postgres)
    assert len(postgres.execute("select 1 from users where id = any(%s) for update nowait", [later]).fetchall()) == 2
    other.commit()
    assert running.result(timeout=60)["users"].updated == 3


def test_who_refers_to_a_user_is_not_kept_waiting_by_a_publication(
    settings: Settings, postgres: Other, other: Other, shop: Shop, apart: ThreadPoolExecutor
) -> None:
    """A message from a user whose rating is being written: the foreign key's lock and ours go together."""
    spoil_ratings(postgres)
    postgres.execute("update invite_templates set times_used = 99")
    other.execute("update invite_templates set message = 'held' where id = %s", [shop.template])
    running: Future[dict[str, TargetChange]] = apart.submit(written, settings)
    until_it_waits(postgres)  # the users are held by now, the templates come last
    postgres.execute("set lock_timeout = '50ms'")
    postgres.execute("insert into feed_activities (user_id, type, title) values (%s, 'x', 'y')", [shop.agents[0]])
    other.commit()
    assert running.result(timeout=60)["users"].updated == 3


def test_a_second_publication_waits_for_the_first_and_says_who_it_is(
    settings: Settings, postgres: Other, other: Other, shop: Shop
) -> None:
    spoil_ratings(postgres)
    other.execute("select pg_advisory_xact_lock(%s)", [turns.LOCK])
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if sum(waits) > 4:
            other.commit()

    heard: list[str] = []
    assert written(settings, sleep=sleep, heard=heard)["users"].updated == 3
    assert len(heard) == 1
    assert heard[0].startswith(f"process {other.info.backend_pid} of postgres (the shop) since 20")


def test_a_publication_that_never_gets_its_turn_is_one_error_that_says_who_has_it(
    settings: Settings, other: Other
) -> None:
    other.execute("select pg_advisory_xact_lock(%s)", [turns.LOCK])
    with connection_to(settings) as connection, pytest.raises(PublishError) as caught:
        turns.take(connection, lambda words, seconds: None, lambda seconds: None)
    assert f"at work for more than 600 s: process {other.info.backend_pid} of postgres (the shop)" in str(caught.value)


def test_a_role_whose_transactions_are_serializable_publishes_all_the_same(
    settings: Settings, postgres: Other, shop: Shop
) -> None:
    spoil_ratings(postgres)
    postgres.execute("alter role postgres set default_transaction_isolation = 'serializable'")
    try:
        assert written(settings)["users"].updated == 3
    finally:
        postgres.execute("alter role postgres reset default_transaction_isolation")


def test_an_application_s_trigger_that_names_no_schema_is_told_with_its_remedy(
    settings: Settings, postgres: Other, shop: Shop
) -> None:
    spoil_ratings(postgres)
    postgres.execute("create table audit (id uuid)")
    postgres.execute(
        "create function audit_users() returns trigger language plpgsql"
        " as 'begin insert into audit values (new.id); return null; end'"
    )
    postgres.execute("create trigger audited after update on users for each row execute function audit_users()")
    with pytest.raises(PublishError, match=r"\"audit\" does not exist.*alter function \.\.\. set search_path = public"):
        written(settings)
    postgres.execute("alter function audit_users() set search_path = public")
    written(settings)
    assert postgres.execute("select count(*) from audit").fetchone() == (3,)


@pytest.fixture
def lesser(settings: Settings, postgres: Other) -> Iterator[tuple[Settings, str]]:
    """A login with both roles and no other right, and its name."""
    roles.apply(settings)
    name = f"lesser_{postgres.info.backend_pid}"
    postgres.execute(f"create role {name} login in role si_reader, si_publisher".encode())
    assert settings.postgres_url is not None
    url = settings.postgres_url.get_secret_value().replace("postgres@", f"{name}@", 1)
    yield settings.model_copy(update={"postgres_url": SecretStr(url)}), name
    postgres.execute(f"drop role {name}".encode())


def test_rows_that_a_policy_hides_are_an_error_and_not_taken_to_be_gone(
    lesser: tuple[Settings, str], postgres: Other
) -> None:
    spoil_ratings(postgres)
    postgres.execute("alter table users enable row level security")
    using, name = lesser
    with pytest.raises(PublishError, match=r"policy for table \"users\"\. Nothing was written.*: si doctor$"):
        written(using)
    assert ratings(postgres) == {Decimal("2.0")}
    postgres.execute(f"alter role {name} bypassrls".encode())
    assert written(using)["users"].updated == 3


@pytest.mark.parametrize(
    ("setting", "remedy"),
    [
        ("default_transaction_read_only = on", "Connect to the primary"),
        ("statement_timeout = '1s'", r"alter role \.\.\. set statement_timeout = 0"),
        ("transaction_timeout = '1s'", r"alter role \.\.\. set transaction_timeout = 0"),
    ],
)
def test_what_a_role_was_limited_to_is_told_with_its_remedy(
    lesser: tuple[Settings, str], postgres: Other, setting: str, remedy: str
) -> None:
    spoil_ratings(postgres)
    postgres.execute(
        "create function public.slow() returns trigger language plpgsql"
        " as 'begin perform pg_catalog.pg_sleep(5); return null; end'"
    )
    postgres.execute("create trigger slowed after update on users for each row execute function public.slow()")
    using, name = lesser
    if setting.startswith("transaction_timeout") and postgres.info.server_version < 170_000:
        with pytest.raises(psycopg.errors.UndefinedObject):  # PostgreSQL 17 is the first to have it
            postgres.execute(f"alter role {name} set {setting}".encode())
        return
    postgres.execute(f"alter role {name} set {setting}".encode())
    with pytest.raises(PublishError, match=remedy):
        written(using)
    assert ratings(postgres) == {Decimal("2.0")}


def compared(settings: Settings, postgres: Other, spoil: str = "select 1") -> dict[str, tuple[int, int]]:
    """Of each target, how many rows are sent to Postgres to be compared there and how many then differ."""
    counts = {}
    opened = warehouse.open_file(settings.warehouse, settings, read_only=True)
    with opened, postgres.transaction() as transaction:
        postgres.execute(spoil)  # type: ignore[arg-type]
        for target in project().targets.values():
            differing = staging.compare(opened, postgres, target)
            row = postgres.execute(f"select count(*) from pg_temp.staging_{target.name}").fetchone()  # type: ignore[arg-type]
            counts[target.name] = (row[0] if row else -1, differing)
        raise psycopg.Rollback(transaction)
    return counts


def test_nothing_is_sent_of_what_stands_there_already(
    create_database: Callable[..., str], make_settings: Callable[..., Settings], schema_template: str
) -> None:
    """Amounts, times to the microsecond, nulls, before our era: as Postgres writes them, so do we."""
    settings = make_settings(create_database(schema_template))
    sample.generate(settings, scale=0.05, seed=3)
    with connection_to(settings) as connection:
        connection.execute("update invites set opened_at = '0044-03-15 12:00:00.05+00 BC' where opened_at is not null")
        refresh.run(settings, as_of=sample.END)
        assert set(compared(settings, connection).values()) == {(0, 0)}


@pytest.mark.parametrize(
    ("statement", "target", "rows"),
    [
        ("update analytics.agent_leaderboard set avatar = ''", "agent_leaderboard", 2),
        ("update analytics.agent_leaderboard set avatar = '\\N'", "agent_leaderboard", 2),
        ("update analytics.agent_leaderboard set tier = null", "agent_leaderboard", 2),
        ("update analytics.agent_leaderboard set total_earnings = 'NaN'", "agent_leaderboard", 2),
        ("update analytics.agent_leaderboard set agent_name = agent_name || E'\\r\\n'", "agent_leaderboard", 2),
        ("update analytics.agent_leaderboard set agent_name = '\"' || agent_name || '\",=x'", "agent_leaderboard", 2),
        ("delete from analytics.conversion_funnels where stage_number = 1", "conversion_funnels", 5),
        ("update contact_engagement set last_invite_sent_at = 'infinity'", "contact_engagement", 1),
        ("update users set rating = 0.1 where role = 'sponsor'", "users", 1),
        ("insert into analytics.brand_leaderboard (sponsor_id) select user_id from agent_profiles",
         "brand_leaderboard", 2),
        ("insert into brand_reputations (sponsor_id) select user_id from agent_profiles", "brand_reputations", 2),
    ],
)  # fmt: skip
def test_whatever_stands_there_otherwise_is_found(
    settings: Settings, postgres: Other, statement: str, target: str, rows: int
) -> None:
    found = compared(settings, postgres, statement)
    assert {name: differing for name, (_, differing) in found.items() if differing} == {target: rows}


def test_a_number_that_stands_there_in_other_words_is_sent_and_found_equal(settings: Settings, postgres: Other) -> None:
    """0.00 written as 0.000: the same amount."""
    found = compared(settings, postgres, "update analytics.agent_leaderboard set total_earnings = 0.000")
    assert found["agent_leaderboard"] == (2, 0)


def test_targets_are_written_parents_before_children_and_our_own_before_the_application_s() -> None:
    places = [project().targets[name].schema for name in publish.order()]
    assert places == ["analytics"] * 3 + ["public"] * 6
    assert publish.order()[3:5] == ("users", "agent_profiles")
    assert sorted(publish.order()) == list(publish.targets())
