"""Which subscriptions there are to be, run by run."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from booking_sync.domain.return_path.client_state import NotificationKeys, read_client_state
from booking_sync.domain.return_path.messages import MailboxSweep
from booking_sync.errors import PermanentError, SyncError, TransientError
from booking_sync.ports.outlook.subscriptions import EventSubscription, WantedSubscription
from booking_sync.sync.from_outlook.watch import (
    MOST_FAILURES,
    MOST_PER_RUN,
    REFUSED_FOR,
    SWEPT_AFTER_SECONDS,
    Watch,
    WatchedAddress,
)
from booking_sync.sync.from_outlook.watch_plan import LIFE, RENEWED_BELOW, address_of, plan_watch
from tests.support.bookings import ANNA, BERT
from tests.support.fakes import FakeQueue
from tests.support.notifications import FOREIGN_KEY, KEY, KEYS, FakeKeyring

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
URL = "https://contoso.azurewebsites.net/api/outlook/notifications"
SCOPE = "contoso"
HOUR = timedelta(hours=1)


class FakeSubscriptions:
    """Graph's subscriptions, by a clock that is set by hand; fulfils `Subscriptions`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.held: dict[str, EventSubscription] = {}
        self.states: dict[str, str] = {}
        self.calls: Counter[str] = Counter()
        self.fails: dict[str, SyncError] = {}
        """By operation, or by mailbox for a creation."""

    def active(self) -> list[EventSubscription]:
        """Those that have not expired."""
        self.held = {key: each for key, each in self.held.items() if each.expires > self._world.time}
        return list(self.held.values())

    def mailboxes(self) -> Counter[str]:
        """How many each mailbox has."""
        return Counter(each.mailbox for each in self.active())

    async def list_all(self) -> list[EventSubscription]:
        """See the port."""
        self._note("list")
        return self.active()

    async def create(self, wanted: WantedSubscription) -> str:
        """See the port."""
        self._note("create", wanted.mailbox)
        return self.put(wanted.mailbox, wanted.url, wanted.expires, wanted.client_state)

    async def renew(self, subscription_id: str, expires: datetime) -> bool:
        """See the port."""
        self._note("renew")
        found = self.held.get(subscription_id)
        if found is None or found.expires <= self._world.time:
            return False
        self.held[subscription_id] = EventSubscription(subscription_id, found.mailbox, found.url, expires)
        return True

    async def delete(self, subscription_id: str) -> None:
        """See the port."""
        self._note("delete")
        self.held.pop(subscription_id, None)

    def put(self, mailbox: str, url: str, expires: datetime, state: str = "") -> str:
        """There is one more."""
        identity = str(uuid.UUID(int=len(self.states)))
        self.held[identity] = EventSubscription(identity, mailbox, url, expires)
        self.states[identity] = state
        return identity

    def _note(self, operation: str, mailbox: str = "") -> None:
        self.calls[operation] += 1
        error = self.fails.get(mailbox) or self.fails.get(operation)
        if error:
            raise error


class World:
    """A watch, and all around it."""

    def __init__(self, *wanted: str) -> None:
        self.time = NOW
        self.wanted = frozenset(wanted)
        self.graph = FakeSubscriptions(self)
        self.queue = FakeQueue()
        self.keyring = FakeKeyring()
        chance = random.Random(7)  # noqa: S311 - the same each time
        self.watch = Watch(
            self.graph,
            self._wanted,
            self.keyring,
            WatchedAddress(URL, SCOPE),
            self.queue,
            now=lambda: self.time,
            new_id=lambda: "1",
            chance=chance.random,
        )

    async def _wanted(self) -> frozenset[str]:
        return self.wanted

    @property
    def swept(self) -> list[str]:
        """Mailboxes for which a sweep was queued."""
        return [each.mailbox for each, _ in self.queue.outlook if isinstance(each, MailboxSweep)]


async def test_each_mailbox_gets_one_and_is_swept() -> None:
    """With a client state that proves what it notifies, to the address that names the key."""
    world = World(ANNA, BERT)
    tally = (await world.watch.run()).tally
    assert world.graph.mailboxes() == {ANNA: 1, BERT: 1}
    for each in world.graph.active():
        assert read_client_state(KEYS, SCOPE, world.graph.states[each.subscription_id]) == each.mailbox
        assert each.url == f"{URL}?k={KEY.version}"
        assert RENEWED_BELOW < each.expires - NOW <= LIFE
    assert sorted(world.swept) == sorted([ANNA, BERT])
    assert all(delay >= SWEPT_AFTER_SECONDS for _, delay in world.queue.outlook)
    assert tally == {"wanted": 2, "created": 2}
    before = dict(world.graph.calls)
    assert (await world.watch.run()).tally == {"wanted": 2, "had": 2}
    assert world.graph.calls == Counter({**before, "list": 2})
    assert len(world.queue.outlook) == 2


async def test_one_that_graph_does_not_know_any_more_is_made_again() -> None:
    """Whoever ended it; the mailbox is swept."""
    world = World(ANNA)
    await world.watch.run()
    world.graph.held.clear()
    await world.watch.run()
    assert world.graph.mailboxes() == {ANNA: 1}
    assert world.swept == [ANNA, ANNA]


async def test_a_mailbox_that_shows_no_bookings_any_more_is_let_go() -> None:
    """And doubles as well."""
    world = World(ANNA)
    current = address_of(URL, KEY.version)
    for _ in range(2):
        world.graph.put(ANNA, current, NOW + LIFE)
    world.graph.put(BERT, current, NOW + LIFE)
    await world.watch.run()
    assert world.graph.mailboxes() == {ANNA: 1}
    assert world.queue.outlook == []


async def test_others_subscriptions_are_left_alone() -> None:
    """Another deployment of this app registration, or another address of ours: they end by themselves."""
    world = World(ANNA)
    world.graph.put(ANNA, "https://other.example/api/outlook/notifications?k=1", NOW + LIFE)
    world.graph.put(BERT, f"{URL}/2", NOW + LIFE)
    await world.watch.run()
    assert world.graph.mailboxes() == {ANNA: 2, BERT: 1}
    assert await world.watch.remove_all() == 1
    assert world.graph.mailboxes() == {ANNA: 1, BERT: 1}


async def test_a_list_without_anybody_ends_nothing() -> None:
    """A right that was taken away looks like a company without technicians."""
    world = World(ANNA)
    await world.watch.run()
    world.wanted = frozenset()
    await world.watch.run()
    assert world.graph.mailboxes() == {ANNA: 1}


async def test_a_list_that_fails_changes_nothing() -> None:
    """Neither who is wanted nor what there is may be guessed."""
    world = World(ANNA)
    world.graph.fails["list"] = TransientError("down")
    with pytest.raises(TransientError):
        await world.watch.run()
    assert world.graph.calls == {"list": 1}


async def test_a_new_key_takes_over_before_the_old_one_goes() -> None:
    """At no moment is a mailbox without a subscription whose key is accepted."""
    world = World(ANNA)
    await world.watch.run()
    world.keyring.known = NotificationKeys((FOREIGN_KEY, KEY))
    await world.watch.run()
    assert {each.url for each in world.graph.active()} == {
        address_of(URL, KEY.version),
        address_of(URL, FOREIGN_KEY.version),
    }
    await world.watch.run()
    assert [each.url for each in world.graph.active()] == [address_of(URL, FOREIGN_KEY.version)]


async def test_a_mailbox_that_refuses_is_left_alone_for_a_day() -> None:
    """And keeps no other from getting one."""
    world = World(ANNA, BERT)
    world.graph.fails[ANNA] = PermanentError("takes no subscriptions")
    for _ in range(3):
        await world.watch.run()
    assert world.graph.mailboxes() == {BERT: 1}
    assert world.graph.calls["create"] == 2
    world.graph.fails.clear()
    world.time += REFUSED_FOR + timedelta(seconds=1)
    await world.watch.run()
    assert world.graph.mailboxes() == {ANNA: 1, BERT: 1}


async def test_a_run_ends_where_nothing_works() -> None:
    """The address can't be reached, or Graph throttles: the next run goes on."""
    world = World(*(f"a0000000-0000-4000-8000-{number:012}" for number in range(100)))
    world.graph.fails["create"] = TransientError("not reached")
    watched = await world.watch.run()
    assert world.graph.calls["create"] < MOST_FAILURES + 5
    assert watched.tally["left"] > 90
    assert watched.problem == "not reached"
    world.graph.fails.clear()
    assert (await world.watch.run()).problem == ""
    assert len(world.graph.mailboxes()) == 100


async def test_mailboxes_that_fail_each_time_keep_nobody_waiting() -> None:
    """Neither those that are new beside them, nor what is to be ended."""
    failing = [f"a0000000-0000-4000-8000-{number:012}" for number in range(MOST_FAILURES + 5)]
    world = World(*failing, ANNA)
    world.graph.put(BERT, address_of(URL, KEY.version), NOW + timedelta(days=2))
    world.graph.fails |= dict.fromkeys(failing, TransientError("not now"))
    for _ in range(2):
        await world.watch.run()
    assert world.graph.mailboxes() == {ANNA: 1}


async def test_a_sweep_is_queued_before_a_subscription_is_made() -> None:
    """Who dies in between has done too much, and not too little."""
    world = World(ANNA)
    world.graph.fails["create"] = TransientError("killed")
    await world.watch.run()
    assert world.swept == [ANNA]
    world.queue.down, world.graph.fails = True, {}
    await world.watch.run()
    assert world.graph.mailboxes() == {}


async def test_graph_s_own_requests_are_carried_out() -> None:
    """Renewed when it asks; made again when it has ended one, unless nobody wants it any more."""
    world = World(ANNA)
    held = world.graph.put(ANNA, address_of(URL, KEY.version), NOW + HOUR)
    assert await world.watch.renew(ANNA, held)
    (renewed,) = world.graph.active()
    assert renewed.expires > NOW + RENEWED_BELOW
    world.graph.held.clear()
    assert not await world.watch.renew(ANNA, held)
    assert world.graph.mailboxes() == {ANNA: 1}
    await world.watch.recreate(BERT)
    assert world.graph.mailboxes() == {ANNA: 1}


mailboxes = st.sampled_from([ANNA, BERT])
urls = st.sampled_from([address_of(URL, KEY.version), address_of(URL, "00000000"), "https://other.example/"])


@limits(max_examples=50)
@given(
    st.frozensets(mailboxes),
    st.lists(st.tuples(mailboxes, urls, st.integers(1, 70)), max_size=6),
)
def test_a_plan_leaves_each_wanted_mailbox_with_one(
    wanted: frozenset[str], had: list[tuple[str, str, int]]
) -> None:
    """At once for those with the current key, after another run where an older one has to be replaced."""
    held = [
        EventSubscription(str(place), mailbox, url, NOW + HOUR * hours)
        for place, (mailbox, url, hours) in enumerate(had)
    ]
    for _ in range(2):
        plan = plan_watch(wanted, held, url=URL, key_version=KEY.version, now=NOW)
        assert all(each.url.startswith(f"{URL}?") for each in (*plan.delete, *plan.renew))
        covered = {each.mailbox for each in held if each.url.startswith(URL)} & wanted
        held = [each for each in held if each not in plan.delete]
        assert covered <= {each.mailbox for each in held if each.url.startswith(URL)}
        held += [
            EventSubscription(f"new {each}", each, address_of(URL, KEY.version), NOW + LIFE)
            for each in plan.create
        ]
    if wanted:
        ours = Counter(each.mailbox for each in held if each.url.startswith(URL))
        assert ours == dict.fromkeys(wanted, 1)
    final = plan_watch(wanted, held, url=URL, key_version=KEY.version, now=NOW)
    assert (final.create, final.delete) == ((), ())


async def test_five_thousand_subscriptions_over_ten_days() -> None:
    """None ever lapses, no run does more than its share, and each is renewed some five times."""
    wanted = [f"a0000000-0000-4000-8000-{number:012}" for number in range(5_000)]
    world = World(*wanted)
    complete = 0
    for hour in range(24 * 10):
        world.time = NOW + HOUR * hour
        before = Counter(world.graph.calls)
        if hour not in range(100, 124):  # the app stands still for a day
            await world.watch.run()
        done = Counter(world.graph.calls)
        done.subtract(before)
        assert done["create"] <= MOST_PER_RUN
        assert done["renew"] <= MOST_PER_RUN
        complete += len(world.graph.mailboxes()) == len(wanted)
    assert complete == 24 * 10 - 2  # the first two hours make them
    assert world.graph.calls["create"] == 5_000
    assert 5_000 * 5 < world.graph.calls["renew"] < 5_000 * 13
    assert len(world.swept) == 5_000
