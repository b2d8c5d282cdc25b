"""One request to the calendar API: find its route and its mailbox, mind the limits, do the work."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from local.graph.api.calendars import describe_calendars, read_calendar_name, read_calendar_options
from local.graph.api.odata import READ_LIST, READ_ONE, READ_VIEW, ReadOptions, read_options
from local.graph.api.preferences import Preferences, read_preferences
from local.graph.api.render import (
    EXTENSION_ID_PREFIX,
    calendar_links,
    etag_of,
    render_event,
    render_extension,
)
from local.graph.api.settings import show_settings
from local.graph.api.users import list_users
from local.graph.mailbox import categories
from local.graph.mailbox.schema import read_event, read_extension
from local.graph.mailbox.zones import parse_query_time
from local.graph.messages import MISSING, GraphAnswer, GraphError, GraphRequest, bad_request, json_body

if TYPE_CHECKING:
    from local.graph.api.limits import Limits
    from local.graph.mailbox.events import Mailbox, StoredEvent
    from local.graph.mailbox.schema import EventDraft, Extension
    from local.graph.mailbox.store import GraphState
    from local.graph.subscriptions.service import SubscriptionService
    from local.standin.faults import Fault, FaultScript

BETWEEN_SAVES_SECONDS = 0.1
"""Where one PATCH is two saves."""
DROPPED = GraphAnswer(504, {"error": {"code": "GatewayTimeout", "message": "The service did not answer."}})
"""What a batch answers for an item whose connection the fault script drops."""

"""What the app writes on events, as far as the mailboxes here may know it."""


@dataclass(frozen=True)
class Call:
    """A request that found its mailbox."""

    request: GraphRequest
    mailbox: Mailbox
    prefer: Preferences
    event_id: str = ""
    extension_name: str = ""
    category_id: str = ""
    calendar_id: str = ""

    def options(self, allowed: frozenset[str] = frozenset()) -> ReadOptions:
        """The query options, of which these are allowed."""
        return read_options(self.request.query, allowed)


Route = Callable[[Call], Awaitable[GraphAnswer]]


class CalendarService:
    """The calendar API of every mailbox."""

    def __init__(
        self, state: GraphState, limits: Limits, subscriptions: SubscriptionService | None = None
    ) -> None:
        self.state = state
        self._subscriptions = subscriptions
        self.limits = limits
        self._routes: dict[tuple[str, ...], dict[str, Route]] = {
            ("users", "{user}", "events"): {"GET": self._list, "POST": self._create},
            ("users", "{user}", "calendarView"): {"GET": self._view},
            ("users", "{user}", "outlook", "masterCategories"): {
                "GET": self._categories,
                "POST": self._add_category,
            },
            ("users", "{user}", "outlook", "masterCategories", "{category}"): {
                "PATCH": self._change_category,
                "DELETE": self._remove_category,
            },
            ("users", "{user}", "calendar", "events"): {"GET": self._list_main},
            ("users", "{user}", "calendar", "calendarView"): {"GET": self._view},
            ("users", "{user}", "calendars"): {"GET": self._calendars, "POST": self._make_calendar},
            ("users", "{user}", "calendars", "{calendar}"): {"DELETE": self._delete_calendar},
            ("users", "{user}", "calendars", "{calendar}", "events"): {
                "GET": self._list_main,
                "POST": self._create,
            },
            ("users", "{user}", "calendars", "{calendar}", "calendarView"): {"GET": self._view},
            ("users", "{user}", "mailboxSettings"): {"GET": self._settings},
            ("users", "{user}", "events", "{event}"): {
                "GET": self._get,
                "PATCH": self._change,
                "DELETE": self._delete,
            },
            ("users", "{user}", "events", "{event}", "permanentDelete"): {"POST": self._delete_for_good},
            ("users", "{user}", "events", "{event}", "extensions"): {"POST": self._extend},
            ("users", "{user}", "events", "{event}", "extensions", "{name}"): {
                "GET": self._get_extension,
                "PATCH": self._change_extension,
            },
        }

    async def answer(self, request: GraphRequest, faults: FaultScript | None = None) -> GraphAnswer:
        """Serve one request; refusals are answers too.

        Args:
            request: direct call or batch item.
            faults: asked once the request has its place in the mailbox; None for a direct call, whose
                faults the shell deals with.
        """
        try:
            with self._place(request):
                fault = faults.take(request.method, request.url) if faults else None
                if fault is None:
                    return await self._work(request)
                return await self._spoil(request, fault)
        except GraphError as error:
            return error.answer()

    def _place(self, request: GraphRequest) -> contextlib.AbstractContextManager[None]:
        """A place among the mailbox's requests in flight; for no usable mailbox there is none to take."""
        try:
            mailbox = self.state.mailbox(request.segments[1] if len(request.segments) > 1 else "")
        except GraphError:
            return contextlib.nullcontext()
        return self.limits.admit(mailbox.id, self.state.config)

    async def _spoil(self, request: GraphRequest, fault: Fault) -> GraphAnswer:
        if fault.when == "after":
            await self._work(request)
        if fault.delay_seconds:
            await asyncio.sleep(fault.delay_seconds)
        return DROPPED if fault.drop else GraphAnswer(fault.status, fault.body, dict(fault.headers))

    async def _work(self, request: GraphRequest) -> GraphAnswer:
        try:
            if request.segments[0] == "subscriptions" and self._subscriptions:
                await self._busy()
                return await self._subscriptions.answer(request)
            if request.segments == ("users",):
                return await self._users(request)
            route, parameters = self._find_route(request)
            return await route(self._read_call(request, parameters))
        except GraphError as error:
            return error.answer()

    async def _users(self, request: GraphRequest) -> GraphAnswer:
        if request.method != "GET":
            raise GraphError(405, "MethodNotAllowed", f"{request.method} is not allowed here.")
        await self._busy()
        return GraphAnswer(200, list_users(request.query, self.state.mailboxes.values(), self.state.config))

    def _find_route(self, request: GraphRequest) -> tuple[Route, dict[str, str]]:
        length = len(request.segments)
        for pattern, methods in self._routes.items():
            if len(pattern) != length:
                continue
            parameters = _match(pattern, request.segments)
            if parameters is None:
                continue
            if request.method not in methods:
                raise GraphError(405, "MethodNotAllowed", f"{request.method} is not allowed here.")
            return methods[request.method], parameters
        raise bad_request(f"Resource not found for the path '{request.path}'.")

    def _read_call(self, request: GraphRequest, parameters: dict[str, str]) -> Call:
        refused = ("If-Match", "If-None-Match") if self._refuses_versions(request) else ("If-None-Match",)
        for name in refused:
            if request.header(name):
                raise bad_request(f"{name} is not documented for events: do not rely on it.")
        if request.method in ("GET", "DELETE") and request.body is not MISSING:
            raise bad_request(f"{request.method} takes no body.")
        return Call(
            request,
            self.state.mailbox(parameters["user"]),
            read_preferences(request.header("Prefer")),
            parameters.get("event", ""),
            parameters.get("name", ""),
            parameters.get("category", ""),
            parameters.get("calendar", ""),
        )

    def _refuses_versions(self, request: GraphRequest) -> bool:
        return request.method != "PATCH" or self.state.config.event_if_match == "refused"

    def _check_version(self, call: Call, event: StoredEvent) -> None:
        version = call.request.header("If-Match")
        checked = version and self.state.config.event_if_match == "checked"
        if checked and version != etag_of(event):
            raise GraphError(412, "ErrorIrresolvableConflict", "The change key is another one now.")

    def _event(self, call: Call) -> StoredEvent:
        """The event that the path names, by the preferred kind of id."""
        return self.state.find(call.mailbox, call.event_id, immutable=call.prefer.immutable_ids)

    async def _busy(self) -> None:
        """The service's own working time; at least one turn of the loop, so that requests do overlap."""
        await asyncio.sleep(self.state.config.item_seconds)

    async def _create(self, call: Call) -> GraphAnswer:
        call.options()
        draft = read_event(json_body(call.request), creating=True, rules=self.state.rules)
        calendar = self._calendar(call)
        known = self.state.recall(call.mailbox, draft, calendar)
        await self._busy()
        calendar = self._calendar(call)
        if not self.state.config.no_lock:
            known = self.state.recall(call.mailbox, draft, calendar)
        immutable = call.prefer.immutable_ids
        if known is not None:
            event = self.state.replay(call.mailbox, draft, known, immutable=immutable)
        else:
            event = self.state.create(call.mailbox, draft, calendar=calendar)
        place = f"{_absolute(call.request)}/{quote(event.public_id(immutable=immutable), safe='')}"
        return self._event_answer(201, call, event, headers={"Location": place})

    async def _get(self, call: Call) -> GraphAnswer:
        options = call.options(READ_ONE)
        await self._busy()
        return self._event_answer(200, call, self._event(call), options)

    async def _change(self, call: Call) -> GraphAnswer:
        call.options()
        draft = read_event(json_body(call.request), creating=False, rules=self.state.rules)
        await self._busy()
        event = self._event(call)
        self._check_version(call, event)
        first, *others = self._saves(draft)
        self.state.change(call.mailbox, event, first)
        for each in others:
            await asyncio.sleep(BETWEEN_SAVES_SECONDS)
            self.state.change(call.mailbox, event, each)
        return self._event_answer(200, call, event)

    def _saves(self, draft: EventDraft) -> list[EventDraft]:
        """What one PATCH is carried out in, in that order."""
        mode = self.state.config.patch_saves
        if mode == "together" or not draft.properties or draft.start is None:
            return [draft]
        marks = replace(draft, content={}, start=None, end=None)
        rest = replace(draft, properties={})
        return [marks, rest] if mode == "property_first" else [rest, marks]

    async def _delete(self, call: Call) -> GraphAnswer:
        call.options()
        await self._busy()
        self.state.delete(call.mailbox, self._event(call))
        return GraphAnswer(204)

    async def _delete_for_good(self, call: Call) -> GraphAnswer:
        call.options()
        if call.request.body is not MISSING:
            raise bad_request("permanentDelete takes no body.")
        await self._busy()
        self.state.delete_for_good(call.mailbox, self._event(call))
        return GraphAnswer(204)

    async def _list(self, call: Call) -> GraphAnswer:
        """Of which calendars, nobody says."""
        everywhere = frozenset({"", *call.mailbox.calendars})
        covered = everywhere if self.state.config.events_cover == "all" else frozenset({""})
        return await self._list_shown_in(call, lambda: covered)

    async def _list_main(self, call: Call) -> GraphAnswer:
        """Of the calendar in the path, which is the main one where it names none."""
        return await self._list_shown_in(call, lambda: frozenset({self._calendar(call)}))

    async def _list_shown_in(self, call: Call, calendars: Callable[[], frozenset[str]]) -> GraphAnswer:
        options = call.options(READ_LIST)
        await self._busy()
        only = options.only
        shown = call.mailbox.shown_in(calendars())
        return self._page(
            call, [each for each in shown if only is None or only.matches(each.properties)], options
        )

    def _calendar(self, call: Call) -> str:
        """The id of the calendar in the path, empty for the main one."""
        return self.state.calendar(call.mailbox, call.calendar_id) if call.calendar_id else ""

    async def _calendars(self, call: Call) -> GraphAnswer:
        fields, top, skip = read_calendar_options(call.request.query)
        await self._busy()
        shown = describe_calendars(call.mailbox)
        value = [
            {key: text for key, text in each.items() if key in fields} for each in shown[skip : skip + top]
        ]
        body: dict[str, Any] = {"value": value}
        if skip + top < len(shown):
            query = urlencode({**call.request.query, "$skip": str(skip + top)}, quote_via=quote, safe="$")
            body["@odata.nextLink"] = f"{_absolute(call.request)}?{query}"
        return GraphAnswer(200, body, call.prefer.applied())

    async def _delete_calendar(self, call: Call) -> GraphAnswer:
        call.options()
        await self._busy()
        self.state.delete_calendar(call.mailbox, call.calendar_id)
        return GraphAnswer(204)

    async def _make_calendar(self, call: Call) -> GraphAnswer:
        call.options()
        name = read_calendar_name(json_body(call.request))
        await self._busy()
        identifier = self.state.make_calendar(call.mailbox, name)
        return GraphAnswer(201, {"id": identifier, "name": name}, call.prefer.applied())

    async def _view(self, call: Call) -> GraphAnswer:
        options = call.options(READ_VIEW)
        query = call.request.query
        if "startDateTime" not in query or "endDateTime" not in query:
            message = "This request requires a time window specified by startDateTime and endDateTime."
            raise bad_request(message, "ErrorInvalidParameter")
        first, last = parse_query_time(query["startDateTime"]), parse_query_time(query["endDateTime"])
        if last < first:
            raise bad_request("endDateTime is before startDateTime.", "ErrorInvalidParameter")
        await self._busy()
        shown = self.state.shown_between(call.mailbox, first, last, self._calendar(call))
        return self._page(call, shown, options)

    async def _categories(self, call: Call) -> GraphAnswer:
        call.options()
        await self._busy()
        return GraphAnswer(200, {"value": categories.listed(call.mailbox, self.state.config)})

    async def _add_category(self, call: Call) -> GraphAnswer:
        call.options()
        body = json_body(call.request)
        await self._busy()
        return GraphAnswer(201, categories.added(call.mailbox, self.state.config, body))

    async def _change_category(self, call: Call) -> GraphAnswer:
        call.options()
        body = json_body(call.request)
        await self._busy()
        return GraphAnswer(200, categories.changed(call.mailbox, self.state.config, call.category_id, body))

    async def _remove_category(self, call: Call) -> GraphAnswer:
        call.options()
        await self._busy()
        categories.removed(call.mailbox, self.state.config, call.category_id)
        return GraphAnswer(204)

    async def _settings(self, call: Call) -> GraphAnswer:
        await self._busy()
        return GraphAnswer(200, show_settings(call.request.query, call.mailbox, self.state.config))

    async def _extend(self, call: Call) -> GraphAnswer:
        call.options()
        extension = read_extension(json_body(call.request))
        await self._busy()
        self.state.extend(call.mailbox, self._event(call), extension)
        return GraphAnswer(201, render_extension(extension), call.prefer.applied())

    async def _get_extension(self, call: Call) -> GraphAnswer:
        call.options()
        await self._busy()
        extension = _extension_of(self._event(call), call.extension_name)
        return GraphAnswer(200, render_extension(extension), call.prefer.applied())

    async def _change_extension(self, call: Call) -> GraphAnswer:
        call.options()
        changes = read_extension(json_body(call.request))
        await self._busy()
        event = self._event(call)
        known = _extension_of(event, call.extension_name)
        if changes.name != known.name:
            raise bad_request("An extension's name can't be changed.")
        changed = self.state.change_extension(event, changes)
        return GraphAnswer(200, render_extension(changed), call.prefer.applied())

    def _event_answer(
        self,
        status: int,
        call: Call,
        event: StoredEvent,
        options: ReadOptions | None = None,
        headers: dict[str, str] | None = None,
    ) -> GraphAnswer:
        body = render_event(call.mailbox, event, call.prefer, self.state.config, options)
        if options is None or options.select is None:
            service = f"{call.request.base_url}/v1.0"
            body |= calendar_links(call.mailbox, event, self.state.config, service)
        return GraphAnswer(status, body, {**call.prefer.applied(), **(headers or {})})

    def _page(self, call: Call, events: list[StoredEvent], options: ReadOptions) -> GraphAnswer:
        """One page, and the link to the next.

        As with Graph, pages go by position: what is deleted between two of them shifts the rest.
        """
        if options.descending is not None:
            events = sorted(events, key=lambda each: each.start.utc, reverse=options.descending)
        after = options.skip + options.top
        body: dict[str, Any] = {
            "value": [
                render_event(call.mailbox, each, call.prefer, self.state.config, options)
                for each in events[options.skip : after]
            ]
        }
        if after < len(events):
            query = urlencode({**call.request.query, "$skip": str(after)}, quote_via=quote, safe="$")
            body["@odata.nextLink"] = f"{_absolute(call.request)}?{query}"
        return GraphAnswer(200, body, call.prefer.applied())


def _extension_of(event: StoredEvent, name: str) -> Extension:
    """The event's open extension of this name, or of the id made of it."""
    extension = event.extensions.get(name.removeprefix(EXTENSION_ID_PREFIX))
    if extension is None:
        raise GraphError(404, "ErrorItemNotFound", "The extension was not found.")
    return extension


def _match(pattern: tuple[str, ...], segments: tuple[str, ...]) -> dict[str, str] | None:
    parameters = {}
    for expected, actual in zip(pattern, segments, strict=True):
        if expected.startswith("{"):
            if not actual:
                return None
            parameters[expected.strip("{}")] = actual
        elif expected != actual:
            return None
    return parameters


def _absolute(request: GraphRequest) -> str:
    return f"{request.base_url}/v1.0{request.path}"
