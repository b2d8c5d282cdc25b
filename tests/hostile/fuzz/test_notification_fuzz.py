"""The address that Graph notifies under fire: any bytes from anybody."""

from __future__ import annotations

import gc
import tracemalloc

import pytest
from hypothesis import given

from booking_sync.sync.from_outlook.notifications import MAX_BODY
from tests.hostile.fuzz.bodies import nested, write
from tests.hostile.fuzz.budget import tries
from tests.hostile.fuzz.notifications import NEAR_STATES, NotificationWorld, notification_bodies
from tests.support.notifications import body_of, changed

BYTES_PER_BODY_BYTE = 40
HEAVY = {
    "ten thousand items": body_of(*([{}] * 10_000)),
    "ten thousand of ours": body_of(*[changed(f"E{number}") for number in range(10_000)]),
    "deep": nested(100_000).encode(),
    "a deep item": f'{{"value":[{nested(20_000)}]}}'.encode(),
    "a long number": b'{"value":[' + b"9" * 200_000 + b"]}",
    "a long state": write({"value": [changed(clientState="." * 200_000)]}).encode(),
    "ten megabytes": b'{"value":"' + b"x" * 10_000_000,
    "white space": b" " * MAX_BODY,
}


@tries(0.15)
@given(notification_bodies())
async def test_no_body_breaks_the_address_or_forges_a_hint(body: bytes) -> None:
    """Whatever is posted is accepted or refused; only what is proven ours is queued, in readable messages."""
    await NotificationWorld().judge(body)


@pytest.mark.parametrize("state", NEAR_STATES)
async def test_a_state_that_is_nearly_ours_is_not(state: str) -> None:
    """Another scope, key, mailbox, case, or length."""
    assert await NotificationWorld().judge(body_of(changed(clientState=state))) == 0


async def test_ours_is_queued() -> None:
    """Else nothing above would prove anything."""
    assert await NotificationWorld().judge(body_of(changed())) == 1


@pytest.mark.parametrize("kind", HEAVY)
async def test_a_heavy_body_costs_memory_by_its_size(kind: str) -> None:
    """Ten thousand items, depth, long values: refused or read, in memory bounded by what is looked at."""
    world = NotificationWorld()
    await world.judge(b"{}")
    gc.collect()
    tracemalloc.start()
    try:
        assert await world.judge(HEAVY[kind]) <= 1
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000 + BYTES_PER_BODY_BYTE * min(len(HEAVY[kind]), MAX_BODY)
