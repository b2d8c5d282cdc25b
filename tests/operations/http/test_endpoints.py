"""What operators are answered, whole: with everything there, and with parts of it down."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from booking_sync.domain.environment.watched import RelatedTable
from booking_sync.domain.messages.change import BookingChange, RelatedChange, encode_change, encode_related
from booking_sync.domain.outcome import Outcome, OutcomeKind
from booking_sync.domain.timers import Timer
from booking_sync.errors import PermanentError, SettingsError, TransientError
from booking_sync.operations.overview.failing import MAX_FAILING
from booking_sync.operations.overview.gather import MAX_PEOPLE, PEOPLE_LATELY
from booking_sync.ports.dataverse.bookings import FailingBooking, FailingBookings
from tests.operations.in_memory import Harness
from tests.operations.kit import START
from tests.support.bookings import ANNA, BOOKING_ID

JSON = {"Content-Type": "application/json"}
TEXT = encode_change(BookingChange(BOOKING_ID, "correlation-1", START))
HOSTILE = "<script>alert(1)</script>\u202e\x00" + "x" * 5000


async def test_the_page_gets_everything_at_once() -> None:
    """Queues, dead letters with reasons and links, failing bookings, closed mailboxes, runs and outcomes."""
    harness = Harness()
    letter = harness.poison.lay(TEXT, "No mailbox.")
    harness.failures.found = FailingBookings(
        (FailingBooking(BOOKING_ID, "Boiler", START, START, "No mailbox.", ANNA, "Anna"),), more=True
    )
    harness.journal_store.outcome(
        BookingChange(BOOKING_ID, "c", START), Outcome(OutcomeKind.FAILED, "No mailbox.")
    )
    await harness.journal_store.ran(Timer.CATCH_UP, {"behind": 0})
    status = await harness.status()
    await harness.journal_store.aclose()
    link = f"https://org.example/{BOOKING_ID}"
    assert status["queues"] == {"problem": "", "changes": 0, "poison": 1, "oldestChange": ""}
    assert status["health"] == {
        "status": "ok",
        "findings": [
            {
                "topic": "given-up",
                "severity": "warning",
                "words": "1 message was given up: see the poison queue.",
                "remedy": status["health"]["findings"][0]["remedy"],
                "since": START.isoformat(),
            }
        ],
        "timers": [
            {
                "timer": "catch-up",
                "last": START.isoformat(),
                "due": (START + timedelta(minutes=5)).isoformat(),
                "overdue": False,
            },
            *(
                {"timer": name, "last": "", "due": status["health"]["timers"][place]["due"], "overdue": False}
                for place, name in ((1, "audit"), (2, "near-audit"))
            ),
        ],
        "secretExpires": "",
    }
    assert status["poison"]["letters"] == [
        {
            "id": letter,
            "reason": "No mailbox.",
            "remedy": "",
            "deadLetteredAt": START.isoformat(),
            "came": START.isoformat(),
            "expires": "",
            "bookingId": BOOKING_ID,
            "name": "Boiler",
            "technician": "Anna",
            "technicianId": ANNA,
            "link": link,
            "about": "",
            "correlationId": "correlation-1",
            "replayable": True,
        }
    ]
    assert status["failing"]["more"] is True
    (group,) = status["failing"]["groups"]
    assert (group["reason"], group["count"], group["people"]) == ("No mailbox.", 1, 1)
    assert group["bookings"][0]["link"] == link
    assert status["headline"]["people"] == 1
    assert status["journal"]["throttled"] == [
        {"mailbox": ANNA, "until": (START + timedelta(seconds=30)).isoformat()}
    ]
    assert status["journal"]["outcomes"][0]["outcome"] == "failed"
    assert status["catchUp"]["tally"] == {"behind": 0}
    assert status["audit"] == {"problem": "", "finished": ""}


async def test_dead_letters_of_every_kind_are_shown() -> None:
    """About another row, unreadable or without a reason: each is there, and says whether it can go back."""
    harness = Harness()
    harness.poison.lay(encode_related(RelatedChange(RelatedTable.WORK_ORDER, ANNA, "c", START)))
    harness.poison.lay("nonsense", HOSTILE)
    harness.poison.texts["bare"] = TEXT
    related, nonsense, bare = (await harness.status())["poison"]["letters"]
    assert (related["about"], related["bookingId"], related["link"]) == (f"msdyn_workorder {ANNA}", "", "")
    assert (nonsense["replayable"], bare["replayable"], bare["reason"]) == (False, True, "")
    assert len(nonsense["reason"]) <= 1000
    assert "\u202e" not in nonsense["reason"]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (TransientError("Dataverse can't be reached"), "Dataverse can't be reached"),
        (PermanentError("Dataverse refuses the app"), "Dataverse refuses the app"),
        (SettingsError("DATAVERSE_URL is missing"), "DATAVERSE_URL is missing"),
    ],
)
async def test_what_is_down_says_so_in_its_place(error: Exception, words: str) -> None:
    """A service that can't be asked leaves the rest of the page as it is."""
    harness = Harness()
    harness.poison.lay(TEXT)
    harness.unopened = error
    harness.text_store.broken = TransientError("no role")
    status = await harness.status()
    assert status["failing"] == {"problem": words}
    assert status["journal"] == {"problem": "no role"}
    assert len(status["poison"]["letters"]) == 1
    harness.poison.broken = TransientError("the storage queue can't be reached")
    harness.clock.advance(60)
    status = await harness.status()
    assert status["poison"]["problem"] == "the storage queue can't be reached"
    assert status["queues"]["problem"]
    assert status["health"]["status"] == "failing"


async def test_a_stranger_learns_only_whether_it_works() -> None:
    """The open probe gives nothing away; with the key the same answer says what is wrong."""
    harness = Harness()
    assert (await harness.endpoints.probe()).status == 200
    harness.settings_problem = "GRAPH_URL is missing"
    harness.clock.advance(60)
    probe, health = await harness.endpoints.probe(), await harness.endpoints.health()
    assert (probe.status, probe.payload) == (503, {"status": "failing"})
    assert (health.status, health.payload["findings"][0]["words"]) == (503, "GRAPH_URL is missing")


async def test_actions_answer_what_was_done() -> None:
    """A replay tells its counts, a resync its correlation id."""
    harness = Harness()
    harness.poison.lay(TEXT)
    harness.poison.lay("nonsense")
    replay = await harness.endpoints.replay(JSON, b'{"all": true}')
    assert (replay.status, replay.payload) == (
        200,
        {"replayed": 1, "unreadable": 1, "order": "replay-id", "bookings": 1, "problem": ""},
    )
    resync = await harness.endpoints.resync(JSON, json.dumps({"bookings": [BOOKING_ID]}).encode())
    assert (resync.status, resync.payload) == (
        202,
        {"queued": 1, "bookings": 1, "order": "resync-id", "correlationId": "resync-id"},
    )
    assert len(harness.queue.sent) == 2


async def test_actions_that_are_not_done_say_why() -> None:
    """Refused, impossible now, or without settings: the answer has the status and the words for it."""
    harness = Harness()
    body = json.dumps({"bookings": [BOOKING_ID]}).encode()
    assert (await harness.endpoints.replay({}, b'{"all": true}')).status == 415
    assert (await harness.endpoints.resync({**JSON, "Sec-Fetch-Site": "cross-site"}, body)).status == 403
    harness.poison.lay(TEXT)
    harness.queue.down = True
    replay, resync = (
        await harness.endpoints.replay(JSON, b'{"all": true}'),
        await harness.endpoints.resync(JSON, body),
    )
    assert (replay.status, replay.payload["problem"]) == (503, "the queue can't be reached")
    assert (resync.status, resync.payload["problem"]) == (503, "the queue can't be reached")
    harness.settings_problem = "AzureWebJobsStorage is missing"
    for answer in (
        await harness.endpoints.replay(JSON, b'{"all": true}'),
        await harness.endpoints.resync(JSON, body),
    ):
        assert (answer.status, answer.payload["problem"]) == (503, "AzureWebJobsStorage is missing")


async def test_answers_are_kept_by_nobody() -> None:
    """No cache between the app and the operator stores an answer, and no browser guesses its type."""
    harness = Harness()
    answers = [
        await harness.endpoints.probe(),
        await harness.endpoints.status(),
        await harness.endpoints.replay({}, b""),
    ]
    for answer in answers:
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_the_page_tells_who_takes_part() -> None:
    """By name those whose bookings show; not who takes part without a calendar, nor anybody else."""
    harness = Harness()
    people = (await harness.status())["people"]
    told = {"technicianId": BOOKING_ID, "name": "Anna", "mailbox": ANNA}
    assert people == {"problem": "", "all": 2, "inside": 1, "technicians": [told], "more": 0}
    anna = harness.people.found[0]
    harness.people.found = [replace(anna, name=f"Anna {number}") for number in range(MAX_PEOPLE + 3)]
    assert (await harness.status())["people"] == people  # a long list is not asked for at each refresh
    harness.clock.advance(PEOPLE_LATELY.total_seconds() + 1)
    people = (await harness.status())["people"]
    assert (people["inside"], len(people["technicians"]), people["more"]) == (MAX_PEOPLE + 3, MAX_PEOPLE, 3)


async def test_a_page_that_refreshes_by_itself_costs_dataverse_nothing() -> None:
    """It says what it has; as long as that is so it is answered 304, and Dataverse is asked once a minute."""
    harness = Harness()
    harness.closed = {}
    first = await harness.endpoints.status()
    known = {"If-None-Match": first.headers["ETag"]}
    for _ in range(3):
        harness.clock.advance(15)
        again = await harness.endpoints.status(known)
        assert (again.status, again.payload) == (304, {})
    assert harness.failures.asked == 1
    harness.clock.advance(60)
    assert (await harness.endpoints.status(known)).status == 304
    assert harness.failures.asked == 2


async def test_what_changed_is_shown_at_the_next_refresh() -> None:
    """Another depth is another tag; who asks without one, a person, has Dataverse asked anew."""
    harness = Harness()
    known = {"if-none-match": (await harness.endpoints.status()).headers["ETag"]}
    harness.poison.lay(TEXT)
    assert (await harness.endpoints.status(known)).status == 200
    failing = FailingBooking(BOOKING_ID, "B", START, START, "No.")
    harness.failures.found = FailingBookings((failing,), more=False)
    harness.clock.advance(2)
    assert (await harness.endpoints.status(known)).payload["failing"]["count"] == 0
    assert (await harness.endpoints.status()).payload["failing"]["count"] == 1


async def test_ten_thousand_failing_bookings_are_shown_in_parts() -> None:
    """Groups with counts and a few of each; the rest of a group, and its ids, on demand and from memory."""
    harness = Harness()
    reasons = ("Outlook: this person has no Exchange Online mailbox.", "The booking ends before it starts.")
    harness.failures.found = FailingBookings(
        tuple(
            FailingBooking(
                f"{n:08d}-0000-4000-8000-000000000000", f"B {n}", START, START, reasons[n % 10 == 0], ANNA
            )
            for n in range(MAX_FAILING)
        ),
        more=True,
    )
    status = await harness.status()
    first, second = status["failing"]["groups"]
    assert (first["count"], len(first["bookings"]), second["count"]) == (9000, 20, 1000)
    assert "licence" in first["remedy"]
    assert len(json.dumps(status)) < 100_000
    part = await harness.endpoints.failing({"group": first["key"], "from": "20"})
    assert (part.status, len(part.payload["bookings"]), len(part.payload["ids"])) == (200, 100, 9000)
    assert part.payload["bookings"][0]["name"] == "B 23"
    last = await harness.endpoints.failing({"group": first["key"], "from": "8990"})
    assert len(last.payload["bookings"]) == 10
    assert (await harness.endpoints.failing({"group": "none"})).payload["bookings"] == []
    assert harness.failures.asked == 1


@pytest.mark.parametrize(
    "params", [{}, {"group": ""}, {"group": "a", "from": "-1"}, {"group": "a", "from": "9" * 7}]
)
async def test_a_part_that_can_t_be_told_is_refused(params: dict[str, str]) -> None:
    """Which group, and from where on, has to be said."""
    assert (await Harness().endpoints.failing(params)).status == 400


async def test_what_became_of_an_order_is_told() -> None:
    """Of ten bookings that were tried again nine failed again, and why; another order's don't count."""
    harness = Harness()
    order = f"resync-{BOOKING_ID}"
    for number in range(10):
        kind = OutcomeKind.FAILED if number else OutcomeKind.SYNCED
        outcome = Outcome(kind, "No «Anna's» mailbox." if number else "")
        harness.journal_store.outcome(BookingChange(BOOKING_ID, order, START), outcome)
    other = BookingChange(BOOKING_ID, f"replay-{ANNA}", START)
    harness.journal_store.outcome(other, Outcome(OutcomeKind.SYNCED))
    answer = await harness.endpoints.order({"id": order})
    await harness.journal_store.aclose()
    assert answer.payload == {
        "order": order,
        "done": 1,
        "failed": 9,
        "putBack": 0,
        "reasons": [{"reason": "No «…» mailbox.", "count": 9}],
    }
    assert (await harness.endpoints.order({"id": "correlation-1"})).status == 400
    harness.text_store.broken = TransientError("no role")
    assert (await harness.endpoints.order({"id": order})).status == 503
