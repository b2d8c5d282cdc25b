"""What a purge has found, in a temporary file, so that a tenant of any size fits.

It is SQLite's own temporary database: it lies where the system keeps such files, nobody else can open it, and
it is gone with the process. It holds ids and nothing else.
"""

from __future__ import annotations

import sqlite3
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING

from booking_sync.domain.events.event_ref import EventRef

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

CACHED_KILOBYTES = 32_768
"""Of the database's pages; what exceeds them goes to the file."""
CHUNK = 200
"""How many ids are taken out at a time."""

_TABLES = """
CREATE TABLE bookings (booking TEXT PRIMARY KEY, mailbox TEXT NOT NULL, event TEXT, wanted INTEGER NOT NULL)
    WITHOUT ROWID;
CREATE INDEX by_mailbox ON bookings (mailbox, booking);
CREATE TABLE events (mailbox TEXT NOT NULL, event TEXT NOT NULL, PRIMARY KEY (mailbox, event)) WITHOUT ROWID;
CREATE TABLE unreadable (booking TEXT PRIMARY KEY) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class NamingRow:
    """A booking's row that names an event, usably or not."""

    booking_id: str
    mailbox: str
    """Lower-case; empty when nothing tells."""
    event_id: str | None
    """Of the event that its own record names; None without a usable one."""
    wanted: bool
    """It should have an event."""


class Inventory:
    """Rows and events by mailbox; empty at first, and gone when it is collected."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        weakref.finalize(self, self._database.close)
        self._database.execute(f"PRAGMA cache_size = -{CACHED_KILOBYTES}")
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.executescript(_TABLES)
        self._database.execute("BEGIN")  # and never commit: each insert would be one, and nothing is to last

    def add_rows(self, rows: Iterable[NamingRow]) -> None:
        """Note these, and the events that their records name; of one that comes twice the last counts."""
        rows = tuple(rows)
        self._database.executemany(
            "INSERT OR REPLACE INTO bookings VALUES (?, ?, ?, ?)",
            [(each.booking_id, each.mailbox, each.event_id, each.wanted) for each in rows],
        )
        self.add_events(EventRef(each.mailbox, each.event_id) for each in rows if each.event_id)

    def add_events(self, events: Iterable[EventRef]) -> None:
        """Note these as ours."""
        self._database.executemany(
            "INSERT OR IGNORE INTO events VALUES (?, ?)", [(each.mailbox, each.event_id) for each in events]
        )

    def add_unreadable(self, booking_ids: Iterable[str]) -> None:
        """Note bookings whose rows can't be read."""
        self._database.executemany(
            "INSERT OR IGNORE INTO unreadable VALUES (?)", [(each,) for each in booking_ids]
        )

    def mailboxes(self) -> list[str]:
        """Those that any row names, in order; an empty one for rows that name none."""
        return [
            name for (name,) in self._database.execute("SELECT DISTINCT mailbox FROM bookings ORDER BY 1")
        ]

    def knows(self, booking_id: str) -> bool:
        """Whether the row of this booking is noted."""
        found = self._database.execute("SELECT 1 FROM bookings WHERE booking = ?", (booking_id,))
        return found.fetchone() is not None

    def has(self, event: EventRef) -> bool:
        """Whether this event is noted as ours."""
        found = self._database.execute(
            "SELECT 1 FROM events WHERE mailbox = ? AND event = ?", (event.mailbox, event.event_id)
        )
        return found.fetchone() is not None

    def count_events(self, mailbox: str) -> int:
        """How many are noted."""
        (count,) = self._database.execute(
            "SELECT count(*) FROM events WHERE mailbox = ?", (mailbox,)
        ).fetchone()
        return int(count)

    def count_bookings(self, mailbox: str) -> tuple[int, int]:
        """How many rows name the mailbox, and how many of those are wanted."""
        rows, wanted = self._database.execute(
            "SELECT count(*), total(wanted) FROM bookings WHERE mailbox = ?", (mailbox,)
        ).fetchone()
        return int(rows), int(wanted)

    def events(self, mailbox: str) -> Iterator[list[EventRef]]:
        """All that are noted, so many at a time."""
        query = "SELECT event FROM events WHERE mailbox = ? AND event > ? ORDER BY event LIMIT ?"
        for chunk in self._chunks(query, mailbox):
            yield [EventRef(mailbox, each) for each in chunk]

    def bookings(self, mailbox: str) -> Iterator[list[str]]:
        """The ids of the rows that name the mailbox, so many at a time."""
        return self._chunks(
            "SELECT booking FROM bookings WHERE mailbox = ? AND booking > ? ORDER BY booking LIMIT ?", mailbox
        )

    def unreadable(self) -> tuple[str, ...]:
        """The ids of bookings whose rows can't be read."""
        return tuple(booking for (booking,) in self._database.execute("SELECT booking FROM unreadable"))

    def _chunks(self, query: str, mailbox: str) -> Iterator[list[str]]:
        last = ""
        while chunk := [each for (each,) in self._database.execute(query, (mailbox, last, CHUNK))]:
            yield chunk
            last = chunk[-1]
