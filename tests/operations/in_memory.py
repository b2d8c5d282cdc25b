"""The operator's endpoints on parts in memory: what the page is answered, without a stack."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from booking_sync.domain.bookings.booking import BookableResource, SystemUser
from booking_sync.domain.bookings.participation import Participation
from booking_sync.domain.bookings.resource_type import ResourceType
from booking_sync.domain.timers import TimerSchedules
from booking_sync.errors import SettingsError
from booking_sync.operations.endpoints import OperatorEndpoints
from booking_sync.operations.health import HealthProbe
from booking_sync.operations.journal.store import JournalStore
from booking_sync.operations.operator_actions import OperatorActions
from booking_sync.operations.overview.failing import MAX_FAILING
from booking_sync.operations.overview.gather import OverviewSources
from booking_sync.operations.overview.way_back import MAX_CHANGES
from booking_sync.operations.single_flight import SingleFlight
from booking_sync.ports.dataverse.bookings import FailingBookings, FailureListing, NamedResource
from booking_sync.ports.dataverse.return_path import ReturnedChanges
from tests.operations.kit import SCHEDULES, FakePoison, FakeTextStore, HandClock
from tests.support.bookings import ANNA, BOOKING_ID
from tests.support.fakes import FakeQueue


class Failures:
    """Bookings that can't sync."""

    def __init__(self) -> None:
        self.found = FailingBookings((), more=False)
        self.asked = 0

    async def failing(self, limit: int) -> FailingBookings:
        """See the port."""
        assert limit == MAX_FAILING
        self.asked += 1
        return self.found


class People:
    """Bookable resources."""

    def __init__(self) -> None:
        user = SystemUser(ANNA)
        self.found = [
            NamedResource("Anna", BookableResource(ResourceType.USER, user, id=BOOKING_ID)),
            NamedResource("Crane", BookableResource(ResourceType.EQUIPMENT, id=ANNA)),
        ]

    async def everybody(self) -> Sequence[NamedResource]:
        """See the port."""
        return self.found


class Returns:
    """What comes back from Outlook."""

    def __init__(self) -> None:
        self.found = ReturnedChanges((), more=False)

    async def changes(self, limit: int, since: datetime) -> ReturnedChanges:
        """See the port."""
        assert (limit, since.tzinfo is not None) == (MAX_CHANGES, True)
        return self.found


class Harness:
    """The endpoints on parts in memory."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.poison = FakePoison(self.clock)
        self.queue = FakeQueue()
        self.text_store = FakeTextStore(self.clock)
        self.failures = Failures()
        self.people = People()
        self.returns: Returns | None = None
        """None: nothing comes back from Outlook."""
        self.unopened: Exception | None = None
        self.settings_problem = ""
        self.closed = {ANNA: 30.0}
        self.journal_store = JournalStore(
            lambda: self.text_store, "one", self.clock, lambda: self.closed, save_seconds=3600
        )
        self.actions_id = "id"
        """What an order is called after its kind."""
        self.probe = probe = HealthProbe(
            self._check, lambda: self.poison, lambda: self.journal_store, str, self.clock
        )
        self.sources = OverviewSources(
            probe,
            lambda: self.journal_store,
            open_poison=lambda: self.poison,
            open_failures=self._open_failures,
            open_people=self._open_people,
            link=lambda booking_id: f"https://org.example/{booking_id}",
            now=self.clock,
            open_returns=self._open_returns,
        )
        self.single_flight = SingleFlight(lambda: self.text_store, self.clock)
        self.endpoints = self.make_endpoints()

    def make_endpoints(
        self, who: Callable[[Mapping[str, str]], str] = lambda _: "somebody"
    ) -> OperatorEndpoints:
        """Endpoints that log under this name who orders."""
        return OperatorEndpoints(self.sources, self._open_operator_actions, self.single_flight, who=who)

    def _check(self) -> TimerSchedules:
        if self.settings_problem:
            raise SettingsError(self.settings_problem)
        return SCHEDULES

    def _open_operator_actions(self) -> OperatorActions:
        self._check()
        return OperatorActions(self.poison, self.queue, self.clock, lambda: self.actions_id)

    async def _open_people(self) -> tuple[People, Participation]:
        return self.people, Participation(everybody=False, named=frozenset({ANNA}))

    async def _open_returns(self) -> Returns | None:
        return self.returns

    async def _open_failures(self) -> FailureListing:
        if self.unopened:
            raise self.unopened
        return self.failures

    async def status(self) -> dict[str, Any]:
        """What the page gets."""
        answer = await self.endpoints.status()
        assert answer.status == 200
        found: dict[str, Any] = json.loads(json.dumps(answer.payload))
        return found
