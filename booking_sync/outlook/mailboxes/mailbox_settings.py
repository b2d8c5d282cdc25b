"""The port `Readers` on Graph: the language and the zone that a mailbox is set to.

`GET /users/{id}/mailboxSettings` needs `MailboxSettings.Read`, which Exchange grants mailbox by mailbox as it
does for calendars ("Application MailboxSettings.Read"). Documented of the answer: `timeZone` is a Windows
name, or an IANA name where an administrator chose so; `language.locale` is a tag such as `en-US`. Seen in
public threads: neither for a mailbox that nobody ever opened, and `tzone://Microsoft/Custom`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph.generated.users.item.mailbox_settings.mailbox_settings_request_builder import (
    MailboxSettingsRequestBuilder,
)

from booking_sync.domain.bookings.reader import Reader
from booking_sync.domain.events.event_text.words import read_tag
from booking_sync.errors import Cause, PermanentError
from booking_sync.outlook.fields import unreadable
from booking_sync.outlook.graph import errors

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from booking_sync.errors import SyncError
    from booking_sync.outlook.graph.wire import Answer, GraphRequest
    from booking_sync.outlook.requests import EventRequests
    from booking_sync.ports.platform.clock import Clock

_MAX_ZONE_NAME = 100
"""Characters; the longest name of IANA's or Microsoft's has some 40."""
DENIED_REASON = (
    "Outlook: the app may not read this person's language and time zone; ask an administrator to assign the "
    "role Application MailboxSettings.Read in Exchange (docs/deployment.md, step 2)."
)


class GraphReaders:
    """Asks for a mailbox's settings; remembers nothing.

    Args:
        submit: has a request travel with others.
        requests: builds requests with the SDK.
        now: the time of day, aware.
    """

    def __init__(
        self, submit: Callable[[GraphRequest], Awaitable[Answer]], requests: EventRequests, now: Clock
    ) -> None:
        self._submit = submit
        self._requests = requests
        self._now = now

    async def reader(self, mailbox: str) -> Reader:
        """Language and zone of the mailbox; raises as the port."""
        answer = await self._submit(self._requests.settings(mailbox, settings_query()))
        if not errors.is_success(answer):
            raise self._refusal(answer)
        return read_settings(answer.body)

    def _refusal(self, answer: Answer) -> SyncError:
        """Whatever code it carries, a 403 of Graph's own says that a right is missing."""
        error = errors.translate(answer, self._now(), writes=False)
        if answer.status == errors.FORBIDDEN and errors.error_code(answer):
            return PermanentError(DENIED_REASON, cause=Cause.ACCESS_DENIED)
        return error


def settings_query() -> RequestConfiguration[Any]:
    """Asks for language and zone alone: the rest of the settings is none of the app's business."""
    return RequestConfiguration(
        query_parameters=MailboxSettingsRequestBuilder.MailboxSettingsRequestBuilderGetQueryParameters(
            select=["language", "timeZone"]
        )
    )


def read_settings(body: Any) -> Reader:
    """What the answer tells; anything but a text tells nothing.

    Raises:
        TransientError: it is no answer to the question.
    """
    if not isinstance(body, dict) or not body.keys() & {"language", "timeZone"}:
        raise unreadable()
    language, zone = body.get("language"), body.get("timeZone")
    locale = language.get("locale") if isinstance(language, dict) else None
    return Reader(
        read_tag(locale) if isinstance(locale, str) else "",
        zone if isinstance(zone, str) and len(zone) <= _MAX_ZONE_NAME and zone.isprintable() else "",
    )
