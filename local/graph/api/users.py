"""The directory's list of users, as far as it is asked for: one sign-in name or mail address.

Documented for `GET /users`: `userPrincipalName` and `mail` take `eq`, compared without regard to case, and
conditions may be joined by `or`; an application needs `User.Read.All`, without which the answer is 403
`Authorization_RequestDenied`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from local.graph.messages import GraphError, bad_request

if TYPE_CHECKING:
    from collections.abc import Iterable

    from local.graph.config import GraphConfig
    from local.graph.mailbox.events import Mailbox

READABLE = frozenset({"id", "displayName", "mail", "userPrincipalName"})
_CONDITION = re.compile(r"(userPrincipalName|mail) eq '((?:[^']|'')*)'")
LARGEST_PAGE = 999


def list_users(query: dict[str, str], mailboxes: Iterable[Mailbox], config: GraphConfig) -> dict[str, Any]:
    """The users that meet one of the filter's conditions.

    Raises:
        GraphError: 403 without the permission, 400 for an option that isn't understood.
    """
    if config.directory == "denied":
        message = "Insufficient privileges to complete the operation."
        raise GraphError(403, "Authorization_RequestDenied", message)
    for name in query:
        if name not in ("$filter", "$select", "$top"):
            raise bad_request(f"The query option '{name}' is not supported here.", "Request_BadRequest")
    fields = frozenset(query.get("$select", ",".join(READABLE)).split(","))
    if not fields <= READABLE:
        raise bad_request("Could not find a property named so on type 'user'.", "Request_BadRequest")
    top = query.get("$top", "100")
    if not top.isdigit() or not 1 <= int(top) <= LARGEST_PAGE:
        raise bad_request(f"Invalid page size specified: '{top}'.", "Request_UnsupportedQuery")
    wanted = _read_filter(query.get("$filter", ""))
    shown = [each for each in map(_describe, mailboxes) if _meets(each, wanted)]
    value = [{name: text for name, text in each.items() if name in fields} for each in shown[: int(top)]]
    return {"value": value}


def _read_filter(text: str) -> list[tuple[str, str]]:
    conditions = [_CONDITION.fullmatch(each.strip()) for each in text.split(" or ")]
    if not all(conditions):
        raise bad_request("Invalid filter clause.", "Request_UnsupportedQuery")
    return [(each[1], each[2].replace("''", "'")) for each in conditions if each]


def _describe(mailbox: Mailbox) -> dict[str, str]:
    return {
        "id": mailbox.id,
        "displayName": mailbox.display_name,
        "mail": mailbox.mail or mailbox.user_principal_name,
        "userPrincipalName": mailbox.user_principal_name,
    }


def _meets(user: dict[str, str], conditions: list[tuple[str, str]]) -> bool:
    return any(user[name].lower() == value.lower() for name, value in conditions)
