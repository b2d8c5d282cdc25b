"""Who takes part, and in whose calendar."""

from __future__ import annotations

from dataclasses import replace

import pytest

from booking_sync.domain.bookings.booking import BookableResource, SystemUser
from booking_sync.domain.bookings.participation import (
    EVERYBODY,
    Participation,
    TakesPart,
    address_of,
    calendar_of,
    has_left,
)
from booking_sync.domain.bookings.resource_type import ResourceType
from booking_sync.domain.plan import Invalid, Unwanted, Wanted
from tests.domain.test_plan import desired
from tests.support.bookings import ANNA, BERT, booking, technician

VAN = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
ANNAS = replace(technician(ANNA), id="00000000-0000-4000-8000-000000000001")
NOBODY = Participation(everybody=False)
EQUIPMENT = BookableResource(ResourceType.EQUIPMENT, id="00000000-0000-4000-8000-000000000002")


@pytest.mark.parametrize(
    ("participation", "chosen", "takes_part"),
    [
        (EVERYBODY, None, True),
        (EVERYBODY, TakesPart.YES, True),
        (EVERYBODY, TakesPart.NO, False),
        (NOBODY, None, False),
        (NOBODY, TakesPart.YES, True),
        (NOBODY, TakesPart.NO, False),
        (Participation(everybody=False, named=frozenset({ANNAS.id})), None, True),
        (Participation(everybody=False, named=frozenset({ANNA})), None, True),
        (Participation(everybody=False, named=frozenset({VAN})), None, False),
        (Participation(everybody=False, named=frozenset({ANNAS.id, ANNA})), TakesPart.NO, False),
        (NOBODY, 17, False),
        (EVERYBODY, 17, True),
    ],
)
def test_the_row_comes_before_the_list_and_the_list_before_everybody(
    participation: Participation,
    chosen: int | None,
    takes_part: bool,  # noqa: FBT001 - what is expected
) -> None:
    """A choice that nobody knows counts as none."""
    assert participation.includes(replace(ANNAS, takes_part=chosen)) is takes_part


@pytest.mark.parametrize("kind", [each for each in ResourceType if each is not ResourceType.USER])
def test_a_resource_that_is_no_user_shows_in_the_mailbox_on_its_row(kind: ResourceType) -> None:
    """Equipment, facilities, pools, contractors; whoever types the id in capitals is understood."""
    van = BookableResource(kind, mailbox=VAN.upper())
    assert calendar_of(van) == VAN
    wanted = desired(replace(booking(), resource=van))
    assert isinstance(wanted, Wanted)
    assert wanted.mailbox == VAN


def test_a_mailbox_on_the_row_comes_before_the_user_s() -> None:
    """Of a user without an Entra account, for instance."""
    for user in (SystemUser(ANNA), SystemUser(None), SystemUser(ANNA, disabled=True), None):
        row = replace(booking(), resource=BookableResource(ResourceType.USER, user, mailbox=VAN))
        wanted = desired(row)
        assert isinstance(wanted, Wanted)
        assert wanted.mailbox == VAN


@pytest.mark.parametrize("typed", ["van7@con toso.com", f"{VAN[:-1]}x", f"{VAN}/../x", "Anna"])
def test_a_mailbox_that_is_no_object_id_and_no_address_is_told_on_the_row(typed: str) -> None:
    """What is in Outlook stays until somebody has corrected it; the user's own mailbox is no substitute."""
    answer = desired(replace(booking(), resource=replace(ANNAS, mailbox=typed)))
    assert isinstance(answer, Invalid)
    assert "is no Entra object id" in answer.reason
    assert typed not in answer.reason
    assert address_of(replace(ANNAS, mailbox=typed)) is None


@pytest.mark.parametrize(
    "typed",
    ["van7@contoso.com", "O'Hara+vans@contoso.co.uk", "carl_gmail.com#EXT#@contoso.onmicrosoft.com"],
)
def test_an_address_on_the_row_is_one_to_look_up(typed: str) -> None:
    """Sign-in names of guests as well; until it was looked up, nobody takes it for a mailbox."""
    van = BookableResource(ResourceType.EQUIPMENT, mailbox=typed)
    assert address_of(van) == typed
    assert calendar_of(van) is None


@pytest.mark.parametrize(
    "typed", ["@contoso.com", "van7@", "a@b@c.com", "van7@contoso.com/events", "van7 @contoso.com", "", VAN]
)
def test_what_only_looks_like_an_address_is_never_looked_up(typed: str) -> None:
    """It would become part of a query."""
    assert address_of(BookableResource(ResourceType.EQUIPMENT, mailbox=typed)) is None


def test_an_address_that_leads_nowhere_is_told_with_its_reason() -> None:
    """What is in Outlook stays until somebody has done something about it."""
    van = BookableResource(ResourceType.EQUIPMENT, mailbox="van7@contoso.com", mailbox_problem="Nobody's.")
    assert desired(replace(booking(), resource=van)) == Invalid("Nobody's.")


def test_whether_an_unknown_mailbox_is_in_the_list_nobody_knows() -> None:
    """A list may name it by its object id: an address that can't be looked up must not empty a calendar."""
    van = BookableResource(
        ResourceType.EQUIPMENT, id=EQUIPMENT.id, mailbox="van7@contoso.com", mailbox_problem="Nobody's."
    )
    listed = Participation(everybody=False, named=frozenset({VAN}))
    assert desired(replace(booking(), resource=van), participation=listed) == Invalid("Nobody's.")
    out = replace(van, takes_part=TakesPart.NO)
    assert isinstance(desired(replace(booking(), resource=out), participation=listed), Unwanted)
    assert isinstance(desired(replace(booking(), resource=van), participation=NOBODY), Unwanted)


def test_whether_an_unreadable_user_is_in_the_list_nobody_knows() -> None:
    """A list may name the user's mailbox: what is in Outlook stays until somebody has mended the role."""
    hidden = replace(ANNAS, user=None, user_problem="Not to be read.")
    listed = Participation(everybody=False, named=frozenset({VAN}))
    for participation in (EVERYBODY, listed):
        answer = desired(replace(booking(), resource=hidden), participation=participation)
        assert answer == Invalid("Not to be read.")
    own = replace(hidden, mailbox=BERT)
    assert isinstance(desired(replace(booking(), resource=own), participation=listed), Unwanted)
    assert isinstance(desired(replace(booking(), resource=hidden), participation=NOBODY), Unwanted)


def test_a_booking_of_somebody_who_takes_no_part_is_skipped_without_a_word() -> None:
    """No event, and nothing for the error column; their mailbox is where a former event may be left."""
    assert desired(replace(booking(), resource=ANNAS), participation=NOBODY) == Unwanted(
        "the resource takes no part", mailbox=ANNA
    )


def test_only_who_was_taken_out_on_the_row_has_left() -> None:
    """A setting may be a slip, which the audit's guard has to stop; a choice on the row is none."""
    left = replace(ANNAS, takes_part=TakesPart.NO)
    assert has_left(left)
    answer = desired(replace(booking(), resource=left))
    assert isinstance(answer, Unwanted)
    assert answer.left
    out = desired(replace(booking(), resource=ANNAS), participation=NOBODY)
    assert isinstance(out, Unwanted)
    assert not out.left


def test_a_resource_without_any_calendar_takes_part_in_vain() -> None:
    """Nobody is told of it: most equipment has none."""
    chosen = replace(EQUIPMENT, takes_part=TakesPart.YES)
    assert desired(replace(booking(), resource=chosen)) == Unwanted(
        "the resource is no user and names no mailbox"
    )
