"""Technicians and dispatchers move a booking, while processes are slow or die.

In each script: R is the row's start, E the event's, S its stamp's with a nonce, B the row's base with the
nonce that it has seen; 0, 1, 2 … are times in the order of their making.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from booking_sync.domain.return_path.side import ProposalAnswer
from tests.simulation.both_ways.built.stage import Built
from tests.simulation.both_ways.ledger import FIRST

if TYPE_CHECKING:
    from tests.simulation.both_ways.built.stage import Stage, Steps


def _planned_before_a_late_notification(stage: Stage) -> Steps:
    """What Graph tells of our own write comes when a dispatcher has planned already.

    1. R=E=0, S=0/a, B=0/a. A dispatcher plans 1.
    2. Before that is told, a notification comes, of E as we wrote it ourselves. Both sides agreed on that, so
       the event follows the row.

    Without a base, whoever is told of the event believes the event: R2 falls, the plan goes back to 0.
    """
    yield from stage.in_step()
    stage.plan()
    stage.hint(look=True)
    yield from stage.work("P1")


def _moved_right_after_a_write(stage: Stage) -> Steps:
    """A technician moves the event moments after we wrote it.

    1. A dispatcher plans 1, P1 writes it: R=E=1.
    2. At once a technician moves it: E=2. The notification comes; E is not what was written, so it is a move.

    Where what is told within a minute of our own write counts as its echo, E=2 is put back by whoever looks
    next: R2 falls, the move is lost.
    """
    yield from stage.in_step()
    stage.plan()
    yield from stage.in_step()
    stage.move()
    stage.hint(look=True)
    yield from stage.work("P1")


def _moved_and_nobody_told(stage: Stage) -> Steps:
    """A technician moves the event, and the notification is lost.

    The audit in the end trusts nothing, and looks: granted. Where it does not look, E=1 stays beside R=0: R1
    falls.
    """
    yield from stage.in_step()
    stage.move()


def _taken_back_after_a_crash(stage: Stage) -> Steps:
    """A process wrote what a dispatcher took back, and died: its write is no technician's move.

    1. All show 0: R=E=0, S=0/a, B=0/a.
    2. A dispatcher plans 1. P1 writes it (E=1, S=1/b) and dies before it records that.
    3. The dispatcher takes it back: R=0. P2 is told; since R=B and nobody asked to look, it leaves the event.
    4. The message of P1 comes back, untrusted: whoever works on it looks. E=S=1, so nobody moved the event,
       which follows the row.

    Without the stamp, E=1 against R=B=0 looks like a technician's move: R2 falls, the booking goes to 1,
    which the dispatcher took back. Without the look, E stays at 1: R1 falls.
    """
    yield from stage.in_step()
    yield from _written_unrecorded(stage)
    stage.take_back(FIRST)
    yield from stage.tell()
    yield from stage.work("P2")


def _taken_back_after_another_write(stage: Stage) -> Steps:
    """The same, once there was an update before: its nonce is not that of the write nobody recorded.

    1. A dispatcher plans 1, P1 writes and records it: R=E=1, S=1/b, B=1/b.
    2. Then as above, from 1 to 2 and back: R=B=1, E=2, S=2/c.

    With equal nonces the row's base seems to know that write: E=2 against B=1 is a move, and R2 falls.
    """
    yield from stage.in_step()
    stage.plan()
    yield from stage.in_step()
    before = stage.start()
    yield from _written_unrecorded(stage)
    stage.take_back(before)
    yield from stage.tell()
    yield from stage.work("P2")


def _written_unrecorded(stage: Stage) -> Steps:
    stage.plan()
    yield from stage.tell()
    yield from stage.take("P1")
    yield from stage.go("P1", until="awaits graph update")
    yield from stage.kill("P1")


def _moved_twice(stage: Stage) -> Steps:
    """A technician moves the event, and moves it again.

    1. R=E=0, S=0/a, B=0/a. They move it to 1, which is granted: R=E=1, B=1/a; S stays 0/a, since a return
       writes nothing to Outlook.
    2. They move it to 2. The base is 1, for the row has seen the nonce of that stamp: granted.

    Where the row does not remember which stamp its base superseded, the base is 0, and R=1 looks like a
    dispatcher's plan against it: R2 falls, the second move is written over.
    """
    yield from stage.in_step()
    for _ in range(2):
        stage.move()
        stage.hint(look=True)
        yield from stage.work("P1")


def _dragged_before_it_was_named(stage: Stage) -> Steps:
    """An event that no row names yet is moved, its booking canceled and called on again.

    1. P1 creates the event (E=0, S=0) and dies before a row names it.
    2. A technician moves it: E=1. A dispatcher cancels the booking, and calls it on again where it was: R=0.
       P2 is told of both.
    3. P2 meets the event as it creates one, and takes it over: it follows the row, as no row named it when it
       was moved.

    Where any event may carry a wish, E=1 against S=R=0 is one: R2 and R7 fall, for the booking goes to 1,
    which a dispatcher called on again at 0 after that move.
    """
    yield from stage.tell()
    yield from stage.take("P1")
    yield from stage.go("P1", until="awaits graph create")
    yield from stage.kill("P1")
    stage.move()
    for _ in range(2):
        stage.cancel_or_reactivate()
        yield from stage.tell()
        yield from stage.work("P2")
    stage.schedule.dispatcher.ledger.taken_back(stage.booking, FIRST)


def _planned_while_a_wish_is_granted(stage: Stage) -> Steps:
    """A dispatcher plans between a process's look and its write to the row.

    1. A technician moves the event to 1. P1 looks, and is about to have the row say so.
    2. A dispatcher plans 2. The write of P1 finds another version of the row, and is refused; P1 looks again.

    Without `If-Match` it is taken: R2 falls, the plan is written over by a wish that it contested.
    """
    yield from stage.in_step()
    stage.move()
    stage.hint(look=True)
    yield from stage.take("P1")
    yield from stage.go("P1", until="sends dataverse record")
    stage.plan()
    yield from stage.finish("P1")


def _moved_after_an_agreement(stage: Stage) -> Steps:
    """A process has read the row before an agreement, and reads the event after the next move.

    1. P1 is to look, and reads the row: R=0, B=0/a. It is slow.
    2. A dispatcher plans 1, which P2 writes and records: R=E=1, S=1/b, B=1/b.
    3. A technician moves the event: E=2. P1 reads it. To P1 both sides changed since 1 (R=0, E=2), so the row
       counts, and the event is to be written at the very version that was read.
    4. Before that P1 reads the row's version again: it is another one, and P1 begins anew.

    Without the second read E=2 is written over with 0, and then with 1: R2 falls, the move is lost.
    """
    yield from stage.in_step()
    stage.hint(look=True)
    yield from stage.take("P1")
    yield from stage.go("P1", until="sends graph read")
    stage.plan()
    yield from stage.tell()
    yield from stage.work("P2")
    stage.move()
    yield from stage.finish("P1")
    stage.hint(look=True)


def _renamed_over_a_move(stage: Stage) -> Steps:
    """A booking is renamed while nobody knows yet that its event was moved.

    1. A technician moves the event to 1; of that the app hears later.
    2. A dispatcher renames the booking. P1 writes the text, and leaves the times alone.
    3. The notification comes: the move is granted.

    Where a change of text carries the times along, E=1 is written over with 0: R2 falls.
    """
    yield from stage.in_step()
    stage.move()
    stage.rename()
    yield from stage.tell()
    yield from stage.work("P1")
    stage.hint(look=True)


def _answered_by_an_old_form(stage: Stage) -> Steps:
    """A dispatcher says yes to a proposal that is another one by now.

    1. A technician moves the event to 1, which is proposed; a form shows it.
    2. They move it on to 2, which is proposed instead.
    3. A dispatcher agrees to what the form shows: 1. That is no word about 2, which stays proposed.

    Where a yes counts for whatever is proposed, R=2: R2 falls, since nobody planned that.
    """
    yield from stage.in_step()
    stage.move()
    stage.hint(look=True)
    yield from stage.in_step()
    form = stage.proposed()
    stage.move()
    stage.hint(look=True)
    yield from stage.in_step()
    stage.answer(ProposalAnswer.ACCEPT, form)


def _moved_before_a_late_write(stage: Stage) -> Steps:
    """A slow process writes what another one wrote long ago, over a move that was made since.

    1. A dispatcher plans 1, and two processes are told. P1 looks, and is about to write: it is slow.
    2. P2 writes and records 1. A technician sees that, and moves the event: E=2.
    3. The write of P1 is of the event's former version, and is refused; P1 looks again.

    Without `If-Match` E=2 is written over with 1: R2 falls, the move is lost.
    """
    yield from stage.in_step()
    stage.plan()
    yield from stage.tell()
    stage.hint()
    yield from stage.take("P1")
    yield from stage.go("P1", until="sends graph update")
    yield from stage.work("P2")
    stage.move()
    yield from stage.finish("P1")
    stage.hint(look=True)


MOVES = (
    Built("the base", _planned_before_a_late_notification),
    Built("what an echo is", _moved_right_after_a_write),
    Built("the stamp", _taken_back_after_a_crash),
    Built("the base on the row", _moved_twice),
    Built("the nonce", _taken_back_after_another_write),
    Built("no wish from an event that no row names", _dragged_before_it_was_named),
    Built("If-Match of a record with a base", _planned_while_a_wish_is_granted),
    Built("the second read of the row", _moved_after_an_agreement),
    Built("the groups of a write", _renamed_over_a_move),
    Built("the binding of answers", _answered_by_an_old_form, mode="propose"),
    Built("the look of whoever trusts nothing", _taken_back_after_a_crash),
    Built("the look of whoever trusts nothing", _moved_and_nobody_told),
    Built("If-Match of an event", _moved_before_a_late_write),
)
