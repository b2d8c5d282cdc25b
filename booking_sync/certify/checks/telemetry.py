"""The check of telemetry: is what the app told there, where queries and alerts look for it?

Best is a line that this run has brought about: the outcome of the message that it queued, or the webhooks
that it posted. It is waited for, since ingestion takes minutes. Where the run has brought about none, a
recent line of any kind will do: the app writes one at each catch-up.
"""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from booking_sync.certify.parts import Check, CheckNeed
from booking_sync.certify.results import NotTried, Observation
from booking_sync.errors import PermanentError, TransientError
from booking_sync.ports.certification import OwnLine, ServiceAnswer, Telemetry
from booking_sync.sync.webhook.dynamics_webhook import IgnoreReason

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from booking_sync.certify.parts import CheckContext, TelemetryCauses
    from booking_sync.certify.results import CheckOutput

NAME: Final = "telemetry_arrives"
LOOK_BACK: Final = timedelta(days=1)
RECENT: Final = timedelta(hours=1)
"""How old the newest line may be where no line of this run is looked for."""
SKEW: Final = timedelta(minutes=5)
"""By which this machine's clock may be ahead of the app's."""
POLL: Final = 20.0
"""Seconds between two looks; 200 in 30 seconds are allowed."""
LOOKS: Final = 31
"""Ten minutes. Microsoft names five as the usual most ("Log data ingestion time in Azure Monitor")."""
_REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_NO_ANSWER = ServiceAnswer(0)


async def _telemetry(run: CheckContext) -> AsyncIterator[CheckOutput]:
    own = own_line(run.telemetry_causes)
    answer, minutes = _NO_ANSWER, 0.0
    for look in range(LOOKS if own else 1):
        if look:
            await run.sleep(POLL)
            minutes = look * POLL / 60
        try:
            answer = await run.tenant.telemetry.telemetry(run.now() - LOOK_BACK, own)
        except PermanentError:
            yield NotTried(NAME, "nobody could be signed in: `az login`, or another --workspace-auth")
            return
        except TransientError:
            answer = _NO_ANSWER
        if _is_final(answer):
            break
        if own and look % 3 == 0:
            run.tell(
                f"{NAME}: not there after {minutes:.0f} min; up to {(LOOKS - 1) * POLL / 60:.0f} are waited"
            )
    yield _judge(run, answer, own, minutes)


def own_line(made: TelemetryCauses) -> OwnLine | None:
    """The line to look for; None when this run has made the app write none for certain."""
    if made.correlation_id and made.queued:
        return OwnLine(made.correlation_id, made.queued - SKEW)
    if made.posted:
        return OwnLine(IgnoreReason.OTHER_TABLE.value, made.posted - SKEW)
    return None


def _is_final(answer: ServiceAnswer) -> bool:
    """Whether another look could tell nothing else."""
    if isinstance(answer.body, Telemetry):
        return answer.body.own > 0 and answer.body.requests > 0
    client = HTTPStatus.BAD_REQUEST <= answer.status < HTTPStatus.INTERNAL_SERVER_ERROR
    return client and answer.status != HTTPStatus.TOO_MANY_REQUESTS


def _judge(run: CheckContext, answer: ServiceAnswer, own: OwnLine | None, minutes: float) -> CheckOutput:
    told = answer.body
    if not isinstance(told, Telemetry):
        return NotTried(NAME, _unanswered(answer))
    counts = f"{told.lines} lines and {told.requests} requests in a day"
    if not told.lines:
        return Observation(NAME, "missing", f"{counts}, waited {minutes:.0f} min" if own else counts)
    if own is None:
        age = (run.now() - told.newest) if told.newest else LOOK_BACK
        in_time, when = (
            age <= RECENT,
            f"the newest {max(age, timedelta(0)) / timedelta(minutes=1):.0f} min old",
        )
    else:
        in_time = told.own > 0
        when = f"this run's own {'within' if in_time else 'not within'} {minutes:.0f} min of looking"
    if not in_time:
        return Observation(NAME, "late", f"{counts}, {when}")
    return Observation(NAME, "arrive" if told.requests else "lines_only", f"{counts}, {when}")


def _unanswered(answer: ServiceAnswer) -> str:
    """Why nothing is known, in words."""
    if answer.status in _REFUSED:
        return (
            f"whoever signed in may not read the workspace ({answer.verdict}): it takes the role Log "
            "Analytics Reader, and minutes until that counts"
        )
    if answer.status == HTTPStatus.NOT_FOUND:
        return f"there is no workspace of this id ({answer.verdict}): its Workspace ID is needed, a GUID"
    return f"the workspace did not answer the query ({answer.verdict if answer.status else 'no answer'})"


CHECKS: Final = (
    Check(
        (NAME,),
        "counts the app's lines of the last day in the Log Analytics workspace, and waits up to ten minutes "
        "for what this run has made it write",
        (CheckNeed.WORKSPACE,),
        _telemetry,
    ),
)
