"""When the journal is written down, and that nobody waits for it."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import pytest

from booking_sync.domain.events.zones import ZoneDifference
from booking_sync.domain.messages.change import BookingChange
from booking_sync.domain.outcome import Outcome, OutcomeKind
from booking_sync.domain.timers import Timer
from booking_sync.errors import TransientError
from booking_sync.operations.journal.store import KEPT, JournalStore
from booking_sync.operations.journal.values import decode_journal
from tests.operations.kit import START, FakeTextStore, HandClock
from tests.support.bookings import ANNA, BOOKING_ID

CHANGE = BookingChange(BOOKING_ID, "correlation-1", START)
SYNCED = Outcome(OutcomeKind.SYNCED, "event created")
DOWN = TransientError("blob storage can't be reached")


class Harness:
    """A text store and the journal stores of some instances."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.text_store = FakeTextStore(self.clock)
        self.closed: dict[str, float] = {}

    def journal_store(self, instance: str, save_seconds: float = 0.0) -> JournalStore:
        """The journal store of an instance."""
        return JournalStore(
            lambda: self.text_store, instance, self.clock, lambda: self.closed, save_seconds=save_seconds
        )


async def test_outcomes_of_a_moment_are_one_write() -> None:
    """A thousand messages cost one blob, and none of them waits for it."""
    harness = Harness()
    journal_store = harness.journal_store("one")
    for _ in range(1000):
        journal_store.outcome(CHANGE, SYNCED)
    assert harness.text_store.writes == 0
    await harness.text_store.written.wait()
    await journal_store.aclose()
    assert harness.text_store.writes == 1


async def test_zone_differences_of_all_instances_are_kept_together() -> None:
    """Each instance adds to what others saw; a day of a zone counts once, and old sightings are left out."""
    harness = Harness()
    meant = datetime(2027, 3, 28, 9, tzinfo=UTC)
    for instance, days in (("one", 0), ("two", 7), ("three", 7)):
        journal_store = harness.journal_store(instance)
        seen = harness.clock()
        journal_store.zone_differs(ZoneDifference("Z", meant + timedelta(days=days), 60, seen))
        await journal_store.aclose()
        harness.clock.advance(60)
    found = (await harness.journal_store("four").zones()).differences
    assert [each.meant.date().isoformat() for each in found] == ["2027-04-04", "2027-03-28"]
    harness.clock.moment = START + KEPT + timedelta(seconds=30)
    assert len((await harness.journal_store("four").zones()).differences) == 1


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"differences": [{"zone": 1}]}', "{"])
async def test_zones_that_nobody_wrote_are_none(text: str) -> None:
    """Another version's text, or a damaged one, is as good as none."""
    harness = Harness()
    harness.text_store.texts["zones"] = (START, text)
    assert (await harness.journal_store("one").zones()).differences == ()


async def test_nothing_new_is_nothing_written() -> None:
    """An idle instance does not touch the storage account."""
    harness = Harness()
    await harness.journal_store("one").aclose()
    assert harness.text_store.writes == 0


async def test_what_is_not_written_yet_is_written_at_the_end() -> None:
    """An orderly end loses nothing, however long the pause between writes is."""
    harness = Harness()
    journal_store = harness.journal_store("one", save_seconds=3600)
    journal_store.outcome(CHANGE, SYNCED)
    await journal_store.aclose()
    journal = decode_journal(harness.text_store.texts["instances/one"][1])
    assert journal is not None
    assert [entry.booking_id for entry in journal.entries] == [BOOKING_ID]


async def test_any_instance_shows_what_all_remember() -> None:
    """The page is served by some instance, and shows every one's outcomes and closed mailboxes, once."""
    harness = Harness()
    harness.closed = {ANNA: 60.0}
    one, two = harness.journal_store("one"), harness.journal_store("two")
    one.outcome(CHANGE, SYNCED)
    two.outcome(CHANGE, Outcome(OutcomeKind.DEFERRED, "Graph asked to be left alone"))
    await one.aclose()
    harness.closed = {}
    found = await two.everything()
    assert sorted(entry.outcome for entry in found.entries) == ["deferred", "synced"]
    assert [(each.mailbox, each.until) for each in found.closed] == [(ANNA, START + timedelta(seconds=60))]


async def test_a_text_store_that_is_down_costs_only_itself(caplog: pytest.LogCaptureFixture) -> None:
    """Neither an outcome nor a run fails because it could not be written; the log says why it was not."""
    harness = Harness()
    harness.text_store.broken = DOWN
    journal_store = harness.journal_store("one")
    with caplog.at_level(logging.WARNING):
        journal_store.outcome(CHANGE, SYNCED)
        await journal_store.ran(Timer.CATCH_UP, {"rows": 1})
        await journal_store.ran(Timer.CATCH_UP, {}, "Dataverse is down")
        await journal_store.aclose()
    assert caplog.text.count("journal_not_written") == 3
    with pytest.raises(TransientError):
        await journal_store.everything()


async def test_without_a_text_store_the_instance_remembers_for_itself() -> None:
    """An account without blobs still has a page, with what this instance knows."""
    journal_store = JournalStore(lambda: None, "one", HandClock(), dict)
    journal_store.outcome(CHANGE, SYNCED)
    await journal_store.ran(Timer.AUDIT, {"bookings": 7})
    await journal_store.aclose()
    assert [entry.outcome for entry in (await journal_store.everything()).entries] == ["synced"]
    last = await journal_store.last(Timer.AUDIT)
    assert last is not None
    assert last.tally == {"bookings": 7}


async def test_the_last_run_is_known_whoever_made_it() -> None:
    """Timers run on any instance; what another one wrote later is the last."""
    harness = Harness()
    one, two = harness.journal_store("one"), harness.journal_store("two")
    await one.ran(Timer.CATCH_UP, {"behind": 1})
    harness.clock.advance(300)
    await two.ran(Timer.CATCH_UP, {}, "Dataverse is down")
    for journal_store in (one, two, harness.journal_store("three")):
        last = await journal_store.last(Timer.CATCH_UP)
        assert last is not None
        assert (last.problem, last.succeeded) == ("Dataverse is down", START)
    assert await one.last(Timer.AUDIT) is None


async def test_since_when_the_app_is_known_is_noted_once_and_reading_notes_nothing() -> None:
    """The app notes it; whoever only reads it learns that nobody has, and leaves no trace."""
    harness = Harness()
    assert await harness.journal_store("reader").seen_since() is None
    assert harness.text_store.writes == 0
    assert await harness.journal_store("one").note_seen() == START
    harness.clock.advance(300)
    for journal_store in (harness.journal_store("two"), harness.journal_store("three")):
        assert await journal_store.note_seen() == START
        assert await journal_store.seen_since() == START
    assert harness.text_store.writes == 1


async def test_a_new_instance_clears_away_old_journals_but_no_runs() -> None:
    """Blobs don't pile up over the years; the last audit stays known, be it older than a day."""
    harness = Harness()
    old = harness.journal_store("old")
    old.outcome(CHANGE, SYNCED)
    await old.ran(Timer.AUDIT, {})
    await old.aclose()
    harness.clock.advance(KEPT.total_seconds() + 1)
    new = harness.journal_store("new")
    new.outcome(CHANGE, SYNCED)
    await new.aclose()
    assert sorted(harness.text_store.texts) == ["instances/new", "runs/audit", "seen-since"]
