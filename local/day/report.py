"""What a run found, and how it is shown: tables for people, JSON for machines."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from rich.box import SIMPLE
from rich.table import Table

from local.day.verdict import BookingFact, Difference, EventFact, Expected, Facts, PoisonFact, expected

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from rich.console import Console

    from local.stack.control import Counts


COLUMNS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("Planned", {"max_width": 11}),
    ("Booking", {"ratio": 2, "min_width": 13}),
    ("Status", {"max_width": 11}),
    ("Outlook", {"max_width": 11}),
    ("Event", {"ratio": 3, "min_width": 15}),
    ("Shows as", {"max_width": 9}),
)
"""What stands side by side; it stays readable in a terminal of 80 characters, and long words wrap."""


@dataclass(frozen=True)
class PhaseReport:
    """One part of the day."""

    title: str
    changes: int
    seconds: float
    """From the first change until everything was quiet."""
    differences: Sequence[Difference]
    poison: Sequence[PoisonFact]
    facts: Facts | None = None
    """What there was in the end."""


@dataclass(frozen=True)
class SecondRunReport:
    """What became of the same webhooks, sent again for every booking."""

    webhooks: int
    graph_writes: int
    """Changes that Graph carried out; must be none."""
    graph_refused: int
    """Tries that Graph refused: bookings that can't be shown are tried again."""
    rows_changed: int
    events_changed: int

    @property
    def changed_nothing(self) -> bool:
        """As it must be."""
        return not (self.graph_writes or self.rows_changed or self.events_changed)


@dataclass(frozen=True)
class BurstReport:
    """Many new bookings at once."""

    bookings: int
    mailboxes: int
    events: int
    seconds: float
    throttled: int
    """Answers 429 of any service."""
    graph_per_booking: float
    """HTTP requests, batches counted as one."""
    dataverse_per_booking: float
    differences: Sequence[Difference]

    @property
    def fine(self) -> bool:
        """One event each, nobody throttled."""
        return self.events == self.bookings and not self.throttled and not self.differences


@dataclass(frozen=True)
class DayReport:
    """All that a run found."""

    phases: Sequence[PhaseReport]
    tally: Mapping[str, int]
    """Changes of bookings by kind."""
    counts: Mapping[str, Counts]
    """What the day cost each service."""
    deliveries: Mapping[str, Any]
    facts: Facts
    second_run: SecondRunReport
    burst: BurstReport | None
    seed: int
    planned: Facts | None = None
    """What there was when the plan was in Outlook."""
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def changes(self) -> int:
        """Changes of bookings."""
        return sum(self.tally.values())

    @property
    def differences(self) -> list[Difference]:
        """Everything that was not as it should be, at any time somebody looked."""
        found = [difference for phase in self.phases for difference in phase.differences]
        return found + list(self.burst.differences if self.burst else ())

    @property
    def in_step(self) -> bool:
        """The verdict."""
        burst_fine = self.burst is None or self.burst.fine
        return not self.differences and self.second_run.changed_nothing and burst_fine

    def as_json(self) -> dict[str, Any]:
        """The report for machines, without the calendars."""
        return {
            "verdict": "in step" if self.in_step else "differs",
            "seed": self.seed,
            "bookings": len(self.facts.bookings),
            "changes": self.changes,
            "changesByKind": dict(self.tally),
            "phases": [
                {"title": phase.title, "changes": phase.changes, "seconds": round(phase.seconds, 2)}
                for phase in self.phases
            ],
            "services": {name: asdict(counts) for name, counts in self.counts.items()},
            "perChange": {
                "graphRequests": self._per_change("graph"),
                "dataverseRequests": self._per_change("dataverse"),
            },
            "webhooks": {name: self.deliveries[name] for name in ("delivered", "retried", "lost")},
            "poison": [asdict(message) for phase in self.phases for message in phase.poison],
            "failing": [
                {"bookingId": each.id, "name": each.name, "error": each.error} for each in failing(self.facts)
            ],
            "differences": [asdict(difference) for difference in self.differences],
            "secondRun": {**asdict(self.second_run), "changedNothing": self.second_run.changed_nothing},
            "burst": asdict(self.burst) if self.burst else None,
            **self.extra,
        }

    def _per_change(self, service: str) -> float:
        return round(self.counts[service].requests / max(self.changes, 1), 3)


def failing(facts: Facts) -> list[BookingFact]:
    """Bookings that can't be shown."""
    return [booking for booking in facts.bookings if expected(booking) is Expected.FAILING]


def show(console: Console, report: DayReport, time_zone: str, most: int | None = None) -> None:
    """Print everything, the verdict last.

    Args:
        console: where.
        report: what was found.
        time_zone: an IANA name.
        most: so many people's calendars; None: everybody's.
    """
    tables = calendars(report.facts, time_zone)
    for table in tables[:most]:
        console.print(table)
    if left := len(tables[most:]) if most is not None else 0:
        more = "more " if most else ""
        console.print(f"[dim]… {left} {more}people's calendars are left out here[/]\n")
    console.print(_services(report))
    _show_failing(console, report)
    _show_second_run(console, report.second_run)
    if report.burst:
        _show_burst(console, report.burst)
    for difference in report.differences:
        console.print(f"[red]✗ {difference.kind}[/]: {_plain(difference.text)}")
    if report.in_step:
        console.print(
            "\n[bold green]in step[/]: Outlook shows what Dynamics 365 says, and nothing else changed."
        )
    else:
        console.print(f"\n[bold red]differs[/]: {len(report.differences)} differences, see above.")


def calendars(facts: Facts, time_zone: str) -> list[Table]:
    """Each technician's bookings and, beside them, the Outlook day; in local time."""
    zone = ZoneInfo(time_zone)
    bookings: dict[str, list[BookingFact]] = defaultdict(list)
    for booking in facts.bookings:
        bookings[booking.resource].append(booking)
    events: dict[str, list[EventFact]] = defaultdict(list)
    for event in facts.events:
        events[event.mailbox].append(event)
    return [_calendar(name, rows, events, zone) for name, rows in sorted(bookings.items())]


def _calendar(
    name: str, bookings: list[BookingFact], events: Mapping[str, list[EventFact]], zone: ZoneInfo
) -> Table:
    mailbox = next((booking.mailbox for booking in bookings if booking.mailbox), "")
    table = Table(title=_plain(name), title_justify="left", box=SIMPLE, expand=True, padding=(0, 1, 0, 0))
    for column, widths in COLUMNS:
        table.add_column(column, overflow="fold", **widths)
    left = {event.id: event for event in events.get(mailbox, [])}
    lines: list[tuple[datetime | None, list[str]]] = []
    for booking in bookings:
        found = [event for event in left.values() if event.booking_id == booking.id]
        event = left.pop(found[0].id) if found else None
        lines.append((booking.start, [*_booking_cells(booking, zone), *_event_cells(booking, event, zone)]))
    lines += [(event.start, ["", "", "", *_cells(event, zone, own=True)]) for event in left.values()]
    for _start, cells in sorted(lines, key=lambda line: (line[0] is None, line[0])):
        table.add_row(*cells)
    return table


def _booking_cells(booking: BookingFact, zone: ZoneInfo) -> list[str]:
    status = booking.status if booking.active else f"{booking.status}, inactive"
    if not booking.has_work_order:
        status += ", no work order"
    return [_span(booking.start, booking.end, zone), _plain(booking.name), status]


def _event_cells(booking: BookingFact, event: EventFact | None, zone: ZoneInfo) -> list[str]:
    if event is not None:
        return _cells(event, zone)
    if booking.error:
        return ["", f"[yellow]{_plain(_first_line(booking.error))}[/]", ""]
    return ["", "[dim]none wanted[/]" if expected(booking) is Expected.HIDDEN else "[red]missing[/]", ""]


def _cells(event: EventFact, zone: ZoneInfo, *, own: bool = False) -> list[str]:
    """An event; `own` for one that belongs to no booking of this technician."""
    subject = _plain(event.subject)
    return [_span(event.start, event.end, zone), f"[dim]{subject}[/]" if own else subject, event.show_as]


def _span(start: datetime | None, end: datetime | None, zone: ZoneInfo) -> str:
    return "-".join("?" if each is None else f"{each.astimezone(zone):%H:%M}" for each in (start, end))


def _services(report: DayReport) -> Table:
    table = Table(title=f"Cost of {report.changes} changes of bookings", title_justify="left", box=SIMPLE)
    table.add_column("Service")
    for column in ("Requests", "Batch items", "Per change", "Refused", "of these 429"):
        table.add_column(column, justify="right")
    for name, counts in report.counts.items():
        table.add_row(
            name,
            str(counts.requests),
            str(counts.items),
            f"{counts.requests / max(report.changes, 1):.2f}",
            str(counts.refused),
            str(counts.throttled),
        )
    return table


def _show_failing(console: Console, report: DayReport) -> None:
    for booking in failing(report.facts):
        why = _plain(_first_line(booking.error))
        console.print(f"Can't be shown, and says so: {_plain(booking.name)!r}: [yellow]{why}[/]")
    messages = [message for phase in report.phases for message in phase.poison]
    console.print(f"Poison messages: {len(messages)}")
    for reason in sorted({message.reason for message in messages}):
        console.print(f"  {sum(message.reason == reason for message in messages)} x {_plain(reason)}")
    console.print(
        "Webhooks in all: {delivered} delivered, {retried} tried twice, {lost} lost".format_map(
            report.deliveries
        )
    )


def _show_second_run(console: Console, second: SecondRunReport) -> None:
    if second.changed_nothing:
        told = "[green]a second run of the same messages changes nothing[/]"
    else:
        told = (
            f"[red]a second run of the same messages changes something[/]: {second.graph_writes} Graph "
            f"writes, {second.rows_changed} rows, {second.events_changed} events"
        )
    console.print(f"{second.webhooks} webhooks sent again: {told}")


def _show_burst(console: Console, burst: BurstReport) -> None:
    colour = "green" if burst.fine else "red"
    console.print(
        f"Burst: {burst.bookings} new bookings over {burst.mailboxes} mailboxes gave "
        f"[{colour}]{burst.events} events[/] in {burst.seconds:.1f} s, {burst.throttled} answers 429; "
        f"per booking {burst.graph_per_booking:.2f} requests to Graph and "
        f"{burst.dataverse_per_booking:.2f} to Dataverse"
    )


def _first_line(words: str) -> str:
    """The reason; the lines below it say what to do."""
    return words.partition("\n")[0]


def _plain(text: str) -> str:
    """Text from outside, with nothing that rich would take for markup."""
    return text.replace("[", r"\[")


def in_words(report: DayReport) -> str:
    """What the day found, in one sentence."""
    verdict = "in step" if report.in_step else f"{len(report.differences)} differences"
    return f"{report.changes} changes of {len(report.facts.bookings)} bookings; {verdict}"
