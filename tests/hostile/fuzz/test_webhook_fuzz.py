"""The webhook under fire: the real function, a real `HttpRequest`, a real queue behind it."""

from __future__ import annotations

import gc
import json
import time
import tracemalloc
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given

from booking_sync.azure.storage.queue import MAX_MESSAGE_CHARACTERS
from booking_sync.domain.messages.change import BookingChange, RelatedChange, decode_message
from tests.hostile.fuzz.bodies import heavy_bodies, nested, raw_bodies, raw_headers, write
from tests.hostile.fuzz.budget import tries
from tests.support.webhook_bodies import Webhook, created, deleted, headers, work_order_updated

if TYPE_CHECKING:
    from tests.hostile.fuzz.app_functions import AppFunctions

ANSWER_LIMIT = 400
"""Bytes; the longest answer names a status, a reason and two ids."""
HEAVY = heavy_bodies()
BYTES_PER_BODY_BYTE = 40
"""What parsed JSON may take: an empty object of two characters and a comma is 64 bytes and a pointer."""


def judge(app_functions: AppFunctions, body: bytes, head: dict[str, str]) -> None:
    """Post, and check what holds for every body."""
    answer = app_functions.post(body, head)
    text = answer.get_body().decode("ascii")
    assert answer.status_code in (202, 400, 413), text
    assert len(text) <= ANSWER_LIMIT
    assert "Traceback" not in text
    assert isinstance(json.loads(text), dict)
    told = json.loads(text)
    messages = app_functions.changes() if told["status"] == "queued" else []
    for message in messages:
        assert len(message) <= MAX_MESSAGE_CHARACTERS
    # Those about related rows are hidden for a moment, and turn up beside later ones.
    assert len(of_bookings(messages)) == ("bookingId" in told and told["status"] == "queued")


def of_bookings(messages: list[str]) -> list[BookingChange]:
    """Those about one booking; every message must be readable."""
    return [each for each in map(decode_message, messages) if isinstance(each, BookingChange)]


@tries()
@given(raw_bodies(), raw_headers())
def test_no_mutated_body_breaks_the_webhook(
    app_functions: AppFunctions, body: bytes, head: dict[str, str]
) -> None:
    """Whatever is posted is queued, ignored or refused in a short answer, and what is queued can be read."""
    judge(app_functions, body, head)


@pytest.mark.parametrize("kind", HEAVY)
def test_a_heavy_body_costs_memory_by_its_size(app_functions: AppFunctions, kind: str) -> None:
    """Bodies made to cost much are answered, and take no more memory than a constant times their size."""
    body, head = HEAVY[kind], headers("Delete")
    judge(app_functions, Webhook().body(), headers())  # what is made once is made now
    gc.collect()
    tracemalloc.start()
    try:
        judge(app_functions, body, head)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    looked_at = len(body) if len(body) <= 1024 * 1024 else 0
    assert peak < 2_000_000 + BYTES_PER_BODY_BYTE * looked_at


@pytest.mark.parametrize("column", ["__type", "Attributes", "LogicalName"])
@pytest.mark.parametrize("first", range(800, 1000, 50))
def test_nesting_at_the_edge_of_what_can_be_parsed_is_answered(
    app_functions: AppFunctions, first: int, column: str
) -> None:
    """No depth is shallow enough for the parser and too deep for what looks at the values afterwards."""
    target = created().target
    mark = '"booking_sync."'
    text = write(Webhook("Create", target={**target, column: "booking_sync."}).context())
    for depth in range(first, first + 50):
        judge(app_functions, text.replace(mark, nested(depth)).encode(), headers("Create"))


@pytest.mark.parametrize(
    ("event_id", "mailbox"),
    [
        ("..", "8d7c6b5a-0f1e-4d2c-9b3a-5f6e7d8c9b0a"),
        ("AAMk=/../../messages", "8d7c6b5a-0f1e-4d2c-9b3a-5f6e7d8c9b0a"),
        ("AAMk\r\nX-Injected: 1", "8d7c6b5a-0f1e-4d2c-9b3a-5f6e7d8c9b0a"),
        ("\ud800", "8d7c6b5a-0f1e-4d2c-9b3a-5f6e7d8c9b0a"),
        ("AAMk=", "../groups/8d7c6b5a-0f1e-4d2c-9b3a-5f6e7d8c9b0a"),
        ("AAMk=", "someone@contoso.com"),
        ("\N{PILE OF POO}" * 400, "\N{PILE OF POO}" * 100),
    ],
    ids=["dots", "slashes", "line breaks", "half a character", "a group", "an address", "pictures"],
)
@pytest.mark.parametrize(
    "state", [None, "1:\ud800:\ud800", "1:abc:def"], ids=["no seal", "half a character", "a wrong seal"]
)
def test_a_deletion_names_no_event_that_could_not_be_ours(
    app_functions: AppFunctions, event_id: str, mailbox: str, state: str | None
) -> None:
    """Columns edited into something that is no event id or no mailbox are not passed on; the change is."""
    image = {
        "msdyn_workorder": {"Id": "99aa88bb-3b52-ef11-bfe3-000d3a4a5b6c"},
        "bsync_outlookeventid": event_id,
        "bsync_originalresource": mailbox,
        "bsync_outlooksyncstate": state,
    }
    assert app_functions.post(deleted(image).body(), headers("Delete")).status_code == 202
    (change,) = of_bookings(app_functions.changes())
    assert change.event is None


def test_a_storm_of_changes_of_one_work_order_is_one_message(app_functions: AppFunctions) -> None:
    """A hundred webhooks about one row are all acknowledged, and leave one message that can be read."""
    row_id = str(uuid.uuid4())
    body = replace(work_order_updated(), row_id=row_id).body()
    told = [json.loads(app_functions.post(body, headers()).get_body())["status"] for _ in range(100)]
    assert told == ["queued"] + ["joined"] * 99
    found: list[RelatedChange] = []
    deadline = time.monotonic() + 30
    while not found and time.monotonic() < deadline:
        messages = [decode_message(text) for text in app_functions.changes()]
        found = [each for each in messages if isinstance(each, RelatedChange) and each.row_id == row_id]
        time.sleep(0.1)
    assert len(found) == 1
