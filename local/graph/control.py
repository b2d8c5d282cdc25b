"""The control plane of the Graph stand-in: its set-up, a look inside, and what users do in Outlook.

Below `/_control/`, besides what every stand-in has:

- `GET`, `PUT config`: any field of `GraphConfig`
- `GET`, `POST mailboxes`: one or a list of `{id, displayName, userPrincipalName, kind, mail,
  language, timeZone}`
- `POST mailboxes/migrate`: `{mailbox}`, every id in it changes
- `GET events?mailbox=`: all events that calendars show, with everything about them
- `GET deleted?mailbox=`: the same of those in Deleted Items
- `GET stats`: mails and whose doing they were, rejections, the most requests in flight per mailbox
- `POST throttle`: `{mailbox, seconds}`
- `GET calendars?mailbox=`: the calendars besides the main one, names by id
- `POST user/{create,move,drag,shift,copy,edit,delete,restore}`: `{mailbox, id, event}`, with immutable
  ids; `copy` takes `carries` (see `GraphConfig.copies_carry`), `delete` takes `forGood`, `drag` the
  `calendar`'s id, `shift` how many `minutes` later the event begins and how much `longer` it is then, and
  `restore` takes `newId`
- `POST user/calendar/delete`: `{mailbox, calendar}`, by its id, with all its events
- `POST user/empty`: `{mailbox}`, Deleted Items is emptied
- `POST events/age`: `{mailbox, seconds}`, its events were made so much earlier, Deleted Items included
- `DELETE state`: forget everything but the configuration
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any, get_args

from aiohttp import web

from local.graph.api.render import describe_event
from local.graph.config import CopiesCarry, change_config
from local.graph.mailbox.events import Mailbox, MailboxKind, StoredEvent
from local.graph.mailbox.schema import read_event
from local.graph.messages import GraphError, bad_request
from local.standin import CONTROL_PREFIX

if TYPE_CHECKING:
    from datetime import datetime

    from local.graph.api.limits import Limits
    from local.graph.mailbox.store import GraphState

Handler = Callable[[web.Request], Awaitable[web.Response]]


class GraphControl:
    """Handlers of the control plane."""

    def __init__(self, state: GraphState, limits: Limits) -> None:
        self._state = state
        self._limits = limits
        self._actions: dict[str, Callable[[Mailbox, dict[str, Any]], StoredEvent]] = {
            "create": self._create,
            "move": self._move,
            "drag": self._drag,
            "shift": self._shift,
            "copy": self._copy,
            "edit": self._edit,
            "delete": self._delete,
            "restore": self._restore,
        }

    def add_routes(self, app: web.Application) -> None:
        """Add the control plane to an application."""
        for method, path, handler in (
            ("GET", "config", self.get_config),
            ("PUT", "config", self.put_config),
            ("GET", "mailboxes", self.get_mailboxes),
            ("POST", "mailboxes", self.post_mailboxes),
            ("POST", "mailboxes/migrate", self.post_migration),
            ("GET", "calendars", self.get_calendars),
            ("POST", "user/calendar/delete", self.post_calendar_deletion),
            ("GET", "events", self.get_events),
            ("GET", "deleted", self.get_deleted),
            ("GET", "stats", self.get_stats),
            ("POST", "throttle", self.post_throttle),
            ("POST", "user/empty", self.post_emptying),
            ("POST", "events/age", self.post_ageing),
            ("POST", "user/{action}", self.post_user_action),
            ("DELETE", "state", self.delete_state),
        ):
            app.router.add_route(method, CONTROL_PREFIX + path, _refusing(handler))

    async def get_config(self, _request: web.Request) -> web.Response:
        """Show the configuration."""
        return web.json_response(asdict(self._state.config))

    async def put_config(self, request: web.Request) -> web.Response:
        """Change the fields given, leave the others."""
        try:
            self._state.config = change_config(self._state.config, await request.json())
        except ValueError as error:
            raise bad_request(str(error)) from None
        return web.json_response(asdict(self._state.config))

    async def get_mailboxes(self, _request: web.Request) -> web.Response:
        """List the users."""
        return web.json_response([_describe_mailbox(each) for each in self._state.mailboxes.values()])

    async def post_mailboxes(self, request: web.Request) -> web.Response:
        """Add or change one user or many."""
        payload = await request.json()
        entries = payload if isinstance(payload, list) else [payload]
        for entry in entries:
            if entry.get("kind", "normal") not in get_args(MailboxKind):
                raise bad_request(f"A mailbox's kind is one of {', '.join(get_args(MailboxKind))}.")
        made = [
            self._state.add_mailbox(
                entry["id"],
                entry.get("displayName", ""),
                entry.get("userPrincipalName", ""),
                entry.get("kind", "normal"),
                entry.get("mail", ""),
            )
            for entry in entries
        ]
        for mailbox, entry in zip(made, entries, strict=True):
            mailbox.language = entry.get("language", mailbox.language)
            mailbox.time_zone = entry.get("timeZone", mailbox.time_zone)
        return web.json_response([_describe_mailbox(each) for each in made])

    async def get_calendars(self, request: web.Request) -> web.Response:
        """Show the calendars of one mailbox besides the main one, names by id."""
        return web.json_response(self._state.user(request.query["mailbox"]).calendars)

    async def post_calendar_deletion(self, request: web.Request) -> web.Response:
        """Delete a calendar with its events, as a person does."""
        order = await request.json()
        self._state.delete_calendar(self._state.user(order["mailbox"]), order["calendar"])
        return web.json_response({})

    async def get_events(self, request: web.Request) -> web.Response:
        """Show what the calendar of one mailbox shows, or all calendars."""
        return web.json_response(
            [describe_event(box, each) for box in self._asked_for(request) for each in box.events.values()]
        )

    async def get_deleted(self, request: web.Request) -> web.Response:
        """Show what lies in the Deleted Items of one mailbox or of all."""
        return web.json_response(
            [
                describe_event(box, each)
                for box in self._asked_for(request)
                for each in box.deleted_items.values()
            ]
        )

    async def post_migration(self, request: web.Request) -> web.Response:
        """Give everything in a mailbox new ids, as a migration does."""
        self._state.migrate(self._state.user((await request.json())["mailbox"]))
        return web.json_response({})

    async def post_emptying(self, request: web.Request) -> web.Response:
        """Empty a mailbox's Deleted Items."""
        self._state.empty_deleted_items(self._state.user((await request.json())["mailbox"]))
        return web.json_response({})

    async def post_ageing(self, request: web.Request) -> web.Response:
        """Make a mailbox's events older than they are: searches know what was made long ago."""
        order = await request.json()
        self._state.age(self._state.user(order["mailbox"]), timedelta(seconds=float(order["seconds"])))
        return web.json_response({})

    async def get_stats(self, _request: web.Request) -> web.Response:
        """Show what was counted."""
        return web.json_response(
            {
                "mails": self._state.mails,
                "concurrencyRejections": self._limits.concurrency_rejections,
                "otherRejections": sum(each.other_rejections for each in self._limits.meters.values()),
                "mailboxes": {
                    mailbox.id: self._count_mailbox(mailbox) for mailbox in self._state.mailboxes.values()
                },
            }
        )

    async def post_throttle(self, request: web.Request) -> web.Response:
        """Throttle one mailbox for some seconds."""
        order = await request.json()
        self._limits.throttle(self._state.user(order["mailbox"]).id, float(order["seconds"]))
        return web.json_response({})

    async def post_user_action(self, request: web.Request) -> web.Response:
        """Do what a user would do in Outlook; answers the event as it is (or was)."""
        action = self._actions.get(request.match_info["action"])
        if action is None:
            raise bad_request(f"A user can {', '.join(self._actions)}.")
        order = await request.json()
        mailbox = self._state.user(order["mailbox"])
        return web.json_response(describe_event(mailbox, action(mailbox, order)))

    async def delete_state(self, _request: web.Request) -> web.Response:
        """Forget mailboxes, events, mails and counters."""
        self._state.reset()
        self._limits.clear()
        return web.json_response({})

    def _asked_for(self, request: web.Request) -> list[Mailbox]:
        name = request.query.get("mailbox")
        return [self._state.user(name)] if name else list(self._state.mailboxes.values())

    def _create(self, mailbox: Mailbox, order: dict[str, Any]) -> StoredEvent:
        draft = read_event(order["event"], creating=True, rules=self._state.rules)
        return self._state.create(mailbox, draft, by_app=False)

    def _move(self, mailbox: Mailbox, order: dict[str, Any]) -> StoredEvent:
        event = self._find(mailbox, order)
        self._state.move(mailbox, event)
        return event

    def _drag(self, mailbox: Mailbox, order: dict[str, Any]) -> StoredEvent:
        event = self._find(mailbox, order)
        self._state.drag(mailbox, event, order["calendar"])
        return event

    def _shift(self, mailbox: Mailbox, order: dict[str, Any]) -> StoredEvent:
        """Drag to another time of the calendar, or its edge: what Outlook saves holds both times."""
        event = self._find(mailbox, order)
        start, length = event.start.utc, event.end.utc - event.start.utc
        start += timedelta(minutes=order.get("minutes", 0))
        end = start + length + timedelta(minutes=order.get("longer", 0))
        times = {name: _in_utc(moment) for name, moment in (("start", start), ("end", end))}
        draft = read_event(times, creating=False, rules=self._state.rules)
        self._state.change(mailbox, event, draft, by_app=False)
        return event

    def _copy(self, mailbox: Mailbox, order: dict[str, Any]) -> StoredEvent:
        carries = order.get("carries", self._state.config.copies_carry)
        if carries not in get_args(CopiesCarry):
            raise bad_request(f"A copy carries {', '.join(get_args(CopiesCarry))}.")
        return self._state.copy_with(mailbox, self._find(mailbox, order), carries)

    def _edit(self, mailbox: Mailbox, order: dict[str, Any]) -> StoredEvent:
        event = self._find(mailbox, order)
        draft = read_event(order["event"], creating=False, rules=self._state.rules)
        self._state.change(mailbox, event, draft, by_app=False)
        return event

    def _delete(self, mailbox: Mailbox, order: dict[str, Any]) -> StoredEvent:
        event = self._find(mailbox, order)
        delete = self._state.delete_for_good if order.get("forGood") else self._state.delete
        delete(mailbox, event, by_app=False)
        return event

    def _restore(self, mailbox: Mailbox, order: dict[str, Any]) -> StoredEvent:
        event = self._find(mailbox, order)
        self._state.restore(mailbox, event, new_id=bool(order.get("newId")))
        return event

    def _find(self, mailbox: Mailbox, order: dict[str, Any]) -> StoredEvent:
        return self._state.find(mailbox, order["id"], immutable=True)

    def _count_mailbox(self, mailbox: Mailbox) -> dict[str, Any]:
        meter = self._limits.meter(mailbox.id)
        return {
            "events": len(mailbox.events),
            "deletedItems": len(mailbox.deleted_items),
            "created": mailbox.created_count,
            "modified": mailbox.modified_count,
            "deleted": mailbox.deleted_count,
            "namedProperties": sorted(mailbox.named_properties),
            "maxConcurrency": meter.most_in_flight,
            "concurrencyRejections": meter.concurrency_rejections,
            "otherRejections": meter.other_rejections,
        }


def _refusing(handler: Handler) -> Handler:
    """Answer refusals and missing keys as JSON, so that a test reads what it did wrong."""

    async def wrapped(request: web.Request) -> web.Response:
        try:
            return await handler(request)
        except GraphError as error:
            answer = error.answer()
        except KeyError as error:
            answer = bad_request(f"The control plane misses {error}.").answer()
        return web.json_response(answer.body, status=answer.status)

    return wrapped


def _in_utc(moment: datetime) -> dict[str, str]:
    return {"dateTime": f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"}


def _describe_mailbox(mailbox: Mailbox) -> dict[str, Any]:
    return {
        "id": mailbox.id,
        "displayName": mailbox.display_name,
        "userPrincipalName": mailbox.user_principal_name,
        "kind": mailbox.kind,
        "language": mailbox.language,
        "timeZone": mailbox.time_zone,
        "categories": dict(mailbox.categories.values()),
    }
