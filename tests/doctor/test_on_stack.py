"""Each check against the strict local stack: well on a provisioned one, and its complaint on a broken one."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from booking_sync.azure.blob_texts import open_text_store
from booking_sync.doctor.facts import Wishes
from booking_sync.doctor.findings import Area, Severity
from booking_sync.operations.journal import RunKind
from booking_sync.operations.journal_store import JournalStore
from booking_sync.settings.loading import load_part
from booking_sync.settings.table import QueueSettings
from booking_sync.wiring.ambient import now
from local.day.world import booking_row
from local.stack import SECRET_NAME
from local.standin.faults import Fault
from tests.doctor.clinic import Clinic, bad, open_clinic, the
from tests.e2e.office import BOOKINGS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio(loop_scope="module")

DELETE_STEP = "step booking_sync: Delete of bookableresourcebooking"
UPDATE_STEP = "step booking_sync: Update of bookableresourcebooking"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def clinic(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Clinic]:
    """A provisioned stack without a Functions host."""
    async with open_clinic(tmp_path_factory.mktemp("stack")) as made:
        yield made


@asynccontextmanager
async def configured(clinic: Clinic, **knobs: Any) -> AsyncIterator[None]:
    """Turn knobs of Dataverse for a while."""
    await clinic.stack.dataverse.configure(**knobs)
    yield
    await clinic.stack.dataverse.configure(**{name: [] for name in knobs})


async def test_a_provisioned_stack_is_healthy(clinic: Clinic) -> None:
    """Every check passes, a test event in a mailbox included, and nothing is left behind."""
    anna, ben = clinic.office.anna, clinic.office.ben
    report = await clinic.examine(Wishes((anna.mailbox.upper(), ben.email)))
    assert report.healthy, bad(report)
    assert {each.area for each in report.findings} == set(Area)
    assert {each.severity for each in report.findings} == {Severity.OK}
    assert the(report, ben.email).words == "a test event was made, read back and removed"
    assert await clinic.stack.graph.events() == []
    assert await clinic.stack.graph.mails_sent() == 0


async def test_all_wrong_settings_are_named_at_once(clinic: Clinic) -> None:
    """One finding names them; what needs none of them is checked all the same."""
    report = await clinic.examine(DATAVERSE_URL="", BATCH_MAX_BOOKINGS="many", AUDIT_DAYS_BACK="-1")
    (finding,) = bad(report)
    assert finding.area is Area.SETTINGS
    for name in ("DATAVERSE_URL", "BATCH_MAX_BOOKINGS", "AUDIT_DAYS_BACK"):
        assert name in finding.words
    assert the(report, "change queue").severity is Severity.OK
    assert the(report, "token for Graph").severity is Severity.OK
    assert the(report, "token for Dataverse").severity is Severity.SKIPPED


async def test_a_catch_up_that_runs_seldom(clinic: Clinic) -> None:
    """The settings can be used; what they leave open is told, with the way out."""
    (finding,) = bad(await clinic.examine(CATCH_UP_SCHEDULE="0 0 */2 * * *"))
    assert (finding.area, finding.check, finding.severity) == (
        Area.SETTINGS,
        "CATCH_UP_SCHEDULE",
        Severity.WARNING,
    )
    assert "pauses for up to 2 h, and a run covers 58 min" in finding.words
    assert "CATCH_UP_LOOK_BACK_MINUTES to 122 or more" in finding.remedy


async def test_without_any_setting_there_is_one_complaint(clinic: Clinic) -> None:
    """Everything else hangs on it and is skipped, not failed."""
    report = await clinic.examine_with({}, Wishes(("anna@x",)))
    assert [each.area for each in bad(report)] == [Area.SETTINGS]


async def test_a_message_on_the_poison_queue(clinic: Clinic) -> None:
    """It is counted, and the command that shows it is named."""
    await clinic.poison("{}", "No mailbox.")
    finding = the(await clinic.examine(), "poison queue")
    assert (finding.severity, "poison list" in finding.remedy) == (Severity.WARNING, True)
    assert "1 given-up message" in finding.words
    await clinic.stack.queue.take_poison()


async def test_messages_that_nobody_takes(clinic: Clinic) -> None:
    """An hour-old message means that the function app does not work."""
    await clinic.stack.queue.send("{}")
    report = await clinic.examine(ahead=timedelta(hours=1))
    assert "the oldest waits for 60 min" in the(report, "change queue").words
    await clinic.stack.queue._changes.clear_messages()  # noqa: SLF001 - a test's own clearing away


async def test_a_storage_account_that_is_not_there(clinic: Clinic) -> None:
    """The queues are complained of, the timers are skipped."""
    storage = (
        clinic.environ["AzureWebJobsStorage"].replace("127.0.0.1:", "127.0.0.1:9").split("QueueEndpoint")[0]
    )
    port = "https://127.0.0.1:9"
    report = await clinic.examine(AzureWebJobsStorage=f"{storage}QueueEndpoint={port}/account")
    assert the(report, "queues").severity is Severity.ERROR
    assert "Storage Queue Data Contributor" in the(report, "queues").remedy
    assert the(report, "timers").severity is Severity.SKIPPED


async def test_the_timers_last_runs_are_told(clinic: Clinic) -> None:
    """A failed audit is a warning; no catch-up for longer than one looks back is an error."""
    text_store = open_text_store(load_part(clinic.environ, QueueSettings).storage)
    assert text_store is not None
    journal_store = JournalStore(lambda: text_store, "test", now, dict)
    await journal_store.ran(RunKind.CATCH_UP, {})
    await journal_store.ran(RunKind.AUDIT, {}, "Dataverse said no.")
    soon, late = await clinic.examine(), await clinic.examine(ahead=timedelta(hours=3))
    assert the(soon, "last catch-up").severity is Severity.OK
    assert "Dataverse said no." in the(soon, "last audit").words
    assert the(late, "last catch-up").severity is Severity.ERROR
    for kind in RunKind:
        await text_store._container.delete_blob(f"runs/{kind.value}")  # noqa: SLF001 - a test's own clearing away
    await text_store.aclose()


async def test_a_secret_that_is_not_in_the_vault(clinic: Clinic) -> None:
    """One complaint that names secret and remedy; all that hangs on it is skipped."""
    report = await clinic.examine(Wishes(("anna@x",)), CLIENT_SECRET_NAME="another")
    (finding,) = bad(report)
    assert (finding.area, "no secret named another" in finding.words) == (Area.SECRET, True)
    assert "Key Vault Secrets User" in finding.remedy
    skipped = {each.area for each in report.findings if each.severity is Severity.SKIPPED}
    assert skipped == {Area.SIGN_IN, Area.DATAVERSE, Area.REGISTRATION, Area.MAILBOXES}


async def test_a_secret_that_is_about_to_expire(clinic: Clinic) -> None:
    """Its date is told in time, with the way to a new one."""
    secret = {"value": clinic.stack.client_secret, "exp": int(time.time()) + 10 * 24 * 3600}
    await clinic.stack.vault.call("POST", f"secrets/{SECRET_NAME}", secret)
    finding = the(await clinic.examine(), "Key Vault")
    assert (finding.severity, "az keyvault secret set" in finding.remedy) == (Severity.WARNING, True)
    await clinic.stack.vault.call("POST", f"secrets/{SECRET_NAME}", {"value": secret["value"]})


async def test_a_secret_that_entra_refuses(clinic: Clinic) -> None:
    """The vault is fine, the tokens are not, and the rest waits for them."""
    await clinic.stack.entra.configure(secrets=[{"value": "another"}])
    report = await clinic.examine()
    assert [each.check for each in bad(report)] == ["token for Graph", "token for Dataverse"]
    assert "refuses the client secret" in the(report, "token for Dataverse").words
    await clinic.stack.entra.configure(secrets=[{"value": clinic.stack.client_secret}])


async def test_a_secret_from_the_environment_needs_no_vault(clinic: Clinic) -> None:
    """The check is skipped, with a word on what the function app needs."""
    report = await clinic.examine(
        ENTRA_CLIENT_SECRET=clinic.stack.client_secret, CLIENT_SECRET_NAME="no-such"
    )
    assert report.healthy, bad(report)
    assert "function app needs it in the vault" in the(report, "Key Vault").words


async def test_a_clock_that_is_wrong(clinic: Clinic) -> None:
    """Six minutes are more than Entra allows; each service is compared."""
    report = await clinic.examine(ahead=timedelta(minutes=6))
    clocks = [each for each in bad(report) if each.area is Area.CLOCK]
    assert [each.check for each in clocks] == ["Entra", "Graph", "Dataverse"]
    assert all("s ahead" in each.words and "timedatectl" in each.remedy for each in clocks)


async def test_one_service_s_clock_is_wrong(clinic: Clinic) -> None:
    """It is told from the header of any answer."""
    date = {"Date": "Mon, 02 Mar 2026 08:00:00 GMT"}
    await clinic.stack.graph.add_fault(Fault(path=r"\$metadata", status=401, headers=date))
    report = await clinic.examine()
    assert [each.check for each in bad(report)] == ["Graph"]


async def test_another_organisation_and_another_user(clinic: Clinic) -> None:
    """The settings are for a copy of the environment, or for nobody."""
    other = "99999999-9999-4999-8999-999999999999"
    wrong = await clinic.examine(DATAVERSE_ORGANIZATION_ID=other, DATAVERSE_APP_USER_ID=other)
    unset = await clinic.examine(DATAVERSE_ORGANIZATION_ID="", DATAVERSE_APP_USER_ID="")
    for report, severity in ((wrong, Severity.ERROR), (unset, Severity.WARNING)):
        assert [(each.check, each.severity) for each in bad(report)] == [
            ("organisation", severity),
            ("application user", severity),
        ]
    assert clinic.stack.identities.app_user_id in the(unset, "application user").remedy


async def test_a_privilege_that_is_missing(clinic: Clinic) -> None:
    """The role's gap is named, and so is the table that can't be read for it."""
    async with configured(clinic, missing_privileges=["prvReadmsdyn_workorder"]):
        report = await clinic.examine()
    assert {each.check for each in bad(report)} == {"privileges", "reading msdyn_workorder"}
    assert "prvReadmsdyn_workorder" in the(report, "privileges").words
    assert "security role booking_sync" in the(report, "privileges").remedy


async def test_bookings_can_t_be_written(clinic: Clinic) -> None:
    """The write privilege is looked for although nothing is written."""
    async with configured(clinic, missing_privileges=["prvWriteBookableResourceBooking"]):
        report = await clinic.examine()
    assert [each.check for each in bad(report)] == ["privileges"]


async def test_the_app_need_not_read_steps(clinic: Clinic) -> None:
    """A lean role is no fault: the checks are skipped, and the way to have them made is told."""
    async with configured(clinic, missing_privileges=["prvReadSdkMessage", "prvReadAsyncOperation"]):
        report = await clinic.examine()
    assert report.healthy, bad(report)
    finding = the(report, "columns and steps")
    assert (finding.severity, "--auth cli" in finding.remedy) == (Severity.SKIPPED, True)


async def test_a_person_must_be_allowed_to_read_steps(clinic: Clinic) -> None:
    """Who signed in for that and may not is told so."""
    async with configured(clinic, missing_privileges=["prvReadSdkMessage"]):
        report = await clinic.examine(Wishes(signed_in_as_app=False))
    assert [(each.check, each.severity) for each in bad(report)] == [("columns and steps", Severity.ERROR)]


async def test_a_journal_that_can_t_be_read(clinic: Clinic) -> None:
    """Whoever operates the queues need not read blobs: skipped, with the role that it would take."""
    blobs = clinic.environ["AzureWebJobsStorage"].split("BlobEndpoint=")
    nowhere = f"{blobs[0]}BlobEndpoint=https://127.0.0.1:9/a;{blobs[1].partition(';')[2]}"
    report = await clinic.examine(AzureWebJobsStorage=nowhere)
    assert report.healthy, bad(report)
    finding = the(report, "last audit")
    assert (finding.severity, "Storage Blob Data Reader" in finding.remedy) == (Severity.SKIPPED, True)


async def test_optimistic_concurrency_is_off(clinic: Clinic) -> None:
    """Without it no record can be written."""
    async with configured(clinic, without_optimistic_concurrency=["bookableresourcebooking"]):
        finding = the(await clinic.examine(), "optimistic concurrency")
    assert (finding.severity, "IsOptimisticConcurrencyEnabled" in finding.remedy) == (Severity.ERROR, True)


async def test_a_column_under_column_security(clinic: Clinic) -> None:
    """The columns and the profile that they need are named."""
    async with configured(clinic, secured_columns=["bsync_outlookeventid"]):
        finding = the(await clinic.examine(), "column access")
    assert (finding.severity, "bsync_outlookeventid" in finding.words) == (Severity.WARNING, True)
    assert "column security profile" in finding.remedy


async def test_a_column_that_is_too_short(clinic: Clinic) -> None:
    """Both lengths are told; `provision` widens it."""
    await clinic.shrink("bsync_outlookeventid", 50)
    (finding,) = bad(await clinic.examine())
    assert (finding.check, finding.severity) == ("column bsync_outlookeventid", Severity.ERROR)
    assert ("50 → 400" in finding.words, "booking-sync provision" in finding.remedy) == (True, True)
    await clinic.provision()


async def test_columns_of_other_names_are_missing(clinic: Clinic) -> None:
    """What the settings name and Dataverse lacks: reading fails, and `provision` would make it."""
    report = await clinic.examine(SYNC_ERROR_COLUMN="bsync_another")
    assert the(report, "reading bookableresourcebooking").severity is Severity.ERROR
    assert the(report, "column bsync_another").severity is Severity.ERROR
    assert the(report, "failing bookings, Microsoft's own sync").severity is Severity.SKIPPED


async def test_a_disabled_step_and_a_missing_image(clinic: Clinic) -> None:
    """Each is named; everything else about them is fine."""
    dataverse = clinic.stack.dataverse
    steps = await dataverse.rows("sdkmessageprocessingsteps")
    (update,) = [key for key, row in steps.items() if f"step {row['name']}" == UPDATE_STEP]
    (image,) = await dataverse.rows("sdkmessageprocessingstepimages")
    await dataverse.update("sdkmessageprocessingsteps", update, {"statecode": 1, "statuscode": 2})
    await dataverse.delete("sdkmessageprocessingstepimages", image)
    report = await clinic.examine()
    assert {each.check: each.words for each in bad(report)} == {
        UPDATE_STEP: "differs: disabled",
        "image PreImage of booking_sync: Delete of bookableresourcebooking": "missing: 4 columns",
    }
    await clinic.provision()


async def test_a_missing_step(clinic: Clinic) -> None:
    """Deletions would never be heard of."""
    dataverse = clinic.stack.dataverse
    steps = await dataverse.rows("sdkmessageprocessingsteps")
    (gone,) = [key for key, row in steps.items() if f"step {row['name']}" == DELETE_STEP]
    await dataverse.delete("sdkmessageprocessingsteps", gone)
    report = await clinic.examine()
    assert the(report, DELETE_STEP).severity is Severity.ERROR
    await clinic.provision()


async def test_a_webhook_that_got_lost(clinic: Clinic) -> None:
    """The failed system job is counted, with its reason."""
    booking = clinic.office.plan()
    await clinic.stack.dataverse.create(BOOKINGS, booking_row(booking))
    await clinic.stack.wait_until_quiet(30)
    finding = the(await clinic.examine(), "failed webhooks")
    assert (finding.severity, finding.words.startswith("1 in the last 7 days")) == (Severity.WARNING, True)
    for job in await clinic.stack.dataverse.rows("asyncoperations"):
        await clinic.stack.dataverse.delete("asyncoperations", job)


async def test_bookings_that_can_t_sync(clinic: Clinic) -> None:
    """They are counted; the latest is quoted."""
    booking_id = await clinic.book(bsync_outlooksyncerror="No mailbox.")
    finding = the(await clinic.examine(), "failing bookings")
    assert (finding.severity, booking_id in finding.remedy) == (Severity.WARNING, True)
    assert "No mailbox." in finding.words
    await clinic.stack.dataverse.delete(BOOKINGS, booking_id, webhooks=False)


@pytest.mark.parametrize("column", ["msdyn_globalobjectid", "msdyn_appointmentbookingid"])
async def test_microsoft_s_own_sync_is_at_work(clinic: Clinic, column: str) -> None:
    """Either of its marks on a booking of these days gives it away; the people concerned are named."""
    booking_id = await clinic.book(**{column: "040000008200E00074C5B7101A82E008"})
    finding = the(await clinic.examine(), "Microsoft's own sync")
    assert (finding.severity, "Microsoft support" in finding.remedy) == (Severity.ERROR, True)
    assert f"{clinic.office.anna.name} ({clinic.office.anna.id})" in finding.words
    later = the(await clinic.examine(ahead=timedelta(days=15)), "Microsoft's own sync")
    assert later.severity is Severity.OK
    await clinic.stack.dataverse.delete(BOOKINGS, booking_id, webhooks=False)


async def test_a_field_service_of_before_microsoft_s_sync(clinic: Clinic) -> None:
    """It has no columns for marks, and so there are none."""
    words = "Could not find a property named 'msdyn_globalobjectid' on type 'Microsoft.Dynamics.CRM.x'."
    body = {"error": {"code": "0x0", "message": words}}
    await clinic.stack.dataverse.add_fault(Fault(path="msdyn_globalobjectid", status=400, body=body))
    assert (await clinic.examine()).healthy


async def test_privileges_without_names_are_no_lack(clinic: Clinic) -> None:
    """An answer that can't be read is told as that, not as seven missing privileges."""
    body = {"RolePrivileges": [{"PrivilegeId": "p", "Depth": "Global", "PrivilegeName": None}]}
    await clinic.stack.dataverse.add_fault(Fault(path="RetrieveUserPrivileges", status=200, body=body))
    finding = the(await clinic.examine(), "privileges")
    assert (finding.severity, "incomplete" in finding.words) == (Severity.ERROR, True)


async def test_a_mailbox_that_is_closed_to_the_app(clinic: Clinic) -> None:
    """The refusal, and how to include the mailbox; a person without one, and one that nobody knows."""
    anna, ben = clinic.office.anna, clinic.office.ben
    kinds = [{"id": anna.mailbox, "kind": "denied"}, {"id": ben.mailbox, "kind": "no_mailbox"}]
    await clinic.stack.graph.add_mailboxes(kinds)
    report = await clinic.examine(Wishes((anna.email, ben.email, "nobody@x.example")))
    assert "access denied" in the(report, anna.email).words
    assert "Test-ServicePrincipalAuthorization" in the(report, anna.email).remedy
    assert "no Exchange Online mailbox" in the(report, ben.email).words
    assert "licence" in the(report, ben.email).remedy
    assert "az ad user show --id nobody@x.example" in the(report, "nobody@x.example").remedy
    await clinic.stack.graph.add_mailboxes([{**each, "kind": "normal"} for each in kinds])


async def test_a_mailbox_outside_must_be_closed(clinic: Clinic) -> None:
    """One that opens is an error; one that is refused is what is wanted."""
    anna = clinic.office.anna
    wishes = Wishes(outside=(anna.mailbox,))
    check = f"outside: {anna.mailbox}"
    wide = the(await clinic.examine(wishes), check)
    assert (wide.severity, "docs/deployment.md" in wide.remedy) == (Severity.ERROR, True)
    for kind, severity in (("denied", Severity.OK), ("no_mailbox", Severity.WARNING)):
        await clinic.stack.graph.add_mailboxes([{"id": anna.mailbox, "kind": kind}])
        assert the(await clinic.examine(wishes), check).severity is severity
    await clinic.stack.graph.add_mailboxes([{"id": anna.mailbox, "kind": "normal"}])


async def test_a_dry_run_writes_nothing(clinic: Clinic) -> None:
    """It tells what it would write, and when."""
    anna = clinic.office.anna
    await clinic.stack.graph.clear_requests()
    report = await clinic.examine(Wishes((anna.mailbox,), dry_run=True))
    finding = the(report, anna.mailbox)
    assert (finding.severity, "03:00 UTC" in finding.words) == (Severity.SKIPPED, True)
    assert (await clinic.stack.graph.counts()).writes == 0


async def test_without_a_mailbox_the_check_is_skipped(clinic: Clinic) -> None:
    """And says so; that is no complaint."""
    report = await clinic.examine()
    assert report.healthy
    assert "--mailbox" in the(report, "test event").remedy


async def test_ctrl_c_leaves_no_event(clinic: Clinic) -> None:
    """An examination that is cancelled while the event is read back removes it first."""
    anna, graph = clinic.office.anna, clinic.stack.graph
    await graph.add_fault(Fault(path="/events\\?", method="GET", delay_seconds=2.0, times=1))
    run = asyncio.ensure_future(clinic.examine(Wishes((anna.mailbox,))))
    await clinic.until_there_is_an_event()
    run.cancel()  # the event is made, and its answer may still be on its way
    with suppress(asyncio.CancelledError):
        await run
    assert run.cancelled()
    assert await graph.events() == []
    await graph.clear_faults()


async def test_a_lost_answer_leaves_no_event(clinic: Clinic) -> None:
    """The event was made, the answer spoilt: it is found by its marker and removed."""
    anna, graph = clinic.office.anna, clinic.stack.graph
    await graph.add_fault(Fault(path="/events$", method="POST", when="after", status=503))
    report = await clinic.examine(Wishes((anna.mailbox,)))
    assert the(report, anna.mailbox).severity is Severity.ERROR
    assert await graph.events() == []


async def test_an_event_that_can_t_be_removed_is_told(clinic: Clinic) -> None:
    """By its title, to be removed by hand or by the next run, which does so."""
    anna, graph = clinic.office.anna, clinic.stack.graph
    await graph.add_fault(Fault(method="DELETE", status=503, times=2))
    assert (await clinic.examine(Wishes((anna.mailbox,)))).healthy, "two failures are overcome"
    await graph.add_fault(Fault(method="DELETE", status=503, times=-1))
    report = await clinic.examine(Wishes((anna.mailbox,)))
    assert "test event" in the(report, f"{anna.mailbox}: removal").remedy
    await graph.clear_faults()
    assert len(await graph.events()) == 1
    assert (await clinic.examine(Wishes((anna.mailbox,)))).healthy
    assert await graph.events() == []
