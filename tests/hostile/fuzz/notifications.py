"""Bodies of notifications gone wrong, and what holds for every one of them."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from booking_sync.domain.messages.change import decode_message
from booking_sync.domain.return_path.client_state import make_client_state
from booking_sync.domain.return_path.messages import encode_outlook
from booking_sync.sync.from_outlook.receiver import NotificationReceiver
from tests.hostile.fuzz.bodies import ENCODINGS, Doubled, junk, nested, texts, write
from tests.support.bookings import ANNA, BERT
from tests.support.fakes import FakeQueue
from tests.support.notifications import (
    ADDRESSEE,
    FOREIGN_KEY,
    KEY,
    OLDER_KEY,
    FakeKeyring,
    changed,
    lifecycle,
)

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
ACCEPTED = 202
MAILBOXES = frozenset({ANNA, BERT})
STATES = tuple(make_client_state(KEY, ADDRESSEE.scope, each) for each in sorted(MAILBOXES))
NEAR_STATES = (
    make_client_state(OLDER_KEY, "other", ANNA),
    make_client_state(FOREIGN_KEY, ADDRESSEE.scope, ANNA),
    STATES[0][:-1],
    STATES[0].upper(),
    STATES[0].replace(ANNA, BERT),
    f"{STATES[0]}\n",
)
_EVENTS = ("E1", "e1", "AAMk-_=", "../messages", "E" * 1001, "", "E1/attachments")
_LIFECYCLES = ("missed", "subscriptionRemoved", "reauthorizationRequired", "Missed", "renamed")


@st.composite
def _items(draw: st.DrawFn) -> Any:
    mailbox = draw(st.sampled_from(sorted(MAILBOXES)))
    made = (
        changed(draw(st.sampled_from(_EVENTS)), mailbox)
        if draw(st.booleans())
        else lifecycle(draw(st.sampled_from(_LIFECYCLES)), mailbox)
    )
    item: Any = copy.deepcopy(made)
    for _ in range(draw(st.integers(0, 3))):
        if not isinstance(item, dict) or not item:
            break
        key = draw(st.sampled_from(sorted(item, key=str)))
        match draw(st.sampled_from(("drop", "junk", "state", "text", "double", "inside"))):
            case "drop":
                del item[key]
            case "junk":
                item[key] = draw(junk)
            case "state":
                item["clientState"] = draw(st.sampled_from(NEAR_STATES))
            case "text":
                item[key] = draw(texts)
            case "double":
                item = Doubled(dict(item), draw(junk))
            case _:
                item[key] = {"id": draw(st.sampled_from(_EVENTS) | texts)}
    return item


@st.composite
def notification_bodies(draw: st.DrawFn) -> bytes:
    """Real items with pieces dropped, swapped, doubled and retyped; some bodies are cut, or noise."""
    items = draw(st.lists(_items() | junk, max_size=4))
    body: Any = {"value": items}
    if draw(st.integers(0, 9)) == 0:
        body = draw(st.sampled_from((items, {"value": draw(junk)}, Doubled(body, draw(junk)))))
    text = write(body)
    match draw(st.sampled_from(("plain",) * 8 + ("encoded", "cut", "deep", "noise"))):
        case "encoded":
            return text.encode(draw(st.sampled_from(ENCODINGS)), errors="replace")
        case "cut":
            return text.encode()[: draw(st.integers(0, len(text)))]
        case "deep":
            return f'{{"value":[{nested(draw(st.integers(1, 3000)))}]}}'.encode()
        case "noise":
            return draw(st.binary(max_size=200))
        case _:
            return text.encode()


class NotificationWorld:
    """A receiver that knows two mailboxes, and a clock by which nothing joins."""

    def __init__(self) -> None:
        self.queue = FakeQueue()
        self._time = 0.0
        self._receiver = NotificationReceiver(
            self.queue,
            FakeKeyring(),
            ADDRESSEE,
            now=lambda: NOW,
            new_id=lambda: "12121212-1212-4121-8121-121212121212",
            elapsed=self._tick,
        )

    def _tick(self) -> float:
        self._time += 1000.0
        return self._time

    async def judge(self, body: bytes) -> int:
        """Post, and check what holds for every body; how many messages came of it."""
        self.queue.outlook.clear()
        answer = await self._receiver.receive(body)
        assert answer.status in (202, 400, 413), answer
        if answer.status != ACCEPTED:
            assert not self.queue.outlook
        plain = body.replace(b"\0", b"")  # as far as UTF-16 and UTF-32 hide it
        proven = any(state.encode() in plain for state in STATES)
        for message, delay in self.queue.outlook:
            assert proven or not body.isascii() or b"\\u" in body, "nothing forged is queued"
            assert message.mailbox in MAILBOXES
            assert decode_message(encode_outlook(message)) == message
            assert 0 < delay < 60
        return len(self.queue.outlook)
