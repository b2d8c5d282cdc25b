"""The app's own functions, as Azure Functions calls them, on a real queue and on one loop."""

from __future__ import annotations

import asyncio
import base64
import importlib.util
from typing import TYPE_CHECKING, Any, Self

import azure.functions as func
from azure.functions.queue import QueueMessage
from azure.storage.queue.aio import QueueServiceClient

from booking_sync.wiring.app import application
from local.processes import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

QUEUE = "hostile-changes"


class AppFunctions:
    """Calls the functions and empties the queues behind them.

    Args:
        storage: connection string of the storage account, which the environment names too.
    """

    def __init__(self, storage: str) -> None:
        self._storage = storage
        self._runner = asyncio.Runner()
        self._service: QueueServiceClient | None = None
        self._functions: dict[str, Any] = {}

    def __enter__(self) -> Self:
        self._runner.__enter__()
        self._runner.run(self._open())
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._runner.run(self._close())
        self._runner.__exit__(exc_type, exc_value, traceback)

    def post(self, body: bytes, headers: Mapping[str, str]) -> func.HttpResponse:
        """Hand a webhook to the HTTP function."""
        request = func.HttpRequest("POST", "/api/dataverse/bookings", headers=dict(headers), body=body)
        answer: func.HttpResponse = self._runner.run(self._functions["receive_booking_change"](request))
        return answer

    def deliver(self, body: bytes, dequeue_count: int = 1) -> None:
        """Hand a message to the queue function."""
        message = QueueMessage(id="m", body=body, dequeue_count=dequeue_count)  # type: ignore[no-untyped-call]
        self._runner.run(self._functions["sync_booking_change"](message))

    def changes(self) -> list[str]:
        """Take all texts from the change queue."""
        return self._runner.run(self._take(QUEUE))

    def poison(self) -> list[str]:
        """Take all texts from the poison queue."""
        return self._runner.run(self._take(f"{QUEUE}-poison"))

    async def _open(self) -> None:
        application.cache_clear()
        self._functions = _functions()
        self._service = QueueServiceClient.from_connection_string(self._storage)
        for name in (QUEUE, f"{QUEUE}-poison"):
            await self._service.create_queue(name)

    async def _close(self) -> None:
        await application().aclose()
        application.cache_clear()
        if self._service is not None:
            for name in (QUEUE, f"{QUEUE}-poison"):
                await self._service.delete_queue(name)
            await self._service.close()

    async def _take(self, name: str) -> list[str]:
        assert self._service is not None
        queue = self._service.get_queue_client(name)
        found: list[str] = []
        while True:
            page = [each async for each in queue.receive_messages(max_messages=32)]
            if not page:
                return found
            for each in page:
                found.append(base64.b64decode(each.content).decode("ascii"))
                await queue.delete_message(each)


def _functions() -> dict[str, Any]:
    """The functions by name, of a module of its own: an app lists its functions only once."""
    spec = importlib.util.spec_from_file_location("hostile_function_app", REPOSITORY / "function_app.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {str(each.get_function_name()): each.get_user_function() for each in module.app.get_functions()}
