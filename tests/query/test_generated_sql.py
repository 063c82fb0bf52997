"""What is generated can be read, under the name of what it is generated for."""

from __future__ import annotations

import pytest
import sqlglot

from si_analytics.definitions import project
from si_analytics.errors import UnknownNameError
from si_analytics.query import generated_sql
from tests.support.commands import Si


@pytest.mark.parametrize("name", generated_sql.names())
def test_everything_that_is_generated_is_printed_and_is_sql(name: str) -> None:
    text = generated_sql.text(name)
    assert text.startswith("-- ")
    assert sqlglot.parse(text, read="postgres")


def test_a_name_of_a_source_and_a_target_has_the_part_of_both() -> None:
    """agent_profiles is read and written."""
    text = generated_sql.text("agent_profiles")
    for part in ("from public.agent_profiles", "source_agent_profiles", "update public.agent_profiles"):
        assert part in text


def test_the_check_of_ranges_names_every_operational_table_that_is_written() -> None:
    text = generated_sql.text("values_too_large")
    for target in project().targets.values():
        assert (f"'{target.bare}'" in text) is not target.is_board


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'brand_reputations'"):
        generated_sql.text("brand_reputation")


def test_the_command_prints_it_and_without_a_name_which_there_are(si: Si) -> None:
    run = si()
    assert "is distinct from" in run("schema", "sql", "agent_leaderboard").out
    assert run("schema", "sql").out.split() == list(generated_sql.names())
