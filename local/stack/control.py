"""Small typed clients for the stack's control planes: what tests and the played day use instead of clicking.

`StandInControl` is what every stand-in has; `GraphControl` and `DataverseControl` add theirs; `QueueControl`
looks into the storage queues, through Microsoft's own client.
"""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import TextBase64EncodePolicy
from azure.storage.queue.aio import QueueServiceClient

from local.standin import CONTROL_PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import aiohttp

    from local.standin.faults import Fault


class ControlError(RuntimeError):
    """A control plane refused; the text is its answer."""


@dataclass(frozen=True)
class Counts:
    """How often a service was called since its log was cleared."""

    requests: int
    items: int
    """Items of `$batch` requests."""
    writes: int
    """Changes that the service carried out, single or in a batch: not GET, answered 2xx."""
    refused: int
    """Items and single requests answered 4xx or 5xx, 429 among them."""
    throttled: int
    """Items and single requests answered 429."""
    bytes_up: int = 0
    """Of the requests' bodies."""
    bytes_down: int = 0
    """Of the answers' bodies."""
    last_ended: float = 0.0
    """When the last request was answered, on the machine's monotonic clock; 0 when there was none."""


class StandInControl:
    """The control plane that every stand-in has.

    Args:
        url: the stand-in's base URL.
        session: trusts the stack's authority; open as long as this object is used.
    """

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self._session = session

    async def requests(self) -> list[dict[str, Any]]:
        """The request log, as `local.standin.RecordedRequest`."""
        found: list[dict[str, Any]] = await self.call("GET", "requests")
        return found

    async def clear_requests(self) -> None:
        """Start counting anew."""
        await self.call("DELETE", "requests")

    async def counts(self) -> Counts:
        """What the request log adds up to."""
        log = await self.requests()
        units = [unit for entry in log for unit in (entry["items"] or [entry])]
        return Counts(
            requests=len(log),
            items=sum(len(entry["items"]) for entry in log),
            writes=sum(_is_write(unit) and 200 <= unit["status"] < 300 for unit in units),
            refused=sum(unit["status"] >= 400 for unit in units),
            throttled=sum(unit["status"] == 429 for unit in units),
            bytes_up=sum(entry["body_bytes"] for entry in log),
            bytes_down=sum(entry["answer_bytes"] for entry in log),
            last_ended=max((entry["started"] + entry["seconds"] for entry in log), default=0.0),
        )

    async def add_fault(self, fault: Fault) -> None:
        """Add a rule to the fault script."""
        await self.call("POST", "faults", asdict(fault))

    async def pending_strikes(self) -> int:
        """How many strikes of the fault script are still to come; rules for ever are not counted."""
        return sum(max(0, each["times"]) for each in await self.call("GET", "faults"))

    async def clear_faults(self) -> None:
        """Behave again."""
        await self.call("DELETE", "faults")

    async def set_latency(self, seconds: float) -> None:
        """Add a round trip to each request."""
        await self.call("PUT", "latency", {"seconds": seconds})

    async def go_away(self, seconds: float) -> None:
        """Break all connections and refuse new ones for so long, this control plane's included."""
        await self.call("PUT", "outage", {"seconds": seconds})

    async def configure(self, **settings: Any) -> None:
        """Turn the stand-in's own knobs."""
        await self.call("PUT", "config", settings)

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """One call below `/_control/`; returns the JSON answered.

        Raises:
            ControlError: the stand-in refuses.
        """
        address = self.url + CONTROL_PREFIX + path
        async with self._session.request(method, address, json=body) as answer:
            text = await answer.text()
            if answer.status >= 400:
                raise ControlError(f"{method} {address}: {answer.status} {text}")
            return json.loads(text) if text else None


class GraphControl(StandInControl):
    """Outlook, as users and administrators see it."""

    async def add_mailboxes(self, mailboxes: Sequence[Mapping[str, str]]) -> None:
        """Add users: `id`, `displayName`, `userPrincipalName`, `kind`.

        The kinds are `normal`, `no_mailbox`, `denied`, `full` (takes no more) and `new` (not ready yet).
        """
        await self.call("POST", "mailboxes", list(mailboxes))

    async def mailboxes(self) -> list[dict[str, str]]:
        """The users, as `add_mailboxes` takes them."""
        found: list[dict[str, str]] = await self.call("GET", "mailboxes")
        return found

    async def events(self, mailbox: str = "") -> list[dict[str, Any]]:
        """All that is held of every event that calendars show, of one mailbox or of all."""
        found: list[dict[str, Any]] = await self.call("GET", f"events?mailbox={mailbox}")
        return found

    async def deleted_items(self, mailbox: str = "") -> list[dict[str, Any]]:
        """As `events`, of what lies in Deleted Items."""
        found: list[dict[str, Any]] = await self.call("GET", f"deleted?mailbox={mailbox}")
        return found

    async def mails(self) -> list[dict[str, Any]]:
        """Every mail: `mailbox`, `kind`, `event` (immutable id), `to`, and `by` (`app` or `person`)."""
        found: list[dict[str, Any]] = (await self.call("GET", "stats"))["mails"]
        return found

    async def mails_sent(self) -> int:
        """How many invitations, updates and cancellations went out by the app's doing."""
        return sum(each["by"] == "app" for each in await self.mails())

    async def pending_notifications(self) -> int:
        """Notifications that wait or are under way."""
        return int((await self.call("GET", "notifications"))["pending"])

    async def forgive_addresses(self) -> None:
        """Graph forgets that addresses were slow, or did not answer, as after some minutes."""
        await self.call("POST", "notifications/forgive")

    async def subscriptions(self) -> list[dict[str, Any]]:
        """All that are active, with their client states."""
        found: list[dict[str, Any]] = await self.call("GET", "subscriptions")
        return found

    async def empty_deleted_items(self, mailbox: str) -> None:
        """A user, or a retention policy, empties Deleted Items."""
        await self.call("POST", "user/empty", {"mailbox": mailbox})

    async def age(self, mailbox: str, seconds: float = 3600.0) -> None:
        """Make the mailbox's events older, Deleted Items included, as if time had passed."""
        await self.call("POST", "events/age", {"mailbox": mailbox, "seconds": seconds})

    async def migrate(self, mailbox: str) -> None:
        """Give everything in the mailbox new ids, as a migration does."""
        await self.call("POST", "mailboxes/migrate", {"mailbox": mailbox})

    async def user(self, action: str, mailbox: str, **order: Any) -> dict[str, Any]:
        """What a user does in Outlook, such as `shift` or `delete`; `local.graph.control` lists it all.

        Answers the event. `order` has `id` or `event`, and what the action takes besides.
        """
        done: dict[str, Any] = await self.call("POST", f"user/{action}", {"mailbox": mailbox, **order})
        return done


class DataverseControl(StandInControl):
    """Dataverse as dispatchers and administrators see it; rows are written as the dispatcher."""

    async def create(self, entity_set: str, body: Mapping[str, Any], *, webhooks: bool = True) -> str:
        """Create a row from a Web API body; returns its id."""
        done = await self.call("POST", f"rows/{entity_set}{_quietly(webhooks)}", body)
        return str(done["id"])

    async def create_many(
        self, entity_set: str, bodies: Sequence[Mapping[str, Any]], *, webhooks: bool = True
    ) -> None:
        """Create rows at one go."""
        await self.call("POST", f"rows/{entity_set}/bulk{_quietly(webhooks)}", list(bodies))

    async def update(
        self, entity_set: str, row_id: str, body: Mapping[str, Any], *, webhooks: bool = True
    ) -> None:
        """Change some columns of a row."""
        await self.call("PATCH", f"rows/{entity_set}/{row_id}{_quietly(webhooks)}", body)

    async def delete(self, entity_set: str, row_id: str, *, webhooks: bool = True) -> None:
        """Delete a row, with all that follows from it."""
        await self.call("DELETE", f"rows/{entity_set}/{row_id}{_quietly(webhooks)}")

    async def restore(
        self, entity_set: str, row_id: str, body: Mapping[str, Any] | None = None, *, webhooks: bool = True
    ) -> None:
        """Bring a deleted booking back from the recycle bin, with other values for the columns given."""
        await self.call("POST", f"rows/{entity_set}/{row_id}/restore{_quietly(webhooks)}", body or {})

    async def export(self, entity_set: str, row_id: str) -> dict[str, Any]:
        """A row with all its columns, as `import_rows` takes it."""
        found: dict[str, Any] = await self.call("GET", f"rows/{entity_set}/{row_id}/export")
        return found

    async def import_rows(
        self, entity_set: str, bodies: Sequence[Mapping[str, Any]], *, webhooks: bool = True
    ) -> None:
        """Write rows as an import does, whether they exist or not."""
        await self.call("POST", f"rows/{entity_set}/import{_quietly(webhooks)}", list(bodies))

    async def back_up(self) -> None:
        """Remember all rows as they are."""
        await self.call("PUT", "backup")

    async def roll_back(self) -> None:
        """Put all rows back as they were at the backup, etags included; nobody is told."""
        await self.call("POST", "backup/restore")

    async def rows(self, entity_set: str) -> dict[str, dict[str, Any]]:
        """All rows of a table by id; columns by logical name (lookups hold the id)."""
        found: list[dict[str, Any]] = await self.call("GET", f"rows/{entity_set}")
        return {_primary_id(row): row for row in found}

    async def register_webhooks(self, webhooks: Sequence[Mapping[str, Any]]) -> None:
        """Replace every registration."""
        await self.call("PUT", "webhooks", list(webhooks))

    async def pending_deliveries(self) -> int:
        """Webhooks that wait or are under way."""
        return int((await self.call("GET", "deliveries/idle"))["pending"])

    async def deliveries(self) -> dict[str, Any]:
        """The account of deliveries: `delivered`, `retried`, `lost`, `pending` and `failures`."""
        found: dict[str, Any] = await self.call("GET", "deliveries")
        return found


@dataclass(frozen=True)
class PoisonMessage:
    """A message on the poison queue."""

    text: str
    reason: str
    """Empty when the host put it there, which gives no reason."""
    booking_id: str
    """Empty when the message names none."""


class QueueControl:
    """The change queue and its poison queue.

    Args:
        connection_string: of the storage account.
        authority: PEM file that signs its certificate.
        name: the change queue's name.
    """

    def __init__(self, connection_string: str, authority: Path, name: str) -> None:
        self._service = QueueServiceClient.from_connection_string(
            connection_string,
            connection_verify=str(authority),
            use_env_settings=False,  # a proxy has no business between us and localhost
        )
        self._changes = self._service.get_queue_client(name, message_encode_policy=TextBase64EncodePolicy())
        self._poison = self._service.get_queue_client(f"{name}-poison")

    async def create(self) -> None:
        """Make both queues, so that nobody's first message has to."""
        for queue in (self._changes, self._poison):
            try:
                await queue.create_queue()
            except ResourceExistsError:
                continue

    async def send(self, text: str) -> None:
        """Put a message on the change queue, whatever its text."""
        await self._changes.send_message(text)

    async def clear(self) -> None:
        """Remove every message from the change queue, hidden ones included."""
        await self._changes.clear_messages()

    async def waiting(self) -> int:
        """Messages on the change queue, those in work or hidden included (Azurite counts exactly)."""
        return int((await self._changes.get_queue_properties()).approximate_message_count or 0)

    async def poisoned(self) -> int:
        """How many messages lie on the poison queue."""
        try:
            return int((await self._poison.get_queue_properties()).approximate_message_count or 0)
        except ResourceNotFoundError:
            return 0

    async def take_poison(self) -> list[PoisonMessage]:
        """Read the poison queue empty."""
        found = []
        async for message in self._poison.receive_messages(messages_per_page=32, visibility_timeout=60):
            found.append(_read_poison(message.content))
            await self._poison.delete_message(message)
        return found

    async def close(self) -> None:
        """Close the connections."""
        await self._service.close()


def _quietly(webhooks: bool) -> str:  # noqa: FBT001 - private, and the callers have it by name
    return "" if webhooks else "?webhooks=false"


def _primary_id(row: Mapping[str, Any]) -> str:
    """The key column comes first in a row of the stand-in."""
    return str(next(iter(row.values())))


def _is_write(unit: Mapping[str, Any]) -> bool:
    return unit["method"] != "GET" and not str(unit["path"]).endswith("$batch")


def _read_poison(content: str) -> PoisonMessage:
    text = _decode(content)
    try:
        entry = json.loads(text)
    except ValueError:
        entry = None
    if not isinstance(entry, dict):
        return PoisonMessage(text, "", "")
    message = entry.get("message", entry)
    booking = message.get("bookingId", "") if isinstance(message, dict) else ""
    return PoisonMessage(text, str(entry.get("reason", "")), str(booking))


def _decode(content: str) -> str:
    """Base64 as the app and the host write it; anything else as it is."""
    try:
        return base64.b64decode(content, validate=True).decode()
    except ValueError:
        return content
