"""Options that commands have in common, so that they are spelled and explained alike everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from booking_sync.azure.entra.sign_in import SignIn
from booking_sync.cli.input.naming import MAILBOX_HELP
from booking_sync.sync.sending import Pace

SettingsOption = Annotated[
    Path | None,
    typer.Option(
        "--settings",
        metavar="FILE",
        help="A local.settings.json; its values win over the environment's.",
        show_default=False,
    ),
]
AuthOption = Annotated[
    SignIn | None,
    typer.Option(
        "--auth",
        help="Who signs in: the app registration with its secret (app), or you: by `az login` (cli), in the "
        "browser (browser), or with a code on another device (device).",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]
FromOption = Annotated[
    str,
    typer.Option(
        "--from",
        metavar="DATE",
        help="Bookings that start then (UTC) or later; by default AUDIT_DAYS_BACK days ago: what is older is "
        "history that the sync leaves as it is.",
        show_default=False,
    ),
]
RateOption = Annotated[
    float,
    typer.Option("--rate", metavar="N", min=0.1, max=1000, help="Messages a second, at most."),
]
DEFAULT_RATE = Pace().per_second
MailboxesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--mailbox",
        metavar="WHO",
        help=f"This mailbox only: {MAILBOX_HELP}; may be given several times.",
        show_default=False,
    ),
]
YesOption = Annotated[bool, typer.Option("--yes", help="Don't ask for what can't be undone.")]
