"""Events go, and nobody meant their bookings by that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulation.both_ways.built.stage import Built

if TYPE_CHECKING:
    from tests.simulation.both_ways.built.stage import Stage, Steps


def _called_on_again_after_a_crash(stage: Stage) -> Steps:
    """A process removed the event of a canceled booking, and died: nobody else deleted it.

    1. A dispatcher cancels the booking. P1 has the row name its event no more, removes it, and dies before it
       records that it is gone.
    2. The dispatcher calls the booking on again: P2 makes another event.

    Where an event is removed while its row names it, the booking that is on again names one that is gone. The
    message of P1 comes back, and to whoever works on it a person must have deleted the event. A sweep
    confirms it: R5 falls, the booking is canceled.
    """
    yield from stage.in_step()
    stage.cancel_or_reactivate()
    yield from stage.tell()
    yield from stage.take("P1")
    yield from stage.go("P1", until="awaits graph delete")
    yield from stage.kill("P1")
    stage.cancel_or_reactivate()
    yield from stage.tell()
    yield from stage.work("P2")


def _wiped(stage: Stage) -> Steps:
    """All events of a mailbox are removed at once, and every one of it is told.

    1. Six bookings show. A clean-up removes their events. Each look finds one gone, and asks for a sweep.
    2. Sweeps find six of six gone, which is nobody's wish: the rows say so, and stay as they are.

    Without the guard they are confirmed ten minutes later: R6 falls, all six bookings are canceled.
    """
    yield from stage.in_step()
    stage.schedule.wishes.wipe()
    for booking_id in stage.schedule.dispatcher.bookings:
        stage.hint(booking_id, look=True)


DELETIONS = (
    Built("withdrawing before removing", _called_on_again_after_a_crash, deletes=True),
    Built("the guard", _wiped, bookings=6, deletes=True),
)
