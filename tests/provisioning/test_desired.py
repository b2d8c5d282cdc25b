"""What is provisioned is what the sync reads, what the documentation says, and what the local stack has."""

from __future__ import annotations

import re
from dataclasses import astuple
from pathlib import Path

import pytest

from booking_sync.domain.environment.columns import SYNC_ERROR_LENGTH, SupportColumns
from booking_sync.domain.environment.watched import BOOKING_TABLE, RelatedTable
from booking_sync.domain.events.ownership import MAX_GENERATION
from booking_sync.domain.record import SyncRecord, format_state
from booking_sync.ports.dataverse.customizations import Column, Message
from booking_sync.provisioning.desired import NoCommonPrefixError, desired_customizations
from booking_sync.sync.webhook.dynamics_webhook import PRE_IMAGE_ALIAS
from local.dataverse.tables.columns import Kind
from local.dataverse.tables.schema import RESOURCE_COLUMNS, RETURN_COLUMNS, SUPPORT_COLUMNS
from local.stack import PRE_IMAGE_COLUMNS, RELATED_COLUMNS, WATCHED_COLUMNS
from tests.provisioning.kit import DESIRED, NAMES, RESOURCE_NAMES, RETURN_NAMES, URL
from tests.support.seals import sealer

ROOT = Path(__file__).parents[2]


def test_the_columns_are_those_of_the_adapter_and_of_the_local_stack() -> None:
    """Names by default, and lengths: the sync, the stand-in and provisioning agree."""
    on_bookings = [column for column in DESIRED.columns if column.table == BOOKING_TABLE]
    back = {column.name: column for column in on_bookings if column.name in RETURN_NAMES.names}
    lengths = {column.name: column.length for column in on_bookings if column.name not in back}
    assert lengths == dict(SUPPORT_COLUMNS)
    assert set(lengths) == set(astuple(SupportColumns()))
    assert {name: _shape(each) for name, each in back.items()} == {
        each.name: (each.max_length, set(each.choices), each.kind is Kind.WHEN) for each in RETURN_COLUMNS
    }
    assert list(back) == list(RETURN_NAMES.names)
    on_resources = {
        column.name: (column.length, {value for value, _label in column.choices})
        for column in DESIRED.columns
        if column.table == RelatedTable.RESOURCE
    }
    assert on_resources == {each.name: (each.max_length, set(each.choices)) for each in RESOURCE_COLUMNS}
    assert lengths[NAMES.sync_error] == SYNC_ERROR_LENGTH


def _shape(column: Column) -> tuple[int, set[int], bool]:
    return column.length, {value for value, _label in column.choices}, column.moment


def test_without_the_way_back_nothing_of_it_is_made() -> None:
    """Neither columns nor a view nor a section, and the steps are what they always were."""
    off = desired_customizations(NAMES, URL, of_resource=RESOURCE_NAMES, has_key=True)
    names = set(RETURN_NAMES.names)
    assert names.isdisjoint(column.name for column in off.columns)
    assert (len(off.views), len(off.sections)) == (1, 1)
    for step in off.steps:
        assert names.isdisjoint(step.filtering | (step.image.columns if step.image else frozenset()))
    added = {step.name: step for step in DESIRED.steps if step not in off.steps}
    assert len(added) == 2
    for step in added.values():
        of_update = step.message is Message.UPDATE
        (before,) = (each for each in off.steps if each.name == step.name)
        if of_update:
            assert step.filtering - before.filtering == {RETURN_NAMES.answer}
        else:
            assert step.image
            assert before.image
            assert step.image.columns - before.image.columns == {RETURN_NAMES.base}


def test_a_state_fits_its_column() -> None:
    """The longest state that is ever recorded is far shorter than its column."""
    lengths = {column.name: column.length for column in DESIRED.columns}
    record = SyncRecord(generation=MAX_GENERATION, fingerprint="f" * 64)
    state = format_state("0a1c7a52-5b1e-4b1f-9a58-1d0c40f0b001", record, sealer("organization"))
    assert state
    assert len(state) <= lengths[NAMES.sync_state]


def test_the_documentation_tells_the_same_lengths() -> None:
    """Who makes the columns by hand makes the same ones."""
    page = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
    told = {
        name: int(length.replace(",", "")) for name, length in re.findall(r"`(bsync_\w+)` \(([\d,]+)\)", page)
    }
    texts = (column for column in DESIRED.columns if not (column.choices or column.moment))
    assert told == {column.name: column.length for column in texts}
    assert {column.name for column in DESIRED.columns} <= set(re.findall(r"`(bsync_\w+)`", page))
    values = {value for column in DESIRED.columns for value, _label in column.choices}
    assert values <= {int(each) for each in re.findall(r"`(\d+)`", page)}


def test_the_steps_are_those_of_the_local_stack() -> None:
    """The stack's shortcut registers what provisioning registers."""
    steps = {(step.message, step.table): step for step in DESIRED.steps}
    booking = BOOKING_TABLE
    assert steps[Message.UPDATE, booking].filtering == set(WATCHED_COLUMNS.split(",")) | {RETURN_NAMES.answer}
    for table, columns in RELATED_COLUMNS.items():
        assert steps[Message.UPDATE, table].filtering == set(columns.split(","))
    image = steps[Message.DELETE, booking].image
    assert image
    assert image.alias == PRE_IMAGE_ALIAS
    assert image.columns == set(PRE_IMAGE_COLUMNS.split(",")) | {RETURN_NAMES.base}
    assert steps[Message.RESTORE, booking].optional
    assert len(steps) == len(DESIRED.steps) == 4 + len(RELATED_COLUMNS)


def test_names_of_the_columns_come_from_the_settings() -> None:
    """Another prefix leads to another publisher, columns and image."""
    desired = desired_customizations(SupportColumns("cr4_a", "cr4_b", "cr4_c", "cr4_d"), URL)
    assert (desired.prefix, desired.publisher) == ("cr4", "cr4publisher")
    assert [column.name for column in desired.columns] == ["cr4_a", "cr4_b", "cr4_c", "cr4_d"]
    (image,) = (step.image for step in desired.steps if step.image)
    assert image.columns == {"cr4_a", "cr4_b", "cr4_c", "msdyn_workorder"}


@pytest.mark.parametrize(
    "names",
    [
        ("bsync_a", "other_b", "bsync_c", "bsync_d"),
        ("bsync_a", "bsync_b", "bsync_c", "bsyncs_d"),
    ],
)
def test_names_without_a_common_prefix_are_refused(names: tuple[str, str, str, str]) -> None:
    """No publisher could own them; the text names the settings."""
    with pytest.raises(NoCommonPrefixError, match="EVENT_ID_COLUMN"):
        desired_customizations(SupportColumns(*names), URL)
