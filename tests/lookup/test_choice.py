"""Which of those that were found is meant by the words that somebody typed."""

from __future__ import annotations

import pytest

from booking_sync.domain.bookings.booking import BookableResource
from booking_sync.domain.bookings.resource_type import ResourceType
from booking_sync.lookup.choice import choose_booking, choose_technician
from booking_sync.lookup.words import read_words
from booking_sync.ports.dataverse.lookup import MAX_WORDS, BookingHit, Found, Technician

LIFT = BookingHit("1", "Lift", "WO-1", "Adatum")
LIFT_AGAIN = BookingHit("2", "Lift again", "WO-10", "Contoso")
OTHER = BookingHit("3", "Lift", "WO-11", "Contoso")
ANNA = Technician("Anna Virta", BookableResource(ResourceType.USER, id="a"), "anna@contoso.com")
ANNALENA = Technician("Annalena", BookableResource(ResourceType.USER, id="b"))


@pytest.mark.parametrize("words", ["WO-1", "wo-1", "Adatum"])
def test_whoever_is_called_exactly_so_is_meant(words: str) -> None:
    """A number that others begin with is still the one booking's number."""
    assert choose_booking(Found((LIFT_AGAIN, LIFT, OTHER)), words).meant == LIFT


def test_the_only_one_that_fits_is_meant() -> None:
    """Nobody need type a whole name where its beginning is enough."""
    assert choose_booking(Found((LIFT_AGAIN,)), "Lift a").meant == LIFT_AGAIN
    assert choose_technician(Found((ANNA,)), "virta").meant == ANNA


def test_between_several_a_person_chooses() -> None:
    """Two bookings of one name, and only they, are what to choose between."""
    choice = choose_booking(Found((LIFT, LIFT_AGAIN, OTHER)), "lift")
    assert (choice.meant, choice.candidates) == (None, (LIFT, OTHER))
    choice = choose_booking(Found((LIFT_AGAIN, OTHER)), "WO")
    assert (choice.meant, choice.candidates) == (None, (LIFT_AGAIN, OTHER))


def test_where_not_all_were_seen_nobody_is_meant() -> None:
    """Another of the same name may be among the rest."""
    choice = choose_booking(Found((LIFT, LIFT_AGAIN), more=True), "WO-1")
    assert (choice.meant, choice.candidates, choice.more) == (None, (LIFT,), True)


def test_nothing_fits() -> None:
    """Then there is none to choose."""
    choice = choose_technician(Found(), "Nobody")
    assert (choice.meant, choice.candidates) == (None, ())


@pytest.mark.parametrize("words", ["anna@contoso.com", "ANNA VIRTA"])
def test_a_technician_is_meant_by_name_or_address(words: str) -> None:
    """In whatever case, and although another's name begins so."""
    assert choose_technician(Found((ANNA, ANNALENA)), words).meant == ANNA


def test_an_accent_makes_another_name() -> None:
    """Dataverse takes the two for the same; a person does not."""
    muller = Technician("Jörg Muller", BookableResource(ResourceType.USER, id="c"))
    mueller = Technician("Jörg Müller", BookableResource(ResourceType.USER, id="d"))
    assert choose_technician(Found((muller, mueller)), "Jörg Müller").meant == mueller


@pytest.mark.parametrize("text", ["", " ", "a", "\u200b\u2060", " x\n"])
def test_too_little_is_not_searched_by(text: str) -> None:
    """One letter fits half of all rows."""
    with pytest.raises(ValueError, match="at least 2"):
        read_words(text)


def test_words_are_one_line_of_bounded_length() -> None:
    """Whatever was pasted."""
    assert read_words(" Anna\n Virta\x00 ") == "Anna Virta"
    assert len(read_words("x" * 1000)) == MAX_WORDS
