"""A mailbox's list of categories, as "outlookCategory resource type" documents it.

A name is unique in the list, without regard to capital letters, as in Outlook, and can't be changed; a colour
is one of 25 presets or none. Reading takes MailboxSettings.Read, writing MailboxSettings.ReadWrite.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from local.graph.mailbox.schema import READ_ONLY_ERROR, TEXT_LIMIT, one_of, record, text
from local.graph.messages import GraphError, bad_request

if TYPE_CHECKING:
    from local.graph.config import GraphConfig
    from local.graph.mailbox.events import Mailbox

COLOUR = one_of("none", *(f"preset{number}" for number in range(25)))
_CATEGORY = record("outlookCategory", {"displayName": text(TEXT_LIMIT), "color": COLOUR}, ("displayName",))
_CHANGE = record("outlookCategory", {"color": COLOUR})
_USUAL = {"00000000-0000-4000-8000-0000000000c0": ("Red category", "preset0")}
_OURS = {
    "00000000-0000-4000-8000-0000000000c1": ("Field Service: Scheduled", "preset4"),
    "00000000-0000-4000-8000-0000000000c2": ("Field Service: Proposed", "preset3"),
}


def listed(mailbox: Mailbox, config: GraphConfig) -> list[dict[str, str]]:
    """All of them.

    Raises:
        GraphError: 403 without the right to read them.
    """
    if config.master_categories == "denied":
        raise _denied()
    return [_shown(key, *entry) for key, entry in _all(mailbox, config).items()]


def added(mailbox: Mailbox, config: GraphConfig, body: Any) -> dict[str, str]:
    """A new one.

    Raises:
        GraphError: 403 without the right to write, 400 for what is no category, 409 or 400 for a name that is
            there already.
    """
    _check_right(config)
    if isinstance(body, dict) and "id" in body:
        raise bad_request("'id' is read-only.", READ_ONLY_ERROR)
    new = _CATEGORY(body, "outlookCategory")
    name = new["displayName"]
    if not name.strip():
        raise bad_request("A category needs a name.", "ErrorInvalidRequest")
    if name.casefold() in {known.casefold() for known, _ in _all(mailbox, config).values()}:
        status = 409 if config.category_twice == "conflict" else 400
        raise GraphError(status, "ErrorInvalidRequest", "A category with this name exists already.")
    key = str(uuid.uuid4())
    mailbox.categories[key] = (name, new.get("color", "none"))
    return _shown(key, *mailbox.categories[key])


def changed(mailbox: Mailbox, config: GraphConfig, key: str, body: Any) -> dict[str, str]:
    """With another colour; raises as `added`, and 404."""
    _check_right(config)
    if isinstance(body, dict) and body.keys() & {"id", "displayName"}:
        raise bad_request("A category's name can't be changed.", READ_ONLY_ERROR)
    changes, known = _CHANGE(body, "outlookCategory"), _found(mailbox, config, key)
    mailbox.categories[key] = (known[0], changes.get("color", known[1]))
    return _shown(key, *mailbox.categories[key])


def removed(mailbox: Mailbox, config: GraphConfig, key: str) -> None:
    """Taken out of the list; those of the list's beginning stay. Raises as `changed`."""
    _check_right(config)
    _found(mailbox, config, key)
    mailbox.categories.pop(key, None)


def _all(mailbox: Mailbox, config: GraphConfig) -> dict[str, tuple[str, str]]:
    return {**_USUAL, **(_OURS if config.master_categories == "with_ours" else {}), **mailbox.categories}


def _found(mailbox: Mailbox, config: GraphConfig, key: str) -> tuple[str, str]:
    found = _all(mailbox, config).get(key)
    if found is None:
        raise GraphError(404, "ErrorItemNotFound", "The specified object was not found in the store.")
    return found


def _shown(key: str, name: str, colour: str) -> dict[str, str]:
    return {"id": key, "displayName": name, "color": colour}


def _check_right(config: GraphConfig) -> None:
    if config.master_categories in ("denied", "readable"):
        raise _denied()


def _denied() -> GraphError:
    return GraphError(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
