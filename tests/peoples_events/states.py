"""What a person can make of an event of ours, and what it comes to for each operation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from local.graph.mailbox.schema import read_event

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.graph.mailbox.events import Mailbox, StoredEvent
    from local.graph.mailbox.store import GraphState

    Act = Callable[[GraphState, Mailbox, StoredEvent], None]

OPERATIONS: Final = (
    *("update", "redelivery", "audit repair", "cancel", "reassign", "delete", "purge", "adopt"),
)
WRITTEN, REMOVED, MOVED, LEFT = "written", "removed", "moved", "left alone, and told"
ANEW, UNSEEN, ADOPTED, NONE = "made anew", "written where nobody sees it", "adopted", "nothing is there"

PLAIN: Final = {
    "update": WRITTEN,
    "redelivery": WRITTEN,
    "audit repair": WRITTEN,
    "cancel": REMOVED,
    "reassign": MOVED,
    "delete": REMOVED,
    "purge": REMOVED,
    "adopt": ADOPTED,
}
MEETING: Final = dict.fromkeys(OPERATIONS, LEFT)
DELETED: Final = {**PLAIN, "update": ANEW, "redelivery": ANEW, "audit repair": ANEW, "adopt": NONE}
KEPT: Final = {**DELETED, "adopt": ADOPTED}
"""Its id still answers. What is adopted there shows again after the first audit."""
LASTING: Final = {**PLAIN, "update": ANEW, "redelivery": ANEW, "audit repair": ANEW}
"""No update makes an ordinary event of it."""
KEPT_SILENTLY: Final = {**KEPT, "update": UNSEEN}
"""An ordinary update is told that all is well; the audit finds out."""


@dataclass(frozen=True)
class State:
    """One state."""

    act: Act
    """How a person brings it about."""
    becomes: dict[str, str]
    """By operation, what is done."""
    config: dict[str, Any] = field(default_factory=dict)
    """How the stand-in has to behave."""


def _edit(**changes: Any) -> Act:
    def act(store: GraphState, mailbox: Mailbox, event: StoredEvent) -> None:
        store.change(mailbox, event, read_event(changes, creating=False), by_app=False)

    return act


def _delete(store: GraphState, mailbox: Mailbox, event: StoredEvent) -> None:
    store.delete(mailbox, event, by_app=False)


def _delete_for_good(store: GraphState, mailbox: Mailbox, event: StoredEvent) -> None:
    store.delete_for_good(mailbox, event, by_app=False)


def _move(store: GraphState, mailbox: Mailbox, event: StoredEvent) -> None:
    store.move(mailbox, event)


def _restore(store: GraphState, mailbox: Mailbox, event: StoredEvent) -> None:
    store.delete(mailbox, event, by_app=False)
    store.restore(mailbox, event)


def _add_note(store: GraphState, mailbox: Mailbox, event: StoredEvent) -> None:
    text = event.content["body"]["content"] + "<p>Key at the neighbour's</p>"
    _edit(body={"contentType": "html", "content": text})(store, mailbox, event)


def _add_category(store: GraphState, mailbox: Mailbox, event: StoredEvent) -> None:
    _edit(categories=[*event.content["categories"], "Family"])(store, mailbox, event)


def _part(store: GraphState, mailbox: Mailbox, event: StoredEvent) -> None:
    INVITE(store, mailbox, event)
    _edit(attendees=[])(store, mailbox, event)


def _times(start: str, end: str, zone: str) -> dict[str, Any]:
    return {
        "start": {"dateTime": start, "timeZone": zone},
        "end": {"dateTime": end, "timeZone": zone},
    }


_SERIES = {
    "pattern": {"type": "daily", "interval": 1},
    "range": {"type": "numbered", "startDate": "2026-03-02", "numberOfOccurrences": 3},
}
_IN_BIN = {"deleted_items": "kept"}
_NEVER = ("ignored", "refused")
_ALL_DAY = _edit(isAllDay=True, **_times("2026-03-02T00:00:00", "2026-03-04T00:00:00", "Tokyo Standard Time"))
INVITE: Final = _edit(attendees=[{"emailAddress": {"address": "customer@adatum.example"}}])
STATES: Final = {
    "untouched": State(lambda *_: None, PLAIN),
    "attendees": State(INVITE, MEETING),
    "attendees, quiet properties": State(INVITE, MEETING, {"update_mails": "what_attendees_see"}),
    "attendees removed again": State(_part, PLAIN),
    "all day": State(_ALL_DAY, PLAIN),
    "series": State(_edit(recurrence=_SERIES), PLAIN),
    "series with fixed times": State(_edit(recurrence=_SERIES), PLAIN, {"series_times": "refused"}),
    **{f"series, {ends}": State(_edit(recurrence=_SERIES), LASTING, {"series_end": ends}) for ends in _NEVER},
    **{f"all day, {ends}": State(_ALL_DAY, LASTING, {"all_day_end": ends}) for ends in _NEVER},
    "other times": State(_edit(**_times("2027-01-01T00:00:00", "2027-01-01T00:00:00", "UTC")), PLAIN),
    "renamed, free": State(_edit(subject="Mine", showAs="free", location={"displayName": "x"}), PLAIN),
    "private, reminder": State(_edit(sensitivity="private", isReminderOn=True, importance="high"), PLAIN),
    "note": State(_add_note, PLAIN),
    "category": State(_add_category, PLAIN),
    "moved away and back": State(_move, PLAIN),
    "deleted and taken back": State(_restore, PLAIN, _IN_BIN),
    "deleted, kept": State(_delete, KEPT_SILENTLY, _IN_BIN),
    "deleted, kept, deletable": State(
        _delete, KEPT_SILENTLY, {**_IN_BIN, "deleted_items_delete": "once_more"}
    ),
    "deleted, another folder": State(_delete, KEPT, {**_IN_BIN, "deleted_items_tell": "calendar"}),
    "deleted, cancelled": State(_delete, KEPT, {**_IN_BIN, "deleted_items_tell": "cancelled"}),
    "deleted, gone": State(_delete, DELETED, {"deleted_items": "gone"}),
    "deleted for good": State(_delete_for_good, DELETED),
}
