"""`si db` and `si schema`: the embedded server, and the operational schema."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from si_analytics import embedded, postgres, schema, settings
from si_analytics.cli.output import Json, as_json, say, table
from si_analytics.errors import UsageError
from si_analytics.settings import Settings

db = typer.Typer(help="The Postgres server that comes with the toolkit.", no_args_is_help=True)
schema_commands = typer.Typer(help="The operational schema: build it, compare it.", no_args_is_help=True)


def _embedded() -> Settings:
    current = settings.load()
    if current.postgres_url is not None:
        raise UsageError(
            "managing the embedded Postgres", "SI_POSTGRES_URL names another server", "Unset it, or manage that server"
        )
    return current


@db.command()
def start() -> None:
    """Start the embedded Postgres, creating it on first use."""
    server = embedded.start(_embedded().postgres_home)
    say(f"Postgres runs at {server.url}")


@db.command()
def stop() -> None:
    """Stop the embedded Postgres; its data stay."""
    stopped = embedded.stop(_embedded().postgres_home)
    say("Postgres stopped" if stopped else "Postgres was not running")


@db.command()
def status(json: Json = False) -> None:
    """Whether the embedded Postgres runs; exit 1 if not."""
    server = embedded.describe(_embedded().postgres_home)
    running = embedded.is_running(server)
    if json:
        as_json({"running": running, "url": server.url, "data": str(server.data)})
    else:
        say(f"Postgres {'runs at ' + server.url if running else 'is not running; start it: si db start'}")
    if not running:
        raise typer.Exit(1)


@db.command()
def url() -> None:
    """Print the operational database's address, without any password."""
    current = settings.load()
    say(embedded.describe(current.postgres_home).url if current.postgres_url is None else postgres.shown(
        current.postgres_url.get_secret_value()
    ))


@schema_commands.command()
def apply(
    replace_views: Annotated[
        bool, typer.Option("--replace-views", help="Replace views that stand there with another definition.")
    ] = False,
    json: Json = False,
) -> None:
    """Build what is missing of the operational schema; drops nothing, running it again changes nothing."""
    report = schema.apply(settings.load(), replace_views=replace_views)
    if json:
        as_json(asdict(report))
        return
    counts = [f"{len(names)} {kind}{'s' if len(names) != 1 else ''}" for kind, names in report.created.items() if names]
    say(f"Created {', '.join(counts)}" if counts else "The schema stands already; nothing to do")
    if report.replaced:
        say(f"Replaced {', '.join(report.replaced)}")


@schema_commands.command()
def diff(json: Json = False) -> None:
    """Print how the live database differs from the declared schema; exit 1 if it does."""
    found = schema.diff(settings.load())
    real = [one for one in found if not one.extra]
    if json:
        as_json([asdict(one) for one in found])
    elif found:
        table(
            ("kind", "name", "declared", "found"),
            [(one.kind, one.name, one.declared, "(extra) " + str(one.found) if one.extra else one.found) for one in found],
        )
    if not json and not real:
        say("The live database holds the declared schema")
    if real:
        raise typer.Exit(1)
