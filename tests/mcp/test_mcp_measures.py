"""Measures as an assistant asks for them: what there is, a slice, the rows behind a cell."""

from __future__ import annotations

import pytest

from si_analytics.query.warehouse import Warehouse
from tests.support.assistants import Assistant


def test_measures_are_listed_and_described(ask: Assistant, original: Warehouse) -> None:
    assert {row["name"] for row in ask("list_measures").rows} == set(original.measures()["name"])
    said = ask("describe_measure", name="commission")
    shown = {row["dimension"] for row in said.rows}
    assert "agent.tier" in shown
    assert set(original.dimensions("commission")) - shown == {"agent.name", "gig.brand.company"}
    assert said.answer["notes"] == ["Left out, for they are personal: agent.name, gig.brand.company"]


def test_a_slice_has_the_warehouse_s_own_numbers(ask: Assistant, original: Warehouse) -> None:
    said = ask("ask", measures=["commission"], by=["agent.tier", "month"], during="2026-Q1", tz="Europe/Berlin")
    whole = original.measure("commission", by=["agent.tier", "month"], during="2026-Q1", tz="Europe/Berlin")
    assert said.answer["columns"] == whole.columns
    assert said.answer["rows_in_all"] == whole.height > 1
    assert [row["commission"] for row in said.rows] == [str(value) for value in whole["commission"]]


def test_a_slice_is_filtered_compared_and_totalled(ask: Assistant, original: Warehouse) -> None:
    asked = {"by": ["agent.tier"], "where": {"agent.tier": ["gold", "platinum"]}, "during": "2026-Q1"}
    said = ask("ask", measures=["commission"], compare="previous", totals=True, **asked)
    whole = original.measure("commission", compare="previous", totals=True, **asked)  # type: ignore[arg-type]
    assert said.answer["columns"] == whole.columns
    assert [row["commission_before"] for row in said.rows] == [str(value) for value in whole["commission_before"]]


def test_a_measure_by_a_title_has_codes(ask: Assistant, original: Warehouse) -> None:
    said = ask("ask", measures=["invites_sent"], by=["template.name"])
    whole = original.measure("invites_sent", by=["template.name"])
    assert said.answer["rows_in_all"] == whole.height
    assert sorted(row["invites_sent"] for row in said.rows) == sorted(whole["invites_sent"].to_list())
    assert not {row["template.name"] for row in said.rows} & (set(whole["template.name"]) - {"(none)"})


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"measures": ["commision"]}, "measure 'commision': there is none of that name. Did you mean"),
        ({"measures": ["commission"], "by": ["agent.name"]}, "commission by agent.name: that is personal"),
        ({"measures": ["commission"], "where": {"agent.name": "Anna"}}, "commission by agent.name: that is personal"),
        ({"measures": []}, "measures of the tool ask: List should have at least 1 item"),
    ],
)
def test_a_mistake_is_one_sentence(ask: Assistant, arguments: dict[str, object], sentence: str) -> None:
    said = ask("ask", **arguments)
    assert said.is_error
    assert said.text.startswith(sentence)


def test_the_facts_behind_a_cell_add_up_to_it(ask: Assistant, original: Warehouse) -> None:
    whole = original.measure("deals", by=["status"], during="2026-Q1")
    cell = {"status": str(whole["status"][0])}
    said = ask("explain_cell", name="deals", cell=cell, during="2026-Q1", rows=1000)
    assert not said.is_error, said.text
    assert said.answer["rows_in_all"] == whole["deals"][0]
