"""Reads the body of Graph's notifications: which events changed, and what became of subscriptions. Pure.

    {"value": [{"subscriptionId", "changeType", "resource": "Users/{mailbox}/Events/{id}",
                "resourceData": {"id", "@odata.etag", …}, "clientState", "tenantId", …},
               {"subscriptionId", "lifecycleEvent", "clientState", "tenantId", …}]}

The address takes bodies from anybody. Nothing of an item counts but what its client state proves to be of a
subscription of ours, and then it says no more than "look there". What can't be used is dropped and counted;
it is answered like the rest, so that who tries learns nothing, and Graph does not send it for four hours.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from booking_sync.domain.events.event_ref import is_event_id
from booking_sync.domain.ids import read_guid
from booking_sync.domain.return_path.client_state import UnknownVersion, read_client_state
from booking_sync.domain.return_path.messages import Lifecycle
from booking_sync.domain.return_path.version import MOST_VERSIONS, version_of
from booking_sync.plumbing.json_text import read_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from booking_sync.domain.return_path.client_state import NotificationKeys

MAX_BODY: Final = 256 * 1024
"""Bytes. An item has some 700; how many Graph puts into one body is not documented."""
MAX_ITEMS: Final = 1_000

MAX_ETAG: Final = 1_000
"""Characters. Graph's have some 50."""

_RESOURCE = re.compile(r"/?users/([^/]+)/events/[^/]+", re.IGNORECASE)
_CHANGES = frozenset({"created", "updated", "deleted"})
_LIFECYCLES = {
    "reauthorizationrequired": Lifecycle.RENEW,
    "subscriptionremoved": Lifecycle.REMOVED,
    "missed": Lifecycle.NONE,
}


@dataclass(frozen=True, slots=True)
class Addressee:
    """Whom notifications must be for."""

    tenant_id: str
    """GUID, lower case."""
    scope: str
    """Of the client states."""


@dataclass(frozen=True, slots=True)
class LifecycleNotice:
    """What became of a subscription; without a lifecycle, notifications of its mailbox were missed."""

    mailbox: str
    subscription_id: str
    lifecycle: Lifecycle


@dataclass(frozen=True, slots=True)
class Notified:
    """What a body tells."""

    events: Mapping[str, tuple[str, ...]]
    """By mailbox: ids of events, each once."""
    deleted: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By mailbox: those of them that were deleted, or moved to another calendar."""
    versions: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    """By mailbox and event: which versions were notified; not of events of which one told none."""
    lifecycles: tuple[LifecycleNotice, ...] = ()
    dropped: Mapping[str, int] = field(default_factory=dict)
    """How many items were of no use, by the reason."""
    unknown: bool = False
    """Some were made with a key that is not among the accepted ones."""


@dataclass(frozen=True, slots=True)
class Unusable:
    """A body that no service of ours sent."""

    status: int
    sentence: str


class _DroppedError(Exception):
    """An item of no use; the text is the reason."""


def read_notifications(body: bytes, keys: NotificationKeys, addressee: Addressee) -> Notified | Unusable:
    """What the body tells; never raises for what it holds.

    Args:
        body: as it was posted.
        keys: those that are accepted.
        addressee: for whom it must be.
    """
    if len(body) > MAX_BODY:
        return Unusable(413, f"The body has more than {MAX_BODY} bytes.")
    items = _items(body)
    if items is None:
        return Unusable(400, "The body is no list of notifications.")
    if len(items) > MAX_ITEMS:
        return Unusable(413, f"The body has more than {MAX_ITEMS} notifications.")
    events: dict[str, dict[str, None]] = {}
    deleted: dict[str, set[str]] = {}
    versions: dict[tuple[str, str], set[str]] = {}
    lifecycles: dict[LifecycleNotice, None] = {}
    dropped: Counter[str] = Counter()
    for item in items:
        try:
            mailbox = _mailbox(item, keys, addressee)
            if "lifecycleEvent" in item:
                lifecycles[_lifecycle(item, mailbox)] = None
            else:
                event_id = _event(item, mailbox)
                events.setdefault(mailbox, {})[event_id] = None
                versions.setdefault((mailbox, event_id), set()).add(_version(item))
                if item["changeType"] == "deleted":
                    deleted.setdefault(mailbox, set()).add(event_id)
        except _DroppedError as reason:
            dropped[str(reason)] += 1
    return Notified(
        {mailbox: tuple(ids) for mailbox, ids in events.items()},
        {mailbox: frozenset(ids) for mailbox, ids in deleted.items()},
        {of: frozenset(each) for of, each in versions.items() if all(each) and len(each) <= MOST_VERSIONS},
        tuple(lifecycles),
        dict(dropped),
        unknown=_UNKNOWN_KEY in dropped,
    )


_UNKNOWN_KEY = "unknown key"


def _items(body: bytes) -> list[Any] | None:
    try:
        parsed = read_json(body)
    except ValueError:
        return None
    value = parsed.get("value") if isinstance(parsed, dict) else None
    return value if isinstance(value, list) else None


def _mailbox(item: Any, keys: NotificationKeys, addressee: Addressee) -> str:
    """Whose it is; the first thing that is looked at, since all else may be anybody's."""
    if not isinstance(item, dict):
        raise _DroppedError("no object")
    mailbox = read_client_state(keys, addressee.scope, item.get("clientState"))
    if isinstance(mailbox, UnknownVersion):
        raise _DroppedError(_UNKNOWN_KEY)
    if mailbox is None:
        raise _DroppedError("client state")
    if read_guid(item.get("tenantId")) != addressee.tenant_id:
        raise _DroppedError("tenant")
    return mailbox


def _event(item: Mapping[str, Any], mailbox: str) -> str:
    resource, data = item.get("resource"), item.get("resourceData")
    named = _RESOURCE.fullmatch(resource) if isinstance(resource, str) else None
    if named is None or named[1].lower() != mailbox:
        raise _DroppedError("resource")
    change = item.get("changeType")
    if not isinstance(change, str) or change not in _CHANGES:
        raise _DroppedError("change type")
    event_id = data.get("id") if isinstance(data, dict) else None
    if not isinstance(event_id, str) or not is_event_id(event_id):
        raise _DroppedError("event")
    return event_id


def _version(item: Mapping[str, Any]) -> str:
    """Of the event, as it was when this was notified; empty where it is not told."""
    etag = item["resourceData"].get("@odata.etag")
    return version_of(etag) if isinstance(etag, str) and len(etag) <= MAX_ETAG else ""


def _lifecycle(item: Mapping[str, Any], mailbox: str) -> LifecycleNotice:
    said, subscription = item["lifecycleEvent"], read_guid(item.get("subscriptionId"))
    known = _LIFECYCLES.get(said.lower()) if isinstance(said, str) else None
    if known is None or subscription is None:
        raise _DroppedError("lifecycle")
    return LifecycleNotice(mailbox, subscription if known else "", known)
