"""Mailboxes that resources' rows name by an address: looked up before a row leaves the adapter.

The rules then see object ids only. An address that leads nowhere is told on the resource, and decides about
its bookings; one that can't be looked up now keeps its rows from being read, as any row that can't be read
completely: taking that for "no mailbox" would remove people's events.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from booking_sync.domain.bookings.participation import address_of
from booking_sync.errors import PermanentError, TransientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from booking_sync.domain.bookings.booking import BookableResource
    from booking_sync.domain.record import BookingRow
    from booking_sync.ports.outlook.directory import Directory

    LookedUp = Mapping[str, str | PermanentError | TransientError]
    """By address: an object id, or why there is none."""


class MailboxAddresses:
    """Puts object ids in the place of addresses.

    Args:
        open_directory: where addresses are looked up; called when there is one to look up.
    """

    def __init__(self, open_directory: Callable[[], Directory]) -> None:
        self._open_directory = open_directory

    async def look_up(self, resources: Iterable[BookableResource | None]) -> LookedUp:
        """What each address on these resources is found to be; without any, nobody is asked."""
        addresses = list(dict.fromkeys(filter(None, (address_of(each) for each in resources if each))))
        if not addresses:
            return {}
        directory = self._open_directory()
        answers = await asyncio.gather(*(self._ask(directory, each) for each in addresses))
        return dict(zip(addresses, answers, strict=True))

    @staticmethod
    async def _ask(directory: Directory, address: str) -> str | PermanentError | TransientError:
        try:
            return await directory.object_id(address)
        except (PermanentError, TransientError) as error:
            return error


def with_mailbox(resource: BookableResource, found: LookedUp) -> BookableResource:
    """The resource, whose mailbox is an object id where its address was found to be one.

    Raises:
        TransientError: its address can't be looked up now.
    """
    address = address_of(resource)
    told = found.get(address) if address else None
    match told:
        case None:
            return resource
        case TransientError():
            raise told
        case PermanentError(reason=reason):
            return replace(resource, mailbox_problem=reason)
        case _:
            return replace(resource, mailbox=told)


def row_with_mailbox(row: BookingRow, found: LookedUp) -> BookingRow:
    """The same for the resource of a booking; raises as `with_mailbox`."""
    resource = row.booking.resource
    if not found or resource is None:
        return row
    return replace(row, booking=replace(row.booking, resource=with_mailbox(resource, found)))
