"""Judges the columns that the event file names: whether the app finds them, and which are watched. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from booking_sync.doctor.report import Area, CheckResult, CheckStatus
from booking_sync.domain.environment.watched import is_watched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from booking_sync.domain.events.event_text.columns import EventColumn
    from booking_sync.errors import SettingsError
    from booking_sync.event_file.content import Problem

CHECK = "columns of the event file"
RULES = "rules of the event file"
CORRECT = "Correct the file: `booking-sync event check` tells whether it can be used then."
ROLE = (
    "In the security role booking_sync, give Read for the Organization on the tables on these paths and, on "
    "the tab Customization, on Entity, Field, Relationship and Option Set (docs/event.md)."
)


def judge_unusable(error: SettingsError) -> CheckResult:
    """A file or a path that can't be used."""
    return CheckResult(Area.DATAVERSE, CHECK, CheckStatus.ERROR, str(error), CORRECT)


def judge_columns(columns: Sequence[EventColumn]) -> CheckResult:
    """Columns that were found, and could be read."""
    late = [each.name for each in columns if not is_watched(each)]
    words = f"all {len(columns)} found and read"
    if late:
        words += f"; a change of {', '.join(late)} shows with the booking's next change or audit"
    return CheckResult(Area.DATAVERSE, CHECK, CheckStatus.OK, words)


def judge_rules(idle: Sequence[Problem]) -> CheckResult:
    """Rules, of which some can't fit."""
    if idle:
        return CheckResult(Area.DATAVERSE, RULES, CheckStatus.WARNING, "; ".join(map(str, idle)), CORRECT)
    return CheckResult(Area.DATAVERSE, RULES, CheckStatus.OK, "each can fit, as far as can be told")
