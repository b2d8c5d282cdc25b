"""Each check against the strict local stack: well on a provisioned one, and its complaint on a broken one."""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from booking_sync.azure.storage.blob_texts import open_text_store
from booking_sync.doctor.options import DoctorOptions
from booking_sync.doctor.report import Area, CheckStatus
from booking_sync.domain.environment.columns import ReturnColumns
from booking_sync.domain.timers import Timer
from booking_sync.operations.journal.store import JournalStore
from booking_sync.settings.loading import load_queue_settings
from booking_sync.wiring.basics import now
from local.day.world import booking_row
from local.stack import SECRET_NAME
from local.standin.faults import Fault
from tests.doctor.deployment import READING_BACK, Deployment, bad, open_deployment, the
from tests.e2e.office import BOOKINGS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio(loop_scope="module")

DELETE_STEP = "step booking_sync: Delete of bookableresourcebooking"
UPDATE_STEP = "step booking_sync: Update of bookableresourcebooking"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def deployment(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Deployment]:
    """A provisioned stack without a Functions host."""
    async with open_deployment(tmp_path_factory.mktemp("stack")) as made:
        yield made


@asynccontextmanager
async def configured(deployment: Deployment, **knobs: Any) -> AsyncIterator[None]:
    """Turn knobs of Dataverse for a while."""
    await deployment.stack.dataverse.configure(**knobs)
    yield
    await deployment.stack.dataverse.configure(**{name: [] for name in knobs})


async def test_a_provisioned_stack_is_healthy(deployment: Deployment) -> None:
    """Every check passes, a test event in a mailbox included, and nothing is left behind."""
    anna, ben = deployment.office.anna, deployment.office.ben
    report = await deployment.run_doctor(DoctorOptions((anna.mailbox.upper(), ben.email)))
    assert report.healthy, bad(report)
    assert {each.area for each in report.results} == set(Area)
    assert {each.status for each in report.results} == {CheckStatus.OK}
    assert the(report, ben.email).words == "a test event was made, read back and removed"
    assert await deployment.stack.graph.events() == []
    assert await deployment.stack.graph.mails_sent() == 0


async def test_exchange_reads_the_zone_otherwise(deployment: Deployment) -> None:
    """The test event is written in the app's own zone, so that another rule book is noticed."""
    shift = {"zone": "Europe/Berlin", "since": "2026-01-01T00:00:00+00:00", "minutes": 60}
    await deployment.stack.graph.configure(zone_shifts=[shift])
    anna = deployment.office.anna.mailbox
    report = await deployment.run_doctor(DoctorOptions((anna,)))
    await deployment.stack.graph.configure(zone_shifts=[])
    result = the(report, anna)
    assert (result.status, "03:00 UTC is shown at" in result.words) == (CheckStatus.WARNING, True)
    assert "04:00 UTC" in result.words
    assert "tzdata" in result.remedy
    assert await deployment.stack.graph.events() == []


async def test_the_way_back_without_its_columns_and_its_key(deployment: Deployment) -> None:
    """The doctor names each column, the view and the key, and how they are made."""
    report = await deployment.run_doctor(
        RETURN_PATH="apply", NOTIFICATION_URL="https://localhost/api/outlook/notifications"
    )
    found = {each.check: each for each in bad(report)}
    for name in ReturnColumns().names:
        assert found[f"column {name}"].remedy.startswith("Run `booking-sync provision`")
    assert "bsync_outlookbase" in found["reading bookableresourcebooking"].words
    assert found[UPDATE_STEP].words.startswith("differs: filters by")
    assert "booking-sync provision" in found["key of notifications"].remedy
    assert found["subscriptions"].words.startswith("Graph reports of no mailbox")
    assert the(report, "status for cancellations").words == "Canceled, the only one of type Canceled"


async def test_all_wrong_settings_are_named_at_once(deployment: Deployment) -> None:
    """One finding names them; what needs none of them is checked all the same."""
    report = await deployment.run_doctor(DATAVERSE_URL="", BATCH_MAX_BOOKINGS="many", AUDIT_DAYS_BACK="-1")
    (result,) = bad(report)
    assert result.area is Area.SETTINGS
    for name in ("DATAVERSE_URL", "BATCH_MAX_BOOKINGS", "AUDIT_DAYS_BACK"):
        assert name in result.words
    assert the(report, "change queue").status is CheckStatus.OK
    assert the(report, "token for Graph").status is CheckStatus.OK
    assert the(report, "token for Dataverse").status is CheckStatus.SKIPPED


@pytest.mark.parametrize("name", ["CATCH_UP_SCHEDULE", "AUDIT_SCHEDULE"])
async def test_a_schedule_that_never_comes(deployment: Deployment, name: str) -> None:
    """The doctor names the setting and why no day is ever its own; the timers' runs can't be judged."""
    report = await deployment.run_doctor_with({**deployment.environ, name: "0 30 2 30 2 *"})
    (result,) = bad(report)
    assert (result.area, result.status) == (Area.SETTINGS, CheckStatus.ERROR)
    assert f"{name} never comes: none of its months has such a day" in result.words
    for timer in Timer:
        assert the(report, f"last {timer}").status is CheckStatus.SKIPPED


async def test_a_catch_up_that_runs_seldom(deployment: Deployment) -> None:
    """The settings can be used; what they leave open is told, with the way out."""
    (result,) = bad(await deployment.run_doctor(CATCH_UP_SCHEDULE="0 0 */2 * * *"))
    assert (result.area, result.check, result.status) == (
        Area.SETTINGS,
        "CATCH_UP_SCHEDULE",
        CheckStatus.WARNING,
    )
    assert "pauses for up to 2 h, and a run covers 58 min" in result.words
    assert "CATCH_UP_LOOK_BACK_MINUTES to 122 or more" in result.remedy


async def test_without_any_setting_there_is_one_complaint(deployment: Deployment) -> None:
    """Everything else hangs on it and is skipped, not failed."""
    report = await deployment.run_doctor_with({}, DoctorOptions(("anna@x",)))
    assert [each.area for each in bad(report)] == [Area.SETTINGS]


async def test_a_message_on_the_poison_queue(deployment: Deployment) -> None:
    """It is counted, and the command that shows it is named."""
    await deployment.poison("{}", "No mailbox.")
    result = the(await deployment.run_doctor(), "poison queue")
    assert (result.status, "poison list" in result.remedy) == (CheckStatus.WARNING, True)
    assert "1 message was given up" in result.words
    await deployment.stack.queue.take_poison()


async def test_messages_that_nobody_takes(deployment: Deployment) -> None:
    """An hour-old message means that the function app does not work."""
    await deployment.stack.queue.send("{}")
    report = await deployment.run_doctor(ahead=timedelta(hours=1))
    assert "the oldest waits for 60 min" in the(report, "change queue").words
    await deployment.stack.queue._changes.clear_messages()  # noqa: SLF001 - a test's own clearing away


async def test_a_storage_account_that_is_not_there(deployment: Deployment) -> None:
    """The queues are complained of, the timers are skipped."""
    storage = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:9", deployment.environ["AzureWebJobsStorage"]).split(
        "QueueEndpoint"
    )[0]
    port = "https://127.0.0.1:9"
    report = await deployment.run_doctor(AzureWebJobsStorage=f"{storage}QueueEndpoint={port}/account")
    assert the(report, "queues").status is CheckStatus.ERROR
    assert "name resolution, and the host names in the settings" in the(report, "queues").remedy
    assert the(report, "timers").status is CheckStatus.SKIPPED


async def test_the_timers_last_runs_are_told(deployment: Deployment) -> None:
    """A failed audit is a warning; no catch-up for longer than one looks back is an error."""
    text_store = open_text_store(load_queue_settings(deployment.environ).storage)
    assert text_store is not None
    journal_store = JournalStore(lambda: text_store, "test", now, dict)
    await journal_store.ran(Timer.CATCH_UP, {})
    await journal_store.ran(Timer.AUDIT, {}, "Dataverse said no.")
    soon, late = await deployment.run_doctor(), await deployment.run_doctor(ahead=timedelta(hours=3))
    assert the(soon, "last catch-up").status is CheckStatus.OK
    assert "Dataverse said no." in the(soon, "last audit").words
    assert the(late, "last catch-up").status is CheckStatus.ERROR
    for timer in (Timer.CATCH_UP, Timer.AUDIT):
        await text_store._container.delete_blob(f"runs/{timer.value}")  # noqa: SLF001 - a test's own clearing away
    await text_store.aclose()


async def test_an_app_that_never_ran_is_told_and_nothing_is_noted(deployment: Deployment) -> None:
    """Where the journal knows neither runs nor the app, nobody judges a timer, and no blob is written."""
    text_store = open_text_store(load_queue_settings(deployment.environ).storage)
    assert text_store is not None
    container = text_store._container  # noqa: SLF001 - a test's own clearing away
    await container.delete_blob("seen-since")
    before = {each.name: each.last_modified async for each in container.list_blobs()}
    report = await deployment.run_doctor()
    for timer in (Timer.CATCH_UP, Timer.AUDIT, Timer.NEAR_AUDIT):
        result = the(report, f"last {timer}")
        assert (result.status, "since when the app runs" in result.words) == (CheckStatus.SKIPPED, True)
        assert result.remedy
    assert {each.name: each.last_modified async for each in container.list_blobs()} == before
    await deployment.note_seen()
    await text_store.aclose()


async def test_a_secret_that_is_not_in_the_vault(deployment: Deployment) -> None:
    """One complaint that names secret and remedy; all that hangs on it is skipped."""
    report = await deployment.run_doctor(DoctorOptions(("anna@x",)), CLIENT_SECRET_NAME="another")
    (result,) = bad(report)
    assert (result.area, "no secret named another" in result.words) == (Area.SECRET, True)
    assert "Key Vault Secrets User" in result.remedy
    skipped = {each.area for each in report.results if each.status is CheckStatus.SKIPPED}
    assert skipped == {Area.SIGN_IN, Area.DATAVERSE, Area.REGISTRATION, Area.PEOPLE, Area.MAILBOXES}


async def test_a_secret_that_is_about_to_expire(deployment: Deployment) -> None:
    """Its date is told in time, with the way to a new one."""
    secret = {"value": deployment.stack.client_secret, "exp": int(time.time()) + 10 * 24 * 3600}
    await deployment.stack.vault.call("POST", f"secrets/{SECRET_NAME}", secret)
    result = the(await deployment.run_doctor(), "Key Vault")
    assert (result.status, "az keyvault secret set" in result.remedy) == (CheckStatus.WARNING, True)
    await deployment.stack.vault.call("POST", f"secrets/{SECRET_NAME}", {"value": secret["value"]})


async def test_services_that_give_no_answer_at_all(deployment: Deployment) -> None:
    """Nobody is sent to compare ids: it is the network, or the name of a host."""
    nowhere = "https://127.0.0.1:9"
    report = await deployment.run_doctor(AZURE_AUTHORITY_HOST=nowhere)
    assert [each.check for each in bad(report)][:2] == ["token for Graph", "token for Dataverse"]
    report_of_vault = await deployment.run_doctor(KEY_VAULT_URL=nowhere)
    for result in (*bad(report)[:2], the(report_of_vault, "Key Vault"), the(report_of_vault, "versions")):
        assert "can't be reached" in result.words
        assert "network, its proxy and its name resolution" in result.remedy
    report = await deployment.run_doctor(DATAVERSE_URL=nowhere)
    assert "name resolution" in the(report, "application user").remedy


async def test_a_secret_that_entra_refuses(deployment: Deployment) -> None:
    """The vault is fine, the tokens are not, and the rest waits for them."""
    await deployment.stack.entra.configure(secrets=[{"value": "another"}])
    report = await deployment.run_doctor()
    assert [each.check for each in bad(report)] == ["token for Graph", "token for Dataverse"]
    assert "refuses the client secret" in the(report, "token for Dataverse").words
    await deployment.stack.entra.configure(secrets=[{"value": deployment.stack.client_secret}])


async def test_a_seal_key_that_is_not_in_the_vault(deployment: Deployment) -> None:
    """One complaint that names it; nothing else hangs on it, since the doctor seals nothing."""
    report = await deployment.run_doctor(SEAL_KEY_NAME="another")
    (result,) = bad(report)
    assert (result.area, "another" in result.words) == (Area.SEAL_KEY, True)
    assert "docs/deployment.md, step 5" in result.remedy


async def test_a_seal_key_that_is_replaced(deployment: Deployment) -> None:
    """The two newest versions are accepted."""
    await deployment.stack.rotate_seal_key()
    result = the(await deployment.run_doctor(), "versions")
    assert (result.status, "2 versions are accepted" in result.words) == (CheckStatus.OK, True)


async def test_a_seal_key_from_the_environment_needs_no_vault(deployment: Deployment) -> None:
    """The check is skipped, with a word on what the function app needs."""
    report = await deployment.run_doctor(
        BOOKING_SYNC_SEAL_KEY=deployment.stack.seal_key, SEAL_KEY_NAME="no-such"
    )
    assert report.healthy, bad(report)
    assert "function app needs it in the vault" in the(report, "versions").words


async def test_a_secret_from_the_environment_needs_no_vault(deployment: Deployment) -> None:
    """The check is skipped, with a word on what the function app needs."""
    report = await deployment.run_doctor(
        ENTRA_CLIENT_SECRET=deployment.stack.client_secret, CLIENT_SECRET_NAME="no-such"
    )
    assert report.healthy, bad(report)
    assert "function app needs it in the vault" in the(report, "Key Vault").words


async def test_a_clock_that_is_wrong(deployment: Deployment) -> None:
    """Six minutes are more than Entra allows; each service is compared."""
    report = await deployment.run_doctor(ahead=timedelta(minutes=6))
    clocks = [each for each in bad(report) if each.area is Area.CLOCK]
    assert [each.check for each in clocks] == ["Entra", "Graph", "Dataverse"]
    assert all("s ahead" in each.words and "timedatectl" in each.remedy for each in clocks)


async def test_one_service_s_clock_is_wrong(deployment: Deployment) -> None:
    """It is told from the header of any answer."""
    date = {"Date": "Mon, 02 Mar 2026 08:00:00 GMT"}
    await deployment.stack.graph.add_fault(Fault(path=r"\$metadata", status=401, headers=date))
    report = await deployment.run_doctor()
    assert [each.check for each in bad(report)] == ["Graph"]


async def test_another_organisation_and_another_user(deployment: Deployment) -> None:
    """The settings are for a copy of the environment, or for nobody."""
    one, other = (f"{digit * 8}-9999-4999-8999-999999999999" for digit in "89")
    wrong = await deployment.run_doctor(DATAVERSE_ORGANIZATION_ID=one, DATAVERSE_APP_USER_ID=other)
    unset = await deployment.run_doctor(DATAVERSE_ORGANIZATION_ID="", DATAVERSE_APP_USER_ID="")
    for report, status in ((wrong, CheckStatus.ERROR), (unset, CheckStatus.WARNING)):
        assert [(each.check, each.status) for each in bad(report)] == [
            ("organisation", status),
            ("application user", status),
        ]
    assert deployment.stack.identities.app_user_id in the(unset, "application user").remedy


async def test_a_privilege_that_is_missing(deployment: Deployment) -> None:
    """The role's gap is named, and so is the table that can't be read for it."""
    async with configured(deployment, missing_privileges=["prvReadmsdyn_workorder"]):
        report = await deployment.run_doctor()
    bookings = "reading bookableresourcebooking"  # which leads to work orders
    assert {each.check for each in bad(report)} == {"privileges", "reading msdyn_workorder", bookings}
    assert "prvReadmsdyn_workorder" in the(report, "privileges").words
    assert "security role booking_sync" in the(report, "privileges").remedy


async def test_bookings_can_t_be_written(deployment: Deployment) -> None:
    """The write privilege is looked for although nothing is written."""
    async with configured(deployment, missing_privileges=["prvWriteBookableResourceBooking"]):
        report = await deployment.run_doctor()
    assert [each.check for each in bad(report)] == ["privileges"]


async def test_the_app_need_not_read_steps(deployment: Deployment) -> None:
    """A lean role is no fault: the checks are skipped, and the way to have them made is told."""
    async with configured(deployment, missing_privileges=["prvReadSdkMessage", "prvReadAsyncOperation"]):
        report = await deployment.run_doctor()
    assert report.healthy, bad(report)
    result = the(report, "columns and steps")
    assert (result.status, "--auth cli" in result.remedy) == (CheckStatus.SKIPPED, True)


async def test_a_person_must_be_allowed_to_read_steps(deployment: Deployment) -> None:
    """Who signed in for that and may not is told so."""
    async with configured(deployment, missing_privileges=["prvReadSdkMessage"]):
        report = await deployment.run_doctor(DoctorOptions(signed_in_as_app=False))
    assert [(each.check, each.status) for each in bad(report)] == [("columns and steps", CheckStatus.ERROR)]


async def test_a_journal_that_can_t_be_read(deployment: Deployment) -> None:
    """Whoever operates the queues need not read blobs: skipped, with the role that it would take."""
    blobs = deployment.environ["AzureWebJobsStorage"].split("BlobEndpoint=")
    nowhere = f"{blobs[0]}BlobEndpoint=https://127.0.0.1:9/a;{blobs[1].partition(';')[2]}"
    report = await deployment.run_doctor(AzureWebJobsStorage=nowhere)
    assert report.healthy, bad(report)
    result = the(report, "last audit")
    assert (result.status, "Storage Blob Data Reader" in result.remedy) == (CheckStatus.SKIPPED, True)


async def test_optimistic_concurrency_is_off(deployment: Deployment) -> None:
    """Without it no record can be written."""
    async with configured(deployment, without_optimistic_concurrency=["bookableresourcebooking"]):
        result = the(await deployment.run_doctor(), "optimistic concurrency")
    assert (result.status, "IsOptimisticConcurrencyEnabled" in result.remedy) == (CheckStatus.ERROR, True)


async def test_a_column_under_column_security(deployment: Deployment) -> None:
    """The columns and the profile that they need are named."""
    async with configured(deployment, secured_columns=["bsync_outlookeventid"]):
        result = the(await deployment.run_doctor(), "column access")
    assert (result.status, "bsync_outlookeventid" in result.words) == (CheckStatus.WARNING, True)
    assert "column security profile" in result.remedy


async def test_a_column_that_is_too_short(deployment: Deployment) -> None:
    """Both lengths are told; `provision` widens it."""
    await deployment.shrink("bsync_outlookeventid", 50)
    (result,) = bad(await deployment.run_doctor())
    assert (result.check, result.status) == ("column bsync_outlookeventid", CheckStatus.ERROR)
    assert ("50 → 400" in result.words, "booking-sync provision" in result.remedy) == (True, True)
    await deployment.provision()


async def test_columns_of_other_names_are_missing(deployment: Deployment) -> None:
    """What the settings name and Dataverse lacks: reading fails, and `provision` would make it."""
    report = await deployment.run_doctor(SYNC_ERROR_COLUMN="bsync_another")
    assert the(report, "reading bookableresourcebooking").status is CheckStatus.ERROR
    assert the(report, "column bsync_another").status is CheckStatus.ERROR
    assert the(report, "failing bookings, Microsoft's own sync").status is CheckStatus.SKIPPED


async def test_a_disabled_step_and_a_missing_image(deployment: Deployment) -> None:
    """Each is named; everything else about them is fine."""
    dataverse = deployment.stack.dataverse
    steps = await dataverse.rows("sdkmessageprocessingsteps")
    (update,) = [key for key, row in steps.items() if f"step {row['name']}" == UPDATE_STEP]
    (image,) = await dataverse.rows("sdkmessageprocessingstepimages")
    await dataverse.update("sdkmessageprocessingsteps", update, {"statecode": 1, "statuscode": 2})
    await dataverse.delete("sdkmessageprocessingstepimages", image)
    report = await deployment.run_doctor()
    assert {each.check: each.words for each in bad(report)} == {
        UPDATE_STEP: "differs: disabled",
        "image PreImage of booking_sync: Delete of bookableresourcebooking": "missing: 4 columns",
    }
    await deployment.provision()


async def test_a_missing_step(deployment: Deployment) -> None:
    """Deletions would never be heard of."""
    dataverse = deployment.stack.dataverse
    steps = await dataverse.rows("sdkmessageprocessingsteps")
    (gone,) = [key for key, row in steps.items() if f"step {row['name']}" == DELETE_STEP]
    await dataverse.delete("sdkmessageprocessingsteps", gone)
    report = await deployment.run_doctor()
    assert the(report, DELETE_STEP).status is CheckStatus.ERROR
    await deployment.provision()


async def test_a_webhook_that_got_lost(deployment: Deployment) -> None:
    """The failed system job is counted, with its reason."""
    booking = deployment.office.plan()
    await deployment.stack.dataverse.create(BOOKINGS, booking_row(booking))
    await deployment.stack.wait_until_quiet(30)
    result = the(await deployment.run_doctor(), "failed webhooks")
    assert (result.status, result.words.startswith("1 in the last 7 days")) == (CheckStatus.WARNING, True)
    for job in await deployment.stack.dataverse.rows("asyncoperations"):
        await deployment.stack.dataverse.delete("asyncoperations", job)


async def test_bookings_that_can_t_sync(deployment: Deployment) -> None:
    """They are counted; the latest is quoted."""
    booking_id = await deployment.book(bsync_outlooksyncerror="No mailbox.")
    result = the(await deployment.run_doctor(), "failing bookings")
    assert (result.status, booking_id in result.remedy) == (CheckStatus.WARNING, True)
    assert "No mailbox." in result.words
    await deployment.stack.dataverse.delete(BOOKINGS, booking_id, webhooks=False)


@pytest.mark.parametrize("column", ["msdyn_globalobjectid", "msdyn_appointmentbookingid"])
async def test_microsoft_s_own_sync_is_at_work(deployment: Deployment, column: str) -> None:
    """Either of its marks on a booking of these days gives it away; the people concerned are named."""
    booking_id = await deployment.book(**{column: "040000008200E00074C5B7101A82E008"})
    result = the(await deployment.run_doctor(), "Microsoft's own sync")
    assert (result.status, "Microsoft support" in result.remedy) == (CheckStatus.ERROR, True)
    assert f"{deployment.office.anna.name} ({deployment.office.anna.id})" in result.words
    later = the(await deployment.run_doctor(ahead=timedelta(days=15)), "Microsoft's own sync")
    assert later.status is CheckStatus.OK
    await deployment.stack.dataverse.delete(BOOKINGS, booking_id, webhooks=False)


async def test_a_field_service_of_before_microsoft_s_sync(deployment: Deployment) -> None:
    """It has no columns for marks, and so there are none."""
    words = "Could not find a property named 'msdyn_globalobjectid' on type 'Microsoft.Dynamics.CRM.x'."
    body = {"error": {"code": "0x0", "message": words}}
    await deployment.stack.dataverse.add_fault(Fault(path="msdyn_globalobjectid", status=400, body=body))
    assert (await deployment.run_doctor()).healthy


async def test_privileges_without_names_are_no_lack(deployment: Deployment) -> None:
    """An answer that can't be read is told as that, not as seven missing privileges."""
    body = {"RolePrivileges": [{"PrivilegeId": "p", "Depth": "Global", "PrivilegeName": None}]}
    await deployment.stack.dataverse.add_fault(Fault(path="RetrieveUserPrivileges", status=200, body=body))
    result = the(await deployment.run_doctor(), "privileges")
    assert (result.status, "incomplete" in result.words) == (CheckStatus.ERROR, True)


async def test_a_mailbox_that_is_closed_to_the_app(deployment: Deployment) -> None:
    """The refusal, and how to include the mailbox; a person without one, and one that nobody knows."""
    anna, ben = deployment.office.anna, deployment.office.ben
    kinds = [{"id": anna.mailbox, "kind": "denied"}, {"id": ben.mailbox, "kind": "no_mailbox"}]
    await deployment.stack.graph.add_mailboxes(kinds)
    report = await deployment.run_doctor(DoctorOptions((anna.email, ben.email, "nobody@x.example")))
    assert "access denied" in the(report, anna.email).words
    assert "Test-ServicePrincipalAuthorization" in the(report, anna.email).remedy
    assert "no Exchange Online mailbox" in the(report, ben.email).words
    assert "licence" in the(report, ben.email).remedy
    assert "az ad user show --id nobody@x.example" in the(report, "nobody@x.example").remedy
    await deployment.stack.graph.add_mailboxes([{**each, "kind": "normal"} for each in kinds])


async def test_a_mailbox_outside_must_be_closed(deployment: Deployment) -> None:
    """One that opens is an error; one that is refused is what is wanted."""
    anna = deployment.office.anna
    options = DoctorOptions(outside=(anna.mailbox,))
    check = f"outside: {anna.mailbox}"
    wide = the(await deployment.run_doctor(options), check)
    assert (wide.status, "docs/deployment.md" in wide.remedy) == (CheckStatus.ERROR, True)
    for kind, status in (("denied", CheckStatus.OK), ("no_mailbox", CheckStatus.WARNING)):
        await deployment.stack.graph.add_mailboxes([{"id": anna.mailbox, "kind": kind}])
        assert the(await deployment.run_doctor(options), check).status is status
    await deployment.stack.graph.add_mailboxes([{"id": anna.mailbox, "kind": "normal"}])


async def test_a_dry_run_writes_nothing(deployment: Deployment) -> None:
    """It tells what it would write, and when."""
    anna = deployment.office.anna
    await deployment.stack.graph.clear_requests()
    report = await deployment.run_doctor(DoctorOptions((anna.mailbox,), dry_run=True))
    result = the(report, anna.mailbox)
    assert (result.status, "03:00 UTC" in result.words) == (CheckStatus.SKIPPED, True)
    assert (await deployment.stack.graph.counts()).writes == 0


async def test_without_a_mailbox_the_check_is_skipped(deployment: Deployment) -> None:
    """And says so; that is no complaint."""
    report = await deployment.run_doctor()
    assert report.healthy
    assert "--mailbox" in the(report, "test event").remedy


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", READING_BACK), ("DELETE", "/events/")],
    ids=["reading it back", "removing it"],
)
async def test_ctrl_c_leaves_no_event(deployment: Deployment, method: str, path: str) -> None:
    """A run that is cancelled while the event is read back or removed removes it first."""
    await deployment.hold(path, method)
    run = asyncio.ensure_future(deployment.run_doctor(DoctorOptions((deployment.office.anna.mailbox,))))
    await deployment.until_held()
    run.cancel()
    with suppress(asyncio.CancelledError):
        await run
    assert run.cancelled()
    assert await deployment.stack.graph.events() == []


async def test_a_lost_answer_leaves_no_event(deployment: Deployment) -> None:
    """The event was made, the answer spoilt: it is found by its marker and removed."""
    anna, graph = deployment.office.anna, deployment.stack.graph
    await graph.add_fault(Fault(path="/events$", method="POST", when="after", status=503))
    report = await deployment.run_doctor(DoctorOptions((anna.mailbox,)))
    assert the(report, anna.mailbox).status is CheckStatus.ERROR
    assert await graph.events() == []


async def test_an_event_that_can_t_be_removed_is_told(deployment: Deployment) -> None:
    """By its title, to be removed by hand: the next run leaves it, since it could be somebody's copy."""
    anna, graph = deployment.office.anna, deployment.stack.graph
    await graph.add_fault(Fault(method="DELETE", status=503, times=2))
    assert (await deployment.run_doctor(DoctorOptions((anna.mailbox,)))).healthy, "two failures are overcome"
    await graph.add_fault(Fault(method="DELETE", status=503, times=-1))
    report = await deployment.run_doctor(DoctorOptions((anna.mailbox,)))
    assert "test event" in the(report, f"{anna.mailbox}: removal").remedy
    await graph.clear_faults()
    (left,) = await graph.events()
    assert (await deployment.run_doctor(DoctorOptions((anna.mailbox,)))).healthy
    assert [each["immutableId"] for each in await graph.events()] == [left["immutableId"]]
    await graph.user("delete", anna.mailbox, id=left["immutableId"])
