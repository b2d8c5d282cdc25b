"""`status` as a person runs it, on a stack that works."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import pytest_asyncio

from booking_sync.azure.entra.sign_in import SignIn
from booking_sync.cli.exit_codes import ExitCode
from booking_sync.domain.events.event_text.links import booking_url
from booking_sync.domain.messages.change import BookingChange, encode_change
from booking_sync.status.look import look
from booking_sync.status.report import as_json
from booking_sync.status.verdict import judge
from booking_sync.wiring.commands.doctor import open_looking
from tests.cli.commands import CommandLine
from tests.doctor.deployment import Deployment, open_deployment
from tests.e2e.office import BOOKINGS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from local.day.world import Booking as Plan

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def deployment(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Deployment]:
    """A provisioned stack with a Functions host."""
    async with open_deployment(tmp_path_factory.mktemp("stack"), hosts=1) as made:
        yield made


async def ask(deployment: Deployment, booking_id: str) -> tuple[ExitCode, Any]:
    """What `status --json` tells of a booking, and its exit code; in this process, which is faster."""
    async with open_looking(deployment.environ, SignIn.APP) as looking:
        facts = await look(looking.status, booking_id)
    verdict = judge(facts)
    return ExitCode.FINE if verdict.fine else ExitCode.FINDINGS, as_json(facts, verdict)


async def unheard(deployment: Deployment, plan: Plan, **columns: Any) -> None:
    """Change a booking without a webhook."""
    await deployment.stack.dataverse.update(BOOKINGS, plan.id, columns, webhooks=False)


async def test_a_booking_in_step(deployment: Deployment) -> None:
    """Row, record, event and verdict agree; the form's address names it as well as the id."""
    plan = await deployment.office.book()
    folder = deployment.stack.options.folder
    address = booking_url(deployment.environ["DATAVERSE_URL"], plan.id)
    shown = await CommandLine(folder / "settings.json", folder).run("status", address)
    assert shown.code == ExitCode.FINE, shown.notes
    for words in (deployment.office.anna.name, "valid", "verdict: in step", "Boiler inspection", "Scheduled"):
        assert words in shown.output
    ended = await CommandLine(folder / "settings.json", folder).run("status", plan.id, "--json")
    told = ended.json()
    event = await deployment.office.event(plan)
    assert (ended.code, told) == await ask(deployment, plan.id)
    assert told["record"]["seal"] == "valid"
    assert datetime.fromisoformat(told["row"]["start"]) == plan.start
    assert told["row"]["resource"] == {"id": deployment.office.anna.id, "name": deployment.office.anna.name}
    assert [(each["id"], each["recorded"], each["differences"]) for each in told["events"]] == [
        (event.id, True, [])
    ]


async def test_a_change_that_nobody_heard_of(deployment: Deployment) -> None:
    """Behind: the worker would write the event."""
    plan = await deployment.office.book()
    await unheard(deployment, plan, name="Another job", endtime=(plan.end + timedelta(hours=1)).isoformat())
    code, told = await ask(deployment, plan.id)
    assert (code, told["verdict"]) == (ExitCode.FINDINGS, "behind")
    assert told["workerWould"][0].startswith("write the event")
    assert told["record"]["fingerprintIs"] == "of an earlier content"
    assert told["events"][0]["differences"] == ["subject", "end"]


async def test_an_event_that_somebody_edited_or_removed(deployment: Deployment) -> None:
    """Drift, then missing; the worker would believe the row and do nothing."""
    plan = await deployment.office.book()
    event = await deployment.office.event(plan)
    order: dict[str, Any] = {"id": event.id}
    await deployment.stack.graph.user("edit", event.mailbox, **order, event={"subject": "Mine"})
    _, edited = await ask(deployment, plan.id)
    await deployment.stack.graph.user("delete", event.mailbox, **order)
    _, removed = await ask(deployment, plan.id)
    assert (edited["verdict"], edited["events"][0]["differences"]) == ("drift", ["subject"])
    assert (removed["verdict"], removed["events"]) == ("missing", [])
    assert removed["workerWould"] == ["nothing: the row says that all is done"]


async def test_a_copied_row(deployment: Deployment) -> None:
    """Its columns name the original's event, and the seal gives it away: an event of its own is wanted."""
    original = await deployment.office.book()
    row = (await deployment.stack.dataverse.rows(BOOKINGS))[original.id]
    names = ("bsync_outlookeventid", "bsync_originalresource", "bsync_outlooksyncstate")
    copy = await deployment.book(**{name: row[name] for name in names})
    code, told = await ask(deployment, copy)
    assert (code, told["verdict"], told["record"]["seal"]) == (ExitCode.FINDINGS, "behind", "wrong")
    assert told["workerWould"][0].startswith("create event number 1")
    assert told["events"] == []


async def test_an_event_that_only_the_columns_name(deployment: Deployment) -> None:
    """It may be anybody's: nothing of it is shown, and the worker would leave it alone."""
    day = {"timeZone": "UTC"}
    event = {
        "subject": "Dentist",
        "start": {"dateTime": "2027-03-26T18:00:00", **day},
        "end": {"dateTime": "2027-03-26T19:00:00", **day},
    }
    mailbox = deployment.office.anna.mailbox
    made = await deployment.stack.graph.user("create", mailbox, event=event)
    edited = await deployment.book(
        bsync_outlookeventid=made["immutableId"], bsync_originalresource=mailbox.upper()
    )
    code, told = await ask(deployment, edited)
    assert (code, told["verdict"], told["record"]["seal"]) == (ExitCode.FINDINGS, "behind", "none")
    assert told["workerWould"][0].startswith("create event number 1")
    assert told["events"] == []
    assert "Dentist" not in str(told)


async def test_a_booking_that_was_given_up(deployment: Deployment) -> None:
    """The dead letter about it is shown with its reason."""
    booking_id = await deployment.book(bsync_outlooksyncerror="Outlook: no mailbox.")
    change = BookingChange(booking_id, "c1", datetime.now(UTC))
    await deployment.poison(encode_change(change), "Outlook: no mailbox.")
    code, told = await ask(deployment, booking_id)
    await deployment.stack.queue.take_poison()
    assert (code, told["verdict"]) == (ExitCode.FINDINGS, "failing")
    assert [each["reason"] for each in told["poison"]] == ["Outlook: no mailbox."]


async def test_a_mailbox_that_is_closed(deployment: Deployment) -> None:
    """Nothing is concluded from events that can't be seen."""
    plan = await deployment.office.book(deployment.office.ben)
    ben = {"id": deployment.office.ben.mailbox}
    await deployment.stack.graph.add_mailboxes([{**ben, "kind": "denied"}])
    code, told = await ask(deployment, plan.id)
    await deployment.stack.graph.add_mailboxes([{**ben, "kind": "normal"}])
    assert (code, told["verdict"]) == (ExitCode.FINDINGS, "unreadable")
    assert "access denied" in told["closedMailboxes"][deployment.office.ben.mailbox]


async def test_a_booking_that_is_not_there(deployment: Deployment) -> None:
    """Gone is not hidden, and the command tells them apart."""
    hidden = await deployment.book()
    await deployment.stack.dataverse.configure(hidden_bookings=[hidden])
    _, unseen = await ask(deployment, hidden)
    await deployment.stack.dataverse.configure(hidden_bookings=[])
    code, gone = await ask(deployment, str(uuid4()))
    assert (unseen["verdict"], gone["verdict"], code) == ("hidden", "gone", ExitCode.FINDINGS)
    assert (gone["row"], gone["record"], gone["events"]) == (None, None, [])


async def test_what_names_no_booking_is_refused(deployment: Deployment) -> None:
    """Exit code 2; a name that several have lists them with their ids, since nobody can be asked."""
    folder = deployment.stack.options.folder
    ended = await CommandLine(folder / "settings.json", folder).run("status", "no such booking")
    assert (ended.code, "No booking is called" in ended.notes) == (ExitCode.USAGE, True)
    plans = [await deployment.office.book(), await deployment.office.book()]
    several = await CommandLine(folder / "settings.json", folder).run("status", plans[0].name)
    assert (several.code, "say which booking by its id" in several.notes) == (ExitCode.USAGE, True)
    assert any(plan.id in several.notes for plan in plans)
