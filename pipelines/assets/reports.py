"""Files for people, made from the published warehouse.

May import: `dagster`, `si_analytics`, `pipelines.descriptions`.
"""

import dagster as dg

from pipelines import descriptions
from si_analytics import export, settings

GROUP = "reports"

# The page shows a refresh only after it was published, though it reads the warehouse.
_SHOWN = ("agent_leaderboard", "agent_performance_metrics", "brand_leaderboard", "conversion_funnels")


def assets() -> list[dg.AssetsDefinition]:
    """The dashboard: a single HTML file that opens from disk."""

    @dg.asset(
        key=descriptions.key(GROUP, "dashboard"),
        deps=[descriptions.key("published", target) for target in _SHOWN],
        group_name=GROUP,
        description="The leaderboard, agents' performance, brands and funnels on one page, a file that opens in any"
        " browser without a server.",
        kinds={"html"},
        owners=descriptions.OWNERS,
        op_tags=descriptions.AFTER_ALL,
        freshness_policy=descriptions.FRESH_WEEKLY,
    )
    def dashboard(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]
        path = export.dashboard(settings.load())
        return dg.MaterializeResult(metadata={"file": dg.MetadataValue.path(path), "bytes": path.stat().st_size})

    return [dashboard]
