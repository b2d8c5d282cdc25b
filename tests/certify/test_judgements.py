"""Answers that no setting of a stand-in gives: what a check makes of each.

The requests go to the stand-in as ever; one of the answers is put in place of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from booking_sync.certify.assumptions import ASSUMPTIONS
from booking_sync.certify.checks.reading import LOOK_AGAIN
from booking_sync.certify.parts import CertifyOptions
from booking_sync.certify.results import (
    Comparison,
    Observation,
)
from booking_sync.ports.certification import ServiceAnswer
from tests.certify.conftest import the

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.certify.conftest import CertifiedStack

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass
class Instead:
    """Asks the real adapter, and changes the answers of some of its methods.

    Args:
        inner: the adapter.
        method: which method's answers.
        changes: what becomes of each answer, one after the other; the last one for all that follow.
    """

    inner: Any
    method: str
    changes: tuple[Callable[[ServiceAnswer], ServiceAnswer], ...]
    calls: int = 0

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        asked = getattr(self.inner, name)
        if name != self.method:
            return asked  # type: ignore[no-any-return]

        async def ask(*arguments: Any, **named: Any) -> Any:
            answer = await asked(*arguments, **named)
            change = self.changes[min(self.calls, len(self.changes) - 1)]
            self.calls += 1
            return [change(each) for each in answer] if isinstance(answer, list) else change(answer)

        return ask


def _refused(status: int, code: str = "") -> Callable[[ServiceAnswer], ServiceAnswer]:
    body = {"error": {"code": code, "message": "No."}}
    return lambda _: ServiceAnswer(status, code, body)


def _as_is(answer: ServiceAnswer) -> ServiceAnswer:
    return answer


def _body(**fields: Any) -> Callable[[ServiceAnswer], ServiceAnswer]:
    return lambda answer: replace(answer, body={**(answer.body or {}), **fields})


def _made(_answer: ServiceAnswer) -> ServiceAnswer:
    return ServiceAnswer(201, body={"id": "00000000-0000-4000-8000-0000000000c9"})


_EMPTY = _body(value=[])
_BARE = _body(singleValueExtendedProperties=[])


@pytest.mark.parametrize(
    ("name", "method", "changes", "seen"),
    [
        ("property_in_post", "read_sealed", (_BARE,), "lost"),
        ("property_in_patch", "read_sealed", (_BARE,), "lost"),
        ("property_in_patch", "seal", (_refused(400, "ErrorInvalidProperty"),), "400 ErrorInvalidProperty"),
        ("times_in_answers", "create", (_as_is, _body(start=None)), "not_told"),
        ("created_time", "create", (_as_is, _body(createdDateTime="2020-01-01T00:00:00Z")), "outside"),
        ("item_headers", "get", (_body(id="AAMkOther"),), "not_heeded"),
        ("same_creation_again", "create", (_as_is, _as_is, _body(id="AAMkSecond")), "second_event"),
        (
            "same_creation_again",
            "create",
            (_as_is, _as_is, _refused(409, "ErrorDuplicateTransactionId")),
            "duplicate_error",
        ),
        ("extension_twice", "tag", (_as_is, lambda _: ServiceAnswer(201)), "overwritten"),
        ("missing_extension", "read_tag", (_refused(404, "ItemNotFound"),), "404 ItemNotFound"),
        ("missing_extension", "read_tag", (_refused(404, "Strange"),), "404 Strange"),
        ("if_match_on_events", "update", (_refused(412, "ErrorIrresolvableConflict"),), "checked"),
        ("if_match_on_events", "update", (lambda _: ServiceAnswer(200),), "ignored"),
        ("categories", "get", (_body(categories=[]),), "lost"),
        ("category_twice", "add_category", (_made, _refused(409, "Exists")), "409"),
        ("category_twice", "add_category", (_made, _refused(400, "Exists")), "400"),
        ("category_twice", "add_category", (_made, _made), "taken"),
        ("category_twice", "add_category", (_made, _refused(500, "Strange")), "500 Strange"),
        ("property_filter", "find", (_EMPTY, _EMPTY, _as_is), "found_later"),
        ("property_filter", "find", (_EMPTY,), "not_found"),
        ("filter_speed", "find", (lambda answer: replace(answer, seconds=10.1),), "slow"),
        ("view_expands", "view", (_EMPTY,), "without_marker"),
        ("view_expands", "view", (_refused(500, "ErrorInternalServerError"),), "refused"),
        ("batch_limit", "oversized_batch", (lambda _: ServiceAnswer(200),), "taken"),
        ("second_delete", "delete", (_as_is, _refused(404, "ErrorItemNotFound")), "not_found"),
        ("second_delete", "delete", (_as_is, _refused(410, "Gone")), "410 Gone"),
        ("deleted_event_by_id", "get", (_refused(410, "Gone"),), "GET 410 Gone, PATCH 200"),
        ("folder_readable", "folder", (_refused(400, "ErrorInvalidProperty"),), "not_readable"),
        ("own_event", "create", (_as_is, _body(subject="cut")), "changed"),
        ("own_event", "create", (_as_is, _refused(400, "ErrorInvalidRequest")), "refused"),
        ("deleted_transaction", "create", (_as_is, _as_is, _refused(500, "Strange")), "500 Strange"),
        ("unknown_user", "find", (_refused(403, "ErrorAccessDenied"),), "ErrorAccessDenied"),
        ("foreign_id", "get", (lambda _: ServiceAnswer(200),), "an event of one mailbox is read in another"),
    ],
)
async def test_an_answer_of_outlook(
    certified: CertifiedStack,
    name: str,
    method: str,
    changes: tuple[Callable[[ServiceAnswer], ServiceAnswer], ...],
    seen: str,
) -> None:
    """It is named as the register does, or told as it came when nobody knows it."""
    await certified.clear()
    options = replace(certified.options, by_hand=False)
    async with certified.open(options) as check:
        calendar: Any = Instead(check.tenant.calendar, method, changes)
        check.tenant = replace(check.tenant, calendar=calendar)
        check.checks = [each for each in check.checks if name in each.names]
        told = the(await check.run(), name)
    assert isinstance(told.finding, Observation)
    assert told.finding.value == seen
    known = ASSUMPTIONS[name].possibility(seen) is not None
    assert (told.outcome is Comparison.UNKNOWN) is not known
    await certified.clear()


@pytest.mark.parametrize(
    ("name", "method", "changes", "seen"),
    [
        ("many_by_id", "read_many", (lambda _: ServiceAnswer(400),), "refused"),
        ("many_by_id", "read_many", (lambda answer: replace(answer, body=[]),), "other rows than asked for"),
        ("stale_version", "rewrite", (lambda _: ServiceAnswer(204),), "written"),
        ("current_version", "rewrite", (_refused(403, "0x80042f09"),), "refused"),
        ("missing_row", "rewrite", (_refused(400, "0x80060883"),), "not_enabled"),
        ("missing_row", "rewrite", (_refused(400, "0x80040216"),), "other_refusal"),
        ("missing_row", "rewrite", (lambda _: ServiceAnswer(204),), "204"),
    ],
)
async def test_an_answer_of_dataverse(
    certified: CertifiedStack,
    name: str,
    method: str,
    changes: tuple[Callable[[ServiceAnswer], ServiceAnswer], ...],
    seen: str,
) -> None:
    """As for Outlook."""
    async with certified.open(CertifyOptions(booking=certified.booking)) as check:
        dynamics: Any = Instead(check.tenant.dynamics, method, changes)
        check.tenant = replace(check.tenant, dynamics=dynamics)
        check.checks = [each for each in check.checks if name in each.names]
        told = the(await check.run(), name)
    assert isinstance(told.finding, Observation)
    assert told.finding.value == seen


async def test_a_booking_that_changes_meanwhile_proves_nothing(certified: CertifiedStack) -> None:
    """A mismatch with the version that was just read is somebody's change, and no refusal."""
    async with certified.open(CertifyOptions(booking=certified.booking)) as check:
        dynamics: Any = Instead(check.tenant.dynamics, "rewrite", (_refused(412, "0x80060882"),))
        check.tenant = replace(check.tenant, dynamics=dynamics)
        check.checks = [each for each in check.checks if "current_version" in each.names]
        report = await check.run()
    assert the(report, "stale_version").outcome is Comparison.AS_ASSUMED
    assert the(report, "current_version").seen == "somebody changed the booking meanwhile: run it again"


async def test_a_search_is_repeated_for_half_a_minute(certified: CertifiedStack) -> None:
    """What was just made may be found late: the report says after how many seconds."""
    assert sum(LOOK_AGAIN) == 30
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async with certified.open(replace(certified.options, by_hand=False)) as check:
        check.sleep = sleep
        calendar: Any = Instead(check.tenant.calendar, "find", (_EMPTY, _EMPTY, _as_is))
        check.tenant = replace(check.tenant, calendar=calendar)
        check.checks = [each for each in check.checks if "property_filter" in each.names]
        told = the(await check.run(), "property_filter")
    assert told.seen == "found_later (after 3 s)"
    assert pauses[:3] == [0.0, 1.0, 2.0]


async def test_a_zone_that_is_written_in_utc(certified: CertifiedStack) -> None:
    """There is nothing to read in two ways."""
    async with certified.open(CertifyOptions(certified.mailbox), EVENT_TIME_ZONE="UTC") as check:
        check.checks = [each for each in check.checks if "zone_rules" in each.names]
        assert the(await check.run(), "zone_rules").seen == "same (written in UTC)"


async def test_the_slower_of_two_mailboxes_counts(certified: CertifiedStack) -> None:
    """The second one may be the largest of the tenant; both times are told."""
    times = (lambda answer: replace(answer, seconds=0.2), lambda answer: replace(answer, seconds=12.0))
    async with certified.open(replace(certified.options, by_hand=False)) as check:
        calendar: Any = Instead(check.tenant.calendar, "find", times)
        check.tenant = replace(check.tenant, calendar=calendar)
        check.checks = [each for each in check.checks if "filter_speed" in each.names]
        told = the(await check.run(), "filter_speed")
    assert told.seen == "slow (0.2 s and 12.0 s)"
