"""What the way back from Outlook leaves open is nothing that an audit would mend."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from booking_sync.audit.compare import compare
from booking_sync.audit.findings import Kind
from booking_sync.domain.return_path.base import Base
from booking_sync.domain.return_path.comparison import Agreement
from booking_sync.domain.return_path.side import OutlookSide, Proposal, ProposalKind
from booking_sync.domain.return_path.times import Times
from tests.audit.kit import desired, in_step, shown, snapshot
from tests.support.bookings import booking

HOUR = timedelta(hours=1)
START, END = booking().start, booking().end
assert START
assert END
PROPOSED = Times(START + HOUR, END + HOUR)
MOVED = replace(shown(), start=PROPOSED.start, end=PROPOSED.end)


def test_an_event_that_lies_where_it_is_proposed_is_as_it_should_be() -> None:
    """It is none without the proposal, and none where it was moved on."""
    asked = replace(in_step(), side=OutlookSide(proposal=Proposal(ProposalKind.MOVE, PROPOSED)))
    assert compare(snapshot(asked, MOVED), desired) == []
    (found,) = compare(snapshot(in_step(), MOVED), desired)
    assert found.kind is Kind.DRIFT
    (found,) = compare(snapshot(asked, replace(MOVED, start=PROPOSED.start + HOUR)), desired)
    assert found.kind is Kind.DRIFT


def test_an_event_is_not_missed_while_a_dispatcher_is_asked_whether_to_cancel() -> None:
    """It is without the proposal."""
    asked = replace(in_step(), side=OutlookSide(proposal=Proposal(ProposalKind.CANCEL)))
    assert compare(snapshot(asked), desired) == []
    (found,) = compare(snapshot(in_step()), desired)
    assert found.kind is Kind.MISSING


def test_a_text_that_no_event_can_show_is_not_behind() -> None:
    """Until a dispatcher has decided; a booking that was moved meanwhile is behind."""
    assert START
    assert END
    row = in_step()
    agreement = Agreement(Times(START, END), "0" * 16)
    side = OutlookSide(Base(agreement), proposal=Proposal(ProposalKind.CANCEL))
    renamed = replace(row, booking=replace(row.booking, name="Boiler repair"))
    assert compare(snapshot(replace(renamed, side=side)), desired) == []
    (found,) = compare(snapshot(replace(renamed, side=side), shown()), desired)
    assert found.kind is Kind.BEHIND, "somebody restored it"
    moved = replace(row, booking=replace(row.booking, start=START + HOUR, end=END + HOUR), side=side)
    for each in (moved, renamed):
        (found,) = compare(snapshot(each), desired)
        assert found.kind is Kind.BEHIND


def test_edits_that_people_may_make_are_no_drift() -> None:
    """Where the settings leave them, but for what is nobody's but ours."""
    edited = replace(shown(), subject="Call before you come", show_as="free", location_name="Elsewhere")
    assert compare(replace(snapshot(in_step(), edited), edits_stay=True), desired) == []
    (found,) = compare(snapshot(in_step(), edited), desired)
    assert "subject, showAs, location" in found.words
    both = replace(edited, start=PROPOSED.start)
    (found,) = compare(replace(snapshot(in_step(), both), edits_stay=True), desired)
    assert found.words.endswith(": start.")
