"""The port `Customizations` on Dataverse: solution, columns, webhook and steps by the Web API.

Shapes are those of Microsoft's "Web API reference" and "Create and update column definitions". Navigation
properties of these tables are all lower case. Rows are created with ids of ours, so that a creation that is
repeated after an uncertain answer is refused instead of made twice.
"""

from __future__ import annotations

import json
from functools import singledispatchmethod
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from booking_sync.dataverse.row_columns import RowColumns
from booking_sync.dataverse.web_api.errors import incomplete
from booking_sync.dataverse.webhook_key import SALT_BYTES, describe, has_key
from booking_sync.ports import customization_actions as do
from booking_sync.ports.customizations import (
    FoundColumn,
    FoundCustomizations,
    FoundImage,
    FoundPublisher,
    FoundSolution,
    FoundStep,
    FoundWebhook,
    KeyState,
    Message,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from booking_sync.dataverse.web_api.client import DataverseClient
    from booking_sync.dataverse.webhook_key import WebhookKey
    from booking_sync.ports.customization_actions import Action
    from booking_sync.ports.customizations import Column, DesiredCustomizations, Occasion

KEY_HEADER = "x-functions-key"
OPTION_VALUE_PREFIX = 72590
"""Dataverse wants one of every publisher, for choices whose values it is to number; ours have their own."""

_STRING = "Microsoft.Dynamics.CRM.StringAttributeMetadata"
_PICKLIST = "Microsoft.Dynamics.CRM.PicklistAttributeMetadata"
_JSON = {"Content-Type": "application/json; charset=utf-8"}
_WEBHOOK, _HTTP_HEADER, _NORMAL, _JSON_FORMAT = 8, 5, 1, 2
_POST_OPERATION, _ASYNCHRONOUS, _SERVER_ONLY = 40, 1, 0
_ENABLED = {"statecode": 0, "statuscode": 1}
_PRE_IMAGE, _TARGET = 0, "Target"
_NOTHING_CHOSEN = -1


class DataverseCustomizations:
    """One environment's customizations; fulfils `Customizations`.

    Args:
        client: its Web API; stays the caller's to close.
        key: what the webhook is to authenticate with.
        random_bytes: so many, unguessable.
        trust_fingerprint: False takes the key for another one until this has written it.
    """

    def __init__(
        self,
        client: DataverseClient,
        key: WebhookKey,
        random_bytes: Callable[[int], bytes],
        *,
        trust_fingerprint: bool = True,
    ) -> None:
        self._client = client
        self._key = key
        self._random_bytes = random_bytes
        self._trusting = trust_fingerprint
        self._messages: dict[str, str] = {}
        self._filters: dict[Occasion, str] = {}

    async def read(self, desired: DesiredCustomizations) -> FoundCustomizations:
        """What there is of what is desired.

        Raises:
            TransientError: no complete answer now.
            PermanentError: refused.
        """
        await self._read_occasions(desired)
        solution, components = await self._read_solution(desired)
        webhooks = await self._read_webhooks()
        webhook = next((row for row in webhooks if row.text("name") == desired.webhook.name), None)
        own_id = webhook.identity("serviceendpointid") if webhook else ""
        address = desired.webhook.url or (webhook.text("url") if webhook else "")
        return FoundCustomizations(
            publisher=await self._read_publisher(desired, solution),
            solution=solution,
            columns=await self._read_columns(desired, components),
            webhook=None if webhook is None else self._to_webhook(webhook, components),
            steps=await self._read_steps(own_id, components) if own_id else (),
            possible=frozenset(self._filters),
            twins=tuple(
                row.text("name")
                for row in webhooks
                if address and row.text("url") == address and row.identity("serviceendpointid") != own_id
            ),
        )

    async def carry_out(self, action: Action) -> None:
        """Do it; raises as `read`."""
        await self._carry_out(action)

    # --- reading ----------------------------------------------------------------------------------------

    async def _rows(self, entity_set: str, select: str, condition: str) -> list[RowColumns]:
        return await self._whole_rows(entity_set, select, f"&$filter={quote(condition, safe='')}")

    async def _whole_rows(self, path: str, select: str, options: str = "") -> list[RowColumns]:
        """Rows with every column that was asked for; an answer without them must not pass for "not there"."""
        rows = [RowColumns(row) for row in await self._client.rows(f"{path}?$select={select}{options}")]
        if not all(row.has(select.split(",")) for row in rows):
            raise incomplete()
        return rows

    async def _read_occasions(self, desired: DesiredCustomizations) -> None:
        """The ids of the messages, and of their filters for the tables that steps are for."""
        messages = await self._rows("sdkmessages", "name", _either("name", sorted(Message)))
        self._messages = {row.text("name"): row.identity("sdkmessageid") for row in messages}
        names = {message_id: name for name, message_id in self._messages.items()}
        tables = _either("primaryobjecttypecode", sorted({step.table for step in desired.steps}))
        select = "primaryobjecttypecode,_sdkmessageid_value"
        filters = await self._rows("sdkmessagefilters", select, tables)
        self._filters = {
            (names[message_id], row.text("primaryobjecttypecode")): row.identity("sdkmessagefilterid")
            for row in filters
            if (message_id := row.text("_sdkmessageid_value").lower()) in names
        }

    async def _read_publisher(
        self, desired: DesiredCustomizations, solution: FoundSolution | None
    ) -> FoundPublisher | None:
        condition = f"customizationprefix eq {_text(desired.prefix)}"
        rows = await self._rows("publishers", "uniquename", condition)
        if not rows:
            return None
        home = "" if solution is None else solution.publisher_id

        def preference(row: RowColumns) -> tuple[bool, bool, str]:
            """The solution's own publisher first, then the one that we would make."""
            name = row.text("uniquename")
            return (row.identity("publisherid") != home, name != desired.publisher, name)

        chosen = min(rows, key=preference)
        publisher_id = chosen.identity("publisherid")
        solutions = await self._rows("solutions", "uniquename", f"_publisherid_value eq {publisher_id}")
        others = sum(row.text("uniquename") != desired.solution for row in solutions)
        return FoundPublisher(publisher_id, chosen.text("uniquename"), others)

    async def _read_solution(
        self, desired: DesiredCustomizations
    ) -> tuple[FoundSolution | None, frozenset[str]]:
        """The solution and the ids of what is in it."""
        select = "ismanaged,_publisherid_value"
        rows = await self._rows("solutions", select, f"uniquename eq {_text(desired.solution)}")
        if not rows:
            return None, frozenset()
        solution_id = rows[0].identity("solutionid")
        publisher_id = rows[0].text("_publisherid_value").lower()
        found = FoundSolution(solution_id, rows[0].flag("ismanaged"), publisher_id)
        components = await self._rows("solutioncomponents", "objectid", f"_solutionid_value eq {solution_id}")
        return found, frozenset(row.text("objectid").lower() for row in components)

    async def _read_columns(
        self, desired: DesiredCustomizations, components: frozenset[str]
    ) -> dict[str, FoundColumn]:
        found: dict[str, FoundColumn] = {}
        for table in dict.fromkeys(column.table for column in desired.columns):
            wanted = {column.name: column for column in desired.columns if column.table == table}
            found |= await self._read_table(table, wanted, components)
        return found

    async def _read_table(
        self, table: str, wanted: Mapping[str, Column], components: frozenset[str]
    ) -> dict[str, FoundColumn]:
        place = _attributes(table)
        everything = await self._whole_rows(place, "LogicalName,MetadataId")
        texts = await self._whole_rows(f"{place}/{_STRING}", "LogicalName,MaxLength")
        lengths = {row.text("LogicalName"): row.whole("MaxLength") for row in texts}
        choices = await self._read_choices(table) if any(each.choices for each in wanted.values()) else {}
        found = {}
        for row in everything:
            name, metadata_id = row.text("LogicalName"), row.identity("MetadataId")
            if name in wanted:
                length = lengths.get(name)
                found[name] = FoundColumn(
                    name,
                    metadata_id,
                    length is not None,
                    length or 0,
                    metadata_id in components,
                    table,
                    choices.get(name, frozenset()),
                )
        return found

    async def _read_choices(self, table: str) -> dict[str, frozenset[int]]:
        """By choice column: the values that it may hold; of global choices, too."""
        options = "&$expand=OptionSet($select=Options),GlobalOptionSet($select=Options)"
        rows = await self._whole_rows(f"{_attributes(table)}/{_PICKLIST}", "LogicalName", options)
        return {row.text("LogicalName"): _option_values(row) for row in rows}

    async def _read_webhooks(self) -> list[RowColumns]:
        return await self._rows(
            "serviceendpoints", "name,url,authtype,description", f"contract eq {_WEBHOOK}"
        )

    def _to_webhook(self, row: RowColumns, components: frozenset[str]) -> FoundWebhook:
        webhook_id = row.identity("serviceendpointid")
        uses_header = row.whole("authtype") == _HTTP_HEADER
        key = KeyState.NOT_GIVEN
        if self._key.value:
            same = self._trusting and uses_header and has_key(row.text("description"), self._key.value)
            key = KeyState.SAME if same else KeyState.OTHER
        return FoundWebhook(webhook_id, row.text("url"), uses_header, key, webhook_id in components)

    async def _read_steps(self, webhook_id: str, components: frozenset[str]) -> tuple[FoundStep, ...]:
        select = (
            "name,stage,mode,asyncautodelete,supporteddeployment,statecode,filteringattributes,"
            "_sdkmessageid_value,_sdkmessagefilterid_value"
        )
        rows = await self._rows("sdkmessageprocessingsteps", select, f"_eventhandler_value eq {webhook_id}")
        images = await self._read_images([row.identity("sdkmessageprocessingstepid") for row in rows])
        return tuple(self._to_step(row, images, components) for row in rows)

    async def _read_images(self, step_ids: Sequence[str]) -> list[RowColumns]:
        if not step_ids:
            return []
        condition = " or ".join(f"_sdkmessageprocessingstepid_value eq {step_id}" for step_id in step_ids)
        select = "entityalias,imagetype,messagepropertyname,attributes,_sdkmessageprocessingstepid_value"
        return await self._rows("sdkmessageprocessingstepimages", select, condition)

    def _to_step(
        self, row: RowColumns, images: Sequence[RowColumns], components: frozenset[str]
    ) -> FoundStep:
        step_id = row.identity("sdkmessageprocessingstepid")
        return FoundStep(
            id=step_id,
            name=row.text("name") or "without a name",
            occasion=self._occasion(row),
            proper=(row.whole("stage"), row.whole("mode")) == (_POST_OPERATION, _ASYNCHRONOUS)
            and row.flag("asyncautodelete")
            and row.whole("supporteddeployment") in (None, _SERVER_ONLY),
            enabled=row.whole("statecode") == 0,
            filtering=_names(row.text("filteringattributes")),
            images=tuple(
                _to_image(image)
                for image in images
                if image.text("_sdkmessageprocessingstepid_value").lower() == step_id
            ),
            in_solution=step_id in components,
        )

    def _occasion(self, row: RowColumns) -> Occasion:
        """Message and table of a step; empty texts for those that we have nothing to do with."""
        filter_id = row.text("_sdkmessagefilterid_value").lower()
        found = (occasion for occasion, each in self._filters.items() if each == filter_id)
        return next(found, ("", ""))

    # --- writing ----------------------------------------------------------------------------------------

    @singledispatchmethod
    async def _carry_out(self, action: Action) -> None:
        raise TypeError(f"no way to carry out {type(action).__name__}")

    @_carry_out.register
    async def _(self, action: do.MakePublisher) -> None:
        await self._create(
            "publishers",
            {
                "publisherid": action.id,
                "uniquename": action.unique_name,
                "friendlyname": "booking_sync",
                "description": "Owner of the prefix of booking_sync's columns.",
                "customizationprefix": action.prefix,
                "customizationoptionvalueprefix": OPTION_VALUE_PREFIX,
            },
        )

    @_carry_out.register
    async def _(self, action: do.MakeSolution) -> None:
        await self._create(
            "solutions",
            {
                "solutionid": action.id,
                "uniquename": action.unique_name,
                "friendlyname": "booking_sync",
                "description": "Columns and webhook by which bookings are kept in step with Outlook.",
                "version": "1.0.0.0",
                "publisherid@odata.bind": f"/publishers({action.publisher_id})",
            },
        )

    @_carry_out.register
    async def _(self, action: do.MakeColumn) -> None:
        language, column = await self._language(), action.column
        body = {
            **(_choice(column, language) if column.choices else _string(column)),
            "SchemaName": column.name,
            "RequiredLevel": _managed("canmodifyrequirementlevelsettings", "None"),
            # Each write of ours would fill the audit log, if the table is audited, and tell nobody anything.
            "IsAuditEnabled": _managed("canmodifyauditsettings", value=False),
            "DisplayName": _label(column.label, language),
            "Description": _label(column.description, language),
        }
        await self._create(_attributes(column.table), body, action.solution)

    @_carry_out.register
    async def _(self, action: do.WidenColumn) -> None:
        place = _attribute(action.column)
        definition = await self._client.get(f"{place}/{_STRING}")
        kept = {key: value for key, value in definition.items() if not key.startswith("@odata.")}
        body = {"@odata.type": _STRING, **kept, "MaxLength": action.column.length}
        await self._send("PUT", place, body, {"MSCRM.MergeLabels": "true"})

    @_carry_out.register
    async def _(self, action: do.RemoveColumn) -> None:
        await self._send("DELETE", f"{_attributes(action.table)}(LogicalName='{action.name}')")

    @_carry_out.register
    async def _(self, action: do.Publish) -> None:
        xml = f"<importexportxml><entities><entity>{action.table}</entity></entities></importexportxml>"
        await self._send("POST", "PublishXml", {"ParameterXml": xml})

    @_carry_out.register
    async def _(self, action: do.WriteWebhook) -> None:
        body: dict[str, Any] = {"url": action.url} if action.url else {}
        if action.with_key:
            body |= {
                "authtype": _HTTP_HEADER,
                "authvalue": _settings_xml(self._key.value),
                "description": describe(self._key.value, self._random_bytes(SALT_BYTES)),
            }
        if action.new:
            body |= {
                "serviceendpointid": action.id,
                "name": action.name,
                "contract": _WEBHOOK,
                "connectionmode": _NORMAL,
                "messageformat": _JSON_FORMAT,
            }
            await self._create("serviceendpoints", body, action.solution)
        else:
            await self._change(f"serviceendpoints({action.id})", body)
        self._trusting = self._trusting or action.with_key

    @_carry_out.register
    async def _(self, action: do.WriteStep) -> None:
        step = action.step
        body: dict[str, Any] = {
            "name": step.name,
            "stage": _POST_OPERATION,
            "mode": _ASYNCHRONOUS,
            "rank": 1,
            "supporteddeployment": _SERVER_ONLY,
            "asyncautodelete": True,
            "filteringattributes": ",".join(sorted(step.filtering)) or None,
            **_ENABLED,
        }
        if not action.new:
            await self._change(f"sdkmessageprocessingsteps({action.id})", body)
            return
        body |= {
            "sdkmessageprocessingstepid": action.id,
            "eventhandler_serviceendpoint@odata.bind": f"/serviceendpoints({action.webhook_id})",
            "sdkmessageid@odata.bind": f"/sdkmessages({self._messages[step.message]})",
            "sdkmessagefilterid@odata.bind": f"/sdkmessagefilters({self._filters[step.message, step.table]})",
        }
        await self._create("sdkmessageprocessingsteps", body, action.solution)

    @_carry_out.register
    async def _(self, action: do.WriteImage) -> None:
        body: dict[str, Any] = {
            "name": action.image.alias,
            "entityalias": action.image.alias,
            "imagetype": _PRE_IMAGE,
            "messagepropertyname": _TARGET,
            "attributes": ",".join(sorted(action.image.columns)),
        }
        if not action.new:
            await self._change(f"sdkmessageprocessingstepimages({action.id})", body)
            return
        body |= {
            "sdkmessageprocessingstepimageid": action.id,
            "sdkmessageprocessingstepid@odata.bind": f"/sdkmessageprocessingsteps({action.step_id})",
        }
        await self._create("sdkmessageprocessingstepimages", body)

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

    async def _language(self) -> int:
        """The environment's base language, which every label has to have."""
        rows = await self._whole_rows("organizations", "languagecode")
        language = rows[0].whole("languagecode") if rows else None
        if language is None:
            raise incomplete()
        return language


def _attributes(table: str) -> str:
    return f"EntityDefinitions(LogicalName='{table}')/Attributes"


def _attribute(column: Column) -> str:
    return f"{_attributes(column.table)}(LogicalName='{column.name}')"


def _string(column: Column) -> dict[str, Any]:
    return {
        "@odata.type": _STRING,
        "AttributeType": "String",
        "AttributeTypeName": {"Value": "StringType"},
        "FormatName": {"Value": "Text"},
        "MaxLength": column.length,
    }


def _choice(column: Column, language: int) -> dict[str, Any]:
    """A choice of its own, which stays empty until somebody chooses."""
    return {
        "@odata.type": _PICKLIST,
        "AttributeType": "Picklist",
        "AttributeTypeName": {"Value": "PicklistType"},
        "DefaultFormValue": _NOTHING_CHOSEN,
        "OptionSet": {
            "@odata.type": "Microsoft.Dynamics.CRM.OptionSetMetadata",
            "IsGlobal": False,
            "OptionSetType": "Picklist",
            "Options": [
                {"Value": value, "Label": _label(label, language)} for value, label in column.choices
            ],
        },
    }


def _option_values(row: RowColumns) -> frozenset[int]:
    """The values of a choice, its own or those of the global choice that it uses."""
    options = row.row("OptionSet") or row.row("GlobalOptionSet")
    if options is None:
        raise incomplete()
    values = {option.whole("Value") for option in options.rows("Options")}
    return frozenset(value for value in values if value is not None)


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _either(column: str, values: Sequence[str]) -> str:
    return " or ".join(f"{column} eq {_text(value)}" for value in values)


def _names(text: str) -> frozenset[str]:
    return frozenset(name.strip() for name in text.split(",") if name.strip())


def _to_image(row: RowColumns) -> FoundImage:
    return FoundImage(
        id=row.identity("sdkmessageprocessingstepimageid"),
        alias=row.text("entityalias"),
        before=(row.whole("imagetype"), row.text("messagepropertyname")) == (_PRE_IMAGE, _TARGET),
        columns=_names(row.text("attributes")),
    )


def _managed(name: str, value: str | bool) -> dict[str, Any]:  # noqa: FBT001 - a value, no switch
    """A property that a managed solution could lock."""
    return {"Value": value, "CanBeChanged": True, "ManagedPropertyLogicalName": name}


def _label(text: str, language: int) -> dict[str, Any]:
    return {
        "@odata.type": "Microsoft.Dynamics.CRM.Label",
        "LocalizedLabels": [
            {
                "@odata.type": "Microsoft.Dynamics.CRM.LocalizedLabel",
                "Label": text,
                "LanguageCode": language,
            }
        ],
    }


def _settings_xml(key: str) -> str:
    return f"<settings><setting name={quoteattr(KEY_HEADER)} value={quoteattr(key)} /></settings>"
