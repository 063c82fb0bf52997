"""A metric is published by what its file says: no other file is touched, whatever types its columns have."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from si_analytics import refresh, schema
from si_analytics.definitions import loading
from si_analytics.errors import DefinitionError
from si_analytics.settings import Settings
from tests.support import worlds
from tests.support.worlds import AS_OF, Build

FILE = """\
-- sponsor_days: what each sponsor agreed to, by its first day.
--
-- +++
-- grain = "one row per sponsor with a deal"
-- inputs = "raw.deals"
-- order = "sponsor_id"
--
-- [params]
-- as_of = "timestamptz, exclusive"
--
-- [columns]
-- sponsor_id = "user id of the sponsor"
-- first_day = "the day of its first deal, in UTC"
-- is_large = "whether any deal is worth more than 100"
-- deals = ["deals", "deals with the sponsor"]
-- share = ["ratio, 0 to 1", "share of the deals that are completed"]
-- statuses = "the statuses of the deals, each once, in order"
-- amounts = ["usd", "amounts of the deals, the largest first"]
--
-- [targets.sponsor_days]
-- table = "analytics.sponsor_days"
-- key = "sponsor_id"
-- indexes = { by_day = "first_day" }
--
-- [targets.sponsor_days.types]
-- sponsor_id = "uuid"
-- first_day = "date"
-- is_large = "boolean not null"
-- deals = "integer"
-- share = "double precision"
-- statuses = "text[]"
-- amounts = "numeric[]"
-- +++

select
    sponsor_id,
    cast(min(created_at) as date) as first_day,
    max(amount) > 100 as is_large,
    cast(count(*) as integer) as deals,
    cast(avg(case when status = 'completed' then 1 else 0 end) as double) as share,
    list_sort(list(distinct status)) as statuses,
    list(amount order by amount desc) as amounts
from raw.deals
where created_at < $as_of
group by sponsor_id
order by sponsor_id
"""
Postgres = psycopg.Connection[Any]


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of `sql/` with the file in it, which the library reads in its place."""
    copied = tmp_path / "sql"
    shutil.copytree(loading.root(), copied)
    (copied / "metrics" / "sponsor_days.sql").write_text(FILE, encoding="utf-8")
    monkeypatch.setattr(loading, "root", lambda: copied)
    monkeypatch.setattr(loading, "RECHECK_SECONDS", 0)
    return copied


def market() -> Build:
    """Two deals of one sponsor, of 100.00 and 250.50, the second completed; one of another, at no known status."""
    build = Build()
    influencer, one, other = build.influencer(), build.sponsor(), build.sponsor()
    build.deal(influencer, one, amount=Decimal("100.00"), created_at=datetime(2026, 1, 5, tzinfo=UTC), status="active")
    build.deal(
        influencer, one, amount=Decimal("250.50"), created_at=datetime(2026, 2, 5, tzinfo=UTC), status="completed"
    )
    build.deal(influencer, other, amount=Decimal("1.00"), created_at=datetime(2026, 3, 5, tzinfo=UTC), status=None)
    return build


@pytest.mark.usefixtures("copy")
def test_a_board_of_any_types_is_built_and_published_and_follows_what_changes(
    settings: Settings, postgres: Postgres
) -> None:
    worlds.insert(postgres, market().world)
    schema.apply(settings)
    refresh.run(settings, as_of=AS_OF)
    query = "select first_day, is_large, deals, share, statuses, amounts from sponsor_days order by first_day"
    rows = postgres.execute(query).fetchall()
    assert rows[0][:4] == (date(2026, 1, 5), True, 2, 0.5)
    assert rows[0][4] == ["active", "completed"]
    assert [str(amount) for amount in rows[0][5]] == ["250.50", "100.00"]
    assert rows[1][:4] == (date(2026, 3, 5), False, 1, 0.0)
    again = refresh.run(settings, as_of=AS_OF)
    assert again.changed["sponsor_days"] == 0
    postgres.execute("update deals set amount = 300.00 where amount = 1.00")
    later = refresh.run(settings, as_of=AS_OF)
    assert later.changed["sponsor_days"] == 1
    assert schema.diff(settings) == []


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("-- [targets.sponsor_days.types]", '-- columns = "deals"\n--\n-- [targets.sponsor_days.types]', "needs types"),
        ('-- sponsor_id = "uuid"\n', "", "do not begin with its key"),
        ('indexes = { by_day = "first_day" }', 'every = "brands"', "Did you mean 'brand'"),
        ('-- deals = "integer"', '-- offers = "integer"', "offers"),
    ],
)
def test_a_target_that_cannot_be_is_told_before_anything_runs(copy: Path, old: str, new: str, found: str) -> None:
    path = copy / "metrics" / "sponsor_days.sql"
    path.write_text(FILE.replace(old, new), encoding="utf-8")
    with pytest.raises(Exception, match=found) as told:
        _ = loading.project().targets
    assert isinstance(told.value, DefinitionError | LookupError)
