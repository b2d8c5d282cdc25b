"""Which faults a schedule holds: its profile by the seed, and the account of what struck.

Profiles differ on purpose: a schedule with every fault at once hides what one with a single kind shows.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field, replace
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, Literal

from booking_sync.domain.events.event_calendars import MAIN_ONLY, EventCalendars
from local.graph.config import GraphConfig, ShapeEnds, ZoneShift
from local.standin.faults import Fault, FaultScript
from tests.simulation.chance.clock import now
from tests.simulation.returns.answers import STRANGE, strange
from tests.simulation.returns.kinds import Returns, draw_returns
from tests.simulation.sign_in.links import FORMS, Form

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tests.simulation.chance.conductor import Conductor


ANOTHER_LAW = ZoneShift("W. Europe Standard Time", "2020-01-01T00:00:00+00:00", 60)
"""Exchange reads the schedules' zone an hour late."""


BothWays = Literal["", "report", "propose", "apply"]

_SINCE = (
    ", series_end='ended', all_day_end='ended'",
    ", directory='denied'",
    ", mailbox_settings='denied'",
    ", category_twice='conflict'",
    ", events_cover='main', transactions_span='mailbox', calendar_names='unique', deleted_calendars='gone'",
    ", event_if_match='refused'",
    ", patch_saves='together'",
    ", longest_subscription_minutes=10080, renewal_asks_again=False, subscription_page=100",
    ", notification_copies=1",
    ", notified_version='same'",
    ", notification_delay_seconds=0.0, notification_lose_every=0",
    ", notification_retry_seconds=2.0, notifications_shuffled=False, notifications_paused=False",
    f", calendars={(MAIN_ONLY,)!r}",
    ", both_ways='', wishes=0, deletions=0",
)
"""What a profile says of settings that the stand-in has got since: schedules replay as before."""


@dataclass(frozen=True)
class Profile:
    """What one schedule is made of; numbers are upper bounds of what may strike."""

    processes: int
    bookings: int
    changes: int
    haste: float
    """How readily dispatchers act while the app is still at work, as a weight."""
    user_actions: int
    crashes: int
    call_faults: int
    item_faults: int
    throttles: int
    queue_faults: int
    redeliveries: int
    """Lost acknowledgements and lost leases."""
    doubled_hints: int
    lost_webhooks: int
    outages: int
    """Times that a whole service is down for a while."""
    stalls: int
    """Times that some step takes as long as the next timer, which may be its caller's patience."""
    moves: tuple[str, ...]
    """What dispatchers do besides renaming: "reassign", "cancel", "delete", "relate" (change other rows),
    "overwrite" (write into our columns)."""
    denied_mailbox: bool
    extension: bool
    graph: GraphConfig
    forgeries: int = 0
    """Messages on the queue that no webhook brought and that name any event."""
    audits: bool = False
    """Whether the app's own audit runs twice in the end."""
    batch_stops: bool = False
    """Dataverse ends each batch with its first part that fails, though it is asked to go on."""
    returns: Returns = field(default_factory=Returns)
    """Rows, events and answers that come back changed."""
    habits: int = 0
    """What technicians make of our events: invitations, all-day events, series, notes."""
    credential: Form = "secret"
    """How the app proves itself to Entra."""
    broken_links: int = 0
    """Times that something on the way to its tokens is refused from then on."""
    calendars: tuple[EventCalendars, ...] = (MAIN_ONLY,)
    """Which calendar shows the events: what the settings say at first, and what administrators make of it."""
    both_ways: BothWays = ""
    """What becomes of what technicians make of events' times; empty: nothing comes back."""
    wishes: int = 0
    """How often they move an event of ours; where that is proposed, as often is it answered."""
    deletions: int = 0
    """How often they delete one, or take one out of Deleted Items again."""


def draw_profile(drawn: random.Random) -> Profile:
    """A profile by chance; each kind of trouble is absent from about half of all schedules."""

    def some(most: int, share: float = 0.5) -> int:
        return drawn.randint(1, most) if drawn.random() < share else 0

    profile = Profile(
        processes=drawn.choice((1, 2, 2, 3)),
        bookings=drawn.choice((1, 1, 1, 2, 3)),
        changes=drawn.randint(1, 7),
        haste=drawn.choice((0.1, 0.5, 1.0)),
        user_actions=some(4, 0.3),
        crashes=some(3, 0.4),
        call_faults=some(4),
        item_faults=some(5),
        throttles=some(3, 0.4),
        queue_faults=some(2, 0.2),
        redeliveries=some(3, 0.4),
        doubled_hints=some(3),
        lost_webhooks=some(2, 0.2),
        outages=some(2, 0.15),
        stalls=some(3, 0.3),
        moves=tuple(each for each in ("reassign", "cancel", "delete") if drawn.random() < 0.65),
        denied_mailbox=drawn.random() < 0.12,
        extension=drawn.random() < 0.5,
        graph=GraphConfig(
            shuffle_seed=drawn.randrange(1000),
            duplicate_status=drawn.choice((400, 409)),
            duplicate_names_existing=drawn.random() < 0.5,
            deleted_transactions=drawn.choice(("forgotten", "remembered", "ghost")),
            no_lock=drawn.random() < 0.15,
            inline_extension_failure_every=0,
        ),
    )
    # By what is drawn already, so that all others replay as they always did; so are the following ones.
    if profile.graph.shuffle_seed % 4 == 1:
        profile = replace(profile, graph=replace(profile.graph, zone_shifts=(ANOTHER_LAW,)))
    # Two of five schedules.
    related = profile.graph.shuffle_seed % 5 < 2
    profile = replace(profile, moves=(*profile.moves, "relate")) if related else profile
    if drawn.random() < 0.25:
        profile = replace(profile, moves=(*profile.moves, "overwrite"))
    graph = replace(
        profile.graph,
        deleted_items=drawn.choice(("gone", "kept")),
        deleted_items_delete=drawn.choice(("refused", "once_more")),
    )
    audits = profile.graph.shuffle_seed % 8 == 3
    stops = profile.graph.shuffle_seed % 9 == 4
    profile = replace(profile, forgeries=some(4, 0.3), graph=graph, audits=audits, batch_stops=stops)
    profile = with_returns(profile, draw_returns(drawn))
    return _with_people_and_sign_in(profile)


def with_returns(profile: Profile, returns: Returns) -> Profile:
    """A profile with these, and a Graph that is so about ids."""
    graph = replace(profile.graph, foreign_ids=returns.former_ids, malformed_ids=returns.odd_ids)
    return replace(profile, returns=returns, graph=graph)


def _with_people_and_sign_in(profile: Profile) -> Profile:
    """By what is drawn already, so that schedules without any of it replay as they always did."""
    known = repr(profile)
    for each in _SINCE:
        known = known.replace(each, "")
    chance = random.Random(known)  # noqa: S311 - schedules must replay
    graph = replace(
        profile.graph,
        deleted_items_tell=chance.choice(("nothing", "calendar", "cancelled")),
        update_mails=chance.choice(("every_change", "what_attendees_see")),
        series_times=chance.choice(("taken", "refused")),
    )
    profile = replace(
        profile,
        habits=chance.choice((0, 0, 0, 0, 2, 4, 6)),
        credential=chance.choice(FORMS),
        broken_links=chance.choice((0, 0, 0, 0, 1, 2, 3)),
    )
    ends: tuple[ShapeEnds, ...] = ("ended", "ended", "ignored", "refused")
    return replace(
        profile, graph=replace(graph, series_end=chance.choice(ends), all_day_end=chance.choice(ends))
    )


@dataclass(frozen=True)
class Refusal:
    """An answer that a fault gives."""

    status: int
    body: Any = None
    headers: Mapping[str, str] | None = None

    @property
    def name(self) -> str:
        """For the accounts."""
        code = self.body["error"]["code"] if self.body else ""
        waits = "+retry-after" if self.headers else ""
        return f"{self.status} {code}".strip() + waits


class Troubles:
    """Deals out the profile's faults.

    Args:
        conductor: whose chance decides, and whose trace is told.
        profile: how many may strike.
    """

    def __init__(self, conductor: Conductor, profile: Profile) -> None:
        self._conductor = conductor
        self._left = Counter(
            call=profile.call_faults,
            item=profile.item_faults,
            throttle=profile.throttles,
            queue=profile.queue_faults,
            redelivery=profile.redeliveries,
            doubled=profile.doubled_hints,
            webhook=profile.lost_webhooks,
            crash=profile.crashes,
            stall=profile.stalls,
            outage=profile.outages,
            strange=profile.returns.strange_answers,
        )
        self.batch_stops = profile.batch_stops
        self._down_until: dict[str, float] = {}
        conductor.may_stall = lambda: self.may("stall")
        conductor.stall = self._stall
        self.struck: Counter[str] = Counter()
        """By kind and detail, for the figures."""
        self.healthy = False
        """Nothing strikes any more."""
        self.strangely: Callable[[Any], Any] = lambda body: body
        """See `Parts`."""

    def may(self, kind: str) -> bool:
        """Whether a fault of this kind is left."""
        return not self.healthy and self._left[kind] > 0

    def strikes(self, kind: str, probability: float) -> bool:
        """Whether a fault of this kind happens now; it is used up by that."""
        if not self.may(kind) or not self._conductor.chance(probability):
            return False
        self._left[kind] -= 1
        return True

    def is_down(self, service: str) -> bool:
        """Whether a whole service is down; it may go down right now."""
        if self.healthy:
            return False
        if self.strikes("outage", 0.05):
            seconds = self._conductor.random.choice((3.0, 20.0, 90.0))
            self._down_until[service] = self._conductor.time + seconds
            self.tell(f"{service} down for a while")
        return self._conductor.time < self._down_until.get(service, 0.0)

    def use(self, kind: str) -> None:
        """One of this kind happens."""
        self._left[kind] -= 1

    def tell(self, detail: str) -> None:
        """Count and trace a fault."""
        self.struck[detail] += 1
        self._conductor.note(f"!! {detail}")

    def _stall(self) -> None:
        self.use("stall")
        self.tell("slow service")

    def pick(self, options: Sequence[str]) -> str:
        """One of several, by chance."""
        return self._conductor.random.choice(options)

    def retry_after(self) -> dict[str, str] | None:
        """A `Retry-After` as services send it: whole, a fraction, a date, or none."""
        kind = self.pick(("none", "whole", "fraction", "date"))
        seconds = self._conductor.random.choice((1, 2, 7, 40))
        if kind == "none":
            return None
        if kind == "date":
            moment = now().replace(microsecond=0)
            return {
                "Retry-After": format_datetime(
                    moment.fromtimestamp(moment.timestamp() + seconds, moment.tzinfo), usegmt=True
                )
            }
        return {"Retry-After": str(seconds) if kind == "whole" else f"{seconds}.128"}


def graph_error(status: int, code: str, message: str = "spoiled") -> dict[str, Any]:
    """An error in Graph's form."""
    del status
    return {"error": {"code": code, "message": message}}


class ItemFaults(FaultScript):
    """Spoils single items of Graph's batches, before or after they took effect."""

    def __init__(self, troubles: Troubles) -> None:
        super().__init__()
        self._troubles = troubles

    def take(self, method: str, path: str) -> Fault | None:
        """By chance instead of by rule."""
        del path
        if self._troubles.strikes("throttle", 0.12):
            headers = self._troubles.retry_after()
            self._troubles.tell(f"graph item 429{'+retry-after' if headers else ''}")
            return _fault("before", 429, "ApplicationThrottled", headers)
        writes = method != "GET"
        if self._troubles.strikes(STRANGE, 0.1):
            return self._strange(writes=writes)
        if not self._troubles.strikes("item", 0.15):
            return None
        when = self._troubles.pick(("before", "after") if writes else ("before",))
        status, code = {
            "504": (504, "UnknownError"),
            "503": (503, "ServiceUnavailable"),
            "500": (500, "InternalServerError"),
            "409": (409, "ConcurrentItemSave"),
            "503s": (503, "ConcurrentItemSave"),
            "412": (412, "ErrorIrresolvableConflict"),
            "423": (423, "ErrorItemLocked"),
            "404": (404, "UnknownError"),
        }[
            self._troubles.pick(
                ("504", "503", "500", "409", "503s") + (("412", "423", "404") if when == "before" else ())
            )
        ]
        self._troubles.tell(f"graph item {status} {code} {when}")
        return _fault(when, status, code, None)

    def _strange(self, *, writes: bool) -> Fault:
        when: Any = self._troubles.pick(("before", "after") if writes else ("before",))
        status, words, body = strange(self._troubles.pick)
        self._troubles.tell(f"graph item strange {words} {when}")
        return Fault(when=when, status=status, body=self._troubles.strangely(body))


def _fault(when: Any, status: int, code: str, headers: dict[str, str] | None) -> Fault:
    return Fault(when=when, status=status, body=graph_error(status, code), headers=headers or {})
