"""The control plane: what a dispatcher does in the app, what an administrator registers, what a test asks.

Rows written here are the dispatcher's, pass the same validation and raise the same webhooks as through the
API.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import web

from local.dataverse.errors import DataverseError, bad_request
from local.dataverse.webhooks.steps import read_webhooks
from local.standin import CONTROL_PREFIX

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from local.dataverse.environment import Environment
    from local.dataverse.tables.store import Backup
    from local.standin import StandIn

    Work = Callable[[web.Request], Awaitable[Any]]


def add_control_plane(standin: StandIn, environment: Environment) -> None:
    """Add the routes below `/_control/` to a stand-in."""
    plane = _ControlPlane(standin, environment)
    router = standin.app.router
    row = CONTROL_PREFIX + "rows/{entity_set}"
    router.add_get(CONTROL_PREFIX + "config", _answering(plane.get_config))
    router.add_put(CONTROL_PREFIX + "config", _answering(plane.put_config))
    router.add_put(CONTROL_PREFIX + "webhooks", _answering(plane.put_webhooks))
    router.add_get(CONTROL_PREFIX + "deliveries", _answering(plane.get_deliveries))
    router.add_get(CONTROL_PREFIX + "deliveries/idle", _answering(plane.get_idle))
    router.add_get(CONTROL_PREFIX + "state", _answering(plane.get_state))
    router.add_get(row, _answering(plane.get_rows))
    router.add_post(row, _answering(plane.post_row))
    router.add_post(row + "/bulk", _answering(plane.post_rows))
    router.add_patch(row + "/{row_id}", _answering(plane.patch_row))
    router.add_delete(row + "/{row_id}", _answering(plane.delete_row))
    router.add_post(row + "/{row_id}/restore", _answering(plane.restore_row))
    router.add_get(row + "/{row_id}/export", _answering(plane.export_row))
    router.add_post(row + "/import", _answering(plane.import_rows))
    router.add_put(CONTROL_PREFIX + "backup", _answering(plane.put_backup))
    router.add_post(CONTROL_PREFIX + "backup/restore", _answering(plane.restore_backup))
    router.add_delete(CONTROL_PREFIX + "everything", _answering(plane.delete_everything))


def _answering(work: Work) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            return web.json_response(await work(request))
        except DataverseError as error:
            return web.json_response(error.body, status=error.status)
        except ValueError as error:
            return web.json_response(bad_request(f"Not readable: {error}").body, status=400)

    return handle


class _ControlPlane:
    """The handlers; each returns the JSON to answer."""

    def __init__(self, standin: StandIn, environment: Environment) -> None:
        self._standin = standin
        self._environment = environment
        self._backup: Backup | None = None

    async def get_config(self, _request: web.Request) -> Any:
        """Every knob."""
        return self._environment.config.describe()

    async def put_config(self, request: web.Request) -> Any:
        """Turn some knobs."""
        self._environment.configure(**await request.json())
        return self._environment.config.describe()

    async def put_webhooks(self, request: web.Request) -> Any:
        """Replace all registered endpoints and steps: a shortcut that writes the rows provisioning would."""
        webhooks = read_webhooks(self._environment.schema, await request.json())
        self._environment.registration.replace(webhooks)
        return {"webhooks": len(webhooks)}

    async def get_deliveries(self, _request: web.Request) -> Any:
        """The account of deliveries."""
        return self._environment.sender.describe()

    async def get_idle(self, _request: web.Request) -> Any:
        """Whether no delivery is pending."""
        pending = self._environment.sender.pending
        return {"idle": pending == 0, "pending": pending}

    async def get_state(self, _request: web.Request) -> Any:
        """What else is counted, and who is who."""
        state = self._environment
        return {
            "cookiesReturned": state.cookies_returned,
            "organizationId": state.identity.organization_id,
            "appUserId": state.identity.app_user_id,
            "dispatcherId": state.identity.dispatcher_id,
        }

    async def get_rows(self, request: web.Request) -> Any:
        """All rows of a table, columns by logical name."""
        return list(self._environment.rows(request.match_info["entity_set"]).values())

    async def post_row(self, request: web.Request) -> Any:
        """Create a row."""
        return self._create(request, await request.json())

    async def post_rows(self, request: web.Request) -> Any:
        """Create rows; those before a refused one stay."""
        return [self._create(request, body)["id"] for body in await request.json()]

    async def patch_row(self, request: web.Request) -> Any:
        """Change a row that exists."""
        entity_set, row_id = request.match_info["entity_set"], request.match_info["row_id"]
        self._environment.update(entity_set, row_id, await request.json(), webhooks=_webhooks(request))
        return {"id": row_id}

    async def delete_row(self, request: web.Request) -> Any:
        """Delete a row."""
        entity_set, row_id = request.match_info["entity_set"], request.match_info["row_id"]
        self._environment.delete(entity_set, row_id, webhooks=_webhooks(request))
        return {"id": row_id}

    async def restore_row(self, request: web.Request) -> Any:
        """Bring a deleted row back, with the columns given instead of its own."""
        entity_set, row_id = request.match_info["entity_set"], request.match_info["row_id"]
        body = await request.json() if request.can_read_body else {}
        self._environment.restore(entity_set, row_id, body, webhooks=_webhooks(request))
        return {"id": row_id}

    async def export_row(self, request: web.Request) -> Any:
        """A row as an import takes it."""
        return self._environment.export(request.match_info["entity_set"], request.match_info["row_id"])

    async def import_rows(self, request: web.Request) -> Any:
        """Write rows whether they exist or not; those before a refused one stay."""
        bodies = await request.json()
        for body in bodies:
            self._environment.import_row(request.match_info["entity_set"], body, webhooks=_webhooks(request))
        return {"rows": len(bodies)}

    async def put_backup(self, _request: web.Request) -> Any:
        """Remember all rows as they are; an earlier backup is forgotten."""
        self._backup = self._environment.store.back_up()
        return {}

    async def restore_backup(self, _request: web.Request) -> Any:
        """Put all rows back as they were at the backup; no webhook is raised."""
        if self._backup is None:
            raise bad_request("There is no backup.")
        self._environment.store.roll_back(self._backup)
        return {}

    async def delete_everything(self, _request: web.Request) -> Any:
        """Back to a fresh environment, with an empty request log and no faults."""
        self._environment.clear()
        self._standin.requests.clear()
        self._standin.faults.clear()
        return {}

    def _create(self, request: web.Request, body: Any) -> dict[str, str]:
        if not isinstance(body, dict):
            raise bad_request("A row is a JSON object.")
        entity_set = request.match_info["entity_set"]
        return {"id": self._environment.create(entity_set, body, webhooks=_webhooks(request))}


def _webhooks(request: web.Request) -> bool:
    return request.query.get("webhooks", "true") != "false"
