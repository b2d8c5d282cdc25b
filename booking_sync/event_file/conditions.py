"""What rules ask of columns, against what the environment knows of these. Pure.

A rule that can never fit is told, by `event check` and the doctor. Nothing of this keeps the app from its
work: a choice that somebody removed in Dynamics 365 makes a rule idle, and no more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from booking_sync.domain.events.event_text.columns import ColumnKind
from booking_sync.domain.events.event_text.rules import NEVER_COMPARED, comparable
from booking_sync.event_file.near import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from booking_sync.domain.events.event_text.columns import EventColumn
    from booking_sync.domain.events.event_text.rules import Condition
    from booking_sync.event_file.content import EventFile, Problem

_CHOICES: Final = (ColumnKind.CHOICE, ColumnKind.CHOICES, ColumnKind.YES_NO)
_YES_NO: Final = ("yes", "no", "true", "false")


def idle_conditions(file: EventFile, columns: Sequence[EventColumn]) -> Sequence[Problem]:
    """The conditions that fit no booking, with the choices that may be meant.

    Args:
        file: with the rules.
        columns: the file's, as the environment knows them.
    """
    by_name = {each.name: each for each in columns}
    return [
        file.problem(f"rules.{place}.when.{condition.name}", wrong)
        for place, rule in enumerate(file.rules)
        for condition in rule.conditions
        for wrong in _wrong(condition, by_name)
    ]


def _wrong(condition: Condition, columns: Mapping[str, EventColumn]) -> Iterator[str]:
    column = columns.get(condition.name)
    if column is None:
        return
    if column.kind in NEVER_COMPARED:
        yield "holds a date or a time, which no rule can ask for"
    elif column.kind in _CHOICES:
        known = _choices(column)
        for text in sorted(condition.texts - {"", *map(comparable, known)}):
            labels = sorted({label for each in column.labels.values() for label in each.values()})
            near = nearest(text, labels) or f": there are {', '.join(labels)}"
            yield f"is never {text!r}{near}"


def _choices(column: EventColumn) -> Iterator[str]:
    for number, labels in column.labels.items():
        yield from (str(number), *labels.values())
    if column.kind is ColumnKind.YES_NO:
        yield from _YES_NO
