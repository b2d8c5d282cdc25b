"""Whether a technician's bookings show in Outlook, in words for whoever wonders."""

from __future__ import annotations

from dataclasses import replace

import pytest

from booking_sync.domain.bookings.booking import BookableResource, SystemUser
from booking_sync.domain.bookings.participation import EVERYBODY, Participation, TakesPart
from booking_sync.domain.bookings.resource_type import ResourceType
from booking_sync.status.people import kind_of, standing
from tests.support.bookings import ANNA, technician

ANNAS = replace(technician(ANNA), id="11111111-2222-4333-8444-555555555555")
NAMED_ONLY = Participation(everybody=False)


@pytest.mark.parametrize(
    ("resource", "participation", "words"),
    [
        (ANNAS, EVERYBODY, "By the settings everybody takes part."),
        (ANNAS, replace(NAMED_ONLY, named=frozenset({ANNAS.id})), "The setting PARTICIPANTS names it."),
        (replace(ANNAS, takes_part=TakesPart.YES), NAMED_ONLY, "The row in Dynamics 365 says that it takes"),
    ],
)
def test_who_takes_part_and_why(resource: BookableResource, participation: Participation, words: str) -> None:
    """Of the row, the list and the rule for everybody it is told which one decided."""
    stands = standing(resource, participation)
    assert (stands.takes_part, stands.mailbox) == (True, ANNA)
    assert stands.words.startswith(words)


@pytest.mark.parametrize(
    ("resource", "participation", "words"),
    [
        (ANNAS, NAMED_ONLY, "only those take part who are named"),
        (replace(ANNAS, takes_part=TakesPart.NO), EVERYBODY, "says that it takes no part"),
        (technician(ANNA, disabled=True), EVERYBODY, "user is disabled"),
        (technician(None), EVERYBODY, "no Microsoft Entra account"),
        (BookableResource(ResourceType.USER), EVERYBODY, "names no user"),
        (BookableResource(ResourceType.EQUIPMENT), EVERYBODY, "is no user and names no mailbox"),
        (BookableResource(ResourceType.EQUIPMENT, mailbox="van"), EVERYBODY, "is no Entra object id"),
        (
            BookableResource(ResourceType.EQUIPMENT, mailbox="van@x.org", mailbox_problem="No such user."),
            EVERYBODY,
            "No such user.",
        ),
        (
            BookableResource(ResourceType.USER, mailbox="van@x.org", mailbox_problem="No such user."),
            replace(NAMED_ONLY, named=frozenset({ANNA})),
            "No such user.",
        ),
        (BookableResource(ResourceType.USER, user_problem="Not to be read."), EVERYBODY, "Not to be read."),
    ],
)
def test_who_shows_nowhere_and_why(
    resource: BookableResource, participation: Participation, words: str
) -> None:
    """The reason is the one that the sync itself goes by, and says what to mend."""
    stands = standing(resource, participation)
    assert stands.takes_part is False
    assert words in stands.words
    assert stands.words.endswith(".")


def test_the_type_has_the_name_that_dynamics_gives_it() -> None:
    """A later version's type has none yet."""
    assert kind_of(BookableResource(ResourceType.POOL)) == "Pool"
    assert kind_of(BookableResource(99, SystemUser(ANNA))) == ""
