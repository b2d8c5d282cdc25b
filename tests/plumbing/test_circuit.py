"""The circuit in front of a service: when it opens, who may try, when it closes again."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from booking_sync.errors import TransientError
from booking_sync.plumbing.circuit import (
    FAILURES_TO_OPEN,
    FIRST_DELAY_SECONDS,
    LONGEST_DELAY_SECONDS,
    Call,
    Circuit,
)


@dataclass
class CircuitWorld:
    """A circuit on a clock that is set by hand, with chosen random numbers."""

    randoms: Iterator[float]
    time: float = 1000.0
    circuit: Circuit = field(init=False)

    def __post_init__(self) -> None:
        """Build the circuit."""
        self.circuit = Circuit("Graph", lambda: self.time, lambda: next(self.randoms))

    def fail(self, times: int = 1) -> None:
        """Calls that meet a service that is down."""
        for _ in range(times):
            with self.circuit.call() as call:
                call.failed("ConnectError")

    def succeed(self) -> None:
        """A call that is answered."""
        with self.circuit.call() as call:
            call.answered()

    def refused(self) -> float | None:
        """The time that a refused call is told to wait; None when it is let through."""
        try:
            with self.circuit.call():
                return None
        except TransientError as error:
            return error.retry_after

    def wait_until_due(self) -> None:
        """Let the time pass that a call is told to wait."""
        self.time += self.refused() or 0.0


@pytest.fixture
def world() -> CircuitWorld:
    """A circuit whose delays are as long as they get."""
    return CircuitWorld(iter(lambda: 1.0, None))


def test_failures_in_a_row_open_it(world: CircuitWorld) -> None:
    """The last of so many failures opens the circuit, and calls fail with the time that is left."""
    world.fail(FAILURES_TO_OPEN - 1)
    assert world.refused() is None
    world.fail()
    assert world.refused() == FIRST_DELAY_SECONDS
    world.time += 0.25
    assert world.refused() == FIRST_DELAY_SECONDS - 0.25


def test_an_answer_in_between_keeps_it_closed(world: CircuitWorld) -> None:
    """Single failures among answers say nothing of the whole service."""
    for _ in range(3):
        world.fail(FAILURES_TO_OPEN - 1)
        world.succeed()
    assert world.refused() is None


def test_a_refusal_says_that_nothing_was_tried_and_why(world: CircuitWorld) -> None:
    """A refused call leaves no doubt, counts as no try, and names what was wrong with the service."""
    world.fail(FAILURES_TO_OPEN)
    with pytest.raises(TransientError, match="Graph is not asked for a while: ConnectError") as error:
        world.fail()
    assert error.value.untried
    assert not error.value.maybe_applied


def test_one_call_at_a_time_may_try(world: CircuitWorld) -> None:
    """After the delay one call is let through; others are refused until it has ended."""
    world.fail(FAILURES_TO_OPEN)
    world.wait_until_due()
    with world.circuit.call() as probe:
        assert [world.refused() for _ in range(100)] == [FIRST_DELAY_SECONDS] * 100
        probe.answered()
    assert world.refused() is None


def test_delays_double_up_to_a_cap(world: CircuitWorld) -> None:
    """Each failed try opens it for twice as long, up to the cap; an answer begins afresh."""
    world.fail(FAILURES_TO_OPEN)
    delays = []
    for _ in range(9):
        delays.append(world.refused())
        world.wait_until_due()
        world.fail()
    assert delays == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert delays[-1] == LONGEST_DELAY_SECONDS
    world.wait_until_due()
    world.succeed()
    world.fail(FAILURES_TO_OPEN)
    assert world.refused() == FIRST_DELAY_SECONDS


def test_delays_are_spread(world: CircuitWorld) -> None:
    """Instances that saw the same outage come back at different times, none before half the span."""
    world.randoms = iter([0.0, 0.5])
    world.fail(FAILURES_TO_OPEN)
    assert world.refused() == FIRST_DELAY_SECONDS / 2
    world.wait_until_due()
    world.fail()
    assert world.refused() == 2 * FIRST_DELAY_SECONDS * 0.75


def test_a_closed_circuit_needs_all_the_failures_again(world: CircuitWorld) -> None:
    """Failures from before the outage are not counted after it."""
    world.fail(FAILURES_TO_OPEN)
    world.wait_until_due()
    world.succeed()
    world.fail(FAILURES_TO_OPEN - 1)
    assert world.refused() is None


@pytest.mark.parametrize("up", [True, False])
def test_late_results_change_nothing(world: CircuitWorld, up: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """What was sent before the circuit opened neither closes it nor opens it for longer."""
    with world.circuit.call() as late:
        world.fail(FAILURES_TO_OPEN)
        _end(late, up=up)
    assert world.refused() == FIRST_DELAY_SECONDS


@pytest.mark.parametrize("up", [True, False])
def test_late_results_do_not_free_the_place_of_the_try(world: CircuitWorld, up: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """While one call tries, the end of an old one does not let a second one try."""
    with contextlib.ExitStack() as old:
        _end(old.enter_context(world.circuit.call()), up=up)
        world.fail(FAILURES_TO_OPEN)
        world.wait_until_due()
        with world.circuit.call():
            old.close()
            assert world.refused() == FIRST_DELAY_SECONDS


def test_a_try_that_says_nothing_lets_the_next_one_try(world: CircuitWorld) -> None:
    """A cancelled call, or one without a token, leaves the circuit as it was and its place free."""
    world.fail(FAILURES_TO_OPEN)
    world.wait_until_due()
    with pytest.raises(RuntimeError), world.circuit.call():
        raise RuntimeError("cancelled")
    with world.circuit.call():
        assert world.refused() == FIRST_DELAY_SECONDS


def test_opening_and_closing_are_logged(world: CircuitWorld, caplog: pytest.LogCaptureFixture) -> None:
    """One line says since when and why a service is left alone, and one that it is back."""
    with caplog.at_level(logging.INFO, "booking_sync.plumbing.circuit"):
        world.fail(FAILURES_TO_OPEN)
        world.wait_until_due()
        world.succeed()
        world.succeed()
    opened, closed = (json.loads(record.getMessage()) for record in caplog.records)
    assert (opened["event"], opened["service"], opened["reason"]) == (
        "circuit_opened",
        "Graph",
        "ConnectError",
    )
    assert (closed["event"], closed["service"]) == ("circuit_closed", "Graph")


def _end(call: Call, *, up: bool) -> None:
    if up:
        call.answered()
    else:
        call.failed("late")
