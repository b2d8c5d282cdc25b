"""What `purge` prints of many mailboxes: those that somebody has to look at, and the sum of all."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from booking_sync.azure.entra.sign_in import SignIn
from booking_sync.bulk.inventory import Inventory
from booking_sync.bulk.purge import MailboxSurvey, Survey
from booking_sync.cli.commands.purge import ShownAs, show
from booking_sync.cli.runner import Session
from booking_sync.cli.terminal.output import Output

ANNA, BERT, CLAIRE = (f"0d7c1f57-3b1e-4c8e-9a55-2f6f0d6b1a0{number}" for number in range(3))
FOUND = (
    MailboxSurvey(ANNA, events=1200, bookings=1100),
    MailboxSurvey(BERT, events=3, bookings=3, copies=2),
    MailboxSurvey(CLAIRE, events=1, problem="Outlook: access denied."),
)


def printed(*, summed: bool, as_json: bool = False) -> str:
    """What a person gets of a look without a removal."""
    console = Console(file=io.StringIO(), width=200)
    session = Session({}, SignIn.APP, Output(as_json, console, Console(file=io.StringIO())))
    show(Survey(FOUND, Inventory()), [], None, ShownAs({BERT: "Bert Roth"}, summed), session)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_all_mailboxes_are_exceptions_and_a_sum() -> None:
    """Copies that stay and a closed calendar are told with names, the rest only counts."""
    output = printed(summed=True)
    assert ANNA not in output
    assert all(word in output for word in (BERT, "Bert Roth", CLAIRE, "access denied"))
    last = output.splitlines()[-1].split()
    assert last[:5] == ["all", "3", "mailboxes", "1,204", "1,103"]


def test_mailboxes_that_were_named_are_all_shown() -> None:
    """Whoever asked for one wants to see it."""
    output = printed(summed=False)
    assert all(mailbox in output for mailbox in (ANNA, BERT, CLAIRE))
    assert "all 3" not in output


@pytest.mark.parametrize("summed", [True, False])
def test_json_has_every_mailbox(summed: bool) -> None:  # noqa: FBT001 - pytest hands it over
    """Programs add up themselves."""
    told = json.loads(printed(summed=summed, as_json=True))
    assert [each["mailbox"] for each in told["mailboxes"]] == [ANNA, BERT, CLAIRE]
