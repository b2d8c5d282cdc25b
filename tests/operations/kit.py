"""Stand-ins in memory for what operators look at, as strict as Storage where that matters."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from booking_sync.domain.timers import Timer, TimerSchedules
from booking_sync.plumbing import ncrontab
from booking_sync.ports.platform.queues import PoisonMessage, QueueState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from booking_sync.errors import SyncError

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SCHEDULES = TimerSchedules(
    {
        Timer.CATCH_UP: ncrontab.parse("0 */5 * * * *").next_after,
        Timer.AUDIT: ncrontab.parse("0 30 2 * * *").next_after,
        Timer.NEAR_AUDIT: ncrontab.parse("0 10,40 * * * *").next_after,
    },
    look_back=timedelta(hours=1),
)


@dataclass
class HandClock:
    """A clock that is set by hand."""

    moment: datetime = START

    def __call__(self) -> datetime:
        """The time it was set to."""
        return self.moment

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.moment += timedelta(seconds=seconds)


@dataclass
class FakeTextStore:
    """Texts with the time at which they were written."""

    now: HandClock
    texts: dict[str, tuple[datetime, str]] = field(default_factory=dict)
    writes: int = 0
    written: asyncio.Event = field(default_factory=asyncio.Event)
    broken: SyncError | None = None

    async def put(self, name: str, text: str) -> None:
        """See the port."""
        await self._enter()
        assert text, "Storage answers 416 to whoever reads a part of an empty blob"
        self.writes += 1
        self.texts[name] = (self.now(), text)
        self.written.set()

    async def get(self, name: str) -> str | None:
        """See the port."""
        await self._enter()
        return self.texts[name][1] if name in self.texts else None

    async def claim(self, name: str, until: datetime, now: datetime) -> bool:
        """See the port."""
        await self._enter()
        if name in self.texts and datetime.fromisoformat(self.texts[name][1]) > now:
            return False
        self.texts[name] = (self.now(), until.isoformat())
        return True

    async def release(self, name: str) -> None:
        """See the port."""
        await self._enter()
        self.texts.pop(name, None)

    async def newest(self, prefix: str, since: datetime, limit: int) -> Sequence[str]:
        """See the port."""
        await self._enter()
        found = [each for name, each in self.texts.items() if name.startswith(prefix) and each[0] >= since]
        return [text for _, text in sorted(found, reverse=True)[:limit]]

    async def drop(self, prefix: str, before: datetime) -> int:
        """See the port."""
        await self._enter()
        old = [name for name, each in self.texts.items() if name.startswith(prefix) and each[0] < before]
        for name in old:
            del self.texts[name]
        return len(old)

    async def _enter(self) -> None:
        await asyncio.sleep(0)
        if self.broken:
            raise self.broken


@dataclass
class FakePoison:
    """A poison queue that hides what was taken until its time is over, and honours the last receipt only."""

    now: HandClock
    texts: dict[str, str] = field(default_factory=dict)
    page: int = 32
    broken_delete: BaseException | None = None
    broken: SyncError | None = None
    inserted: dict[str, datetime] = field(default_factory=dict)
    expires: dict[str, datetime] = field(default_factory=dict)
    raw: set[str] = field(default_factory=set)
    """Ids of messages whose bodies are no Base64."""
    takes: int = 0
    changes: int = 0
    """On the change queue beside it."""
    oldest_change: datetime | None = None
    _hidden: dict[str, datetime] = field(default_factory=dict)
    _receipts: dict[str, str] = field(default_factory=dict)
    _count: int = 0

    def lay_as_host(self, text: str, *, is_base64: bool = True) -> str:
        """Lay a message down as the Functions host does, bare and for seven days; returns its id."""
        message_id = self._lay(text)
        self.expires[message_id] = self.now() + timedelta(days=7)
        if not is_base64:
            self.raw.add(message_id)
        return message_id

    def lay(self, message: str, reason: str = "No mailbox.", moment: datetime = START) -> str:
        """Lay a message down with a reason; returns its id."""
        try:
            original = json.loads(message)
        except ValueError:
            original = message
        return self._lay(
            json.dumps({"reason": reason, "deadLetteredAt": moment.isoformat(), "message": original})
        )

    def _lay(self, text: str) -> str:
        self._count += 1
        message_id = f"message-{self._count}"
        self.texts[message_id] = text
        self.inserted[message_id] = self.now()
        return message_id

    def visible(self) -> list[str]:
        """Ids of what is not hidden now; what has expired is gone for good."""
        for each in [each for each, moment in self.expires.items() if moment <= self.now()]:
            self.texts.pop(each, None)
        return [each for each in self.texts if self._hidden.get(each, START) <= self.now()]

    async def state(self) -> QueueState:
        """See the port."""
        await self._enter()
        oldest = min((self.inserted[each] for each in self.texts if each in self.inserted), default=None)
        return QueueState(self.changes, len(self.texts), self.oldest_change, oldest)

    async def peek(self) -> Sequence[PoisonMessage]:
        """See the port."""
        await self._enter()
        return [self._message(each) for each in self.visible()[:32]]

    async def take(self, hidden_seconds: int) -> Sequence[PoisonMessage]:
        """See the port."""
        await self._enter()
        self.takes += 1
        taken = []
        for each in self.visible()[: self.page]:
            self._count += 1
            self._receipts[each] = f"receipt-{self._count}"
            self._hidden[each] = self.now() + timedelta(seconds=hidden_seconds)
            taken.append(self._message(each, self._receipts[each]))
        return taken

    async def put(self, message: str, reason: str, moment: datetime) -> None:
        """See the port."""
        await self._enter()
        self.lay(message, reason, moment)

    def _message(self, message_id: str, receipt: str = "") -> PoisonMessage:
        return PoisonMessage(
            message_id,
            self.texts[message_id],
            receipt,
            inserted=self.inserted.get(message_id),
            expires=self.expires.get(message_id),
            is_base64=message_id not in self.raw,
        )

    async def delete(self, message: PoisonMessage) -> None:
        """See the port."""
        await self._enter()
        if self.broken_delete:
            raise self.broken_delete
        if self._receipts.get(message.message_id) == message.receipt:
            self.texts.pop(message.message_id, None)

    async def release(self, message: PoisonMessage) -> None:
        """See the port."""
        await self._enter()
        if self._receipts.get(message.message_id) == message.receipt:
            self._hidden[message.message_id] = self.now()

    async def _enter(self) -> None:
        await asyncio.sleep(0)
        if self.broken:
            raise self.broken
