"""The picture of a played day: bookings, events, what changed, and nothing that could do harm."""

from __future__ import annotations

import io
import re
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from local.day.closing import console_for, recorded, show_picture, show_small
from local.day.picture import MOST_PEOPLE, picture
from local.day.small import SmallDay, changes_of, small_world
from local.day.verdict import BookingFact, Difference, EventFact, Facts, Kind
from local.day.world import TIME_ZONE
from local.processes import REPOSITORY, python_module
from tests.local.test_day import BOOKING

START = datetime(2027, 3, 26, 7, tzinfo=UTC)  # 8:00 in Berlin
HOUR = timedelta(hours=1)


def _booking(key: str, resource: str = "Anna Berg", **changes: object) -> BookingFact:
    plain = replace(
        BOOKING,
        id=key,
        name=f"Job {key}",
        start=START,
        end=START + HOUR,
        account="Elbtal",
        resource=resource,
        mailbox=resource.lower(),
        recorded_event="",
        recorded_mailbox="",
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def _event(booking: BookingFact, **changes: object) -> EventFact:
    assert booking.start
    assert booking.end
    plain = EventFact(
        id=f"event of {booking.id}",
        mailbox=booking.mailbox,
        subject=f"Elbtal: {booking.name}",
        start=booking.start,
        end=booking.end,
        show_as="busy",
        attendees=0,
        booking_id=booking.id,
        tag=booking.id,
        raw={"importance": "normal"},
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def _facts(bookings: list[BookingFact], *more: EventFact) -> Facts:
    return Facts(bookings=bookings, events=[*map(_event, bookings), *more], private={})


def test_it_tells_what_a_dispatcher_changed() -> None:
    """A moved, a handed over, a canceled and a new booking each say so on the board."""
    before = [_booking("1"), _booking("2", "Bruno Carl"), _booking("3")]
    after = [
        replace(before[0], start=START + HOUR, end=START + 2 * HOUR),
        replace(before[1], resource="Anna Berg", mailbox="anna berg"),
        replace(before[2], canceled=True, status="Canceled"),
        _booking("4"),
    ]
    page = picture(_facts(before), _facts(after), TIME_ZONE, "in step")
    notes = re.findall(r'<b class="title">(Job \d)</b><br><span class="note">(.*?)</span>', page)
    assert sorted(notes) == [
        ("Job 1", "was 08:00"),
        ("Job 2", "was Bruno&#39;s"),
        ("Job 3", "canceled"),
        ("Job 4", "new"),
    ]
    assert page.count('class="slot gone"') == 1


def test_it_shows_events_as_outlook_does() -> None:
    """Urgent, tentative, away and people's own events look different; others are told below."""
    bookings = [_booking(str(number)) for number in range(3)]
    events = [
        _event(bookings[0], show_as="tentative"),
        _event(bookings[1], show_as="oof"),
        _event(bookings[2], raw={"importance": "high"}),
        _event(bookings[0], booking_id="", subject="Dentist"),
        _event(bookings[0], booking_id="", subject="Choir", start=START + 12 * HOUR, end=START + 13 * HOUR),
    ]
    facts = Facts(bookings=bookings, events=events, private={})
    outlook = picture(facts, facts, TIME_ZONE, "").partition("Outlook: each")[2]
    looks = re.findall(r'<div class="slot (\w+)"', outlook)
    assert sorted(looks) == ["moving", "own", "planned", "proposed"]
    assert outlook.count('class="urgent"') == 1
    assert "20:00 Choir" in outlook


def test_what_overlaps_lies_side_by_side() -> None:
    """Two events of one hour share the width; one alone has all of it."""
    later = _booking("3", start=START + 3 * HOUR, end=START + 4 * HOUR)
    facts = _facts([_booking("1"), _booking("2"), later])
    outlook = picture(facts, facts, TIME_ZONE, "").partition("Outlook: each")[2]
    assert re.findall(r"left: ([\d.]+)%; width: calc\(([\d.]+)%", outlook) == [
        ("0.0", "50.0"),
        ("50.0", "50.0"),
        ("0.0", "100.0"),
    ]


def test_names_can_do_no_harm() -> None:
    """Names from Dataverse and Outlook are text, and the page asks nobody for anything."""
    evil = "<script>alert(1)</script><img src=x>"
    facts = _facts([_booking("1", evil, name=evil)])
    page = picture(facts, facts, TIME_ZONE, evil)
    assert "<script" not in page
    assert "<img" not in page
    assert "default-src 'none'" in page
    assert not re.search(r"https?://|url\(", page)


def test_a_crowd_is_too_many_and_nobody_is_not_too_few() -> None:
    """The technicians with the most bookings are shown; a day without any still makes a page."""
    crowd = _facts([_booking(str(number), f"Person {number:02d}") for number in range(10)])
    busy = _booking("x", "Person 09", start=START + 2 * HOUR, end=START + 3 * HOUR)
    page = picture(crowd, replace(crowd, bookings=[*crowd.bookings, busy]), TIME_ZONE, "")
    shown = re.findall(r'<div class="name">(.*?)</div>', page)
    assert len(shown) == MOST_PEOPLE
    assert "Person 09" in shown
    assert "Outlook" in picture(_facts([]), _facts([]), TIME_ZONE, "")


@pytest.mark.timeout(120)
def test_the_demo_ends_in_step_and_leads_to_its_picture() -> None:
    """Plan and changes reach Outlook; the page that is named shows each of the four changes."""
    done = subprocess.run(  # noqa: S603 - our own command
        python_module("local", "demo"), cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Calendars compared with bookings: in step" in done.stdout
    assert [change.words for change in changes_of(small_world()) if change.words not in done.stdout] == []
    (address,) = re.findall(r"file://(\S+)", done.stdout)
    page = Path(address).read_text(encoding="utf-8")
    assert page.count('class="note"') == 4
    assert page.count('class="slot gone"') == 1
    assert "in step" in page


def test_a_small_day_that_differs_says_so() -> None:
    """What is wrong is told, and the verdict is no other than that."""
    facts = _facts([_booking("1")])
    missing = Difference(Kind.MISSING, "1", "'Job 1' of [Anna] does not show")
    day = SmallDay(facts, 1.0, [], facts, 1.0, [missing])
    file = io.StringIO()
    show_small(Console(file=file, width=120), day)
    assert "missing: 'Job 1' of [Anna] does not show" in file.getvalue()
    assert "in step" not in file.getvalue()
    assert day.words.endswith("1 differences")


def test_the_changes_of_a_small_day_differ() -> None:
    """Whatever the seed, four different bookings change, so that each shows one thing."""
    for seed in range(20):
        assert len({each.booking_id for each in changes_of(small_world(seed))}) == 4


def test_the_end_of_a_run_leads_to_the_picture_and_further(tmp_path: Path) -> None:
    """The file's address is on a line of its own, however long; then comes what to try next."""
    folder = tmp_path / ("long" * 40)
    folder.mkdir()
    file = io.StringIO()
    show_picture(Console(file=file, width=80), "<p>", folder)
    lines = [line.strip() for line in file.getvalue().splitlines()]
    assert (folder / "day.html").as_uri() in lines
    assert "make start" in file.getvalue()
    assert (folder / "day.html").read_text(encoding="utf-8") == "<p>"


def test_a_recording_asks_nobody_for_anything(capsys: pytest.CaptureFixture[str]) -> None:
    """It is a picture of what was printed, and loads no font."""
    console = console_for(Path("run.svg"), to_errors=False)
    console.print("[green]in step[/]")
    svg = recorded(console, "make run")
    assert "in&#160;step" in svg
    assert set(re.findall(r"https?://[^\s\"')]+", svg)) <= {
        "http://www.w3.org/2000/svg",
        "https://www.textualize.io",
    }
    assert "font-face" not in svg
    assert capsys.readouterr().out == "in step\n"
