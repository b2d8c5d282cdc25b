"""Gives categories of ours their colours, in the own lists of the mailboxes that show bookings.

A category that a list has already stays as it is: its colour is what a person chose, or what this made
before. Nothing here waits for a booking, and no booking waits for this.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from booking_sync.errors import Cause, PermanentError, SyncError
from booking_sync.plumbing.log import log_event
from booking_sync.sync.sending import do_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from booking_sync.domain.events.event_text.colours import CategoryColour
    from booking_sync.ports.outlook.categories import CategoryLists

AT_ONCE: Final = 40
"""Mailboxes that are seen to side by side: two batches to Graph."""
QUIET_SECONDS: Final = 60.0
"""Of one part of an audit; what is not done by then is done by the next."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Coloured:
    """One mailbox."""

    mailbox: str
    made: tuple[str, ...] = ()
    """Categories that were added; with `dry_run` those that would be."""
    problem: str = ""
    """Why not all of them are there now."""
    denied: bool = False
    """The app may not see to its categories."""


class Colouring:
    """Sees to the categories of mailboxes.

    Args:
        lists: of the mailboxes.
        colours: what is to be in each.
    """

    def __init__(self, lists: CategoryLists, colours: Sequence[CategoryColour]) -> None:
        self._lists = lists
        self._colours = colours

    async def see_to(
        self,
        mailboxes: Iterable[str],
        *,
        dry_run: bool = False,
        advance: Callable[[int, int | None], None] | None = None,
    ) -> Sequence[Coloured]:
        """Add what is missing, each mailbox by itself.

        Args:
            mailboxes: Entra object ids, lower case.
            dry_run: only tell.
            advance: told after each how many are done, and of how many.
        """
        wanted = sorted(set(mailboxes))

        def tell(done: int) -> None:
            if advance:
                advance(done, len(wanted))

        see_to = partial(self._see_to, dry_run=dry_run)
        return await do_all(wanted, see_to, at_once=AT_ONCE, progress=tell)

    async def quietly(self, mailboxes: Iterable[str]) -> None:
        """The same beside an audit, which goes on whatever comes of it; the log tells."""
        if not self._colours:
            return
        try:
            async with asyncio.timeout(QUIET_SECONDS):
                done = await self.see_to(mailboxes)
        except TimeoutError:
            log_event(_logger, "category_colours", level=logging.WARNING, unfinished=True)
            return
        made, failed = sum(len(each.made) for each in done), sum(bool(each.problem) for each in done)
        if made or failed:
            denied = sum(each.denied for each in done)
            level = logging.WARNING if failed else logging.INFO
            log_event(_logger, "category_colours", level=level, made=made, failed=failed, denied=denied)

    async def _see_to(self, mailbox: str, *, dry_run: bool) -> Coloured:
        made: list[str] = []
        try:
            there = await self._lists.names(mailbox)
            for each in (each for each in self._colours if each.name.casefold() not in there):
                is_new = dry_run or await self._lists.add(mailbox, each)
                made += [each.name] if is_new else []
        except SyncError as error:
            cause = error.cause if isinstance(error, PermanentError) else None
            if cause is Cause.NO_MAILBOX:  # told elsewhere, and there is no list that could lack anything
                return Coloured(mailbox)
            return Coloured(mailbox, tuple(made), error.reason, denied=cause is Cause.ACCESS_DENIED)
        return Coloured(mailbox, tuple(made))
