"""`POST /v1/workspaces/{id}/query` over HTTP, and what there is to be queried.

Telemetry comes from the logs of the stack's Functions hosts, which are followed while this runs, and by the
control plane. Each line of the app stands for one request of the host too. Statuses and codes of refusals:
Microsoft's page "Azure Monitor Log Analytics API errors"; an unknown workspace as public threads show it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from aiohttp import web

from local.loganalytics.config import LogsConfig
from local.loganalytics.kql import QueryError, run_query
from local.standin import CONTROL_PREFIX, StandIn, tokens

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from pathlib import Path

FOLLOW_SECONDS = 0.2
_LINE = re.compile(r"^\w+ [\w.]+: (\{.*\})$")
"""As `local.functions_host` writes what the app logs."""


class LogAnalyticsStandIn(StandIn):
    """One workspace, which the permitted principals may read.

    Args:
        workspace: its id.
        key: the stack's shared token key.
        permitted: object ids (`oid` claims) of those who may read it.
        folder: holds the hosts' logs, `host-*.log`; None follows none.
    """

    def __init__(
        self, workspace: str, key: bytes, permitted: Iterable[str], folder: Path | None = None
    ) -> None:
        super().__init__("loganalytics")
        self.config = LogsConfig()
        self._workspace = workspace
        self._key = key
        self._permitted = frozenset(permitted)
        self._folder = folder
        self._read: dict[Path, int] = {}
        self._rows: list[dict[str, Any]] = []
        router = self.app.router
        router.add_post("/v1/workspaces/{workspace}/query", self._query)
        router.add_put(CONTROL_PREFIX + "config", self._put_config)
        router.add_post(CONTROL_PREFIX + "lines", self._post_line)
        router.add_delete(CONTROL_PREFIX + "lines", self._delete_lines)
        self.app.cleanup_ctx.append(self._following)

    def tell(self, message: str, age_seconds: float = 0.0) -> None:
        """Take a line that the app wrote so long ago."""
        written = datetime.now(UTC) - timedelta(seconds=age_seconds)
        self._rows += [
            {"Type": "AppTraces", "TimeGenerated": written, "Message": message},
            {"Type": "AppRequests", "TimeGenerated": written, "OperationId": uuid.uuid4().hex},
        ]

    async def _query(self, request: web.Request) -> web.Response:
        refusal = self._refuse(request)
        if refusal is not None:
            return refusal
        try:
            asked = await request.json()
        except ValueError:
            asked = None
        query = asked.get("query") if isinstance(asked, dict) else None
        if request.content_type != "application/json" or not isinstance(query, str) or not query.strip():
            return _error(400, "BadArgumentError", "The request had some invalid properties")
        try:
            table = run_query(query, self._arrived())
        except QueryError as error:
            return _error(400, "BadArgumentError", "The request had some invalid properties", error)
        answer = {
            "name": "PrimaryResult",
            "columns": [{"name": name, "type": kind} for name, kind in table.columns],
            "rows": table.rows,
        }
        return web.json_response({"tables": [answer]})

    def _refuse(self, request: web.Request) -> web.Response | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            text = "Authentication failed. The 'Authorization' header is missing."
            return _error(401, "AuthenticationFailed", text)
        wrong = tokens.check(self._key, token, str(request.url.origin()))
        if wrong == "wrong audience":
            text = "The access token has been obtained from wrong audience or resource."
            return _error(403, "InvalidAuthenticationTokenAudience", text)
        if wrong is not None:
            return _error(403, "InvalidAuthenticationToken", "The access token is invalid.")
        if request.match_info["workspace"].lower() != self._workspace:
            return _error(404, "WorkspaceNotFoundError", "The workspace could not be found")
        if tokens.read_claims(token).get("oid") not in self._permitted:
            text = "The provided credentials have insufficient access to perform the requested operation"
            return _error(403, "InsufficientAccessError", text)
        return None

    def _arrived(self) -> list[dict[str, Any]]:
        """What there is to be seen now."""
        arrival = self.config.arrival
        if arrival == "missing":
            return []
        before = datetime.now(UTC) - timedelta(seconds=self.config.late_seconds if arrival == "late" else 0)
        return [
            row
            for row in self._rows
            if row["TimeGenerated"] <= before
            and not (arrival == "lines_only" and row["Type"] == "AppRequests")
        ]

    async def _following(self, _app: web.Application) -> AsyncIterator[None]:
        async def follow() -> None:
            while True:
                self._read_logs()
                await asyncio.sleep(FOLLOW_SECONDS)

        task = asyncio.create_task(follow())
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    def _read_logs(self) -> None:
        """Take the whole lines that the hosts have written since the last look."""
        for path in sorted(self._folder.glob("host-*.log")) if self._folder else ():
            with path.open("rb") as log:
                log.seek(self._read.get(path, 0))
                new = log.read()
            whole = new[: new.rfind(b"\n") + 1]
            self._read[path] = self._read.get(path, 0) + len(whole)
            for line in whole.decode("utf-8", "replace").splitlines():
                if found := _LINE.match(line):
                    self.tell(found[1])

    async def _put_config(self, request: web.Request) -> web.Response:
        try:
            self.config = self.config.changed(**await request.json())
        except ValueError as error:
            raise web.HTTPBadRequest(text=str(error)) from None
        return web.json_response({})

    async def _post_line(self, request: web.Request) -> web.Response:
        """A line of the app: `{"event", "ageSeconds", ...}`, with whatever else it shall hold."""
        line: dict[str, Any] = await request.json()
        age = float(line.pop("ageSeconds", 0))
        self.tell(json.dumps(line, sort_keys=True, separators=(",", ":")), age)
        return web.json_response({})

    async def _delete_lines(self, _request: web.Request) -> web.Response:
        self._rows.clear()
        return web.json_response({})


def _error(status: int, code: str, text: str, inner: QueryError | None = None) -> web.Response:
    error: dict[str, Any] = {"message": text, "code": code, "correlationId": str(uuid.uuid4())}
    if inner is not None:
        error["innererror"] = {"code": inner.code, "message": str(inner)}
    return web.json_response({"error": error}, status=status)
