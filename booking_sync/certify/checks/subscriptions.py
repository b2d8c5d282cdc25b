"""Checks of subscriptions, at the address of the deployed app: no other one answers Graph's question.

The app's timer `watch` ends what notifies its address and is none that it wants, so also one of these when it
happens to run in these seconds. One that is gone is no finding: another one is made, which that run does not
know, and where it is gone as well, nothing is said of what was not seen.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from booking_sync.certify.answers import field_of
from booking_sync.certify.parts import Check, CheckNeed
from booking_sync.certify.results import NotTried, Observation
from booking_sync.certify.trial_events import RefusedError
from booking_sync.certify.trial_subscriptions import NOT_FOUND
from booking_sync.domain.ids import read_guid, read_moment
from booking_sync.sync.from_outlook.watch_plan import LIFE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

    from booking_sync.certify.parts import CheckContext
    from booking_sync.certify.results import CheckOutput
    from booking_sync.ports.certification import ServiceAnswer

TAKEN, LIVES, SHOWN, RENEWED, GONE = NAMES = (
    "subscription_taken",
    "subscription_life",
    "subscription_listed",
    "subscription_renewal",
    "gone_subscription",
)
LONG, SHORT = "10080", "4230"
"""Minutes: the documented bounds."""
SLACK: Final = timedelta(minutes=10)
"""Asked for less than the longer one, since Graph's clock is not ours."""
LONGEST: Final = timedelta(minutes=int(LONG)) - SLACK
LONGER_BY: Final = timedelta(minutes=5)
"""By which one is prolonged; both bounds leave room for it."""
NEARLY: Final = 60
"""Minutes, by which what is granted may differ from a bound."""
EXACT: Final = timedelta(minutes=1)
LOOK_AGAIN: Final = (0.0, 2.0, 5.0)
"""Seconds before each look at the list."""
TRIES: Final = 2
SILENT: Final = "validationerror"
_TOO_MANY, _BROKEN = 429, 500
_REFUSALS: Final = (401, 403, NOT_FOUND)
_ENDED: Final = (
    "the subscription was gone before that, twice: the app's timer `watch` ends it when it runs meanwhile; "
    "run it again in some minutes"
)
_NONE: Final = "no subscription was made"


class _EndedError(Exception):
    """The subscription is gone, and not by us."""


async def _trial(run: CheckContext) -> AsyncIterator[CheckOutput]:
    seen: set[str] = set()
    try:
        for _ in range(TRIES):
            try:
                async for each in _one(run):
                    seen.add(each.name)
                    yield each
            except _EndedError:
                continue
            return
        for name in NAMES:
            if name not in seen:
                yield NotTried(name, _ENDED)
    finally:
        await run.subscriptions.sweep()  # at once: the run may still wait for minutes, and tries again


async def _one(run: CheckContext) -> AsyncIterator[CheckOutput]:
    """A subscription from its beginning to its end.

    Raises:
        _EndedError: somebody else ended it.
        RefusedError: it can't be looked at, or ended.
    """
    asked, answer, longest = await _make(run)
    if not answer.ok:
        for each in _refusal(answer):
            yield each
        return
    identity = read_guid(field_of(answer, "id"))
    until = read_moment(field_of(answer, "expirationDateTime"))
    if identity is None or until is None:
        yield Observation(TAKEN, f"{answer.verdict} without id or end")
        return
    yield Observation(TAKEN, "taken", f"{answer.seconds:.1f} s, with the question to the address")
    yield _life(asked, until, longest)
    yield await _shown(run, identity)
    yield await _renewed(run, identity, until)
    ended = await run.subscriptions.graph.unsubscribe(identity)
    if not ended.ok and ended.status != NOT_FOUND:
        raise RefusedError(ended, "the end of a subscription")
    yield _gone(await run.subscriptions.graph.prolong(identity, until))


async def _make(run: CheckContext) -> tuple[datetime, ServiceAnswer, ServiceAnswer]:
    """When it was asked for, the answer, and the answer to the request for the longest life."""
    asked, longest = run.now(), await run.subscriptions.make(LONGEST)
    if longest.code.lower() == SILENT:  # an app that was idle may wake too late for the first question
        asked, longest = run.now(), await run.subscriptions.make(LONGEST)
    if longest.ok or _passes(longest):
        return asked, longest, longest
    # Whatever code a life has that is too long, the app's own request is what counts.
    return run.now(), await run.subscriptions.make(LIFE), longest


def _refusal(answer: ServiceAnswer) -> list[CheckOutput]:
    others = [NotTried(name, f"{_NONE}: {answer.verdict}") for name in NAMES[1:]]
    if _passes(answer):
        return [_busy(TAKEN, answer), *others]
    if answer.code.lower() == SILENT:
        return [Observation(TAKEN, "address_silent"), *others]
    if answer.status in _REFUSALS:
        return [Observation(TAKEN, "refused", answer.verdict), *others]
    return [Observation(TAKEN, answer.verdict), *others]


def _life(asked: datetime, until: datetime, longest: ServiceAnswer) -> CheckOutput:
    minutes = round((until - asked).total_seconds() / 60)
    detail = f"{minutes} minutes were granted"
    if not longest.ok:
        detail += f", {LONGEST.total_seconds() / 60:.0f} refused: {longest.verdict}"
    known = next((each for each in (LONG, SHORT) if abs(int(each) - minutes) <= NEARLY), f"{minutes} min")
    return Observation(LIVES, known, detail)


async def _shown(run: CheckContext, identity: str) -> CheckOutput:
    waited = 0.0
    for pause in LOOK_AGAIN:
        await run.sleep(pause)
        waited += pause
        found = (await run.subscriptions.listed()).get(identity)
        if found is None:
            continue
        where = f"on page {found.page}" + (f", after {waited:.0f} s" if waited else "")
        if found.entry.get("clientState") is not None:
            return Observation(SHOWN, "with_its_state", where)
        return Observation(SHOWN, "listed_later" if waited else "listed", where)
    await _read(run, identity)
    return Observation(SHOWN, "not_listed", f"in {waited:.0f} s")


async def _renewed(run: CheckContext, identity: str, until: datetime) -> CheckOutput:
    wanted = until + LONGER_BY
    answer = await run.subscriptions.graph.prolong(identity, wanted)
    if answer.status == NOT_FOUND:
        raise _EndedError
    if _passes(answer):
        return _busy(RENEWED, answer)
    if not answer.ok:
        return Observation(RENEWED, "refused", answer.verdict)
    now = read_moment(field_of(await _read(run, identity), "expirationDateTime"))
    kept = now is not None and abs(now - wanted) <= EXACT
    return Observation(RENEWED, "prolonged" if kept else "as_before", f"{answer.seconds:.1f} s")


async def _read(run: CheckContext, identity: str) -> ServiceAnswer:
    answer = await run.subscriptions.graph.subscription(identity)
    if answer.status == NOT_FOUND:
        raise _EndedError
    if not answer.ok:
        raise RefusedError(answer, "a look at the subscription")
    return answer


def _gone(answer: ServiceAnswer) -> CheckOutput:
    if _passes(answer):
        return _busy(GONE, answer)
    if answer.ok:
        return Observation(GONE, "taken_all_the_same")
    known = answer.status == NOT_FOUND and answer.code
    return Observation(GONE, "not_found", answer.code) if known else Observation(GONE, answer.verdict)


def _passes(answer: ServiceAnswer) -> bool:
    return answer.status == _TOO_MANY or answer.status >= _BROKEN


def _busy(name: str, answer: ServiceAnswer) -> NotTried:
    return NotTried(name, f"Graph can't now ({answer.verdict}): run it again in some minutes")


CHECKS: Final = (
    Check(
        NAMES,
        "asks Graph to report deletions in the mailbox to NOTIFICATION_URL, lists, renews and ends that "
        "within seconds; the app drops what is reported",
        (CheckNeed.MAILBOX, CheckNeed.ADDRESS),
        _trial,
    ),
)
