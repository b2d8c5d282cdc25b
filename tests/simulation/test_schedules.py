"""Thousands of schedules: whatever happens in whatever order, Outlook ends equal to the bookings."""

from __future__ import annotations

import functools
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tests.simulation.__main__ import Account, audited, play_many
from tests.simulation.both_ways.shape import SHAPES as BOTH_WAYS
from tests.simulation.chance.focus import same_profile
from tests.simulation.chance.trouble import Profile, with_returns
from tests.simulation.returns.kinds import Returns
from tests.simulation.schedule import play

CHUNKS = 8
SCHEDULES_PER_CHUNK = 32


@pytest.fixture(scope="module")
def pool() -> Iterator[ProcessPoolExecutor]:
    """A process for each core."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(os.cpu_count() or 1, 4), mp_context=context) as opened:
        yield opened


@pytest.mark.timeout(240)  # half a minute alone; several processes of other tests may be at work beside it
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_every_schedule_converges(chunk: int, pool: ProcessPoolExecutor) -> None:
    """Each promise holds after each of these schedules; `make replay SEED=…` shows one that failed."""
    first = chunk * SCHEDULES_PER_CHUNK
    step = 16
    account = Account()
    starts = range(first, first + SCHEDULES_PER_CHUNK, step)
    for part in pool.map(play_many, starts, [step] * len(starts)):
        account.merge(part)
    assert account.failures == {}
    assert account.schedules == SCHEDULES_PER_CHUNK
    # A chunk that met no trouble proves nothing.
    assert account.struck.total() > SCHEDULES_PER_CHUNK
    assert len(account.crash_points) > 5


JOINING_SCHEDULES = 100


@pytest.mark.timeout(240)
@pytest.mark.parametrize("audits", [False, True])
def test_every_schedule_with_a_calendar_of_its_own_converges(
    audits: bool,  # noqa: FBT001 - a parameter
    pool: ProcessPoolExecutor,
) -> None:
    """Whatever Graph does about calendars, while people drag events and administrators change the setting."""
    account = Account()
    play_some = functools.partial(play_many, audits=audits, calendars=True)
    for part in pool.map(play_some, (0, 25), [25] * 2):
        account.merge(part)
    assert account.failures == {}
    assert account.struck.total() > account.schedules


BOTH_WAYS_SCHEDULES = 12


@pytest.mark.timeout(240)
@pytest.mark.parametrize("kind", BOTH_WAYS)
def test_every_schedule_with_a_way_back_ends_in_agreement(kind: str, pool: ProcessPoolExecutor) -> None:
    """Technicians move and delete events, dispatchers plan and answer: nothing is lost."""
    account = Account()
    half = BOTH_WAYS_SCHEDULES // 2
    for part in pool.map(functools.partial(play_many, returns=kind), (0, half), [half] * 2):
        account.merge(part)
    assert account.failures == {}
    assert account.schedules == BOTH_WAYS_SCHEDULES


def as_it_was_found(profile: Profile) -> Profile:
    """Where an update ends a series and an all-day event, as it always did when these failed."""
    return replace(profile, graph=replace(profile.graph, series_end="ended", all_day_end="ended"))


@pytest.mark.parametrize(
    "seed", [3006117, 3010589, 3029308, 3037041, 3043388, 3075381, 3076640, 3082182, 3092532, 8013734]
)
def test_a_schedule_that_once_failed_converges(seed: int) -> None:
    """What a soak of 100,000 found: events in Deleted Items were taken over, or covered what came after."""
    assert play(seed, shape=as_it_was_found).violations == ()


def _audited_as_it_was_found(profile: Profile) -> Profile:
    """Without the troubles that schedules hold since: they lead to other decisions."""
    graph = replace(
        as_it_was_found(profile).graph,
        deleted_items_tell="nothing",
        update_mails="every_change",
        series_times="taken",
    )
    return with_returns(replace(profile, audits=True, habits=0, broken_links=0, graph=graph), Returns())


def test_an_orphan_where_no_resource_leads_is_found_by_the_mailboxs_name() -> None:
    """A process died beside it, and its mailbox's resource was given to somebody else."""
    result = play(23047, shape=_audited_as_it_was_found)
    assert result.violations == ()
    assert any("orphan" in line for line in result.trace if "-- audit" in line)


@pytest.mark.parametrize(("seed", "shape"), [(8014589, same_profile), (24000, audited), (27988, audited)])
def test_an_event_with_people_keeps_no_audit_busy(seed: int, shape: Callable[[Profile], Profile]) -> None:
    """What soaks with audits found: each wrote what the row told already, or the other event."""
    assert play(seed, shape=lambda profile: shape(as_it_was_found(profile))).violations == ()


@pytest.mark.parametrize("seed", [705, 8007290, 8013734, 8014698, 8016586])
def test_a_schedule_that_once_mailed_converges_without(seed: int) -> None:
    """What soaks found once people were at events: a search nobody heeded, a seal in Deleted Items."""
    assert play(seed, shape=as_it_was_found).violations == ()


@pytest.mark.parametrize("seed", [8201066, 8202404, 8205270, 8209528, 8209953, 8309370])
def test_a_schedule_that_once_failed_where_no_update_ends_a_series_converges(seed: int) -> None:
    """What a soak found once events could be made anew: zones forgotten, copies taken, texts taken back."""
    assert play(seed, shape=same_profile).violations == ()


@pytest.mark.parametrize("seed", [8403997])
def test_a_deleted_rows_former_state_does_not_outweigh_what_the_run_heard(seed: int) -> None:
    """What a soak found: the run had heard of the people, the deleted row's state had not."""
    assert play(seed, shape=same_profile).violations == ()


@pytest.mark.parametrize("seed", [8200311, 8209764, 8212657, 8310143])
def test_people_at_a_copy_that_nothing_proves_ours_are_told_on_no_row(seed: int) -> None:
    """What a soak found: a second copy, one made long after birth, one whose original an audit removed."""
    assert play(seed, shape=same_profile).violations == ()


def _joining(profile: Profile) -> Profile:
    """Resources leave and join besides whatever else happens."""
    return replace(profile, moves=(*profile.moves, "join"))


@pytest.mark.parametrize("first", range(0, JOINING_SCHEDULES, 10))
def test_who_leaves_or_joins_leaves_nothing_and_misses_nothing(first: int) -> None:
    """Resources are taken out and in again amid all other changes and troubles."""
    told = 0
    for seed in range(first, first + 10):
        result = play(seed, shape=_joining)
        assert result.violations == (), seed
        told += sum("whether it takes part" in line for line in result.trace)
    assert told, "nobody left or joined: this proves nothing"


@pytest.mark.parametrize("seed", [8421021])
def test_what_a_run_removed_is_not_made_again_by_it(seed: int) -> None:
    """What a soak found: the row's event was gone, and a search removed another of the booking's."""
    assert play(seed, shape=same_profile).violations == ()


def test_an_event_that_got_another_id_is_proven_beside_its_twin() -> None:
    """What a soak with audits found: two events for one transactionId, and a migration of one of them."""
    assert play(9400051, shape=audited).violations == ()


@pytest.mark.parametrize("seed", [3, 17, 42, 61])
def test_a_seed_replays_exactly(seed: int) -> None:
    """The same seed makes the same trace, step by step."""
    assert play(seed).trace == play(seed).trace


def test_a_seed_replays_exactly_in_another_process() -> None:
    """`make replay` shows what failed elsewhere: no hash seed, clock or address has a part in it."""
    outputs = set()
    for hash_seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-m", "tests.simulation", "replay", "42"],
            cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            check=True,
            timeout=50,
        )
        outputs.add(done.stdout)
    (output,) = outputs
    assert output.decode().splitlines()[:-1] == list(play(42).trace)
