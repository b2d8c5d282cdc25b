"""The program: every command under one name."""

from __future__ import annotations

import typer

from booking_sync.cli.commands import event, poison
from booking_sync.cli.commands.adopt import adopt
from booking_sync.cli.commands.audit import audit
from booking_sync.cli.commands.backfill import backfill
from booking_sync.cli.commands.certify import certify
from booking_sync.cli.commands.doctor import doctor
from booking_sync.cli.commands.provision import provision
from booking_sync.cli.commands.purge import purge
from booking_sync.cli.commands.resync import resync
from booking_sync.cli.commands.status import status

app = typer.Typer(
    name="booking-sync",
    help="Keeps each technician's Outlook calendar equal to their Dynamics 365 Field Service bookings: "
    "set it up, check it, operate it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"max_content_width": 110},  # where the terminal is that wide
)
app.command()(provision)
app.command()(doctor)
app.command()(certify)
app.command()(status)
for _command in (backfill, resync, audit, purge, adopt):
    app.command()(_command)
app.add_typer(event.app)
app.add_typer(poison.app)


@app.callback()
def _group() -> None:
    """Commands come after the program's name, even while there is only one."""


def main() -> None:
    """Run the command line and end the process."""
    app()
