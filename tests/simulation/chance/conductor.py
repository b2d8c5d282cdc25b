"""Decides what happens next, by the seed alone, and keeps the trace.

Whoever does I/O waits here for its turn. When the loop has nothing left to run, one thing is chosen: a
waiting step goes on, a message is delivered, a person does something, a process crashes, or time passes to
the next timer. So every await on a service is a point at which anything else may happen first.
"""

from __future__ import annotations

import asyncio
import bisect
import contextvars
import functools
import itertools
import random
from collections import Counter
from collections.abc import Callable, Coroutine, Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeVar

from tests.simulation.chance.clock import VirtualLoop

T = TypeVar("T")

MAX_DECISIONS = 20_000
MAX_SECONDS = 36 * 3600.0
"""Of virtual time; a message's life is bounded by 24 hours, and no fault of ours lasts an hour. A change for
a mailbox that refuses us is tried for four hours, and each audit that follows brings another."""

STEP_WEIGHT = 4.0
TIME_WEIGHT = 1.5
STALL_WEIGHT = 0.4
QUICK_SECONDS = 5.0
"""A step that waits while more time passes is slow, and slowness is a fault that the profile bounds."""


class NeverSettlesError(AssertionError):
    """The schedule goes on for ever, or stands still with something left to do."""


class Choice(NamedTuple):
    """Something that may happen next."""

    weight: float
    act: Callable[[], None]


class Actor(Protocol):
    """Somebody who may do something when it is their turn."""

    def choices(self) -> Iterable[Choice]:
        """What they may do now."""


class Owner(Protocol):
    """A process, which can die."""

    @property
    def name(self) -> str:
        """For the trace."""

    @property
    def dead(self) -> bool:
        """Whether it was killed."""

    def adopt(self, task: asyncio.Task[Any]) -> None:
        """A task that dies with it."""


OWNER: contextvars.ContextVar[Owner | None] = contextvars.ContextVar("owner", default=None)
"""The process in which code runs; None in the world outside: services, people, the queue."""


@dataclass(eq=False)
class Wait:
    """A step that waits for its turn."""

    point: str
    owner: Owner | None
    go: asyncio.Future[None]


class Stage:
    """The time that a process is in the middle of something."""

    __slots__ = ("_entry", "_stages")

    def __init__(self, stages: list[tuple[Owner | None, str]], entry: tuple[Owner | None, str]) -> None:
        self._stages = stages
        self._entry = entry

    def __enter__(self) -> None:
        self._stages.append(self._entry)

    def __exit__(self, *_error: object) -> None:
        self._stages.remove(self._entry)


class Conductor:
    """One schedule's order of things.

    Args:
        seed: decides everything.
        max_seconds: of virtual time, after which it counts as unsettled.
    """

    def __init__(self, seed: int, max_seconds: float = MAX_SECONDS) -> None:
        self.random = random.Random(seed)  # noqa: S311 - schedules must replay
        self._max_seconds = max_seconds
        self.actors: list[Actor] = []
        self.waits: list[Wait] = []
        self.trace: list[str] = []
        self.counts: Counter[str] = Counter()
        self.decisions = 0
        self._stages: list[tuple[Owner | None, str]] = []
        self.may_stall: Callable[[], bool] = lambda: False
        self.stall: Callable[[], None] = lambda: None
        """Told of a slow service."""
        self.script: Iterator[bool] | None = None
        """Decides instead of chance as long as it lasts; yields whether time passes to the next timer."""
        self._over = False
        self._loop = VirtualLoop(self._idle)
        self._loop.set_task_factory(_make_task)
        self._loop.set_exception_handler(self._note_error)
        self._quiet: asyncio.Future[None] | None = None
        self._world = contextvars.Context()
        self._world_tasks: set[asyncio.Task[Any]] = set()
        self._unattended: set[asyncio.Task[Any]] = set()
        """What services do for processes that were killed."""
        self.errors: list[str] = []
        """What the loop's exception handler was told: bugs."""

    @property
    def time(self) -> float:
        """Seconds since the schedule began."""
        return self._loop.time()

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Run a schedule to its end."""
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            try:
                return runner.run(main)
            finally:
                self._over = True

    def note(self, text: str) -> None:
        """Add a line to the trace."""
        self.trace.append(f"{self.time:10.3f}  {text}")

    def chance(self, probability: float) -> bool:
        """Whether it happens."""
        return self.random.random() < probability

    async def turn(self, point: str) -> None:
        """Wait until the seed lets this step go on."""
        owner = OWNER.get()
        if owner is not None and owner.dead:
            raise asyncio.CancelledError
        wait = Wait(point, owner, self._loop.create_future())
        self.waits.append(wait)
        try:
            await wait.go
        finally:
            if wait in self.waits:
                self.waits.remove(wait)

    def stage(self, what: str) -> Stage:
        """Note what a process is in the middle of, for the account of crash points."""
        return Stage(self._stages, (OWNER.get(), what))

    def stages(self, owner: Owner) -> list[str]:
        """What a process is in the middle of; empty between requests."""
        return [what for who, what in self._stages if who is owner]

    async def for_ever(self) -> None:
        """What waiting for an answer that never comes is like."""
        await self._loop.create_future()

    async def serve(self, work: Coroutine[Any, Any, T]) -> T:
        """The answer of a service that a request reached; it goes on when the asking process is killed.

        What a live client gave up waiting for, the service drops. And a killed one's requests are carried out
        or dropped before much time passes, in particular before its messages are delivered again: no protocol
        without conditional writes to Outlook could bear a write from that far in the past.
        """
        owner = OWNER.get()
        task = self.in_world(work)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if owner is not None and owner.dead:
                self._unattended.add(task)
                task.add_done_callback(self._unattended.discard)
            else:
                task.cancel()
            raise

    def in_world(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run something that no process's death stops: a service at work on a request that reached it."""
        task = self._loop.create_task(work, context=self._world.copy())
        self._world_tasks.add(task)
        task.add_done_callback(self._world_tasks.discard)
        return task

    def spawn(self, work: Coroutine[Any, Any, None], context: contextvars.Context) -> None:
        """Start something in a process, named by the context."""
        self._loop.create_task(work, context=context)  # its process holds it

    def wake_at(self, delay: float) -> None:
        """Make sure that time stops by when this delay is over."""
        self._loop.call_later(delay, _nothing)

    async def quiet(self) -> None:
        """Wait until nothing is left that could happen."""
        self._quiet = self._loop.create_future()
        await self._quiet

    def _idle(self, timeout: float | None) -> float:
        if self._over:  # what is left is only being cancelled
            return 0.0
        self.decisions += 1
        if self.decisions > MAX_DECISIONS or self.time > self._max_seconds:
            raise NeverSettlesError(f"still at work after {self.decisions} decisions, {self.time:.0f} s")
        if (seconds := self._follow_script(timeout)) is not None:
            return seconds
        choices = [Choice(STEP_WEIGHT, functools.partial(self.release, wait)) for wait in self.waits]
        for actor in self.actors:
            choices.extend(actor.choices())
        if not choices:
            return timeout if timeout is not None else self._end()
        weights = [choice.weight for choice in choices]
        slow = timeout is not None and timeout > QUICK_SECONDS and bool(self.waits)
        if timeout is not None and not slow:
            weights.append(TIME_WEIGHT)
        elif slow and self.may_stall() and not self._unattended:
            weights.append(STALL_WEIGHT)
        index = self._draw(weights)
        if index == len(choices):
            if slow:
                self.stall()
            return timeout or 0.0
        choices[index].act()
        return 0.0

    def _draw(self, weights: list[float]) -> int:
        """As `random.choices` draws one, without what it does for many."""
        up_to = list(itertools.accumulate(weights))
        return bisect.bisect(up_to, self.random.random() * up_to[-1], 0, len(up_to) - 1)

    def _follow_script(self, timeout: float | None) -> float | None:
        """The seconds that pass after the script's next thing; None where there is no script any more."""
        passes = next(self.script, None) if self.script else None
        if passes is None:
            self.script = None
            return None
        return timeout or 0.0 if passes else 0.0

    def release(self, wait: Wait) -> None:
        """A step that waited for its turn goes on."""
        self.waits.remove(wait)
        if not wait.go.done():
            wait.go.set_result(None)

    def _end(self) -> float:
        if self._quiet is None or self._quiet.done():
            raise NeverSettlesError("nothing can happen any more, but the schedule is not at its end")
        self._quiet.set_result(None)
        return 0.0

    def _note_error(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self.errors.append(f"{context.get('message')}: {error!r}")


def _make_task(
    loop: asyncio.AbstractEventLoop,
    work: Coroutine[Any, Any, Any] | Generator[Any, None, Any],
    **options: Any,
) -> asyncio.Task[Any]:
    """A task that belongs to the process whose code makes it."""
    context: contextvars.Context | None = options.get("context")
    owner = context.get(OWNER) if context is not None else OWNER.get()
    task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, **options)
    if owner is not None:
        owner.adopt(task)
    return task


def _nothing() -> None:
    """What a timer does that is there for its time only."""
