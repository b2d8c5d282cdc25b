"""What the doctor makes of facts that a local stack can't show."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer

from booking_sync.azure.entra.claims import read_claims
from booking_sync.cli.main import app
from booking_sync.doctor import app_access, credentials, mailboxes, registration, storage
from booking_sync.doctor.report import Area, CheckResult, CheckStatus, DoctorReport
from booking_sync.doctor.trial import quiet_hour
from booking_sync.domain.environment.rights import CANCELING, NEEDED, needed
from booking_sync.domain.timers import Timer, TimerRun, timer_state
from booking_sync.ports.diagnosis import (
    ClockReading,
    FailedJobs,
    ForeignMarks,
    MailboxAccess,
    Person,
    SecretState,
    TableFacts,
)
from booking_sync.ports.platform.queues import QueueState
from booking_sync.provisioning.desired import desired_customizations
from tests.provisioning.kit import DESIRED, NAMES, URL, column, provisioned, with_column

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
PRODUCT = Path(__file__).parents[2] / "booking_sync" / "doctor"


@pytest.mark.parametrize(
    ("days", "status"), [(-1, CheckStatus.ERROR), (29, CheckStatus.WARNING), (31, CheckStatus.OK)]
)
def test_a_secret_s_date(days: int, status: CheckStatus) -> None:
    """Expired, about to, or not for a while."""
    assert credentials.judge_secret(SecretState(NOW + timedelta(days=days)), NOW).status is status


@pytest.mark.parametrize(
    ("ahead", "status", "says"),
    [
        (None, CheckStatus.SKIPPED, "did not tell"),
        (-59.0, CheckStatus.OK, "agrees"),
        (90.0, CheckStatus.WARNING, "90 s behind"),
        (-301.0, CheckStatus.ERROR, "301 s ahead"),
    ],
)
def test_clocks(ahead: float | None, status: CheckStatus, says: str) -> None:
    """A service that is ahead means that our clock is behind."""
    result = credentials.judge_clock(ClockReading("Entra", ahead))
    assert (result.status, says in result.words) == (status, True)


def test_a_privilege_that_a_team_may_hold_is_not_taken_for_a_mistake_in_the_role() -> None:
    """Dataverse tells of a team's role no more than Basic, so the words say so, and what ends the doubt."""
    held = {name: "Global" for names in NEEDED.values() for name in names}
    result = app_access.judge_privileges({**held, "prvReadAccount": "Basic"}, held)
    assert result.status is CheckStatus.ERROR
    assert "prvReadAccount" in result.words
    assert "a team's role shows as Basic, however far it reaches" in result.words
    assert "application user itself" in result.remedy
    local = app_access.judge_privileges({**held, "prvReadAccount": "Local"}, held)
    assert "team" not in local.words + local.remedy


def test_a_privilege_for_a_part_of_the_organisation_is_not_enough() -> None:
    """Bookings beyond it would stay unseen."""
    held = {name: "Global" for names in NEEDED.values() for name in names}
    assert app_access.judge_privileges(held, needed(cancels=False)).status is CheckStatus.OK
    result = app_access.judge_privileges({**held, "prvReadAccount": "Local"}, held)
    assert (result.status, "prvReadAccount" in result.words) == (CheckStatus.ERROR, True)


def test_many_people_are_named_up_to_a_number() -> None:
    """The list stays readable."""
    people = tuple(Person(f"id-{number}", f"name-{number}") for number in range(13))
    words = app_access.judge_foreign_marks(ForeignMarks(1000, more=True, people=people), 14).words
    assert ("more than 1000" in words, "and 3 more" in words) == (True, True)


def judged(
    timer: Timer, run: TimerRun | None, pause: timedelta = DAY, seen_since: datetime | None = None
) -> CheckResult:
    """What is said of a timer that comes after each pause, with a look-back of an hour."""
    state = timer_state(timer, lambda last: last + pause, run, seen_since, now=NOW)
    return storage.judge_timer(state, run, NOW, timedelta(hours=1))


def test_a_catch_up_from_before_the_columns_is_a_warning() -> None:
    """The first doctor after `provision` meets the app's earlier failure, which the next run puts right."""
    problem = "Dynamics 365: the column «…» does not exist; run the provisioning command. (400)"
    early = judged(Timer.CATCH_UP, TimerRun(NOW - timedelta(minutes=3), problem=problem))
    assert (early.status, "look again" in early.remedy) == (CheckStatus.WARNING, True)
    other = judged(Timer.CATCH_UP, TimerRun(NOW - timedelta(minutes=3), problem="Dynamics 365: no."))
    assert other.status is CheckStatus.ERROR


def test_a_timer_that_never_succeeded() -> None:
    """A run that failed is no success, however fresh."""
    late = judged(Timer.CATCH_UP, TimerRun(NOW, {}, "No token."))
    assert (late.status, "No token." in late.words) == (CheckStatus.ERROR, True)


def test_canceling_takes_two_privileges_more() -> None:
    """A status is set by whoever may append the booking to it; without that no booking is canceled."""
    held = dict.fromkeys(needed(cancels=False), "Global")
    result = app_access.judge_privileges(held, needed(cancels=True))
    assert result.status is CheckStatus.ERROR
    assert all(name in result.words for name in CANCELING)
    with_them = {**held, **dict.fromkeys(CANCELING, "Global")}
    assert app_access.judge_privileges(with_them, needed(cancels=True)).status is CheckStatus.OK


@pytest.mark.parametrize(("timer", "status"), [(Timer.CATCH_UP, "error"), (Timer.AUDIT, "warning")])
def test_an_overdue_timer_is_a_finding_with_its_remedy(timer: Timer, status: str) -> None:
    """One that never ran, or stopped running, weighs as in health; its last failure is told besides."""
    run = TimerRun(NOW - 2 * DAY, {}, "No token.", NOW - 3 * DAY)
    never, stopped = judged(timer, None, seen_since=NOW - 2 * DAY), judged(timer, run)
    for each, ran in ((never, "never ran since"), (stopped, "last ran")):
        assert (each.status, f"The {timer} is overdue: it {ran}" in each.words) == (status, True)
        assert f"the function {timer.replace('-', '_')} is loaded" in each.remedy
    assert "No token." in stopped.words


@pytest.mark.parametrize("timer", Timer)
def test_a_timer_of_a_new_app_is_no_matter(timer: Timer) -> None:
    """It is told when it is due; where nobody knows since when the app runs, that is told."""
    new, unknown = judged(timer, None, seen_since=NOW), judged(timer, None)
    assert (new.status, "none yet: the first is due" in new.words) == (CheckStatus.OK, True)
    assert (unknown.status, bool(unknown.remedy)) == (CheckStatus.SKIPPED, True)


def test_a_fresh_message_is_no_matter() -> None:
    """It will be taken soon."""
    changes, poison = storage.judge_queues(QueueState(1, 0, NOW - timedelta(minutes=9)), NOW)
    assert (changes.status, poison.status) == (CheckStatus.OK, CheckStatus.OK)


def test_columns_that_can_t_be_written() -> None:
    """Somebody chose a column of the platform's."""
    *_, result = registration.judge_definition(
        TableFacts(optimistic_concurrency=True, unusable=frozenset({"createdon"}))
    )
    assert (result.status, "createdon" in result.words) == (CheckStatus.ERROR, True)


def test_parts_that_are_only_outside_the_solution_work_all_the_same() -> None:
    """A warning, since nothing keeps the sync from working."""
    outside = with_column(provisioned(), column(DESIRED.columns[0], in_solution=False))
    found = [each.status for each in registration.judge_registration(outside, DESIRED)]
    assert (found.count(CheckStatus.WARNING), found.count(CheckStatus.ERROR)) == (1, 0)


def test_a_stranger_on_our_webhook_is_a_warning() -> None:
    """It calls the app for nothing, and its jobs are not ours."""
    actual = provisioned()
    stranger = replace(actual.steps[0], id="s9", name="other", occasion=("Create", "account"))
    with_it = replace(actual, steps=(*actual.steps, stranger))
    (result,) = [
        each
        for each in registration.judge_registration(with_it, DESIRED)
        if each.status is not CheckStatus.OK
    ]
    assert (result.check, result.status) == ("step other", CheckStatus.WARNING)
    assert "s9" not in registration.our_steps(with_it, DESIRED)


def test_what_only_other_settings_need_is_no_error() -> None:
    """The settings of whoever asks may be incomplete: a warning that says which, and what to do."""
    less = desired_customizations(NAMES, URL, has_key=True)
    odd = [
        each
        for each in registration.judge_registration(provisioned(), less)
        if each.status is not CheckStatus.OK
    ]
    assert [each.status for each in odd] == [CheckStatus.WARNING] * 3
    assert all("as the app has them" in each.words and "--narrow" in each.remedy for each in odd)


def test_a_failed_job_without_a_time_or_reason() -> None:
    """What Dataverse does not tell is said to be unknown."""
    words = registration.judge_jobs(FailedJobs(100, more=True), 7).words
    assert ("more than 100" in words, "without a reason" in words) == (True, True)


@pytest.mark.parametrize(
    ("roles", "refused", "status"),
    [
        (set(), False, CheckStatus.OK),
        ({"User.Read.All"}, False, CheckStatus.OK),
        ({"Calendars.ReadWrite"}, False, CheckStatus.WARNING),
        ({"Calendars.ReadWrite"}, True, CheckStatus.OK),
    ],
)
def test_a_tenant_wide_permission(roles: set[str], refused: bool, status: CheckStatus) -> None:  # noqa: FBT001 - a case
    """It opens every mailbox, unless Exchange is seen to limit it."""
    assert mailboxes.judge_scope(roles, outside_refused=refused).status is status


def test_only_a_refusal_proves_that_a_mailbox_is_closed() -> None:
    """A person without a mailbox proves nothing."""
    severities = [mailboxes.judge_outside("x", each).status for each in MailboxAccess]
    assert severities == [CheckStatus.ERROR, CheckStatus.OK, CheckStatus.WARNING]


def test_claims_are_read_where_they_can_be() -> None:
    """A token that is no JWT, or holds odd claims, is of the application that the settings name."""
    claims = (
        base64.urlsafe_b64encode(json.dumps({"appid": "A", "roles": ["R"]}).encode()).decode().rstrip("=")
    )
    odd = base64.urlsafe_b64encode(b'{"appid": 1, "roles": "all"}').decode()
    assert read_claims(f"h.{claims}.s", "B").application == "A"
    assert read_claims(f"h.{claims}.s", "B").roles == {"R"}
    for token in ("", "opaque", "a.!!!.c", "a.W10.c", f"h.{odd}.s"):
        assert (read_claims(token, "B").application, read_claims(token, "B").roles) == ("B", frozenset())


@pytest.mark.parametrize("day", range(7))
def test_the_test_event_is_on_a_sunday_night_to_come(day: int) -> None:
    """Whatever day it is, one to two weeks ahead."""
    moment = quiet_hour(NOW + timedelta(days=day))
    assert (moment.weekday(), moment.hour) == (6, 3)
    assert timedelta(days=6) < moment - (NOW + timedelta(days=day)) < timedelta(days=14)


def test_a_report_counts_what_was_found() -> None:
    """The worst first; skipped checks leave it healthy."""
    results = [CheckResult(Area.CLOCK, "x", each, "") for each in CheckStatus]
    report = DoctorReport(tuple(results))
    assert report.summary() == "4 checks: 1 error, 1 warning, 1 skipped, 1 ok."
    assert not report.healthy
    assert DoctorReport(tuple(results[:2])).healthy


def test_remedies_name_commands_that_exist() -> None:
    """Each `booking-sync …` in a remedy is a command of the command line, with options that it has."""
    group = typer.main.get_command(app)
    text = " ".join(re.sub(r'"\s*\n\s*f?"', "", path.read_text()) for path in PRODUCT.glob("*.py"))
    told = set(re.findall(r"`booking-sync ([a-z]+)([^`]*)`", text))
    assert {name for name, _ in told} >= {"provision", "doctor", "poison", "resync", "status"}
    for name, rest in told:
        command = group.commands[name]  # type: ignore[attr-defined]
        if hasattr(command, "commands"):
            command = command.commands[rest.split()[0]]
        known = {option for each in command.params for option in each.opts}
        assert set(re.findall(r"--[a-z-]+", rest)) <= known
