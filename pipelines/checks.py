"""The checks: every file of ``sql/checks`` as an asset check on the table it is about.

Belongs here: one step for the checks that need raw rows only, which can stop a refresh before anything
is computed, and one step for each metric that other checks are about. A blocking check that finds rows stops what
depends on its table; a warning is only shown.
"""

from collections.abc import Iterator, Sequence

import dagster as dg

from pipelines import descriptions, results
from pipelines.resources import RefreshResource
from si_analytics.compute import checks, metrics
from si_analytics.definitions import Check


def asset_checks() -> list[dg.AssetChecksDefinition]:
    """Every check, in its step."""
    order = metrics.names()
    steps: dict[str, list[dg.AssetCheckSpec]] = {}
    for one in checks.every():
        spec = _spec(one, order)
        subject = "raw" if checks.reads_only_raw(one.name) else spec.asset_key.path[-1]
        steps.setdefault(f"check_{subject}", []).append(spec)
    return [_step(name, specs) for name, specs in sorted(steps.items())]


def _step(name: str, specs: Sequence[dg.AssetCheckSpec]) -> dg.AssetChecksDefinition:
    @dg.multi_asset_check(
        name=name,
        description="Each returns the rows that are wrong; blocking ones stop the refresh.",
        specs=specs,
        can_subset=True,
        pool=descriptions.POOL,
    )
    def check(context: dg.AssetCheckExecutionContext, refresh: RefreshResource) -> Iterator[dg.AssetCheckResult]:
        with refresh.step(context) as run:
            chosen = [spec.key for spec in specs if spec.key in context.selected_asset_check_keys]
            found = {key: run.check(key.name) for key in chosen}
            for key, result in found.items():
                yield _result(key, result)
            checks.require_passed(list(found.values()))

    return check


def _result(key: dg.AssetCheckKey, result: checks.CheckResult) -> dg.AssetCheckResult:
    blocking = result.severity == checks.BLOCKING
    return dg.AssetCheckResult(
        passed=result.passed,
        asset_key=key.asset_key,
        check_name=key.name,
        severity=dg.AssetCheckSeverity.ERROR if blocking else dg.AssetCheckSeverity.WARN,
        description="Nothing found." if result.passed else f"{result.rows:,} found: {result.summary}",
        metadata=results.checked(result),
    )


def _spec(one: Check, order: Sequence[str]) -> dg.AssetCheckSpec:
    subject, read = _subject(one, order), descriptions.inputs(one.inputs)
    return dg.AssetCheckSpec(
        one.name,
        asset=subject,
        additional_deps=[key for key in read if key != subject],
        description=descriptions.description(one),
        blocking=checks.severity(one.name) == checks.BLOCKING,
        metadata=descriptions.metadata(one),
    )


def _subject(one: Check, order: Sequence[str]) -> dg.AssetKey:
    """The table a check is about: the last metric in `order` that it reads, else its first table.

    The last, because a blocking check holds up everything computed from its table.
    """
    read = descriptions.inputs(one.inputs)
    computed = sorted((key for key in read if key.path[0] == "metrics"), key=lambda key: order.index(key.path[1]))
    return computed[-1] if computed else read[0]
