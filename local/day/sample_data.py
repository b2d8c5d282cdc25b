"""What `python -m local start` puts into a stack, and the commands it prints for trying things by hand."""

from __future__ import annotations

import json
import math
import shlex
from typing import TYPE_CHECKING

from local.day.moves import BOOKINGS, Day
from local.day.run import DayOptions
from local.day.world import WorldMaker, booking_row
from local.functions_host.keys import HEADER
from local.stack import WEBHOOK_ROUTE, booking_webhook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from local.day.world import Booking, Resource
    from local.stack import LocalStack

OPERATIONS_ROUTE = "/api/operations"
LEAST_TECHNICIANS = 4
PLANNED = 8
BOOKINGS_PER_DAY = 10
"""About what a technician can do in one."""
PATIENCE_SECONDS = 300.0


async def load_sample_data(stack: LocalStack, seed: int, bookings: int, console: Console) -> None:
    """Fill the stack with a planned day and print how to use it.

    Args:
        stack: runs, and holds nothing yet.
        seed: of the sample data.
        bookings: how many are planned; there are as many technicians as that takes.
        console: where to print.

    Raises:
        NotQuietError: the plan did not reach Outlook.
    """
    technicians = max(LEAST_TECHNICIANS, math.ceil(bookings / BOOKINGS_PER_DAY))
    options = DayOptions(bookings=bookings, technicians=technicians, seed=seed)
    world = WorldMaker(seed).make(technicians=technicians, bookings=bookings, day=options.day)
    await Day(stack, world, seed).furnish()
    await stack.dataverse.create_many(BOOKINGS, [booking_row(booking) for booking in world.bookings])
    with console.status("The plan goes to Outlook"):
        await stack.wait_until_quiet(PATIENCE_SECONDS)
    _show_addresses(stack, console)
    if not stack.options.provisioned:
        console.print("\n[bold]Make the columns and the webhook, before anything else[/]")
        console.print(_provision(stack), markup=False)
    for title, command in _commands(stack, world.bookings[0], world.technicians[0]):
        console.print(f"\n[bold]{title}[/]")
        console.print(command, markup=False)


def _show_addresses(stack: LocalStack, console: Console) -> None:
    console.print("[bold]The local stack is up[/]; Ctrl-C stops it.\n")
    for name, value in (
        ("Functions", stack.host_url + WEBHOOK_ROUTE),
        ("Operators", stack.host_url + OPERATIONS_ROUTE),
        ("Dataverse", stack.dataverse.url),
        ("Graph", stack.graph.url),
        ("Entra", stack.entra.url),
        ("Key Vault", stack.vault.url),
        ("Function key", stack.keys.function),
        ("App settings", str(stack.options.folder / "settings.json")),
        ("Logs", str(stack.options.folder)),
    ):
        console.print(f"  {name:13} {value}", markup=False)


def _commands(stack: LocalStack, booking: Booking, person: Resource) -> Iterator[tuple[str, str]]:
    """Titles and shell commands that work as printed."""
    dataverse, graph = f"{stack.dataverse.url}/_control", f"{stack.graph.url}/_control"
    yield "The technicians", _curl(stack, f"{dataverse}/rows/bookableresources")
    yield "The bookings", _curl(stack, f"{dataverse}/rows/{BOOKINGS}")
    yield (
        f"Change a booking of {person.name} as the dispatcher; its webhook fires",
        _curl(
            stack,
            f"{dataverse}/rows/{BOOKINGS}/{booking.id}",
            *("-X", "PATCH", "-d", json.dumps({"name": f"{booking.name}, changed by hand"})),
        ),
    )
    yield (
        f"The Outlook day of {person.name}",
        _curl(stack, f"{graph}/events?mailbox={person.mailbox}"),
    )
    yield (
        "A webhook of your own",
        _curl(
            stack,
            stack.host_url + WEBHOOK_ROUTE,
            *("-H", f"{HEADER}: {stack.keys.function}"),
            *("-d", json.dumps(booking_webhook(stack.identities, "Update", booking.id))),
        ),
    )


def _provision(stack: LocalStack) -> str:
    settings = str(stack.options.folder / "settings.json")
    return shlex.join(
        [".venv/bin/python", "-m", "booking_sync", "provision", "--auth", "app", "--settings", settings]
    )


def _curl(stack: LocalStack, url: str, *options: str) -> str:
    return shlex.join(
        [
            "curl",
            "-sS",
            "--noproxy",
            "localhost",
            "--cacert",
            str(stack.certificates.authority),
            *options,
            url,
        ]
    )
