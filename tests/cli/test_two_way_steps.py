"""docs/two-way.md, followed from off to apply: each step's commands, and what becomes of a move then."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from local.day.world import WorldMaker
from local.processes import REPOSITORY
from local.stack import NO_TIMERS, LocalStack, StackOptions
from local.stack.options import NOTIFICATION_KEY_NAME as NOTIFICATION_KEY
from tests.cli.commands import CommandLine, Ended
from tests.e2e.crowd import poll
from tests.e2e.office import BOOKINGS, Office

if TYPE_CHECKING:
    from pathlib import Path

    from local.day.world import Booking

PAGE = REPOSITORY / "docs" / "two-way.md"
DEPLOYMENT = REPOSITORY / "docs" / "deployment.md"
APP = "https://func.example.net"
NOTIFICATION_ROUTE = "/api/outlook/notifications"
MOVED = timedelta(minutes=60)
LOOKING = ("audit", "doctor")
"""What ends with 1 when it finds something."""
WITHOUT_NOTIFICATIONS = {"NOTIFICATION_URL": ""}
"""The app looks itself then: its sweep finds what was moved."""


def steps() -> list[str]:
    """The numbered steps of the page, each a text."""
    section = PAGE.read_text(encoding="utf-8").partition("\n## Switching it on\n")[2].partition("\n## ")[0]
    return re.split(r"^\d\. ", section, flags=re.MULTILINE)[1:]


def test_the_page_goes_up_step_by_step() -> None:
    """Off, columns, then the three values of RETURN_PATH, each once and in their order."""
    heads = [re.match(r"\*\*(.+?)\.?\*\*", step) for step in steps()]
    assert [head[1] for head in heads if head] == [
        "Off, but up to date",
        "Columns, view and form",
        "`report`",
        "`propose`",
        "`apply`",
    ]


@pytest.mark.timeout(180)
async def test_the_steps_of_the_page_lead_from_off_to_apply(tmp_path: Path) -> None:
    """At first nothing comes back; then moves are put back and told, proposed, and carried out.

    Back at `report`, the catch-up closes what was proposed, and the event is put back.
    """
    maker = WorldMaker(seed=3)
    world = maker.make(technicians=2, bookings=1, day=datetime.now(UTC).date() + timedelta(days=3))
    options = StackOptions(tmp_path, provisioned=False, settings={**NO_TIMERS, **WITHOUT_NOTIFICATIONS})
    async with LocalStack(options) as stack:
        office = Office(stack, maker, world)
        await office.furnish()
        line = CommandLine(tmp_path / "settings.json", tmp_path)
        assert (await line.run("provision", "--auth", "app", "--no-trial")).code == 0
        plan = await office.book()

        off, columns, *_ = steps()
        await drag(office, plan)
        await stack.graph.age(office.anna.mailbox)
        await follow(line, off)
        await office.settle()
        assert (await office.event(plan)).start == plan.start
        assert await told(office, plan) == ""

        (tmp_path / "settings.json").write_text(settings_of_the_shell(tmp_path / "settings.json"))
        ended = await follow(line, columns, **exported(columns))
        assert re.search(rf"{NOTIFICATION_KEY}\s+(│\s*|is: )?made", ended.output), ended.output
        await stack.change_settings(RETURN_PATH="report")
        await drag(office, plan)
        await sweep(office)
        assert (await office.event(plan)).start == plan.start
        assert "put back: " in await told(office, plan)

        await stack.change_settings(RETURN_PATH="propose")
        await drag(office, plan)
        await sweep(office)
        row = await office.row(plan)
        assert (await office.event(plan)).start == plan.start + MOVED
        assert row.start == plan.start
        assert row.asked_to_move
        assert "proposed: " in row.told

        await stack.change_settings(RETURN_PATH="report")
        await stack.run_timer("catch_up")
        await poll(partial(is_closed, office, plan))
        await office.settle()
        row = await office.row(plan)
        assert row.start == (await office.event(plan)).start == plan.start
        assert row.asked_to_move is None

        await stack.change_settings(RETURN_PATH="apply")
        await drag(office, plan, minutes=30)
        await sweep(office)
        row = await office.row(plan)
        assert row.start == (await office.event(plan)).start == plan.start + timedelta(minutes=30)
        assert row.asked_to_move is None
        assert "moved: " in row.told


def test_no_step_has_bodies_written_whole_without_a_warning() -> None:
    """Each step that names `resync --all` says what is lost by it, and how to look first."""
    naming = [step for step in steps() if "`booking-sync resync --all`" in step]
    assert len(naming) == 1
    assert "`booking-sync resync --all --dry-run`" in naming[0]
    assert re.search(r"\*\*It\s+writes bodies whole: .* lost\*\*", naming[0])


def test_the_step_before_the_app_is_told_makes_the_key_too() -> None:
    """`provision` makes it only while both settings are set; its address is the app's own."""
    told = exported(steps()[1])
    assert told == {"RETURN_PATH": "report", "NOTIFICATION_URL": f"{APP}{NOTIFICATION_ROUTE}"}
    assert (
        exported(DEPLOYMENT.read_text(encoding="utf-8").partition("\n### Changes from Outlook\n")[2]) == told
    )


def exported(step: str) -> dict[str, str]:
    """What the step's `export` lines set, in a shell that has the deployment's outputs; bash says so."""
    lines = re.findall(r"^ *(export (?:RETURN_PATH|NOTIFICATION_URL)=.*)$", step, re.MULTILINE)
    bash = shutil.which("bash")
    assert bash
    done = subprocess.run(  # noqa: S603 - from our own page
        [bash, "-euc", "\n".join([*lines, "env"])],
        env={"OPERATIONS_URL": f"{APP}/api/operations"},
        capture_output=True,
        text=True,
        check=True,
    )
    names = ("RETURN_PATH=", "NOTIFICATION_URL=")
    return dict(each.split("=", 1) for each in done.stdout.splitlines() if each.startswith(names))


def settings_of_the_shell(file: Path) -> str:
    """The stack's settings without those that the step sets for the command line."""
    content = json.loads(file.read_text())
    content["Values"] = {
        name: each for name, each in content["Values"].items() if name not in exported(steps()[1])
    }
    return json.dumps(content)


async def follow(line: CommandLine, step: str, **settings: str) -> Ended:
    """Every command that the step names, and what the last one of `provision` said.

    `settings` are set for the command line alone.
    """
    commands = re.findall(r"(?:`|^ *)booking-sync ([a-z][^`\n]*)", step, re.MULTILINE)
    assert commands
    provisioned = Ended(0, "", "")
    for command in commands:
        name = command.split()[0]
        more = {"provision": ("--auth", "app", "--no-trial"), "resync": ("--rate", "500")}.get(name, ())
        ended = await line.run(*command.split(), *more, environ=settings)
        assert ended.code in ((0, 1) if name in LOOKING else (0,)), (
            f"{command}\n{ended.output}\n{ended.notes}"
        )
        provisioned = ended if name == "provision" else provisioned
    return provisioned


async def drag(office: Office, plan: Booking, minutes: int = 60) -> None:
    """A technician moves the event; nobody is told."""
    event = await office.event(plan)
    await office.stack.graph.user("shift", event.mailbox, id=event.id, minutes=minutes)


async def sweep(office: Office) -> None:
    """The app's own look at the mailboxes, which comes every half hour."""
    log = office.stack.options.folder / "host-0.log"
    runs = log.read_text().count('"sweep_round"')
    await office.stack.run_timer("sweep")

    async def ran() -> bool:
        return log.read_text().count('"sweep_round"') > runs

    await poll(ran)
    await office.settle()


async def is_closed(office: Office, plan: Booking) -> bool:
    """Whether nothing is proposed of the booking."""
    return (await office.row(plan)).asked_to_move is None


async def told(office: Office, plan: Booking) -> str:
    """What the row says of the last change in Outlook."""
    row: dict[str, Any] = (await office.stack.dataverse.rows(BOOKINGS))[plan.id]
    return str(row.get("bsync_outlookreturn") or "")
