"""The command `si`: reads arguments, calls one library verb, prints what came of it.

Belongs here: the commands, a module per family, and `main`. No logic of the business.
"""

from si_analytics.cli.app import main

__all__ = ["main"]
