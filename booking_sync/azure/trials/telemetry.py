"""The app's telemetry as `certify` looks for it: one bounded query of a Log Analytics workspace.

Source: Microsoft's pages "Query - Execute" of the Log Analytics REST API, "Azure Monitor Log Analytics API
errors" and "response format". A query is a POST with the query in the body, so that no URL holds it; the
answer is one row. A query that was cut short is answered 200 with an `error` beside its tables.
"""

from __future__ import annotations

import asyncio
import json
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from azure.core import AsyncPipelineClient
from azure.core.exceptions import AzureError
from azure.core.rest import AsyncHttpResponse, HttpRequest

from booking_sync.azure.connections import client_options, readable_code, unreadable
from booking_sync.domain.ids import read_moment
from booking_sync.errors import TransientError
from booking_sync.plumbing.json_text import read_json
from booking_sync.ports.certification import ServiceAnswer, Telemetry

if TYPE_CHECKING:
    from datetime import datetime

    from booking_sync.ports.certification import OwnLine
    from booking_sync.ports.platform.credentials import AppCredential

PUBLIC_CLOUD: Final = "https://api.loganalytics.io"
"""The query API, and what its tokens are for."""
SERVICE: Final = "Log Analytics"
SECONDS: Final = 60.0
"""How long one query may take; the service itself ends it after three minutes."""
_LINE: Final = 'Type == "AppTraces" and Message startswith "{"'
_OK = 200


class LogAnalyticsTrials:
    """Fulfils `TelemetryTrials`.

    Args:
        credential: whoever may read the workspace; stays the caller's to close.
        workspace: its id, a GUID in lower case.
        url: the query API's; also what tokens are for.
    """

    def __init__(self, credential: AppCredential, workspace: str, url: str = PUBLIC_CLOUD) -> None:
        self._credential = credential
        self._workspace = workspace
        self._url = url.rstrip("/")

    async def telemetry(self, since: datetime, own: OwnLine | None) -> ServiceAnswer:
        """How much was written since a moment; see the port."""
        token = await self._credential.get_token(f"{self._url}/.default")
        request = HttpRequest(
            "POST",
            f"{self._url}/v1/workspaces/{self._workspace}/query",
            headers={"Authorization": f"Bearer {token.token}", "Content-Type": "application/json"},
            content=json.dumps({"query": query_of(since, own)}),
        )
        options = {**client_options(), "read_timeout": SECONDS, "retry_total": 0}
        client: AsyncPipelineClient[HttpRequest, AsyncHttpResponse] = AsyncPipelineClient(
            base_url="", policies=[], **options
        )
        try:
            async with client, asyncio.timeout(SECONDS):
                response = await client.send_request(request)
                content = await response.read()
        except TimeoutError:
            raise TransientError(f"{SERVICE} did not answer in time") from None
        except AzureError as error:
            raise TransientError(f"{SERVICE} can't be reached ({type(error).__name__})") from None
        return read_answer(response.status_code, content)


def query_of(since: datetime, own: OwnLine | None) -> str:
    """The query, in Kusto's language; one row, whatever there is.

    Args:
        since: the oldest moment, aware.
        own: a line that is counted besides.
    """
    counted = "false"
    if own is not None:
        counted = f"{_LINE} and Message has {json.dumps(own.text)} and TimeGenerated > {_moment(own.since)}"
    numbers = (
        f"Lines = countif({_LINE})",
        'Requests = countif(Type == "AppRequests")',
        f"Own = countif({counted})",
        f"Newest = maxif(TimeGenerated, {_LINE})",
    )
    return (
        f"union AppTraces, AppRequests\n| where TimeGenerated > {_moment(since)}\n"
        f"| summarize {', '.join(numbers)}"
    )


def read_answer(status: int, content: bytes) -> ServiceAnswer:
    """What an answer tells: its row as `Telemetry`, or status and code of a refusal.

    Raises:
        TransientError: it can't be read, or the query was cut short.
    """
    try:
        told = read_json(content)
    except ValueError as error:
        if status != _OK:  # a gateway's answer
            return ServiceAnswer(status)
        raise unreadable(SERVICE, error) from None
    if status != _OK:
        return ServiceAnswer(status, _code(told))
    if not isinstance(told, dict) or told.get("error"):
        raise TransientError(f"{SERVICE} answered a part only ({_code(told)})")
    try:
        return ServiceAnswer(status, body=_read_row(told))
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise unreadable(SERVICE, error) from None


def _read_row(told: dict[str, Any]) -> Telemetry:
    table = told["tables"][0]
    (row,) = table["rows"]
    named = dict(zip((column["name"] for column in table["columns"]), row, strict=True))
    newest = named["Newest"]
    return Telemetry(
        lines=_count(named["Lines"]),
        requests=_count(named["Requests"]),
        own=_count(named["Own"]),
        newest=None if newest is None else read_moment(newest),
    )


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError("no count")
    return value


def _code(told: object) -> str:
    """The code of a refusal, the more precise one where there are two."""
    error = told.get("error") if isinstance(told, dict) else None
    if not isinstance(error, dict):
        return ""
    inner = error.get("innererror")
    return readable_code(inner.get("code") if isinstance(inner, dict) else None, error.get("code"))


def _moment(moment: datetime) -> str:
    return f"datetime({moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ})"
