"""The command `si`: reads arguments, calls one library verb, prints the result.

Belongs here: the commands, a module per family, and `main`. No business logic.
"""

from si_analytics.cli.app import main

__all__ = ["main"]
