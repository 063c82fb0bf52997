"""Where a login with fewer rights reads each table: the table itself, or the view that shows the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg
import pytest
from psycopg import sql as pg_sql
from pydantic import SecretStr

from si_analytics import extract
from si_analytics.definitions import project
from si_analytics.errors import ExtractError
from si_analytics.schema import roles
from si_analytics.settings import Settings
from tests.support.extractions import address, extraction

DIGESTED = {name for name, one in project().sources.items() if one.digests}
"""Of these a digest is shown by the view, and a column of the table is closed to si_reader."""
CHANGES = (
    "update deals set amount = amount + 1 where id in (select id from deals order by id limit 3)",
    "delete from user_reviews where id in (select id from user_reviews order by id limit 2)",
    "update connected_wallets set address = address || 'x' where id = (select id from connected_wallets limit 1)",
    "insert into contacts (agent_id, name, source) select agent_id, 'New', source from contacts limit 1",
)


@dataclass(frozen=True)
class Lesser:
    """A filled database: its owner's settings, a connection of the owner's, and a login that is given rights."""

    owner: Settings
    login: Settings
    postgres: psycopg.Connection
    role: pg_sql.Identifier

    def run(self, *statements: str) -> None:
        """Statements of the owner's; {} is the login."""
        for statement in statements:
            self.postgres.execute(pg_sql.SQL(statement).format(self.role))  # type: ignore[arg-type]


@pytest.fixture
def settings(make_sampled: Callable[[float, int], Settings]) -> Settings:
    return make_sampled(0.02, 5)


@pytest.fixture
def lesser(settings: Settings, postgres: psycopg.Connection) -> Iterator[Lesser]:
    roles.apply(settings)
    name = f"lesser_{postgres.info.backend_pid}"
    url = address(settings).replace("postgres@", f"{name}@", 1)
    login = settings.model_copy(update={"postgres_url": SecretStr(url)})
    made = Lesser(settings, login, postgres, pg_sql.Identifier(name))
    made.run("create role {} login")
    yield made
    made.run("drop owned by {}", "drop role {}")


def places(lesser: Lesser) -> dict[str, bool]:
    """Read everything as the login, change some rows, read again; whether each table was read itself."""
    with extraction(lesser.owner) as reading:
        reading.settings = lesser.login
        assert {one.mode for one in reading.refresh().values()} == {extract.FULL}
        reading.assert_equal()
        lesser.run(*CHANGES)
        found = reading.refresh()
        reading.assert_equal()
        assert {one.mode for one in found.values()} == {extract.INCREMENTAL}
        assert (found["deals"].updated, found["user_reviews"].deleted, found["contacts"].inserted) == (3, 2, 1)
        with extract.snapshot(reading.connection, lesser.login) as held:
            return {name: one.direct for name, one in held.sources.items()}


def test_si_reader_reads_the_tables_themselves(lesser: Lesser) -> None:
    """But for those of which it may read a digest alone."""
    lesser.run("grant si_reader to {}")
    assert {name for name, direct in places(lesser).items() if not direct} == DIGESTED != set()


def test_who_has_the_views_alone_reads_through_them(lesser: Lesser) -> None:
    lesser.run("grant usage on schema analytics to {}", "grant select on analytics.refreshes to {}")
    for table in extract.tables():
        lesser.run(f"grant select on analytics.source_{table} to {{}}")
    assert set(places(lesser).values()) == {False}


def test_a_table_whose_policies_would_hide_rows_is_read_through_its_view(lesser: Lesser) -> None:
    lesser.run("grant si_reader to {}", "alter table deals enable row level security")
    assert {name for name, direct in places(lesser).items() if not direct} == {"deals"} | DIGESTED


def test_who_passes_by_policies_reads_the_table_itself(lesser: Lesser) -> None:
    lesser.run("grant si_reader to {}", "alter table deals enable row level security", "alter role {} bypassrls")
    assert {name for name, direct in places(lesser).items() if not direct} == DIGESTED


@pytest.mark.parametrize("column", ["amount", "xmin", "ctid"])
def test_a_table_of_which_a_column_is_closed_is_read_through_its_view(lesser: Lesser, column: str) -> None:
    lesser.run("grant si_reader to {}", f"revoke select ({column}) on deals from si_reader")
    assert {name for name, direct in places(lesser).items() if not direct} == {"deals"} | DIGESTED


def test_where_table_and_view_are_closed_reading_says_which_and_what_to_do(lesser: Lesser) -> None:
    lesser.run("grant si_reader to {}", "revoke select (amount) on deals from si_reader")
    lesser.run("revoke select on analytics.source_deals from si_reader")
    with pytest.raises(ExtractError, match=r"may read neither deals nor the views made of them\. Grant it .*si_reader"):
        places(lesser)


def test_where_policies_would_hide_rows_and_no_view_shows_them_reading_is_refused(lesser: Lesser) -> None:
    lesser.run("grant si_reader to {}", "alter table deals enable row level security")
    lesser.run("revoke select on analytics.source_deals from si_reader")
    with pytest.raises(ExtractError, match=r"row-level security policy.*si doctor"):
        places(lesser)
