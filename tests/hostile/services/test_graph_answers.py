"""Graph's answers under fire: whatever an item or a whole batch says, two kinds of error and no others."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from booking_sync.domain.events.event_ref import EventRef, is_event_id
from booking_sync.errors import SyncError, TransientError
from booking_sync.outlook.calendar import OutlookCalendar, open_calendar
from booking_sync.outlook.graph import errors
from booking_sync.outlook.graph.batch import BatchSender
from booking_sync.outlook.graph.client import GraphClient
from booking_sync.outlook.graph.scheduler import BatchScheduler
from booking_sync.ports.outlook.calendars import Written
from local.stack.certificates import Certificates
from tests.hostile.fuzz.bodies import write
from tests.hostile.services import answers
from tests.outlook.kit import (
    BIRTH,
    BOOKING,
    CONTENT,
    EXTENSION,
    MAILBOX,
    MARKER,
    NOW,
    OTHER_MAILBOX,
    SEAL,
    GraphHere,
    LocalCredential,
    new_id,
    now,
)

THIRD_MAILBOX = "0a6c0000-0000-4000-8000-000000000003"
Operation = Callable[[OutlookCalendar, EventRef], Coroutine[Any, Any, Any]]
CREATION = "7c1e0000-0000-4000-8000-0000000000c1"
"""The transactionId of the creation on tape, which answers name."""
OPERATIONS: dict[str, Operation] = {
    "create": lambda calendar, _event: calendar.create(
        MAILBOX, CONTENT, marker=MARKER, transaction_id=CREATION, birth=BIRTH
    ),
    "update": lambda calendar, event: calendar.update(event, CONTENT),
    "tag": lambda calendar, event: calendar.tag(event, BOOKING, SEAL),
    "read_tag": lambda calendar, event: calendar.read_tag(event),
    "look": lambda calendar, event: calendar.look(event),
    "read": lambda calendar, event: calendar.read(event),
    "find": lambda calendar, _event: calendar.find(MAILBOX, MARKER),
    "list_marked": lambda calendar, _event: calendar.list_marked(MAILBOX, NOW, NOW + timedelta(days=1)),
    "list_all_marked": lambda calendar, _event: calendar.list_all_marked(MAILBOX),
    "list_extended": lambda calendar, _event: calendar.list_extended(MAILBOX, EXTENSION, "bookingSyncGuid"),
    "look_up": lambda calendar, event: calendar.look_up(event),
    "claim": lambda calendar, event: calendar.claim(event, MARKER),
    "delete": lambda calendar, event: calendar.delete(event),
}
WRITES = {"create", "update", "tag", "claim", "delete"}
GONE: dict[str, Any] = {**dict.fromkeys(("update", "look", "read", "look_up", "claim")), "tag": False}
"""What an operation gives when there is no such event."""


@dataclass
class Tape:
    """The answers that Graph gave to one operation, item by item, and what came of them."""

    items: list[dict[str, Any]]
    result: Any


class Recorder(httpx.AsyncBaseTransport):
    """Passes requests on and keeps the items of the answers."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self.items: list[dict[str, Any]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer."""
        response = await self._inner.handle_async_request(request)
        content = await response.aread()
        self.items += json.loads(content)["responses"]
        return httpx.Response(response.status_code, headers=response.headers, content=content)

    async def aclose(self) -> None:
        """Close what is inside."""
        await self._inner.aclose()


@dataclass
class Replay(httpx.AsyncBaseTransport):
    """Answers the target's items from a tape, one of them spoiled, and its neighbours' as they were."""

    tape: Sequence[Mapping[str, Any]]
    neighbours: Mapping[str, Mapping[str, Any]]
    random: Random
    spoils: bool = True
    whole: bool = False
    """Spoil the batch's answer and not one item's."""
    asked: int = 0
    given: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Choose which of the target's answers to spoil."""
        self._victim = self.random.randrange(len(self.tape))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One batch's answer."""
        items = json.loads(await request.aread())["requests"]
        responses = [self._answer(item) for item in items]
        self.random.shuffle(responses)
        if not (self.spoils and self.whole):
            content = write({"responses": responses}).encode("utf-8", "surrogatepass")
            return httpx.Response(200, content=content)
        spoiled = answers.mutated({"responses": responses}, self.random)
        content = answers.text(spoiled, self.random)
        status = self.random.choice((200, 200, 200, *(s for s in answers.STATUSES if 200 <= s <= 599)))
        self.given.append((status, content[:2000]))
        named = answers.headers({}, self.random)
        safe = {name: value for name, value in named.items() if value.isascii() and value.isprintable()}
        return httpx.Response(status, headers=safe, content=content)

    def _answer(self, item: Mapping[str, Any]) -> Any:
        mailbox = unquote(item["url"]).split("/")[2]
        if mailbox != MAILBOX:
            return {**self.neighbours[mailbox], "id": item["id"]}
        place = min(self.asked, len(self.tape) - 1)
        self.asked += 1
        real = {**self.tape[place], "id": item["id"]}
        if not self.spoils or self.whole or place != self._victim:
            return real
        spoiled = self._spoiled(real)
        self.given.append(spoiled)
        return spoiled

    def _spoiled(self, real: dict[str, Any]) -> Any:
        """The item with its body, status or headers changed; its id stays, or a neighbour would be hurt."""
        changed = dict(real)
        if self.random.random() < 0.8:
            changed["body"] = answers.mutated(real.get("body"), self.random)
        if self.random.random() < 0.2:
            changed["status"] = self.random.choice(answers.STATUSES)
        if self.random.random() < 0.2:
            changed["headers"] = answers.headers(dict(real.get("headers") or {}), self.random)
        if self.random.random() < 0.1:
            changed[self.random.choice(("status", "headers", "body"))] = answers.junk(self.random)
        return changed


@pytest.fixture
async def tapes(graph: GraphHere, certificates: Certificates) -> AsyncIterator[dict[str, Tape]]:
    """Each operation's real answers."""
    trusted = ssl.create_default_context(cafile=str(certificates.authority))
    recorder = Recorder(httpx.AsyncHTTPTransport(verify=trusted))
    graph.standin.state.add_mailbox(THIRD_MAILBOX)
    calendar = open_calendar(graph.url, graph.credential, EXTENSION, now, transport=recorder)
    for _ in range(60):  # two pages of each kind
        graph.user_creates(MAILBOX, "somebody's own")
    made = await calendar.create(MAILBOX, CONTENT, marker=MARKER, transaction_id=new_id(), birth=BIRTH)
    assert isinstance(made, Written)
    event = EventRef(MAILBOX, made.event_id)
    found: dict[str, Tape] = {}
    for name, operation in OPERATIONS.items():
        recorder.items.clear()
        result = await operation(calendar, event)
        found[name] = Tape([dict(each) for each in recorder.items], result)
    found["event"] = Tape([], event)
    for mailbox in (OTHER_MAILBOX, THIRD_MAILBOX):
        recorder.items.clear()
        result = await calendar.find(mailbox, MARKER)
        found[mailbox] = Tape([dict(each) for each in recorder.items], result)
    yield found
    await calendar.aclose()


def calendar_on(client: GraphClient) -> OutlookCalendar:
    """A calendar without memory of former answers."""
    sender = BatchSender(client, LocalCredential(b"k" * 32), now)
    pause = lambda answer: errors.mailbox_pause(answer, now())  # noqa: E731 - as the calendar is wired
    batches = BatchScheduler(sender.send, pause, window=0.0, hold=0.0)
    return OutlookCalendar(client, batches, extension_name=EXTENSION, now=now)


async def told(call: Coroutine[Any, Any, Any]) -> Any:
    """What a call gives, or the error of ours that it raises; any other error is the test's failure."""
    try:
        return await call
    except SyncError as error:
        return error


def was_carried_out(given: Sequence[Any]) -> bool:
    """Whether the last spoiled answer still says that its request worked."""
    status = given[-1].get("status") if given and isinstance(given[-1], dict) else None
    return type(status) is int and 200 <= status < 300


def check_types(value: Any) -> None:
    """No value of a wrong type gets behind the adapter."""
    if isinstance(value, list):
        for each in value:
            check_types(each)
    elif isinstance(value, EventRef):
        assert is_event_id(value.event_id)
    elif is_dataclass(value):
        for each in fields(value):
            check_types(getattr(value, each.name))
    else:
        assert isinstance(value, str | int | datetime | frozenset | tuple | None), repr(value)
        if isinstance(value, datetime):
            assert value.tzinfo is not None
        if isinstance(value, frozenset | tuple):
            assert all(isinstance(each, str) for each in value)


@pytest.mark.timeout(0 if answers.is_soak() else 120)
@pytest.mark.parametrize("whole", [False, True], ids=["item", "batch"])
async def test_no_answer_of_graphs_breaks_the_adapter(
    graph: GraphHere,
    tapes: dict[str, Tape],
    whole: bool,  # noqa: FBT001 - a table's column
) -> None:
    """Two kinds of error, typed results, unharmed neighbours; no event counts as gone but by Graph's word."""
    relay = Relay()
    client = GraphClient(graph.url, LocalCredential(b"k" * 32), relay)
    neighbours = {mailbox: tapes[mailbox].items[0] for mailbox in (OTHER_MAILBOX, THIRD_MAILBOX)}
    event: EventRef = tapes["event"].result
    for number in answers.rounds(0.25 if whole else 1):
        random = Random(f"{whole} {number}")  # noqa: S311 - no secret
        name = random.choice(list(OPERATIONS))
        tape = tapes[name]
        relay.to = replay = Replay(tape.items, neighbours, random, whole=whole)
        calendar = calendar_on(client)
        about = f"{name} {number}"
        try:
            result, *others = await asyncio.wait_for(
                asyncio.gather(
                    told(OPERATIONS[name](calendar, event)),
                    told(calendar.find(OTHER_MAILBOX, MARKER)),
                    told(calendar.find(THIRD_MAILBOX, MARKER)),
                ),
                30,
            )
            if isinstance(result, SyncError):
                assert len(result.reason) < 400
                if name in WRITES and not whole and was_carried_out(replay.given):
                    assert isinstance(result, TransientError)
                    assert result.maybe_applied
            else:
                check_types(result)
                if name in GONE and result is GONE[name]:
                    assert any("rror" in answers.shown(given) for given in replay.given)
            for mailbox, other in zip(neighbours, others, strict=True):
                if whole:
                    assert isinstance(other, list | SyncError)
                else:
                    assert other == tapes[mailbox].result
            relay.to = Replay(tape.items, neighbours, random, spoils=False)
            again = await told(OPERATIONS[name](calendar, event))
            assert again == tape.result or (isinstance(again, TransientError) and again.retry_after)
        except Exception as error:
            raise AssertionError(
                f"{about}: {type(error).__name__} by {answers.shown(replay.given)}"
            ) from error
        finally:
            await calendar._batches.aclose()  # noqa: SLF001 - the client is shared
    await client.aclose()


class Relay(httpx.AsyncBaseTransport):
    """Hands requests to whatever answers them now."""

    to: httpx.AsyncBaseTransport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer."""
        return await self.to.handle_async_request(request)
