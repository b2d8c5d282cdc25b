"""What a row says of the way back: which proposal an answer is for, with a form's script and without."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from booking_sync.dataverse.rows.booking_rows import to_booking_row, to_columns, to_return_columns
from booking_sync.domain.environment.columns import ReturnColumns
from booking_sync.domain.return_path.base import Base
from booking_sync.domain.return_path.comparison import Agreement
from booking_sync.domain.return_path.proposal import AnswerVerdict, judge_answer
from booking_sync.domain.return_path.side import (
    Answered,
    OutlookSide,
    Proposal,
    ProposalAnswer,
    ProposalKind,
    Returned,
)
from booking_sync.domain.return_path.times import Times
from tests.dataverse.rows.test_dataverse_rows import COLUMNS, ID, RECORD, SEALS, full_row

BACK = ReturnColumns()
START = datetime(2026, 3, 29, 7, tzinfo=UTC)
AGREED = Times(START, START + timedelta(hours=1))
LATER = Times(START + timedelta(hours=2), START + timedelta(hours=3))
LATEST = Times(START + timedelta(hours=4), START + timedelta(hours=5))
NONCE = "0d7c1f57-3b1e-4c8e-9a55-2f6f0d6b1a01"
BASE = Base(Agreement(AGREED, NONCE), proposed=START)
MOVE = OutlookSide(BASE, proposal=Proposal(ProposalKind.MOVE, LATER))
CANCEL = OutlookSide(BASE, proposal=Proposal(ProposalKind.CANCEL))
LONG_AFTER = START + timedelta(days=1)


def columns_of(side: OutlookSide) -> dict[str, Any]:
    """What a write of this side sets."""
    return to_return_columns(ID, RECORD, Returned(side), BACK, SEALS)


def read(columns: dict[str, Any]) -> OutlookSide:
    """The side of a row with these columns."""
    row = full_row() | to_columns(ID, RECORD, COLUMNS, SEALS) | columns
    side = to_booking_row(row, COLUMNS, SEALS, of_return=BACK).side
    assert side
    return side


def as_scripted(shown: str) -> str:
    """What the script of docs/two-way.md makes of the hidden field."""
    return shown.replace("?", "", 1)


@pytest.mark.parametrize(
    "side",
    [OutlookSide(BASE), MOVE, CANCEL, replace(MOVE, answered=Answered(ProposalAnswer.ACCEPT, "x/y"))],
    ids=["nothing", "move", "cancel", "answered"],
)
def test_a_side_is_read_as_it_was_written(side: OutlookSide) -> None:
    """What is there for forms is no answer."""
    assert read(columns_of(side)) == side


@pytest.mark.parametrize("side", [MOVE, CANCEL], ids=["move", "cancel"])
def test_an_answer_through_the_script_is_for_what_its_form_showed(side: OutlookSide) -> None:
    """Of whichever kind; also within the first minute, since the form says what it saw."""
    said = {BACK.answer: 1, BACK.answer_for: as_scripted(columns_of(side)[BACK.answer_for])}
    assert judge_answer(read(columns_of(side) | said), START) is AnswerVerdict.ACCEPTED


@pytest.mark.parametrize("shown", [MOVE, CANCEL], ids=["move", "cancel"])
@pytest.mark.parametrize("answer", ProposalAnswer)
def test_an_answer_from_a_form_that_stayed_open_is_dropped(
    shown: OutlookSide, answer: ProposalAnswer
) -> None:
    """However long ago what is proposed now was put there."""
    now = replace(MOVE, proposal=Proposal(ProposalKind.MOVE, LATEST))
    said = {BACK.answer: int(answer), BACK.answer_for: as_scripted(columns_of(shown)[BACK.answer_for])}
    assert judge_answer(read(columns_of(now) | said), LONG_AFTER) is AnswerVerdict.STALE


def test_without_a_script_the_first_minute_counts_for_nothing() -> None:
    """What the app wrote there for forms does not say what a dispatcher saw."""
    side = read(columns_of(MOVE) | {BACK.answer: 1})
    assert judge_answer(side, START) is AnswerVerdict.STALE
    assert judge_answer(side, LONG_AFTER) is AnswerVerdict.ACCEPTED


def test_a_cancellation_of_nothing_agreed_says_nothing_to_forms() -> None:
    """There are no times to name it by; then time decides."""
    side = OutlookSide(Base(proposed=START), proposal=Proposal(ProposalKind.CANCEL))
    assert columns_of(side)[BACK.answer_for] is None
