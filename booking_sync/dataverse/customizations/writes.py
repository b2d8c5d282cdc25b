"""Changes an environment: one method for each action."""

from __future__ import annotations

import json
from functools import singledispatchmethod
from typing import TYPE_CHECKING, Any

from booking_sync.dataverse.customizations import bodies, form_xml
from booking_sync.dataverse.customizations.dispatcher import FORMS, UNPUBLISHED, VIEWS, section_ids
from booking_sync.dataverse.customizations.rows import attributes, base_language, filtered
from booking_sync.dataverse.customizations.safe_xml import UnreadableXmlError
from booking_sync.dataverse.customizations.webhook_key import SALT_BYTES, describe
from booking_sync.dataverse.web_api.errors import incomplete
from booking_sync.errors import PermanentError
from booking_sync.ports.dataverse import customization_actions as do

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from booking_sync.dataverse.customizations.reads import KeyJudge, Occasions
    from booking_sync.dataverse.web_api.client import DataverseClient
    from booking_sync.ports.dataverse.customization_actions import Action

_JSON = {"Content-Type": "application/json; charset=utf-8"}


class CustomizationWrites:
    """Carries actions out.

    Args:
        client: of the environment.
        key: what the webhook is to authenticate with.
        random_bytes: so many, unguessable.
        occasions: ids of messages, as they were read.
    """

    def __init__(
        self,
        client: DataverseClient,
        key: KeyJudge,
        random_bytes: Callable[[int], bytes],
        occasions: Occasions,
    ) -> None:
        self._client = client
        self._key = key
        self._random_bytes = random_bytes
        self._occasions = occasions

    async def carry_out(self, action: Action) -> None:
        """Do it.

        Raises:
            TransientError: Dataverse can't now.
            PermanentError: Dataverse refuses.
        """
        await self._carry_out(action)

    @singledispatchmethod
    async def _carry_out(self, action: Action) -> None:
        raise TypeError(f"no way to carry out {type(action).__name__}")

    @_carry_out.register
    async def _(self, action: do.MakePublisher) -> None:
        await self._create("publishers", bodies.publisher(action))

    @_carry_out.register
    async def _(self, action: do.MakeSolution) -> None:
        await self._create("solutions", bodies.solution(action))

    @_carry_out.register
    async def _(self, action: do.MakeColumn) -> None:
        body = bodies.column(action.column, await base_language(self._client))
        await self._create(attributes(action.column.table), body, action.solution)

    @_carry_out.register
    async def _(self, action: do.WidenColumn) -> None:
        place = f"{attributes(action.column.table)}(LogicalName='{action.column.name}')"
        definition = await self._client.get(f"{place}/{bodies.STRING}")
        kept = {key: value for key, value in definition.items() if not key.startswith("@odata.")}
        body = {"@odata.type": bodies.STRING, **kept, "MaxLength": action.column.length}
        await self._send("PUT", place, body, {"MSCRM.MergeLabels": "true"})

    @_carry_out.register
    async def _(self, action: do.RemoveColumn) -> None:
        await self._send("DELETE", f"{attributes(action.table)}(LogicalName='{action.name}')")

    @_carry_out.register
    async def _(self, action: do.Publish) -> None:
        xml = f"<importexportxml><entities><entity>{action.table}</entity></entities></importexportxml>"
        await self._send("POST", "PublishXml", {"ParameterXml": xml})

    @_carry_out.register
    async def _(self, action: do.WriteWebhook) -> None:
        body: dict[str, Any] = {"url": action.url} if action.url else {}
        if action.with_key:
            value = self._key.key.value
            body |= {
                "authtype": bodies.HTTP_HEADER,
                "authvalue": bodies.settings_xml(value),
                "description": describe(value, self._random_bytes(SALT_BYTES)),
            }
        if action.new:
            await self._create("serviceendpoints", body | bodies.new_webhook(action), action.solution)
        else:
            await self._change(f"serviceendpoints({action.id})", body)
        self._key.trusting = self._key.trusting or action.with_key

    @_carry_out.register
    async def _(self, action: do.WriteStep) -> None:
        step, body = action.step, bodies.step(action)
        if not action.new:
            await self._change(f"sdkmessageprocessingsteps({action.id})", body)
            return
        message, occasion = self._occasions.messages[step.message], (step.message, step.table)
        body |= {
            "sdkmessageprocessingstepid": action.id,
            "eventhandler_serviceendpoint@odata.bind": f"/serviceendpoints({action.webhook_id})",
            "sdkmessageid@odata.bind": f"/sdkmessages({message})",
            "sdkmessagefilterid@odata.bind": f"/sdkmessagefilters({self._occasions.filters[occasion]})",
        }
        await self._create("sdkmessageprocessingsteps", body, action.solution)

    @_carry_out.register
    async def _(self, action: do.WriteImage) -> None:
        body = bodies.image(action)
        if not action.new:
            await self._change(f"sdkmessageprocessingstepimages({action.id})", body)
            return
        body |= {
            "sdkmessageprocessingstepimageid": action.id,
            "sdkmessageprocessingstepid@odata.bind": f"/sdkmessageprocessingsteps({action.step_id})",
        }
        await self._create("sdkmessageprocessingstepimages", body)

    @_carry_out.register
    async def _(self, action: do.WriteView) -> None:
        body = bodies.view(action.view, await self._object_type(action.view.table))
        if action.new:
            await self._create(VIEWS, {"savedqueryid": action.view.id, **body}, action.solution)
        else:
            await self._change(f"{VIEWS}({action.view.id})", body)

    @_carry_out.register
    async def _(self, action: do.ShowOnForm) -> None:
        ids = section_ids(action.form_id, action.section)
        language = await base_language(self._client)
        await self._edit_form(action.form_id, lambda xml: form_xml.put_in(xml, action.section, ids, language))

    @_carry_out.register
    async def _(self, action: do.TakeOffForm) -> None:
        section_id = section_ids(action.form_id, action.section)[0]
        columns = [field.column for field in action.section.fields]
        await self._edit_form(action.form_id, lambda xml: form_xml.take_out(xml, section_id, columns))

    @_carry_out.register
    async def _(self, action: do.AddToSolution) -> None:
        body = {
            "ComponentId": action.id,
            "ComponentType": action.component_type,
            "SolutionUniqueName": action.solution,
            "AddRequiredComponents": False,
        }
        await self._send("POST", "AddSolutionComponent", body)

    @_carry_out.register
    async def _(self, action: do.RemoveRow) -> None:
        await self._send("DELETE", f"{action.entity_set}({action.id})")

    async def _edit_form(self, form_id: str, edit: Callable[[str], str]) -> None:
        """Read the form as it was saved last, and write it back at once: the shorter, the fewer meet."""
        rows = await filtered(self._client, FORMS + UNPUBLISHED, "formxml", f"formid eq {form_id}")
        if not rows:
            raise incomplete()
        try:
            edited = edit(rows[0].text("formxml"))
        except (UnreadableXmlError, form_xml.NoPlaceError):
            raise PermanentError(
                f"Dynamics 365: somebody changed the form {form_id} meanwhile: run it again."
            ) from None
        await self._change(f"{FORMS}({form_id})", {"formxml": edited})

    async def _object_type(self, table: str) -> int:
        """The table's number in this environment, which a view's columns name."""
        path = f"EntityDefinitions(LogicalName='{table}')?$select=ObjectTypeCode"
        number = (await self._client.get(path)).get("ObjectTypeCode")
        if not isinstance(number, int):
            raise incomplete()
        return number

    async def _create(self, path: str, body: Mapping[str, Any], solution: str = "") -> None:
        await self._send("POST", path, body, {"MSCRM.SolutionUniqueName": solution} if solution else {})

    async def _change(self, path: str, body: Mapping[str, Any]) -> None:
        """Never creates: without If-Match a PATCH would."""
        await self._send("PATCH", path, body, {"If-Match": "*"})

    async def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        content = None if body is None else json.dumps(body).encode()
        kind = {} if body is None else _JSON
        await self._client.send(method, path, headers={**kind, **(headers or {})}, body=content)
