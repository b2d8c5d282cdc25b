"""The support columns hold our record on a booking's row; their names are what a deployment may choose.

Their names become parts of addresses and of updates. A name that is no column's, or one of Dynamics 365's own
columns, must never get that far: the sync would write an event's id over a booking's name.
"""

from __future__ import annotations

import re
from dataclasses import asdict, astuple, dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

EVENT_ID_LENGTH: Final = 400
"""Immutable ids of Graph have some 150 characters today; nothing promises that they stay so short."""
ORIGINAL_RESOURCE_LENGTH: Final = 100
SYNC_STATE_LENGTH: Final = 200
"""No longer text can be a state of ours."""
SYNC_ERROR_LENGTH: Final = 1000
"""In UTF-16 units, as SQL Server counts."""

OUTLOOK_BASE_LENGTH: Final = 4000
"""Room for the ids of events that are being removed."""
OUTLOOK_RETURN_LENGTH: Final = 1000
"""In UTF-16 units."""
OUTLOOK_ANSWER_FOR_LENGTH: Final = 100
"""Two moments with a slash between them take 41."""

MAX_NAME_CHARACTERS: Final = 100

_LOGICAL_NAME = re.compile(rf"[a-z][a-z0-9_]{{0,{MAX_NAME_CHARACTERS - 1}}}")
# A publisher's prefix has 2 to 8 letters and digits and does not begin with mscrm (Microsoft: "Create a
# solution publisher"). Only columns that somebody added have one; those with msdyn… are Field Service's.
_ADDED = re.compile(r"(?!mscrm|msdyn)([a-z][a-z0-9]{1,7})_[a-z0-9_]+")


def is_logical_name(text: str) -> bool:
    """Whether this can be the logical name of any column."""
    return _LOGICAL_NAME.fullmatch(text) is not None


def publisher_prefix(name: str) -> str:
    """The customization prefix of an added column, without the underscore; empty when it has none."""
    match = _ADDED.fullmatch(name)
    return match[1] if match else ""


def column_problems(names: Mapping[str, str]) -> Iterator[str]:
    """What keeps these names from being those of columns of ours, in sentences without an end.

    Args:
        names: each column's name, by what the reader of the sentence knows it as.
    """
    for label, name in names.items():
        if len(name) > MAX_NAME_CHARACTERS:
            yield f"{label} must have at most {MAX_NAME_CHARACTERS} characters, and has {len(name)}"
        elif not is_logical_name(name):
            yield f"{label} must be a column's logical name: lower-case letters, digits and underscores"
        elif not publisher_prefix(name):
            yield f"{label} must be a column that you added, with a publisher's prefix such as bsync_"
    for name in filter(publisher_prefix, dict.fromkeys(names.values())):
        labels = [label for label, each in names.items() if each == name]
        if len(labels) > 1:
            yield f"{' and '.join(labels)} must be different columns"


def _check(names: Mapping[str, str]) -> None:
    if problems := list(column_problems(names)):
        raise ValueError("; ".join(problems))


@dataclass(frozen=True, slots=True)
class SupportColumns:
    """Logical names of the columns that hold our record on the booking row.

    Raises:
        ValueError: they can't be, by `column_problems`.
    """

    event_id: str = "bsync_outlookeventid"
    original_resource: str = "bsync_originalresource"
    sync_state: str = "bsync_outlooksyncstate"
    sync_error: str = "bsync_outlooksyncerror"

    def __post_init__(self) -> None:
        _check(asdict(self))


@dataclass(frozen=True, slots=True)
class ReturnColumns:
    """Logical names of the columns that hold what a row knows of the way back from Outlook.

    Raises:
        ValueError: they can't be, by `column_problems`.
    """

    base: str = "bsync_outlookbase"
    """What both sides last agreed on."""
    told: str = "bsync_outlookreturn"
    """What became of the last change from Outlook, for people."""
    proposal: str = "bsync_outlookproposal"
    """A choice: what waits for a dispatcher, see `ProposalKind`; null: nothing."""
    proposed_start: str = "bsync_proposedstart"
    """Date and time, UTC."""
    proposed_end: str = "bsync_proposedend"
    """Date and time, UTC."""
    answer: str = "bsync_proposalanswer"
    """A choice, see `ProposalAnswer`."""
    answer_for: str = "bsync_answerfor"
    """Text: which proposal the answer is for."""

    def __post_init__(self) -> None:
        _check(asdict(self))

    @staticmethod
    def beside(columns: SupportColumns) -> ReturnColumns:
        """Those beside these support columns: of the same publisher, with names that nobody has to choose."""
        prefix = publisher_prefix(columns.event_id)
        usual = asdict(ReturnColumns())
        return ReturnColumns(*(f"{prefix}_{name.partition('_')[2]}" for name in usual.values()))

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return astuple(self)


@dataclass(frozen=True, slots=True)
class ResourceColumns:
    """Logical names of the columns on the bookable resource that people fill in; empty: there is none.

    Raises:
        ValueError: they can't be, by `column_problems`.
    """

    takes_part: str = ""
    """A choice, see `TakesPart`."""
    mailbox: str = ""
    """A text: whose calendar shows the resource's bookings."""

    def __post_init__(self) -> None:
        _check({key: name for key, name in asdict(self).items() if name})

    @property
    def names(self) -> tuple[str, ...]:
        """Those that there are."""
        return tuple(name for name in (self.takes_part, self.mailbox) if name)


NO_RESOURCE_COLUMNS: Final = ResourceColumns()
"""Nothing is said on resources."""
RESOURCE_MAILBOX_LENGTH: Final = 100
