"""Names on the command line: what is meant, who is asked, and what a script is told."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import typer

from booking_sync.cli.input.naming import Names, beside
from booking_sync.cli.runner import UsageError
from booking_sync.cli.terminal.output import open_output
from booking_sync.domain.bookings.booking import BookableResource, SystemUser
from booking_sync.domain.bookings.resource_type import ResourceType
from booking_sync.errors import TransientError
from booking_sync.ports.dataverse.bookings import NamedResource
from booking_sync.ports.dataverse.lookup import BookingHit, Found, Technician
from booking_sync.wiring.status import NameSources

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FIRST, SECOND = "0d7c1f57-3b1e-4c8e-9a55-2f6f0d6b1a01", "0d7c1f57-3b1e-4c8e-9a55-2f6f0d6b1a02"
ANNA = "0d7c1f57-3b1e-4c8e-9a55-2f6f0d6b1a11"
STARTS = datetime(2027, 3, 1, 8, tzinfo=UTC)
BOILER = BookingHit(FIRST, "Boiler", "WO-1", "Contoso", technician="Anna Berg", starts=STARTS)
BURNER = BookingHit(SECOND, "Burner", "WO-1", "Contoso", technician="Bert", starts=STARTS)


def resource(mailbox: str | None) -> BookableResource:
    """A technician's."""
    return BookableResource(ResourceType.USER, SystemUser(mailbox) if mailbox else None)


@dataclass
class Search:
    """Finds what it was given; fulfils `NameSearch`."""

    hits: tuple[BookingHit, ...] = ()
    people: tuple[Technician, ...] = ()
    asked: list[str] = field(default_factory=list)

    async def bookings(self, words: str, limit: int) -> Found[BookingHit]:
        """All of them."""
        self.asked.append(words)
        return Found(self.hits[:limit])

    async def booking(self, booking_id: str) -> BookingHit | None:
        """None is asked for by its id here."""
        raise AssertionError(booking_id)

    async def named(self, booking_ids: Sequence[str]) -> Mapping[str, BookingHit]:
        """Those that there are; without any, Dataverse is busy."""
        if not self.hits:
            raise TransientError("busy")
        return {hit.booking_id: hit for hit in self.hits if hit.booking_id in booking_ids}

    async def technicians(self, words: str, limit: int) -> Found[Technician]:
        """All of them."""
        self.asked.append(words)
        return Found(self.people[:limit])

    async def technician(self, resource_id: str) -> Technician | None:
        """None is asked for by its id here."""
        raise AssertionError(resource_id)


async def _everybody() -> Sequence[NamedResource]:
    return [NamedResource("Anna Berg", resource(ANNA)), NamedResource("Van 7", resource(ANNA))]


def names(search: Search) -> Names:
    """On these sources."""
    return Names(NameSources(search, _everybody), open_output(as_json=False))


@pytest.fixture
def nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard input is no terminal."""
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False)


async def test_an_id_is_taken_as_it_is() -> None:
    """Bare, in braces or in the address of the form: nothing is searched."""
    search = Search()
    address = f"https://contoso.crm4.dynamics.com/main.aspx?etn=bookableresourcebooking&id={FIRST}"
    assert await names(search).bookings([FIRST.upper(), f"{{{FIRST}}}", address]) == (FIRST,)
    assert await names(search).mailbox(ANNA.upper()) == ANNA
    assert search.asked == []


async def test_a_name_that_one_has_is_that_one(capsys: pytest.CaptureFixture[str]) -> None:
    """What was found is told beside its id, on standard error."""
    assert await names(Search((BOILER,))).booking("  Boiler ") == FIRST
    told = capsys.readouterr()
    assert told.out == ""
    assert f"Boiler · WO-1 · Contoso · Anna Berg · 2027-03-01 08:00 UTC, {FIRST}" in told.err


@pytest.mark.usefixtures("nobody_there")
async def test_a_script_is_told_which_fit() -> None:
    """With their ids and what tells them apart; nothing is chosen."""
    with pytest.raises(UsageError) as refused:
        await names(Search((BOILER, BURNER))).booking("WO-1")
    assert [word in str(refused.value) for word in (FIRST, SECOND, "Boiler", "Bert")] == [True] * 4


async def test_a_person_is_asked_which_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    """By number; a number that is not in the list chooses nothing."""
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    answers = iter((2, 3))
    monkeypatch.setattr(typer, "prompt", lambda *_words, **_options: next(answers))
    search = names(Search((BOILER, BURNER)))
    assert await search.booking("WO-1") == SECOND
    with pytest.raises(UsageError, match="no number 3"):
        await search.booking("WO-1")


@pytest.mark.parametrize("text", ["", "a", " \u200b"])
async def test_too_little_is_not_searched_for(text: str) -> None:
    """A letter fits half of all rows."""
    search = Search((BOILER,))
    with pytest.raises(UsageError, match="at least 2 characters"):
        await names(search).booking(text)
    assert search.asked == []


async def test_what_nobody_is_called_is_said() -> None:
    """Neither a booking nor a technician."""
    with pytest.raises(UsageError, match="No booking is called 'Lift'"):
        await names(Search()).booking("Lift")
    with pytest.raises(UsageError, match="No technician is called 'Anna'"):
        await names(Search()).mailbox("Anna")


async def test_a_technician_stands_for_the_mailbox() -> None:
    """That of the resource's user; one without a mailbox is said to have none."""
    with_mailbox = Technician("Anna Berg", resource(ANNA), "anna@contoso.com")
    assert await names(Search(people=(with_mailbox,))).mailboxes(["Anna"]) == {ANNA}
    with pytest.raises(UsageError, match="Van 7 has no mailbox"):
        await names(Search(people=(Technician("Van 7", resource(None)),))).mailbox("Van 7")


async def test_a_resource_needs_no_mailbox(capsys: pytest.CaptureFixture[str]) -> None:
    """Its own id is what counts; one that is given as an id is not searched."""
    van = BookableResource(ResourceType.EQUIPMENT, None, id=SECOND)
    assert await names(Search(people=(Technician("Van 7", van),))).resource("van") == SECOND
    assert f"Van 7, {SECOND}" in capsys.readouterr().err
    search = Search()
    assert await names(search).resource(f"{{{FIRST.upper()}}}") == FIRST
    assert search.asked == []
    with pytest.raises(UsageError, match="No technician is called 'lorry'"):
        await names(search).resource("lorry")


async def test_names_beside_ids_are_left_out_where_nobody_knows_them() -> None:
    """Rows that can't be read just now stop nothing; several resources of one mailbox are all named."""
    found = names(Search())
    assert await found.of_bookings([FIRST]) == {}
    told = await names(Search((BOILER,))).of_bookings([FIRST, SECOND])
    assert told == {FIRST: "Boiler · WO-1 · Anna Berg"}
    assert await found.of_mailboxes() == {ANNA: "Anna Berg · Van 7"}
    assert beside("Anna Berg", ANNA) == f"Anna Berg\n{ANNA}"
    assert beside(None, ANNA) == ANNA
