"""What people call a booking or a mailbox -> its id, and ids -> names beside them.

An id is taken as it is, and nothing is asked. For anything else Dataverse is searched; where several fit, a
person at a terminal is asked, and a script is told which there are.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

import typer

from booking_sync.cli.runner import UsageError
from booking_sync.domain.bookings.participation import calendar_of
from booking_sync.domain.ids import typed_guid
from booking_sync.domain.text import clean_line
from booking_sync.errors import SyncError
from booking_sync.lookup.choice import choose_booking, choose_technician
from booking_sync.lookup.words import read_words
from booking_sync.status.reading import read_booking_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from booking_sync.cli.terminal.output import Output
    from booking_sync.lookup.choice import Choice
    from booking_sync.ports.dataverse.lookup import BookingHit, Technician
    from booking_sync.wiring.status import NameSources

Hit = TypeVar("Hit")

MOST_CANDIDATES: Final = 10
MOST_NAMED: Final = 100
"""Bookings whose names are read to be shown beside their ids: one request's worth."""
_MAX_NAME = 60
BOOKING_HELP = "a booking's id or name, its form's address, or its work order's number"
RESOURCE_HELP = "a bookable resource's name, its user's address, or its id"
MAILBOX_HELP = "a technician's name or address, or the mailbox's Entra object id"


@dataclass(frozen=True, slots=True)
class Names:
    """Finds ids by names, and names by ids.

    Args:
        sources: where names are.
        output: where a person is asked.
    """

    sources: NameSources
    output: Output

    async def bookings(self, texts: Iterable[str]) -> tuple[str, ...]:
        """Ids of bookings, each once; raises as `booking`."""
        return tuple(dict.fromkeys([await self.booking(text) for text in texts]))

    async def booking(self, text: str) -> str:
        """The id of a booking.

        Raises:
            UsageError: nothing is called so, or several are and nobody can be asked.
            SyncError: Dataverse can't be searched.
        """
        if (known := read_booking_id(text)) is not None:
            return known
        words = _words(text)
        found = await self.sources.search.bookings(words, MOST_CANDIDATES)
        hit = self._choose(
            choose_booking(found, words), text, "booking", lambda each: (booking_label(each), each.booking_id)
        )
        self.output.note(f"{text}: {booking_label(hit)}, {hit.booking_id}")
        return hit.booking_id

    async def mailboxes(self, texts: Iterable[str]) -> frozenset[str]:
        """Entra object ids of mailboxes; raises as `mailbox`."""
        return frozenset([await self.mailbox(text) for text in texts])

    async def mailbox(self, text: str) -> str:
        """The Entra object id of the mailbox that shows a technician's bookings, lower case.

        Raises:
            UsageError: nobody is called so, or several are and nobody can be asked, or has no mailbox.
            SyncError: Dataverse can't be searched.
        """
        if (known := typed_guid(text)) is not None:
            return known
        hit = await self._technician(text, lambda each: calendar_of(each.resource) or "(no mailbox)")
        mailbox = calendar_of(hit.resource)
        if mailbox is None:
            raise UsageError(f"{technician_label(hit)} has no mailbox that bookings could show in.")
        self.output.note(f"{text}: {technician_label(hit)}, {mailbox}")
        return mailbox

    async def resource(self, text: str) -> str:
        """The id of a bookable resource, lower case.

        Raises:
            UsageError: none is called so, or several are and nobody can be asked.
            SyncError: Dataverse can't be searched.
        """
        if (known := typed_guid(text)) is not None:
            return known
        hit = await self._technician(text, lambda each: each.resource.id)
        self.output.note(f"{text}: {technician_label(hit)}, {hit.resource.id}")
        return hit.resource.id

    async def of_bookings(self, ids: Iterable[str]) -> Mapping[str, str]:
        """What some bookings are called, by id; none where Dataverse can't tell just now."""
        wanted = list(dict.fromkeys(ids))[:MOST_NAMED]
        try:
            found = await self.sources.search.named(wanted) if wanted else {}
        except SyncError:
            return {}
        return {
            booking_id: _joined((hit.name, hit.work_order, hit.technician))
            for booking_id, hit in found.items()
        }

    async def of_mailboxes(self) -> Mapping[str, str]:
        """What resources are called, by the mailbox that shows their bookings; none where nobody may look."""
        try:
            everybody = await self.sources.everybody()
        except SyncError:
            return {}
        named: dict[str, str] = {}
        for each in everybody:
            mailbox = calendar_of(each.resource)
            if mailbox:
                named[mailbox] = _joined((named.get(mailbox, ""), each.name))
        return named

    async def _technician(self, text: str, identity: Callable[[Technician], str]) -> Technician:
        words = _words(text)
        found = await self.sources.search.technicians(words, MOST_CANDIDATES)
        return self._choose(
            choose_technician(found, words),
            text,
            "technician",
            lambda each: (technician_label(each), identity(each)),
        )

    def _choose(
        self, choice: Choice[Hit], text: str, what: str, tell: Callable[[Hit], tuple[str, str]]
    ) -> Hit:
        """The one that is meant, asked for if need be; `tell` gives label and id."""
        if choice.meant is not None:
            return choice.meant
        if not choice.candidates:
            raise UsageError(f"No {what} is called {text!r}, or the app may not see it.")
        told = [tell(hit) for hit in choice.candidates]
        more = ["  … and others: say more of the name"] if choice.more else []
        if not sys.stdin.isatty():
            lines = [f"  {identity}  {label}" for label, identity in told]
            raise UsageError("\n".join([f"Several fit {text!r}: say which {what} by its id.", *lines, *more]))
        lines = [f"  {number}  {label}" for number, (label, _id) in enumerate(told, 1)]
        self.output.note("\n".join([f"Several fit {text!r}:", *lines, *more]))
        number: int = typer.prompt("Which one", type=int, err=True)
        if not 1 <= number <= len(told):
            raise UsageError(f"There is no number {number} in the list.")
        return choice.candidates[number - 1]


def booking_label(hit: BookingHit) -> str:
    """A booking in a few words."""
    starts = f"{hit.starts:%Y-%m-%d %H:%M} UTC" if hit.starts else ""
    return _joined((hit.name, hit.work_order, hit.customer, hit.technician, starts, hit.status))


def technician_label(hit: Technician) -> str:
    """A technician in a few words."""
    return _joined((hit.name, hit.address, "" if hit.active else "inactive"))


def beside(name: str | None, identity: str) -> str:
    """A name with its id below, which stays one to copy."""
    return f"{name}\n{identity}" if name else identity


def _joined(parts: Sequence[str]) -> str:
    """Texts of people's, each once, on one line."""
    shown = dict.fromkeys(clean_line(part, _MAX_NAME) for part in parts)
    return " · ".join(part for part in shown if part)


def _words(text: str) -> str:
    try:
        return read_words(text)
    except ValueError as error:
        raise UsageError(f"{text!r}: {error}, or an id.") from None
