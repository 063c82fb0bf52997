"""Checks that compare a run's results with those of earlier runs: columns, and headline numbers.

Belongs here: which tables are compared, and judging the last headlines by those of earlier materialisations, from
Dagster's own record; Dagster compares the columns. They warn and stop nothing: a real jump is news, not a mistake.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import dagster as dg

from pipelines import descriptions, kpis
from si_analytics import extract
from si_analytics.compute import metrics

COLUMNS = "column_schema_change"
"""Dagster's name for its own check."""

HEADLINES = "headlines_as_usual"

_LOOKED_AT = 31
_FEWEST = 5
_SPREADS = 6.0
_SHARE = 0.3

Made = Mapping[str, dg.MetadataValue[Any]]


def asset_checks() -> list[dg.AssetChecksDefinition]:
    """The columns of every computed or read table, and the headline numbers of the metrics that have some."""
    read = [descriptions.key("raw", table) for table in extract.tables()]
    computed = [descriptions.key("metrics", name) for name in metrics.names()]
    return [*_columns(read), *_columns(computed), _headlines()]


def _columns(assets: Sequence[dg.AssetKey]) -> Sequence[dg.AssetChecksDefinition]:
    """Dagster's own check, one step for `assets`; the one of tables read also runs if a check stops the metrics."""
    with warnings.catch_warnings():
        # These checks are marked beta; our tests hold them to what we need.
        warnings.simplefilter("ignore", dg.BetaWarning)
        return dg.build_column_schema_change_checks(assets=assets, severity=dg.AssetCheckSeverity.WARN)


def _headlines() -> dg.AssetChecksDefinition:
    @dg.multi_asset_check(
        name="compare_with_before",
        description="Compares what this run made with what earlier runs made; warns, and stops nothing.",
        specs=[
            dg.AssetCheckSpec(HEADLINES, asset=descriptions.key("metrics", name), description=_HEADLINES_SAYS)
            for name in kpis.METRICS
        ],
        can_subset=True,
    )
    def compare(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        for key in sorted(context.selected_asset_check_keys):
            found = context.instance.fetch_materializations(key.asset_key, limit=_LOOKED_AT).records
            made = [record.asset_materialization.metadata for record in found if record.asset_materialization]
            yield _result(
                key, unusual_headlines(made[0], made[1:]) if made else Judgement((), 0, "Nothing was made yet.")
            )

    return compare


@dataclass(frozen=True)
class Judgement:
    """Sentences on what is unusual, the number of earlier runs compared with, and why there may be too few."""

    told: tuple[str, ...]
    compared_with: int
    unknown: str = ""

    def __str__(self) -> str:
        return "; ".join(self.told) or self.unknown or "As before."


def _result(key: dg.AssetCheckKey, judged: Judgement) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=not judged.told,
        asset_key=key.asset_key,
        check_name=key.name,
        severity=dg.AssetCheckSeverity.WARN,
        description=str(judged),
        metadata={"compared with": judged.compared_with},
    )


_HEADLINES_SAYS = (
    f"No headline number is further from the median of the last {_LOOKED_AT - 1} runs in the same currency than"
    f" {_SPREADS:.0f} times their usual distance from it, or than {_SHARE:.0%} of it, whichever is more; asked from"
    f" {_FEWEST} earlier runs on."
)


def unusual_headlines(made: Made, before: Sequence[Made]) -> Judgement:
    """The headline numbers outside their bounds."""
    alike = [one for one in before if _value(one, "currency") == _value(made, "currency")]
    told, new = [], []
    for name, entry in made.items():
        if not name.startswith(kpis.PREFIX):
            continue
        shown = name.removeprefix(kpis.PREFIX)
        earlier = [float(_value(one, name)) for one in alike if isinstance(_value(one, name), int | float)]
        if len(earlier) < _FEWEST:
            new.append(f"{shown} ({len(earlier)})")
            continue
        low, high = bounds(earlier)
        if not low <= float(entry.value) <= high:
            told.append(f"{shown} is {entry.value:,.6g}, usual is {low:,.6g} to {high:,.6g}")
    unknown = f"Not enough to compare with, it takes {_FEWEST} earlier runs in this currency: {', '.join(new)}."
    return Judgement(tuple(told), len(alike), unknown if new else "")


def bounds(earlier: Sequence[float]) -> tuple[float, float]:
    """The usual range of a number in earlier runs; a median, so that no single outlier moves it."""
    middle = median(earlier)
    distance = max(_SPREADS * median(abs(value - middle) for value in earlier), _SHARE * abs(middle))
    return middle - distance, middle + distance


def _value(made: Made, name: str) -> Any:
    return made[name].value if name in made else None
