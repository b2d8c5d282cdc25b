"""A bad setting and a running app: changes come in and wait, and are worked off once it is mended."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from azure.storage.queue.aio import QueueServiceClient

from booking_sync.azure.storage.blob_texts import open_text_store
from booking_sync.domain.environment.watched import RelatedTable
from booking_sync.domain.messages.change import BookingChange, RelatedChange, encode_change, encode_related
from booking_sync.errors import SettingsError
from booking_sync.plumbing.http.answer import HttpAnswer
from booking_sync.ports.platform.texts import TextStore
from booking_sync.settings.loading import load_settings
from booking_sync.sync.worker import MAX_DEQUEUE_COUNT
from booking_sync.wiring.app import Application
from local.stack import booking_webhook
from tests.doctor.deployment import Deployment, open_deployment
from tests.settings.cases import ENVIRON, GRAPH, ROWS, Refused, Taken

pytestmark = pytest.mark.asyncio(loop_scope="module")

WORK_ORDER = "5c7d2a90-2222-4222-8333-44445555abcd"
LONG_AGO = datetime.now(UTC) - timedelta(days=3)
"""Older than any message may become that the services keep waiting."""
CHANGES = [name for name in ROWS if name not in ("AzureWebJobsStorage", "BOOKING_QUEUE_NAME")]
"""Settings that are not needed to reach the queue."""
ELSEWHERE = (
    "KEY_VAULT_URL",
    "KEY_VAULT_VERIFY_CHALLENGE",
    "AZURE_AUTHORITY_HOST",
    "DATAVERSE_URL",
    "GRAPH_URL",
)
"""Another value of these leads away from the stack, into the internet."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def deployment(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Deployment]:
    """A provisioned stack whose app is made by the tests, in this process."""
    async with open_deployment(tmp_path_factory.mktemp("stack")) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def mended(deployment: Deployment) -> AsyncIterator[Application]:
    """The app with its settings in order, as it starts when they are saved."""
    app = Application(deployment.environ)
    yield app
    await app.aclose()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def texts(deployment: Deployment) -> AsyncIterator[TextStore]:
    """Where each app that a test makes leaves a journal, which the next one lists."""
    store = open_text_store(load_settings(deployment.environ).storage)
    assert store is not None
    async with contextlib.aclosing(store):
        yield store


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def empty_storage(deployment: Deployment, texts: TextStore) -> AsyncIterator[None]:
    """Neither messages nor journals are left to the next test."""
    yield
    await texts.drop("instances/", datetime.now(UTC) + timedelta(hours=1))
    await deployment.stack.queue._changes.clear_messages()  # noqa: SLF001 - a test's own clearing away


def change_of(booking_id: str) -> str:
    """A message about a booking that came in long ago."""
    return encode_change(BookingChange(booking_id, "c", LONG_AGO))


async def tell(app: Application, deployment: Deployment) -> HttpAnswer:
    """A webhook about some booking of the stack's organisation."""
    body = booking_webhook(deployment.stack.identities, "Update", WORK_ORDER)
    return await app.receive(json.dumps(body).encode(), {})


def mistakes(name: str, environ: dict[str, str]) -> list[dict[str, str]]:
    """The stack's settings with each mistake that can be made with this one."""
    of_the_table = {**ENVIRON, "GRAPH_URL": GRAPH}
    made = []
    for case in ROWS[name].all_of(Refused):
        assert isinstance(case, Refused)
        # What another setting has in the table, it has here by another value.
        shared = [each for each, text in of_the_table.items() if text == case.text.lower()]
        text = environ[shared[0]] if shared else case.text
        made.append({**environ, name: text, **case.others})
    return [each for each in made if not _is_in_order(each)]


def _is_in_order(environ: dict[str, str]) -> bool:
    try:
        load_settings(environ)
    except SettingsError:
        return False
    return True


@pytest.mark.parametrize("name", CHANGES)
async def test_changes_wait_for_a_setting_to_be_mended(
    name: str, deployment: Deployment, mended: Application
) -> None:
    """A message on its last delivery, days old, is put back; webhooks are taken; then the event is made."""
    queue = deployment.stack.queue
    message = change_of(await deployment.book())
    related = encode_related(RelatedChange(RelatedTable.WORK_ORDER, WORK_ORDER, "c", LONG_AGO))
    made = mistakes(name, dict(deployment.environ))
    assert made
    for environ in made:
        app = Application(environ)
        before = await queue.waiting()
        await app.worker.handle(message, MAX_DEQUEUE_COUNT)
        await app.worker.handle(related, MAX_DEQUEUE_COUNT)
        answer = await tell(app, deployment)
        await app.aclose()
        assert answer.status == 202
        assert await queue.waiting() == before + 3
        assert await queue.poisoned() == 0

    events = len(await deployment.stack.graph.events())
    await mended.worker.handle(message, 1)
    assert len(await deployment.stack.graph.events()) == events + 1


@pytest.mark.parametrize("name", sorted(set(CHANGES) - set(ELSEWHERE)))
async def test_what_passes_the_check_starts_the_app(name: str, deployment: Deployment) -> None:
    """Nothing that is made of a value that was taken fails over it; the change is worked off, or waits."""
    texts = [ROWS[name].good, *(each.text for each in ROWS[name].all_of(Taken) if isinstance(each, Taken))]
    for text in texts:
        app = Application({**deployment.environ, name: text})
        await app.worker.handle(
            encode_change(BookingChange(await deployment.book(), "c", datetime.now(UTC))), 1
        )
        await app.aclose()
        assert await deployment.stack.queue.poisoned() == 0


@pytest.mark.parametrize("text", ["q" * 57, "q" * 63])
async def test_a_queue_whose_poison_queue_can_have_no_name_is_used_to_wait(
    text: str, deployment: Deployment
) -> None:
    """Azure's limit leaves room for the one, so what comes in is kept on it."""
    app = Application({**deployment.environ, "BOOKING_QUEUE_NAME": text})
    answer = await tell(app, deployment)
    await app.worker.handle(change_of(await deployment.book()), MAX_DEQUEUE_COUNT)
    await app.aclose()
    storage = deployment.environ["AzureWebJobsStorage"]
    async with QueueServiceClient.from_connection_string(storage) as service:
        queue = await service.get_queue_client(text).get_queue_properties()
    assert (answer.status, queue.approximate_message_count) == (202, 2)


@pytest.mark.parametrize(
    "settings",
    [
        {"AzureWebJobsStorage": ""},
        {"AzureWebJobsStorage": "AccountName=contoso"},
        {"BOOKING_QUEUE_NAME": "Booking_Changes"},
        {"AzureWebJobsStorage": "", "AzureWebJobsStorage__queueServiceUri": "queues"},
    ],
)
async def test_without_a_queue_nothing_is_acknowledged(
    settings: dict[str, str], deployment: Deployment
) -> None:
    """The host delivers the message again, and Dataverse the webhook; both are told why."""
    app = Application({**deployment.environ, **settings})
    with pytest.raises(SettingsError, match=next(iter(settings))):
        await app.worker.handle(change_of(await deployment.book()), MAX_DEQUEUE_COUNT)
    answer = await tell(app, deployment)
    assert (answer.status, answer.headers) == (503, {"Retry-After": "60"})
    assert next(iter(settings)) in answer.payload["error"]
    assert await deployment.stack.queue.poisoned() == 0


async def test_a_setting_that_is_mended_without_a_restart_is_taken_as_well(deployment: Deployment) -> None:
    """The environment is read again at each try to start, a second or so after the last one."""
    environ = {**deployment.environ, "SYNC_STATE_COLUMN": "name"}
    app = Application(environ)
    message = change_of(await deployment.book())
    await app.worker.handle(message, 1)
    del environ["SYNC_STATE_COLUMN"]
    events = len(await deployment.stack.graph.events())
    async with asyncio.timeout(30):
        while len(await deployment.stack.graph.events()) == events:
            await app.worker.handle(message, 1)
    await app.aclose()
    assert await deployment.stack.queue.poisoned() == 0


async def test_what_nobody_foresaw_at_the_start_costs_no_message(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The start fails for all messages alike, so that none is at fault; the log tells where it happened."""
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "none of the SDK's")  # which raises a ValueError for it
    app = Application(deployment.environ)
    await app.worker.handle(change_of(await deployment.book()), MAX_DEQUEUE_COUNT)
    await app.aclose()
    assert await deployment.stack.queue.waiting() == 1
    assert await deployment.stack.queue.poisoned() == 0
    assert '"event":"unexpected_error"' in caplog.text
