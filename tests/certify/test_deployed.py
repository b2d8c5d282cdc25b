"""The checks that need a running app."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from booking_sync.certify.parts import CertifyOptions
from booking_sync.certify.results import Comparison
from tests.certify.conftest import CertifiedStack, open_certified, the

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from booking_sync.certify.results import CertifyReport

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def deployed(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[CertifiedStack]:
    """With a Functions host."""
    async with open_certified(tmp_path_factory, 1) as made:
        yield made


async def _shortly(_seconds: float) -> None:
    """The stack's telemetry takes no minutes."""
    await asyncio.sleep(0.5)


async def _run(certified: CertifiedStack, name: str) -> CertifyReport:
    async with certified.open(CertifyOptions(booking=certified.booking, webhook=True)) as check:
        check.checks = [each for each in check.checks if name in each.names]
        return await check.run()


async def test_twenty_webhooks_at_once(deployed: CertifiedStack) -> None:
    """All are answered, and none becomes a message."""
    report = await _run(deployed, "webhooks_at_once")
    seen = the(report, "webhooks_at_once")
    assert (seen.outcome, seen.finding) == (Comparison.AS_ASSUMED, seen.finding)
    assert "the slowest of 20 at once" in seen.seen
    assert await deployed.deployment.stack.queue.waiting() == 0


async def test_the_wrong_key_is_seen(deployed: CertifiedStack) -> None:
    """Each webhook is refused, and the way out is told."""
    key, deployed.deployment.key = deployed.deployment.key, "another"
    seen = the(await _run(deployed, "webhooks_at_once"), "webhooks_at_once")
    deployed.deployment.key = key
    assert (seen.outcome, "20 of them: 401" in seen.seen) == (Comparison.OTHERWISE, True)
    assert "booking-sync doctor" in seen.action


async def test_a_message_is_taken(deployed: CertifiedStack) -> None:
    """The app takes the hint on the test booking, and its trace can be looked for."""
    report = await _run(deployed, "queue_wakes")
    assert the(report, "queue_wakes").outcome is Comparison.AS_ASSUMED
    assert report.correlation_id
    assert report.correlation_id not in str(report.as_json())


@pytest.mark.parametrize("made", ["queue_wakes", "webhooks_at_once"])
async def test_this_run_s_own_line_is_found(deployed: CertifiedStack, made: str) -> None:
    """What the app logged of message or webhooks arrives; nothing need be looked for by hand."""
    await deployed.deployment.stack.wait_until_quiet(30)
    workspace = deployed.deployment.stack.identities.workspace_id
    options = CertifyOptions(booking=deployed.booking, webhook=True, workspace=workspace)
    async with deployed.open(options) as check:
        check.checks = [each for each in check.checks if {made, "telemetry_arrives"} & set(each.names)]
        check.sleep = _shortly
        report = await check.run()
    seen = the(report, "telemetry_arrives")
    assert seen.outcome is Comparison.AS_ASSUMED
    assert "this run's own within" in seen.seen
    assert report.correlation_id == ""


async def test_an_app_that_is_down(deployed: CertifiedStack) -> None:
    """Lost webhooks are counted, a message that nobody takes is told; a full queue is no test."""
    await deployed.deployment.stack.wait_until_quiet(30)
    await deployed.deployment.stack.kill_host()
    hooks = the(await _run(deployed, "webhooks_at_once"), "webhooks_at_once")
    assert "20 of them: no answer" in hooks.seen
    clock = iter(range(0, 10_000, 100))
    async with deployed.open(CertifyOptions(booking=deployed.booking, webhook=True)) as check:
        check.checks = [each for each in check.checks if "queue_wakes" in each.names]
        check.elapsed = lambda: float(next(clock))
        silent = the(await check.run(), "queue_wakes")
        full = the(await check.run(), "queue_wakes")
    assert (silent.outcome, silent.seen) == (Comparison.OTHERWISE, "not_at_all (300 s)")
    assert full.seen == "the queue is not empty: run it again when it is"
