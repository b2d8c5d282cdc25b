"""Examples below each command's help: what people type most, in the order in which they need it."""

from __future__ import annotations

from typing import Final

EXAMPLES: Final = {
    "exports": ("booking-sync exports", "booking-sync exports --json"),
    "provision": (
        "booking-sync provision --user-only",
        "booking-sync provision --dry-run",
        "booking-sync provision --url https://app.azurewebsites.net --key-file -",
        "booking-sync provision --remove",
    ),
    "doctor": (
        "booking-sync doctor",
        'booking-sync doctor --auth cli --mailbox "Anna Berg" --outside-mailbox director@contoso.com',
    ),
    "certify": (
        "booking-sync certify --dry-run --mailbox test@contoso.com",
        "booking-sync certify --mailbox test@contoso.com --json",
    ),
    "status": ("booking-sync status WO-10423", 'booking-sync status "Boiler inspection" --json'),
    "backfill": (
        "booking-sync backfill --dry-run",
        "booking-sync backfill --from 2027-03-01 --until 2027-04-01",
        "booking-sync backfill --resume",
    ),
    "resync": (
        "booking-sync resync WO-10423",
        "booking-sync resync --mailbox anna@contoso.com --dry-run",
        "booking-sync resync --all --resume",
    ),
    "audit": ("booking-sync audit", 'booking-sync audit --mailbox "Anna Berg" --fix'),
    "purge": ("booking-sync purge --mailbox anna@contoso.com --dry-run", "booking-sync purge --all"),
    "adopt": (
        "booking-sync adopt --event-column new_outlookeventid --dry-run",
        "booking-sync adopt --extension com.contoso.flow",
    ),
}
"""By command; each can be typed as it stands."""


def epilog(command: str) -> str:
    """What stands below a command's help; the mark keeps its lines from being joined."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in EXAMPLES[command])
