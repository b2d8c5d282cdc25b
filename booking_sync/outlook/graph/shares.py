"""How many items of one batch a mailbox gets, learnt from what Graph refuses.

Documented is that an app may have 4 requests at a time in a mailbox; how many items of a batch Graph runs at
a time is not, and people report 4, 15 and 20. Where it runs more, the items of one mailbox refuse each other
(`MailboxConcurrency`), so that mailbox's share shrinks to what passed, and grows slowly again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from booking_sync.outlook.graph.wire import MAX_BATCH_ITEMS

SMALLEST: Final = 4
"""Requests at a time that Graph documents for an app and a mailbox."""
BATCHES_TO_GROW: Final = 20
"""Batches in a row, filled and without such a refusal, after which a mailbox gets one item more."""


@dataclass(slots=True)
class _Share:
    items: int
    passed: int = 0
    """Filled batches in a row."""


@dataclass(slots=True)
class MailboxShares:
    """Each mailbox's share; one that was never refused may fill a batch."""

    _shares: dict[str, _Share] = field(default_factory=dict)

    def most(self, mailbox: str) -> int:
        """How many items a batch may hold of this mailbox."""
        share = self._shares.get(mailbox)
        return share.items if share else MAX_BATCH_ITEMS

    def note(self, mailbox: str, items: int, refused: int) -> None:
        """What became of a batch.

        Args:
            mailbox: one of the batch's.
            items: of the mailbox, that were answered.
            refused: how many of these were too many at a time.
        """
        if refused:
            self._shares[mailbox] = _Share(max(SMALLEST, min(items - refused, self.most(mailbox))))
            return
        share = self._shares.get(mailbox)
        if share is None or items < share.items:
            return
        share.passed += 1
        if share.passed == BATCHES_TO_GROW:
            share.items, share.passed = share.items + 1, 0
        if share.items >= MAX_BATCH_ITEMS:
            del self._shares[mailbox]
