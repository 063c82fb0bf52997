"""Checks that compare what a run made with what earlier runs made: columns, and headline numbers.

Belongs here: reading earlier materialisations from Dagster's own record, and judging the last one by them. They
warn and stop nothing: a real jump is news, not a mistake.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import dagster as dg

from pipelines import descriptions, kpis
from si_analytics import extract

COLUMNS = "columns_unchanged"
HEADLINES = "headlines_as_usual"

_LOOKED_AT = 31
_FEWEST = 5
_SPREADS = 6.0
_SHARE = 0.3

Made = Mapping[str, dg.MetadataValue[Any]]


def asset_checks() -> list[dg.AssetChecksDefinition]:
    """The columns of every extracted table, and the headline numbers of the metrics that have some; one step."""

    @dg.multi_asset_check(
        name="compare_with_before",
        description="Compares what this run made with what earlier runs made; warns, and stops nothing.",
        specs=[
            *(_spec(COLUMNS, "raw", table, _COLUMNS_SAYS) for table in extract.tables()),
            *(_spec(HEADLINES, "metrics", name, _HEADLINES_SAYS) for name in kpis.METRICS),
        ],
        can_subset=True,
    )
    def compare(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        for key in sorted(context.selected_asset_check_keys):
            judge, looked_at = (changed_columns, 2) if key.name == COLUMNS else (unusual_headlines, _LOOKED_AT)
            found = context.instance.fetch_materializations(key.asset_key, limit=looked_at).records
            made = [record.asset_materialization.metadata for record in found if record.asset_materialization]
            yield _result(key, judge(made[0], made[1:]) if made else Judgement((), 0, "Nothing was made yet."))

    return [compare]


@dataclass(frozen=True)
class Judgement:
    """Sentences on what is not as before, how many earlier runs that was compared with, and why it may be none."""

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


_COLUMNS_SAYS = "The columns and their types are those of the run before."
_HEADLINES_SAYS = (
    f"No headline number is further from the median of the last {_LOOKED_AT - 1} runs in the same currency than"
    f" {_SPREADS:.0f} times their usual distance from it, or than {_SHARE:.0%} of it, whichever is more; asked from"
    f" {_FEWEST} earlier runs on."
)


def _spec(name: str, group: str, asset: str, says: str) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(name, asset=descriptions.key(group, asset), description=says)


def changed_columns(made: Made, before: Sequence[Made]) -> Judgement:
    """The columns that came, went or changed their type since the run before."""
    now, then = _columns(made), _columns(before[0]) if before else {}
    if not then:
        why = "the run before did not say its columns" if before else "this is the first run"
        return Judgement((), 0, f"Nothing to compare with: {why}.")
    told = (
        *(f"{name} was added" for name in now if name not in then),
        *(f"{name} is gone" for name in then if name not in now),
        *(f"{name} is {now[name]}, it was {then[name]}" for name in now if then.get(name, now[name]) != now[name]),
    )
    return Judgement(told, 1)


def unusual_headlines(made: Made, before: Sequence[Made]) -> Judgement:
    """The headline numbers that lie outside their bounds."""
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
    """Within what a number is as usual, by those of earlier runs; the median lets no single outlier move them."""
    middle = median(earlier)
    distance = max(_SPREADS * median(abs(value - middle) for value in earlier), _SHARE * abs(middle))
    return middle - distance, middle + distance


def _columns(made: Made) -> dict[str, str]:
    schema = made.get("dagster/column_schema")
    return {column.name: column.type for column in schema.value.columns} if schema else {}


def _value(made: Made, name: str) -> Any:
    return made[name].value if name in made else None
