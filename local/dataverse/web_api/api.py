"""One Web API operation, whether it came as a request of its own or as a part of a batch."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from local.dataverse.calls import Answer, Call, Identity, allow_options, preferences, split_options
from local.dataverse.customization import metadata
from local.dataverse.customization.forms import LAYERED
from local.dataverse.customization.platform import ACTIONS, Platform
from local.dataverse.errors import (
    DataverseError,
    access_denied,
    bad_request,
    concurrency_not_enabled,
    duplicate_key,
    no_resource,
    not_implemented,
    version_mismatch,
)
from local.dataverse.plugins import Plugins
from local.dataverse.tables.payload import API_PATH, GUID, read_body, read_restored
from local.dataverse.tables.schema import BOOKING
from local.dataverse.web_api import odata
from local.dataverse.web_api.formatted import ANNOTATION

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from local.dataverse.config import Config
    from local.dataverse.tables.columns import Table
    from local.dataverse.tables.payload import Row
    from local.dataverse.tables.schema import Schema
    from local.dataverse.tables.store import Change, Store

_RESOURCE = re.compile(r"(?P<set>\w+)(?:\((?P<key>[^()]*)\))?")
_APPLIED = f'odata.include-annotations="{ANNOTATION}"'
_ETAG = re.compile(r'W/"(\d+)"')
RESTORE = "Restore"
UNPUBLISHED = "/Microsoft.Dynamics.CRM.RetrieveUnpublishedMultiple()"
_FUNCTIONS = ("WhoAmI", "WhoAmI()")


class WebApi:
    """Carries out calls against the store and tells a listener what they changed.

    Args:
        schema: the tables in force.
        store: the rows.
        config: the knobs.
        identity: for WhoAmI.
        changed: called with the changes of each write, after it.
    """

    def __init__(
        self,
        schema: Schema,
        store: Store,
        config: Config,
        identity: Identity,
        changed: Callable[[Sequence[Change], Call], None],
    ) -> None:
        self._schema = schema
        self._store = store
        self._config = config
        self._identity = identity
        self._changed = changed
        self._pager = odata.Pager()
        self.plugins = Plugins(store, config)
        self.platform = Platform(schema, store, config, identity)

    def execute(self, call: Call) -> Answer:
        """Carry out one call; refusals become answers."""
        try:
            return self._execute(call)
        except DataverseError as error:
            return Answer(error.status, error.body, error.headers)

    def _execute(self, call: Call) -> Answer:
        _check_versions(call)
        if call.path in _FUNCTIONS:
            return self._who_am_i(call)
        if call.path in (*ACTIONS, RESTORE):
            return self._act(call)
        privileges = self.platform.user_privileges(call.path)
        if privileges is not None:
            _require_method(call, "GET")
            return Answer(200, privileges)
        if metadata.is_metadata(call.path):
            return self._metadata(call)
        return self.platform.roles.serve(call, lambda: _json(call)) or self._rows(call)

    def _rows(self, call: Call) -> Answer:
        match = _RESOURCE.fullmatch(call.path.removesuffix(UNPUBLISHED))
        if match is None:
            raise not_implemented(f"the address '{call.path}'")
        table = self._schema.entity_set(match["set"])
        if call.path.endswith(UNPUBLISHED):
            _require_method(call, "GET")
            if table.logical_name not in LAYERED or match["key"] is not None:
                raise no_resource(UNPUBLISHED)
            return self._list(call, table, published=False)
        if match["key"] is None:
            _require_method(call, "GET", "POST")
            return self._list(call, table) if call.method == "GET" else self._create(call, table)
        return self._row(call, table, _row_id(match["key"]))

    def _row(self, call: Call, table: Table, row_id: str) -> Answer:
        _require_method(call, "GET", "PATCH", "DELETE")
        if row_id in self._hidden(table) and self._store.find(table, row_id) is not None:
            raise access_denied(row_id)
        if call.method == "GET":
            return self._get(call, table, row_id)
        if call.method == "PATCH":
            return self._patch(call, table, row_id)
        return self._delete(call, table, row_id)

    def _hidden(self, table: Table) -> Sequence[str]:
        """The rows of a table that the application user may not read."""
        return self._config.hidden_bookings if table.logical_name == BOOKING else ()

    def _require_reading(self, shape: odata.Shape, call: Call) -> None:
        """Refuse to follow a lookup to a table that the user may not read; raises DataverseError."""
        for table in shape.tables:
            self.platform.privileges.require("Read", table, call.user_id)

    def _rendering(self, call: Call) -> odata.Rendering:
        hidden = frozenset(self._config.hidden_rows)
        return odata.Rendering(self._store, self._schema, _wants_formatted(call), hidden)

    def _who_am_i(self, call: Call) -> Answer:
        _require_method(call, "GET")
        return Answer(
            200,
            {
                "@odata.context": f"{call.base_url}{API_PATH}$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse",
                "BusinessUnitId": self._identity.business_unit_id,
                "UserId": call.user_id,
                "OrganizationId": self._identity.organization_id,
            },
        )

    def _metadata(self, call: Call) -> Answer:
        _require_method(call, "GET", "POST", "PUT", "DELETE")
        if call.method == "GET":
            return Answer(200, self.platform.read_definition(call))
        if call.method == "POST":
            made = self.platform.create_column(call, _json(call))
            return Answer(204, None, {"OData-EntityId": f"{call.base_url}{API_PATH}{call.path}({made})"})
        if call.method == "PUT":
            self.platform.change_column(call, _json(call))
        else:
            self.platform.delete_column(call)
        return Answer(204)

    def _act(self, call: Call) -> Answer:
        _require_method(call, "POST")
        if call.path == RESTORE:
            return self._restore(call)
        done = self.platform.act(call, _json(call) if call.body else None)
        return Answer(204) if done is None else Answer(200, done)

    def _restore(self, call: Call) -> Answer:
        table, values = read_restored(self._schema, _json(call), call.base_url)
        self.platform.privileges.require("Create", table, call.user_id)
        changes = self.bring_back(table, values, call.user_id)
        self._changed(changes, call)
        return Answer(200, {"id": changes[0].row_id})

    def bring_back(self, table: Table, values: Row, user_id: str) -> list[Change]:
        """Restore a row from the recycle bin; the changes that it raises, as the knobs say.

        Raises:
            DataverseError: it can't be restored.
        """
        now = self._config.restored_modifiedon == "now"
        restored = self._store.restore(table, values, user_id, modified_now=now)
        created = replace(restored, message="Create", target=dict(restored.after or {}))
        return {
            "restore": [restored],
            "restore_and_create": [restored, created],
            "create": [created],
        }[self._config.restore_raises]

    def _list(self, call: Call, table: Table, *, published: bool = True) -> Answer:
        self.platform.privileges.require("Read", table, call.user_id)
        query = odata.parse_query(self._schema, table, call.raw_query)
        self._require_reading(query.shape, call)
        page_size, applied = _page_size(call)
        page = self._pager.run(self._store, query, page_size, frozenset(self._hidden(table)))
        body: dict[str, Any] = {"@odata.context": f"{call.base_url}{API_PATH}$metadata#{table.entity_set}"}
        if query.count:
            body["@odata.count"] = min(page.total, odata.MAX_PAGE)
        rendering = self._rendering(call)
        if rendering.annotated:
            applied["Preference-Applied"] = ",".join(
                filter(None, (applied.get("Preference-Applied"), _APPLIED))
            )
        rows = page.rows
        if published:
            seen = (self.platform.forms.published(table, row) for row in rows)
            rows = [row for row in seen if row is not None]
        body["value"] = [rendering.row(query.shape, row) for row in rows]
        if page.continuation is not None:
            kept = [
                piece for piece in call.raw_query.split("&") if piece and not piece.startswith("$skiptoken=")
            ]
            link = "&".join([*kept, f"$skiptoken={page.continuation}"])
            body["@odata.nextLink"] = f"{call.base_url}{API_PATH}{call.path}?{link}"
        return Answer(200, body, applied)

    def _get(self, call: Call, table: Table, row_id: str) -> Answer:
        self.platform.privileges.require("Read", table, call.user_id)
        shape = odata.parse_single(self._schema, table, call.raw_query)
        self._require_reading(shape, call)
        row = self._store.get(table, row_id)
        if call.headers.get("if-none-match") == odata.etag(row):
            return Answer(304)
        return self._shown(200, call, shape, row_id)

    def _create(self, call: Call, table: Table) -> Answer:
        shape = self._write_shape(call, table)
        values = read_body(self._schema, table, _json(call), call.base_url)
        return self._written(201, call, [self._add(call, table, values)], shape)

    def _patch(self, call: Call, table: Table, row_id: str) -> Answer:
        shape = self._write_shape(call, table)
        values = read_body(self._schema, table, _json(call), call.base_url)
        if self._is_upsert(call, table, row_id):
            values[table.primary_id] = row_id
            return self._written(201, call, [self._add(call, table, values)], shape)
        self.platform.before_update(call, table, row_id, values)
        changes = self.plugins.update(table, row_id, values, call.user_id)
        return self._written(200, call, changes, shape)

    def _add(self, call: Call, table: Table, values: Row) -> Change:
        self.platform.before_create(call, table, values)
        change = self._store.create(table, values, call.user_id)
        self.platform.after_create(call, table, change.row_id)
        return change

    def _is_upsert(self, call: Call, table: Table, row_id: str) -> bool:
        """Whether this PATCH makes a row; refuses it where its conditions do not hold."""
        exists = self._store.find(table, row_id) is not None
        if "if-match" in call.headers:
            self._check_match(call, table, row_id)
        only_new = call.headers.get("if-none-match")
        if only_new not in (None, "*"):
            raise bad_request("If-None-Match of a PATCH must be *.")
        if only_new is not None and exists:
            raise duplicate_key()
        return not exists

    def _check_match(self, call: Call, table: Table, row_id: str) -> None:
        expected = call.headers["if-match"]
        if expected != "*" and not _ETAG.fullmatch(expected):
            raise bad_request(f"The If-Match header '{expected}' is no etag of the form W/\"number\".")
        row = self._store.get(table, row_id)
        if expected == "*":
            return
        if table.logical_name in self._config.without_optimistic_concurrency:
            raise concurrency_not_enabled(table.logical_name)
        if expected != odata.etag(row):
            raise version_mismatch()

    def _delete(self, call: Call, table: Table, row_id: str) -> Answer:
        allow_options(split_options(call.raw_query), frozenset({"tag"}))
        if "if-match" in call.headers:
            self._check_match(call, table, row_id)
        self.platform.before_delete(call, table, row_id)
        changes = self._store.delete(table, row_id, call.user_id)
        self.platform.after_delete(call, table, row_id)
        self._changed(changes, call)
        return Answer(204)

    def _write_shape(self, call: Call, table: Table) -> odata.Shape | None:
        """What a write is to show of its row; None for nothing."""
        options = split_options(call.raw_query)
        allow_options(options, frozenset({"tag", "$select", "$expand"}))
        wanted = preferences(call.headers).get("return") == "representation"
        shape = odata.parse_shape(self._schema, table, options)
        return shape if wanted else None

    def _written(
        self, status: int, call: Call, changes: Sequence[Change], shape: odata.Shape | None
    ) -> Answer:
        self._changed(changes, call)
        row_id = changes[0].row_id
        if shape is not None:
            return self._shown(status, call, shape, row_id)
        entity_set = changes[0].table.entity_set
        return Answer(204, None, {"OData-EntityId": f"{call.base_url}{API_PATH}{entity_set}({row_id})"})

    def _shown(self, status: int, call: Call, shape: odata.Shape, row_id: str) -> Answer:
        row = self._store.get(shape.table, row_id)
        context = f"{call.base_url}{API_PATH}$metadata#{shape.table.entity_set}/$entity"
        body = {"@odata.context": context, **self._rendering(call).row(shape, row)}
        return Answer(status, body, {"ETag": odata.etag(row)})


def _wants_formatted(call: Call) -> bool:
    """Whether the answer carries what the service makes of values; no other annotation is known here."""
    wanted = preferences(call.headers).get("odata.include-annotations")
    if wanted not in (None, "*", ANNOTATION):
        raise not_implemented(f"the annotations '{wanted}'")
    return wanted is not None


def _page_size(call: Call) -> tuple[int, dict[str, str]]:
    wanted = preferences(call.headers).get("odata.maxpagesize")
    if wanted is None:
        return odata.MAX_PAGE, {}
    if not wanted.isdecimal() or int(wanted) == 0:
        raise bad_request(f"Invalid value '{wanted}' for odata.maxpagesize.")
    size = min(int(wanted), odata.MAX_PAGE)
    return size, {"Preference-Applied": f"odata.maxpagesize={size}"}


def _check_versions(call: Call) -> None:
    for name in ("odata-version", "odata-maxversion"):
        if call.headers.get(name, "4.0") not in ("4.0", "4.01"):
            raise bad_request(f"The {name} '{call.headers[name]}' is not supported; use 4.0.")


def _require_method(call: Call, *methods: str) -> None:
    if call.method not in methods:
        raise DataverseError(405, "0x80060888", f"The method {call.method} is not allowed on '{call.path}'.")


def _row_id(key: str) -> str:
    if "=" in key:
        raise not_implemented("alternate keys")
    if not GUID.fullmatch(key):
        raise bad_request(f"Error in parsing the key '{key}': a guid without quotes is expected.")
    return key.lower()


def _json(call: Call) -> Any:
    kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise DataverseError(
            415, "0x80060888", f"The content type '{kind}' is not supported; application/json is required."
        )
    try:
        return json.loads(call.body)
    except ValueError:
        raise bad_request("The request body is no JSON.", "0x80048d19") from None
