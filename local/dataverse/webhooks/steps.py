"""Endpoints and steps: which change goes where, and how the control plane's JSON registers them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from local.dataverse.errors import bad_request
from local.dataverse.tables.recycle_bin import RECYCLED_TABLES
from local.dataverse.webhooks.context import Image

if TYPE_CHECKING:
    from local.dataverse.tables.columns import Table
    from local.dataverse.tables.schema import Schema
    from local.dataverse.tables.store import Change

MESSAGES = ("Create", "Update", "Delete", "Restore")
WITHOUT_PRE_IMAGE = ("Create", "Restore")
WITHOUT_POST_IMAGE = ("Delete",)


def takes_message(table: Table, message: str) -> bool:
    """Whether steps can be registered for this message of a table."""
    return message != "Restore" or table.logical_name in RECYCLED_TABLES


@dataclass(frozen=True)
class Step:
    """When a webhook fires."""

    message: str
    table: str
    """Logical name; empty for every table."""
    filtering: frozenset[str]
    """Of Update only: fire when the request names one of these columns; empty for any."""
    images: tuple[Image, ...]
    step_id: str
    name: str = ""
    keeps_jobs: bool = False
    """Whether the system job of a delivery that succeeded stays."""

    def fires_for(self, change: Change) -> bool:
        """Whether this change is the step's."""
        if change.message != self.message or self.table not in ("", change.table.logical_name):
            return False
        return self.message != "Update" or not self.filtering or bool(self.filtering & change.requested)


@dataclass(frozen=True)
class Webhook:
    """An endpoint with its steps."""

    url: str
    auth_place: Literal["header", "query"]
    auth: tuple[tuple[str, str], ...]
    """Names and values that the endpoint knows us by."""
    steps: tuple[Step, ...]
    trouble: str = ""
    """Why nothing can be sent: the registration makes no sense."""


def read_webhooks(schema: Schema, body: Any) -> list[Webhook]:
    """Webhooks from the control plane's JSON, one object or a list of them.

    Raises:
        DataverseError: a part is missing or names what the schema does not have.
    """
    entries = body if isinstance(body, list) else [body]
    try:
        return [_webhook(schema, entry) for entry in entries]
    except (KeyError, TypeError, AttributeError, StopIteration) as error:
        raise bad_request(f"The webhook registration is incomplete or malformed: {error!r}") from None


def _webhook(schema: Schema, entry: dict[str, Any]) -> Webhook:
    auth = dict(entry["auth"])
    value = str(auth.pop("value"))
    place, name = next(iter(auth.items()))
    if place not in ("header", "query"):
        raise bad_request(
            "A webhook's auth is {'header': name, 'value': key} or {'query': name, 'value': key}."
        )
    steps = tuple(_step(schema, step) for step in entry["steps"])
    return Webhook(str(entry["url"]), place, ((str(name), value),), steps)


def _step(schema: Schema, entry: dict[str, Any]) -> Step:
    message, table = entry["message"], schema.table(entry["table"])
    if message not in MESSAGES or not takes_message(table, message):
        raise bad_request(f"There is no message '{message}' to register a step for.")
    filtering = _attributes(table, entry.get("filteringattributes"))
    if filtering and message != "Update":
        raise bad_request("Filtering attributes are for Update only.")
    images = tuple(_image(table, message, image) for image in entry.get("images", ()))
    return Step(message, table.logical_name, filtering, images, str(uuid.uuid4()))


def _image(table: Table, message: str, entry: dict[str, Any]) -> Image:
    post = {0: False, 1: True}[entry["type"]]
    if message in (WITHOUT_POST_IMAGE if post else WITHOUT_PRE_IMAGE):
        raise bad_request(f"There is no {'post' if post else 'pre'}-image on {message}.")
    return Image(entry["alias"], post, _attributes(table, entry.get("attributes")))


def _attributes(table: Table, text: str | None) -> frozenset[str]:
    names = frozenset(name.strip() for name in (text or "").split(",") if name.strip())
    unknown = sorted(names - set(table.by_name))
    if unknown:
        raise bad_request(f"'{table.logical_name}' has no attributes {unknown} (logical names, lower case).")
    return names
