"""`si db` and `si schema`: the embedded server, and the operational schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from si_analytics.cli.output import Json, Progress, as_json, note, say, table

if TYPE_CHECKING:
    from si_analytics.postgres.embedded import Server
    from si_analytics.schema import ApplyReport
    from si_analytics.settings import Settings

db = typer.Typer(help="The Postgres server that comes with the toolkit.", no_args_is_help=True)
schema = typer.Typer(help="The operational schema: build it, compare it.", no_args_is_help=True)

_PLURALS = {"index": "indexes"}


@db.command()
def start(
    port: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=65535,
            help="Listen on this port of 127.0.0.1 as well, until the server stops; a password is asked for there.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Start the embedded Postgres, creating it on first use. It listens on a socket only, unless asked."""
    from si_analytics.postgres import embedded

    current = _embedded()
    with Progress("starting Postgres", quiet=json):
        server = embedded.start(current.postgres_home, port=port)
    if json:
        as_json(_described(server, running=True))
        return
    say(f"Postgres runs at {server.url}")
    listening = embedded.tcp_port(server)
    if listening:
        say(f"and at {server.tcp_url(listening)}, with the password in {server.password_file}")


@db.command()
def stop(json: Json = False) -> None:
    """Stop the embedded Postgres; its data stay."""
    from si_analytics.postgres import embedded

    stopped = embedded.stop(_embedded().postgres_home)
    if json:
        as_json({"stopped": stopped})
    else:
        say("Postgres stopped" if stopped else "Postgres was not running")


@db.command()
def status(json: Json = False) -> None:
    """Whether the embedded Postgres runs; exit 1 if not."""
    from si_analytics.postgres import embedded

    server = embedded.describe(_embedded().postgres_home)
    running = embedded.is_running(server)
    if json:
        as_json(_described(server, running))
    else:
        say(f"Postgres {'runs at ' + server.url if running else 'is not running; start it: si db start'}")
    if not running:
        raise typer.Exit(1)


@db.command()
def url(
    tcp: Annotated[bool, typer.Option("--tcp", help="The address on 127.0.0.1 instead of the socket's.")] = False,
    with_password: Annotated[
        bool, typer.Option("--with-password", help="Leave the password in, for a program that has to have it.")
    ] = False,
    json: Json = False,
) -> None:
    """Print the operational database's address, without its password unless asked: psql "$(si db url)"."""
    from si_analytics import settings

    current = settings.load()
    address = _tcp_address(with_password) if tcp else _address(current, with_password)
    if json:
        as_json({"url": address})
    else:
        say(address)


@schema.command()
def apply(
    replace_views: Annotated[
        bool, typer.Option("--replace-views", help="Replace views that stand there with another definition.")
    ] = False,
    json: Json = False,
) -> None:
    """Build what is missing of the operational schema; drops nothing, running it again changes nothing."""
    from si_analytics import schema as operational
    from si_analytics import settings

    with Progress("comparing and building", quiet=json):
        report = operational.apply(settings.load(), replace_views=replace_views)
    if json:
        as_json(report)
        return
    say(f"Created {_counted(report)}" if any(report.counts.values()) else "The schema stands already; nothing to do")
    if report.replaced:
        say(f"Replaced {', '.join(report.replaced)}")


@schema.command()
def diff(json: Json = False) -> None:
    """Print how the live database differs from the declared schema; exit 1 if it does.

    What an application added beside the declaration is listed as extra, what does as well as accepted; neither counts.
    """
    from si_analytics import schema as operational
    from si_analytics import settings

    with Progress("comparing", quiet=json):
        found = operational.diff(settings.load())
    differs = any(one.status in {"missing", "changed"} for one in found)
    if json:
        as_json([{"status": one.status, **_fields(one)} for one in found])
    else:
        if found:
            rows = [(one.status, one.kind, one.name, one.declared, one.found) for one in found]
            table(("status", "kind", "name", "declared", "found"), rows)
        if not differs:
            say("The live database holds the declared schema")
    if differs:
        raise typer.Exit(1)


@schema.command()
def sql(
    name: Annotated[str, typer.Argument(help="A published table, a source, a check; without: which there are.")] = "",
    json: Json = False,
) -> None:
    """Print the SQL that follows from a declaration: what is read, compared, written, granted or checked."""
    from si_analytics.query import generated_sql

    if json:
        as_json({"name": name, "sql": generated_sql.text(name)} if name else {"names": list(generated_sql.names())})
        return
    for line in generated_sql.text(name).splitlines() if name else generated_sql.names():
        say(line)


@schema.command()
def roles(json: Json = False) -> None:
    """Set up si_reader and si_publisher, which can read and write what a refresh does; again: nothing changes."""
    from si_analytics import settings
    from si_analytics.schema import roles as declared

    with Progress("setting up the roles", quiet=json):
        reports = declared.apply(settings.load())
    if json:
        as_json(reports)
        return
    for report in reports:
        done = "Created" if report.created else "Brought up to date:"
        what = f"writes to {len(report.writes)}" if report.writes else f"reads {len(report.reads)}"
        say(f"{done} {report.role}, which {what} relations and no other")
    say(f"Give them to a login: grant {', '.join(report.role for report in reports)} to my_login")
    for report in reports:
        if report.others:
            found = f"by rights of its own or of everybody's, on {', '.join(report.others)}"
            note(f"{report.role} may do more than that, {found}")


@schema.command()
def slot(
    drop: Annotated[
        bool, typer.Option("--drop", help="Drop the slot: one that nothing reads any more fills the server's disk.")
    ] = False,
    json: Json = False,
) -> None:
    """Make the publication and the replication slot that a refresh reads changes from with SI_CHANGES=slot."""
    from si_analytics import settings
    from si_analytics.schema import slot as declared

    current = settings.load()
    if drop:
        dropped = declared.drop(current)
        if json:
            as_json({"slot": current.slot, "dropped": dropped})
        else:
            say(f"Dropped the slot {current.slot}" if dropped else f"There is no slot {current.slot} in this database")
        return
    with Progress("making the slot", quiet=json):
        report = declared.apply(current)
    if json:
        as_json(report)
        return
    say(
        f"{'Created' if report.created else 'There is'} the slot {report.slot}; it tells of {len(report.tables)} tables"
    )
    if report.untold:
        note(f"Found by a scan as before, for the log would not tell them by their key: {', '.join(report.untold)}")
    if current.changes != settings.SLOT:
        note("Nothing reads it yet, and it keeps the log until something does: set SI_CHANGES=slot")


def _embedded() -> Settings:
    from si_analytics import settings
    from si_analytics.errors import UsageError

    current = settings.load()
    if current.postgres_url is not None:
        raise UsageError(
            "managing the embedded Postgres", "SI_POSTGRES_URL names another server", "Unset it, or manage that server"
        )
    return current


def _described(server: Server, running: bool) -> dict[str, Any]:
    from si_analytics.postgres import embedded

    port = embedded.tcp_port(server) if running else None
    return {
        "running": running,
        "url": server.url,
        "tcp_url": server.tcp_url(port) if port else None,
        "data": server.data,
        "log": server.log,
    }


def _address(current: Settings, with_password: bool) -> str:
    from si_analytics import postgres
    from si_analytics.postgres import embedded

    if current.postgres_url is None:
        server = embedded.describe(current.postgres_home)
        if not embedded.is_running(server):
            note("Nothing listens there yet; start it: si db start")
        return server.url
    given = current.postgres_url.get_secret_value()
    without = postgres.without_password(given)
    return given.strip() if with_password else without


def _tcp_address(with_password: bool) -> str:
    from si_analytics.errors import ServerError
    from si_analytics.postgres import embedded

    server = embedded.describe(_embedded().postgres_home)
    port = embedded.tcp_port(server)
    if port is None:
        raise ServerError(
            "the address over TCP", "the server does not listen there", "Start it so: si db start --port 5433"
        )
    return server.tcp_url(port, embedded.tcp_password(server) if with_password else None)


def _counted(report: ApplyReport) -> str:
    """``42 tables, 1 schema``"""
    named = [(count, kind if count == 1 else _PLURALS.get(kind, f"{kind}s")) for kind, count in report.counts.items()]
    return ", ".join(f"{count} {kind}" for count, kind in named if count)


def _fields(one: object) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(one)  # type: ignore[call-overload, no-any-return]
