"""One process of the function app that takes webhooks, against real Azurite; see `benchmarks.speed.webhook`.

`python -m benchmarks.probes.webhook cost|throughput|memory <count>`; the environment holds the app settings.
"""

from __future__ import annotations

import asyncio
import functools
import json
import logging
import os
import sys
import time
import uuid
from typing import TYPE_CHECKING, Any

import azure.functions as func
import psutil
from azure.storage.queue import TextBase64EncodePolicy
from azure.storage.queue.aio import QueueServiceClient

import function_app
from booking_sync.azure.connections import client_options
from booking_sync.azure.storage.queue import NEVER_EXPIRES, StorageChangeQueue
from booking_sync.domain.messages.change import BookingChange, encode_change
from booking_sync.settings.loading import load_queue_settings, load_receiver_settings
from booking_sync.settings.registration import queue_name
from booking_sync.sync.webhook.receiver import Receiver
from booking_sync.wiring.app import application
from booking_sync.wiring.basics import new_id, now

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Generator

    from azure.storage.queue.aio import QueueClient

CONCURRENCIES = (1, 8, 32)
MEMORY_CONCURRENCY = 8
MEMORY_SAMPLES = 80
ACCEPTED = 202
BOOKING_SETTINGS = 60
"""Attributes of a booking as a webhook carries it: a few dozen, most of them never looked at."""


def webhook_body(booking_id: str) -> bytes:
    """A Create as Dataverse posts it, of a common size (about 10 KB)."""
    attributes: list[dict[str, Any]] = [
        {"key": f"msdyn_column{number}", "value": {"__type": "OptionSetValue", "Value": number}}
        for number in range(BOOKING_SETTINGS)
    ]
    attributes.append({"key": "msdyn_workorder", "value": {"Id": str(uuid.uuid4()), "LogicalName": "x"}})
    target = {"__type": "Entity:http://schemas.microsoft.com/xrm/2011/Contracts", "Attributes": attributes}
    return json.dumps(
        {
            "MessageName": "Create",
            "PrimaryEntityName": "bookableresourcebooking",
            "PrimaryEntityId": booking_id,
            "OrganizationId": os.environ["DATAVERSE_ORGANIZATION_ID"],
            "InitiatingUserId": str(uuid.uuid4()),
            "CorrelationId": str(uuid.uuid4()),
            "InputParameters": [{"key": "Target", "value": target}],
            "PreEntityImages": [],
            "PostEntityImages": [{"key": "AsynchronousStepPrimaryName", "value": {"Attributes": attributes}}],
        }
    ).encode()


def webhook() -> func.HttpRequest:
    """What the host hands to the function."""
    return func.HttpRequest(
        "POST",
        "https://localhost/api/dataverse/bookings",
        headers={"Content-Type": "application/json; charset=utf-8"},
        body=webhook_body(str(uuid.uuid4())),
    )


async def through_function() -> None:
    """One webhook through the registered function."""
    check(await call_function(webhook()))


def check(answer: func.HttpResponse) -> None:
    """Refuse to measure failures.

    Raises:
        RuntimeError: the webhook was not queued.
    """
    if answer.status_code != ACCEPTED or b'"queued"' not in answer.get_body():
        raise RuntimeError(f"the webhook was answered {answer.status_code} {answer.get_body()!r}")


class Stepped:
    """Awaits a coroutine and adds up the time that its own steps take, as against its waiting.

    Args:
        work: what to await; its result is this one's.
    """

    def __init__(self, work: Coroutine[Any, Any, Any]) -> None:
        self._work = work
        self.seconds = 0.0

    def __await__(self) -> Generator[Any, Any, Any]:
        resume: Callable[[], Any] = functools.partial(self._work.send, None)
        while True:
            started = time.perf_counter()
            try:
                waits_for = resume()
            except StopIteration as end:
                return end.value
            finally:
                self.seconds += time.perf_counter() - started
            try:
                resume = functools.partial(self._work.send, (yield waits_for))
            except BaseException as error:  # noqa: BLE001 - the coroutine's own to handle
                resume = functools.partial(self._work.throw, error)


class TimedQueue(StorageChangeQueue):
    """The change queue with a watch."""

    seconds = 0.0
    """What the last send took, waiting included."""

    async def send(self, change: BookingChange, delay: float = 0.0) -> None:
        """Send, and note the time."""
        started = time.perf_counter()
        await super().send(change, delay)
        self.seconds = time.perf_counter() - started


async def cost(count: int) -> dict[str, list[float]]:
    """Milliseconds of each webhook, one at a time: whole, own steps, and outside the queue's `send`."""
    service, _ = await _bare_queue()
    queue = TimedQueue(service, load_queue_settings(os.environ).queue_name, now)
    receiver = Receiver(queue, load_receiver_settings(os.environ).policy, now, new_id)
    found: dict[str, list[float]] = {"whole": [], "steps": [], "receiver": [], "cpu": []}
    for number in range(count + count // 10):
        stepped = Stepped(call_function(webhook()))
        started, used = time.perf_counter(), time.process_time()
        check(await stepped)
        whole, cpu = time.perf_counter() - started, time.process_time() - used
        request = webhook()
        started = time.perf_counter()
        await receiver.receive(request.get_body(), request.headers)
        receiving = time.perf_counter() - started - queue.seconds
        if number >= count // 10:  # before that it warms up
            for name, seconds in (("whole", whole), ("steps", stepped.seconds)):
                found[name].append(seconds * 1000)
            found["receiver"].append(receiving * 1000)
            found["cpu"].append(cpu * 1000)
    await queue.aclose()
    return found


async def call_function(request: func.HttpRequest) -> func.HttpResponse:
    """The registered function, as the host calls it."""
    answer: func.HttpResponse = await function_app.receive_booking_change(request)
    return answer


async def throughput(count: int) -> dict[str, list[float]]:
    """Per second and by concurrency, the bare message and the function by turns: `[bare, function]`."""
    service, queue = await _bare_queue()

    async def bare() -> None:
        change = BookingChange(str(uuid.uuid4()), str(uuid.uuid4()), now())
        await queue.send_message(encode_change(change), visibility_timeout=0, time_to_live=NEVER_EXPIRES)

    found = {}
    for concurrency in CONCURRENCIES:
        found[str(concurrency)] = [
            count / await _together(work, count, concurrency) for work in (bare, through_function)
        ]
        await queue.clear_messages()
    await service.close()
    return found


async def memory(count: int) -> dict[str, Any]:
    """Webhooks taken and resident megabytes, from time to time; and how many found the queue too slow.

    The queue is not emptied meanwhile: when much is deleted, Azurite pauses for seconds to sweep up.
    """
    process = psutil.Process()
    step = max(count // MEMORY_SAMPLES, MEMORY_CONCURRENCY)
    samples, refused = [], 0

    async def one() -> None:
        nonlocal refused
        refused += (await call_function(webhook())).status_code != ACCEPTED

    for done in range(step, count + 1, step):
        await _together(one, step, MEMORY_CONCURRENCY)
        samples.append((done, process.memory_info().rss / 1e6))
    return {"samples": samples, "refused": refused}


async def _bare_queue() -> tuple[QueueServiceClient, QueueClient]:
    """The storage SDK as the app sets it up, without the app."""
    connection = load_queue_settings(os.environ).storage.connection_string
    service = QueueServiceClient.from_connection_string(connection, **client_options())
    queue = service.get_queue_client(queue_name(os.environ), message_encode_policy=TextBase64EncodePolicy())
    return service, queue


async def _together(work: Callable[[], Awaitable[None]], count: int, concurrency: int) -> float:
    """Seconds for so many, so many at a time."""
    left = iter(range(count))

    async def worker() -> None:
        for _ in left:
            await work()

    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(concurrency):
            group.create_task(worker())
    return time.perf_counter() - started


async def main(what: str, count: int) -> Any:
    """Warm up, measure, and hand over the figures."""
    await _together(through_function, max(count // 10, 8), 8)
    figures = await {"cost": cost, "throughput": throughput, "memory": memory}[what](count)
    await application().aclose()
    return figures


if __name__ == "__main__":
    # As in Azure: the app's lines are made and written, at level Information.
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")
    print(json.dumps(asyncio.run(main(sys.argv[1], int(sys.argv[2])))))
