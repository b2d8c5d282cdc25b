"""What requests say about a mailbox's calendars; anything else is refused.

Documented for `GET` and `POST /users/{id}/calendars`: a list with `$select`, `$top` and `$skip`, and a
calendar that is made of its `name`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.graph.mailbox.store import MAIN_NAME, main_calendar
from local.graph.messages import bad_request

if TYPE_CHECKING:
    from local.graph.mailbox.events import Mailbox

READABLE = frozenset({"id", "name", "isDefaultCalendar", "owner"})
LARGEST_PAGE = 1000
DEFAULT_PAGE = 10


def read_calendar_options(query: dict[str, str]) -> tuple[frozenset[str], int, int]:
    """Fields, size and beginning of the page that is asked for.

    Raises:
        GraphError: 400 for what isn't understood.
    """
    for name in query:
        if name not in ("$select", "$top", "$skip"):
            raise bad_request(f"The query option '{name}' is not supported here.")
    fields = frozenset(query.get("$select", "id,name").split(","))
    if not fields <= READABLE:
        raise bad_request("Could not find a property named so on type 'microsoft.graph.calendar'.")
    top, skip = query.get("$top", str(DEFAULT_PAGE)), query.get("$skip", "0")
    if not (top.isdigit() and skip.isdigit() and 1 <= int(top) <= LARGEST_PAGE):
        raise bad_request(f"'{top}' is no size of a page.")
    return fields, int(top), int(skip)


def describe_calendars(mailbox: Mailbox) -> list[dict[str, Any]]:
    """What the list of a mailbox's calendars says of each: its own, and those that colleagues share.

    Documented of `owner`: the user for a calendar of the user's own, else whoever shared it.
    """
    main = main_calendar(mailbox)
    own = {main: MAIN_NAME, **mailbox.calendars}
    named = [(identifier, name, mailbox) for identifier, name in own.items()]
    named += [(key, each.name, each.owner) for key, each in mailbox.shared_calendars.items()]
    return [
        {
            "id": identifier,
            "name": name,
            "isDefaultCalendar": identifier == main,
            "owner": _owner(owner) if mailbox.tells_owners else None,
        }
        for identifier, name, owner in named
    ]


def _owner(owner: Mailbox) -> dict[str, str]:
    return {"name": owner.display_name, "address": owner.address}


def read_calendar_name(body: Any) -> str:
    """The name of a calendar to make.

    Raises:
        GraphError: 400 for any other body.
    """
    if not isinstance(body, dict) or not isinstance(body.get("name"), str):
        raise bad_request("A calendar needs a name.")
    if body.keys() - {"name", "@odata.type"}:
        raise bad_request("The stand-in makes calendars of a name alone.", "NotModelled")
    if body.get("@odata.type", "#microsoft.graph.calendar") != "#microsoft.graph.calendar":
        raise bad_request("The body is no calendar.")
    name: str = body["name"]
    return name
