"""The app's subscriptions, and what the service refuses about them; nothing of HTTP.

Documented: only for events of one user, `created`, `updated` and `deleted`; `clientState` has at most 128
characters and is never shown again; the lifecycle address is given at creation only; an expiry below 45
minutes is raised to that; at most 1,000 active subscriptions per mailbox; the kind of ids is fixed at
creation.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from local.graph.messages import GraphError, bad_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from local.graph.mailbox.store import GraphState

MOST_PER_MAILBOX = 1_000
SHORTEST = timedelta(minutes=45)
LONGEST_CLIENT_STATE = 128
CHANGES = ("created", "updated", "deleted")
_CREATED_WITH = {
    "changeType",
    "notificationUrl",
    "lifecycleNotificationUrl",
    "resource",
    "expirationDateTime",
    "clientState",
    "latestSupportedTlsVersion",
}
_CHANGED_WITH = {"expirationDateTime", "notificationUrl"}
_REQUIRED = ("changeType", "notificationUrl", "resource", "expirationDateTime")
_RESOURCE = re.compile(r"/?users/([^/?]+)/events", re.IGNORECASE)
_TLS = ("v1_0", "v1_1", "v1_2", "v1_3")
_LOCAL = ("localhost", "127.0.0.1")


@dataclass(frozen=True)
class Subscription:
    """One subscription."""

    id: str
    mailbox: str
    """The user's id in lower case."""
    resource: str
    changes: frozenset[str]
    notification_url: str
    lifecycle_url: str
    """Empty: none is told what becomes of it."""
    client_state: str
    expires: datetime
    immutable_ids: bool

    def describe(self) -> dict[str, Any]:
        """As the service shows it: without its client state."""
        return {
            "id": self.id,
            "resource": self.resource,
            "changeType": ",".join(each for each in CHANGES if each in self.changes),
            "clientState": None,
            "notificationUrl": self.notification_url,
            "lifecycleNotificationUrl": self.lifecycle_url or None,
            "expirationDateTime": self.expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "applicationId": "00000000-0000-0000-0000-000000000000",
            "includeResourceData": None,
            "latestSupportedTlsVersion": "v1_2",
        }


class SubscriptionStore:
    """Every subscription of the app.

    Args:
        state: the tenant's mailboxes.
        now: the time of day.
    """

    def __init__(self, state: GraphState, now: Callable[[], datetime]) -> None:
        self._state = state
        self._now = now
        self._all: dict[str, Subscription] = {}
        self.refusing: set[str] = set()
        """Ids in lower case of users whose mailboxes take no subscriptions, though they can be read."""

    def reset(self) -> None:
        """Forget all of them."""
        self._all.clear()
        self.refusing.clear()

    def active(self) -> list[Subscription]:
        """Those that have not expired, in the order of their creation."""
        now = self._now()
        self._all = {each.id: each for each in self._all.values() if each.expires > now}
        return list(self._all.values())

    def of_mailbox(self, mailbox: str) -> list[Subscription]:
        """Those of this user."""
        return [each for each in self.active() if each.mailbox == mailbox.lower()]

    def get(self, identifier: str) -> Subscription:
        """The subscription.

        Raises:
            GraphError: 404, there is none of this id (any more).
        """
        found = next((each for each in self.active() if each.id == identifier.lower()), None)
        if found is None:
            raise GraphError(404, "ResourceNotFound", "The object was not found.")
        return found

    def read_new(self, body: Any, *, immutable_ids: bool) -> Subscription:
        """What a creation asks for; not kept yet, since the addresses have to be asked first.

        Raises:
            GraphError: 400 for a body that the service does not take, 403 or 404 for the mailbox's sake.
        """
        _check_keys(body, _CREATED_WITH)
        missing = [each for each in _REQUIRED if not isinstance(body.get(each), str) or not body[each]]
        if missing:
            raise bad_request(f"{', '.join(missing)} is required.", "InvalidRequest")
        client_state = body.get("clientState") or ""
        if not isinstance(client_state, str) or len(client_state) > LONGEST_CLIENT_STATE:
            raise bad_request("clientState must have at most 128 characters.", "InvalidRequest")
        if body.get("latestSupportedTlsVersion", "v1_2") not in _TLS:
            raise bad_request("latestSupportedTlsVersion is invalid.", "InvalidRequest")
        mailbox = self._mailbox(body["resource"])
        if len(self.of_mailbox(mailbox)) >= MOST_PER_MAILBOX:
            raise GraphError(403, "ExtensionError", "The mailbox has too many subscriptions.")
        lifecycle = body.get("lifecycleNotificationUrl")
        return Subscription(
            id=str(uuid.uuid4()),
            mailbox=mailbox,
            resource=body["resource"],
            changes=_changes(body["changeType"]),
            notification_url=_address(body["notificationUrl"]),
            lifecycle_url=_address(lifecycle) if lifecycle is not None else "",
            client_state=client_state,
            expires=self._expiry(body["expirationDateTime"]),
            immutable_ids=immutable_ids,
        )

    def keep(self, subscription: Subscription) -> None:
        """Keep a new one."""
        self._all[subscription.id] = subscription

    def read_changed(self, identifier: str, body: Any) -> Subscription:
        """What a PATCH makes of a subscription; not kept yet.

        Raises:
            GraphError: 404 or 400.
        """
        known = self.get(identifier)
        _check_keys(body, _CHANGED_WITH)
        if not body:
            raise bad_request("Nothing is to be changed.", "InvalidRequest")
        url = body.get("notificationUrl", known.notification_url)
        until = body.get("expirationDateTime")
        return replace(
            known,
            notification_url=_address(url),
            expires=known.expires if until is None else self._expiry(until),
        )

    def remove(self, identifier: str) -> Subscription:
        """Delete it; raises as `get`."""
        found = self.get(identifier)
        del self._all[found.id]
        return found

    def _mailbox(self, resource: str) -> str:
        named = _RESOURCE.fullmatch(resource)
        if named is None:
            raise bad_request("The stand-in takes subscriptions to a user's events.", "InvalidRequest")
        mailbox = self._state.mailbox(named[1])
        if mailbox.id.lower() in self.refusing:
            message = "Operation: Create; Exception: [Status Code: NotFound; Reason: Not Found]"
            raise GraphError(404, "ResourceNotFound", message)
        return mailbox.id.lower()

    def _expiry(self, text: Any) -> datetime:
        try:
            until = datetime.fromisoformat(text)
        except (TypeError, ValueError):
            raise bad_request("expirationDateTime is no time.", "InvalidRequest") from None
        if until.tzinfo is None:
            raise bad_request("expirationDateTime has no offset.", "InvalidRequest")
        now, longest = self._now(), timedelta(minutes=self._state.config.longest_subscription_minutes)
        if until <= now:
            raise bad_request("expirationDateTime is in the past.", "InvalidRequest")
        if until > now + longest:
            raise bad_request(
                "Subscription expiration can only be "
                f"{self._state.config.longest_subscription_minutes} minutes in the future.",
                "InvalidRequest",
            )
        return max(until.astimezone(UTC), now + SHORTEST).replace(microsecond=0)


def _check_keys(body: Any, allowed: Iterable[str]) -> None:
    if not isinstance(body, dict):
        raise bad_request("The body is no object.", "InvalidRequest")
    if unknown := sorted(body.keys() - set(allowed) - {"@odata.type"}):
        raise bad_request(f"A subscription can't be given {', '.join(unknown)}.", "InvalidRequest")


def _changes(text: str) -> frozenset[str]:
    changes = text.split(",")
    if not set(changes) <= set(CHANGES) or len(changes) != len(set(changes)):
        raise bad_request("changeType is invalid.", "InvalidRequest")
    return frozenset(changes)


def _address(url: Any) -> str:
    """Graph asks for HTTPS; on this machine plain HTTP will do."""
    parts = urlsplit(url) if isinstance(url, str) else None
    plain = parts is not None and parts.scheme == "http" and parts.hostname in _LOCAL
    if parts is None or not parts.hostname or not (plain or parts.scheme == "https"):
        raise bad_request("Notification URL must be an HTTPS address.", "InvalidRequest")
    return str(url)
