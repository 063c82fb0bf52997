"""The checks: every file of ``sql/checks`` as an asset check on the table it is about.

Belongs here: one step for the checks that need raw rows only, which can stop a refresh before anything
is computed, and one for each metric that others are about. A blocking check that finds rows stops what
comes after its table; a warning is shown.
May import: `dagster`, `si_analytics`, `pipelines.descriptions`, `pipelines.results`, `pipelines.resources`.
"""

from collections.abc import Iterator
from itertools import groupby

import dagster as dg

from pipelines import descriptions, results
from pipelines.resources import RefreshResource
from si_analytics import checks, metrics, sql


def asset_checks() -> list[dg.AssetChecksDefinition]:
    """Every check, in the step it belongs to."""
    files = sql.read_all("checks")
    early = [file for file in files if checks.reads_only_raw(file.name)]
    late = sorted((file for file in files if file not in early), key=_subject)
    steps = [(f"check_{key.path[-1]}", list(group)) for key, group in groupby(late, key=_subject)]
    return [_step(name, group) for name, group in [("check_raw", early), *steps] if group]


def _step(name: str, files: list[sql.SqlFile]) -> dg.AssetChecksDefinition:
    file_of = {spec.key: file for file in files for spec in [_spec(file)]}

    @dg.multi_asset_check(
        name=name,
        description="Each returns the rows that are wrong; blocking ones stop the refresh.",
        specs=[_spec(file) for file in files],
        can_subset=True,
        pool=descriptions.POOL,
    )
    def check(context: dg.AssetCheckExecutionContext, refresh: RefreshResource) -> Iterator[dg.AssetCheckResult]:
        with refresh.step(context) as run:
            chosen = [key for key in file_of if key in context.selected_asset_check_keys]
            found = {key: run.check(file_of[key].name) for key in chosen}
            for key, result in found.items():
                yield dg.AssetCheckResult(
                    passed=result.passed,
                    asset_key=key.asset_key,
                    check_name=key.name,
                    severity=_severity(result.name),
                    description="Nothing found." if result.passed else f"{result.rows:,} found: {result.summary}",
                    metadata=results.checked(result),
                )
            checks.require_passed(list(found.values()))

    return check


def _spec(file: sql.SqlFile) -> dg.AssetCheckSpec:
    subject = _subject(file)
    return dg.AssetCheckSpec(
        file.name,
        asset=subject,
        additional_deps=[key for key in descriptions.inputs(file.listed("Inputs")) if key != subject],
        description=descriptions.description(file),
        blocking=checks.severity(file.name) == checks.BLOCKING,
        metadata=descriptions.metadata(file),
    )


def _subject(file: sql.SqlFile) -> dg.AssetKey:
    """The table a check is about: the metric it reads that is computed last, else its first table.

    The last, because what a blocking check is about holds up all that is computed from it.
    """
    read = {key.path[1]: key for key in descriptions.inputs(file.listed("Inputs"))}
    computed = [name for name in metrics.names() if read.get(name) == descriptions.key("metrics", name)]
    return read[computed[-1]] if computed else next(iter(read.values()))


def _severity(name: str) -> dg.AssetCheckSeverity:
    return dg.AssetCheckSeverity.ERROR if checks.severity(name) == checks.BLOCKING else dg.AssetCheckSeverity.WARN
