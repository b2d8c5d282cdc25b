"""The plain worker's function: one queue message, one booking."""

from __future__ import annotations

import asyncio
import os

import azure.functions as func
from kiota_http.kiota_client_factory import KiotaClientFactory

from benchmarks.contenders.plain import PlainWorker, open_graph
from benchmarks.contenders.sockets import RequestsDataverse, open_credential

app = func.FunctionApp()
_opening = asyncio.Lock()
_workers: list[PlainWorker] = []
"""The process's one, once it is made."""


@app.function_name("sync_booking")
@app.queue_trigger("message", "%BOOKING_QUEUE_NAME%", "AzureWebJobsStorage")
async def sync_booking(message: func.QueueMessage) -> None:
    """Bring one booking's event in step; raising has the host deliver the message again."""
    await (await _worker()).handle(message.get_body().decode())


async def _worker() -> PlainWorker:
    async with _opening:
        if not _workers:
            credential = await open_credential(os.environ)
            url = os.environ["DATAVERSE_URL"]
            http = KiotaClientFactory.get_default_client()
            graph = open_graph(os.environ["GRAPH_URL"], credential, http)
            _workers.append(PlainWorker(graph, RequestsDataverse(url, credential), url))
    return _workers[0]
