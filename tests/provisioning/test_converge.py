"""Carrying a plan out: patience with Dataverse, nothing twice, and an honest report."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from booking_sync.dataverse.customizations.webhook_key import SALT_BYTES, describe, has_key
from booking_sync.errors import PermanentError, TransientError
from booking_sync.ports.dataverse.customization_actions import MakePublisher, Publish
from booking_sync.provisioning.converge import (
    MAX_ROUNDS,
    ChangeRefusedError,
    ProvisioningReport,
    converge,
)
from booking_sync.provisioning.plan import make_plan
from tests.provisioning.kit import DESIRED, EMPTY, FakeCustomizations, provisioned

if TYPE_CHECKING:
    from booking_sync.ports.dataverse.customization_actions import Action
    from booking_sync.ports.dataverse.customizations import DesiredCustomizations, FoundCustomizations


class Waits:
    """Remembers how long was waited, and what was told."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.told: list[str] = []

    async def sleep(self, seconds: float) -> None:
        """Wait no time."""
        self.seconds.append(seconds)


async def run(
    customizations: FakeCustomizations, waits: Waits | None = None, *, dry_run: bool = False
) -> ProvisioningReport:
    """Provision it."""
    waits = waits or Waits()
    return await converge(
        customizations,
        DESIRED,
        partial(make_plan, desired=DESIRED),
        dry_run=dry_run,
        sleep=waits.sleep,
        tell=waits.told.append,
    )


async def test_everything_is_made_and_read_back() -> None:
    """The report tells each part once, and completeness only after a look."""
    customizations, waits = FakeCustomizations(), Waits()
    report = await run(customizations, waits)
    assert (report.complete, report.changed) == (True, True)
    assert {each.result for each in report.outcomes} == {"made", "changed"}
    assert len(waits.told) == len(customizations.done)
    assert waits.seconds == []


async def test_a_second_run_does_nothing() -> None:
    """Idempotent."""
    customizations = FakeCustomizations(provisioned())
    report = await run(customizations)
    assert (report.complete, report.changed, customizations.done) == (True, False, [])
    assert {each.result for each in report.outcomes} == {"exists"}


async def test_a_dry_run_only_looks() -> None:
    """It tells what would be done and that it is not."""
    customizations = FakeCustomizations()
    report = await run(customizations, dry_run=True)
    assert (report.complete, report.changed, customizations.done) == (False, False, [])
    assert {each.result for each in report.outcomes} == {"missing", "differs"}


async def test_what_is_in_the_way_is_reported_and_nothing_done() -> None:
    """A conflict leaves the environment as it is."""
    customizations = FakeCustomizations(replace(EMPTY, possible=frozenset()))
    report = await run(customizations)
    assert (report.complete, customizations.done) == (False, [])
    assert "in the way" in {each.result for each in report.outcomes}


async def test_a_busy_dataverse_is_waited_for() -> None:
    """A refusal for now is waited out as long as it asks, then everything is looked at anew."""
    failures: list[Exception] = [TransientError("busy", retry_after=7), TransientError("busy")]
    customizations, waits = FakeCustomizations(failures=failures), Waits()
    report = await run(customizations, waits)
    assert report.complete
    assert waits.seconds == [7, 10]
    assert sum(isinstance(action, MakePublisher) for action in customizations.done) == 1
    assert sum(isinstance(action, Publish) for action in customizations.done) == 2


async def test_patience_ends() -> None:
    """After some rounds the reason comes out; the next run goes on from there."""
    failures: list[Exception] = [TransientError("busy") for _ in range(MAX_ROUNDS)]
    customizations = FakeCustomizations(failures=failures)
    with pytest.raises(TransientError, match="busy"):
        await run(customizations)
    assert (await run(customizations)).complete


async def test_a_refusal_comes_out() -> None:
    """What is refused for good is not tried again."""
    customizations = FakeCustomizations(failures=[PermanentError("no")])
    with pytest.raises(PermanentError):
        await run(customizations)
    assert customizations.done == []


async def test_a_refusal_half_way_tells_what_was_done_before() -> None:
    """Whoever catches it knows each part: made before, refused with the reason, or never begun."""
    customizations = FakeCustomizations(failures=[PermanentError("no")])
    with pytest.raises(ChangeRefusedError, match="no") as nothing:
        await run(customizations)
    assert (nothing.value.report.complete, nothing.value.report.changed) == (False, False)

    class Refusing(FakeCustomizations):
        """Refuses everything after two actions."""

        async def carry_out(self, action: Action) -> None:
            if len(self.done) == 2:
                raise PermanentError("no more")
            await super().carry_out(action)

    with pytest.raises(ChangeRefusedError) as half:
        await run(Refusing())
    report = half.value.report
    assert (report.complete, report.changed, report.refused) == (False, True, "no more")
    assert [each.result for each in report.outcomes[:4]] == ["made", "made", "missing", "missing"]
    details = [each.detail.endswith("; refused: no more") for each in report.outcomes[:4]]
    assert details == [False, False, True, False]


async def test_a_refusal_to_look_is_none_to_change() -> None:
    """Nothing is known then; once something was changed, also a look that is refused tells what was done."""

    class Blind(FakeCustomizations):
        """Shows itself once, or never."""

        looks = 0

        async def read(self, desired: DesiredCustomizations) -> FoundCustomizations:
            self.looks -= 1
            if self.looks < 0:
                raise PermanentError("not for you")
            return await super().read(desired)

    blind = Blind()
    with pytest.raises(PermanentError) as unseen:
        await run(blind)
    assert not isinstance(unseen.value, ChangeRefusedError)
    blind.looks = 1
    with pytest.raises(ChangeRefusedError) as unread:
        await run(blind)
    assert (unread.value.report.complete, unread.value.report.changed) == (False, True)


async def test_changes_that_show_late_are_not_made_twice() -> None:
    """Dataverse may show an old state for a while; the run looks again instead of doing it again."""
    customizations, waits = FakeCustomizations(blind_reads=2), Waits()
    report = await run(customizations, waits)
    assert report.complete
    assert len(customizations.done) == len(set(customizations.done))
    assert waits.seconds


async def test_what_never_shows_is_not_called_done() -> None:
    """A report says complete only when it was read back."""
    customizations = FakeCustomizations(blind_reads=100)
    report = await run(customizations)
    assert not report.complete
    assert "missing" in {each.result for each in report.outcomes}


def test_a_fingerprint_knows_its_key_and_hides_it() -> None:
    """Another key, another salt, another text: told apart; the key itself is nowhere."""
    text = describe("the-key", bytes(SALT_BYTES))
    assert has_key(text, "the-key")
    assert not has_key(text, "the-kez")
    assert not has_key("made by hand", "the-key")
    assert "the-key" not in text
    assert describe("the-key", b"\x01" * SALT_BYTES) != text
    assert len(text) < 2000
