"""The check of subscriptions: the app's own requests and the strict stand-in, without a stack around them."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qs, urlsplit

import pytest

from booking_sync.certify.assumptions import ASSUMPTIONS
from booking_sync.certify.checks import subscriptions
from booking_sync.certify.parts import CertifyOptions, CheckContext, TelemetryCauses
from booking_sync.certify.results import AssumptionResult, NotTried, Observation
from booking_sync.certify.trial_events import RefusedError
from booking_sync.certify.trial_subscriptions import CLIENT_STATE, TrialSubscriptions
from booking_sync.domain.return_path.client_state import read_client_state
from booking_sync.errors import TransientError
from booking_sync.outlook.graph.client import GraphClient
from booking_sync.outlook.trials import OutlookTrials
from booking_sync.ports.certification import ServiceAnswer
from booking_sync.ports.outlook.subscriptions import WantedSubscription
from booking_sync.sync.from_outlook.watch import Watch, WatchedAddress, end_all
from booking_sync.sync.from_outlook.watch_plan import LIFE, address_of
from local.graph.subscriptions.delivery import Heard
from local.stack.certificates import Certificates, make_certificates
from local.standin.faults import Fault
from tests.doctor.deployment import no_pause
from tests.support import graph_builders  # noqa: F401 - loads the Graph SDK's builders
from tests.support.fakes import FakeQueue
from tests.support.notifications import KEY, KEYS, FakeKeyring

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from booking_sync.certify.results import CheckOutput
    from tests.outlook.kit import GraphHere

URL = "https://contoso.azurewebsites.net/api/outlook/notifications"
OWN = address_of(URL, KEY.version)
BUSY = {"error": {"code": "TooManyRequests", "message": ""}}
(CHECK,) = subscriptions.CHECKS
USUAL = {
    "subscription_taken": "taken",
    "subscription_life": "10080",
    "subscription_listed": "listed",
    "subscription_renewal": "prolonged",
    "gone_subscription": "not_found",
}


@dataclass
class Meanwhile:
    """Asks the real adapter; before or in place of one kind of request something else happens.

    Args:
        inner: the adapter.
        method: which kind.
        happens: what; what it returns is the answer, unless it is None.
    """

    inner: Any
    method: str
    happens: Callable[[], Awaitable[ServiceAnswer | None]]

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        asked = getattr(self.inner, name)

        async def ask(*arguments: Any) -> Any:
            instead = await self.happens() if name == self.method else None
            return instead or await asked(*arguments)

        return ask


class Bench:
    """A tenant, a mailbox in it, and the app's own subscription to that mailbox."""

    def __init__(self, graph: GraphHere, mailbox: str) -> None:
        self.graph = graph
        self.mailbox = mailbox
        self.silent = 0
        """So many of the next questions get no answer."""
        self.trials = OutlookTrials(GraphClient(graph.url, graph.credential), graph.credential, _now)
        graph.standin.notifier.poster = self._answer

    async def own(self) -> str:
        """Make the app's own subscription."""
        wanted = WantedSubscription(self.mailbox, OWN, "state", _now() + LIFE)
        return await self.graph.calendar.subscriptions.create(wanted)

    @property
    def held(self) -> set[str]:
        """What there is."""
        return {each.id for each in self.graph.standin.subscriptions.active()}

    def context(self, trials: Any = None) -> tuple[CheckContext, TrialSubscriptions]:
        """What the check gets; it uses nothing else."""
        made = TrialSubscriptions(trials or self.trials, URL, self.mailbox, _now)
        nothing = cast("Any", None)
        context = CheckContext(
            nothing,
            CertifyOptions(self.mailbox, address=URL),
            nothing,
            made,
            _now,
            lambda: 0.0,
            lambda: "",
            no_pause,
            nothing,
            TelemetryCauses(),
            lambda _: None,
        )
        return context, made

    async def run(self, trials: Any = None) -> dict[str, CheckOutput]:
        """Make the check."""
        context, _ = self.context(trials)
        return {each.name: each async for each in CHECK.work(context)}

    async def watch(self) -> None:
        """A run of the deployed app's timer."""

        async def wanted() -> frozenset[str]:
            return frozenset({self.mailbox})

        own = self.graph.calendar.subscriptions
        address = WatchedAddress(URL, "scope")
        queue = FakeQueue()
        watch = Watch(
            own, wanted, FakeKeyring(), address, queue, now=_now, new_id=lambda: "1", chance=lambda: 1.0
        )
        await watch.run()

    async def _answer(self, url: str, body: bytes, seconds: float) -> Heard:
        assert not body, seconds
        if self.silent:
            self.silent -= 1
            raise TimeoutError
        (token,) = parse_qs(urlsplit(url).query)["validationToken"]
        return Heard(200, "text/plain", token)


def _now() -> datetime:
    return datetime.now(UTC)


def _values(found: dict[str, CheckOutput]) -> dict[str, str]:
    return {
        name: each.value if isinstance(each, Observation) else f"not tried: {each.why}"
        for name, each in found.items()
    }


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """A throwaway authority and a certificate for localhost."""
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
async def bench(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    """A Graph stand-in whose mailboxes may be subscribed to."""
    from tests.outlook.kit import MAILBOX, running_graph  # noqa: PLC0415 - after the SDK's noisy imports

    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority))
    async with running_graph(certificates, secrets.token_bytes(32)) as graph:
        made = Bench(graph, MAILBOX)
        try:
            yield made
        finally:
            await made.trials.aclose()


async def test_all_is_as_assumed_and_the_app_s_own_stays(bench: Bench) -> None:
    """One is made, listed, renewed and ended; that of the app to the same mailbox is as it was."""
    own = await bench.own()
    (before,) = bench.graph.standin.subscriptions.active()
    found = await bench.run()
    assert _values(found) == USUAL
    assert bench.graph.standin.subscriptions.active() == [before]
    assert before.id == own
    assert all(ASSUMPTIONS[name].expected.value == value for name, value in USUAL.items())


async def test_the_app_drops_what_it_reports(bench: Bench) -> None:
    """Its client state has no form of ours, so that not even the vault is asked; it names no key either."""
    _, made = bench.context()
    await made.make(LIFE)
    (held,) = bench.graph.standin.subscriptions.active()
    assert (held.client_state, held.changes) == (CLIENT_STATE, frozenset({"deleted"}))
    assert read_client_state(KEYS, "scope", held.client_state) is None
    assert held.notification_url == f"{URL}?k=certify"


async def test_the_shorter_bound_is_told_whatever_its_refusal_is_called(bench: Bench) -> None:
    """Public issues show `ExtensionError`; what counts is that the app's own request is taken."""
    bench.graph.configure(longest_subscription_minutes=4_230)
    refusal = {"error": {"code": "ExtensionError", "message": "can only be 4230 minutes in the future"}}
    bench.graph.standin.faults.add(Fault("/subscriptions$", "POST", status=400, body=refusal))
    found = await bench.run()
    assert _values(found) == {**USUAL, "subscription_life": "4230"}
    life = found["subscription_life"]
    assert isinstance(life, Observation)
    assert life.detail == "4200 minutes were granted, 10070 refused: 400 ExtensionError"
    assert bench.held == set()


async def test_it_is_found_on_any_page(bench: Bench) -> None:
    """The list is read to its end."""
    bench.graph.configure(subscription_page=1)
    await bench.own()
    listed = (await bench.run())["subscription_listed"]
    assert listed == Observation("subscription_listed", "listed", "on page 2")


async def test_an_app_that_wakes_slowly_is_asked_twice(bench: Bench) -> None:
    """The first question may come while nothing runs."""
    bench.silent = 1
    assert _values(await bench.run()) == USUAL


async def test_an_address_that_is_silent_is_a_finding_with_the_next_step(bench: Bench) -> None:
    """In plain words; the rest was not tried."""
    bench.silent = 9
    found = await bench.run()
    assert _values(found)["subscription_taken"] == "address_silent"
    result = AssumptionResult(ASSUMPTIONS["subscription_taken"], found["subscription_taken"])
    assert "NOTIFICATION_URL" in result.action
    others = {each.why for each in found.values() if isinstance(each, NotTried)}
    assert others == {"no subscription was made: 400 ValidationError"}
    assert found.keys() == USUAL.keys()


@pytest.mark.parametrize("kind", ["out of scope", "refusing"])
async def test_a_mailbox_that_takes_none_is_told(bench: Bench, kind: str) -> None:
    """With what to look at."""
    if kind == "refusing":
        bench.graph.standin.subscriptions.refusing.add(bench.mailbox)
    else:
        from tests.outlook.kit import DENIED_MAILBOX  # noqa: PLC0415 - as above

        bench.mailbox = DENIED_MAILBOX
    found = await bench.run()
    assert _values(found)["subscription_taken"] == "refused"
    assert "doctor" in AssumptionResult(ASSUMPTIONS["subscription_taken"], found["subscription_taken"]).action


async def test_a_busy_graph_is_no_finding(bench: Bench) -> None:
    """Throttling says nothing of subscriptions."""
    bench.graph.standin.faults.add(Fault("/subscriptions$", "POST", status=429, body=BUSY))
    found = await bench.run()
    assert all(isinstance(each, NotTried) for each in found.values())
    assert "run it again" in _values(found)["subscription_taken"]


@pytest.mark.parametrize("method", ["subscriptions", "prolong"])
async def test_one_that_the_watch_ends_meanwhile_is_made_once_more(bench: Bench, method: str) -> None:
    """The deployed app's own run is no finding; and it keeps its own subscription."""
    own = await bench.own()
    runs = 0

    async def once() -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            assert len(bench.held) == 2
            await bench.watch()
            assert bench.held == {own}

    assert _values(await bench.run(Meanwhile(bench.trials, method, once))) == USUAL
    assert bench.held == {own}


async def test_one_that_is_ended_each_time_is_not_told_as_an_answer_of_graph(bench: Bench) -> None:
    """What was not seen is said not to have been tried."""
    own = await bench.own()
    values = _values(await bench.run(Meanwhile(bench.trials, "prolong", bench.watch)))
    assert values["subscription_listed"] == "listed"
    assert "`watch`" in values["subscription_renewal"]
    assert values["gone_subscription"].startswith("not tried")
    assert bench.held == {own}


@pytest.mark.parametrize("method", ["prolong", "unsubscribe"])
async def test_a_lost_answer_leaves_nothing_behind(bench: Bench, method: str) -> None:
    """Whatever goes wrong, what was made is ended; its own find is by the list."""

    async def fails() -> ServiceAnswer:
        raise RefusedError(ServiceAnswer(400, "Strange"))

    own = await bench.own()
    with pytest.raises(RefusedError):
        await bench.run(Meanwhile(bench.trials, method, fails))
    if method == "prolong":
        assert bench.held == {own}
    else:  # it can't be ended, which the run tells in the end; the next run, or the watch, does it
        assert len(bench.held) == 2
        await bench.run()
        assert bench.held == {own}


async def test_one_that_comes_into_being_late_is_ended_with_the_run(bench: Bench) -> None:
    """The answer to its creation was lost, while Graph still asked the address."""

    async def fails() -> None:
        raise TransientError("no answer")

    context, made = bench.context(Meanwhile(bench.trials, "subscribe", fails))
    with pytest.raises(TransientError):
        await anext(CHECK.work(context))
    wanted = WantedSubscription(bench.mailbox, made.url, CLIENT_STATE, _now() + LIFE)
    assert (await bench.trials.subscribe(wanted, "deleted")).ok
    assert await made.sweep() is None
    assert bench.held == set()


async def test_an_interruption_leaves_nothing_behind(bench: Bench) -> None:
    """Ctrl-C while Graph asks the address, and after."""
    own = await bench.own()
    reached = asyncio.Event()

    async def waits() -> None:
        reached.set()
        await asyncio.Event().wait()

    context, _ = bench.context(Meanwhile(bench.trials, "prolong", waits))

    async def work() -> None:
        async for _ in CHECK.work(context):
            pass

    run = asyncio.create_task(work())
    await reached.wait()
    assert len(bench.held) == 2
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert bench.held == {own}


@pytest.mark.parametrize(
    ("method", "answer", "name", "seen"),
    [
        ("prolong", ServiceAnswer(400, "ValidationError"), "subscription_renewal", "refused"),
        ("prolong", ServiceAnswer(200), "subscription_renewal", "as_before"),
        ("prolong", ServiceAnswer(200), "gone_subscription", "taken_all_the_same"),
        ("prolong", ServiceAnswer(410, "Gone"), "gone_subscription", "410 Gone"),
        ("subscriptions", ServiceAnswer(200, body={"value": []}), "subscription_listed", "not_listed"),
        ("subscribe", ServiceAnswer(400, "Strange"), "subscription_taken", "400 Strange"),
        ("subscribe", ServiceAnswer(201), "subscription_taken", "201 without id or end"),
    ],
)
async def test_another_answer(bench: Bench, method: str, answer: ServiceAnswer, name: str, seen: str) -> None:
    """It is named as the register does, or told as it came when nobody knows it."""

    async def instead() -> ServiceAnswer:
        return answer

    assert _values(await bench.run(Meanwhile(bench.trials, method, instead)))[name] == seen


async def test_a_list_that_shows_the_client_state_is_told(bench: Bench) -> None:
    """Who reads the list could forge notifications then."""

    async def shown() -> ServiceAnswer:
        whole = await bench.trials.subscriptions()
        entries = [{**each, "clientState": CLIENT_STATE} for each in whole.body["value"]]
        return replace(whole, body={"value": entries})

    found = await bench.run(Meanwhile(bench.trials, "subscriptions", shown))
    assert _values(found)["subscription_listed"] == "with_its_state"


async def test_a_killed_run_s_is_ended_by_the_watch_or_by_purge(bench: Bench) -> None:
    """It notifies the app's address, and is none that the app wants."""
    for end in (bench.watch, lambda: end_all(bench.graph.calendar.subscriptions, URL)):
        own = await bench.own()
        await bench.context()[1].make(timedelta(days=7))
        await end()
        assert bench.held <= {own}


async def test_it_never_serves_in_place_of_the_app_s_own(bench: Bench) -> None:
    """Also while the key is changed: one of the key before serves until there is another one."""
    wanted = WantedSubscription(bench.mailbox, address_of(URL, "0" * 8), "state", _now() + LIFE)
    older = await bench.graph.calendar.subscriptions.create(wanted)
    await bench.context()[1].make(timedelta(days=6))
    bench.silent = 2
    await bench.watch()
    assert bench.held == {older}
