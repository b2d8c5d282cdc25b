"""Registered webhooks as rows: endpoints, steps and images, and what they mean for the next change.

Whatever writes these rows, be it the Web API, the control plane or a deletion, the dispatcher goes by them
from then on. A webhook's key is XML, `<settings><setting name="x-functions-key" value="..."/></settings>`,
but for the type `WebhookKey`, whose value travels as `?code=`.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from local.dataverse.tables.columns import CHOICE_KINDS
from local.dataverse.tables.platform_tables import (
    ENDPOINT,
    HTTP_HEADER,
    HTTP_QUERY,
    IMAGE,
    MESSAGE,
    MESSAGE_FILTER,
    STEP,
    WEBHOOK_CONTRACT,
    WEBHOOK_KEY,
)
from local.dataverse.webhooks.context import Image
from local.dataverse.webhooks.steps import MESSAGES, Step, Webhook, takes_message

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from local.dataverse.tables.columns import Table
    from local.dataverse.tables.payload import Row
    from local.dataverse.tables.schema import Schema
    from local.dataverse.tables.store import Store

REGISTRATION_TABLES = frozenset({ENDPOINT, STEP, IMAGE})
BROKEN_KEY = "Webhook invocation failed because of invalid authValue."

_NAMESPACE = uuid.UUID("7f0b3a52-1d0d-4a0c-8d5f-0d5d7a3c9e01")
_PLACES = {WEBHOOK_KEY: "query", HTTP_HEADER: "header", HTTP_QUERY: "query"}


class Registration:
    """Keeps the dispatcher's list of webhooks equal to the rows.

    Args:
        schema: the tables in force.
        store: the rows; it is watched.
        webhooks: the dispatcher's list, changed in place.
        user_id: whose rows those are that `seed` and `replace` write.
    """

    def __init__(self, schema: Schema, store: Store, webhooks: list[Webhook], user_id: str) -> None:
        self._schema = schema
        self._store = store
        self._webhooks = webhooks
        self._user_id = user_id
        store.watch(self._written)

    def seed(self) -> None:
        """The messages, and which tables steps may be registered for."""
        messages = {name: self._create(MESSAGE, {"name": name}, name) for name in MESSAGES}
        for table in self._schema.tables:
            if not _takes_steps(table):
                continue
            for name, message_id in messages.items():
                if not takes_message(table, name):
                    continue
                row: Row = {
                    "name": f"{name} of {table.logical_name}",
                    "primaryobjecttypecode": table.logical_name,
                    "iscustomprocessingstepallowed": True,
                    "sdkmessageid": message_id,
                }
                self._create(MESSAGE_FILTER, row, f"{name}/{table.logical_name}")

    def replace(self, webhooks: Iterable[Webhook]) -> None:
        """Remove every endpoint and step, and write rows that mean these webhooks."""
        for name in (IMAGE, STEP, ENDPOINT):
            table = self._schema.table(name)
            for row_id in list(self._store.rows(table)):
                self._store.delete(table, row_id, self._user_id)
        for number, webhook in enumerate(webhooks, 1):
            endpoint_id = self._create(
                ENDPOINT,
                {
                    "name": f"Webhook {number}",
                    "url": webhook.url,
                    "contract": WEBHOOK_CONTRACT,
                    "connectionmode": 1,
                    "authtype": HTTP_HEADER if webhook.auth_place == "header" else HTTP_QUERY,
                    "authvalue": write_settings(dict(webhook.auth)),
                },
            )
            for step in webhook.steps:
                self._create_step(endpoint_id, step)

    def refresh(self) -> None:
        """Read the rows again."""
        self._webhooks[:] = [
            self._webhook(row_id, row)
            for row_id, row in self._rows(ENDPOINT)
            if row["contract"] == WEBHOOK_CONTRACT
        ]

    def uses(self, table: str, column: str) -> bool:
        """Whether a step or an image names this column."""
        for step_id, step in self._rows(STEP):
            if self._filter(step).get("primaryobjecttypecode") != table:
                continue
            images = (row for _id, row in self._rows(IMAGE) if row["sdkmessageprocessingstepid"] == step_id)
            lists = [step["filteringattributes"], *(image["attributes"] for image in images)]
            if any(column in attribute_names(each) for each in lists):
                return True
        return False

    def _written(self, table: Table) -> None:
        if table.logical_name in REGISTRATION_TABLES:
            self.refresh()

    def _rows(self, name: str) -> list[tuple[str, Row]]:
        return list(self._store.rows(self._schema.table(name)).items())

    def _webhook(self, endpoint_id: str, row: Row) -> Webhook:
        kind = row["authtype"]
        settings = read_settings(str(row["authvalue"] or ""), int(kind or 0))
        steps = tuple(
            self._step(step_id, step)
            for step_id, step in self._rows(STEP)
            if step["eventhandler"] == endpoint_id and step["statecode"] == 0
        )
        return Webhook(
            url=str(row["url"]),
            auth_place="header" if _PLACES.get(int(kind or 0)) == "header" else "query",
            auth=tuple((settings or {}).items()),
            steps=steps,
            trouble=BROKEN_KEY if settings is None else "",
        )

    def _step(self, step_id: str, row: Row) -> Step:
        message = self._store.get(self._schema.table(MESSAGE), str(row["sdkmessageid"]))
        images = tuple(
            Image(str(image["entityalias"]), post, attribute_names(image["attributes"]))
            for _id, image in self._rows(IMAGE)
            if image["sdkmessageprocessingstepid"] == step_id
            for post in _sides(image["imagetype"])
        )
        return Step(
            message=str(message["name"]),
            table=str(self._filter(row).get("primaryobjecttypecode") or ""),
            filtering=attribute_names(row["filteringattributes"]),
            images=images,
            step_id=step_id,
            name=str(row["name"] or ""),
            keeps_jobs=not row["asyncautodelete"],
        )

    def _filter(self, step: Row) -> Mapping[str, object]:
        """The row that names a step's table; empty for a step on every table."""
        filter_id = step["sdkmessagefilterid"]
        return (
            {} if filter_id is None else self._store.get(self._schema.table(MESSAGE_FILTER), str(filter_id))
        )

    def _create_step(self, endpoint_id: str, step: Step) -> None:
        step_id = self._create(
            STEP,
            {
                "sdkmessageprocessingstepid": step.step_id,
                "name": f"{step.message} of {step.table}",
                "stage": 40,
                "mode": 1,
                "rank": 1,
                "supporteddeployment": 0,
                "asyncautodelete": not step.keeps_jobs,
                "filteringattributes": ",".join(sorted(step.filtering)) or None,
                "sdkmessageid": _id(MESSAGE, step.message),
                "sdkmessagefilterid": _id(MESSAGE_FILTER, f"{step.message}/{step.table}"),
                "eventhandler": endpoint_id,
            },
        )
        for image in step.images:
            row: Row = {
                "name": image.alias,
                "entityalias": image.alias,
                "imagetype": 1 if image.post else 0,
                "messagepropertyname": message_property(step.message),
                "attributes": ",".join(sorted(image.attributes)) or None,
                "sdkmessageprocessingstepid": step_id,
            }
            self._create(IMAGE, row)

    def _create(self, name: str, values: Row, seed: str = "") -> str:
        table = self._schema.table(name)
        fixed: Row = {table.primary_id: _id(name, seed)} if seed else {}
        return self._store.create(table, {**fixed, **values}, self._user_id).row_id


def message_property(message: str) -> str:
    """The request's property that images of a message are taken of."""
    return "Id" if message == "Create" else "Target"


def attribute_names(text: object) -> frozenset[str]:
    """A comma-separated list of logical names."""
    return frozenset(name.strip() for name in str(text or "").split(",") if name.strip())


def read_settings(value: str, kind: int) -> dict[str, str] | None:
    """A key as names and values; None when it can't be understood."""
    if kind == WEBHOOK_KEY:
        return {"code": value} if value else None
    try:
        root = ET.fromstring(value)  # noqa: S314 - written by our own tests and tools
    except ET.ParseError:
        return None
    pairs = [(entry.get("name"), entry.get("value")) for entry in root]
    if root.tag != "settings" or any(entry.tag != "setting" for entry in root):
        return None
    settings = {name: text for name, text in pairs if name and text is not None}
    return settings if len(settings) == len(pairs) > 0 else None


def write_settings(settings: Mapping[str, str]) -> str:
    """The XML of a key."""
    root = ET.Element("settings")
    for name, value in settings.items():
        ET.SubElement(root, "setting", name=name, value=value)
    return ET.tostring(root, encoding="unicode")


def _takes_steps(table: Table) -> bool:
    """Whether a table is one of the business's, not of the platform's own."""
    return any(column.name == "statecode" and column.kind in CHOICE_KINDS for column in table.columns) and (
        table.logical_name not in (STEP, "asyncoperation")
    )


def _sides(image_type: object) -> tuple[bool, ...]:
    """Whether an image is of before (False) or after the change (True), or of both."""
    return {0: (False,), 1: (True,)}.get(int(str(image_type)), (False, True))


def _id(table: str, seed: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, f"{table}/{seed}"))
