"""Categories get their colours in the mailboxes' own lists, beside people's and without a booking waiting."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from booking_sync.bulk.colouring import Colouring
from booking_sync.domain.events.event_text.colours import CategoryColour
from booking_sync.errors import Cause, PermanentError, TransientError

if TYPE_CHECKING:
    from booking_sync.errors import SyncError

VIP = CategoryColour("Field Service: VIP", "preset15")
BREAK = CategoryColour("Field Service: On break", "preset3")


class Lists:
    """The lists of some mailboxes."""

    def __init__(self, **there: set[str]) -> None:
        self.there = {mailbox: dict.fromkeys(names, "preset0") for mailbox, names in there.items()}
        self.refusals: dict[str, SyncError] = {}
        self.writes = 0

    async def names(self, mailbox: str) -> frozenset[str]:
        """See the port."""
        if mailbox in self.refusals:
            raise self.refusals[mailbox]
        return frozenset(name.casefold() for name in self.there[mailbox])

    async def add(self, mailbox: str, colour: CategoryColour) -> bool:
        """See the port."""
        self.writes += 1
        if colour.name in self.refusals:
            raise self.refusals[colour.name]
        self.there[mailbox][colour.name] = colour.preset
        return True


def logged(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    """What the log says of colours."""
    return [json.loads(each.message) for each in caplog.records if "category_colours" in each.message]


async def test_what_is_missing_is_added_and_what_is_there_stays() -> None:
    """Whatever colour a person gave it, and whatever its capital letters; a second look writes nothing."""
    lists = Lists(anna={"Mine", "FIELD SERVICE: VIP"}, bert=set())
    colouring = Colouring(lists, [VIP, BREAK])
    seen: list[tuple[int, int | None]] = []
    done = await colouring.see_to(["bert", "anna", "bert"], advance=lambda *told: seen.append(told))
    assert [(each.mailbox, each.made, each.problem) for each in done] == [
        ("anna", (BREAK.name,), ""),
        ("bert", (VIP.name, BREAK.name), ""),
    ]
    assert lists.there["anna"]["FIELD SERVICE: VIP"] == "preset0"
    assert seen[-1] == (2, 2)
    assert not any(each.made for each in await colouring.see_to(["anna", "bert"]))
    assert lists.writes == 3


async def test_a_dry_run_writes_nothing() -> None:
    """And tells what would be added."""
    lists = Lists(anna=set())
    (done,) = await Colouring(lists, [VIP]).see_to(["anna"], dry_run=True)
    assert (done.made, lists.writes) == ((VIP.name,), 0)


async def test_one_mailbox_keeps_no_other_from_its_colours(caplog: pytest.LogCaptureFixture) -> None:
    """What could not be done is told with its reason, and an audit beside it goes on."""
    caplog.set_level("INFO")
    lists = Lists(anna=set(), bert=set(), carl=set())
    lists.refusals["anna"] = PermanentError("no permission", cause=Cause.ACCESS_DENIED)
    lists.refusals["bert"] = TransientError("Graph is down")
    colouring = Colouring(lists, [VIP])
    done = await colouring.see_to(["anna", "bert", "carl"])
    assert [(each.denied, each.problem, each.made) for each in done] == [
        (True, "no permission", ()),
        (False, "Graph is down", ()),
        (False, "", (VIP.name,)),
    ]
    del lists.there["carl"][VIP.name]
    await colouring.quietly(["anna", "bert", "carl"])
    (line,) = logged(caplog)
    assert (line["made"], line["failed"], line["denied"]) == (1, 2, 1)


async def test_what_was_added_before_a_refusal_is_told() -> None:
    """The first of two, say."""
    lists = Lists(anna=set())
    lists.refusals[BREAK.name] = TransientError("Graph is down")
    (done,) = await Colouring(lists, [VIP, BREAK]).see_to(["anna"])
    assert (done.made, done.problem) == ((VIP.name,), "Graph is down")


async def test_where_all_is_there_nothing_is_said(caplog: pytest.LogCaptureFixture) -> None:
    """A night without news has no line; without colours nobody is asked."""
    caplog.set_level("INFO")
    await Colouring(Lists(anna={VIP.name}), [VIP]).quietly(["anna"])
    await Colouring(Lists(), []).quietly(["nobody"])
    assert logged(caplog) == []


async def test_who_has_no_mailbox_lacks_no_category() -> None:
    """The doctor tells of them; every night's log need not."""
    lists = Lists(anna=set())
    lists.refusals["anna"] = PermanentError("no mailbox", cause=Cause.NO_MAILBOX)
    (done,) = await Colouring(lists, [VIP]).see_to(["anna"])
    assert (done.made, done.problem) == ((), "")
