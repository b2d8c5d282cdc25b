"""The tenant check as a whole: green on the stack as it is, harmless in trouble, silent about people."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from booking_sync.certify.checks import CHECKS
from booking_sync.certify.parts import CertifyOptions
from booking_sync.certify.results import Comparison
from booking_sync.certify.trial_events import CERTIFY_BOOKING, SUBJECT
from booking_sync.domain.events.ownership import marker
from booking_sync.errors import PermanentError
from local.standin.faults import Fault
from tests.certify.conftest import the
from tests.e2e.office import BOOKINGS

if TYPE_CHECKING:
    from tests.certify.conftest import CertifiedStack

pytestmark = pytest.mark.asyncio(loop_scope="module")

EVENT = {
    "subject": "Dentist",
    "start": {"dateTime": "2027-03-02T09:00:00", "timeZone": "UTC"},
    "end": {"dateTime": "2027-03-02T10:00:00", "timeZone": "UTC"},
}
UNSEEN = {
    *("full_mailbox", "new_mailbox", "mails_of_update", "restored_messages", "restored_modified"),
    *("category_twice", "renewal_handshake", "notified_version", "plugin_user"),
    *(
        "webhook_repeats",
        "webhook_sizes",
        "host_dead_letters",
        "sign_in_excluded",
        "sign_in_header",
        "webhooks_at_once",
        "queue_wakes",
    ),
}
"""What a stack without a running app, strange mailboxes and the right to add categories can't show."""


async def test_everything_is_as_assumed(certified: CertifiedStack) -> None:
    """Each assumption that can be tried is seen as expected, and nobody has anything to do."""
    await certified.clear()
    certified.address.items.clear()
    report = await certified.run(None, **certified.hearing)
    by_outcome = {
        outcome: {each.assumption.name for each in report.results if each.outcome is outcome}
        for outcome in Comparison
    }
    assert by_outcome[Comparison.OTHERWISE] == set()
    assert by_outcome[Comparison.UNKNOWN] == set()
    assert by_outcome[Comparison.NOT_TRIED] == UNSEEN
    assert report.nothing_to_do
    assert certified.address.items == []  # none of the test events was reported


async def test_where_graph_is_not_asked_to_report_the_settings_are_named(certified: CertifiedStack) -> None:
    """No subscription is made without an address, nor with one that the app does not answer at."""
    graph = certified.deployment.stack.graph
    await graph.clear_requests()
    for settings in ({}, {**certified.hearing, "RETURN_PATH": "off"}):
        async with certified.open(CertifyOptions(certified.mailbox), **settings) as check:
            check.checks = [each for each in check.checks if "subscription_life" in each.names]
            seen = the(await check.run(), "subscription_life")
        assert seen.seen == (
            "needs the deployed app's address for notifications: set RETURN_PATH and NOTIFICATION_URL"
        )
    assert not any(
        "subscriptions" in item["path"] for each in await graph.requests() for item in each["items"]
    )


async def test_a_subscription_that_can_t_be_ended_is_told(certified: CertifiedStack) -> None:
    """The report says who ends it; what was announced says that it is made."""
    graph = certified.deployment.stack.graph
    await graph.add_fault(Fault(path="/subscriptions/", method="DELETE", times=-1, status=503))
    async with certified.open(CertifyOptions(certified.mailbox), **certified.hearing) as check:
        check.checks = [each for each in check.checks if "subscription_life" in each.names]
        assert "NOTIFICATION_URL" in check.announcement()
        report = await check.run()
    await graph.clear_faults()
    assert "`watch` ends it" in report.left_behind
    assert not report.nothing_to_do
    assert len(await graph.call("GET", "subscriptions")) == 1
    await certified.run(CertifyOptions(certified.mailbox), **certified.hearing)
    assert await graph.call("GET", "subscriptions") == []


async def test_nothing_is_left_and_nobody_is_told(certified: CertifiedStack) -> None:
    """No event of ours is in calendar or Deleted Items, and no mail went out; a copy stays."""
    await certified.clear()
    await certified.run()
    (copy,) = await certified.events()  # the one that a person made
    assert not copy["ownerApp"]
    assert await certified.deployment.stack.graph.mails_sent() == 0


async def test_the_booking_is_as_it_was(certified: CertifiedStack) -> None:
    """A conditional write leaves every column as it was, an error text among them."""
    dataverse = certified.deployment.stack.dataverse
    await dataverse.update(
        BOOKINGS, certified.booking, {"bsync_outlooksyncerror": "No mailbox."}, webhooks=False
    )
    before = (await dataverse.rows(BOOKINGS))[certified.booking]
    report = await certified.run(CertifyOptions(booking=certified.booking))
    assert the(report, "current_version").outcome is Comparison.AS_ASSUMED
    after = (await dataverse.rows(BOOKINGS))[certified.booking]
    moved = {"modifiedon", "modifiedby", "versionnumber"}
    assert {name for name in after if after[name] != before[name]} <= moved
    assert len(await dataverse.rows(BOOKINGS)) == 1  # none was made


async def test_events_of_others_are_not_touched(certified: CertifiedStack) -> None:
    """Whatever people have, with our marker copied onto it or not, is the same afterwards."""
    graph = certified.deployment.stack.graph
    await certified.clear()
    await graph.user("create", certified.mailbox, event=EVENT)
    organization = certified.deployment.environ["DATAVERSE_ORGANIZATION_ID"]
    properties = [
        {
            "id": "String {8f5c1f5e-6b1f-4c57-9d0a-0c7f0d3f6a52} Name BookingSyncMarker",
            "value": marker(organization, CERTIFY_BOOKING),
        }
    ]
    forged = {**EVENT, "subject": SUBJECT, "singleValueExtendedProperties": properties}
    await graph.user("create", certified.mailbox, event=forged)
    before = await certified.events()
    await certified.run(replace(certified.options, by_hand=False))
    assert await certified.events() == before


async def test_a_copy_outlives_later_runs(certified: CertifiedStack) -> None:
    """A copy with all marks, transactionId included, is not taken for what an earlier run left behind."""
    await certified.clear()
    await certified.configure("graph", copies_carry="everything")
    await certified.run()
    (copy,) = await certified.events()
    await certified.configure("graph", copies_carry="marks")
    await certified.run(replace(certified.options, by_hand=False))
    assert await certified.events() == [copy]


async def test_what_a_killed_run_left_is_removed_by_the_next(certified: CertifiedStack) -> None:
    """Also where the answer to the creation never came: the events themselves prove whose they are."""
    await certified.clear()
    async with certified.open() as check:
        events = check._events()  # noqa: SLF001 - what a run does before it is killed
        await events.make(events.new(), events.new())
        await certified.deployment.stack.graph.add_fault(
            Fault(path="/events$", method="POST", when="after", status=504, times=1)
        )
        await events.make(events.new())
    assert len(await certified.events()) == 3
    told: list[str] = []
    async with certified.open(CertifyOptions(certified.mailbox)) as check:
        check.tell = told.append
        check.checks = []
        await check.run()
    assert await certified.events() == []
    assert "removed 3 test events that an earlier run had left" in told


async def test_an_interruption_removes_what_was_made(certified: CertifiedStack) -> None:
    """A run that is cancelled between two checks leaves nothing behind."""
    await certified.clear()
    async with certified.open() as check:
        reached = asyncio.Event()

        async def wait_for_ever(_words: str) -> None:
            reached.set()
            await asyncio.Event().wait()

        check.ask_person = wait_for_ever
        check.checks = CHECKS[-1:]
        run = asyncio.create_task(check.run())
        await reached.wait()
        assert await certified.events()
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
    assert await certified.events() == []


async def test_what_can_t_be_removed_is_told(certified: CertifiedStack) -> None:
    """The report says that something is left, and how to get rid of it; exit code and JSON follow."""
    await certified.clear()
    graph = certified.deployment.stack.graph
    options = replace(certified.options, by_hand=False)
    async with certified.open(options) as check:
        check.checks = []
        await graph.add_fault(Fault(path="/permanentDelete", method="POST", times=-1, status=503))
        await graph.add_fault(Fault(path="/events/", method="DELETE", times=-1, status=503))
        report = await check.run()
    await graph.clear_faults()
    assert "by hand" in report.left_behind
    assert not report.nothing_to_do
    assert report.as_json()["leftBehind"] is True
    await certified.run(options)
    assert await certified.events() == []


async def test_where_nothing_is_deleted_for_good_it_goes_to_deleted_items(certified: CertifiedStack) -> None:
    """A tenant without `permanentDelete` is cleaned up all the same."""
    await certified.clear()
    graph = certified.deployment.stack.graph
    body = {"error": {"code": "BadRequest", "message": "Resource not found for the segment."}}
    await graph.add_fault(Fault(path="/permanentDelete", method="POST", times=-1, status=400, body=body))
    report = await certified.run(replace(certified.options, by_hand=False))
    await graph.clear_faults()
    assert not report.left_behind
    assert await graph.events(certified.mailbox) == []


async def test_the_report_names_nobody(certified: CertifiedStack) -> None:
    """The JSON holds no id, address, name or URL of the tenant, whatever went wrong on the way."""
    graph = certified.deployment.stack.graph
    await certified.clear()
    text = f"Mailbox {certified.mailbox} of {certified.deployment.office.anna.email} is unwell."
    body = {"error": {"code": "ErrorInternalServerError", "message": text}}
    await graph.add_fault(Fault(path="/events/", method="PATCH", times=3, status=500, body=body))
    await graph.add_fault(Fault(path="/events/", method="GET", times=2, status=404, body=body))
    report = await certified.run()
    await graph.clear_faults()
    told = json.dumps(report.as_json()).lower()
    stack, office = certified.deployment.stack, certified.deployment.office
    private = [
        *(certified.mailbox, certified.booking, office.anna.email, office.anna.name, office.ben.mailbox),
        *(str(each) for each in vars(stack.identities).values()),
        *("https://", "aakalg", "aamkag", CERTIFY_BOOKING, "@example", "exampletown"),
    ]
    assert [each for each in private if each.lower() in told] == []


async def test_without_a_mailbox_only_dynamics_is_asked(certified: CertifiedStack) -> None:
    """Reading is tried; what needs a mailbox or a booking says so."""
    await certified.clear()
    report = await certified.run(CertifyOptions())
    assert the(report, "many_by_id").outcome is Comparison.AS_ASSUMED
    assert the(report, "missing_row").outcome is Comparison.AS_ASSUMED
    assert the(report, "property_in_post").seen == "needs a test mailbox: --mailbox"
    assert the(report, "stale_version").seen == "needs a test booking: --booking"
    assert await certified.events() == []


async def test_a_closed_mailbox_is_said(certified: CertifiedStack) -> None:
    """Nothing can be tried in a mailbox that the app may not use."""
    graph = certified.deployment.stack.graph
    await graph.add_mailboxes([{"id": certified.mailbox, "kind": "denied"}])
    with pytest.raises(PermanentError, match="access denied"):
        await certified.run()
    await graph.add_mailboxes([{"id": certified.mailbox, "kind": "normal"}])


async def test_one_check_that_fails_stops_no_other(certified: CertifiedStack) -> None:
    """An answer that never comes leaves its own assumptions untried."""
    await certified.clear()
    graph = certified.deployment.stack.graph
    await graph.add_fault(Fault(path="/outlook/", times=1, drop=True))
    report = await certified.run(replace(certified.options, by_hand=False))
    assert the(report, "category_colours").outcome in {Comparison.NOT_TRIED, Comparison.UNKNOWN}
    assert the(report, "series_times").outcome is Comparison.AS_ASSUMED


async def test_a_template_of_one_s_own_is_tried(certified: CertifiedStack) -> None:
    """The event is the one that the app's settings render; what Exchange changes of it is named."""
    await certified.clear()
    graph = certified.deployment.stack.graph
    subject = {"EVENT_SUBJECT_TEMPLATE": "Visit: {{ account }}"}
    async with certified.open(CertifyOptions(certified.mailbox), **subject) as check:
        check.checks = [each for each in check.checks if "own_event" in each.names]
        seen = the(await check.run(), "own_event")
        assert seen.outcome is Comparison.AS_ASSUMED
    requests = [each for each in await graph.requests() if each["items"]]
    assert requests
    assert await certified.events() == []
