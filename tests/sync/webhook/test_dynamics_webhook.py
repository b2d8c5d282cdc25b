"""What a webhook says, for bodies as Dataverse posts them and for bodies that nobody should post."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_sync.domain.environment.columns import ResourceColumns, ReturnColumns, SupportColumns
from booking_sync.domain.environment.watched import RELATED_ATTRIBUTES, RelatedTable
from booking_sync.domain.events.event_ref import EventClaim, EventRef
from booking_sync.sync.webhook.dynamics_webhook import (
    MAX_BODY_BYTES,
    Accepted,
    ChangeKind,
    Ignored,
    IgnoreReason,
    Refused,
    RelatedAccepted,
    read_change,
)
from tests.support.webhook_bodies import (
    APP_USER,
    BOOKING,
    CORRELATION,
    CREATED_COLUMNS,
    EVENT_ID,
    IMAGE_COLUMNS,
    MAILBOX,
    POLICY,
    RESOURCE_ID,
    WORK_ORDER,
    WORK_ORDER_ID,
    Webhook,
    created,
    deleted,
    encode,
    entity,
    headers,
    pairs,
    resource_updated,
    restored,
    stripped,
    stripped_headers,
    updated,
    work_order_updated,
)

EVENT = EventRef(MAILBOX, EVENT_ID)
RECORD_COLUMNS = ("bsync_outlookeventid", "bsync_originalresource", "bsync_outlooksyncstate")
WITHOUT_WORK_ORDER = {key: value for key, value in CREATED_COLUMNS.items() if key != "msdyn_workorder"}
OTHER = "00112233-4455-4677-8899-aabbccddeeff"


def read(webhook: Webhook, policy: Any = POLICY) -> Accepted | RelatedAccepted | Ignored | Refused:
    """Read a webhook with its usual headers."""
    return read_change(webhook.body(), headers(webhook.message), policy)


@pytest.mark.parametrize(
    ("webhook", "kind"), [(created(), ChangeKind.CREATE), (updated(), ChangeKind.UPDATE)], ids=str
)
def test_create_and_update_carry_ids_only(webhook: Webhook, kind: ChangeKind) -> None:
    """The row is read again anyway, so nothing but the ids is taken."""
    assert read(webhook) == Accepted(kind, BOOKING, CORRELATION)


def test_delete_carries_the_event_of_the_pre_image() -> None:
    """The row is gone, so the event comes from the pre-image under our alias, not from the first image."""
    assert read(deleted()) == Accepted(ChangeKind.DELETE, BOOKING, CORRELATION, EventClaim(EVENT))


def test_message_and_table_are_compared_without_case() -> None:
    """Upper and lower case make no difference to what a message is."""
    assert isinstance(read(Webhook("UPDATE", "BookableResourceBooking")), Accepted)


def test_columns_have_the_names_of_the_settings() -> None:
    """Support columns may be called otherwise."""
    policy = replace(POLICY, columns=SupportColumns("new_event", "new_mailbox", "new_state", "new_error"))
    image = {"msdyn_workorder": WORK_ORDER, "new_event": "E1", "new_mailbox": OTHER}
    got = read(deleted(image), policy)
    assert isinstance(got, Accepted)
    assert got.event == EventClaim(EventRef(OTHER, "E1"))


def test_a_deletion_is_taken_where_nobody_can_tell_the_columns() -> None:
    """While their settings are wrong it names no event, rather than getting lost."""
    policy = replace(POLICY, columns=None)
    assert read(deleted(), policy) == Accepted(ChangeKind.DELETE, BOOKING, CORRELATION)
    assert read(deleted({}), policy) == Accepted(ChangeKind.DELETE, BOOKING, CORRELATION)


def test_byte_order_mark_is_tolerated() -> None:
    """A UTF-8 BOM before the body does no harm."""
    assert isinstance(read_change(b"\xef\xbb\xbf" + updated().body(), headers(), POLICY), Accepted)


def test_unknown_keys_are_ignored() -> None:
    """Dataverse adds keys from time to time."""
    context = {**updated().context(), "Brand": {"new": [1, None]}}
    assert isinstance(read_change(encode(context), headers(), POLICY), Accepted)


def test_ids_are_lower_case() -> None:
    """A GUID in capitals is the same booking."""
    context = {**updated().context(), "PrimaryEntityId": BOOKING.upper()}
    got = read_change(encode(context), headers(), POLICY)
    assert isinstance(got, Accepted)
    assert got.booking_id == BOOKING


@pytest.mark.parametrize(
    ("value", "header", "expected"),
    [
        (CORRELATION, OTHER, CORRELATION),
        (None, OTHER, OTHER),
        ("garbage", OTHER, OTHER),
        (7, "garbage", None),
    ],
    ids=["body", "header", "header for garbage", "neither"],
)
def test_correlation_id_falls_back(value: Any, header: str, expected: str | None) -> None:
    """The body's correlation id is preferred, then the header's; garbage never loses a change."""
    context = {**updated().context(), "CorrelationId": value}
    got = read_change(encode(context), {"X-MS-Correlation-Request-Id": header}, POLICY)
    assert isinstance(got, Accepted)
    assert got.correlation_id == expected


@pytest.mark.parametrize("webhook", [created(), updated(), deleted()], ids=lambda each: each.message)
@pytest.mark.parametrize("how", ["header", "body"])
def test_stripped_body_is_accepted(webhook: Webhook, how: str) -> None:
    """Over 256 KB parameters and images are missing: the change is worked on, without an event."""
    if how == "header":
        got = read_change(webhook.body(), stripped_headers(), POLICY)
    else:
        got = read_change(encode(stripped(webhook.context())), headers(), POLICY)
    assert got == Accepted(ChangeKind(webhook.message), BOOKING, CORRELATION)


@pytest.mark.parametrize(
    ("webhook", "reason"),
    [
        (Webhook(table="account"), IgnoreReason.OTHER_TABLE),
        (Webhook("Assign"), IgnoreReason.OTHER_MESSAGE),
        (Webhook("SetState"), IgnoreReason.OTHER_MESSAGE),
        (Webhook(organization=OTHER), IgnoreReason.OTHER_ORGANIZATION),
        (replace(deleted(), organization=OTHER), IgnoreReason.OTHER_ORGANIZATION),
        (Webhook(user=APP_USER), IgnoreReason.OWN_CHANGE),
        (replace(created(), user=APP_USER), IgnoreReason.OWN_CHANGE),
        (Webhook(user=APP_USER.upper()), IgnoreReason.OWN_CHANGE),
        (created(WITHOUT_WORK_ORDER), IgnoreReason.NO_WORK_ORDER),
        (created({**CREATED_COLUMNS, "msdyn_workorder": None}), IgnoreReason.NO_WORK_ORDER),
        (deleted({"bookableresourcebookingid": BOOKING}), IgnoreReason.NOTHING_TO_REMOVE),
        (deleted({"bsync_outlookeventid": None, "msdyn_workorder": None}), IgnoreReason.NOTHING_TO_REMOVE),
    ],
    ids=lambda value: value.name if isinstance(value, IgnoreReason) else value.message,
)
def test_ignored(webhook: Webhook, reason: IgnoreReason) -> None:
    """What needs no work is ignored, with its reason."""
    assert read(webhook) == Ignored(reason)


@pytest.mark.parametrize(
    ("webhook", "reason"),
    [
        (replace(Webhook("Assign", "account"), user=APP_USER, organization=OTHER), IgnoreReason.OTHER_TABLE),
        (replace(Webhook("Assign"), user=APP_USER, organization=OTHER), IgnoreReason.OTHER_MESSAGE),
        (replace(created({}), user=APP_USER, organization=OTHER), IgnoreReason.OTHER_ORGANIZATION),
        (replace(created({}), user=APP_USER), IgnoreReason.OWN_CHANGE),
    ],
    ids=lambda value: value.name if isinstance(value, IgnoreReason) else "",
)
def test_reasons_have_an_order(webhook: Webhook, reason: IgnoreReason) -> None:
    """Of several reasons the outermost is named."""
    assert read(webhook) == Ignored(reason)


@pytest.mark.parametrize(
    ("webhook", "table", "row_id"),
    [
        (work_order_updated(), RelatedTable.WORK_ORDER, WORK_ORDER_ID),
        (resource_updated(), RelatedTable.RESOURCE, RESOURCE_ID),
        (resource_updated({"userid": None}), RelatedTable.RESOURCE, RESOURCE_ID),
        (replace(work_order_updated(), table="MSDYN_WorkOrder"), RelatedTable.WORK_ORDER, WORK_ORDER_ID),
        (replace(work_order_updated(), user=APP_USER), RelatedTable.WORK_ORDER, WORK_ORDER_ID),
    ],
    ids=["work order", "resource", "resource without user", "capitals", "in the app's name"],
)
def test_update_of_a_row_that_bookings_show(webhook: Webhook, table: RelatedTable, row_id: str) -> None:
    """A work order's or resource's change names the row; the app writes none, so whoever did is somebody."""
    assert read(webhook) == RelatedAccepted(table, row_id, CORRELATION)


@pytest.mark.parametrize(
    ("make", "column"),
    [(work_order_updated, column) for column in RELATED_ATTRIBUTES[RelatedTable.WORK_ORDER]]
    + [(resource_updated, column) for column in RELATED_ATTRIBUTES[RelatedTable.RESOURCE]],
)
def test_each_column_that_events_show_counts(make: Any, column: str) -> None:
    """One watched column is enough, even when it was cleared."""
    assert isinstance(read(make({"modifiedon": "/Date(1)/", column: None})), RelatedAccepted)


def test_a_table_of_which_somebody_wants_more_is_left_to_its_step() -> None:
    """What the event file names is filtered by Dataverse; here each of its changes counts."""
    more = replace(POLICY, shows_more=frozenset({RelatedTable.WORK_ORDER}))
    progress = work_order_updated({"msdyn_systemstatus": {"Value": 690970003}})
    assert isinstance(read(progress, policy=more), RelatedAccepted)
    assert read(resource_updated({"name": "Anna"}), policy=more) == Ignored(IgnoreReason.NOTHING_SHOWN)


@pytest.mark.parametrize(
    ("webhook", "reason"),
    [
        (work_order_updated({"msdyn_systemstatus": {"Value": 690970003}}), IgnoreReason.NOTHING_SHOWN),
        (resource_updated({"name": "Anna"}), IgnoreReason.NOTHING_SHOWN),
        (replace(work_order_updated(), message="Create"), IgnoreReason.NOT_AN_UPDATE),
        (replace(work_order_updated(), message="Delete"), IgnoreReason.NOT_AN_UPDATE),
        (replace(resource_updated(), message="Assign"), IgnoreReason.OTHER_MESSAGE),
        (replace(resource_updated(), organization=OTHER), IgnoreReason.OTHER_ORGANIZATION),
        (replace(work_order_updated(), table="msdyn_workorderproduct"), IgnoreReason.OTHER_TABLE),
        (replace(resource_updated(), table="systemuser"), IgnoreReason.OTHER_TABLE),
    ],
)
def test_what_changes_no_event_of_other_rows_is_ignored(webhook: Webhook, reason: IgnoreReason) -> None:
    """A step registered without filtering attributes, or for more than is needed, costs no fan-out."""
    assert read(webhook) == Ignored(reason)


@pytest.mark.parametrize(
    ("names", "counts"),
    [(ResourceColumns(), False), (ResourceColumns(takes_part="bsync_takespart"), True), (None, True)],
)
def test_who_joins_or_leaves_counts_as_far_as_the_column_is_known(
    names: ResourceColumns | None,
    counts: bool,  # noqa: FBT001 - what is expected
) -> None:
    """Where nobody can tell the columns just now, each change of a resource does."""
    body = resource_updated({"bsync_takespart": {"Value": 725900001}}).body()
    got = read_change(body, headers(), replace(POLICY, resource_columns=names))
    assert isinstance(got, RelatedAccepted) is counts


@pytest.mark.parametrize("make", [work_order_updated, resource_updated])
@pytest.mark.parametrize("how", ["header", "body"])
def test_stripped_body_of_a_related_row_is_accepted(make: Any, how: str) -> None:
    """A long summary makes a body too large; what changed is not known then, so anything may have."""
    webhook = make({"modifiedon": "/Date(1)/"})
    if how == "header":
        got = read_change(webhook.body(), stripped_headers(), POLICY)
    else:
        got = read_change(encode(stripped(webhook.context())), headers(), POLICY)
    assert isinstance(got, RelatedAccepted)


OURS = {
    "bookableresourcebookingid": BOOKING,
    "bsync_outlookeventid": EVENT_ID,
    "bsync_outlooksyncstate": "2.x",
    "bsync_outlooksyncerror": None,
    "bsync_outlookbase": "1:",
    "bsync_outlookreturn": "moved",
    "modifiedon": "/Date(1)/",
    "modifiedby": None,
    "modifiedonbehalfby": None,
}
BOTH_WAYS = replace(POLICY, return_columns=ReturnColumns())


@pytest.mark.parametrize("more", [{"starttime": "/Date(1)/"}, {"contoso_access": 1}, {"resource": None}])
def test_what_plug_ins_write_in_our_name_is_worked_on(more: dict[str, Any]) -> None:
    """What comes back from Outlook has them round times and move crews; our own record alone is no news."""
    own = replace(updated(OURS), user=APP_USER)
    assert read(own, BOTH_WAYS) == Ignored(IgnoreReason.OWN_CHANGE)
    got = read(replace(updated({**OURS, **more}), user=APP_USER), BOTH_WAYS)
    assert isinstance(got, Accepted)
    assert not got.rewritten, "nobody imported it"
    assert isinstance(read(replace(created(), user=APP_USER), BOTH_WAYS), Accepted)
    stripped_body = encode(stripped(own.context()))
    assert isinstance(read_change(stripped_body, headers(), BOTH_WAYS), Accepted)


def test_a_deletion_tells_where_events_are_that_its_row_had_given_up() -> None:
    """They are withdrawn before they are removed, and the booking may go in between."""
    other = "9d7c6b5a-0f1e-4d2c-9b3a-5f6e7d8c9b0a"
    base = f"1::::: {MAILBOX}/AAA,{other.upper()}/BBB,nobody/CCC::::seal".replace(" ", "")
    image = {**IMAGE_COLUMNS, "bsync_outlookbase": base}
    got = read(deleted(image), BOTH_WAYS)
    assert isinstance(got, Accepted)
    assert got.suspects == {MAILBOX, other.upper()}
    assert got.event
    bare = {"bookableresourcebookingid": BOOKING, "bsync_outlookbase": base}
    assert isinstance(read(deleted(bare), BOTH_WAYS), Accepted), "without an event and a work order as well"
    off = read(deleted(image))
    assert isinstance(off, Accepted)
    assert off.suspects == frozenset()


@pytest.mark.parametrize("base", [None, "", "1:x", "2:::::a/b::", "x" * 5000, "1:::::/,//,a::::s"])
def test_a_base_that_tells_nothing_does_no_harm(base: str | None) -> None:
    """Nor does one that is too long to be ours."""
    got = read(deleted({**IMAGE_COLUMNS, "bsync_outlookbase": base}), BOTH_WAYS)
    assert isinstance(got, Accepted)
    assert got.suspects == frozenset()


def test_own_deletion_is_worked_on() -> None:
    """We never delete bookings ourselves, and a deletion's data can't be read again."""
    assert isinstance(read(replace(deleted(), user=APP_USER)), Accepted)


def test_update_without_work_order_is_worked_on() -> None:
    """The work order may just have gone, and the event with it."""
    assert isinstance(read(updated({"msdyn_workorder": None})), Accepted)


@pytest.mark.parametrize("webhook", [created(WITHOUT_WORK_ORDER), deleted({})], ids=["create", "delete"])
def test_work_order_may_be_left_out(webhook: Webhook) -> None:
    """When bookings without a work order sync too, its absence says nothing."""
    assert isinstance(read(webhook, replace(POLICY, require_work_order=False)), Accepted)


def test_create_that_shows_no_row_is_worked_on() -> None:
    """A target that is no entity does not prove that there is no work order."""
    assert isinstance(
        read(replace(created(), target={"__type": "EntityReference:x", "Id": BOOKING})), Accepted
    )


def test_nothing_is_checked_that_is_not_set() -> None:
    """Without the settings, organisation and user don't matter, nor whether the body names them."""
    policy = replace(POLICY, organization_id="", app_user_id="")
    context = {**updated().context(), "OrganizationId": None, "InitiatingUserId": 5}
    assert isinstance(read_change(encode(context), headers(), policy), Accepted)


@pytest.mark.parametrize("user", [None, "", "not a GUID"])
def test_unknown_user_is_not_us(user: Any) -> None:
    """A change is not lost for a missing or malformed user."""
    context = {**updated().context(), "InitiatingUserId": user}
    assert isinstance(read_change(encode(context), headers(), POLICY), Accepted)


def test_delete_without_pre_image_is_worked_on() -> None:
    """A step registered without the image still says that the booking is gone."""
    assert read(deleted(with_image=False)) == Accepted(ChangeKind.DELETE, BOOKING, CORRELATION)


def test_delete_with_a_work_order_only_is_worked_on() -> None:
    """A creation may be under way whose event the row does not name yet."""
    assert read(deleted({"msdyn_workorder": WORK_ORDER})) == Accepted(ChangeKind.DELETE, BOOKING, CORRELATION)


def test_half_a_reference_is_none() -> None:
    """An event id without a mailbox can't be acted on."""
    image = {key: value for key, value in IMAGE_COLUMNS.items() if key != "bsync_originalresource"}
    got = read(deleted(image))
    assert isinstance(got, Accepted)
    assert got.event is None


def test_a_deleted_rows_event_is_handed_on_with_the_state_that_may_prove_it() -> None:
    """The webhook has no key: whether the row's seal is right, the worker tells."""
    state = "2:f00d:2.0a0b0c0d.00112233445566778899aabbccddeeff"
    got = read(deleted({**IMAGE_COLUMNS, "bsync_outlooksyncstate": state}))
    assert isinstance(got, Accepted)
    assert got.event == EventClaim(EVENT, state)


@pytest.mark.parametrize("column", RECORD_COLUMNS)
@pytest.mark.parametrize("make", [created, updated])
def test_a_record_that_came_with_the_row_is_no_news(
    column: str, make: Callable[[dict[str, Any]], Webhook]
) -> None:
    """A restored or an imported row brings our columns along: then nothing recorded is believed."""
    got = read(make({**CREATED_COLUMNS, column: "anything"}))
    assert isinstance(got, Accepted)
    assert got.rewritten


@pytest.mark.parametrize("column", RECORD_COLUMNS)
def test_a_record_that_was_emptied_with_the_row_is_no_news(column: str) -> None:
    """An import that empties our columns may hide an event; a new row has none of them and hides nothing."""
    columns = {**CREATED_COLUMNS, column: None}
    emptied, new = read(updated(columns)), read(created(columns))
    assert isinstance(emptied, Accepted)
    assert isinstance(new, Accepted)
    assert (emptied.rewritten, new.rewritten) == (True, False)


@pytest.mark.parametrize("columns", [{}, {"name": "Boiler"}, dict.fromkeys(RECORD_COLUMNS, "x")], ids=str)
def test_a_restored_booking_is_looked_at_and_nothing_recorded_is_believed(columns: dict[str, Any]) -> None:
    """It came back with all its columns, of which the target shows none: its event was removed meanwhile."""
    expected = Accepted(ChangeKind.RESTORE, BOOKING, CORRELATION, rewritten=True)
    assert read(restored(columns)) == expected


def test_our_own_record_is_not_taken_for_somebody_elses() -> None:
    """Else each record would ask for the next, where our application user is not known."""
    got = read(updated(dict.fromkeys(RECORD_COLUMNS, "x")))
    assert got == Accepted(ChangeKind.UPDATE, BOOKING, CORRELATION)


@pytest.mark.parametrize("column", ["bsync_outlookeventid", "bsync_originalresource"])
def test_absurdly_long_column_is_no_reference(column: str) -> None:
    """What no support column can hold is not carried into the queue."""
    got = read(deleted({**IMAGE_COLUMNS, column: "x" * 100_000}))
    assert isinstance(got, Accepted)
    assert got.event is None


def with_values(webhook: Webhook, **values: Any) -> bytes:
    """The webhook's body with some top-level values replaced."""
    return encode({**webhook.context(), **values})


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"null", "not a JSON object"),
        (b"[]", "not a JSON object"),
        (b'"text"', "not a JSON object"),
        (b"\xff\xfe{\x00}\x00", "not UTF-8"),
        (b'{"a":"\xe4"}', "not UTF-8"),
        (b"[" * 200_000, "too deeply"),
        (b'{"a":' * 100_000, "too deeply"),
        (b'{"Depth":' + b"9" * 5000 + b"}", "not JSON"),
        (b"{}", "PrimaryEntityName"),
        (with_values(updated(), PrimaryEntityName=3), "PrimaryEntityName"),
        (with_values(updated(), MessageName=None), "MessageName"),
        (with_values(updated(), PrimaryEntityId=None), "PrimaryEntityId"),
        (with_values(updated(), PrimaryEntityId="booking"), "PrimaryEntityId"),
        (with_values(updated(), PrimaryEntityId=17), "PrimaryEntityId"),
        (with_values(updated(), PrimaryEntityId="0" * 32), "PrimaryEntityId"),
        (with_values(updated(), OrganizationId=None), "OrganizationId"),
        (with_values(updated(), InitiatingUserId=["x"]), "InitiatingUserId"),
        (with_values(created(), InputParameters={"Target": 1}), "InputParameters"),
        (with_values(created(), InputParameters=[1]), "collection"),
        (with_values(created(), InputParameters=[{"key": 1, "value": 2}]), "collection"),
        (
            with_values(created(), InputParameters=pairs({"Target": entity({}) | {"Attributes": 5}})),
            "Attributes",
        ),
        (with_values(deleted(), PreEntityImages="x"), "PreEntityImages"),
        (with_values(deleted(), PreEntityImages=pairs({"PreImage": "x"})), "pre-image"),
        (deleted({**IMAGE_COLUMNS, "bsync_outlookeventid": WORK_ORDER}).body(), "bsync_outlookeventid"),
        (deleted({**IMAGE_COLUMNS, "bsync_originalresource": 5}).body(), "bsync_originalresource"),
    ],
)
def test_refused(body: bytes, text: str) -> None:
    """What Dataverse would never post is refused with one sentence that says what is wrong."""
    got = read_change(body, headers(), POLICY)
    assert isinstance(got, Refused)
    assert got.status == 400
    assert text in got.sentence


def test_too_large_body_is_refused() -> None:
    """Nobody's webhook is larger than a megabyte; the bound itself is accepted."""
    body = updated().body()
    fits = body + b" " * (MAX_BODY_BYTES - len(body))
    assert isinstance(read_change(fits, headers(), POLICY), Accepted)
    got = read_change(fits + b" ", headers(), POLICY)
    assert isinstance(got, Refused)
    assert got.status == 413


def test_refusal_does_not_quote_the_input() -> None:
    """What a stranger posts does not come back, nor into the log."""
    got = read_change(with_values(updated(), PrimaryEntityId="<script>alert(1)</script>"), headers(), POLICY)
    assert isinstance(got, Refused)
    assert "script" not in got.sentence


@given(st.binary(max_size=200))
def test_any_bytes_are_answered(body: bytes) -> None:
    """No bytes make it raise."""
    assert isinstance(read_change(body, {}, POLICY), Accepted | RelatedAccepted | Ignored | Refused)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=5,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of every value in a JSON document, but the root."""
    inner: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [each for key, child in inner for each in [(*path, key), *places(child, (*path, key))]]


@given(st.data())
def test_any_spoilt_body_is_answered(data: st.DataObject) -> None:
    """Whatever value of a real body is replaced by whatever else, it is answered and never raises."""
    state = "2:f00d:2.0a0b0c0d.00112233445566778899aabbccddeeff"
    sealed = {**IMAGE_COLUMNS, "bsync_outlooksyncstate": state}
    bookings = [created(), updated(), deleted(), deleted(sealed)]
    webhook = data.draw(st.sampled_from([*bookings, work_order_updated(), resource_updated()]))
    context = copy.deepcopy(webhook.context())
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(places(context)))
        holder: Any = context
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] = data.draw(JSON_VALUES)
    got = read_change(json.dumps(context).encode(), headers(), POLICY)
    assert isinstance(got, Accepted | RelatedAccepted | Ignored | Refused)
    if isinstance(got, Accepted):
        assert got.event is None or all(
            isinstance(part, str)
            for part in (got.event.event.mailbox, got.event.event.event_id, got.event.state)
        )
