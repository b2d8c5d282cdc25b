"""The event file from its check to an event that shows its columns, on a stack that works."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from booking_sync.azure.entra.sign_in import SignIn
from booking_sync.cli.exit_codes import ExitCode
from booking_sync.doctor.report import CheckStatus
from booking_sync.domain.bookings.reader import Reader
from booking_sync.errors import SettingsError
from booking_sync.ports.dataverse.customizations import Message
from booking_sync.preview.look import look
from booking_sync.provisioning.desired import desired_customizations
from booking_sync.wiring.commands.doctor import open_looking
from booking_sync.wiring.commands.events import check_event_file, open_preview
from booking_sync.wiring.commands.operating import open_provisioning
from local.processes import REPOSITORY
from tests.cli.commands import CommandLine
from tests.doctor.deployment import COLUMNS, RESOURCE_COLUMNS, Deployment, bad, open_deployment, the

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from local.stack import LocalStack

pytestmark = pytest.mark.asyncio(loop_scope="module")

FILE = """\
[columns]
access = "msdyn_workorder.contoso_access"
phone = "msdyn_workorder.msdyn_reportedbycontact.telephone1"

[event]
zone = "Europe/Helsinki"
language = "en"
subject = "{{ booking_name }} ({{ access }})"
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def deployment(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Deployment]:
    """A provisioned stack, whose app is the commands in this process."""
    async with open_deployment(tmp_path_factory.mktemp("stack")) as made:
        yield made


def with_file(deployment: Deployment, folder: Path, text: str = FILE) -> Mapping[str, str]:
    """The app's settings with this event file."""
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return {**deployment.environ, "EVENT_FILE": str(path)}


async def test_a_file_is_checked_against_the_environment(deployment: Deployment, tmp_path: Path) -> None:
    """Each column with what it holds, and with when a change of it shows."""
    report = await check_event_file(with_file(deployment, tmp_path), SignIn.APP)
    assert report.usable
    assert [(name, holds, shows) for name, _, holds, shows in report.rows()] == [
        ("access", "choice", "within seconds"),
        ("phone", "text", "with the booking's next change, or an audit"),
    ]


async def test_the_check_says_which_file_it_read_or_that_there_is_none(
    deployment: Deployment, tmp_path: Path
) -> None:
    """In full, for people and as JSON: a file that lies elsewhere than was looked is not called fine."""
    line = CommandLine(deployment.stack.options.folder / "settings.json", tmp_path)
    named = {"EVENT_FILE": with_file(deployment, tmp_path)["EVENT_FILE"]}
    ended = await line.run("event", "check", "--auth", "app", environ=named)
    assert f"{tmp_path / 'mine.toml'} can be used." in ended.notes
    told = (await line.run("event", "check", "--auth", "app", "--json", environ=named)).json()
    assert (told["path"], told["found"]) == (str(tmp_path / "mine.toml"), True)

    nowhere = REPOSITORY / "event.toml"
    assert not nowhere.exists()
    ended = await line.run("event", "check", "--auth", "app")
    assert ended.code == ExitCode.FINE
    assert f"There is no event.toml at {nowhere}: the built-in texts count." in ended.notes
    told = (await line.run("event", "check", "--auth", "app", "--json")).json()
    assert (told["path"], told["found"], told["usable"]) == (str(nowhere), False, True)


async def test_the_command_tells_what_may_be_meant(deployment: Deployment, tmp_path: Path) -> None:
    """With line and column, and with exit code 1; as JSON for machines."""
    text = FILE.replace("contoso_access", "contoso_acess").replace("{{ access }}", "{{ acces }}")
    environ = with_file(deployment, tmp_path, text)
    line = CommandLine(deployment.stack.options.folder / "settings.json", tmp_path)
    ended = await line.run("event", "check", "--auth", "app", environ={"EVENT_FILE": environ["EVENT_FILE"]})
    assert ended.code == ExitCode.FINDINGS, ended.notes
    assert "line 8, column 1: subject can't be used" in ended.output
    assert "is access meant?" in ended.output
    environ = with_file(deployment, tmp_path, FILE.replace("contoso_access", "contoso_acess"))
    named = {"EVENT_FILE": environ["EVENT_FILE"]}
    told = (await line.run("event", "check", "--auth", "app", "--json", environ=named)).json()
    assert told["usable"] is False
    (problem,) = told["problems"]
    assert (problem["line"], problem["column"]) == (2, 1)
    assert "is contoso_access" in problem["words"]


async def test_categories_get_their_colours_where_the_app_may_give_them(
    deployment: Deployment, tmp_path: Path
) -> None:
    """The doctor names the permission, then what is missing in the lists; a second run adds nothing."""
    graph, anna = deployment.stack.graph, deployment.office.anna.mailbox
    text = FILE + '[categories]\nVIP = "dark red"\n"On break" = "yellow"\n'
    named = {"EVENT_FILE": with_file(deployment, tmp_path, text)["EVENT_FILE"]}
    line = CommandLine(deployment.stack.options.folder / "settings.json", tmp_path)

    async def coloured(*options: str) -> tuple[int | None, dict[str, Any]]:
        ended = await line.run("event", "colours", "--json", "--auth", "app", *options, environ=named)
        return ended.code, {each["mailbox"]: each for each in ended.json()}

    code, told = await coloured()
    assert code == ExitCode.FINDINGS
    assert told[anna]["denied"]
    assert "MailboxSettings.ReadWrite" in told[anna]["problem"]
    found = the(await deployment.run_doctor(EVENT_FILE=named["EVENT_FILE"]), "colours of categories")
    assert "MailboxSettings.ReadWrite" in found.remedy
    await graph.configure(master_categories="without_ours")
    try:
        found = the(await deployment.run_doctor(EVENT_FILE=named["EVENT_FILE"]), "colours of categories")
        assert "not in the lists of all" in found.words
        both = ["Field Service: VIP", "Field Service: On break"]
        for who in (anna, deployment.office.anna.name):
            assert (await coloured("--dry-run", "--mailbox", who))[1][anna]["made"] == both
        code, told = await coloured()
        assert (code, told[anna]["made"]) == (ExitCode.FINE, both)
        code, told = await coloured()
        assert (code, told[anna]["made"]) == (ExitCode.FINE, [])
        found = the(await deployment.run_doctor(EVENT_FILE=named["EVENT_FILE"]), "colours of categories")
        assert found.words.startswith("all 2 are in the lists of")
    finally:
        await graph.configure(master_categories="denied")


async def test_without_colours_nobody_is_asked(deployment: Deployment, tmp_path: Path) -> None:
    """Most files have none."""
    environ = {"EVENT_FILE": with_file(deployment, tmp_path)["EVENT_FILE"]}
    line = CommandLine(deployment.stack.options.folder / "settings.json", tmp_path)
    ended = await line.run("event", "colours", "--auth", "app", environ=environ)
    assert ended.code == ExitCode.FINE
    assert "no [categories]" in ended.notes


async def test_a_path_that_leads_nowhere_keeps_the_app_from_starting(
    deployment: Deployment, tmp_path: Path
) -> None:
    """No booking is touched: changes wait, and the reason has the line."""
    environ = with_file(deployment, tmp_path, FILE.replace("contoso_access", "contoso_acess"))
    with pytest.raises(SettingsError, match="line 2, column 1: access ends in contoso_acess"):
        async with open_looking(environ, SignIn.APP):
            pytest.fail("it started")
    report = await deployment.run_doctor(EVENT_FILE=environ["EVENT_FILE"])
    assert "is contoso_access" in the(report, "columns of the event file").words


async def test_the_doctor_finds_columns_and_misses_their_steps_and_rights(
    deployment: Deployment, tmp_path: Path
) -> None:
    """A step that does not watch what the file names is an error; so is a table that the role has not."""
    environ = with_file(deployment, tmp_path)
    report = await deployment.run_doctor(EVENT_FILE=environ["EVENT_FILE"])
    assert the(report, "columns of the event file").words.startswith(
        "all 2 found and read; a change of phone"
    )
    # Other tests' bookings raise webhooks to an app that is not there.
    found_bad = {each.check for each in bad(report)} - {"failed webhooks"}
    assert found_bad == {"step booking_sync: Update of msdyn_workorder"}
    await deployment.stack.dataverse.configure(missing_privileges=["prvReadContact"])
    try:
        report = await deployment.run_doctor(EVENT_FILE=environ["EVENT_FILE"])
    finally:
        await deployment.stack.dataverse.configure(missing_privileges=[])
    found = the(report, "columns of the event file")
    assert "lacks the privilege prvReadContact" in found.words
    assert "docs/event.md" in found.remedy


async def test_provision_has_the_steps_watch_what_the_file_names(
    deployment: Deployment, tmp_path: Path
) -> None:
    """Of the work order the column itself, and the lookup on the way to the contact."""
    async with open_provisioning(with_file(deployment, tmp_path), SignIn.APP, "") as provisioning:
        columns = provisioning.event_columns
    desired = desired_customizations(COLUMNS, of_resource=RESOURCE_COLUMNS, event_columns=columns)
    (step,) = [
        each for each in desired.steps if (each.message, each.table) == (Message.UPDATE, "msdyn_workorder")
    ]
    assert {"contoso_access", "msdyn_reportedbycontact"} <= step.filtering


async def test_bookings_are_shown_as_their_events_would_look(deployment: Deployment, tmp_path: Path) -> None:
    """With the file's columns, from the real rows, and without a request to Graph."""
    office, stack = deployment.office, deployment.stack
    plan = await office.book()
    contact = await stack.dataverse.create("contacts", {"fullname": "Anna", "telephone1": "+358 40 1234567"})
    await stack.dataverse.update(
        "msdyn_workorders",
        plan.work_order_id,
        {"contoso_access": 3, "msdyn_reportedbycontact@odata.bind": f"/contacts({contact})"},
    )
    await stack.graph.clear_requests()
    async with open_preview(with_file(deployment, tmp_path), SignIn.APP) as task:
        (shown,) = await look(task.sources, [plan.id])
    assert shown.content
    assert shown.content.subject == "Boiler inspection (Key)"
    assert shown.content.start.time_zone == "W. Europe Standard Time"  # the setting's
    assert '<a href="tel:+358401234567">+358 40 1234567</a>' in shown.content.body_html
    assert (await stack.graph.counts()).requests == 0
    page = tmp_path / "events.html"
    line = CommandLine(stack.options.folder / "settings.json", tmp_path)
    ended = await line.run("event", "preview", plan.name, "--html", str(page))
    assert ended.code == ExitCode.FINE, ended.notes
    assert "Boiler inspection" in ended.output
    assert page.read_text(encoding="utf-8").count("<iframe sandbox ") == 2


RULES = """
[[rules]]
when = { access = "Keyy" }
private = true
[[rules]]
when = { access = "Key", resource = "RESOURCE" }
show_as = "away"
reminder = 15
[[rules]]
when = { status = "Scheduled" }
importance = "high"
"""


async def test_rules_are_checked_shown_and_previewed(deployment: Deployment, tmp_path: Path) -> None:
    """A choice that there is not is told by the check and by the doctor; the app can work with the file."""
    office, stack = deployment.office, deployment.stack
    text = FILE + RULES.replace("RESOURCE", office.anna.name)
    named = {"EVENT_FILE": with_file(deployment, tmp_path, text)["EVENT_FILE"]}
    line = CommandLine(stack.options.folder / "settings.json", tmp_path)
    ended = await line.run("event", "check", "--auth", "app", environ=named)
    assert ended.code == ExitCode.FINDINGS, ended.notes
    assert "line 11, column 10: access is never 'keyy': is Key meant?" in ended.output
    assert "can be used, but some of its rules fit no booking" in ended.notes
    report = await deployment.run_doctor(EVENT_FILE=named["EVENT_FILE"])
    assert "access is never 'keyy'" in the(report, "rules of the event file").words
    environ = with_file(deployment, tmp_path, text.replace("Keyy", "Key"))
    ended = await line.run("event", "check", "--auth", "app", environ=named)
    assert ended.code == ExitCode.FINE, ended.notes
    assert "show_as = oof, reminder = 15" in ended.output
    plan = await office.book()
    await stack.dataverse.update("msdyn_workorders", plan.work_order_id, {"contoso_access": 3})
    async with open_preview(environ, SignIn.APP) as task:
        (shown,) = await look(task.sources, [plan.id])
    assert shown.content
    assert shown.rules == (1, 2, 3)
    assert shown.content.show_as == "oof"
    assert shown.content.options.said == {"sensitivity": "private", "reminder": 15, "importance": "high"}


@pytest.mark.timeout(180)  # a stack of its own, and commands
async def test_a_change_of_a_chosen_column_reaches_outlook_by_its_webhook(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Once `provision` has added it to the step; what no event shows still asks for nothing.

    Before rules are applied, a dry run tells how many bookings would lose their event.
    """
    folder = tmp_path_factory.mktemp("chosen")
    path = folder / "event.toml"
    path.write_text(FILE, encoding="utf-8")
    async with open_deployment(folder, hosts=1, settings={"EVENT_FILE": str(path)}) as deployment:
        office, stack = deployment.office, deployment.stack
        line = CommandLine(stack.options.folder / "settings.json", folder)
        done = await line.run("provision", "--auth", "app")
        assert done.code == ExitCode.FINE, done.notes
        plan = await office.book()
        await office.settle()
        assert (await office.event(plan)).subject == "Boiler inspection ()"
        await stack.dataverse.update("msdyn_workorders", plan.work_order_id, {"contoso_access": 3})
        await office.settle()
        assert (await office.event(plan)).subject == "Boiler inspection (Key)"
        await stack.dataverse.clear_requests()
        await stack.dataverse.update("msdyn_workorders", plan.work_order_id, {"contoso_floors": 2})
        await office.settle()
        assert (await stack.dataverse.counts()).requests == 0
        for text, lost in (("[[rules]]\nevent = false\n", 1), ("[[rules]]\nprivate = true\n", 0)):
            path.write_text(FILE + text, encoding="utf-8")
            looked = (await line.run("event", "apply", "--dry-run", "--json")).json()
            assert (looked["toQueue"], looked["losingTheirEvent"]) == (1, lost)


async def test_an_event_is_shown_as_its_reader_would_read_it(deployment: Deployment, tmp_path: Path) -> None:
    """By what Outlook tells of the person, or by what the command is told."""
    office, stack = deployment.office, deployment.stack
    plan = await office.book()
    text = '[event]\nfrom_reader = ["language", "zone"]\nsubject = "{{ _(\'Customer:\') }} {{ duration }}"\n'
    environ = with_file(deployment, tmp_path, text)
    reader = {"id": office.anna.mailbox, "language": "fi-FI", "timeZone": "FLE Standard Time"}
    await stack.graph.add_mailboxes([reader])
    await stack.graph.configure(mailbox_settings="told")
    try:
        async with open_preview(environ, SignIn.APP) as task:
            (shown,) = await look(task.sources, [plan.id])
        assert shown.content
        assert (shown.reader, shown.content.subject) == (
            Reader("fi-fi", "FLE Standard Time"),
            "Asiakas: 1 t",
        )
        line = CommandLine(stack.options.folder / "settings.json", tmp_path)
        named = {"EVENT_FILE": environ["EVENT_FILE"]}
        for option, subject in (
            (("--language", "de"), "Kunde: 1 Std."),
            (("--zone", "UTC"), "Customer: 1 h"),
        ):
            ended = await line.run("event", "preview", plan.id, *option, "--json", environ=named)
            assert ended.json()[0]["event"]["subject"] == subject
        ended = await line.run("event", "preview", plan.id, environ=named)
        assert "fi-fi, FLE Standard Time" in ended.output
        ended = await line.run("event", "preview", plan.id, "--zone", "../etc", environ=named)
        assert ended.code == ExitCode.USAGE
        report = await deployment.run_doctor(EVENT_FILE=environ["EVENT_FILE"])
        assert the(report, "their languages and zones").status is CheckStatus.OK
    finally:
        await stack.graph.configure(mailbox_settings="denied")


async def test_the_doctor_names_those_whose_language_the_app_may_not_read(
    deployment: Deployment, tmp_path: Path
) -> None:
    """With the role that is missing; their events go on in the file's language."""
    environ = with_file(deployment, tmp_path, '[event]\nfrom_reader = ["language"]\n')
    report = await deployment.run_doctor(EVENT_FILE=environ["EVENT_FILE"])
    found = the(report, "their languages and zones")
    assert found.status is CheckStatus.WARNING
    assert "Application MailboxSettings.Read" in found.remedy
    report = await deployment.run_doctor()
    assert not [each for each in report.results if each.check == found.check]


@pytest.mark.timeout(180)  # a stack of its own, and commands
async def test_each_technician_reads_their_own_language(tmp_path_factory: pytest.TempPathFactory) -> None:
    """From the mailbox's settings to the event; the mailbox is asked once for all of its bookings."""
    folder = tmp_path_factory.mktemp("readers")
    path = folder / "event.toml"
    path.write_text('[event]\nlanguage = "de"\nfrom_reader = ["language"]\n', encoding="utf-8")
    async with open_deployment(folder, hosts=1, settings={"EVENT_FILE": str(path)}) as deployment:
        office, stack = deployment.office, deployment.stack
        await stack.graph.configure(mailbox_settings="told")
        await stack.graph.add_mailboxes([{"id": office.anna.mailbox, "language": "sv-SE"}])
        await stack.graph.add_mailboxes([{"id": office.ben.mailbox, "language": ""}])
        for person, words in (
            (office.anna, "Öppna bokningen i Dynamics 365"),
            (office.anna, "Öppna bokningen i Dynamics 365"),
            (office.ben, "Buchung in Dynamics 365 öffnen"),
        ):
            plan = await office.book(person)
            assert words in (await office.event(plan)).raw["body"]["content"]
        asked = [each for each in await asked_items(stack) if each.endswith("timeZone")]
        assert len(asked) == 2
        # The command line is another process, which hears of a new language at once.
        line = CommandLine(stack.options.folder / "settings.json", folder)
        far = {"AUDIT_DAYS_AHEAD": "200"}
        await stack.graph.add_mailboxes([{"id": office.anna.mailbox, "language": "fr-CA"}])
        told = (await line.run("audit", "--json", environ=far)).json()
        assert (told["bookings"], told["counts"]) == (3, {"behind": 2})
        waiting = await line.run("event", "apply", "--dry-run", "--json", environ=far)
        assert waiting.json()["toQueue"] == 2


async def asked_items(stack: LocalStack) -> list[str]:
    """The paths of all items of batches that Graph got."""
    return [item["path"] for each in await stack.graph.requests() for item in each["items"]]
