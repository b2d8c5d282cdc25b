"""The virtual loop: sleeps take no time, and a standstill is no endless loop."""

from __future__ import annotations

import asyncio

import pytest

from local.standin.virtual_time import StandstillError, run_virtually, virtual_seconds


def test_the_clock_jumps_from_timer_to_timer() -> None:
    """A day of sleeping is over at once, and the loop's clock says how long it was."""

    async def main() -> float:
        await asyncio.gather(asyncio.sleep(86_400), asyncio.sleep(5))
        return virtual_seconds()

    assert run_virtually(main()) == 86_400


def test_a_standstill_is_said() -> None:
    """A future that nobody will ever settle ends the run with a reason."""

    async def main() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(StandstillError, match="waits for ever"):
        run_virtually(main())
