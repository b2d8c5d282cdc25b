"""The port `Directory` on Graph: whose mailbox an address is.

Records, transactionIds and seals go by the Entra object id, which stays when a person marries or a van gets
another address. So an address is looked up, once in an hour, and never used in the URL of an event: Graph
documents `/users/{id | userPrincipalName}`, and a mail address that is no sign-in name works for some paths
and not for others (camerondwyer.com, July 2023).

The filter takes either as equal to the whole text; both properties are documented for `eq`. Looking people up
needs `User.Read.All`: that the smaller `User.ReadBasic.All` is refused for applications was reported to
Microsoft in September 2026 (learn.microsoft.com/answers 6019739).
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph.generated.users.users_request_builder import UsersRequestBuilder

from booking_sync.domain.ids import read_guid
from booking_sync.errors import Cause, PermanentError, TransientError
from booking_sync.outlook.fields import Fields, rows, unreadable
from booking_sync.outlook.graph import errors

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime
    from typing import Any

    from booking_sync.errors import SyncError
    from booking_sync.outlook.graph.wire import Answer, GraphRequest
    from booking_sync.outlook.requests import EventRequests
    from booking_sync.ports.platform.clock import Clock

LINE: Final = "directory"
"""Stands for a mailbox where requests are lined up: Graph counts these by none."""
KNOWN_FOR: Final = timedelta(hours=1)
"""How long an answer counts; afterwards it still does while Graph can't be asked."""
MISSED_FOR: Final = timedelta(minutes=5)
"""The same for a refusal: somebody may be mending it."""
MAX_ADDRESSES: Final = 20_000
"""Far more than resources have mailboxes of their own; those that were asked for longest ago go first."""

NOBODY_REASON: Final = (
    "The address in the mailbox column of the resource's row is no user's sign-in name or primary mail "
    "address in Microsoft Entra: correct it there, write the Entra object id, or empty it."
)
SEVERAL_REASON: Final = (
    "The address in the mailbox column of the resource's row is that of several users in Microsoft Entra: "
    "write the Entra object id of the right one there."
)
DENIED_REASON: Final = (
    "The mailbox on the resource's row is named by an address, and the app may not look people up in "
    "Microsoft Entra: write the Entra object id there, or have an administrator grant the app registration "
    "User.Read.All (docs/participation.md)."
)


@dataclass(frozen=True, slots=True)
class _Told:
    """What was last told of an address."""

    object_id: str
    reason: str
    """Why there is no id."""
    until: datetime
    """Aware, UTC: how long nobody is asked again."""


class GraphDirectory:
    """Looks addresses up on Graph, and remembers them for the life of the process.

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
        self._told: OrderedDict[str, _Told] = OrderedDict()

    async def object_id(self, address: str) -> str:
        """The object id of the one user with this sign-in name or mail address; raises as the port."""
        key = address.lower()
        told = self._told.get(key)
        if told is None or told.until <= self._now():
            told = await self._ask(key, told)
        if told.reason:
            raise PermanentError(told.reason)
        return told.object_id

    async def _ask(self, key: str, before: _Told | None) -> _Told:
        try:
            object_id = await self._look_up(key)
        except PermanentError as error:
            return self._keep(key, _Told("", error.reason, self._now() + MISSED_FOR))
        except TransientError:
            if before is None or before.reason:
                raise
            return before  # an address hardly ever gets another owner, and Graph will be back
        return self._keep(key, _Told(object_id, "", self._now() + KNOWN_FOR))

    def _keep(self, key: str, told: _Told) -> _Told:
        self._told[key] = told
        self._told.move_to_end(key)
        if len(self._told) > MAX_ADDRESSES:
            self._told.popitem(last=False)
        return told

    async def _look_up(self, address: str) -> str:
        answer = await self._submit(self._requests.users(LINE, user_query(address)))
        if not errors.is_success(answer):
            raise self._refusal(answer)
        found = {_object_id(each) for each in rows(answer.body)}
        if len(found) > 1:
            raise PermanentError(SEVERAL_REASON)
        if not found:
            raise PermanentError(NOBODY_REASON)
        return found.pop()

    def _refusal(self, answer: Answer) -> SyncError:
        error = errors.translate(answer, self._now(), writes=False)
        denied = isinstance(error, PermanentError) and error.cause is Cause.ACCESS_DENIED
        return PermanentError(DENIED_REASON) if denied else error


def user_query(address: str) -> RequestConfiguration[Any]:
    """Asks for the users with this sign-in name or primary mail address; two are enough to refuse it."""
    literal = address.replace("'", "''")
    return RequestConfiguration(
        query_parameters=UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(
            filter=f"userPrincipalName eq '{literal}' or mail eq '{literal}'", select=["id"], top=2
        )
    )


def _object_id(entry: Any) -> str:
    found = read_guid(Fields(entry).text("id"))
    if found is None:
        raise unreadable()
    return found
