"""Registers the functions with Azure Functions; everything they do is in `booking_sync`.

Nothing heavy is imported and nothing is opened here: the host imports this file at every cold start, and the
webhook must answer without waiting for what only the sync needs.
"""

from __future__ import annotations

import json
import os

import azure.functions as func

from booking_sync.bootstrap import application
from booking_sync.settings import queue_name

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)


@app.function_name("receive_booking_change")
@app.route("dataverse/bookings", methods=["POST"])
async def receive_booking_change(req: func.HttpRequest) -> func.HttpResponse:
    """Take a Dataverse webhook: parse it, queue the change, answer at once."""
    answer = await application().receive(req.get_body(), req.headers)
    return func.HttpResponse(
        json.dumps(answer.payload),
        status_code=answer.status,
        headers=answer.headers,
        mimetype="application/json",
    )


@app.function_name("sync_booking_change")
@app.queue_trigger("message", queue_name(os.environ), "AzureWebJobsStorage")
async def sync_booking_change(message: func.QueueMessage) -> None:
    """Bring one changed booking in step with Outlook; raising has the host deliver the message again."""
    await application().handle(message.get_body(), message.dequeue_count or 1)
