"""What an assumption is: a question to a service, the answers that are possible, and what each means."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class AskedService(StrEnum):
    """Who is asked; the order is that of the report."""

    OUTLOOK = "Outlook"
    DYNAMICS = "Dynamics 365"
    APP = "the app in Azure"


class TriedBy(StrEnum):
    """What it takes to find out."""

    READS = "reading"
    EVENTS = "test events in the mailbox"
    OTHER_MAILBOX = "a second mailbox, which is only read"
    PERSON = "somebody who does it in Outlook (`--by-hand`)"
    BOOKING = "the test booking (`--booking`)"
    WEBHOOK = "the webhook's address and key (`WEBHOOK_URL`, `WEBHOOK_KEY`)"
    WORKSPACE = "the Log Analytics workspace (`--workspace`)"
    ADDRESS = "a subscription to the mailbox, at the app's own address (`RETURN_PATH`, `NOTIFICATION_URL`)"
    WHEN_MET = "only when the mailbox happens to be like that"
    NEVER = "nothing: it is not tried"


@dataclass(frozen=True, slots=True)
class Possibility:
    """One answer that a service may give."""

    value: str
    """Its name, the same in the report, in the stand-ins and in docs/assumptions.md."""
    means: str
    """What it means for the sync, as the end of a sentence."""
    action: str = ""
    """What a person has to set or do; empty when the app copes by itself."""


@dataclass(frozen=True, slots=True)
class Assumption:
    """Something taken for granted of a service."""

    name: str
    """Named once, here. Stand-ins, contract tests, checks and the page refer to it by this text."""
    service: AskedService
    question: str
    expected: Possibility
    """What the stand-ins play unless told otherwise."""
    source: str
    """Who says so; "none" where nobody does."""
    trial: TriedBy
    others: tuple[Possibility, ...] = ()
    not_tried: str = ""
    """Why it can't be tried, and what one can do instead; only with `TriedBy.NEVER`."""

    @property
    def possibilities(self) -> tuple[Possibility, ...]:
        """Every answer that is known, the expected one first."""
        return (self.expected, *self.others)

    def possibility(self, value: str) -> Possibility | None:
        """The known answer of this name."""
        return next((each for each in self.possibilities if each.value == value), None)
