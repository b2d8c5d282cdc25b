"""Dataverse at the HTTP seam: the strict stand-in's Web API behind a wire that can fail at each step.

A request's way is as with Graph: it leaves, arrives or not, its parts run one after the other, each at its
turn, and the answer arrives or not. What people change raises webhooks, which wait to be delivered.
"""

from __future__ import annotations

import asyncio
import functools
import json
import uuid
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from booking_sync.dataverse.web_api.reply import Reply
from booking_sync.domain.environment.columns import (
    OUTLOOK_BASE_LENGTH,
    OUTLOOK_RETURN_LENGTH,
    ResourceColumns,
)
from booking_sync.errors import TransientError
from local.dataverse.calls import Answer, Call, preferences
from local.dataverse.config import Config
from local.dataverse.environment import DEFAULT_IDENTITY
from local.dataverse.tables.payload import API_PATH, export_row, read_body
from local.dataverse.tables.schema import BOOKING, SUPPORT_COLUMNS, Schema
from local.dataverse.tables.store import Store
from local.dataverse.web_api.api import WebApi
from local.dataverse.web_api.batch import Part, read_batch, write_batch
from local.dataverse.webhooks.delivery import Delivery, WebhookSender
from local.dataverse.webhooks.notifier import ChangeNotifier
from local.dataverse.webhooks.steps import read_webhooks
from tests.simulation.chance.conductor import Choice
from tests.simulation.returns.answers import STRANGE, as_bytes, strange

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from booking_sync.dataverse.web_api.pause import Pause
    from booking_sync.dataverse.web_api.transport import Request
    from local.dataverse.config import RestoreRaises
    from local.dataverse.tables.payload import Row
    from local.dataverse.tables.store import Change
    from tests.simulation.chance.conductor import Conductor
    from tests.simulation.chance.trouble import Troubles

DATAVERSE_URL = "https://contoso.crm4.dynamics.com"
BOOKINGS = "bookableresourcebookings"
ORGANIZATION_ID = DEFAULT_IDENTITY.organization_id
_CALL_ID = str(uuid.UUID(int=0))
"""Of each: nothing here asks for it."""
_BOUNDARY = "batchresponse_of_a_simulated_service"
"""The same for each, since the client's parser makes a regular expression of it."""
READ_SECONDS = 60.0
"""When the transport gives a silent answer up."""
WEBHOOK_WEIGHT = 2.0

RESOURCE_COLUMNS = ResourceColumns("bsync_takespart", "bsync_mailbox")
"""In which people say who takes part, and whose mailbox shows it."""

RETURN_COLUMNS = {"bsync_outlookbase": OUTLOOK_BASE_LENGTH, "bsync_outlookreturn": OUTLOOK_RETURN_LENGTH}

_STEPS = {
    "url": "https://app.example/api/dataverse/bookings",
    "auth": {"header": "x-functions-key", "value": "key"},
    "steps": [
        {"message": "Create", "table": BOOKING},
        {"message": "Restore", "table": BOOKING},
        {
            "message": "Update",
            "table": BOOKING,
            "filteringattributes": (
                "starttime,endtime,name,bookingstatus,resource,msdyn_workorder,statecode,bsync_proposalanswer"
            ),
        },
        {"message": "Update", "table": "msdyn_workorder", "filteringattributes": "msdyn_city"},
        {
            "message": "Update",
            "table": "bookableresource",
            "filteringattributes": f"userid,{RESOURCE_COLUMNS.takes_part}",
        },
        {
            "message": "Delete",
            "table": BOOKING,
            "images": [
                {
                    "alias": "PreImage",
                    "type": 0,
                    "attributes": (
                        "bsync_outlookeventid,bsync_originalresource,bsync_outlooksyncstate,bsync_outlookbase,"
                        "msdyn_workorder"
                    ),
                }
            ],
        },
    ],
}


@functools.cache
def _schema() -> Schema:
    # Schedules add no columns, so they may share it.
    return Schema({**SUPPORT_COLUMNS, **RETURN_COLUMNS})


class _HeldWebhooks(WebhookSender):
    """Keeps deliveries until the conductor has them delivered."""

    def __init__(self, config: Config) -> None:
        super().__init__(config, None)
        self.held: list[Delivery] = []

    def send(self, delivery: Delivery) -> None:
        self.held.append(delivery)


@dataclass(frozen=True)
class LostWebhook:
    """A change that nobody was told of."""

    table: str
    row_id: str
    message: str


class DataverseSide:
    """The one Dataverse environment of a schedule.

    Args:
        conductor: the order of things.
        troubles: what fails.
        receive: the app's webhook; answers a status.
        restoring: which messages a restored booking raises.
    """

    def __init__(
        self,
        conductor: Conductor,
        troubles: Troubles,
        receive: Callable[[bytes, Mapping[str, str]], Awaitable[int]],
        restoring: RestoreRaises = "restore",
    ) -> None:
        self._conductor = conductor
        self._troubles = troubles
        self._receive = receive
        config = Config(restore_raises=restoring)
        self._webhooks = _HeldWebhooks(config)
        self._notifier = ChangeNotifier(config, DEFAULT_IDENTITY, self._webhooks)
        self._notifier.webhooks.extend(_webhooks())
        self._store = Store(_schema())
        users = _schema().table("systemuser")
        for user_id in (_PERSON, DEFAULT_IDENTITY.app_user_id):
            self._store.create(users, {users.primary_id: user_id}, _PERSON)
        self._api = WebApi(_schema(), self._store, config, DEFAULT_IDENTITY, self._notifier.changed)
        self.lost: list[LostWebhook] = []
        self.writes = 0
        """How many of the app's requests have changed anything."""
        self.deleted: set[str] = set()
        """Bookings in the recycle bin that can be restored."""

    # --- what people do ---------------------------------------------------------------------------------

    def create(self, entity_set: str, body: Mapping[str, Any]) -> str:
        """A person adds a row."""
        table = _schema().entity_set(entity_set)
        change = self._store.create(table, read_body(_schema(), table, dict(body), ""), _PERSON)
        self._raise([change])
        return change.row_id

    def update(self, row_id: str, body: Mapping[str, Any], entity_set: str = BOOKINGS) -> None:
        """A person changes a booking, or another row."""
        table = _schema().entity_set(entity_set)
        self._raise([self._store.update(table, row_id, read_body(_schema(), table, dict(body), ""), _PERSON)])

    def delete(self, row_id: str) -> None:
        """A person deletes a booking."""
        self._raise(self._store.delete(_schema().entity_set(BOOKINGS), row_id, _PERSON))
        self.deleted.add(row_id)

    def restore(self, row_id: str) -> None:
        """A person takes a booking out of the recycle bin, with all its columns."""
        table = _schema().entity_set(BOOKINGS)
        self._raise(self._api.bring_back(table, {table.primary_id: row_id}, _PERSON))
        self.deleted.discard(row_id)

    def export(self, row_id: str) -> dict[str, Any]:
        """A booking as a file holds it."""
        table = _schema().entity_set(BOOKINGS)
        return export_row(_schema(), table, self._store.get(table, row_id))

    def import_new(self, body: Mapping[str, Any]) -> None:
        """A person makes a booking that is gone again, from a file."""
        self.deleted.discard(self.create(BOOKINGS, body))

    def bookings(self) -> dict[str, Row]:
        """The live bookings."""
        return self._store.rows(_schema().entity_set(BOOKINGS))

    def _raise(self, changes: Sequence[Change]) -> None:
        self._notifier.changed(changes, Call("POST", "", "", {}, b"", "", _PERSON))

    # --- webhooks ---------------------------------------------------------------------------------------

    @property
    def held(self) -> Sequence[Delivery]:
        """Webhooks that have not arrived yet."""
        return self._webhooks.held

    def choices(self) -> Iterable[Choice]:
        """Any waiting webhook may be the next to arrive."""
        return [Choice(WEBHOOK_WEIGHT, functools.partial(self.deliver, each)) for each in self.held]

    def deliver(self, delivery: Delivery) -> None:
        """A webhook arrives, or is lost."""
        self._webhooks.held.remove(delivery)
        if self._troubles.strikes("webhook", 0.3):
            self._lose(delivery)
            return
        self._conductor.in_world(self._post(delivery))

    async def _post(self, delivery: Delivery) -> None:
        """As Dataverse: 502, 503 and 504 get one more attempt, anything else none."""
        for _ in range(2):
            status = await self._receive(delivery.body, delivery.headers)
            if status not in (502, 503, 504):
                return
        self._lose(delivery)

    def _lose(self, delivery: Delivery) -> None:
        self._troubles.tell(f"webhook lost ({delivery.message})")
        self.lost.append(LostWebhook(delivery.table, delivery.row_id, delivery.message))

    # --- the Web API ------------------------------------------------------------------------------------

    async def execute(self, request: Request) -> Reply:
        """What the service does with a request that reached it."""
        parts = urlsplit(request.url)
        path = unquote(parts.path.removeprefix(API_PATH))
        headers = {name.lower(): value for name, value in request.headers.items()}
        if path == "$batch":
            return await self._batch(headers, request.body or b"")
        query = request.url.partition("?")[2]
        return _reply(await self._one(Part(request.method, path, query, headers, request.body or b"")))

    async def _batch(self, headers: dict[str, str], body: bytes) -> Reply:
        answers = []
        parts = read_batch(headers["content-type"], body, DATAVERSE_URL)
        for part in parts:
            answers.append(await self._part(part))
            go_on = "odata.continue-on-error" in preferences(headers) and not self._troubles.batch_stops
            if answers[-1].status >= 400 and not go_on:
                if part is not parts[-1]:
                    self._troubles.tell("dataverse batch ended early")
                break
        content_type, text = write_batch(answers, _BOUNDARY)
        return Reply(200, {"content-type": content_type}, text)

    async def _part(self, part: Part) -> Answer:
        if self._troubles.strikes(STRANGE, 0.07):
            return await self._strangely(part)
        if not self._troubles.strikes("item", 0.1):
            return await self._one(part)
        kind = self._troubles.pick(("before 500", "before 503", "before busy", "after 500", "after 504"))
        self._troubles.tell(f"dataverse part {kind}")
        if kind.startswith("after"):
            await self._one(part)
        status, code = (400, "0x80044151") if kind.endswith("busy") else (int(kind[-3:]), "0x80040216")
        return Answer(status, {"error": {"code": code, "message": "spoiled"}})

    async def _strangely(self, part: Part) -> Answer:
        """An answer that is not Dataverse's own, whether or not it did what was asked."""
        when = self._troubles.pick(("before", "after"))
        status, words, body = strange(self._troubles.pick)
        self._troubles.tell(f"dataverse part strange {words} {when}")
        if when == "after":
            await self._one(part)
        return Answer(status, body)

    async def _one(self, part: Part) -> Answer:
        await self._conductor.turn("dataverse works on a request")
        answer = self._api.execute(
            Call(
                part.method,
                part.path,
                part.raw_query,
                part.headers,
                part.body,
                base_url=DATAVERSE_URL,
                user_id=DEFAULT_IDENTITY.app_user_id,
                correlation_id=_CALL_ID,
                request_id=_CALL_ID,
            )
        )
        self.writes += part.method != "GET" and answer.status < HTTPStatus.BAD_REQUEST
        self._conductor.note(f"   dataverse {_describe(part)} -> {_tell(answer)}")
        return answer


class DataverseWire:
    """One process's way to Dataverse; fulfils `Wire` as `Transport` does, without its threads."""

    def __init__(
        self, side: DataverseSide, conductor: Conductor, troubles: Troubles, name: str, pause: Pause
    ) -> None:
        self._side = side
        self._conductor = conductor
        self._troubles = troubles
        self._name = name
        self._pause = pause

    async def exchange(self, request: Request, token: str) -> Reply:
        """Carry a request there and its answer back, unless something happens to either."""
        del token
        self._pause.check()
        reply = await self._exchange(request)
        self._pause.heed(reply)
        return reply

    async def aclose(self) -> None:
        """Nothing is open."""

    async def _exchange(self, request: Request) -> Reply:
        what = "record" if request.writes else "read"
        with self._conductor.stage(f"dataverse {what}: on its way"):
            await self._conductor.turn(f"{self._name} sends dataverse {what}")
        if self._troubles.strikes("throttle", 0.06):
            return self._refuse(429, "0x80072322", self._troubles.retry_after())
        spoil = self._choose(writes=request.writes)
        if spoil.startswith("before"):
            return await self._fail(spoil, request)
        with self._conductor.stage(f"dataverse {what}: at the service"):
            reply = await self._conductor.serve(self._side.execute(request))
        with self._conductor.stage(f"dataverse {what}: answer on its way"):
            await self._conductor.turn(f"{self._name} awaits dataverse {what}")
        return await self._fail(spoil, request) if spoil else reply

    def _choose(self, *, writes: bool) -> str:
        if self._troubles.is_down("dataverse"):
            return self._troubles.pick(("before unreachable", "before dropped", "before 503", "before 500"))
        if self._troubles.strikes(STRANGE, 0.05):
            return self._troubles.pick(("before strange", "after strange"))
        if not self._troubles.strikes("call", 0.12):
            return ""
        options = [
            f"before {kind}"
            for kind in ("unreachable", "dropped", "hanging", "401", "408", "500", "503", "503 wait", "504")
        ]
        options += [f"after {kind}" for kind in ("dropped", "hanging", "garbled", "500", "503", "504")] * (
            2 if writes else 1
        )
        chosen = self._troubles.pick(options)
        self._troubles.tell(f"dataverse {'record' if writes else 'read'} {chosen}")
        return chosen

    async def _fail(self, spoil: str, request: Request) -> Reply:
        kind = spoil.partition(" ")[2]
        if kind == "unreachable":
            raise TransientError("Dynamics 365: the connection failed.")
        if kind == "dropped":
            raise TransientError("Dynamics 365: the connection failed.", maybe_applied=request.writes)
        if kind == "hanging":
            await asyncio.sleep(READ_SECONDS)
            raise TransientError("Dynamics 365: no answer in time.", maybe_applied=request.writes)
        if kind == "garbled":
            return Reply(200, {"content-type": "multipart/mixed; boundary=b"}, b'{"value": [{"na')
        if kind == STRANGE:
            status, words, body = strange(self._troubles.pick)
            self._troubles.tell(f"dataverse call strange {words}")
            return Reply(status, {"content-type": "text/html"}, as_bytes(body))
        headers = self._troubles.retry_after() if kind.endswith("wait") else None
        return self._refuse(int(kind[:3]), "0x80040216", headers)

    def _refuse(self, status: int, code: str, headers: dict[str, str] | None) -> Reply:
        if status == 429:
            self._troubles.tell(f"dataverse 429{'+retry-after' if headers else ''}")
        self._conductor.note(f"   dataverse answers {self._name} {status} {headers or ''}".rstrip())
        body = json.dumps({"error": {"code": code, "message": "spoiled"}}).encode()
        return Reply(status, {name.lower(): value for name, value in (headers or {}).items()}, body)


_PERSON = DEFAULT_IDENTITY.dispatcher_id


@functools.cache
def _webhooks() -> Sequence[Any]:
    return read_webhooks(_schema(), _STEPS)


def _reply(answer: Answer) -> Reply:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    body = b"" if answer.body is None else json.dumps(answer.body).encode()
    return Reply(answer.status, headers, body)


def _describe(part: Part) -> str:
    if part.method != "PATCH":
        return "read"
    return f"record {part.path[-5:-1]} if {part.headers.get('if-match')} {json.loads(part.body)}"


def _tell(answer: Answer) -> str:
    if isinstance(answer.body, dict) and "value" in answer.body:
        rows = [
            f"{row.get('name', row.get('starttime'))} {row['@odata.etag']}" for row in answer.body["value"]
        ]
        return f"{answer.status} {rows}"
    error = (answer.body or {}).get("error", {}) if isinstance(answer.body, dict) else {}
    return f"{answer.status} {error.get('code', '')}".rstrip()
