"""The program: every command under one name."""

from __future__ import annotations

import typer

from booking_sync.cli.commands.doctor import doctor
from booking_sync.cli.commands.provision import provision

app = typer.Typer(
    name="booking-sync",
    help="Keeps each technician's Outlook calendar equal to their Dynamics 365 Field Service bookings: "
    "set it up, check it, operate it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(provision)
app.command()(doctor)


@app.callback()
def _group() -> None:
    """Commands come after the program's name, even while there is only one."""


def main() -> None:
    """Run the command line and end the process."""
    app()
