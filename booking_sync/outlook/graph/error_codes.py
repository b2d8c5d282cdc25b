"""What the codes of Graph's and Exchange's errors mean. Pure.

A code that stands here makes an answer the service's own verdict. All others, and answers without any, come
from somebody on the way or from a service that is not itself: they say nothing of the event or the mailbox.
Codes are the ones that Microsoft documents for Outlook resources and Exchange Web Services (`ResponseCode`),
or that were seen in public issue threads; they are compared in lower case.
"""

from __future__ import annotations

from typing import Final

NO_MAILBOX: Final = frozenset(
    {
        "mailboxnotenabledforrestapi",
        "mailboxnotsupportedforrestapi",
        "errornonexistentmailbox",
        "resourcenotfound",  # "Resource could not be discovered.": seen by turns with the first one
        "request_resourcenotfound",
        "errorinvaliduser",
    }
)
"""There is no mailbox, not yet or not any more, or no such user."""

ACCESS_DENIED: Final = frozenset({"erroraccessdenied", "accessdenied", "authorization_requestdenied"})
"""The mailbox is outside the app's scope; or in it for so short a time that Exchange does not know it yet."""

MAILBOX_FULL: Final = frozenset({"errorquotaexceeded", "quotaexceededexception"})

DUPLICATE_TRANSACTION: Final = "errorduplicatetransactionid"

ALREADY_EXISTS: Final = "alreadyexist"
"""Part of the codes for what is there already. Which one Outlook sends for an open extension is not known; a
POST of one that exists was seen to overwrite it (msgraph-sdk-dotnet, issue 1541)."""

FOLDER_EXISTS: Final = "errorfolderexists"
"""A calendar is a folder; seen with 409 (alcionai/corso, pull request 3318)."""

CANNOT_DELETE: Final = "errorcannotdeleteobject"
"""What a second DELETE by an immutable id gets (seen of messages), where others get a 404."""

IN_DELETED_ITEMS: Final = "errorcalendarcannotupdatedeleteditem"
"""Exchange Web Services: an item in Deleted Items takes no update that would send mail."""

GONE_WORDS: Final = "the specified object was not found in the store"
"""Outlook's sentence for a missing item, seen with an empty code in the items of a batch."""

_NO_SUCH_ITEM = frozenset({"erroritemnotfound", "itemnotfound", "errorinvalidmailboxitemid"})
_UNREADABLE_ID = "errorinvalidid"
"""How the codes for ids begin that Outlook can't read, or that are another mailbox's or of another kind."""

_NO_SUCH_FOLDER = frozenset({"errorfoldernotfound", "errordefaultfoldernotfound"})

_TIME_ZONE = "timezonenotsupportedexception"
_TIME_ZONE_FAMILY = "errortimezone"

_VERDICTS = frozenset(
    {
        "badrequest",
        "invalidrequest",
        "invalidargument",
        "request_badrequest",
        "requestbodyread",
        "methodnotallowed",
        "notsupported",
        _TIME_ZONE,
        "errorcontentconversionfailed",
        "errorcorruptdata",
        "errordatasizelimitexceeded",
        "erroritemsavepropertyerror",
        "errormessagesizeexceeded",
        "errorobjecttypechanged",
        "errorschemavalidation",
    }
)
_VERDICT_FAMILIES = (
    "erroraccount",
    "errorattachment",
    "errorcalendar",
    "errorcannot",
    "errorincorrect",
    "errorinvalid",
    "errormissing",
    "errornotallowed",
    "errornotsupported",
    "errorproperty",
    "errorrecurrence",
    _TIME_ZONE_FAMILY,
    "errorunsupported",
    "errorupdateproperty",
)
"""How codes begin that by their name judge what was asked for.

Exchange has hundreds. One that is missing here costs patience and no booking: its refusals are tried again
until the change is too old, and then told."""


def names_no_item(code: str) -> bool:
    """There is no such item under this id in this mailbox: gone, moved, malformed, of another kind."""
    return code in _NO_SUCH_ITEM or code.startswith(_UNREADABLE_ID)


def names_no_folder(code: str) -> bool:
    """The mailbox has no calendar, as it may be while it is being made."""
    return code in _NO_SUCH_FOLDER or code in _NO_SUCH_ITEM


def names_time_zone(code: str) -> bool:
    """The service does not know the time zone that was written."""
    return code == _TIME_ZONE or code.startswith(_TIME_ZONE_FAMILY)


def is_verdict(code: str) -> bool:
    """The service judged the request, and will do so again."""
    return (
        code in _VERDICTS
        or code.startswith(_VERDICT_FAMILIES)
        or names_no_item(code)
        or names_no_folder(code)
        or code in NO_MAILBOX | ACCESS_DENIED | MAILBOX_FULL
        or code == DUPLICATE_TRANSACTION
    )
