"""A local stack with a day's bookings in it, and what went wrong for some of them."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.day.facts import gather_facts
from local.day.moves import BOOKINGS
from local.day.picture import picture
from local.day.small import play, small_world
from local.day.world import TIME_ZONE, mailbox
from local.functions_host.keys import HEADER
from local.processes import REPOSITORY, python_module
from local.stack import NO_TIMERS, LocalStack, StackOptions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from local.day.world import Booking, World

EXAMPLE = REPOSITORY / "docs" / "examples" / "event.toml"
"""The event file that the pictures are made with: the one that people are told to begin with."""
GERMAN, ENGLISH = 'language = "de"', 'language = "en"'
"""As the example has it, and as the docs, which are in English, show it."""
SEED = 7
POLL_SECONDS = 0.3
PATIENCE_SECONDS = 120.0


class StageError(RuntimeError):
    """A command of ours did not do what the pictures need."""


@dataclass(frozen=True)
class Stage:
    """The stack and its bookings."""

    stack: LocalStack
    world: World

    @property
    def operations_address(self) -> str:
        """Where the operator's page is."""
        return f"{self.stack.host_url}/api/operations"

    async def play(self) -> str:
        """Have a small day planned and changed; the page that shows it on the board and in Outlook.

        Raises:
            StageError: Outlook is not in step, which is nothing to show.
        """
        day = await play(self.stack, self.world, SEED)
        if day.differences:
            raise StageError("; ".join(each.text for each in day.differences))
        return picture(day.planned, day.now, TIME_ZONE, day.words)

    async def run_timers(self) -> None:
        """Have the catch-up and the audit run, and wait until both are on record.

        Raises:
            StageError: they are not within `PATIENCE_SECONDS`.
        """
        for name in ("catch_up", "audit"):
            address = f"{self.stack.host_url}/admin/functions/{name}"
            headers = {HEADER: self.stack.keys.master}
            async with self.stack.session.post(address, json={"input": ""}, headers=headers) as answer:
                answer.raise_for_status()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not await self._timers_ran():  # noqa: ASYNC110 - another process ends them
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            raise StageError("catch-up and audit have not ended") from None

    async def _timers_ran(self) -> bool:
        headers = {HEADER: self.stack.keys.function}
        async with self.stack.session.get(f"{self.operations_address}/status", headers=headers) as answer:
            status = await answer.json()
            return all(status[name].get("finished") for name in ("catchUp", "audit"))

    def to_show(self) -> Sequence[Booking]:
        """An urgent booking, of which rules say something, and an ordinary one."""
        priorities = {each.id: each.priority for each in self.world.work_orders}
        by_priority = {priorities[each.work_order_id]: each for each in reversed(self.world.bookings)}
        return [by_priority["High"], by_priority["Normal"]]

    async def meddle(self) -> Booking:
        """Have a technician edit one event in Outlook and delete another; the booking of the edited one."""
        facts = await gather_facts(self.stack, {})
        bookings = {each.id: each for each in self.world.bookings}
        mine = [each for each in facts.events if each.booking_id in bookings]
        edited = mine[0]
        deleted = next(each for each in mine[1:] if each.mailbox == edited.mailbox)
        own = {"subject": "Lunch with the baker"}
        await self.stack.graph.user("edit", edited.mailbox, id=edited.id, event=own)
        await self.stack.graph.user("delete", deleted.mailbox, id=deleted.id)
        return bookings[edited.booking_id]

    async def lose_mailbox(self, booking: Booking) -> None:
        """Take the mailbox away from the booking's technician, and have their bookings changed."""
        person = next(each for each in self.world.technicians if each.id == booking.resource_id)
        await self.stack.graph.add_mailboxes([{**mailbox(person), "kind": "no_mailbox"}])
        for each in self.world.bookings:
            if each.resource_id == person.id:
                await self.stack.dataverse.update(BOOKINGS, each.id, {"name": f"{each.name}, moved"})
        await self.stack.wait_until_quiet(PATIENCE_SECONDS)

    async def preview(self, bookings: Sequence[Booking], page: Path) -> None:
        """Write the page on which `booking-sync event preview` shows these bookings.

        Raises:
            StageError: the command failed.
        """
        ids = [each.id for each in bookings]
        settings = self.stack.options.folder / "settings.json"
        command = python_module(
            "booking_sync", "event", "preview", *ids, "--html", str(page), "--settings", str(settings)
        )
        process = await asyncio.create_subprocess_exec(
            *command,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "NO_COLOR": "1"},
            cwd=REPOSITORY,
        )
        _, notes = await process.communicate()
        if process.returncode:
            raise StageError(f"booking-sync event preview: {notes.decode(errors='replace')}")


def stage_in(folder: Path) -> Stage:
    """A stage whose stack is not started yet.

    Raises:
        StageError: the example is another one than this expects.
    """
    example = EXAMPLE.read_text(encoding="utf-8")
    if GERMAN not in example:
        raise StageError(f"{EXAMPLE} has no {GERMAN}.")
    file = folder.with_name("event.toml")
    file.write_text(example.replace(GERMAN, ENGLISH), encoding="utf-8")
    world = small_world(SEED)
    settings = {**NO_TIMERS, "EVENT_FILE": str(file)}
    return Stage(LocalStack(StackOptions(folder, settings=settings)), world)


def tell(words: str) -> None:
    """Say to whoever waits what is done now."""
    sys.stderr.write(f"{words}\n")
