"""Whose verdict is it? Every status, every form of body and every operation on Graph, as a table.

Only an answer with an error of the service's own fails a booking or proves that something is absent.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from datetime import timedelta
from typing import Any

import pytest

from booking_sync.domain.events.event_ref import EventRef
from booking_sync.errors import PermanentError, SyncError, TransientError
from booking_sync.outlook.calendar import OutlookCalendar
from booking_sync.outlook.graph import errors
from booking_sync.outlook.graph.client import GraphClient
from booking_sync.outlook.graph.wire import Answer, GraphRequest
from tests.outlook.kit import CONTENT, EXTENSION, MAILBOX, MARKER, NOW, LocalCredential, now

EVENT = EventRef(MAILBOX, "AAMkAGI2=")
STATUSES = (
    *(301, 302, 303, 304, 307, 308),
    *(400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 418, 421),
    *(422, 423, 424, 425, 426, 428, 429, 431, 451, 499),
    *(500, 501, 502, 503, 504, 505, 507, 508, 511, 520, 599),
)
NOT_GRAPHS: dict[str, Any] = {
    "nothing": None,
    "an empty text": "",
    "a page of HTML": "<html><body>Not Found</body></html>",
    "a list": [],
    "a number": 5,
    "an empty object": {},
    "no error": {"error": None},
    "an error that is a text": {"error": "Not Found"},
    "an empty error": {"error": {}},
    "nulls": {"error": {"code": None, "message": None}},
    "empty texts": {"error": {"code": "", "message": ""}},
    "words without a code": {"error": {"code": "", "message": "Your request was blocked."}},
    "a number for a code": {"error": {"code": 404, "message": "The specified object was not found."}},
    "a list for a code": {"error": {"code": ["ErrorItemNotFound"]}},
    "UnknownError": {"error": {"code": "UnknownError", "message": "<html>"}},
    "no code's form": {"error": {"code": "Adatum Bakery, Main Street", "message": "no"}},
    "a code that nobody knows": {"error": {"code": "GatewaySaysNo", "message": "no"}},
    "a passing code of Exchange": {"error": {"code": "ErrorServerBusy", "message": "busy"}},
    "a mailbox on its way": {"error": {"code": "ErrorMailboxMoveInProgress", "message": "moving"}},
}


class OneAnswer:
    """Answers every request alike; fulfils the calendar's `Batches`."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.requests: list[GraphRequest] = []

    async def submit(self, request: GraphRequest) -> Answer:
        """The answer."""
        self.requests.append(request)
        return self._answer

    def closed(self) -> Mapping[str, float]:
        """Nobody."""
        return {}

    async def aclose(self) -> None:
        """Nothing is under way."""


Operation = Callable[[OutlookCalendar], Coroutine[Any, Any, Any]]
ON_AN_EVENT: dict[str, Operation] = {
    "update": lambda calendar: calendar.update(EVENT, CONTENT),
    "delete": lambda calendar: calendar.delete(EVENT),
    "tag": lambda calendar: calendar.tag(EVENT, "b00c", "seal"),
    "look": lambda calendar: calendar.look(EVENT),
    "read_tag": lambda calendar: calendar.read_tag(EVENT),
    "read": lambda calendar: calendar.read(EVENT),
    "look_up": lambda calendar: calendar.look_up(EVENT),
    "claim": lambda calendar: calendar.claim(EVENT, MARKER),
}
OPERATIONS: dict[str, Operation] = {
    **ON_AN_EVENT,
    "create": lambda calendar: calendar.create(
        MAILBOX, CONTENT, marker=MARKER, transaction_id="t", birth="b"
    ),
    "find": lambda calendar: calendar.find(MAILBOX, MARKER),
    "list_marked": lambda calendar: calendar.list_marked(MAILBOX, NOW, NOW + timedelta(days=1)),
    "list_all_marked": lambda calendar: calendar.list_all_marked(MAILBOX),
    "list_extended": lambda calendar: calendar.list_extended(MAILBOX, EXTENSION, "id"),
}
WRITES = {"update", "delete", "tag", "claim", "create"}


Ask = Callable[[str, Answer], Coroutine[Any, Any, Any]]


@pytest.fixture(scope="module")
def client() -> GraphClient:
    """Builds requests; nothing is sent."""
    return GraphClient("https://localhost:1", LocalCredential(b""))


@pytest.fixture
def ask(client: GraphClient) -> Ask:
    """What an operation gives, or the error that it raises, when Graph answers so."""

    async def outcome(name: str, answer: Answer) -> Any:
        calendar = OutlookCalendar(client, OneAnswer(answer), extension_name=EXTENSION, now=now)
        try:
            return await OPERATIONS[name](calendar)
        except SyncError as error:
            return error

    return outcome


@pytest.mark.parametrize("name", OPERATIONS)
async def test_what_is_not_graphs_own_error_passes(ask: Ask, name: str) -> None:
    """Whatever the status, an answer without a code that is known fails nothing and proves nothing."""
    table = [(status, form) for status in STATUSES for form in NOT_GRAPHS]
    answers = [Answer(status, {}, NOT_GRAPHS[form]) for status, form in table]
    found = [await ask(name, answer) for answer in answers]
    wrong = [case for case, error in zip(table, found, strict=True) if not isinstance(error, TransientError)]
    assert wrong == []


@pytest.mark.parametrize("name", sorted(WRITES))
async def test_a_write_whose_answer_is_nobodys_may_have_been_carried_out(ask: Ask, name: str) -> None:
    """An empty 400 or 404 may stand for a success that got lost on its way."""
    for status in (302, 400, 403, 404, 410, 500):
        error = await ask(name, Answer(status, {}, None))
        assert isinstance(error, TransientError)
        assert error.maybe_applied, status


GONE = [
    (404, "ErrorItemNotFound", ""),
    (410, "ErrorItemNotFound", ""),
    (400, "ErrorItemNotFound", ""),
    (404, "", "The specified object was not found in the store."),
    (404, "", "The specified object was not found in the store., The process failed to get the properties."),
    (400, "ErrorInvalidIdMalformed", "Id is malformed."),
    (400, "ErrorInvalidIdMalformedEwsLegacyIdFormat", ""),
    (400, "ErrorInvalidId", ""),
    (400, "ErrorInvalidIdEmpty", ""),
    (400, "ErrorInvalidIdNotAnItemAttachmentId", ""),
    (400, "ErrorInvalidIdStoreObjectIdTooLong", ""),
    (404, "ErrorInvalidMailboxItemId", "Item Id doesn't belong to the current mailbox."),
    (404, "erroritemnotfound", ""),
]


@pytest.mark.parametrize(("status", "code", "message"), GONE)
@pytest.mark.parametrize("name", ON_AN_EVENT)
async def test_every_way_to_say_that_there_is_no_such_event(
    ask: Ask, name: str, status: int, code: str, message: str
) -> None:
    """Gone, malformed, another mailbox's: one answer, whatever was to be done with the event."""
    answer = Answer(status, {}, {"error": {"code": code, "message": message}})
    expected = {"tag": False, "read_tag": "", "delete": False}
    assert await ask(name, answer) == expected.get(name)


async def test_what_cant_be_deleted_is_gone_for_a_deletion_only(ask: Ask) -> None:
    """A second DELETE by an immutable id is refused with 403; to a change the same code is a refusal."""
    answer = Answer(403, {}, {"error": {"code": "ErrorCannotDeleteObject", "message": "no"}})
    assert await ask("delete", answer) is False
    for name in sorted(set(OPERATIONS) - {"delete"}):
        assert isinstance(await ask(name, answer), PermanentError), name


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (403, "ErrorAccessDenied", errors.ACCESS_DENIED_REASON),
        (403, "Authorization_RequestDenied", errors.ACCESS_DENIED_REASON),
        (404, "ErrorItemNotFound", errors.NO_CALENDAR_REASON),
        (404, "ErrorFolderNotFound", errors.NO_CALENDAR_REASON),
        (403, "ErrorQuotaExceeded", errors.MAILBOX_FULL_REASON),
        (507, "QuotaExceededException", errors.MAILBOX_FULL_REASON),
    ],
)
async def test_what_a_new_grant_or_mailbox_explains_is_told_and_tried_again(
    ask: Ask, status: int, code: str, reason: str
) -> None:
    """Exchange applies scopes and makes mailboxes hours later: people are told, and it is tried on."""
    error = await ask("create", Answer(status, {}, {"error": {"code": code, "message": "no"}}))
    assert isinstance(error, PermanentError)
    assert error.reason == reason
    assert error.patience is not None
    assert timedelta(hours=2) <= error.patience <= timedelta(hours=24)


@pytest.mark.parametrize(
    "code", ["MailboxNotEnabledForRESTAPI", "ErrorNonExistentMailbox", "ResourceNotFound", "ErrorInvalidUser"]
)
async def test_a_person_without_a_mailbox_is_told_and_not_waited_for(ask: Ask, code: str) -> None:
    """Contractors never get one; who does is found by the next change or the audit."""
    error = await ask("create", Answer(404, {}, {"error": {"code": code, "message": "no"}}))
    assert isinstance(error, PermanentError)
    assert (error.reason, error.patience) == (errors.NO_MAILBOX_REASON, None)


@pytest.mark.parametrize(
    "code",
    [
        "TimeZoneNotSupportedException",
        "ErrorPropertyValidationFailure",
        "ErrorInvalidPropertySet",
        "ErrorInvalidRequest",
        "ErrorCalendarEndDateIsEarlierThanStartDate",
        "ErrorCalendarDurationIsTooLong",
        "ErrorMessageSizeExceeded",
        "ErrorAccountSuspend",
        "BadRequest",
        "RequestBodyRead",
    ],
)
@pytest.mark.parametrize("name", OPERATIONS)
async def test_graphs_own_verdict_is_told_at_once(ask: Ask, name: str, code: str) -> None:
    """A code that judges the request fails the booking, with Graph's words for a person."""
    body = {"error": {"code": code, "message": "because"}}
    error = await ask(name, Answer(400, {}, body))
    assert isinstance(error, PermanentError)
    assert error.reason == f"Outlook: Graph refused the request (400). {code}: «because»"
    assert error.patience is None
    for status in (401, 408, 409, 412, 423, 424, 429, 500, 502, 503, 504, 599):
        assert isinstance(await ask(name, Answer(status, {}, body)), TransientError), status
