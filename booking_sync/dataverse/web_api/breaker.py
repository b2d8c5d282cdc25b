"""A wire with a circuit in front of it, so that an environment that is down is not hammered."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING

from booking_sync.dataverse.web_api.errors import OversizedAnswerError
from booking_sync.errors import TransientError

if TYPE_CHECKING:
    from booking_sync.dataverse.web_api.reply import Reply
    from booking_sync.dataverse.web_api.transport import Request, Wire
    from booking_sync.plumbing.circuit import Circuit


class GuardedWire:
    """Fulfils `Wire`.

    Args:
        wire: closed with this.
        circuit: opens when the environment as a whole is down.
        places: how many requests the wire carries at once. Waiting is done here, so that what waited while
            the circuit opened is not sent any more.
    """

    def __init__(self, wire: Wire, circuit: Circuit, places: int) -> None:
        self._wire = wire
        self._circuit = circuit
        self._places = asyncio.Semaphore(places)

    async def exchange(self, request: Request, token: str) -> Reply:
        """As `Wire.exchange`; raises TransientError without sending while the circuit is open."""
        async with self._places:
            with self._circuit.call() as call:
                try:
                    reply = await self._wire.exchange(request, token)
                except OversizedAnswerError:
                    call.answered()
                    raise
                except TransientError as error:
                    if error.retry_after is None:  # else it is the pause that Dataverse asked for
                        call.failed(error.reason)
                    raise
                if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                    call.failed(f"it answered {reply.status}")
                else:
                    call.answered()
                return reply

    async def aclose(self) -> None:
        """Close the wire."""
        await self._wire.aclose()
