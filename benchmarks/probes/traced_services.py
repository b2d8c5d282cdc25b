"""The services of one process with a watch at each seam; all else is made as in production.

Importing this loads every SDK, so only a probe that has timed their imports does it.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from benchmarks.probes.trace import TracedBatches, TracedCredential, TracedSource, TracedWire
from booking_sync.dataverse.web_api.client import PLACES
from booking_sync.dataverse.web_api.transport import Timeouts, Transport
from booking_sync.outlook.calendar import OutlookCalendar
from booking_sync.outlook.graph import errors
from booking_sync.outlook.graph.batch import BatchSender
from booking_sync.outlook.graph.client import GraphClient
from booking_sync.outlook.graph.scheduler import BatchScheduler
from booking_sync.settings.parts import ExtensionSettings, GraphSettings
from booking_sync.wiring.services import Services, Substitutes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.probes.trace import Trace
    from booking_sync.ports.platform.credentials import AppCredential, SecretSource


class TracedServices(Services):
    """`Services` of the function app, watched.

    Args:
        environ: the app settings.
        trace: gets the spans.
    """

    def __init__(self, environ: Mapping[str, str], trace: Trace) -> None:
        substitutes = Substitutes(
            dataverse_wire=lambda pause: TracedWire(Transport(PLACES, Timeouts(), pause), trace)
        )
        super().__init__(environ, substitutes=substitutes)
        self._trace = trace

    def proof_source(self) -> SecretSource:
        """Where the app registration's secret comes from."""
        return TracedSource(super().proof_source(), self._trace)

    @cached_property
    def credential(self) -> AppCredential:
        """The app's tokens."""
        return TracedCredential(super().credential, self._trace)

    @cached_property
    def calendar(self) -> OutlookCalendar:
        """As `open_calendar`, with a watch between scheduler and client."""
        client = GraphClient(self.part(GraphSettings).graph_url, self.credential)
        sender = BatchSender(
            TracedBatches(client, self._trace), self.credential, self.clock, self.circuit("Graph")
        )
        batches = BatchScheduler(sender.send, lambda answer: errors.mailbox_pause(answer, self.clock()))
        extension = self.part(ExtensionSettings).open_extension_name
        calendar = OutlookCalendar(client, batches, extension_name=extension, now=self.clock)
        self._closing.push_async_callback(calendar.aclose)
        return calendar
