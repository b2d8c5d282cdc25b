"""Graph at the HTTP seam: the strict stand-in's service behind a wire that can fail at each step.

A batch's way: it waits to leave, arrives (or never does), each item waits for its turn inside the service,
and the answer waits to arrive (or never does). Once arrived, the service goes on even if the client dies.
"""

from __future__ import annotations

import functools
import json
import re
from collections import Counter
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import httpx

from booking_sync.outlook.graph import errors
from booking_sync.outlook.graph.wire import Answer
from local.graph.api.batch import BatchRunner, read_batch
from local.graph.api.limits import Limits
from local.graph.api.service import CalendarService
from local.graph.mailbox.store import GraphState
from tests.simulation.chance.clock import now
from tests.simulation.chance.trouble import ItemFaults, Refusal, graph_error
from tests.simulation.returns.answers import STRANGE, as_bytes, strange

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from local.graph.config import GraphConfig
    from local.graph.mailbox.events import Mailbox, StoredEvent
    from local.graph.mailbox.schema import EventDraft
    from local.graph.messages import GraphAnswer, GraphRequest
    from local.standin.faults import FaultScript
    from tests.simulation.chance.conductor import Conductor
    from tests.simulation.chance.trouble import Troubles

GRAPH_URL = "https://graph.microsoft.com"
EXTENSION = "com.bookingsync.booking"
MOST_IN_FLIGHT = 4
"""Requests of one app at a time that Graph allows in a mailbox."""

_PLACE = r"/users/[^/]+(?:/calendar|/calendars/[^/]+)?"
_OPERATIONS = (
    ("GET", re.compile(r"/users/[^/]+/calendars\?.*"), "find the calendar"),
    ("POST", re.compile(r"/users/[^/]+/calendars"), "make the calendar"),
    ("POST", re.compile(_PLACE + "/events"), "create"),
    ("GET", re.compile(_PLACE + r"/events\?.*"), "find"),
    ("GET", re.compile(_PLACE + r"/calendarView\?.*"), "list"),
    ("PATCH", re.compile(r"/users/[^/]+/events/[^/]+"), "update"),
    ("DELETE", re.compile(r"/users/[^/]+/events/[^/]+"), "delete"),
    ("POST", re.compile(r"/users/[^/]+/events/[^/]+/extensions"), "tag"),
    ("PATCH", re.compile(r"/users/[^/]+/events/[^/]+/extensions/[^/]+"), "tag again"),
    ("GET", re.compile(r"/users/[^/]+/events/[^/]+/extensions/[^/]+"), "read the tag"),
    ("GET", re.compile(r"/users/[^/]+/events/[^/?]+\?.*"), "read"),
)


@functools.lru_cache(maxsize=1_000)  # asked of each request by its process and by the service
def operation(method: str, url: str) -> str:
    """What a request is in the words of the port `Calendar`."""
    return next(name for verb, shape, name in _OPERATIONS if verb == method and shape.fullmatch(url))


class NamedState(GraphState):
    """Mailboxes whose events have ids that the seed alone decides, and that read well in a trace."""

    def __init__(self, config: GraphConfig) -> None:
        super().__init__(config, now)
        self._made = 0
        self.forgets_creations = False
        """Whether a mailbox forgets the creation of an event that gets another id."""
        self.copies: set[str] = set()
        """Immutable ids of users' copies, which look like ours but are not."""

    def create(
        self, mailbox: Mailbox, draft: EventDraft, *, by_app: bool = True, calendar: str = ""
    ) -> StoredEvent:
        """As the service, with an id of our own."""
        return self._rename(mailbox, super().create(mailbox, draft, by_app=by_app, calendar=calendar))

    def _new_calendar_id(self) -> str:
        self._made += 1
        return f"AAM-Cal_{self._made}="

    def copy(self, mailbox: Mailbox, event: StoredEvent) -> StoredEvent:
        """As the service, with an id of our own."""
        return self._rename(mailbox, super().copy(mailbox, event))

    def renumber(self, mailbox: Mailbox, event: StoredEvent) -> None:
        """A migration, an archive or an import gives the event new ids."""
        mailbox.former_ids.update((event.immutable_id, event.mutable_id))
        if self.forgets_creations and event.transaction_id is not None:
            mailbox.transactions.pop(self.transaction_key(event.transaction_id, event.calendar), None)
        self._rename(mailbox, event)

    def _rename(self, mailbox: Mailbox, event: StoredEvent) -> StoredEvent:
        mailbox.drop(event)
        self._made += 1
        event.immutable_id, event.mutable_id = f"AAk-Evt_{self._made}=", f"AAM-Evt_{self._made}="
        return mailbox.add(event)


class _SteppedService(CalendarService):
    """The calendar service, whose every request waits for its turn in the middle of its work."""

    def __init__(
        self, state: GraphState, limits: Limits, conductor: Conductor, people: dict[str, str]
    ) -> None:
        super().__init__(state, limits)
        self._conductor = conductor
        self._people = people
        self.writes = 0

    async def answer(self, request: GraphRequest, faults: FaultScript | None = None) -> GraphAnswer:
        answer = await super().answer(request, faults)
        self.writes += request.method != "GET" and answer.status < HTTPStatus.BAD_REQUEST
        self._conductor.note(f"   graph {describe(request, self._people)} -> {_tell(answer)}")
        return answer

    async def _busy(self) -> None:
        await self._conductor.turn("graph works on an item")


class GraphSide:
    """The one Graph of a schedule.

    Args:
        conductor: the order of things.
        troubles: what fails.
        config: the service's undocumented sides.
        people: names of mailboxes for the trace.
    """

    def __init__(
        self, conductor: Conductor, troubles: Troubles, config: GraphConfig, people: dict[str, str]
    ) -> None:
        self.state = NamedState(config)
        self.indistinct: dict[str, StoredEvent] = {}
        """Copies of events that had no tag yet, by id, with their originals."""
        self._conductor = conductor
        self._troubles = troubles
        self._people = people
        limits = Limits(lambda: conductor.time)
        self._service = _SteppedService(self.state, limits, conductor, people)
        self._batches = BatchRunner(self._service, ItemFaults(troubles))
        self.violations: list[tuple[str, str]] = []

    @property
    def writes(self) -> int:
        """How many requests have changed anything."""
        return self._service.writes

    async def execute(self, content: bytes) -> dict[str, Any]:
        """What the service does with a batch that reached it."""
        return await self._batches.run(read_batch(json.loads(content)), GRAPH_URL, [])

    def is_indistinct(self, copied: StoredEvent) -> bool:
        """Whether nothing that Graph tells sets this copy apart from its original: see docs/reliability.md.

        It was made before the original had its tag, and the original is gone.
        """
        original = self.indistinct.get(copied.immutable_id)
        if original is None:
            return False
        return not any(original in mailbox.events.values() for mailbox in self.state.mailboxes.values())

    def check_hands_off(self, requests: Sequence[Any]) -> None:
        """Note a request that names an event which the app did not create.

        Looking at one that carries our marker is how a copy is told from an event of ours.
        """
        for item in requests:
            found = re.fullmatch(r"/users/([^/]+)/events/([^/?]+).*", item["url"])
            if found is None:
                continue
            event = self.state.user(found[1]).events.get(unquote(found[2]))
            if event is None or event.owner_app:
                continue
            if self.is_indistinct(event):
                event.owner_app = item["method"] != "GET"  # once written, it stands for its original
                continue
            if item["method"] != "GET" or not event.properties:
                self.violations.append(("hands off", f"{item['method']} on a user's event {found[2]}"))


class GraphWire:
    """One process's way to Graph; fulfils `BatchTransport`, and watches what the process may not do."""

    def __init__(self, side: GraphSide, conductor: Conductor, troubles: Troubles, name: str) -> None:
        self._side = side
        self._conductor = conductor
        self._troubles = troubles
        self._name = name
        self._in_flight: Counter[str] = Counter()
        self._closed: dict[str, tuple[float, float]] = {}
        """By mailbox ("" for all): when the service's wish to be left alone arrived, and until when."""

    async def post_batch(self, content: bytes, request_id: str) -> httpx.Response:
        """Carry a batch there and its answer back, unless something happens to either."""
        del request_id
        requests = json.loads(content)["requests"]
        what = "+".join(sorted({operation(item["method"], item["url"]) for item in requests}))
        self._side.check_hands_off(requests)
        with self._watched([item["url"].split("/")[2].lower() for item in requests]):
            response = await self._exchange(content, what)
        self._heed(requests, response)
        return response

    async def _exchange(self, content: bytes, what: str) -> httpx.Response:
        with self._conductor.stage(f"graph {what}: on its way"):
            await self._conductor.turn(f"{self._name} sends graph {what}")
        writes = what != "find"
        if self._troubles.strikes("throttle", 0.05):
            return self._answer(self._refusal(429, "TooManyRequests", self._troubles.retry_after()))
        spoil = self._choose(writes=writes)
        if spoil.startswith("before"):
            return await self._fail(spoil)
        with self._conductor.stage(f"graph {what}: at the service"):
            body = await self._conductor.serve(self._side.execute(content))
        with self._conductor.stage(f"graph {what}: answer on its way"):
            await self._conductor.turn(f"{self._name} awaits graph {what}")
        if spoil:
            return await self._fail(spoil)
        return httpx.Response(200, content=json.dumps(body).encode())

    def _choose(self, *, writes: bool) -> str:
        if self._troubles.is_down("graph"):
            return self._troubles.pick(("before unreachable", "before dropped", "before 503", "before 500"))
        if self._troubles.strikes(STRANGE, 0.05):
            return self._troubles.pick(("before strange", "after strange"))
        if not self._troubles.strikes("call", 0.15):
            return ""
        before = ("unreachable", "dropped", "hanging", "401", "500", "503", "503 wait", "504")
        after = ("dropped", "hanging", "garbled", "500", "503", "504", "503 wait")
        options = [f"before {kind}" for kind in before]
        options += [f"after {kind}" for kind in after] * (2 if writes else 1)
        chosen = self._troubles.pick(options)
        self._troubles.tell(f"graph call {chosen}")
        return chosen

    async def _fail(self, spoil: str) -> httpx.Response:
        kind = spoil.partition(" ")[2]
        if kind == "unreachable":
            raise httpx.ConnectError("refused")
        if kind == "dropped":
            raise httpx.ReadError("reset")
        if kind == "hanging":
            await self._conductor.for_ever()
        if kind == "garbled":
            return httpx.Response(200, content=b'{"responses": [{"id": "0", "sta')
        if kind == STRANGE:
            status, words, body = strange(self._troubles.pick)
            self._troubles.tell(f"graph call strange {words}")
            return httpx.Response(status, content=as_bytes(body))
        headers = self._troubles.retry_after() if kind.endswith("wait") else None
        return self._answer(self._refusal(int(kind[:3]), "Spoiled", headers))

    def _refusal(self, status: int, code: str, headers: dict[str, str] | None) -> Refusal:
        if status == 429:
            self._troubles.tell(f"graph call 429{'+retry-after' if headers else ''}")
        return Refusal(status, graph_error(status, code), headers)

    def _answer(self, refusal: Refusal) -> httpx.Response:
        self._conductor.note(
            f"   graph answers {self._name}'s batch {refusal.name} {dict(refusal.headers or {})}"
        )
        return httpx.Response(refusal.status, json=refusal.body, headers=dict(refusal.headers or {}))

    @contextmanager
    def _watched(self, mailboxes: list[str]) -> Iterator[None]:
        self._check_silence(mailboxes)
        self._in_flight.update(mailboxes)
        for mailbox, batch in Counter(mailboxes).items():
            # Graph itself runs at most four items of one batch at a time.
            others = self._in_flight[mailbox] - batch
            if others and others + min(batch, MOST_IN_FLIGHT) > MOST_IN_FLIGHT:
                self._side.violations.append(("in flight", f"{self._name}: more than 4 in {mailbox}"))
        try:
            yield
        finally:
            self._in_flight.subtract(mailboxes)

    def _check_silence(self, mailboxes: list[str]) -> None:
        for mailbox in {*mailboxes, ""}:
            since, until = self._closed.get(mailbox, (0.0, 0.0))
            if since < self._conductor.time < until - 0.001:
                left = until - self._conductor.time
                self._side.violations.append(
                    ("throttling", f"{self._name} writes to {mailbox or 'Graph'} {left:.1f} s too early")
                )

    def _heed(self, requests: Sequence[Any], response: httpx.Response) -> None:
        """Remember what the service asked for, as the process must."""
        if response.status_code != 200:
            self._close("", errors.app_pause(Answer(response.status_code, _lower(response.headers)), now()))
            return
        try:
            answers = json.loads(response.content)["responses"]
        except ValueError:
            return
        mailboxes = {item["id"]: item["url"].split("/")[2].lower() for item in requests}
        for entry in answers:
            answer = Answer(entry["status"], _lower(entry["headers"]), entry.get("body"))
            self._close(mailboxes[entry["id"]], errors.mailbox_pause(answer, now()))

    def _close(self, mailbox: str, seconds: float | None) -> None:
        if seconds:
            until = max(self._conductor.time + seconds, self._closed.get(mailbox, (0.0, 0.0))[1])
            self._closed[mailbox] = (self._conductor.time, until)


def describe(request: GraphRequest, people: dict[str, str]) -> str:
    """A request in a line of the trace."""
    who = people.get(request.segments[1].lower(), request.segments[1])
    what = operation(request.method, request.url)
    event = request.segments[3] if len(request.segments) > 3 else ""
    body = request.body if isinstance(request.body, dict) else {}
    details = [body["subject"]] if "subject" in body else []
    details += [f"tx {body['transactionId'][:6]}"] if "transactionId" in body else []
    return " ".join([what, who, event, *details]).strip()


def _tell(answer: GraphAnswer) -> str:
    body = answer.body if isinstance(answer.body, dict) else {}
    if "error" in body:
        return f"{answer.status} {body['error']['code']}"
    if "value" in body:
        return f"{answer.status} {[entry['id'] for entry in body['value']]}"
    return f"{answer.status} {body.get('id', '')}".rstrip()


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
