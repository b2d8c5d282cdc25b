"""The small Functions host, run as a process with sample apps, its queues in a real Azurite.

What it does with queues was seen on the real listener: WebJobs 3.0.48 with Extensions.Storage.Queues 5.3.10,
against Azurite 3.35.
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import ssl
import textwrap
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
import pytest_asyncio
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue.aio import QueueClient

from local.functions_host.keys import Keys
from local.processes import ManagedProcess, StartError
from local.stack.azurite import azurite, random_account
from local.stack.certificates import Certificates, make_certificates
from local.stack.launch import AppLaunch, host_process

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEYS = Keys(function="the-function-key", master="the-master-key")
HEADER = {"x-functions-key": KEYS.function}
MASTER = {"x-functions-key": KEYS.master}
PRELUDE = """
import asyncio, json, os, pathlib, threading, time
import azure.functions as func

app = func.FunctionApp()

def note(**event):
    with open(os.environ["EVENTS"], "a") as file:
        file.write(json.dumps(event) + "\\n")
"""


@dataclass(frozen=True)
class Storage:
    """An Azurite that runs, and the authority that its clients must trust."""

    connection: str
    certificates: Certificates

    @property
    def trust(self) -> str:
        """The authority's file."""
        return str(self.certificates.authority)

    @asynccontextmanager
    async def queue(self, name: str) -> AsyncIterator[QueueClient]:
        """A client of the queue, which is created when it is missing."""
        client = QueueClient.from_connection_string(self.connection, name, connection_verify=self.trust)
        async with client:
            try:
                await client.get_queue_properties()
            except ResourceNotFoundError:
                await client.create_queue()
            yield client


@dataclass(frozen=True)
class SampleApp:
    """A function app in a folder, and what its functions noted."""

    folder: Path
    storage: Storage
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def events(self) -> list[dict[str, Any]]:
        """What the functions noted so far."""
        file = self.folder / "events"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def write(self, code: str, queues: Mapping[str, object] | None = None) -> None:
        """Write the app's code and its host.json."""
        (self.folder / "function_app.py").write_text(PRELUDE + textwrap.dedent(code))
        host = {"version": "2.0", "extensions": {"queues": queues or {}}}
        (self.folder / "host.json").write_text(json.dumps(host))

    def host(
        self, *, tls: bool = False, hidden_seconds: int = 600, http_concurrency: int = 1
    ) -> ManagedProcess:
        """The host that runs the app."""
        settings = {
            "AzureWebJobsStorage": self.storage.connection,
            "EVENTS": str(self.folder / "events"),
            "SSL_CERT_FILE": self.storage.trust,
            **self.settings,
        }
        certificates = self.storage.certificates if tls else None
        launch = AppLaunch(
            self.folder,
            settings,
            KEYS,
            certificates,
            hidden_seconds=hidden_seconds,
            http_concurrency=http_concurrency,
        )
        return host_process(launch, "own")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def storage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Storage]:
    """One Azurite for all tests here; each uses queues of its own."""
    certificates = make_certificates(tmp_path_factory.mktemp("tls"))
    async with azurite(certificates, random_account()) as process:
        yield Storage(process.url, certificates)


@pytest.fixture
def app(tmp_path: Path, storage: Storage) -> SampleApp:
    """An app not yet written."""
    return SampleApp(tmp_path, storage)


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until the condition holds; pytest's timeout ends it when it never does."""
    while not condition():  # noqa: ASYNC110 - another process changes it, so there is no event to wait for
        await asyncio.sleep(0.05)


async def bodies(queue: QueueClient, count: int) -> list[str]:
    """The bodies of the queue, once it has so many messages."""
    while len(found := await queue.peek_messages(max_messages=32)) < count:  # noqa: ASYNC110 - as above
        await asyncio.sleep(0.05)
    return [str(message.content) for message in found]


async def is_empty(queue: QueueClient) -> bool:
    """Whether the queue has no message, hidden ones included."""
    return (await queue.get_queue_properties()).approximate_message_count == 0


async def emptied(queue: QueueClient) -> None:
    """Wait until the queue is empty."""
    while not await is_empty(queue):  # noqa: ASYNC110 - as above
        await asyncio.sleep(0.05)


def encoded(text: str) -> str:
    """As a producer has to send it when messageEncoding is base64."""
    return base64.b64encode(text.encode()).decode()


async def call(
    method: str, url: str, *, headers: dict[str, str] | None = None, body: bytes = b"", tls: Any = True
) -> tuple[int, str, dict[str, str]]:
    """Status, text and headers of an answer."""
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, headers=headers, data=io.BytesIO(body), ssl=tls) as response,
    ):
        return response.status, await response.text(), dict(response.headers)


HTTP_APP = """
@app.route("things/{number:int}", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
def things(req: func.HttpRequest) -> func.HttpResponse:
    seen = {
        "method": req.method, "number": req.route_params["number"], "query": req.params.get("q"),
        "header": req.headers.get("X-Test"), "body": req.get_body().decode(),
    }
    return func.HttpResponse(
        json.dumps(seen), status_code=202, mimetype="application/json", headers={"X-Answer": "yes"}
    )

@app.route("open", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def open_to_all(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    return func.HttpResponse(context.function_name)

@app.route("masters", methods=["GET"], auth_level=func.AuthLevel.ADMIN)
def masters(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("in")

@app.route("fails", auth_level=func.AuthLevel.ANONYMOUS)
async def fails(req: func.HttpRequest) -> func.HttpResponse:
    raise RuntimeError("a detail that nobody outside may read")

@app.route("wrong", auth_level=func.AuthLevel.ANONYMOUS)
def wrong(req: func.HttpRequest) -> func.HttpResponse:
    return {"not": "a response"}
"""


async def test_http_requests_reach_functions_by_route_method_and_key(app: SampleApp) -> None:
    """Routes, methods and keys decide as in Azure, and the function sees a real HttpRequest; all over TLS."""
    app.write(HTTP_APP)
    async with app.host(tls=True) as host:
        tls = ssl.create_default_context(cafile=app.storage.trust)

        async def ask(method: str, path: str, **more: Any) -> tuple[int, str, dict[str, str]]:
            return await call(method, host.url + path, tls=tls, **more)

        headers = {**HEADER, "X-Test": "t"}
        status, text, answer = await ask("POST", "/api/things/7?q=1", headers=headers, body=b"hello")
        assert (status, answer["X-Answer"]) == (202, "yes")
        assert answer["Content-Type"].startswith("application/json")
        expected = {"method": "POST", "number": "7", "query": "1", "header": "t", "body": "hello"}
        assert json.loads(text) == expected

        statuses = {
            "key in the query": (await ask("POST", f"/api/things/7?code={KEYS.function}"))[0],
            "master key": (await ask("POST", "/api/things/7", headers=MASTER))[0],
            "no key": (await ask("POST", "/api/things/7"))[0],
            "wrong key": (await ask("POST", "/api/things/7", headers={"x-functions-key": "wröng"}))[0],
            "wrong method": (await ask("GET", "/api/things/7", headers=HEADER))[0],
            "no such route": (await ask("POST", "/api/nothing", headers=HEADER))[0],
            "constraint": (await ask("POST", "/api/things/seven", headers=HEADER))[0],
            "without prefix": (await ask("POST", "/things/7", headers=HEADER))[0],
            "function key for admin": (await ask("GET", "/api/masters", headers=HEADER))[0],
            "master key for admin": (await ask("GET", "/api/masters", headers=MASTER))[0],
        }
        assert statuses == {
            "key in the query": 202,
            "master key": 202,
            "no key": 401,
            "wrong key": 401,
            "wrong method": 405,
            "no such route": 404,
            "constraint": 404,
            "without prefix": 404,
            "function key for admin": 401,
            "master key for admin": 200,
        }
        assert (await ask("GET", "/API/Open"))[:2] == (200, "open_to_all")
        assert (await ask("GET", "/api/fails"))[:2] == (500, "")
        assert (await ask("GET", "/api/wrong"))[:2] == (500, "")
    assert any("a detail that nobody outside may read" in line for line in host.tail)


async def test_a_body_beyond_100_megabytes_is_refused(app: SampleApp) -> None:
    """The documented limit of the HTTP trigger holds."""
    app.write(HTTP_APP)
    async with app.host() as host:
        body = bytes(100 * 1024 * 1024 + 1)
        assert (await call("POST", f"{host.url}/api/things/1", headers=HEADER, body=body))[0] == 413


@pytest.mark.assumes("queue_wakes")
async def test_a_message_is_handed_over_decoded_with_its_properties(app: SampleApp) -> None:
    """A function gets a real QueueMessage with the decoded body, and success removes the message."""
    app.settings["QUEUE"] = "handed-over"
    app.write("""
        @app.queue_trigger("message", "%QUEUE%", "AzureWebJobsStorage")
        def work(message: func.QueueMessage) -> None:
            note(
                type=type(message).__module__, id=message.id, count=message.dequeue_count,
                body=message.get_body().decode(), json=message.get_json(), pop=message.pop_receipt,
                inserted=message.insertion_time.isoformat(), expires=message.expiration_time.isoformat(),
                visible=message.time_next_visible.isoformat(),
            )
    """)
    async with app.host(), app.storage.queue("handed-over") as queue:
        sent = await queue.send_message(encoded('{"grüße": 1}'))
        await eventually(lambda: len(app.events) == 1)
        await emptied(queue)
    [event] = app.events
    assert event["type"] == "azure.functions.queue"
    assert (event["id"], event["count"], event["json"]) == (sent.id, 1, {"grüße": 1})
    assert event["inserted"] < event["visible"] < event["expires"]
    assert event["pop"]


RETRY_APP = """
    @app.queue_trigger("message", "%QUEUE%", "AzureWebJobsStorage")
    async def work(message: func.QueueMessage) -> None:
        note(body=message.get_body().decode(), count=message.dequeue_count, at=time.time())
        if not message.get_body().startswith(b"good") and message.dequeue_count < int(os.environ["GOOD_AT"]):
            raise RuntimeError("a failed try")
"""


async def test_failures_are_retried_and_end_in_the_poison_queue(app: SampleApp) -> None:
    """A failing message is tried maxDequeueCount times, then moved, body untouched, to <queue>-poison."""
    app.settings.update(QUEUE="always-fails", GOOD_AT="99")
    app.write(RETRY_APP, {"maxDequeueCount": 3, "maxPollingInterval": "00:00:00.2"})
    async with (
        app.host(),
        app.storage.queue("always-fails") as queue,
        app.storage.queue("always-fails-poison") as poison,
    ):
        await queue.send_message(encoded("bad"))
        await queue.send_message(encoded("good"))
        await queue.send_message("no base64!")
        assert sorted(await bodies(poison, 2)) == sorted([encoded("bad"), "no base64!"])
        await emptied(queue)
    assert [event["count"] for event in app.events if event["body"] == "bad"] == [1, 2, 3]
    assert [event["count"] for event in app.events if event["body"] == "good"] == [1]


@pytest.mark.assumes("host_dead_letters")
async def test_what_the_host_poisons_expires_after_seven_days(app: SampleApp) -> None:
    """The real host sends it without a time to live (azure-webjobs-sdk-extensions, issue 891)."""
    app.settings.update(QUEUE="expires", GOOD_AT="99")
    app.write(RETRY_APP, {"maxDequeueCount": 1, "maxPollingInterval": "00:00:00.2"})
    async with (
        app.host(),
        app.storage.queue("expires") as queue,
        app.storage.queue("expires-poison") as poison,
    ):
        await queue.send_message(encoded("bad"), time_to_live=-1)
        await queue.send_message("no base64!", time_to_live=-1)
        await bodies(poison, 2)
        for message in await poison.peek_messages(max_messages=2):
            assert message.inserted_on is not None
            assert message.expires_on == message.inserted_on + timedelta(days=7)


@pytest.mark.parametrize("body", ["no base64!", "{}", "YWJ", "grüße"])
async def test_what_is_no_base64_is_poisoned_at_once(app: SampleApp, body: str) -> None:
    """Its raw text is moved without one invocation, and the host's log has the real host's two warnings."""
    name = f"raw-{'-'.join(str(ord(letter)) for letter in body[:3])}"
    app.settings.update(QUEUE=name, GOOD_AT="99")
    app.write(RETRY_APP, {"maxPollingInterval": "00:00:00.2", "visibilityTimeout": "01:00:00"})
    async with (
        app.host() as host,
        app.storage.queue(name) as queue,
        app.storage.queue(f"{name}-poison") as poison,
    ):
        sent = await queue.send_message(body)
        assert await bodies(poison, 1) == [body]
        await emptied(queue)
        (message,) = await poison.peek_messages()
        assert message.dequeue_count == 0
    assert app.events == []
    for words in (
        f"Message decoding has failed! Check MessageEncoding settings. MessageId={sent.id}",
        f"Message has reached MaxDequeueCount of 5. Moving message to queue '{name}-poison'.",
    ):
        (line,) = [line for line in host.tail if words in line]
        assert line.startswith("WARNING ")


async def test_white_space_in_base64_is_passed_over(app: SampleApp) -> None:
    """As .NET reads it: producers that wrap lines are understood."""
    app.settings.update(QUEUE="wrapped", GOOD_AT="1")
    app.write(RETRY_APP, {"maxPollingInterval": "00:00:00.2"})
    async with app.host(), app.storage.queue("wrapped") as queue:
        await queue.send_message("Z29v\r\n ZA==\t")
        await emptied(queue)
    assert [event["body"] for event in app.events] == ["good"]


async def test_a_missing_change_queue_is_waited_for_and_not_created(app: SampleApp) -> None:
    """The listener polls on with a warning each time, and works as soon as somebody makes the queue."""
    app.settings.update(QUEUE="not-yet", GOOD_AT="1")
    app.write(RETRY_APP, {"maxPollingInterval": "00:00:00.2"})
    client = QueueClient.from_connection_string(
        app.storage.connection, "not-yet", connection_verify=app.storage.trust
    )
    words = "WARNING local.functions_host.queue: polling not-yet failed: ResourceNotFoundError"
    async with client, app.host() as host:
        await eventually(lambda: sum(line == words for line in host.tail) > 2)
        with pytest.raises(ResourceNotFoundError):
            await client.get_queue_properties()
        await client.create_queue()
        await client.send_message(encoded("good"))
        await emptied(client)
    assert [event["body"] for event in app.events] == ["good"]


@pytest.mark.parametrize("concurrency", [1, 3])
@pytest.mark.assumes("webhooks_at_once")
async def test_no_more_requests_are_in_work_than_the_instance_takes(app: SampleApp, concurrency: int) -> None:
    """Further ones wait for their turn, over all HTTP functions together; the default for Python is one."""
    app.write("""
        running = 0

        async def serve() -> func.HttpResponse:
            global running
            running += 1
            note(running=running)
            await asyncio.sleep(0.05)
            running -= 1
            return func.HttpResponse("done")

        @app.route("one", auth_level=func.AuthLevel.ANONYMOUS)
        async def one(req: func.HttpRequest) -> func.HttpResponse:
            return await serve()

        @app.route("two", auth_level=func.AuthLevel.ANONYMOUS)
        async def two(req: func.HttpRequest) -> func.HttpResponse:
            return await serve()
    """)
    async with app.host(http_concurrency=concurrency) as host:
        paths = ["one", "two"] * 4
        answers = await asyncio.gather(*(call("POST", f"{host.url}/api/{path}") for path in paths))
    assert [status for status, _, _ in answers] == [200] * 8
    assert max(event["running"] for event in app.events) == concurrency


async def test_the_poison_queue_is_created_when_it_is_missing(app: SampleApp) -> None:
    """The first poisoned message creates the queue that it is moved to, right after its last try."""
    app.settings.update(QUEUE="first-poison", GOOD_AT="99")
    queues = {"maxDequeueCount": 1, "messageEncoding": "none", "visibilityTimeout": "01:00:00"}
    app.write(RETRY_APP, queues)
    async with app.host(), app.storage.queue("first-poison") as queue:
        await queue.send_message("<plain & simple>")
        await emptied(queue)
    async with app.storage.queue("first-poison-poison") as poison:
        assert await bodies(poison, 1) == ["<plain & simple>"]
    assert [event["body"] for event in app.events] == ["<plain & simple>"]


async def test_a_failed_message_stays_hidden_for_the_visibility_timeout(app: SampleApp) -> None:
    """After a failure the message comes back no sooner than visibilityTimeout, and may then succeed."""
    app.settings.update(QUEUE="comes-back", GOOD_AT="2")
    app.write(RETRY_APP, {"visibilityTimeout": "00:00:01", "maxPollingInterval": "00:00:00.1"})
    async with app.host(), app.storage.queue("comes-back") as queue:
        await queue.send_message(encoded("bad"))
        await emptied(queue)
    first, second = app.events
    # Never too soon; how late it may come depends on the machine, so nothing is said of that.
    assert second["at"] - first["at"] >= 0.9


async def test_no_more_messages_are_in_work_than_batch_and_threshold(app: SampleApp) -> None:
    """At most batchSize + newBatchThreshold messages are in work, and coroutines share one loop."""
    app.settings["QUEUE"] = "many"
    app.write(
        """
        running = 0

        @app.queue_trigger("message", "%QUEUE%", "AzureWebJobsStorage")
        async def work(message: func.QueueMessage) -> None:
            global running
            running += 1
            note(running=running, thread=threading.get_ident(), loop=id(asyncio.get_running_loop()))
            while not pathlib.Path(os.environ["EVENTS"] + ".go").exists():
                await asyncio.sleep(0.02)
            await asyncio.sleep(0.05)
            running -= 1
        """,
        {"batchSize": 4, "newBatchThreshold": 2, "maxPollingInterval": "00:00:00.1"},
    )
    async with app.storage.queue("many") as queue:
        for number in range(12):
            await queue.send_message(encoded(str(number)))
        async with app.host():
            await eventually(lambda: len(app.events) >= 4)
            (app.folder / "events.go").touch()
            await emptied(queue)
    assert len(app.events) == 12
    assert 4 <= max(event["running"] for event in app.events) <= 6
    assert len({event["thread"] for event in app.events}) == 1
    assert len({event["loop"] for event in app.events}) == 1


async def test_plain_functions_run_beside_each_other_in_threads(app: SampleApp) -> None:
    """Blocking `def` functions don't wait for each other."""
    app.settings["QUEUE"] = "threads"
    app.write("""
        together = threading.Barrier(2, timeout=20)

        @app.queue_trigger("message", "%QUEUE%", "AzureWebJobsStorage")
        def work(message: func.QueueMessage) -> None:
            together.wait()
            note(thread=threading.get_ident())
    """)
    async with app.storage.queue("threads") as queue:
        await queue.send_message(encoded("1"))
        await queue.send_message(encoded("2"))
        async with app.host():
            await eventually(lambda: len(app.events) == 2)
    assert len({event["thread"] for event in app.events}) == 2


SLOW_APP = """
    @app.queue_trigger("message", "%QUEUE%", "AzureWebJobsStorage")
    async def work(message: func.QueueMessage) -> None:
        note(started=message.dequeue_count)
        await asyncio.sleep(float(os.environ["SECONDS"]))
        note(finished=message.dequeue_count)
"""


async def test_a_message_in_work_stays_hidden_as_long_as_it_takes(app: SampleApp) -> None:
    """A function that takes longer than its message is hidden gets it only once, since the host renews."""
    app.settings.update(QUEUE="renewed", SECONDS="2.6")
    app.write(SLOW_APP, {"maxPollingInterval": "00:00:00.1"})
    async with app.host(hidden_seconds=2), app.storage.queue("renewed") as queue:
        await queue.send_message(encoded("slow"))
        await emptied(queue)
    assert app.events == [{"started": 1}, {"finished": 1}]


async def test_a_stop_lets_a_running_function_finish(app: SampleApp) -> None:
    """SIGTERM ends the host only when what it was doing is done, and the message is gone then."""
    app.settings.update(QUEUE="drained", SECONDS="0.7")
    app.write(SLOW_APP)
    async with app.storage.queue("drained") as queue:
        host = app.host()
        await host.start()
        await queue.send_message(encoded("slow"))
        await eventually(lambda: app.events == [{"started": 1}])
        assert await host.stop() == 0
        assert app.events == [{"started": 1}, {"finished": 1}]
        assert await is_empty(queue)


async def test_a_killed_host_leaves_the_message_to_the_next_one(app: SampleApp) -> None:
    """What a crash interrupts is delivered again, with a higher dequeue count, once it shows again."""
    app.settings.update(QUEUE="crashed", SECONDS="0.5")
    app.write(SLOW_APP, {"maxPollingInterval": "00:00:00.1"})
    async with app.storage.queue("crashed") as queue:
        first = app.host(hidden_seconds=1)
        await first.start()
        await queue.send_message(encoded("slow"))
        await eventually(lambda: app.events == [{"started": 1}])
        first.kill()
        await first.wait()
        async with app.host(hidden_seconds=2):
            await emptied(queue)
    assert app.events == [{"started": 1}, {"started": 2}, {"finished": 2}]


async def test_timers_run_on_schedule_at_startup_and_on_demand(app: SampleApp) -> None:
    """Timers run when due, at startup, and on demand with the master key; failures don't end them."""
    app.settings["SCHEDULE"] = "* * * * * *"
    app.write("""
        @app.timer_trigger("timer", "%SCHEDULE%")
        async def every_second(timer: func.TimerRequest) -> None:
            note(name="every_second", past_due=timer.past_due, keys=sorted(timer.schedule_status))
            raise RuntimeError("a failed run")

        @app.timer_trigger("timer", "0 0 0 1 1 *", run_on_startup=True)
        def at_startup(timer: func.TimerRequest) -> None:
            note(name="at_startup")

        @app.timer_trigger("timer", "0 0 0 1 1 *")
        def on_demand(timer: func.TimerRequest) -> None:
            note(name="on_demand")
    """)

    def names() -> list[str]:
        return [event["name"] for event in app.events]

    async with app.host() as host:
        url, body = f"{host.url}/admin/functions/on_demand", b'{"input": ""}'
        assert (await call("POST", url, body=body))[0] == 401
        assert (await call("POST", url, headers=HEADER, body=body))[0] == 401
        assert (await call("POST", url, headers=MASTER))[0] == 400
        assert (await call("POST", url + "x", headers=MASTER, body=body))[0] == 404
        assert (await call("POST", url, headers=MASTER, body=body))[0] == 202
        await eventually(lambda: names().count("every_second") >= 2 and "on_demand" in names())
    assert names().count("on_demand") == 1
    assert names().count("at_startup") == 1
    event = next(event for event in app.events if event["name"] == "every_second")
    assert (event["past_due"], event["keys"]) == (False, ["Last", "LastUpdated", "Next"])


async def test_a_timer_whose_schedule_is_refused_is_left_out(app: SampleApp) -> None:
    """The app runs on without it, and only the host's log says why."""
    app.write("""
        @app.timer_trigger("timer", "0 0 2 * * 7", run_on_startup=True)
        def refused(timer: func.TimerRequest) -> None:
            note(name="refused")

        @app.timer_trigger("timer", "0 0 2 31 2 *", run_on_startup=True)
        def never(timer: func.TimerRequest) -> None:
            note(name="never", due=timer.schedule_status["Next"])
    """)
    async with app.host() as host:
        url, body = f"{host.url}/admin/functions", b'{"input": ""}'
        await eventually(lambda: bool(app.events))
        assert (await call("POST", f"{url}/refused", headers=MASTER, body=body))[0] == 404
        assert (await call("POST", f"{url}/never", headers=MASTER, body=body))[0] == 202
        await eventually(lambda: len(app.events) == 2)
    assert {event["name"] for event in app.events} == {"never"}
    assert {event["due"][:4] for event in app.events} == {"9999"}
    words = "The function refused is not loaded: '0 0 2 * * 7' is no NCRONTAB expression: day of week is 7"
    assert sum(words in line for line in host.tail) == 1


OUTPUT_APP = """
@app.route("x")
@app.queue_output("out", "some-queue", "AzureWebJobsStorage")
def x(req: func.HttpRequest, out: func.Out[str]) -> func.HttpResponse:
    return func.HttpResponse("")
"""


@pytest.mark.parametrize(
    ("code", "queues", "words"),
    [
        ("", {}, "registers no function"),
        (HTTP_APP + "\nother = func.FunctionApp()", {}, "exactly one FunctionApp"),
        (RETRY_APP, {}, "app setting QUEUE, which is missing"),
        (OUTPUT_APP, {}, "this host has no binding queue"),
        (HTTP_APP, {"batchSize": 33}, "batchSize must be a whole number"),
    ],
)
async def test_what_cannot_run_stops_the_start_with_a_reason(
    app: SampleApp, code: str, queues: dict[str, object], words: str
) -> None:
    """An app, host.json or settings that can't be used end the host with one clear line."""
    app.write(code, queues)
    with pytest.raises(StartError, match=words):
        await app.host().start()


async def test_the_app_is_started_under_the_core_tools(
    app: SampleApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`func start` runs in the app's folder with the settings, ready once it has listed the functions."""
    tool = tmp_path / "func"
    tool.write_text(
        '#!/bin/sh\necho "$PWD $1 $2 $FUNCTIONS_WORKER_RUNTIME $A_SETTING"\n'
        'echo "For detailed output, run func with --verbose flag."\nexec sleep 60\n'
    )
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    launch = AppLaunch(app.folder, {"A_SETTING": "its-value"}, KEYS, port=12345)
    async with host_process(launch, "func") as host:
        assert host.url == "http://localhost:12345"
        assert host.tail[0] == f"{app.folder} start --port python its-value"
