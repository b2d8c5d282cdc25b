"""A served Graph stand-in, and what its tests send to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from local.graph import GraphStandIn

KEY = b"k" * 32
AUDIENCE = "https://graph.microsoft.com"
USER = "11111111-aaaa-4bbb-8ccc-000000000001"
EVENTS = f"/users/{USER}/events"
MARKER = "String {66F5A359-4659-4830-9070-00047EC6AC6E} Name Marker"
STORED_MARKER = "String {66f5a359-4659-4830-9070-00047ec6ac6e} Name Marker"
IMMUTABLE = {"Prefer": 'IdType="ImmutableId"'}
EXTENSION = {"@odata.type": "microsoft.graph.openTypeExtension", "extensionName": "com.x.y", "guid": "1"}


def event_body(**changes: Any) -> dict[str, Any]:
    """An event that Graph takes."""
    return {
        "subject": "Repair",
        "body": {"contentType": "html", "content": "<p>Bring <b>tools</b></p>"},
        "start": {"dateTime": "2026-03-02T09:00:00", "timeZone": "UTC"},
        "end": {"dateTime": "2026-03-02T10:00:00", "timeZone": "UTC"},
        **changes,
    }


def marked(value: str) -> dict[str, Any]:
    """The property that marks an event."""
    return {"singleValueExtendedProperties": [{"id": MARKER, "value": value}]}


@dataclass
class Rig:
    """A served stand-in and a client of it."""

    graph: GraphStandIn
    http: httpx.AsyncClient

    def configure(self, **changes: Any) -> None:
        """Set the stand-in another way."""
        self.graph.state.config = replace(self.graph.state.config, **changes)

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """A direct call below `/v1.0`, with immutable ids unless another `prefer` is given."""
        prefer = headers.pop("prefer", IMMUTABLE["Prefer"])
        sent = {**headers, **({"Prefer": prefer} if prefer else {})}
        return await self.http.request(method, f"/v1.0{path}", json=body, headers=sent)

    async def post(self, body: dict[str, Any], path: str = EVENTS) -> dict[str, Any]:
        """Create an event that must succeed."""
        answer = await self.call("POST", path, body)
        assert answer.status_code == 201, answer.text
        created: dict[str, Any] = answer.json()
        return created

    async def batch(self, *items: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """A batch that must be taken; answers by id."""
        answer = await self.call("POST", "/$batch", {"requests": list(items)}, prefer="")
        assert answer.status_code == 200, answer.text
        return {each["id"]: each for each in answer.json()["responses"]}

    async def view(self, **options: str) -> list[dict[str, Any]]:
        """What the calendar shows in March 2026."""
        query = {"startDateTime": "2026-03-01T00:00:00Z", "endDateTime": "2026-04-01T00:00:00Z", **options}
        answer = await self.http.get(
            f"/v1.0/users/{USER}/calendarView", params=query, headers=dict(IMMUTABLE)
        )
        assert answer.status_code == 200, answer.text
        shown: list[dict[str, Any]] = answer.json()["value"]
        return shown

    async def act(self, action: str, of: dict[str, Any], **order: Any) -> dict[str, Any]:
        """What a user does in Outlook with an event."""
        done: dict[str, Any] = await self.control(
            "POST", f"user/{action}", {"mailbox": USER, "id": of["id"], **order}
        )
        return done

    async def mails(self) -> list[tuple[str, list[str], str]]:
        """Kind, receivers and whose doing it was, of every mail."""
        sent = (await self.control("GET", "stats"))["mails"]
        return [(each["kind"], each["to"], each["by"]) for each in sent]

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        """A call of the control plane that must succeed."""
        answer = await self.http.request(method, f"/_control/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()


def item(name: str, method: str = "POST", url: str = EVENTS, body: Any = None, **more: Any) -> dict[str, Any]:
    """An item of a batch."""
    headers = dict(IMMUTABLE)
    made: dict[str, Any] = {"id": name, "method": method, "url": url, "headers": headers}
    if method in ("POST", "PATCH"):
        made["body"] = event_body() if body is None else body
        headers["Content-Type"] = "application/json"
    return {**made, **more}


def code(answer: httpx.Response | dict[str, Any]) -> str:
    """The error code of a direct answer or of a batch item's."""
    body = answer.json() if isinstance(answer, httpx.Response) else answer["body"]
    return str(body["error"]["code"])
