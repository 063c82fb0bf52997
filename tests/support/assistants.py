"""An assistant that talks to `si mcp`: the protocol's own client, over standard input and output.

Belongs here: starting the server as an assistant does, and calling its tools from ordinary tests.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from anyio.from_thread import BlockingPortal, start_blocking_portal
from mcp import Client, StdioServerParameters
from mcp.types import TextContent, Tool

from tests.support.folders import ROOT


@dataclass(frozen=True)
class Said:
    """What a tool answered: its text, and its rows; an error has a text alone."""

    text: str
    is_error: bool
    answer: Mapping[str, Any]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows, by column."""
        return [dict(zip(self.answer["columns"], row, strict=True)) for row in self.answer["rows"]]


@dataclass(frozen=True)
class Assistant:
    """A client that is connected."""

    portal: BlockingPortal
    client: Client

    def tools(self) -> dict[str, Tool]:
        """The tools it is offered."""
        return {tool.name: tool for tool in self.portal.call(self.client.list_tools).tools}

    def __call__(self, tool: str, **arguments: Any) -> Said:
        """Call a tool."""
        found = self.portal.call(partial(self.client.call_tool, tool, arguments))
        [content] = found.content
        assert isinstance(content, TextContent)
        if not found.is_error:
            assert json.loads(content.text) == found.structured_content
        return Said(content.text, bool(found.is_error), found.structured_content or {})


@contextmanager
def connected(folder: Path, environment: Mapping[str, str], *options: str) -> Iterator[Assistant]:
    """An assistant that has started `si mcp` in `folder`."""
    given = {"PYTHONPATH": str(ROOT / "src"), **environment}
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "si_analytics", "mcp", *options], env=given, cwd=folder
    )
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(Client(server)) as client:
        yield Assistant(portal, client)
