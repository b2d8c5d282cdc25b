"""The columns that webhooks are registered for are those that events hang on."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from booking_sync.dataverse.queries import booking_rows, booking_shape
from booking_sync.domain.environment.columns import NO_RESOURCE_COLUMNS, ResourceColumns, SupportColumns
from booking_sync.domain.environment.watched import (
    BOOKING_ATTRIBUTES,
    RELATED_ATTRIBUTES,
    RelatedTable,
    is_watched,
    related_attributes,
    watched_attributes,
)
from booking_sync.domain.events.event_text.columns import ColumnKind, EventColumn, Hop
from local.stack import RELATED_COLUMNS, WATCHED_COLUMNS
from tests.support.bookings import BOOKING_ID


def _logical(column: str) -> str:
    """A lookup is read by another name than it is watched by."""
    return column.removeprefix("_").removesuffix("_value")


def test_whatever_is_read_of_a_work_order_is_watched() -> None:
    """A column that an event may show and nobody watches would leave events stale until the audit."""
    options = dict(parse_qsl(urlsplit(booking_rows([BOOKING_ID], booking_shape(SupportColumns()))).query))
    order = options["$expand"].split("msdyn_workorder($select=")[1]
    columns, expanded = order.split(";$expand=")
    account = expanded.split("(")[0]
    assert sorted([*map(_logical, columns.split(",")), account]) == sorted(
        RELATED_ATTRIBUTES[RelatedTable.WORK_ORDER]
    )


def test_whatever_is_read_of_a_resource_is_watched() -> None:
    """The same of resources, whose user is read by its lookup."""
    for names in (ResourceColumns(), ResourceColumns("bsync_takespart", "bsync_mailbox")):
        path = booking_rows([BOOKING_ID], booking_shape(SupportColumns(), names))
        options = dict(parse_qsl(urlsplit(path).query))
        columns = options["$expand"].split("Resource($select=")[1].split(";")[0].split(",")
        assert set(map(_logical, columns)) == set(related_attributes(names)[RelatedTable.RESOURCE])


def test_our_own_columns_are_not_watched() -> None:
    """A record of ours would raise a webhook, and that another round."""
    assert not [name for name in BOOKING_ATTRIBUTES if name.startswith("bsync_")]


def test_the_local_stack_registers_what_the_product_watches() -> None:
    """The local stack can't import the product, so its lists are compared with the product's."""
    names = ResourceColumns("bsync_takespart", "bsync_mailbox")
    assert WATCHED_COLUMNS.split(",") == list(BOOKING_ATTRIBUTES)
    related = {table.value: list(columns) for table, columns in related_attributes(names).items()}
    assert {table: columns.split(",") for table, columns in RELATED_COLUMNS.items()} == related


def test_what_an_event_file_names_is_watched_where_a_webhook_can_tell() -> None:
    """Columns of the booking, its work order and its resource, and lookups on the way to others."""
    order, need = Hop("msdyn_workorder", "msdyn_workorder"), Hop("cr_Need", "cr_need")
    contact, resource = Hop("msdyn_reportedbycontact", "cr_contact"), Hop("Resource", "resource")
    columns = [
        EventColumn("a", (), "cr_own", ColumnKind.TEXT),
        EventColumn("b", (order,), "cr_access", ColumnKind.CHOICE),
        EventColumn("c", (order, contact), "telephone1", ColumnKind.TEXT),
        EventColumn("d", (resource,), "name", ColumnKind.TEXT),
        EventColumn("e", (need,), "cr_name", ColumnKind.TEXT),
    ]
    watched = watched_attributes(NO_RESOURCE_COLUMNS, columns)
    plain = watched_attributes(NO_RESOURCE_COLUMNS, ())
    assert watched["bookableresourcebooking"] - plain["bookableresourcebooking"] == {"cr_own", "cr_need"}
    assert watched["msdyn_workorder"] - plain["msdyn_workorder"] == {"cr_access", "cr_contact"}
    assert watched["bookableresource"] - plain["bookableresource"] == {"name"}
    assert [each.name for each in columns if is_watched(each)] == ["a", "b", "d"]
