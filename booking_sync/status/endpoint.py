"""Answers the operator's page about one booking, one technician, and what somebody searches for.

Names are read when they are asked for, shown, and not kept. What somebody searches for comes in a body: it
may be a person's name, and addresses land in request logs. Who may ask is checked before (`function_app`).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from booking_sync.domain.ids import typed_guid, typed_moment
from booking_sync.errors import SettingsError, SyncError, TransientError
from booking_sync.lookup.words import read_words
from booking_sync.plumbing.http.answer import NOT_STORED, HttpAnswer
from booking_sync.plumbing.http.orders import BadRequestError, read_order, refusal
from booking_sync.ports.dataverse.lookup import Found
from booking_sync.status.answers import Memory, booking_answer, search_answer, technician_answer
from booking_sync.status.look import look
from booking_sync.status.reading import read_booking_id
from booking_sync.status.verdict import judge
from booking_sync.status.week import look_at_week

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from booking_sync.operations.journal.store import JournalStore
    from booking_sync.ports.dataverse.lookup import BookingHit, NameSearch, Technician
    from booking_sync.status.look import StatusSources
    from booking_sync.status.week import WeekSources

MAX_HITS: Final = 20
MAX_IDS: Final = 100
MAX_BODY_BYTES: Final = 8 * 1024
_EARLIEST, _LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
PATIENCE_SECONDS: Final = 25.0
"""A question that takes longer is answered 503; a calendar that is asked to wait takes some seconds."""


@dataclass(frozen=True, slots=True)
class LookupSources:
    """Where the answers come from."""

    search: NameSearch
    status: StatusSources
    week: WeekSources


class LookupEndpoints:
    """Answers questions about single bookings and technicians.

    Args:
        open_sources: raises `SettingsError` or `SyncError` while the app can't be started.
        journal_store: what the instances remember.
        link: the address of a booking for people, by its id; empty when it can't be told.
    """

    def __init__(
        self,
        open_sources: Callable[[], Awaitable[LookupSources]],
        journal_store: Callable[[], JournalStore],
        link: Callable[[str], str],
    ) -> None:
        self._open_sources = open_sources
        self._journal_store = journal_store
        self._link = link

    async def search(self, headers: Mapping[str, str], body: bytes) -> HttpAnswer:
        """Bookings and technicians that people call so: `{"q": "<name, number, address or id>"}`.

        Or what people call these bookings: `{"ids": ["<booking id>", …]}`, 100 at most.
        """

        async def answer() -> dict[str, Any]:
            asked = _asked(headers, body)
            return await (self._search(asked) if isinstance(asked, str) else self._named(asked))

        return await _answered(answer)

    async def booking(self, query: Mapping[str, str]) -> HttpAnswer:
        """How the booking of the query's `id` stands."""

        async def answer() -> dict[str, Any]:
            booking_id = _id_of(query, "a booking")
            facts = await look((await self._open_sources()).status, booking_id)
            link = self._link(booking_id) if facts.row else ""
            return booking_answer(facts, judge(facts), await self._memory(), link)

        return await _answered(answer)

    async def technician(self, query: Mapping[str, str]) -> HttpAnswer:
        """How the technician of the query's `id` stands: eight days `from` a day or moment, or around today.

        404 for nobody.
        """

        async def answer() -> dict[str, Any]:
            resource_id = _id_of(query, "a bookable resource")
            first = _first_of(query)
            week = await look_at_week((await self._open_sources()).week, resource_id, first)
            if week is None:
                raise BadRequestError(
                    "There is no such bookable resource, or the app may not read it.", HTTPStatus.NOT_FOUND
                )
            return technician_answer(week, await self._memory(), self._link)

        return await _answered(answer)

    async def _search(self, text: str) -> dict[str, Any]:
        if identity := read_booking_id(text):
            found = await self._by_id(identity)
            return search_answer(identity, *found, self._link)
        try:
            words = read_words(text)
        except ValueError as error:
            words = str(error)
            raise BadRequestError(f"{words[:1].upper()}{words[1:]}.") from None
        search = (await self._open_sources()).search
        bookings, technicians = await asyncio.gather(
            search.bookings(words, MAX_HITS), search.technicians(words, MAX_HITS)
        )
        return search_answer(words, bookings, technicians, self._link)

    async def _named(self, booking_ids: Sequence[str]) -> dict[str, Any]:
        found = await (await self._open_sources()).search.named(booking_ids)
        return search_answer("", Found(tuple(found.values())), Found(), self._link)

    async def _by_id(self, identity: str) -> tuple[Found[BookingHit], Found[Technician]]:
        search = (await self._open_sources()).search
        booking, technician = await asyncio.gather(search.booking(identity), search.technician(identity))
        return Found((booking,) if booking else ()), Found((technician,) if technician else ())

    async def _memory(self) -> Memory:
        try:
            return Memory(await self._journal_store().everything())
        except SyncError as error:
            return Memory(None, error.reason)


async def _answered(answer: Callable[[], Awaitable[dict[str, Any]]]) -> HttpAnswer:
    """The answer, or why there is none."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return HttpAnswer(HTTPStatus.OK, await answer(), dict(NOT_STORED))
    except TimeoutError:
        late = f"There was no answer within {PATIENCE_SECONDS:g} seconds; ask again."
        return refusal(TransientError(late), "problem")
    except (BadRequestError, SettingsError, SyncError) as error:
        return refusal(error, "problem")


def _asked(headers: Mapping[str, str], body: bytes) -> str | Sequence[str]:
    """What to search for, or ids of bookings."""
    asked = read_order(headers, body, {"q", "ids"}, max_bytes=MAX_BODY_BYTES)
    match asked:
        case {"q": str(text), **others} if not others:
            return text
        case {"ids": [_, *_] as named, **others} if not others and len(named) <= MAX_IDS:
            ids = [typed_guid(each) if isinstance(each, str) else None for each in named]
            if None not in ids:
                return [each for each in ids if each]
    raise BadRequestError(
        f'Say either "q": a text to search for, or "ids": a list of 1 to {MAX_IDS} booking ids (GUIDs).'
    )


def _id_of(query: Mapping[str, str], what: str) -> str:
    identity = typed_guid(query.get("id", ""))
    if identity is None:
        raise BadRequestError(f'"id" must be the id of {what} (a GUID).')
    return identity


def _first_of(query: Mapping[str, str]) -> datetime | None:
    text = query.get("from", "")
    first = typed_moment(text) if text else None
    if text and (first is None or not _EARLIEST <= first < _LATEST):
        raise BadRequestError('"from" must be a day or a moment such as 2026-03-02 or 2026-03-02T08:00:00Z.')
    return first
