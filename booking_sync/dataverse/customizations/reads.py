"""Reads solution, columns, webhook and steps as they are in an environment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from booking_sync.dataverse.customizations.bodies import (
    ASYNCHRONOUS,
    DATE_TIME,
    HTTP_HEADER,
    PICKLIST,
    POST_OPERATION,
    PRE_IMAGE,
    SERVER_ONLY,
    STRING,
    TARGET,
    USER_LOCAL,
    WEBHOOK,
)
from booking_sync.dataverse.customizations.rows import attributes, either, filtered, literal, names, whole
from booking_sync.dataverse.customizations.webhook_key import has_key
from booking_sync.dataverse.web_api.errors import incomplete
from booking_sync.ports.dataverse.customizations import (
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
    from collections.abc import Mapping, Sequence

    from booking_sync.dataverse.customizations.webhook_key import WebhookKey
    from booking_sync.dataverse.rows.row_columns import RowColumns
    from booking_sync.dataverse.web_api.client import DataverseClient
    from booking_sync.ports.dataverse.customizations import Column, DesiredCustomizations, Occasion


@dataclass(slots=True)
class Occasions:
    """Ids of Dataverse's messages, which steps are registered by."""

    messages: dict[str, str] = field(default_factory=dict)
    filters: dict[Occasion, str] = field(default_factory=dict)


@dataclass(slots=True)
class KeyJudge:
    """The key that the webhook is to have, and whether it has it."""

    key: WebhookKey
    trusting: bool
    """Whether what the webhook's description says of its key counts; it does once the key was written."""

    def judge(self, description: str, *, uses_header: bool) -> KeyState:
        """Whether the webhook with this description has our key."""
        if not self.key.value:
            return KeyState.NOT_GIVEN
        same = self.trusting and uses_header and has_key(description, self.key.value)
        return KeyState.SAME if same else KeyState.OTHER


class CustomizationReads:
    """What there is, but for what dispatchers see.

    Args:
        client: of the environment.
        key: tells whether the webhook has it.
    """

    def __init__(self, client: DataverseClient, key: KeyJudge) -> None:
        self._client = client
        self._key = key
        self.occasions = Occasions()

    async def read(self, desired: DesiredCustomizations) -> tuple[FoundCustomizations, frozenset[str]]:
        """What there is of what is desired, and the ids of all that is in the solution.

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
        found = FoundCustomizations(
            publisher=await self._read_publisher(desired, solution),
            solution=solution,
            columns=await self._read_columns(desired, components),
            webhook=None if webhook is None else self._to_webhook(webhook, components),
            steps=await self._read_steps(own_id, components) if own_id else (),
            possible=frozenset(self.occasions.filters),
            twins=tuple(
                row.text("name")
                for row in webhooks
                if address and row.text("url") == address and row.identity("serviceendpointid") != own_id
            ),
        )
        return found, components

    async def _rows(self, path: str, select: str, condition: str) -> list[RowColumns]:
        return await filtered(self._client, path, select, condition)

    async def _read_occasions(self, desired: DesiredCustomizations) -> None:
        """The ids of the messages, and of their filters for the tables that steps are for."""
        messages = await self._rows("sdkmessages", "name", either("name", sorted(Message)))
        self.occasions.messages = {row.text("name"): row.identity("sdkmessageid") for row in messages}
        by_id = {message_id: name for name, message_id in self.occasions.messages.items()}
        tables = either("primaryobjecttypecode", sorted({step.table for step in desired.steps}))
        select = "primaryobjecttypecode,_sdkmessageid_value"
        filters = await self._rows("sdkmessagefilters", select, tables)
        self.occasions.filters = {
            (by_id[message_id], row.text("primaryobjecttypecode")): row.identity("sdkmessagefilterid")
            for row in filters
            if (message_id := row.text("_sdkmessageid_value").lower()) in by_id
        }

    async def _read_publisher(
        self, desired: DesiredCustomizations, solution: FoundSolution | None
    ) -> FoundPublisher | None:
        condition = f"customizationprefix eq {literal(desired.prefix)}"
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
        solutions = await filtered(
            self._client, "solutions", "uniquename", f"_publisherid_value eq {publisher_id}"
        )
        others = sum(row.text("uniquename") != desired.solution for row in solutions)
        return FoundPublisher(publisher_id, chosen.text("uniquename"), others)

    async def _read_solution(
        self, desired: DesiredCustomizations
    ) -> tuple[FoundSolution | None, frozenset[str]]:
        """The solution and the ids of what is in it."""
        select = "ismanaged,_publisherid_value"
        rows = await self._rows("solutions", select, f"uniquename eq {literal(desired.solution)}")
        if not rows:
            return None, frozenset()
        solution_id = rows[0].identity("solutionid")
        publisher_id = rows[0].text("_publisherid_value").lower()
        found = FoundSolution(solution_id, rows[0].flag("ismanaged"), publisher_id)
        components = await filtered(
            self._client, "solutioncomponents", "objectid", f"_solutionid_value eq {solution_id}"
        )
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
        place = attributes(table)
        everything = await whole(self._client, place, "LogicalName,MetadataId")
        texts = await whole(self._client, f"{place}/{STRING}", "LogicalName,MaxLength")
        lengths = {row.text("LogicalName"): row.whole("MaxLength") for row in texts}
        choices = await self._read_choices(table) if any(each.choices for each in wanted.values()) else {}
        moments = await self._read_moments(table) if any(each.moment for each in wanted.values()) else ()
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
                    name in moments,
                )
        return found

    async def _read_moments(self, table: str) -> frozenset[str]:
        """The columns of date and time that are kept in UTC."""
        rows = await whole(self._client, f"{attributes(table)}/{DATE_TIME}", "LogicalName,DateTimeBehavior")
        behaviors = ((row.text("LogicalName"), row.row("DateTimeBehavior")) for row in rows)
        return frozenset(name for name, how in behaviors if how and how.text("Value") == USER_LOCAL)

    async def _read_choices(self, table: str) -> dict[str, frozenset[int]]:
        """By choice column: the values that it may hold; of global choices, too."""
        options = "&$expand=OptionSet($select=Options),GlobalOptionSet($select=Options)"
        rows = await whole(self._client, f"{attributes(table)}/{PICKLIST}", "LogicalName", options)
        return {row.text("LogicalName"): _option_values(row) for row in rows}

    async def _read_webhooks(self) -> list[RowColumns]:
        return await filtered(
            self._client, "serviceendpoints", "name,url,authtype,description", f"contract eq {WEBHOOK}"
        )

    def _to_webhook(self, row: RowColumns, components: frozenset[str]) -> FoundWebhook:
        webhook_id = row.identity("serviceendpointid")
        uses_header = row.whole("authtype") == HTTP_HEADER
        key = self._key.judge(row.text("description"), uses_header=uses_header)
        return FoundWebhook(webhook_id, row.text("url"), uses_header, key, webhook_id in components)

    async def _read_steps(self, webhook_id: str, components: frozenset[str]) -> tuple[FoundStep, ...]:
        select = (
            "name,stage,mode,asyncautodelete,supporteddeployment,statecode,filteringattributes,"
            "_sdkmessageid_value,_sdkmessagefilterid_value"
        )
        rows = await filtered(
            self._client, "sdkmessageprocessingsteps", select, f"_eventhandler_value eq {webhook_id}"
        )
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
            proper=(row.whole("stage"), row.whole("mode")) == (POST_OPERATION, ASYNCHRONOUS)
            and row.flag("asyncautodelete")
            and row.whole("supporteddeployment") in (None, SERVER_ONLY),
            enabled=row.whole("statecode") == 0,
            filtering=names(row.text("filteringattributes")),
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
        found = (occasion for occasion, each in self.occasions.filters.items() if each == filter_id)
        return next(found, ("", ""))


def _option_values(row: RowColumns) -> frozenset[int]:
    """The values of a choice, its own or those of the global choice that it uses."""
    options = row.row("OptionSet") or row.row("GlobalOptionSet")
    if options is None:
        raise incomplete()
    values = {option.whole("Value") for option in options.rows("Options")}
    return frozenset(value for value in values if value is not None)


def _to_image(row: RowColumns) -> FoundImage:
    return FoundImage(
        id=row.identity("sdkmessageprocessingstepimageid"),
        alias=row.text("entityalias"),
        before=(row.whole("imagetype"), row.text("messagepropertyname")) == (PRE_IMAGE, TARGET),
        columns=names(row.text("attributes")),
    )
