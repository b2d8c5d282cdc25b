"""What is there against what is needed: what the plan finds, and what it would do."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from booking_sync.domain.environment.watched import BOOKING_TABLE, RelatedTable
from booking_sync.ports.dataverse import customization_actions as do
from booking_sync.ports.dataverse.customizations import (
    DesiredCustomizations,
    FoundCustomizations,
    FoundPublisher,
    FoundSolution,
    FoundStep,
    KeyState,
    Message,
    Step,
)
from booking_sync.ports.dataverse.dispatcher import OnForm
from booking_sync.provisioning.converge import converge
from booking_sync.provisioning.desired import desired_customizations
from booking_sync.provisioning.parts import PartState, ProvisioningPlan
from booking_sync.provisioning.plan import IN_IMAGE, WATCHED, make_plan
from booking_sync.provisioning.removal import plan_removal
from tests.provisioning.kit import (
    DESIRED,
    EMPTY,
    NAMES,
    RESOURCE_NAMES,
    RETURN_NAMES,
    URL,
    FakeCustomizations,
    apply,
    column,
    provisioned,
    with_column,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from booking_sync.ports.dataverse.customization_actions import Action
    from booking_sync.provisioning.parts import PlannedPart

FIRST = DESIRED.columns[0]
RESOURCE_STEP = next(step for step in DESIRED.steps if step.table == RelatedTable.RESOURCE)
DELETE = next(step for step in DESIRED.steps if step.message is Message.DELETE)
OTHER_URL = "https://other.azurewebsites.net/api/dataverse/bookings"


def part(plan: ProvisioningPlan, kind: str, name: str) -> PlannedPart:
    """The one finding of this part."""
    (found,) = (each for each in plan.parts if (each.kind, each.name) == (kind, name))
    return found


def step_of(actual: FoundCustomizations, name: str) -> FoundStep:
    """The found step of this name."""
    (found,) = (step for step in actual.steps if step.name == name)
    return found


def with_step(actual: FoundCustomizations, changed: FoundStep) -> FoundCustomizations:
    """The state with a changed step."""
    return replace(actual, steps=tuple(changed if step.id == changed.id else step for step in actual.steps))


def test_an_empty_environment_gets_everything_in_order() -> None:
    """First the home, then columns, views and forms, published before there is a webhook, then the steps."""
    kinds = [type(action) for action in make_plan(EMPTY, DESIRED).actions]
    assert kinds[:2] == [do.MakePublisher, do.MakeSolution]
    seen = [do.WriteView] * 2 + [do.ShowOnForm] * 2
    assert kinds[2:21] == [do.MakeColumn] * 13 + seen + [do.Publish] * 2
    assert kinds[21] is do.WriteWebhook
    assert sorted(each.__name__ for each in kinds[22:]) == ["WriteImage"] + ["WriteStep"] * 6
    assert kinds.index(do.WriteImage) > kinds.index(do.WriteStep)


def test_what_is_as_it_should_be_is_left_alone() -> None:
    """A second plan finds everything and does nothing."""
    plan = make_plan(provisioned(), DESIRED)
    assert plan.actions == ()
    assert {each.state for each in plan.parts} == {PartState.EXISTS}


def test_a_run_that_broke_off_anywhere_is_completed() -> None:
    """After any number of actions the rest leads to the same end, and only publishing is repeated."""
    actions = make_plan(EMPTY, DESIRED).actions
    for count in range(len(actions)):
        actual = EMPTY
        for action in actions[:count]:
            actual = apply(actual, action)
        rest = make_plan(actual, DESIRED).actions
        assert not {action for action in rest if not isinstance(action, do.Publish)} & set(actions[:count])
        for action in rest:
            actual = apply(actual, action)
        assert make_plan(actual, DESIRED).actions == ()
        assert count > 21 or any(isinstance(action, do.Publish) for action in rest)


@pytest.mark.parametrize(
    "settings", ["participation", "the way back", "a longer column and a step that is off"]
)
def test_a_change_that_broke_off_before_it_was_published_is_completed(settings: str) -> None:
    """Webhook and steps are there from before: a step that is not as it should be tells of the break."""
    before = {
        "participation": desired_customizations(NAMES, URL, of_return=RETURN_NAMES, has_key=True),
        "the way back": desired_customizations(NAMES, URL, of_resource=RESOURCE_NAMES, has_key=True),
    }.get(settings, DESIRED)
    there = EMPTY
    for action in make_plan(EMPTY, before).actions:
        there = apply(there, action)
    if before is DESIRED:
        booking = with_column(there, column(FIRST, length=1))
        there = with_step(booking, replace(step_of(booking, DELETE.name), enabled=False))
    actions = make_plan(there, DESIRED).actions
    published = [place for place, action in enumerate(actions) if isinstance(action, do.Publish)]
    assert published
    for count in range(published[-1] + 1):
        actual = there
        for action in actions[:count]:
            actual = apply(actual, action)
        unpublished = {each for each in actions[count:] if isinstance(each, do.Publish)}
        assert unpublished <= set(make_plan(actual, DESIRED).actions)
    mended = there
    for action in actions:
        mended = apply(mended, action)
    assert make_plan(mended, DESIRED).actions == ()


def test_a_step_that_differs_has_only_its_own_table_published() -> None:
    """Publishing also publishes what somebody else saved for a table."""
    good = provisioned()
    off = replace(step_of(good, RESOURCE_STEP.name), enabled=False)
    actions = make_plan(with_step(good, off), DESIRED).actions
    assert [each.table for each in actions if isinstance(each, do.Publish)] == [RelatedTable.RESOURCE]


@pytest.mark.parametrize(
    ("spoil", "mended_by"),
    [
        (lambda step: replace(step, enabled=False), do.WriteStep),
        (lambda step: replace(step, proper=False), do.WriteStep),
        (lambda step: replace(step, filtering=frozenset({"name"})), do.WriteStep),
        (lambda step: replace(step, in_solution=False), do.AddToSolution),
        (lambda step: replace(step, images=()), do.WriteImage),
        (lambda step: replace(step, images=(replace(step.images[0], before=False),)), do.WriteImage),
        (
            lambda step: replace(step, images=(replace(step.images[0], columns=frozenset()),)),
            do.WriteImage,
        ),
    ],
)
def test_a_spoiled_step_is_mended(spoil: Callable[[FoundStep], FoundStep], mended_by: type[Action]) -> None:
    """Whatever somebody changed on a step is set right, in its place, and nothing else is touched."""
    good = provisioned()
    actual = with_step(good, spoil(step_of(good, DELETE.name)))
    (action,) = (each for each in make_plan(actual, DESIRED).actions if not isinstance(each, do.Publish))
    assert isinstance(action, mended_by)
    assert make_plan(apply(actual, action), DESIRED).actions == ()


LESS = desired_customizations(NAMES, URL, has_key=True)
"""By settings that know neither the way back nor the columns of participation."""


@pytest.mark.parametrize("narrow", [False, True])
def test_what_other_settings_need_is_taken_away_only_on_request(*, narrow: bool) -> None:
    """Each such column has a line of its own, which names the settings; asked for, it says what it does."""
    plan = make_plan(provisioned(), LESS, narrow=narrow)
    told = [each for each in plan.parts if each.kind in (WATCHED, IN_IMAGE)]
    assert [each.name.partition(" of ")[0] for each in told] == [
        "bsync_proposalanswer",
        "bsync_outlookbase",
        "bsync_mailbox, bsync_takespart",
    ]
    assert {each.state for each in told} == {PartState.SURPLUS if narrow else PartState.KEPT}
    assert all(each.detail.startswith("takes away bsync_") is narrow for each in told)
    by = [re.search(r"set (\w+) and (\w+) as the app has them", each.detail) for each in told]
    assert [found.groups() for found in by if found] == [
        ("RETURN_PATH", "NOTIFICATION_URL"),
        ("RETURN_PATH", "NOTIFICATION_URL"),
        ("TAKES_PART_COLUMN", "RESOURCE_MAILBOX_COLUMN"),
    ]
    assert len(plan.actions) == (3 if narrow else 0)
    actual = provisioned()
    for action in plan.actions:
        actual = apply(actual, action)
    assert make_plan(actual, LESS).actions == ()
    assert all(
        step.filtering == wanted.filtering for step, wanted in _pairs(actual, LESS if narrow else DESIRED)
    )


def _pairs(actual: FoundCustomizations, desired: DesiredCustomizations) -> list[tuple[FoundStep, Step]]:
    return [(step_of(actual, step.name), step) for step in desired.steps]


def test_a_spoiled_step_is_mended_without_losing_what_is_spared() -> None:
    """A missing column comes back, a stranger's goes, and the way back's stays beside them."""
    good = provisioned()
    step = step_of(good, f"booking_sync: Update of {BOOKING_TABLE}")
    odd = replace(step, filtering=(step.filtering - {"starttime"}) | {"createdon"})
    (publish, action) = make_plan(with_step(good, odd), LESS).actions
    assert publish == do.Publish(BOOKING_TABLE)
    assert isinstance(action, do.WriteStep)
    assert action.step.filtering == step.filtering


def test_a_name_of_resources_that_only_the_app_knows_is_spared_by_its_prefix() -> None:
    """A column of somebody else's on the resource's step goes as before."""
    good = provisioned()
    step = step_of(good, RESOURCE_STEP.name)
    filtering = frozenset({"userid", "resourcetype", "bsync_chosen", "contoso_floor"})
    (action,) = make_plan(with_step(good, replace(step, filtering=filtering)), LESS).actions
    assert isinstance(action, do.WriteStep)
    assert action.step.filtering == {"userid", "resourcetype", "bsync_chosen"}


def test_a_step_of_somebody_else_is_left_alone() -> None:
    """A step on our webhook that we have no use for is told and kept."""
    good = provisioned()
    stranger = replace(good.steps[0], id="f" * 36, name="Theirs", occasion=("Assign", "account"))
    double = replace(good.steps[0], id="e" * 36, name="By hand")
    plan = make_plan(replace(good, steps=(*good.steps, stranger, double), twins=("Old hook",)), DESIRED)
    assert plan.actions == ()
    assert part(plan, "step", "Theirs").state is PartState.KEPT
    assert part(plan, "step", "By hand").state is PartState.KEPT
    assert part(plan, "webhook", "Old hook").state is PartState.KEPT


def test_a_short_column_is_widened_and_a_long_one_left() -> None:
    """What is recorded must fit; more room does no harm."""
    first, second = DESIRED.columns[:2]
    actual = with_column(provisioned(), column(first, length=first.length - 1))
    actual = with_column(actual, column(second, length=4000))
    plan = make_plan(actual, DESIRED)
    assert plan.actions == (do.WidenColumn(first), do.Publish(first.table))
    assert part(plan, "column", second.name).state is PartState.EXISTS


def test_a_column_made_by_hand_joins_the_solution() -> None:
    """It is adopted as it is."""
    first = DESIRED.columns[0]
    actual = with_column(provisioned(), column(first, in_solution=False))
    (action, _publish) = make_plan(actual, DESIRED).actions
    assert isinstance(action, do.AddToSolution)
    assert action.id == f"id of {first.name}"


def test_an_environment_without_a_recycle_bin_needs_no_step_for_it() -> None:
    """Restore is left out where steps can't be registered for it; everything else is as it should be."""
    restore = next(each for each in DESIRED.steps if each.message is Message.RESTORE)
    there = provisioned()
    actual = replace(
        there,
        possible=there.possible - {(restore.message, restore.table)},
        steps=tuple(each for each in there.steps if each.occasion[0] != restore.message),
    )
    plan = make_plan(actual, DESIRED)
    assert (plan.actions, plan.conflicts) == ((), ())
    (part,) = [each for each in plan.parts if each.name == restore.name]
    assert (part.state, part.detail) == (
        PartState.EXISTS,
        "not needed: this environment raises no such message for the table",
    )


def test_a_recycle_bin_that_came_later_gets_its_step() -> None:
    """The next run registers the step on Restore; nothing else is touched."""
    restore = next(each for each in DESIRED.steps if each.message is Message.RESTORE)
    there = provisioned()
    actual = replace(there, steps=tuple(each for each in there.steps if each.occasion[0] != restore.message))
    actions = make_plan(actual, DESIRED).actions
    assert [each.step for each in actions if not isinstance(each, do.Publish)] == [restore]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (lambda a: with_column(a, replace(column(DESIRED.columns[0]), is_text=False, length=0)), "column"),
        (lambda a: replace(a, possible=frozenset()), "step"),
        (lambda a: replace(a, solution=FoundSolution("s", True, a.publisher.id)), "solution"),  # noqa: FBT003 - managed
        (lambda a: replace(a, solution=FoundSolution("s", False, "p")), "solution"),  # noqa: FBT003 - managed
        (
            lambda a: replace(a, webhook=replace(a.webhook, uses_header=False, key=KeyState.NOT_GIVEN)),
            "webhook",
        ),
    ],
)
def test_what_is_in_the_way_stops_everything(
    spoil: Callable[[FoundCustomizations], FoundCustomizations], kind: str
) -> None:
    """A column of another type, no Field Service, a managed solution: a person has to decide first."""
    first = DESIRED.columns[1]
    actual = spoil(with_column(provisioned(), column(first, length=1)))
    plan = make_plan(actual, DESIRED)
    assert plan.actions == ()
    assert {each.kind for each in plan.conflicts} == {kind}
    assert all(each.detail for each in plan.conflicts)


@pytest.mark.parametrize(
    ("key", "url", "writes_key", "writes_url"),
    [
        (KeyState.SAME, URL, False, False),
        (KeyState.OTHER, URL, True, False),
        (KeyState.SAME, OTHER_URL, False, True),
        (KeyState.OTHER, OTHER_URL, True, True),
        (KeyState.NOT_GIVEN, "", False, False),
        (KeyState.NOT_GIVEN, OTHER_URL, False, True),
    ],
)
def test_the_webhook_follows_address_and_key(
    key: KeyState, url: str, *, writes_key: bool, writes_url: bool
) -> None:
    """What was given and differs is written; what was not given is left."""
    good = provisioned()
    assert good.webhook
    actual = replace(good, webhook=replace(good.webhook, key=key))
    actions = make_plan(
        actual, desired_customizations(NAMES, url, has_key=key is not KeyState.NOT_GIVEN)
    ).actions
    written = [(each.with_key, bool(each.url)) for each in actions if isinstance(each, do.WriteWebhook)]
    assert written == ([(writes_key, writes_url)] if writes_key or writes_url else [])


@pytest.mark.parametrize(("url", "has_key"), [("", True), (URL, False)])
def test_a_new_webhook_needs_address_and_key(url: str, *, has_key: bool) -> None:
    """Without one of them nothing is begun."""
    plan = make_plan(EMPTY, desired_customizations(NAMES, url, has_key=has_key))
    assert plan.actions == ()
    assert "nobody said" in plan.conflicts[0].detail


def test_another_publisher_with_the_prefix_is_used() -> None:
    """A customer's own publisher gets the solution; none is made beside it."""
    actual = replace(EMPTY, publisher=FoundPublisher("p", "contoso", 3))
    first = make_plan(actual, DESIRED).actions[0]
    assert isinstance(first, do.MakeSolution)
    assert first.publisher_id == "p"


def test_removal_takes_steps_and_webhook_and_keeps_the_columns() -> None:
    """The record of every event is not thrown away by the way; what is on our webhook goes with it."""
    good = provisioned()
    stranger = replace(good.steps[0], id="f" * 36, name="Theirs")
    plan = plan_removal(replace(good, steps=(*good.steps, stranger)), DESIRED, remove_columns=False)
    sets = [action.entity_set for action in plan.actions if isinstance(action, do.RemoveRow)]
    assert sets == [*["savedqueries"] * 2, *["sdkmessageprocessingsteps"] * 7, "serviceendpoints"]
    others = [type(action) for action in plan.actions if not isinstance(action, do.RemoveRow)]
    assert others == [do.TakeOffForm, do.TakeOffForm, do.Publish]
    assert [each.state for each in plan.parts if each.kind == "column"] == [PartState.KEPT] * 13


def test_removal_of_all_leaves_nothing() -> None:
    """With the columns the solution and our publisher go, in an order that Dataverse allows."""
    actual = provisioned()
    plan = plan_removal(actual, DESIRED, remove_columns=True)
    for action in plan.actions:
        actual = apply(actual, action)
    assert actual == EMPTY
    assert sum(isinstance(action, do.RemoveColumn) for action in plan.actions) == 13


FOREIGN = {
    "of another kind": lambda actual: with_column(actual, replace(column(FIRST), is_text=False, length=0)),
    "outside the solution": lambda actual: with_column(actual, column(FIRST, in_solution=False)),
    "without a solution": lambda actual: replace(
        actual, solution=None, columns={FIRST.name: column(FIRST, in_solution=False)}
    ),
}
"""Environments in which the first column is somebody else's."""


@pytest.mark.parametrize("remove_columns", [False, True])
@pytest.mark.parametrize("spoil", FOREIGN.values(), ids=FOREIGN)
async def test_removal_keeps_a_column_that_only_has_the_name(
    spoil: Callable[[FoundCustomizations], FoundCustomizations], *, remove_columns: bool
) -> None:
    """It holds somebody else's data, so it is told and stays, also when the plan is made again at the end."""
    customizations = FakeCustomizations(spoil(provisioned()))
    decide = partial(plan_removal, desired=DESIRED, remove_columns=remove_columns)
    kept = part(decide(customizations.actual), "column", FIRST.name)
    assert (kept.state, kept.actions) == (PartState.KEPT, ())
    assert kept.detail == "not made by us: remove it by hand if nobody needs it"
    report = await converge(
        customizations, DESIRED, decide, dry_run=False, sleep=no_sleep, tell=lambda _text: None
    )
    assert report.complete
    assert FIRST.name in customizations.actual.columns
    if remove_columns:
        assert customizations.actual.columns.keys() == {FIRST.name}
        assert (customizations.actual.solution, customizations.actual.publisher) == (None, None)


async def no_sleep(_seconds: float) -> None:
    """No time passes."""


def test_a_column_that_stays_does_not_stand_in_the_way_on_a_form() -> None:
    """Only one that is to be removed has to be taken off the form first."""
    column_of_form = DESIRED.sections[0].column
    there = provisioned()
    forms = tuple(replace(form, state=OnForm.ELSEWHERE) for form in there.forms)
    placed = replace(there, forms=forms)
    assert plan_removal(placed, DESIRED, remove_columns=True).conflicts
    foreign = {name: replace(each, in_solution=False) for name, each in there.columns.items()}
    plan = plan_removal(replace(placed, columns=foreign), DESIRED, remove_columns=True)
    assert plan.conflicts == ()
    assert f"somebody put the column {column_of_form} onto it" in {each.detail for each in plan.parts}


@pytest.mark.parametrize(
    "publisher", [FoundPublisher("p", "contoso", 0), FoundPublisher("p", "bsyncpublisher", 1)]
)
def test_a_publisher_of_use_to_others_stays(publisher: FoundPublisher) -> None:
    """One that we did not make, or that has other solutions."""
    plan = plan_removal(replace(provisioned(), publisher=publisher), DESIRED, remove_columns=True)
    assert part(plan, "publisher", publisher.unique_name).state is PartState.KEPT
    assert do.RemoveRow("publishers", "p") not in plan.actions


def test_a_managed_solution_is_not_removed() -> None:
    """Managed solutions are uninstalled by those who installed them."""
    good = provisioned()
    assert good.solution
    actual = replace(good, solution=replace(good.solution, managed=True))
    plan = plan_removal(actual, DESIRED, remove_columns=True)
    assert part(plan, "solution", DESIRED.solution).state is PartState.KEPT
