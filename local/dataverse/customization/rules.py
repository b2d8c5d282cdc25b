"""What Dataverse demands of its own rows before it writes or deletes them: solutions, webhooks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from local.dataverse.customization.solutions import DEFAULT_SOLUTION
from local.dataverse.errors import DataverseError, bad_request, not_implemented
from local.dataverse.tables.platform_tables import (
    ENDPOINT,
    HTTP_HEADER,
    HTTP_QUERY,
    IMAGE,
    MESSAGE,
    MESSAGE_FILTER,
    PLATFORM_ONLY,
    PUBLISHER,
    SOLUTION,
    STEP,
    WEBHOOK_CONTRACT,
    WEBHOOK_KEY,
)
from local.dataverse.webhooks.registration import attribute_names, message_property
from local.dataverse.webhooks.steps import WITHOUT_POST_IMAGE, WITHOUT_PRE_IMAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from local.dataverse.tables.columns import Table
    from local.dataverse.tables.payload import Row, Value
    from local.dataverse.tables.schema import Schema
    from local.dataverse.tables.store import Store

_PREFIX = re.compile(r"(?!mscrm)[a-z][a-z0-9]{1,7}", re.IGNORECASE)
_UNIQUE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_VERSION = re.compile(r"\d+(\.\d+){1,3}")
_POST_OPERATION = 40


class Rules:
    """Checks writes of the platform's rows; business rows pass.

    Args:
        schema: the tables in force.
        store: the rows.
    """

    def __init__(self, schema: Schema, store: Store) -> None:
        self._schema = schema
        self._store = store
        self._checks: Mapping[str, Callable[[Row], None]] = {
            PUBLISHER: self._check_publisher,
            SOLUTION: self._check_solution,
            ENDPOINT: self._check_endpoint,
            STEP: self._check_step,
            IMAGE: self._check_image,
        }

    def before_create(self, table: Table, values: Row) -> None:
        """Refuse a row that the platform would not take.

        Raises:
            DataverseError: 400, naming the column.
        """
        self._refuse_platform_only(table, "Create")
        for column in table.columns:
            if column.required and values.get(column.name) is None:
                raise bad_request(
                    f"The property '{column.name}' of '{table.logical_name}' is required.", "0x80040203"
                )
        blank: Row = {column.name: None for column in table.columns}
        self._check(table, {**blank, **values})
        if table.logical_name == ENDPOINT and values.get("authvalue") is None:
            raise bad_request("A webhook needs an authvalue.", "0x80040203")

    def before_update(self, table: Table, row: Row, values: Row) -> None:
        """Refuse a change that the platform would not take; raises as `before_create`."""
        self._refuse_platform_only(table, "Update")
        for name in ("sdkmessageid", "sdkmessageprocessingstepid"):
            if table.logical_name in (STEP, IMAGE) and values.get(name, row.get(name)) != row.get(name):
                raise bad_request(f"'{name}' of '{table.logical_name}' can't be changed.")
        self._check(table, {**row, **values})

    def before_delete(self, table: Table, row_id: str) -> None:
        """Refuse a deletion that others stand in the way of; raises as `before_create`."""
        self._refuse_platform_only(table, "Delete")
        if table.logical_name == ENDPOINT:
            steps = self._store.rows(self._schema.table(STEP)).values()
            users = sum(step["eventhandler"] == row_id for step in steps)
            if users:
                raise still_needed("ServiceEndpoint", row_id, users)
        row = self._store.find(table, row_id)
        if table.logical_name == SOLUTION and row is not None and row["uniquename"] == DEFAULT_SOLUTION:
            raise bad_request("The default solution can't be deleted.")

    def _refuse_platform_only(self, table: Table, method: str) -> None:
        if table.logical_name in PLATFORM_ONLY:
            raise bad_request(
                f"The '{method}' method does not support entities of type '{table.logical_name}'.",
                "0x80040800",
            )

    def _check(self, table: Table, row: Row) -> None:
        check = self._checks.get(table.logical_name)
        if check is not None:
            check(row)

    def _check_publisher(self, row: Row) -> None:
        if not _PREFIX.fullmatch(str(row["customizationprefix"])):
            raise bad_request(
                f"The customization prefix '{row['customizationprefix']}' must be 2 to 8 letters and digits, "
                "begin with a letter and not with mscrm.",
                "0x80043b00",
            )
        number = row["customizationoptionvalueprefix"]
        if not isinstance(number, int) or not 10_000 <= number <= 99_999:
            raise bad_request("customizationoptionvalueprefix must be between 10000 and 99999.")
        self._check_unique(PUBLISHER, row)

    def _check_solution(self, row: Row) -> None:
        if not _VERSION.fullmatch(str(row["version"])):
            raise bad_request(f"The version '{row['version']}' is no version, such as 1.0.0.0.")
        self._check_unique(SOLUTION, row)

    def _check_unique(self, name: str, row: Row) -> None:
        if not _UNIQUE_NAME.fullmatch(str(row["uniquename"])):
            raise bad_request(
                f"The unique name '{row['uniquename']}' may hold letters, digits and underscores only.",
                "0x80048437",
            )
        table = self._schema.table(name)
        for row_id, other in self._store.rows(table).items():
            same = str(other["uniquename"]).casefold() == str(row["uniquename"]).casefold()
            if same and row_id != row[table.primary_id]:
                raise bad_request(f"There is a {name} named '{row['uniquename']}' already.", "0x80048420")

    def _check_endpoint(self, row: Row) -> None:
        if row["contract"] != WEBHOOK_CONTRACT:
            raise not_implemented("service endpoints that are no webhooks")
        if row["authtype"] not in (WEBHOOK_KEY, HTTP_HEADER, HTTP_QUERY):
            raise bad_request("The authtype of a webhook must be 4, 5 or 6.", "0x80040203")
        # For real only ports 80 and 443 work; here endpoints live on free ports of this machine.
        parts = urlsplit(str(row["url"] or ""))
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise bad_request("The url of a webhook must be an absolute HTTP address.", "0x80040203")

    def _check_step(self, row: Row) -> None:
        if row["mode"] == 0:
            raise not_implemented("synchronous steps")
        if row["stage"] != _POST_OPERATION:
            raise bad_request(
                "An asynchronous step must be registered in stage 40 (post-operation).", "0x80044184"
            )
        if row["statuscode"] is not None and row["statuscode"] != (2 if row["statecode"] else 1):
            raise bad_request(f"{row['statuscode']} is not a valid status code for state {row['statecode']}.")
        message, table = self._occasion(row)
        names = attribute_names(row["filteringattributes"])
        if names and message != "Update":
            raise bad_request("Filtering attributes are for Update only.", "0x80040203")
        self._check_attributes(table, names)

    def _check_image(self, row: Row) -> None:
        step = self._store.get(self._schema.table(STEP), str(row["sdkmessageprocessingstepid"]))
        message, table = self._occasion(step)
        kind = row["imagetype"]
        no_pre, no_post = message in WITHOUT_PRE_IMAGE, message in WITHOUT_POST_IMAGE
        if (no_pre and kind != 1) or (no_post and kind != 0):
            which = "pre" if no_pre else "post"
            raise bad_request(f"There is no {which}-image on {message}.", "0x80044168")
        if row["messagepropertyname"] != message_property(message):
            raise bad_request(
                f"Message property name '{row['messagepropertyname']}' is not valid on message {message}.",
                "0x80044181",
            )
        self._check_attributes(table, attribute_names(row["attributes"]))

    def _occasion(self, step: Mapping[str, Value]) -> tuple[str, Table | None]:
        """A step's message and its table, if it is for one table."""
        message = self._store.get(self._schema.table(MESSAGE), str(step["sdkmessageid"]))
        if step["sdkmessagefilterid"] is None:
            return str(message["name"]), None
        found: Mapping[str, Any] = self._store.get(
            self._schema.table(MESSAGE_FILTER), str(step["sdkmessagefilterid"])
        )
        if found["sdkmessageid"] != step["sdkmessageid"]:
            raise bad_request("The sdkmessagefilter is not one of the sdkmessage's.", "0x80044172")
        return str(message["name"]), self._schema.table(str(found["primaryobjecttypecode"]))

    def _check_attributes(self, table: Table | None, names: frozenset[str]) -> None:
        unknown = sorted(names - set(table.by_name)) if table else []
        if table and unknown:
            raise bad_request(
                f"'{table.logical_name}' entity doesn't contain attribute with Name = '{unknown[0]}' "
                "(logical names, lower case).",
                "0x80041103",
            )


def still_needed(kind: str, row_id: str, users: int) -> DataverseError:
    """400: other components depend on this one."""
    return bad_request(
        f"The {kind}({row_id}) component cannot be deleted because it is referenced by {users} other "
        "components.",
        "0x8004f01f",
    )
