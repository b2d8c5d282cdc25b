"""The ports `CalendarTrials` and `SubscriptionTrials`.

These are the app's own requests, sent without the scheduler, and their answers untranslated.
What the app never sends (a series, `If-Match`, a batch that is too large) is made of its requests by a small
change.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from booking_sync.errors import SyncError
from booking_sync.outlook.graph import errors
from booking_sync.outlook.graph.batch import BatchSender, encode
from booking_sync.outlook.graph.wire import Answer
from booking_sync.outlook.mailboxes.mailbox_settings import settings_query
from booking_sync.outlook.requests import EventRequests
from booking_sync.outlook.subscriptions import LINE, creation_of, renewal_until
from booking_sync.plumbing.json_text import read_json
from booking_sync.ports.certification import ServiceAnswer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from booking_sync.domain.events.event import EventContent, EventTime
    from booking_sync.domain.events.event_ref import EventRef
    from booking_sync.outlook.graph.client import GraphClient
    from booking_sync.outlook.graph.wire import GraphRequest
    from booking_sync.ports.certification import TrialEvent
    from booking_sync.ports.outlook.subscriptions import WantedSubscription
    from booking_sync.ports.platform.clock import Clock
    from booking_sync.ports.platform.credentials import AppCredential

FOLDER_PROPERTY: Final = "Binary 0x0E09"
"""PidTagParentEntryId, which names the folder that an item lies in."""
EXTENSION_NAME: Final = "com.bookingsync.certify"
"""Of test events, whatever name the settings say: each mailbox keeps the names it has seen."""


class OutlookTrials:
    """Fulfils `CalendarTrials` and `SubscriptionTrials`.

    Args:
        client: closed with this.
        credential: the app's; stays the caller's to close.
        now: the time of day.
    """

    def __init__(self, client: GraphClient, credential: AppCredential, now: Clock) -> None:
        self._client = client
        self._requests = EventRequests(client)
        self._sender = BatchSender(client, credential, now)

    async def create(self, mailbox: str, *events: TrialEvent) -> Sequence[ServiceAnswer]:
        """Make events, all in one batch; the answers in their order."""
        return await self._ask(*(self._creation(mailbox, each) for each in events))

    async def get(self, event: EventRef, *, immutable: bool = True) -> ServiceAnswer:
        """The whole event with its marker; the id of either kind, and asked for by that kind."""
        request = self._requests.look(event)
        plain = replace(request, url=request.url.partition("?")[0])
        if not immutable:
            headers = {name: value for name, value in plain.headers.items() if name.lower() != "prefer"}
            plain = replace(plain, headers=headers)
        return await self._one(plain)

    async def folder(self, event: EventRef) -> ServiceAnswer:
        """The event with the extended property that names its folder."""
        request = self._requests.look(event)
        expand = quote(f"singleValueExtendedProperties($filter=id eq '{FOLDER_PROPERTY}')", safe="")
        return await self._one(replace(request, url=f"{request.url.partition('?')[0]}?$expand={expand}"))

    async def update(self, event: EventRef, content: EventContent, *, version: str = "") -> ServiceAnswer:
        """Write over the event; with a version, on condition that it has it."""
        request = self._requests.update(event, content)
        if version:
            request = replace(request, headers={**request.headers, "If-Match": version})
        return await self._one(request)

    async def stamp(self, event: EventRef, content: EventContent, text: str) -> ServiceAnswer:
        """Write over the event, times and the property of our last write of them in one request."""
        return await self._one(self._requests.update(event, content, stamp=text))

    async def see(self, event: EventRef) -> ServiceAnswer:
        """The event's times, in UTC, with that property."""
        return await self._one(self._requests.see(event))

    async def move(self, event: EventRef, content: EventContent) -> ServiceAnswer:
        """Write the content's times and nothing else."""
        request = self._requests.update(event, content)
        return await self._one(replace(request, body={name: request.body[name] for name in ("start", "end")}))

    async def seal(self, event: EventRef, text: str) -> ServiceAnswer:
        """Write an extended property by PATCH."""
        return await self._one(self._requests.seal(event, text))

    async def read_sealed(self, event: EventRef) -> ServiceAnswer:
        """The event with all our extended properties."""
        return await self._one(self._requests.look(event))

    async def tag(self, event: EventRef, text: str) -> ServiceAnswer:
        """Add an open extension."""
        return await self._one(self._requests.tag(event, EXTENSION_NAME, text, text))

    async def read_tag(self, event: EventRef) -> ServiceAnswer:
        """The event's open extension."""
        return await self._one(self._requests.read_tag(event, EXTENSION_NAME))

    async def delete(self, event: EventRef) -> ServiceAnswer:
        """Delete the event."""
        return await self._one(self._requests.delete(event))

    async def delete_for_good(self, event: EventRef) -> ServiceAnswer:
        """Delete the event, so that Deleted Items does not keep it."""
        request = self._requests.delete(event)
        return await self._one(replace(request, method="POST", url=f"{request.url}/permanentDelete"))

    async def find(self, mailbox: str, marker: str) -> ServiceAnswer:
        """The first page of the events with this marker."""
        return await self._one(self._requests.find(mailbox, marker))

    async def make_calendar(self, mailbox: str, name: str) -> ServiceAnswer:
        """Make a calendar."""
        return await self._one(self._requests.make_calendar(mailbox, name))

    async def delete_calendar(self, mailbox: str, calendar_id: str) -> ServiceAnswer:
        """Delete a calendar with all that it shows."""
        request = self._requests.find(mailbox, "nobody", calendar_id)
        place = request.url.partition("/events")[0]
        return await self._one(replace(request, method="DELETE", url=place))

    async def shown_in(self, mailbox: str, calendar_id: str, marker: str) -> ServiceAnswer:
        """The first page of the events with this marker in one calendar."""
        return await self._one(self._requests.find(mailbox, marker, calendar_id))

    async def view(self, mailbox: str, first: datetime, last: datetime) -> ServiceAnswer:
        """The first page of a calendarView with markers."""
        return await self._one(self._requests.view(mailbox, first, last))

    async def read_together(self, mailbox: str, count: int) -> Sequence[ServiceAnswer]:
        """So many reads of one mailbox in one batch."""
        return await self._ask(*[self._small_read(mailbox)] * count)

    async def oversized_batch(self, mailbox: str, count: int) -> ServiceAnswer:
        """The answer to a batch of so many reads as a whole.

        Raises:
            SyncError: no token.
            Exception: what the SDK or the transport raises.
        """
        content, started = encode([self._small_read(mailbox)] * count), time.monotonic()
        response = await self._client.post_batch(content, str(uuid.uuid4()))
        try:
            body = read_json(response.content)
        except ValueError:
            body = None
        return _read(Answer(response.status_code, {}, body), time.monotonic() - started)

    async def categories(self, mailbox: str) -> ServiceAnswer:
        """The mailbox's list of categories."""
        return await self._one(self._requests.categories(mailbox))

    async def add_category(self, mailbox: str, name: str) -> ServiceAnswer:
        """Add a category to it."""
        body = {"displayName": name, "color": "preset0"}
        return await self._one(self._requests.add_category(mailbox, body))

    async def remove_category(self, mailbox: str, category_id: str) -> ServiceAnswer:
        """Take a category out of it again."""
        request = self._requests.categories(mailbox)
        url = f"{request.url}/{quote(category_id, safe='')}"
        return await self._one(replace(request, method="DELETE", url=url))

    async def settings(self, mailbox: str) -> ServiceAnswer:
        """The language and the zone that the mailbox is set to."""
        return await self._one(self._requests.settings(mailbox, settings_query()))

    async def subscribe(self, wanted: WantedSubscription, changes: str) -> ServiceAnswer:
        """Ask for a subscription."""
        return await self._one(self._requests.subscribe(LINE, creation_of(wanted, changes)))

    async def subscription(self, subscription_id: str) -> ServiceAnswer:
        """One of them."""
        return await self._one(replace(self._requests.end_subscription(LINE, subscription_id), method="GET"))

    async def subscriptions(self, page: str = "") -> ServiceAnswer:
        """A page of the list of all that the app has made."""
        if page:
            return await self._one(self._requests.next_subscriptions(LINE, page))
        return await self._one(self._requests.subscriptions(LINE))

    async def prolong(self, subscription_id: str, expires: datetime) -> ServiceAnswer:
        """Have one live until then."""
        body = renewal_until(expires)
        return await self._one(self._requests.renew_subscription(LINE, subscription_id, body))

    async def unsubscribe(self, subscription_id: str) -> ServiceAnswer:
        """End one."""
        return await self._one(self._requests.end_subscription(LINE, subscription_id))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def _creation(self, mailbox: str, event: TrialEvent) -> GraphRequest:
        request = self._requests.create(
            mailbox,
            event.content,
            marker=event.marker,
            transaction_id=event.transaction_id,
            birth=event.birth,
            calendar_id=event.calendar_id,
        )
        if event.all_day:
            return replace(request, body={**request.body, **_whole_day(event.content.start)})
        if not event.weekly:
            return request
        start = event.content.start
        recurrence = {
            "pattern": {"type": "daily", "interval": 7},
            "range": {
                "type": "numbered",
                "startDate": start.date_time[:10],
                "numberOfOccurrences": 2,
                "recurrenceTimeZone": start.time_zone,
            },
        }
        return replace(request, body={**request.body, "recurrence": recurrence})

    def _small_read(self, mailbox: str) -> GraphRequest:
        """A read that costs little and shows nothing."""
        request = self._requests.find(mailbox, "nobody")
        return replace(request, url=f"{request.url.partition('?')[0]}?$select=id&$top=1")

    async def _one(self, request: GraphRequest) -> ServiceAnswer:
        (answer,) = await self._ask(request)
        return answer

    async def _ask(self, *requests: GraphRequest) -> list[ServiceAnswer]:
        started = time.monotonic()
        result = await self._sender.send(requests)
        seconds = time.monotonic() - started
        answers: list[ServiceAnswer] = []
        for each in result.results:
            if isinstance(each, SyncError):
                raise each
            answers.append(_read(each, seconds))
        return answers


def _whole_day(start: EventTime) -> dict[str, Any]:
    """The fields of an all-day event on the date of this time."""
    first = date.fromisoformat(start.date_time[:10])
    days = {"start": first, "end": first + timedelta(days=1)}
    times = {
        name: {"dateTime": f"{day.isoformat()}T00:00:00", "timeZone": start.time_zone}
        for name, day in days.items()
    }
    return {"isAllDay": True, **times}


def _read(answer: Answer, seconds: float) -> ServiceAnswer:
    body: Any = answer.body
    return ServiceAnswer(answer.status, errors.shown_code(answer), body, seconds)
