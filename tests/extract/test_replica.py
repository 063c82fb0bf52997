"""Reading at a standby and publishing to its primary: the same rows, one snapshot, changes only, conflicts, lag."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import psycopg
import pytest
from pydantic import SecretStr

from si_analytics import extract, load, refresh, sample, schema
from si_analytics.errors import InterruptedReadError, ServerError, SettingsError
from si_analytics.extract import source
from si_analytics.health import doctor, replica
from si_analytics.health.findings import Verdict
from si_analytics.postgres import embedded
from si_analytics.refresh import Refresh, watch
from si_analytics.schema import roles
from si_analytics.settings import Settings
from tests.support import outside, pipeline_runs, standbys, worlds
from tests.support.commands import Si
from tests.support.interruptions import Breaker, Waits
from tests.support.published_tables import assert_published, connection_to
from tests.support.standbys import Pair

ATTEMPTS = 4


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    """A primary and a standby that ends at once whatever stands in its way."""
    with standbys.running(outside.installed_binaries() or embedded.binaries()) as running:
        with psycopg.connect(running.standby.url, autocommit=True) as connection:
            connection.execute("alter system set max_standby_streaming_delay = 0")
            connection.execute("select pg_reload_conf()")
        yield running


@pytest.fixture(scope="module")
def market(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a database of the primary with a sampled marketplace, to be copied."""
    name = pair.primary.create_database()
    made = at(pair, name, tmp_path_factory.mktemp("market"))
    schema.apply(made)
    sample.generate(made, scale=0.02, seed=3)
    return name


@pytest.fixture
def both(pair: Pair, market: str, tmp_path: Path) -> Iterator[Settings]:
    """A sampled marketplace of the test's own, read at the standby and published to the primary."""
    made = at(pair, pair.primary.create_database(template=market), tmp_path)
    pair.catch_up()
    yield made
    pair.catch_up()


def at(pair: Pair, database: str, home: Path) -> Settings:
    return Settings(
        _env_file=None,  # type: ignore[call-arg]
        postgres_url=SecretStr(pair.primary.url_of(database)),
        source_url=SecretStr(pair.standby.url_of(database)),
        home=home,
        warehouse=home / "w.duckdb",
    )


def name_of(settings: Settings) -> str:
    with connection_to(settings) as connection:
        return connection.info.dbname


def write(settings: Settings) -> int:
    """Change some commissions on the primary; how many."""
    with connection_to(settings) as connection:
        return connection.execute(
            "update transactions set amount = amount + 1 where type = 'agent_commission' and status = 'completed'"
        ).rowcount


def modes(report: refresh.RefreshReport) -> dict[str, str]:
    """How each table was read, and why."""
    return {one.table: one.reason or one.mode for one in report.extracts}


def assert_changes_alone(report: refresh.RefreshReport) -> None:
    """Nothing was read in full but tables of which most rows had changed."""
    assert set(modes(report).values()) <= {extract.INCREMENTAL, "most of its rows changed"}
    assert modes(report)["transactions"] == extract.INCREMENTAL


def test_what_is_read_at_the_standby_is_published_to_the_primary_and_then_read_as_changes(
    both: Settings, pair: Pair
) -> None:
    refresh.run(both, as_of=sample.END)
    changed = write(both)
    pair.catch_up()
    report = refresh.run(both, as_of=sample.END)
    assert_changes_alone(report)
    assert {one.table: one.updated for one in report.extracts}["transactions"] == changed > 0
    with connection_to(both) as primary:
        assert_published(primary, worlds.read(primary), sample.END)


def test_a_standby_that_has_not_replayed_the_last_refresh_is_read_as_changes_all_the_same(
    both: Settings, pair: Pair
) -> None:
    """It is held back before anything is published; what it replays next is the record and the change."""
    refresh.run(both, as_of=sample.END)
    pair.catch_up()
    write(both)
    pair.catch_up()
    pair.hold()
    refresh.run(both, as_of=sample.END)
    assert pair.ask(pair.standby, "select count(*) from analytics.refreshes", name_of(both)) == 1
    again = refresh.run(both, as_of=sample.END)
    assert set(modes(again).values()) == {extract.INCREMENTAL}
    assert again.rows_written == 0
    assert not watch.look(both).changed


def test_a_standby_behind_the_place_that_was_read_last_is_read_in_full(both: Settings, pair: Pair) -> None:
    """The warehouse was read at the primary, beyond what the standby shows: changes cannot be told from there."""
    pair.hold()
    write(both)
    refresh.run(both.model_copy(update={"source_url": None}), as_of=sample.END)
    report = refresh.run(both, as_of=sample.END)
    assert {one.mode for one in report.extracts} == {extract.FULL}
    pair.catch_up()
    refresh.run(both, as_of=sample.END)
    with connection_to(both) as primary:
        assert_published(primary, worlds.read(primary), sample.END)


def test_what_was_read_at_the_primary_is_brought_up_to_date_at_the_standby(both: Settings, pair: Pair) -> None:
    refresh.run(both.model_copy(update={"source_url": None}), as_of=sample.END)
    write(both)
    pair.catch_up()
    assert_changes_alone(refresh.run(both, as_of=sample.END))
    with connection_to(both) as primary:
        assert_published(primary, worlds.read(primary), sample.END)


def test_every_table_is_read_in_one_snapshot_of_the_standby(both: Settings, pair: Pair) -> None:
    """Rows that arrive once the first table was read are in none: not in large ones either, read by many threads."""
    with connection_to(both) as primary:
        user, conversation = primary.execute(
            "select sender_id, conversation_id from messages order by id limit 1"
        ).fetchone() or (None, None)
        many = (
            "insert into messages (conversation_id, sender_id, content)"
            " select %s, %s, repeat('x', 200) from generate_series(1, 60000)"
        )
        primary.execute(many, [conversation, user])
        primary.execute("analyze messages")
        pair.catch_up()

        def more() -> None:
            primary.execute(many, [conversation, user])
            pair.catch_up()

        breaker = Breaker(more, 1)
        held = pair.ask(pair.standby, "select count(*) from messages", name_of(both))
        with Refresh(both, sample.END, listen=breaker) as running:
            found = {one.table: one.rows for one in running.extract()}
    assert breaker.broken == 1
    assert found["messages"] == held


def clear_away(settings: Settings, pair: Pair) -> Callable[[], None]:
    """Make the primary remove row versions that a snapshot of the standby still sees, and the standby replay it."""

    def breaking() -> None:
        with connection_to(settings) as primary:
            primary.execute("update transactions set amount = amount + 1")
            primary.execute("vacuum transactions")
        pair.catch_up()

    return breaking


def test_a_reading_that_the_standby_ends_to_go_on_replaying_is_begun_anew(both: Settings, pair: Pair) -> None:
    breaker, waits = Breaker(clear_away(both, pair), 2), Waits()
    with Refresh(both, sample.END, listen=breaker, sleep=waits) as running:
        running.extract()
        running.publish()
        running.finish()
    assert breaker.broken == 2
    assert waits.asked[:2] == [1.0, 2.0]
    with connection_to(both) as primary:
        assert_published(primary, worlds.read(primary), sample.END)


def test_a_standby_that_ends_every_reading_is_one_sentence_that_names_its_settings(both: Settings, pair: Pair) -> None:
    breaker, waits = Breaker(clear_away(both, pair), ATTEMPTS), Waits()
    with (
        Refresh(both, sample.END, listen=breaker, sleep=waits) as running,
        pytest.raises(InterruptedReadError, match=r"where a standby has to go on replaying.*hot_standby_feedback"),
    ):
        running.extract()
    assert breaker.broken == ATTEMPTS
    with connection_to(both) as primary:
        assert primary.execute("select count(*) from analytics.refreshes").fetchone() == (0,)


def test_a_statement_that_the_standby_ends_says_why(both: Settings, pair: Pair) -> None:
    """It is at work, so that the server's own words arrive: they are those of a reading that is to be begun anew."""
    behind_it = threading.Timer(1.0, clear_away(both, pair))
    with (
        duckdb.connect() as connection,
        pytest.raises(InterruptedReadError, match=r"the standby ended it.*feedback"),
        extract.snapshot(connection, both),
    ):
        behind_it.start()
        source.ask(connection, "select count(*), pg_sleep(20) from public.transactions")
    behind_it.join()


def test_the_command_line_reads_at_the_standby_also_to_tell_what_would_be_written(
    both: Settings, pair: Pair, si: Si
) -> None:
    run = si(both)
    end = sample.END.isoformat()
    assert run("refresh", "--as-of", end).code == 0
    write(both)
    pair.catch_up()
    told = run("refresh", "--dry-run", "--as-of", end, "--json")
    assert told.code == 0, told.err
    assert told.document["counts"]["agent_performance_metrics"]["update"] > 0
    with connection_to(both) as primary:
        assert primary.execute("select count(*) from analytics.refreshes").fetchone() == (1,)
    assert run("refresh", "--as-of", end).code == 0
    with connection_to(both) as primary:
        assert_published(primary, worlds.read(primary), sample.END)


def test_the_pipelines_read_at_the_standby_and_publish_to_the_primary(
    both: Settings, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline_runs.in_environment(monkeypatch, both)
    assert pipeline_runs.launch("refresh_metrics", as_of=sample.END.isoformat()).success
    write(both)
    pair.catch_up()
    assert pipeline_runs.launch("refresh_metrics", as_of=sample.END.isoformat()).success
    with connection_to(both) as primary:
        assert_published(primary, worlds.read(primary), sample.END)
    with duckdb.connect(str(both.warehouse), read_only=True) as connection:
        read = connection.sql(
            "select mode from meta.extracts where table_name = 'transactions' and refresh_id ="
            " (select refresh_id from meta.refreshes order by number desc limit 1)"
        )
        assert read.fetchall() == [(extract.INCREMENTAL,)]
    assert not watch.look(both).changed


def test_a_look_at_the_standby_sees_what_it_has_replayed_and_remembers_how_far(both: Settings, pair: Pair) -> None:
    refresh.run(both, as_of=sample.END)
    pair.catch_up()
    first = watch.look(both)
    assert not first.changed
    pair.hold()
    write(both)
    assert not watch.look(both, first.cursor).changed
    pair.catch_up()
    second = watch.look(both, first.cursor)
    assert second.tables == ("transactions",)
    refresh.run(both, as_of=sample.END)
    pair.catch_up()
    third = watch.look(both, second.cursor)
    assert not third.changed
    assert watch.look(both, third.cursor).reason == "Postgres wrote nothing since the last look"


def test_a_refresh_describes_the_moment_the_standby_shows(both: Settings, pair: Pair) -> None:
    """A standby that is held back knows nothing of what came since: that is not to look like a quiet time."""
    with connection_to(both) as primary:
        pair.hold()
        shown = pair.ask(pair.standby, "select pg_last_xact_replay_timestamp()")
        time.sleep(0.5)
        primary.execute("select pg_current_xact_id()")
        pair.fall_behind()
        report = refresh.run(both)
    assert report.as_of == shown
    pair.catch_up()
    before = datetime.now(UTC)
    assert refresh.run(both).as_of >= before


def acts(folder: Path) -> dict[str, Callable[[Settings], object]]:
    (folder / "users.csv").write_text("email,password_hash,name,role\nana@shop.example,x,Ana,influencer\n")
    return {
        "refresh": refresh.run,
        "preview": refresh.preview,
        "apply": schema.apply,
        "diff": schema.diff,
        "roles": roles.apply,
        "sample": lambda settings: sample.generate(settings, scale=0.01),
        "load": lambda settings: load.load(settings, folder),
    }


def test_a_standby_as_the_only_address_is_recognised_before_anything_is_read(
    both: Settings, pair: Pair, tmp_path: Path
) -> None:
    alone = both.model_copy(update={"postgres_url": both.source_url, "source_url": None})
    for name, act in acts(tmp_path).items():
        with pytest.raises(ServerError, match=r"it is a standby.*SI_POSTGRES_URL.*SI_SOURCE_URL") as caught:
            act(alone)
        assert pair.standby.password not in str(caught.value), name
    heard: list[str] = []
    with Refresh(alone, listen=lambda *step: heard.append(step[0])) as running, pytest.raises(ServerError):
        running.extract()
    assert heard == []
    found = [one for one in doctor.findings(alone, datetime.now(UTC)) if one.what == "source"]
    assert [one.verdict for one in found] == [Verdict.wrong]
    assert "SI_SOURCE_URL" in found[0].remedy


def test_a_standby_in_the_place_of_the_primary_is_recognised_as_well(both: Settings) -> None:
    with pytest.raises(ServerError, match="it is a standby"):
        refresh.run(both.model_copy(update={"postgres_url": both.source_url}))


def test_another_database_is_not_published_to(both: Settings, pair: Pair, settings: Settings, tmp_path: Path) -> None:
    """Neither another one of the same cluster nor one of another: ids of one market say nothing of another."""
    other = pair.primary.create_database()
    pair.catch_up()
    assert settings.postgres_url is not None
    for elsewhere in (pair.primary.url_of(other), settings.postgres_url.get_secret_value()):
        with pytest.raises(ServerError, match="neither the database that SI_POSTGRES_URL names nor a standby of it"):
            refresh.run(both.model_copy(update={"postgres_url": SecretStr(elsewhere)}))


def test_two_logins_of_one_server_read_and_publish(both: Settings, pair: Pair) -> None:
    """No standby at all: one login may read, another one write, and neither both."""
    roles.apply(both)
    with connection_to(both) as primary:
        logins = {}
        for role in (roles.READER, roles.PUBLISHER):
            primary.execute(f"create role login_{role} login password 'a-word'")  # type: ignore[arg-type]
            primary.execute(f"grant {role} to login_{role}")  # type: ignore[arg-type]
            logins[role] = SecretStr(pair.primary.url_of(primary.info.dbname, f"login_{role}", "a-word"))
    apart = both.model_copy(update={"source_url": logins[roles.READER], "postgres_url": logins[roles.PUBLISHER]})
    refresh.run(apart, as_of=sample.END)
    write(both)
    assert_changes_alone(refresh.run(apart, as_of=sample.END))
    found = {one.what: one for one in doctor.findings(apart, datetime.now(UTC))}
    assert found["rights"].found == "may read 29 tables, write 9 and refresh 3 views"
    assert found["source"].found == "the same server as results are published to"
    swapped = both.model_copy(update={"source_url": logins[roles.PUBLISHER], "postgres_url": logins[roles.READER]})
    lacking = [one.found for one in doctor.findings(swapped, datetime.now(UTC)) if one.what == "rights"]
    assert any(one.startswith("the user of SI_SOURCE_URL lacks select on public.deals") for one in lacking)
    with connection_to(both) as primary:
        for role in logins:
            primary.execute(f"drop role login_{role}")  # type: ignore[arg-type]


def test_doctor_shows_how_far_the_standby_is_behind(both: Settings, pair: Pair) -> None:
    def told() -> str:
        (found,) = (one for one in doctor.findings(both, datetime.now(UTC)) if one.what == "source")
        assert found.verdict is Verdict.well
        return found.found

    pair.catch_up()
    assert told().startswith("a standby that has replayed all that the primary has written")
    assert "hot_standby_feedback is off" in told()
    pair.hold()
    with connection_to(both) as primary:
        primary.execute("create table filler as select repeat('x', 1000) from generate_series(1, 5000)")
    assert told().startswith("a standby ")
    megabytes = float(told().split()[2])
    assert 4 < megabytes < 50
    assert "behind the primary, showing what was less than a minute ago" in told()


def test_doctor_warns_of_a_standby_that_shows_what_was_long_ago(
    both: Settings, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import timedelta

    monkeypatch.setattr(replica, "_LATE", timedelta(0))
    pair.hold()
    write(both)
    (found,) = (one for one in doctor.findings(both, datetime.now(UTC)) if one.what == "source")
    assert found.verdict is Verdict.notable


def test_both_addresses_are_shown_without_their_secrets(both: Settings, pair: Pair) -> None:
    found = {one.what: one.found for one in doctor.findings(both, datetime.now(UTC))}
    assert f"127.0.0.1:{pair.standby.port}" in found["SI_SOURCE_URL"]
    assert f"127.0.0.1:{pair.primary.port}" in found["SI_POSTGRES_URL"]
    assert not any(pair.primary.password in text for text in found.values())
    assert found["source Postgres"].endswith(" as postgres")
    assert found["source clock"] == found["clock"]
    assert pair.primary.password not in repr(both)


def test_what_is_wrong_with_the_address_of_the_source_names_its_setting(both: Settings) -> None:
    cases = {
        "mysql://x": SettingsError,
        "postgresql://postgres:wrong@127.0.0.1:1/shop": ServerError,
    }
    for address, kind in cases.items():
        with pytest.raises(kind) as caught:
            refresh.run(both.model_copy(update={"source_url": SecretStr(address)}))
        assert "SI_SOURCE_URL" in str(caught.value)
        assert "SI_POSTGRES_URL" not in str(caught.value)
        assert "wrong" not in str(caught.value)


def test_a_source_without_a_target_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from si_analytics import settings

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SI_POSTGRES_URL", raising=False)
    monkeypatch.setenv("SI_SOURCE_URL", "postgresql://a:hunter2@b/c")
    with pytest.raises(SettingsError, match="SI_SOURCE_URL: its value is set without SI_POSTGRES_URL") as caught:
        settings.load()
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("later", "earlier", "follows"),
    [
        ("1/100", "1/100", True),
        ("1/101", "1/100", True),
        ("1/99", "1/100", False),
        ("2/101", "1/100", False),  # promoted since: what was written on the old timeline may be gone
        ("1/100", None, False),
    ],
)
def test_a_server_went_through_a_place_of_its_own_timeline_alone(
    later: str, earlier: str | None, follows: bool
) -> None:
    position = source.Position.read(later)
    assert position is not None
    assert position.follows(source.Position.read(earlier)) is follows
    assert str(position) == later
