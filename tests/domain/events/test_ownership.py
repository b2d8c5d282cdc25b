"""What proves an event to be ours, and what does not."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_sync.domain.events.event import FoundEvent
from booking_sync.domain.events.event_ref import EventRef
from booking_sync.domain.events.ownership import (
    CREATED_AFTER_BIRTH,
    CREATED_BEFORE_BIRTH,
    LEGACY_GENERATIONS,
    Own,
    Seal,
    Sealer,
    SealKey,
    SealKeys,
    make_key,
    marked_booking,
    marker,
    own_generation,
    prove,
    transaction_id,
)
from tests.support.bookings import ANNA, BERT, BOOKING_ID, ORGANIZATION_ID
from tests.support.fakes import EVENTS_BEGIN
from tests.support.seals import KEY_TEXT, OTHER_KEY_TEXT, sealer

SEALS = sealer(ORGANIZATION_ID)
MARK = SEALS.marker(BOOKING_ID)
EVENT = EventRef(ANNA, "E1")
OTHER_BOOKING = "0d7c1f57-3b1e-4c8e-9a55-2f6f0d6b1a09"
SECOND = timedelta(seconds=1)


def created(generation: int = 1, ref: EventRef = EVENT, uid: str = "uid-1") -> FoundEvent:
    """An event of ours as it is between its creation and its tag."""
    return FoundEvent(
        ref,
        transaction_id(MARK, ref.mailbox, generation),
        MARK,
        EVENTS_BEGIN,
        uid,
        SEALS.birth(BOOKING_ID, ref.mailbox, generation),
    )


def tagged(event: FoundEvent, generation: int = 1) -> FoundEvent:
    """The same event once it has its tag."""
    return replace(event, tag=SEALS.tag(BOOKING_ID, event.ref, event.uid, generation))


def copied(event: FoundEvent, after: timedelta = SECOND, *, with_transaction: bool = True) -> FoundEvent:
    """A person's copy: everything comes along but what Exchange gives each event for itself."""
    assert event.created
    return replace(
        event,
        ref=EventRef(event.ref.mailbox, f"{event.ref.event_id}-copy"),
        uid=f"{event.uid}-copy",
        created=event.created + after,
        transaction_id=event.transaction_id if with_transaction else None,
    )


def proven(*found: FoundEvent, seals: Sealer = SEALS) -> list[EventRef]:
    """Which of a mailbox's events are ours."""
    return [own.event for own in prove(seals, BOOKING_ID, found)]


def test_a_tagged_event_is_ours_whenever_it_was_made() -> None:
    """The tag names the event's own id, so nothing else is asked."""
    event = tagged(replace(created(3), created=None, birth="", transaction_id=None), 3)
    assert prove(SEALS, BOOKING_ID, [event]) == [Own(EVENT, 3)]


def test_an_event_that_died_before_its_tag_is_ours() -> None:
    """A process was killed between creating and tagging; the birth says so."""
    assert prove(SEALS, BOOKING_ID, [created(2)]) == [Own(EVENT, 2)]


@pytest.mark.parametrize("with_transaction", [True, False])
def test_a_copy_of_a_tagged_event_is_never_ours(*, with_transaction: bool) -> None:
    """It carries a tag that names another id, whether its original is there or gone."""
    original = tagged(created())
    copy = copied(original, with_transaction=with_transaction)
    assert proven(original, copy) == [EVENT]
    assert proven(copy) == []


def test_a_copy_of_an_untagged_event_is_not_ours_beside_its_original() -> None:
    """The first of those with one birth is the original."""
    original = created()
    assert proven(copied(original), original) == [EVENT]


def test_a_copy_whose_tag_was_left_behind_is_not_ours_beside_its_original() -> None:
    """Some programs copy properties and no open extension."""
    original = tagged(created())
    assert proven(original, replace(copied(original), tag="")) == [EVENT]


def test_copies_that_keep_the_time_of_their_original_are_told_from_nothing() -> None:
    """What can't be told apart is left alone, the original included."""
    original = created()
    assert proven(original, copied(original, timedelta(0))) == []


@pytest.mark.parametrize(
    ("late", "ours"),
    [
        (-CREATED_BEFORE_BIRTH, True),
        (-CREATED_BEFORE_BIRTH - SECOND, False),
        (CREATED_AFTER_BIRTH, True),
        (CREATED_AFTER_BIRTH + SECOND, False),
    ],
)
def test_a_birth_proves_for_minutes_only(late: timedelta, *, ours: bool) -> None:
    """A lone copy that was made later than any creation takes is a person's."""
    event = replace(created(), created=EVENTS_BEGIN + late)
    assert proven(event) == ([EVENT] if ours else [])


def test_two_creations_at_once_are_both_ours() -> None:
    """Graph was seen to make two events for one transactionId: each has a birth of its own."""
    twin = created(ref=EventRef(ANNA, "E2"), uid="uid-2")
    assert set(proven(created(), twin)) == {EVENT, twin.ref}


def test_an_event_that_a_migration_gave_another_id_is_ours() -> None:
    """Its iCalUId came along, which no copy has."""
    moved = replace(tagged(created(4), 4), ref=EventRef(ANNA, "NEW"))
    assert prove(SEALS, BOOKING_ID, [moved]) == [Own(moved.ref, 4)]


def test_an_import_beside_the_original_is_not_ours() -> None:
    """The same iCalUId twice: the one whose id was sealed is the event, the other somebody's."""
    original = tagged(created())
    assert proven(original, replace(original, ref=EventRef(ANNA, "IMPORTED"))) == [EVENT]


def test_an_event_with_another_id_is_ours_beside_its_twin() -> None:
    """Two of one generation, from two creations at once: each tag names the iCalUId of its own event."""
    twin = tagged(created(ref=EventRef(ANNA, "E2"), uid="uid-2"))
    moved = replace(twin, ref=EventRef(ANNA, "NEW"))
    assert set(proven(tagged(created()), moved)) == {EVENT, moved.ref}
    assert proven(tagged(created()), moved, replace(twin, ref=EventRef(ANNA, "IMPORTED"))) == [EVENT]


def test_beside_a_twin_without_an_icaluid_only_the_id_counts() -> None:
    """Graph does not tell whether the two are one event."""
    moved = replace(tagged(created(uid="uid-2")), ref=EventRef(ANNA, "NEW"))
    assert proven(tagged(created(uid="")), moved) == [EVENT]


def test_two_imports_without_the_original_are_told_from_nothing() -> None:
    """Which of them is the event can't be known."""
    event = tagged(created())
    assert proven(*(replace(event, ref=EventRef(ANNA, name)) for name in ("N1", "N2"))) == []


def test_without_an_icaluid_only_the_id_counts() -> None:
    """Two events of which Graph tells no iCalUId are not the same for that."""
    event = tagged(created(uid=""))
    assert proven(event) == [EVENT]
    assert proven(replace(event, ref=EventRef(ANNA, "E2"))) == []


@pytest.mark.parametrize(
    "forged",
    [
        replace(created(), birth=""),
        replace(created(), birth="2.00000000.1.1772438400.00000000." + "0" * 32),
        replace(created(), birth=SEALS.birth(OTHER_BOOKING, ANNA, 1)),
        replace(created(), birth=SEALS.birth(BOOKING_ID, BERT, 1)),
        replace(created(), birth=SEALS.birth(BOOKING_ID, ANNA, 2)),
        replace(created(), marker=SEALS.marker(OTHER_BOOKING)),
        replace(created(), created=None),
        replace(created(), transaction_id=None),
        replace(created(), tag="2.00000000.1." + "0" * 32 + "." + "0" * 32),
        replace(created(), tag=SEALS.tag(OTHER_BOOKING, EVENT, "uid-1", 1)),
        replace(created(), tag=SEALS.tag(BOOKING_ID, EventRef(BERT, "E1"), "uid-1", 1)),
        replace(created(), tag=sealer("another").tag(BOOKING_ID, EVENT, "uid-1", 1)),
        replace(created(), tag="nonsense"),
    ],
)
def test_what_anybody_could_write_proves_nothing(forged: FoundEvent) -> None:
    """Marker and transactionId can be computed, seals of other things be moved here."""
    assert proven(forged) == []


def test_an_event_of_before_there_were_seals_is_ours_by_its_transaction() -> None:
    """Version 0.1 sealed nothing; its events are older than the first key."""
    keys = SealKeys((make_key(KEY_TEXT),), since=EVENTS_BEGIN + SECOND)
    seals = Sealer(ORGANIZATION_ID, lambda: keys, lambda: EVENTS_BEGIN, lambda _bits: 0)
    old = replace(created(LEGACY_GENERATIONS), birth="")
    assert prove(seals, BOOKING_ID, [old]) == [Own(EVENT, LEGACY_GENERATIONS)]
    assert prove(seals, BOOKING_ID, [copied(old, timedelta(0)), old]) == []
    assert prove(seals, BOOKING_ID, [replace(old, created=EVENTS_BEGIN + SECOND)]) == []
    assert prove(seals, BOOKING_ID, [replace(created(LEGACY_GENERATIONS + 1), birth="")]) == []


def test_the_key_before_is_accepted_and_an_older_one_is_not() -> None:
    """A key may be replaced while events of the old one are there."""
    event, old, new = tagged(created()), make_key(KEY_TEXT), make_key(OTHER_KEY_TEXT)

    def by(*keys: SealKey) -> list[EventRef]:
        accepted = SealKeys(tuple(keys))
        return proven(
            event, seals=Sealer(ORGANIZATION_ID, lambda: accepted, lambda: EVENTS_BEGIN, lambda _bits: 0)
        )

    assert (by(new, old), by(new)) == ([EVENT], [])


@given(st.text(max_size=120), st.text(max_size=120))
def test_no_text_in_a_seals_place_raises(tag: str, birth: str) -> None:
    """Anybody with access to the mailbox can write there."""
    assert proven(replace(created(), tag=tag or "x", birth=birth)) == []


@given(st.sampled_from(["AbC", "aBc", "a-c", "a_c"]), st.sampled_from(["AbC", "aBc", "a-c", "a_c"]))
def test_ids_that_look_alike_are_different_events(one: str, other: str) -> None:
    """Graph's ids differ in the case of a letter, and in - and _."""
    ref, alike = EventRef(ANNA, one), EventRef(ANNA, other)
    text = SEALS.record(BOOKING_ID, ref, 1, "f")
    expected = Seal.VALID if one == other else Seal.WRONG
    assert SEALS.judge_record(text, BOOKING_ID, alike, 1, "f") is expected
    event = tagged(replace(created(ref=ref), birth=""))
    assert (proven(replace(event, ref=alike, uid="another")) == [alike]) is (one == other)


@pytest.mark.parametrize("text", ["", "short", b64encode(b"x" * 31).decode(), "not base64!", "é" * 44])
def test_what_is_no_key_is_told(text: str) -> None:
    """A typo in the vault must not become a key that anybody can guess."""
    with pytest.raises(ValueError, match="openssl rand -base64 32"):
        make_key(text)


@pytest.mark.parametrize("around", ["\n", "\r\n", " ", "\ufeff", "\u200b"])
def test_what_can_t_be_seen_around_a_key_does_not_matter(around: str) -> None:
    """A key that is piped into the vault with its line break is the same key."""
    assert make_key(f"{around}{KEY_TEXT}{around}") == make_key(KEY_TEXT)


def test_a_key_shows_nowhere() -> None:
    """Neither in a log nor in a traceback; its id does not give it away."""
    key = make_key(f"\n{KEY_TEXT}\n")
    assert KEY_TEXT not in repr(key)
    assert str(key.secret) not in repr(SealKeys((key,), datetime(2026, 1, 1, tzinfo=UTC)))
    assert key == make_key(KEY_TEXT)


@pytest.mark.parametrize("other", ["00000000", "ffffffff"])
def test_a_marker_of_another_organisation_names_no_booking_of_ours(other: str) -> None:
    """Whether its id is the smaller or the larger one; case makes no difference."""
    assert marked_booking(marker(ORGANIZATION_ID, BOOKING_ID).upper(), ORGANIZATION_ID) == BOOKING_ID
    assert marked_booking(marker(other, BOOKING_ID), ORGANIZATION_ID) is None


def test_only_a_seal_of_the_newest_key_is_current() -> None:
    """One of an older key that is still accepted is not, whichever key's id is the smaller one."""
    keys = (make_key(KEY_TEXT), make_key(OTHER_KEY_TEXT))
    for newest, older in (keys, keys[::-1]):
        both = sealer(ORGANIZATION_ID, keys=partial(SealKeys, (newest, older), EVENTS_BEGIN))
        old = sealer(ORGANIZATION_ID, keys=partial(SealKeys, (older,), EVENTS_BEGIN))
        assert both.is_current(both.record(BOOKING_ID, EVENT, 1, ""))
        assert not both.is_current(old.record(BOOKING_ID, EVENT, 1, ""))


def test_a_key_is_named_by_its_own_id_only() -> None:
    """Neither a smaller nor a larger id is another name of it."""
    keys = SealKeys((make_key(KEY_TEXT), make_key(OTHER_KEY_TEXT)))
    for key in keys.accepted:
        assert keys.named(key.key_id) == key
    assert (keys.named("00000000"), keys.named("ffffffff")) == (None, None)


@pytest.mark.parametrize("text", [f"{KEY_TEXT[:10]}*{KEY_TEXT[10:]}", f"{KEY_TEXT[:8]}\n{KEY_TEXT[8:]}"])
def test_a_key_with_something_in_between_is_told(text: str) -> None:
    """Base64 readers skip what they don't know, and would make another key of it."""
    with pytest.raises(ValueError, match="must be Base64"):
        make_key(text)


def test_a_key_may_be_longer() -> None:
    """32 bytes are the least."""
    assert make_key(b64encode(b"k" * 48).decode()).secret == b"k" * 48


def test_the_newest_key_seals_everything() -> None:
    """An older one is accepted, and used for nothing new."""
    keys = (make_key(KEY_TEXT), make_key(OTHER_KEY_TEXT))
    both = sealer(ORGANIZATION_ID, keys=partial(SealKeys, keys, EVENTS_BEGIN))
    alone = sealer(ORGANIZATION_ID, keys=partial(SealKeys, keys[:1], EVENTS_BEGIN))
    assert both.tag(BOOKING_ID, EVENT, "u", 1) == alone.tag(BOOKING_ID, EVENT, "u", 1)
    assert alone.read_birth(BOOKING_ID, ANNA, both.birth(BOOKING_ID, ANNA, 1))
    assert both.record(BOOKING_ID, EVENT, 1, "f") == alone.record(BOOKING_ID, EVENT, 1, "f")
    assert both.base(BOOKING_ID, EVENT, 1, "b") == alone.base(BOOKING_ID, EVENT, 1, "b")


@pytest.mark.parametrize(("generation", "ours"), [(0, False), (1, True), (9_999, True)])
def test_a_tag_names_a_generation_that_there_can_be(generation: int, *, ours: bool) -> None:
    """From the first to the last that is written."""
    event = replace(created(), birth="", tag=SEALS.tag(BOOKING_ID, EVENT, "uid-1", generation))
    assert prove(SEALS, BOOKING_ID, [event]) == ([Own(EVENT, generation)] if ours else [])


def test_an_event_predates_seals_only_when_it_is_older_than_the_first_key() -> None:
    """One that is as old, or newer, can carry a seal; of unknown age it counts as newer."""
    seals = sealer(ORGANIZATION_ID, keys=partial(SealKeys, (make_key(KEY_TEXT),), EVENTS_BEGIN))
    moments = (EVENTS_BEGIN - SECOND, EVENTS_BEGIN, EVENTS_BEGIN + SECOND, None)
    assert [seals.predates_seals(each) for each in moments] == [True, False, False, False]


def test_the_keys_that_seals_name_and_nobody_knows_are_told() -> None:
    """Those that are accepted are not, nor is a text that is no seal."""
    stranger = sealer(ORGANIZATION_ID, keys=partial(SealKeys, (make_key(OTHER_KEY_TEXT),)))
    known, unknown = SEALS.tag(BOOKING_ID, EVENT, "u", 1), stranger.tag(BOOKING_ID, EVENT, "u", 1)
    assert SEALS.unknown_keys([known, unknown, "", "2.nothing"]) == {make_key(OTHER_KEY_TEXT).key_id}


@pytest.mark.parametrize("mark", ["", "~", MARK[:-1], f"{MARK}0"])
def test_only_the_very_marker_counts(mark: str) -> None:
    """A smaller or a larger text is another booking's."""
    assert proven(replace(tagged(created()), marker=mark)) == []
    assert proven(replace(tagged(created()), marker=MARK.upper())) == [EVENT]


def test_an_event_is_no_rival_of_its_own() -> None:
    """A search that runs over pages while events move may list it twice, as two objects."""
    event = created()
    again = replace(event, ref=replace(event.ref))
    assert set(proven(event, again)) == {EVENT}


def test_of_old_events_only_those_of_the_same_creation_are_rivals() -> None:
    """Another transactionId, smaller or larger, is of another creation; the same one is a rival."""
    keys = SealKeys((make_key(KEY_TEXT),), since=EVENTS_BEGIN + SECOND)
    seals = Sealer(ORGANIZATION_ID, lambda: keys, lambda: EVENTS_BEGIN, lambda _bits: 0)
    old = replace(created(2), birth="")
    for other in ("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"):
        stranger = replace(copied(old, timedelta(0)), transaction_id=other)
        assert proven(old, stranger, seals=seals) == [EVENT]
    same = "".join(list(old.transaction_id or ""))  # equal, and not the same object
    assert proven(old, replace(copied(old, timedelta(0)), transaction_id=same), seals=seals) == []


@pytest.mark.parametrize("unknown", ["other", "event"])
def test_an_untagged_event_is_not_ours_beside_a_copy_of_unknown_age(unknown: str) -> None:
    """Which of them is the first can't be told then."""
    first = created()
    other = replace(copied(first), created=None)
    found = (first, other) if unknown == "other" else (replace(first, birth=first.birth), other)
    assert proven(*found) == []


@pytest.mark.parametrize("generation", [1, 2, 3, LEGACY_GENERATIONS])
def test_a_transaction_is_found_up_to_the_very_generation(generation: int) -> None:
    """Whether the last one is an even or an odd number."""
    found = transaction_id(MARK, ANNA, generation)
    assert own_generation(found.upper(), MARK, ANNA, generation) == generation
    assert own_generation(found, MARK, ANNA, generation - 1) == 0
    assert own_generation(None, MARK, ANNA, generation) == 0


def test_an_own_event_is_the_same_wherever_a_search_found_it() -> None:
    """Calendar, iCalUId and people are what was heard of it, and no part of what it is."""
    assert Own(EVENT, 1, calendar="Jobs", uid="u") == Own(EVENT, 1)
    assert Own(EVENT, 1) != Own(EVENT, 2)


@pytest.mark.parametrize(
    ("found", "wanted", "misplaced"),
    [(None, "Jobs", False), ("Jobs", "Jobs", False), ("", "Jobs", True), ("Jobs", "", True), ("", "", False)],
)
def test_an_event_is_misplaced_in_another_calendar_only(
    found: str | None, wanted: str, *, misplaced: bool
) -> None:
    """Where no search told of a calendar, nothing is known against it."""
    assert Own(EVENT, 1, calendar=found).is_misplaced(wanted) is misplaced
