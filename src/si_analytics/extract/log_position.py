"""How far a warehouse holds what a replication slot tells.

Belongs here: what is recorded of that with a refresh.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class LogPosition:
    """A place in the log, in bytes from its beginning: the warehouse holds every transaction that commits before it.

    ``slot`` names the slot, ``publication`` identifies the publication as it stood. Both told every change of every
    transaction whose number is ``since`` or higher; of earlier ones they may lack some.
    """

    slot: str
    publication: str
    since: int
    bytes: int

    @classmethod
    def read(cls, text: str | None) -> LogPosition | None:
        """Returns the position written as `text`; None for no text."""
        return cls(**json.loads(text)) if text else None

    def __str__(self) -> str:
        return json.dumps(asdict(self))
