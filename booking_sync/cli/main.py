"""The program: every command under one name."""

from __future__ import annotations

from typing import Annotated

import typer

from booking_sync.cli.commands import event, poison
from booking_sync.cli.commands.adopt import adopt
from booking_sync.cli.commands.audit import audit
from booking_sync.cli.commands.backfill import backfill
from booking_sync.cli.commands.certify import certify
from booking_sync.cli.commands.doctor import doctor
from booking_sync.cli.commands.exports import exports
from booking_sync.cli.commands.provision import provision
from booking_sync.cli.commands.purge import purge
from booking_sync.cli.commands.resync import resync
from booking_sync.cli.commands.status import status
from booking_sync.cli.input.examples import epilog
from booking_sync.cli.version import read_version

app = typer.Typer(
    name="booking-sync",
    help="Keeps each technician's Outlook calendar equal to their Dynamics 365 Field Service bookings: "
    "set it up, check it, operate it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"max_content_width": 110},  # where the terminal is that wide
)
for _command in (exports, provision, doctor, certify, status, backfill, resync, audit, purge, adopt):
    app.command(epilog=epilog(_command.__name__))(_command)
app.add_typer(event.app)
app.add_typer(poison.app)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - Typer hands an option's value like this
    if wanted:
        typer.echo(f"booking-sync {read_version()}")
        raise typer.Exit


VersionOption = Annotated[
    bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and end.")
]


@app.callback()
def _group(*, version: VersionOption = False) -> None:
    """Commands come after the program's name, even while there is only one."""


def main() -> None:
    """Run the command line and end the process."""
    app()
