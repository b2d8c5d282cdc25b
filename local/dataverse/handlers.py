"""HTTP around the Web API: addresses, tokens, limits, batches, cookies. The stand-in itself."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import unquote

from local.dataverse.calls import Answer, Call, preferences
from local.dataverse.control import add_control_plane
from local.dataverse.environment import DEFAULT_IDENTITY, Environment
from local.dataverse.errors import DataverseError, app_refused
from local.dataverse.tables.payload import API_PATH
from local.dataverse.tables.schema import SUPPORT_COLUMNS
from local.dataverse.web_api.batch import Part, read_batch, write_batch
from local.standin import BATCH_ITEMS, StandIn, tokens
from local.standin.http import DroppedConnectionError, HttpAnswer, HttpRequest, read_request, write_answer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from aiohttp import web

    from local.dataverse.calls import Identity
    from local.standin.faults import Fault

MAX_URL = 32_768
AFFINITY_COOKIE = "ARRAffinity"
PARALLELISM_HINT = 8
"""What `x-ms-dop-hint` advises."""

_MAX_REQUEST_LINE = 131_072


class DataverseStandIn(StandIn):
    """The Dataverse Web API on a port of its own.

    Args:
        token_key: the local stack's shared key for tokens.
        audience: what tokens must be for; None for the address that was called.
        authority: PEM file of the authority behind webhook endpoints; None for the system's.
        support_columns: custom columns of the booking and their lengths; an empty mapping for none yet.
        identity: the guids of the organisation, our application user and the dispatcher.
        clock: seconds, for the limits.
    """

    def __init__(
        self,
        token_key: bytes,
        *,
        audience: str | None = None,
        authority: str | None = None,
        support_columns: Mapping[str, int] = SUPPORT_COLUMNS,
        identity: Identity = DEFAULT_IDENTITY,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__("dataverse")
        self._token_key = token_key
        self._audience = audience
        self.state = Environment(support_columns, identity, authority, clock)
        # 32 KB addresses are legal here, and aiohttp refuses lines above 8 KB unless told otherwise.
        self.app._handler_args = {"max_line_size": _MAX_REQUEST_LINE}  # noqa: SLF001 - the shell made the app
        self.app.cleanup_ctx.append(self._deliveries)
        self.app.router.add_route("*", API_PATH + "{path:.*}", self._serve)
        add_control_plane(self, self.state)

    async def _deliveries(self, _app: web.Application) -> AsyncIterator[None]:
        await self.state.sender.start()
        yield
        await self.state.sender.stop()

    async def answer(self, request: HttpRequest) -> HttpAnswer:
        """Serve one request below `/api/data/v9.2/`; refusals are answers too.

        Raises:
            DroppedConnectionError: the fault script has a batch's connection closed.
        """
        try:
            _check_length(request)
            self._check_token(request)
            if self.state.config.app_refused != "no":
                raise app_refused(self.state.config.app_refused, self.state.identity.app_user_id)
            started = self.state.throttle.enter()
            try:
                answer = await self._work(request)
            finally:
                self.state.throttle.leave(started)
        except DataverseError as error:
            answer = _written(Answer(error.status, error.body, error.headers))
        headers = {
            **answer.headers,
            "OData-Version": "4.0",
            "x-ms-dop-hint": str(PARALLELISM_HINT),
            "x-ms-service-request-id": str(uuid.uuid4()),
            "x-ms-ratelimit-burst-remaining-xrm-requests": str(self.state.throttle.remaining),
        }
        return replace(answer, headers=headers)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if AFFINITY_COOKIE in request.cookies:
            self.state.cookies_returned += 1
        try:
            answer = await self.answer(await read_request(request, request[BATCH_ITEMS]))
        except DroppedConnectionError as dropped:
            return await self.strike(request, dropped.fault)
        response = write_answer(answer)
        if AFFINITY_COOKIE not in request.cookies:
            response.set_cookie(
                AFFINITY_COOKIE, secrets.token_hex(32), secure=request.secure, httponly=True, path="/"
            )
        return response

    def _check_token(self, request: HttpRequest) -> None:
        scheme, _space, token = request.headers.get("authorization", "").partition(" ")
        reason: str | None = "no bearer token"
        if scheme.lower() == "bearer" and token:
            reason = tokens.check(self._token_key, token, self._audience or request.origin)
        if reason is not None:
            challenge = {"WWW-Authenticate": f"Bearer resource_id={self._audience or request.origin}"}
            raise DataverseError(401, "0x80048306", f"The access token is not accepted: {reason}.", challenge)

    async def _work(self, request: HttpRequest) -> HttpAnswer:
        path, _mark, raw_query = request.target.removeprefix(API_PATH).partition("?")
        if unquote(path) == "$batch":
            return await self._batch(request)
        part = Part(request.method, unquote(path), raw_query, request.headers, request.body)
        return _written(await self._execute(request, part))

    async def _execute(self, request: HttpRequest, part: Part) -> Answer:
        await asyncio.sleep(self.state.config.service_seconds)
        return self.state.api.execute(
            Call(
                part.method,
                part.path,
                part.raw_query,
                part.headers,
                part.body,
                base_url=request.origin,
                user_id=self.state.identity.app_user_id,
            )
        )

    async def _batch(self, request: HttpRequest) -> HttpAnswer:
        if request.method != "POST":
            raise DataverseError(405, "0x80060888", "A batch is posted.")
        parts = read_batch(request.headers.get("content-type", ""), request.body, request.origin)
        stops = self.state.config.batch_stops
        go_on = stops == "unless_told" and "odata.continue-on-error" in preferences(request.headers)
        status, answers = 200, []
        for part in parts:
            answer = await self._batch_item(request, part)
            answers.append(answer)
            request.items.append({"method": part.method, "path": part.log_path, "status": answer.status})
            if answer.status >= 400 and not go_on:
                status = 200 if stops == "with_200" else answer.status
                break
        content_type, text = write_batch(answers)
        return HttpAnswer(status, {"Content-Type": content_type}, text)

    async def _batch_item(self, request: HttpRequest, part: Part) -> Answer:
        fault = self.faults.take(part.method, part.log_path)
        if fault is not None and fault.when == "before":
            return await _spoil(fault)
        answer = await self._execute(request, part)
        return answer if fault is None else await _spoil(fault)


async def _spoil(fault: Fault) -> Answer:
    """A part's fault; one that drops the connection takes the whole batch with it."""
    if fault.drop:
        raise DroppedConnectionError(fault)
    await asyncio.sleep(fault.delay_seconds)
    return Answer(fault.status, fault.body, fault.headers)


def _check_length(request: HttpRequest) -> None:
    if len(request.target) > MAX_URL:
        raise DataverseError(414, "0x80060888", f"The URL is longer than {MAX_URL} characters.")


def _written(answer: Answer) -> HttpAnswer:
    if answer.body is None:
        return HttpAnswer(answer.status, answer.headers)
    headers = {**answer.headers, "Content-Type": "application/json; odata.metadata=minimal"}
    return HttpAnswer(answer.status, headers, json.dumps(answer.body).encode())
