"""How an audit divides the mailboxes: every one is in one part, whatever the sizes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from booking_sync.audit.parts import behind, first_part, owners_of
from booking_sync.domain.messages.audit_progress import MailboxRange
from tests.support.bookings import ANNA, BERT

IDS = st.sets(st.uuids().map(str), max_size=30)


@given(IDS, st.integers(1, 7))
def test_parts_cover_every_mailbox_once(mailboxes: set[str], size: int) -> None:
    """Part after part, each as large as it may be, in the order of the mailboxes."""
    owners = owners_of({f"resource of {each}": each for each in mailboxes})
    seen: list[str] = []
    ranges: tuple[MailboxRange, ...] = (MailboxRange(),) if owners else ()
    while ranges:
        (where,) = ranges
        some = first_part(owners, where, size)
        assert 1 <= len(some) <= size
        seen += [each.mailbox for each in some]
        ranges = behind(where, some, owners)
    assert seen == sorted(mailboxes)


@given(IDS.filter(bool), st.data())
def test_a_range_holds_what_lies_in_it(mailboxes: set[str], data: st.DataObject) -> None:
    """Behind its beginning, up to and including its end."""
    owners = owners_of({each: each for each in mailboxes})
    ends = st.sampled_from(["", *sorted(mailboxes)])
    after, until = data.draw(ends), data.draw(ends)
    found = first_part(owners, MailboxRange(after, until), 100)
    wanted = {each for each in mailboxes if each > after and (not until or each <= until)}
    assert {each.mailbox for each in found} == wanted


def test_two_resources_of_one_user_are_one_owner() -> None:
    """Their bookings are in one calendar, so they are looked at together; a van has none."""
    owners = owners_of({"r2": ANNA, "r1": ANNA, "van": "", "r3": BERT})
    assert [(each.mailbox, each.resource_ids) for each in owners] == [(ANNA, ("r1", "r2")), (BERT, ("r3",))]
