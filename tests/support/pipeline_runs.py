"""Runs of the pipelines in tests: the way of settings into the environment, and what a run left behind.

Belongs here: launching what people launch, in this process, on an instance of the test's own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import dagster as dg
import duckdb
import psycopg
import pytest

from pipelines.definitions import defs
from si_analytics.settings import Settings

Rows = list[tuple[Any, ...]]
Launch = Callable[..., dg.ExecuteInProcessResult]


def in_environment(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """Let whatever loads its own settings find these."""
    assert settings.postgres_url is not None
    monkeypatch.setenv("SI_POSTGRES_URL", settings.postgres_url.get_secret_value())
    if settings.source_url is not None:
        monkeypatch.setenv("SI_SOURCE_URL", settings.source_url.get_secret_value())
    monkeypatch.setenv("SI_SOURCE_SCHEMA", settings.source_schema)
    monkeypatch.setenv("SI_HOME", str(settings.home))
    monkeypatch.setenv("SI_WAREHOUSE", str(settings.warehouse))
    monkeypatch.setenv("SI_CURRENCY", settings.currency)
    monkeypatch.setenv("SI_TIMEZONE", settings.timezone)


def launch(job: str, **config: str | bool | list[str]) -> dg.ExecuteInProcessResult:
    """Run a job, as its launch button does; `config` is what its form is filled with."""
    return (
        defs()
        .resolve_job_def(job)
        .execute_in_process(run_config=config, raise_on_error=False, instance=dg.DagsterInstance.ephemeral())
    )


def materialize(*chosen: str) -> dg.ExecuteInProcessResult:
    """Materialise these assets (``metrics/user_ratings``; ``raw`` for a group) with their checks, in one run.

    As in the UI, an asset brings along all that its step makes.
    """
    loaded = defs()
    graph = loaded.resolve_asset_graph()
    named = {k for k in graph.get_all_asset_keys() if k.to_user_string() in chosen or k.path[0] in chosen}
    keys = {key for one in named for key in graph.get(one).execution_set_asset_keys}
    job = loaded.resolve_implicit_global_asset_job_def()
    return job.execute_in_process(
        asset_selection=sorted(keys), raise_on_error=False, instance=dg.DagsterInstance.ephemeral()
    )


def failures(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    """What the steps that failed said, by step: the innermost message."""
    found = {}
    for event in result.all_events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            while error is not None and error.cause is not None:
                error = error.cause
            found[event.step_key] = error.message if error else ""
    return found


def shown(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, Any]:
    """The metadata of an asset's materialisation."""
    events = result.asset_materializations_for_node(_step(asset)) if _step(asset) else []
    found = [event for event in events if event.asset_key.to_user_string() == asset]
    assert len(found) == 1, f"{asset} was materialised {len(found)} times"
    return {name: value.value for name, value in found[0].metadata.items()}


def _step(asset: str) -> str:
    group, name = asset.split("/")
    return {"raw": "extract", "published": "publish", "operational": "apply_schema"}.get(group, f"{group}__{name}")


def warehouse_tables(settings: Settings, schemas: Sequence[str] = ("raw", "metrics")) -> dict[str, Rows]:
    """Every row of every table of the published warehouse, in the order it is stored in."""
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        names = connection.sql("select schema_name, table_name from duckdb_tables() order by all").fetchall()
        return {f"{s}.{t}": connection.table(f"{s}.{t}").fetchall() for s, t in names if s in schemas}


PUBLISHED = {
    "agent_leaderboard": "select * from public.agent_leaderboard order by rank",
    "brand_leaderboard": "select * from public.brand_leaderboard order by rank",
    "conversion_funnels": "select * from public.conversion_funnels order by funnel, stage_number",
    "agent_performance_metrics": "select to_jsonb(m) - 'updated_at'"
    " from agent_performance_metrics as m order by user_id",
    "brand_reputations": "select to_jsonb(b) - 'updated_at' from brand_reputations as b order by sponsor_id",
    "contact_engagement": "select to_jsonb(e) - 'updated_at' from contact_engagement as e order by contact_id",
    "users": "select id, rating, review_count from users order by id",
    "agent_profiles": "select user_id, total_earnings, recruit_satisfaction_score, recruit_satisfaction_count"
    " from agent_profiles order by user_id",
    "invite_templates": "select id, times_used, acceptance_rate from invite_templates order by id",
}
"""What each published target holds, without what a database makes up itself."""


def published_tables(settings: Settings) -> dict[str, Rows]:
    """Every row that a refresh has published."""
    assert settings.postgres_url is not None
    with psycopg.connect(settings.postgres_url.get_secret_value(), options="-c TimeZone=UTC") as connection:
        return {target: connection.execute(query).fetchall() for target, query in PUBLISHED.items()}


def drawn(loaded: dg.Definitions) -> list[str]:
    """The asset graph as text: a line for each asset, with those it is made from."""
    graph = loaded.resolve_asset_graph()
    lines = []
    for key in sorted(graph.get_all_asset_keys()):
        parents = sorted(parent.to_user_string() for parent in graph.get(key).parent_keys)
        lines.append(f"{key.to_user_string()}{' <- ' if parents else ''}{', '.join(parents)}")
    return lines


if __name__ == "__main__":
    print("\n".join(drawn(defs())))
