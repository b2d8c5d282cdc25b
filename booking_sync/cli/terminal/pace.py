"""Tells people why a command that queues many messages waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from booking_sync.cli.runner import Session
    from booking_sync.sync.sending import Pace


def depth_teller(session: Session, pace: Pace) -> Callable[[int], None]:
    """What a `PacedSender` is to call while the queue is too deep; says so once."""
    told = False

    def waiting(depth: int) -> None:
        nonlocal told
        if not told:
            session.output.note(
                f"The queue holds {depth} messages: waiting until it holds fewer than {pace.deepest}, so "
                "that changes of the day are not held up. If that takes long, see whether the app runs."
            )
        told = True

    return waiting
