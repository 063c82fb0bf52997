"""`si refresh --dry-run`: each row that would be written, and nothing written anywhere."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import psycopg

from si_analytics import publish, refresh
from si_analytics.definitions import project
from si_analytics.settings import Settings
from tests.support import worlds
from tests.support.commands import Si
from tests.support.published_tables import small_world
from tests.support.worlds import AS_OF


def state(settings: Settings, postgres: psycopg.Connection[Any]) -> tuple[Any, ...]:
    """All that a refresh may write: the file, each target with its rows' versions, the record, and sequences drawn."""
    held = [
        postgres.execute(f"select *, xmin, xmax, ctid from {project().targets[name].table} order by 1").fetchall()  # type: ignore[arg-type]
        for name in publish.targets()
    ]
    return (
        settings.warehouse.read_bytes() if settings.warehouse.exists() else None,
        held,
        postgres.execute("select * from analytics.refreshes").fetchall(),
        postgres.execute("select last_value, is_called from fired").fetchall(),
    )


def test_a_dry_run_prints_each_row_and_writes_nothing_and_fires_no_trigger(
    si: Si, settings: Settings, postgres: psycopg.Connection[Any]
) -> None:
    """One agent earns 10.00; then 5.00 more, somebody's rating stands wrong, and an agent is an agent no longer."""
    build = small_world()
    leaving = build.agent()
    worlds.insert(postgres, build.world)
    postgres.execute("create sequence fired")
    postgres.execute(
        "create function count_firing() returns trigger language plpgsql set search_path = public"
        " as 'begin perform nextval(''fired''); return null; end'"
    )
    for table in ("users", "agent_profiles", "agent_performance_metrics", "brand_reputations"):
        postgres.execute(
            f"create trigger counted after insert or update or delete on {table} execute function count_firing()"  # type: ignore[arg-type]
        )
    command, arguments = si(settings), ("refresh", "--as-of", AS_OF.isoformat(), "--dry-run")
    before = state(settings, postgres)
    first = command(*arguments, "--json")
    assert (first.code, first.err) == (0, "")
    assert first.document["counts"]["agent_leaderboard"] == {"insert": 2, "update": 0, "delete": 0}
    assert first.document["counts"]["conversion_funnels"] == {"insert": 30, "update": 0, "delete": 0}
    assert state(settings, postgres) == before

    refresh.run(settings, as_of=AS_OF)
    agent = build.world["agent_profiles"][0]["user_id"]
    postgres.execute("delete from agent_profiles where user_id = %s", [leaving])
    postgres.execute("update users set rating = 3.0 where id = %s", [agent])
    postgres.execute("update transactions set amount = 15.00")
    before = state(settings, postgres)
    told = command(*arguments, "--json").document
    shown = command(*arguments)
    assert state(settings, postgres) == before
    assert told["refused"] is None
    rows = {(row["target"], row["action"], next(iter(row["key"].values()))): row for row in told["rows"]}
    board = rows["agent_leaderboard", "update", str(agent)]
    assert (board["before"], board["after"]) == ({"total_earnings": "10.00"}, {"total_earnings": "15.00"})
    gone = rows["agent_leaderboard", "delete", str(leaving)]
    assert (gone["before"]["total_earnings"], gone["after"]) == ("0.00", {})
    assert ("agent_performance_metrics", "delete", str(leaving)) in rows
    assert told["counts"]["users"] == {"insert": 0, "update": 1, "delete": 0}
    assert f"{agent}  rating 3.0 -> 0" in shown.out
    assert shown.out.endswith("rows. Nothing was written\n")

    report = refresh.run(settings, as_of=AS_OF)
    assert {name: sum(counts.values()) for name, counts in told["counts"].items()} == report.changed
    assert postgres.execute("select total_earnings from agent_profiles").fetchall() == [(Decimal("15.00"),)]


def test_a_dry_run_says_what_the_gate_would_refuse(
    si: Si, settings: Settings, postgres: psycopg.Connection[Any]
) -> None:
    build = worlds.Build()
    for _ in range(3):
        build.transaction(build.agent(), amount="10.00")
    worlds.insert(postgres, build.world)
    refresh.run(settings, as_of=AS_OF)
    postgres.execute("delete from transactions")
    done = si(settings)("refresh", "--as-of", AS_OF.isoformat(), "--dry-run")
    assert done.code == 0
    assert "It would be refused: 3 of the 3 agents with earnings would have none" in done.err
    assert "total_earnings 10.00 -> 0.00" in done.out
