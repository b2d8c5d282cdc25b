"""Reports of an earlier round, each once more from one end to the other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from booking_sync.domain.outcome import OutcomeKind
from booking_sync.sync.booking.task import SyncTask
from local.standin.faults import Fault
from tests.dataverse.world import BOOKINGS
from tests.outlook.kit import MAILBOX
from tests.support.bookings import CANCELED, booking

if TYPE_CHECKING:
    from booking_sync.domain.bookings.booking import Booking
    from local.graph.mailbox.events import MailboxKind
    from tests.audit.world import AuditWorld


def error_of(world: AuditWorld, made: Booking) -> str:
    """What the booking's row tells people."""
    return str(world.dataverse.standin.state.rows(BOOKINGS)[made.id]["bsync_outlooksyncerror"] or "")


def make_mailbox(world: AuditWorld, kind: MailboxKind) -> None:
    """The technician's mailbox becomes one of this kind, with what is in it."""
    world.graph.standin.state.add_mailbox(MAILBOX, kind=kind)


EVENTS_AFTER = {"made": 2, "renamed": 1, "canceled": 0}
"""By what happens to bookings, of which one was there: how many events there are once all is done."""


def changed_so(change: str, made: Booking) -> Booking:
    """Another booking at the same time, or this one renamed or canceled."""
    return {
        "made": replace(
            booking("b00c0000-0000-4000-8000-0000000000a3", MAILBOX), start=made.start, end=made.end
        ),
        "renamed": replace(made, name="later"),
        "canceled": replace(made, status=CANCELED),
    }[change]


@pytest.mark.parametrize("refused", ["administration_mode", "disabled", "not_a_member", "restricted"])
@pytest.mark.parametrize("change", EVENTS_AFTER)
async def test_an_app_that_dataverse_refuses_has_changes_wait(
    world: AuditWorld, refused: str, change: str
) -> None:
    """Administration mode, a user that was disabled: no booking is at fault, and each is done afterwards."""
    made = await world.book()
    changed = changed_so(change, made)
    world.dataverse.put(changed)
    world.dataverse.standin.state.configure(app_refused=refused)
    outcome = await world.sync(changed.id)
    assert (outcome.kind, outcome.until_mended) == (OutcomeKind.DEFERRED, True)
    world.dataverse.standin.state.configure(app_refused="no")
    world.dataverse.clock.advance(120)
    assert (await world.sync(changed.id)).kind is OutcomeKind.SYNCED
    assert len(world.events()) == EVENTS_AFTER[change]


@pytest.mark.parametrize("change", EVENTS_AFTER)
async def test_a_right_to_write_that_was_taken_has_changes_wait(world: AuditWorld, change: str) -> None:
    """Records are refused one by one, and yet no booking is at fault; another try makes no second event."""
    made = await world.book()
    changed = changed_so(change, made)
    world.dataverse.put(changed)
    world.dataverse.standin.state.configure(missing_privileges=["prvWriteBookableResourceBooking"])
    for _ in range(2):
        outcome = await world.sync(changed.id)
        assert (outcome.kind, outcome.until_mended) == (OutcomeKind.DEFERRED, True)
        world.dataverse.clock.advance(60)
    world.dataverse.standin.state.configure(missing_privileges=[])
    assert (await world.sync(changed.id)).kind is OutcomeKind.SYNCED
    assert len(world.events()) == EVENTS_AFTER[change]


@pytest.mark.parametrize("trusted", [True, False])
async def test_a_booking_that_the_role_shows_no_more_keeps_its_event(
    world: AuditWorld,
    trusted: bool,  # noqa: FBT001 - a case
) -> None:
    """Lists leave it out without a word, as they do a deleted one, whose events would be searched for."""
    made = await world.book()
    world.hide(made.id)
    suspects = frozenset() if trusted else frozenset({MAILBOX})
    outcome = await world.synchronizer.sync(SyncTask(made.id, trusted=trusted, suspects=suspects))
    assert outcome.kind is OutcomeKind.FAILED
    assert "check its security role" in outcome.detail
    assert len(world.events()) == 1
    world.hide()
    assert (await world.sync(made.id)).kind is OutcomeKind.UNCHANGED


async def test_a_plug_in_that_misses_a_row_of_its_own_costs_no_event(world: AuditWorld) -> None:
    """Dataverse tells that by the same status and code as a booking that is gone."""
    made = await world.book()
    world.dataverse.put(replace(made, name="later"))
    words = "Entity 'contoso_rate' With Id = 5a5a5a5a-0000-4000-8000-000000000000 Does Not Exist"
    body = {"error": {"code": "0x80040217", "message": words}}
    fault = Fault(path=made.id, method="PATCH", status=404, body=body, times=-1)
    world.dataverse.standin.faults.add(fault)
    outcome = await world.sync(made.id)
    assert outcome.kind is OutcomeKind.FAILED
    assert "a plug-in or workflow looks for" in outcome.detail
    assert len(world.events()) == 1


async def test_a_row_that_comes_back_with_its_columns_shows_again(world: AuditWorld) -> None:
    """Its record names an event that went with it; the webhook says not to believe it."""
    made = await world.book()
    columns = dict(world.dataverse.standin.state.rows(BOOKINGS)[made.id])
    world.dataverse.remove(made.id)
    (event,) = world.events()
    world.age(event)
    world.user_deletes(event)
    world.dataverse.standin.state.rows(BOOKINGS)[made.id] = columns
    await world.synchronizer.sync(SyncTask(made.id, trusted=False))  # as `rewritten` has the receiver ask
    (again,) = world.events()
    assert again.immutable_id != event.immutable_id
    assert world.dataverse.standin.state.rows(BOOKINGS)[made.id]["bsync_outlookeventid"] == again.immutable_id


@pytest.mark.parametrize("status", [507, 403])
async def test_a_full_mailbox_is_told_at_once_and_tried_on(world: AuditWorld, status: int) -> None:
    """Only its owner mends it, who has to know; and then nobody has to do anything."""
    world.graph.configure(full_mailbox_status=status)
    made = await world.book()
    make_mailbox(world, "full")
    world.dataverse.put(replace(made, name="later"))
    outcome = await world.sync(made.id)
    assert (outcome.kind, outcome.patience is not None) == (OutcomeKind.FAILED, True)
    assert "full" in error_of(world, made)
    make_mailbox(world, "normal")
    await world.synchronizer.sync(SyncTask(made.id, trusted=False))
    (event,) = world.events()
    assert (event.content["subject"].endswith("later"), error_of(world, made)) == (True, "")


@pytest.mark.parametrize("code", ["ErrorItemNotFound", "ErrorFolderNotFound"])
async def test_a_mailbox_that_is_being_made_is_told_and_tried_on(world: AuditWorld, code: str) -> None:
    """A technician who is licensed in the morning has events as soon as there is a calendar."""
    world.graph.configure(new_mailbox_code=code)
    make_mailbox(world, "new")
    made = await world.book()
    outcome = await world.sync(made.id)
    assert (outcome.kind, outcome.patience is not None) == (OutcomeKind.FAILED, True)
    assert "no calendar yet" in error_of(world, made)
    make_mailbox(world, "normal")
    await world.sync(made.id)
    assert (len(world.events()), error_of(world, made)) == (1, "")
