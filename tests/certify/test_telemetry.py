"""The check of telemetry: whose line is looked for, for how long, and what each answer comes to."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest

from booking_sync.certify.checks.telemetry import CHECKS, LOOKS, POLL, own_line
from booking_sync.certify.parts import CertifyOptions, CheckContext, TelemetryCauses, Tenant
from booking_sync.certify.results import NotTried, Observation
from booking_sync.errors import PermanentError, TransientError
from booking_sync.ports.certification import OwnLine, ServiceAnswer, Telemetry

if TYPE_CHECKING:
    from booking_sync.certify.results import CheckOutput

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
OWN = TelemetryCauses("5d1c-own", None, NOW)
FRESH = Telemetry(lines=9, requests=4, own=0, newest=NOW - timedelta(minutes=3))
SEEN = replace(FRESH, own=1)


@dataclass
class FakeWorkspace:
    """Gives its answers one after the other, the last one for ever; notes what it was asked."""

    answers: list[Telemetry | ServiceAnswer | Exception]
    asked: list[OwnLine | None] = field(default_factory=list)

    async def telemetry(self, since: datetime, own: OwnLine | None) -> ServiceAnswer:
        """See the port."""
        assert since == NOW - timedelta(days=1)
        self.asked.append(own)
        answer = self.answers[min(len(self.asked), len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return ServiceAnswer(200, body=answer) if isinstance(answer, Telemetry) else answer


@dataclass
class Looked:
    """What became of one check."""

    finding: CheckOutput
    waited: list[float]
    told: list[str]
    asked: list[OwnLine | None]


async def _look(made: TelemetryCauses, *answers: Telemetry | ServiceAnswer | Exception) -> Looked:
    workspace, waited, told = FakeWorkspace(list(answers)), list[float](), list[str]()

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    unused = cast("Any", None)
    tenant = cast("Tenant", _OnlyTelemetry(workspace))
    context = CheckContext(
        tenant,
        CertifyOptions(),
        unused,
        unused,
        lambda: NOW,
        lambda: 0.0,
        str,
        sleep,
        _nobody,
        made,
        told.append,
    )
    (finding,) = [each async for each in CHECKS[0].work(context)]
    return Looked(finding, waited, told, workspace.asked)


@dataclass
class _OnlyTelemetry:
    telemetry: FakeWorkspace


async def _nobody(_words: str) -> None:
    raise AssertionError("nobody is asked")


def test_the_queued_message_s_line_is_the_best() -> None:
    """Its correlation id, once it was taken; else the webhooks' reason; else no line of this run."""
    posted = TelemetryCauses(posted=NOW)
    both = TelemetryCauses("5d1c-own", NOW, NOW)
    never_taken = TelemetryCauses("5d1c-own", None, None)
    webhooks = own_line(posted)
    assert webhooks is not None
    assert webhooks.text == "neither a booking nor a row that bookings show"
    assert own_line(both) == OwnLine("5d1c-own", NOW - timedelta(minutes=5))
    assert (own_line(never_taken), own_line(TelemetryCauses())) == (None, None)


@pytest.mark.parametrize(
    ("made", "answer", "value"),
    [
        (OWN, SEEN, "arrive"),
        (OWN, FRESH, "late"),
        (OWN, replace(SEEN, requests=0), "lines_only"),
        (OWN, Telemetry(), "missing"),
        (OWN, Telemetry(requests=7), "missing"),
        (TelemetryCauses(), FRESH, "arrive"),
        (TelemetryCauses(), replace(FRESH, newest=NOW - timedelta(hours=2)), "late"),
        (TelemetryCauses(), replace(FRESH, newest=None), "late"),
        (TelemetryCauses(), replace(FRESH, requests=0), "lines_only"),
        (TelemetryCauses(), Telemetry(), "missing"),
    ],
)
async def test_what_is_there_is_named(made: TelemetryCauses, answer: Telemetry, value: str) -> None:
    """By this run's line where there is one to be expected, by the newest line's age otherwise."""
    looked = await _look(made, answer)
    assert isinstance(looked.finding, Observation)
    assert looked.finding.value == value
    assert "5d1c" not in looked.finding.detail


async def test_a_line_is_waited_for() -> None:
    """Looks follow each other until the line and the requests are there, and progress is told."""
    looked = await _look(
        OWN, Telemetry(), ServiceAnswer(429), TransientError("x"), FRESH, replace(SEEN, requests=0), SEEN
    )
    assert isinstance(looked.finding, Observation)
    assert (looked.finding.value, looked.waited) == ("arrive", [POLL] * 5)
    assert "within 2 min" in looked.finding.detail
    assert [each.split(";")[0] for each in looked.told] == [
        f"telemetry_arrives: not there after {minutes} min" for minutes in (0, 1)
    ]


async def test_the_wait_ends() -> None:
    """After ten minutes what was seen last is reported."""
    looked = await _look(OWN, FRESH)
    assert len(looked.asked) == LOOKS
    assert sum(looked.waited) == 600
    assert "not within 10 min" in str(looked.finding)


async def test_nothing_is_waited_for_without_a_line_of_this_run() -> None:
    """One look tells all."""
    looked = await _look(TelemetryCauses(), Telemetry())
    assert (looked.asked, looked.waited) == ([None], [])


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (ServiceAnswer(403, "InsufficientAccessError"), "(403 InsufficientAccessError): it takes the role"),
        (ServiceAnswer(401), "may not read the workspace (401)"),
        (
            ServiceAnswer(404, "WorkspaceNotFoundError"),
            "no workspace of this id (404 WorkspaceNotFoundError)",
        ),
        (ServiceAnswer(400, "SemanticError"), "did not answer the query (400 SemanticError)"),
        (PermanentError("Run `az login --tenant 1b671a64`"), "nobody could be signed in"),
    ],
)
async def test_a_refusal_is_no_finding(answer: ServiceAnswer | Exception, words: str) -> None:
    """It is said at once, with what helps; nothing that names a tenant gets into the report."""
    looked = await _look(OWN, answer)
    assert isinstance(looked.finding, NotTried)
    assert words in looked.finding.why
    assert (looked.waited, "1b671a64" in looked.finding.why) == ([], False)


@pytest.mark.parametrize("answer", [ServiceAnswer(503), ServiceAnswer(429), TransientError("down")])
async def test_silence_is_no_finding(answer: ServiceAnswer | Exception) -> None:
    """A workspace that can't be asked for ten minutes says nothing about telemetry."""
    looked = await _look(OWN, answer)
    assert isinstance(looked.finding, NotTried)
    assert "did not answer the query" in looked.finding.why
    assert len(looked.asked) == LOOKS
