"""A mailbox's settings, as far as they are asked for: its language and its time zone.

Documented for `GET /users/{id}/mailboxSettings`: an application needs `MailboxSettings.Read`, which Exchange
grants for a scope like rights on calendars. `$select` takes the names of settings; a name that is none is
refused with 400, as public threads saw it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.graph.messages import GraphError, bad_request

if TYPE_CHECKING:
    from local.graph.config import GraphConfig
    from local.graph.mailbox.events import Mailbox


def show_settings(query: dict[str, str], mailbox: Mailbox, config: GraphConfig) -> dict[str, Any]:
    """The settings that were asked for, or all of them.

    Raises:
        GraphError: 403 without the right, 400 for an option or a name that isn't understood.
    """
    if config.mailbox_settings == "denied":
        raise GraphError(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
    for name in query:
        if name != "$select":
            raise bad_request(f"The query option '{name}' is not supported here.")
    known = _settings(mailbox, config)
    wanted = [name.strip() for name in query.get("$select", ",".join(known)).split(",")]
    for name in wanted:
        if name not in known:
            raise bad_request(
                "Parsing OData Select and Expand failed: Could not find a property named "
                f"'{name}' on type 'microsoft.graph.mailboxSettings'."
            )
    return {name: known[name] for name in wanted}


def _settings(mailbox: Mailbox, config: GraphConfig) -> dict[str, Any]:
    bare = config.mailbox_settings == "bare"
    language, zone = ("", "") if bare else (mailbox.language, mailbox.time_zone)
    return {
        "automaticRepliesSetting": {"status": "disabled", "externalReplyMessage": ""},
        "dateFormat": "",
        "language": {"locale": language or None, "displayName": language or None},
        "timeFormat": "",
        "timeZone": zone,
        "userPurpose": "user",
    }
