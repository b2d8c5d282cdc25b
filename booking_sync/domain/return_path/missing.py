"""What is known of an event that may be gone: messages say it, and a webhook loads no more of this."""

from __future__ import annotations

from enum import StrEnum


class Missing(StrEnum):
    """What is known of an event that its booking's row names and that may be gone."""

    UNKNOWN = ""
    """No sweep has looked."""
    CONFIRMED = "confirmed"
    """It is gone, and so few others are that people may have deleted them."""
    WITHHELD = "withheld"
    """It is gone with so many others that nobody's wish may be concluded from it."""
    ROW_RETURNED = "row returned"
    """No sweep, but its row was gone and came back, or came from elsewhere: its end is nobody's wish."""
    ORDERED = "ordered"
    """No sweep, but an operator wants its booking to show, whatever became of its event."""

    @property
    def is_no_wish(self) -> bool:
        """Whether the event's end, if it is gone, says nothing of what anybody wants."""
        return self in {Missing.ROW_RETURNED, Missing.ORDERED}
