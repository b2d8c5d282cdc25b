"""Who takes part, and in whose calendar."""

from __future__ import annotations

from dataclasses import replace

import pytest

from booking_sync.domain.booking import BookableResource, ResourceType, SystemUser
from booking_sync.domain.participation import EVERYBODY, Participation, TakesPart, calendar_of, has_left
from booking_sync.domain.plan import Invalid, Unwanted, Wanted
from tests.domain.test_plan import desired
from tests.support.bookings import ANNA, booking, technician

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


@pytest.mark.parametrize("typed", ["van7@contoso.com", f"{VAN[:-1]}x", f"{VAN}/../x", "Anna"])
def test_a_mailbox_that_is_no_object_id_is_told_on_the_row(typed: str) -> None:
    """What is in Outlook stays until somebody has corrected it; the user's own mailbox is no substitute."""
    answer = desired(replace(booking(), resource=replace(ANNAS, mailbox=typed)))
    assert isinstance(answer, Invalid)
    assert "is no Entra object id" in answer.reason
    assert typed not in answer.reason


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
