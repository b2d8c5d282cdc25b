"""What is asked of single bookings and technicians over HTTP, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from booking_sync.errors import PermanentError, SettingsError, TransientError
from booking_sync.operations.journal.store import JournalStore
from booking_sync.plumbing.http.answer import HttpAnswer
from booking_sync.ports.dataverse.lookup import BookingHit, Found, Technician
from booking_sync.status.endpoint import MAX_HITS, LookupEndpoints, LookupSources
from tests.operations.kit import FakeTextStore, HandClock
from tests.support.bookings import ANNA, BOOKING_ID, technician

JSON = {"Content-Type": "application/json"}

NO_SEARCHES: list[object] = [
    {},
    {"q": 5},
    {"q": "Lift", "ids": [BOOKING_ID]},
    {"ids": BOOKING_ID},
    {"ids": []},
    {"ids": [5]},
    {"ids": ["WO-1"]},
    {"ids": [BOOKING_ID] * 101},
]


class Search:
    """One booking and one technician, whatever is searched for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def bookings(self, words: str, limit: int) -> Found[BookingHit]:
        """See the port."""
        assert limit == MAX_HITS
        self.asked.append(words)
        return Found((BookingHit(BOOKING_ID, "Lift"),), more=True)

    async def technicians(self, words: str, limit: int) -> Found[Technician]:
        """See the port."""
        assert (words, limit) == (self.asked[-1], MAX_HITS)
        return Found((Technician("Anna", technician(ANNA)),))

    async def booking(self, booking_id: str) -> BookingHit | None:
        """See the port."""
        return BookingHit(booking_id, "Lift") if booking_id == BOOKING_ID else None

    async def named(self, booking_ids: Sequence[str]) -> Mapping[str, BookingHit]:
        """See the port."""
        return {each: BookingHit(each, "Lift") for each in booking_ids if each == BOOKING_ID}

    async def technician(self, resource_id: str) -> Technician | None:
        """See the port."""
        return Technician("Anna", technician(ANNA)) if resource_id == ANNA else None


class Harness:
    """The endpoints on a search in memory; nothing else is asked here."""

    def __init__(self) -> None:
        self.names = Search()
        self.problem: Exception | None = None
        clock = HandClock()
        journal = JournalStore(lambda: FakeTextStore(clock), "one", clock, dict)
        self.endpoints = LookupEndpoints(
            self._open, lambda: journal, lambda booking_id: f"https://x/{booking_id}"
        )

    async def _open(self) -> LookupSources:
        if self.problem:
            raise self.problem
        nothing: Any = None
        return LookupSources(self.names, nothing, nothing)

    async def search(self, body: object) -> HttpAnswer:
        """Search as the page does."""
        return await self.endpoints.search(JSON, json.dumps(body).encode())


async def test_a_search_tells_both_kinds_and_that_there_are_more() -> None:
    """The words are cleaned before they are searched by."""
    harness = Harness()
    answer = await harness.search({"q": "  Lift\u200b \n again"})
    assert answer.status == 200
    assert harness.names.asked == ["Lift\u200b again"]
    assert [each["link"] for each in answer.payload["bookings"]] == [f"https://x/{BOOKING_ID}"]
    assert [each["name"] for each in answer.payload["technicians"]] == ["Anna"]
    assert (answer.payload["moreBookings"], answer.payload["moreTechnicians"]) == (True, False)
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("text", "bookings", "technicians"),
    [
        (f"{{{BOOKING_ID.upper()}}}", 1, 0),
        (ANNA, 0, 1),
        (f"https://x.crm.dynamics.com/main.aspx?etn=bookableresourcebooking&id={BOOKING_ID}", 1, 0),
    ],
)
async def test_an_id_or_the_address_of_a_form_finds_its_row(
    text: str, bookings: int, technicians: int
) -> None:
    """Whoever has an id need not know of what."""
    harness = Harness()
    answer = await harness.search({"q": text})
    assert len(answer.payload["bookings"]) == bookings
    assert len(answer.payload["technicians"]) == technicians
    assert harness.names.asked == []


async def test_ids_are_given_their_names() -> None:
    """Those that are there; of the others nothing is told."""
    answer = await Harness().search({"ids": [BOOKING_ID.upper(), ANNA]})
    assert [(each["bookingId"], each["name"]) for each in answer.payload["bookings"]] == [
        (BOOKING_ID, "Lift")
    ]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"q": "a"}, "Type at least 2 characters of a name or a number."),
        *((body, 'Say either "q"') for body in NO_SEARCHES),
        ({"q": "Lift", "limit": 5}, 'with "ids" or "q"'),
    ],
)
async def test_what_is_no_search_is_refused(body: object, words: str) -> None:
    """With a word about what to do."""
    answer = await Harness().search(body)
    assert answer.status == 400
    assert words in answer.payload["problem"]


async def test_a_search_from_another_page_is_refused() -> None:
    """As every order."""
    answer = await Harness().endpoints.search({**JSON, "Sec-Fetch-Site": "cross-site"}, b'{"q": "Lift"}')
    assert answer.status == 403


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({}, '"id" must be'),
        ({"id": "x"}, '"id" must be'),
        ({"id": ANNA, "from": "yesterday"}, '"from" must be a day'),
        ({"id": ANNA, "from": "0001-01-01"}, '"from" must be a day'),
        ({"id": ANNA, "from": "9999-12-31"}, '"from" must be a day'),
    ],
)
async def test_what_names_no_technician_or_no_day_is_refused(query: dict[str, str], words: str) -> None:
    """The words name the parameter."""
    answer = await Harness().endpoints.technician(query)
    assert answer.status == 400
    assert words in answer.payload["problem"]


async def test_what_names_no_booking_is_refused() -> None:
    """Before anybody is asked."""
    harness = Harness()
    harness.problem = TransientError("Dataverse can't be reached")
    answer = await harness.endpoints.booking({"id": "WO-1"})
    assert (answer.status, answer.payload) == (400, {"problem": '"id" must be the id of a booking (a GUID).'})


@pytest.mark.parametrize(
    ("problem", "status"),
    [
        (TransientError("Dataverse can't be reached"), 503),
        (PermanentError("Dataverse refuses the app"), 502),
        (SettingsError("DATAVERSE_URL is missing"), 503),
    ],
)
async def test_what_can_t_be_asked_says_why(problem: Exception, status: int) -> None:
    """In words for the page."""
    harness = Harness()
    harness.problem = problem
    for answer in (
        await harness.search({"q": "Lift"}),
        await harness.endpoints.booking({"id": BOOKING_ID}),
        await harness.endpoints.technician({"id": ANNA}),
    ):
        assert (answer.status, answer.payload) == (status, {"problem": str(problem)})
