"""HTTP triggers: finds the function of a request, checks its key, hands over a real `HttpRequest`."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import azure.functions as func
from aiohttp import web

from local.functions_host.configuration import ConfigurationError
from local.functions_host.functions import Function, HttpTrigger

if TYPE_CHECKING:
    from collections.abc import Iterable

    from local.functions_host.invocation import Invoker
    from local.functions_host.keys import Keys

MAX_BODY_BYTES = 100 * 1024 * 1024
"""The request limit that Microsoft documents for the HTTP trigger: 104,857,600 bytes."""
PARAMETER = re.compile(r"\{(?P<name>\w+)(?::(?P<constraint>\w+))?\}")
CONSTRAINTS = {
    None: r"[^/]+",
    "int": r"-?\d+",
    "alpha": r"[A-Za-z]+",
    "guid": r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
}


@dataclass(frozen=True)
class Route:
    """A function with the pattern of its path."""

    function: Function
    trigger: HttpTrigger
    pattern: re.Pattern[str]


class HttpTriggers:
    """All HTTP functions of the app behind one handler.

    Args:
        functions: of the app.
        prefix: of all routes.
        keys: who may call what.
        invoker: calls the functions.
        concurrency: how many requests this instance works on at a time; more of them wait, as on a plan that
            can't scale out further. On Flex Consumption it is `perInstanceConcurrency` of the scale group of
            all HTTP functions together.

    Raises:
        ConfigurationError: a route has a form that this host doesn't know.
    """

    def __init__(
        self, functions: Iterable[Function], prefix: str, keys: Keys, invoker: Invoker, concurrency: int
    ) -> None:
        self._routes = [
            Route(function, function.trigger, compile_route(prefix, function.trigger.route))
            for function in functions
            if isinstance(function.trigger, HttpTrigger)
        ]
        self._keys = keys
        self._invoker = invoker
        self._places = asyncio.Semaphore(concurrency)

    async def handle(self, request: web.Request) -> web.Response:
        """Answer with the function's response, or with 404 (route), 405 (method), 401 (key) or 413 (size).

        The real host answers a wrong method 404 as well (Azure/azure-functions-host issue 10098); 405 tells
        what is wrong, and both mean that no function ran.
        """
        matches = [
            (route, found) for route in self._routes if (found := route.pattern.fullmatch(request.path))
        ]
        if not matches:
            return web.Response(status=404)
        for route, found in matches:
            if request.method in route.trigger.methods:
                async with self._places:
                    return await self._call(request, route, found.groupdict())
        allowed = sorted({method for route, _ in matches for method in route.trigger.methods})
        return web.Response(status=405, headers={"Allow": ", ".join(allowed)})

    async def _call(self, request: web.Request, route: Route, parameters: dict[str, str]) -> web.Response:
        if not self._keys.allow(route.trigger.level, request):
            return web.Response(status=401)
        value = func.HttpRequest(
            method=request.method,
            url=str(request.url),
            headers=dict(request.headers),
            params=dict(request.query),
            route_params=parameters,
            body=await request.read(),
        )
        try:
            return render(await self._invoker.call(route.function, value))
        except Exception:  # noqa: BLE001 - whatever a function raises is a 500; the invoker has logged it
            return web.Response(status=500)


def render(result: Any) -> web.Response:
    """The HTTP answer for what a function returned.

    Raises:
        TypeError: it is neither an `HttpResponse`, nor text, nor None.
    """
    if result is None:
        return web.Response(status=204)
    if isinstance(result, str):
        return web.Response(text=result)
    if not isinstance(result, func.HttpResponse):
        raise TypeError(f"an HTTP function returned {type(result).__name__}, not an HttpResponse")
    headers = dict(result.headers.items())
    if not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = f"{result.mimetype}; charset={result.charset}"
    return web.Response(status=result.status_code, headers=headers, body=result.get_body())


def compile_route(prefix: str, route: str) -> re.Pattern[str]:
    """The pattern of paths for a route such as `orders/{id:int}`; case does not matter.

    Raises:
        ConfigurationError: the route has a constraint or form that this host doesn't know.
    """
    parts = [_compile_segment(segment) for segment in f"{prefix}/{route}".strip("/").split("/")]
    return re.compile("/" + "/".join(parts), re.IGNORECASE)


def _compile_segment(segment: str) -> str:
    found = PARAMETER.fullmatch(segment)
    if found is not None and found["constraint"] in CONSTRAINTS:
        return f"(?P<{found['name']}>{CONSTRAINTS[found['constraint']]})"
    if "{" in segment:
        raise ConfigurationError(f"this host doesn't understand {segment} in a route")
    return re.escape(segment)
