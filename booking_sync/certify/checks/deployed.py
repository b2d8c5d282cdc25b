"""Checks of the deployed app: webhooks at once, and the way from its queue to its work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from booking_sync.certify.parts import Check, CheckNeed
from booking_sync.certify.results import NotTried, Observation
from booking_sync.domain.messages.change import BookingChange

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from booking_sync.certify.parts import CheckContext
    from booking_sync.certify.results import CheckOutput

WEBHOOKS: Final = 20
SOON: Final = 60.0
"""Seconds within which a message should be taken, scaling from zero included."""
PATIENCE: Final = 300.0
POLL: Final = 0.5
_ACCEPTED = 202


async def _webhooks(run: CheckContext) -> AsyncIterator[CheckOutput]:
    began = run.now()
    posted = await run.tenant.app.post_webhooks(WEBHOOKS)
    taken = posted.statuses.get(_ACCEPTED, 0)
    if taken:
        run.telemetry_causes.posted = began
    others = {status: count for status, count in posted.statuses.items() if status != _ACCEPTED}
    told = [f"one before took {posted.first:.1f} s, the slowest of {WEBHOOKS} at once {posted.slowest:.1f} s"]
    told += [f"{count} of them: {status or 'no answer'}" for status, count in sorted(others.items())]
    value = "all" if not others else ("some" if taken else "refused")
    yield Observation("webhooks_at_once", value, "; ".join(told))


async def _queue(run: CheckContext) -> AsyncIterator[CheckOutput]:
    """A hint on the test booking: the app reads it, and does what it would do anyhow."""
    app = run.tenant.app
    before = await app.queue()
    if before.changes:
        yield NotTried("queue_wakes", "the queue is not empty: run it again when it is")
        return
    correlation = run.new_id()
    began = run.now()
    await app.queue_message(BookingChange(run.options.booking, correlation, first_seen=began))
    run.telemetry_causes.correlation_id = correlation
    started = run.elapsed()
    while (waited := run.elapsed() - started) < PATIENCE:
        if (await app.queue()).oldest_change is None:
            run.telemetry_causes.queued = began
            soon = "within_a_minute" if waited <= SOON else "later"
            yield Observation("queue_wakes", soon, f"{waited:.1f} s")
            return
        await run.sleep(POLL)
    yield Observation("queue_wakes", "not_at_all", f"{waited:.0f} s")


CHECKS: Final = (
    Check(
        ("webhooks_at_once",),
        f"posts one webhook and then {WEBHOOKS} at once, of a table that nobody has",
        (CheckNeed.WEBHOOK,),
        _webhooks,
    ),
    Check(
        ("queue_wakes",),
        "queues a hint on the test booking, and waits until it is taken",
        (CheckNeed.BOOKING,),
        _queue,
    ),
)
