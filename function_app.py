"""Registers the functions with Azure Functions; everything they do is in `booking_sync`.

Nothing heavy is imported and nothing is opened here: the host imports this file at every cold start, and the
webhook must answer without waiting for what only the sync needs.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import azure.functions as func

from booking_sync.plumbing.http.answer import TextAnswer
from booking_sync.settings.registration import (
    SWEEP_SCHEDULE,
    WATCH_SCHEDULE,
    audit_schedule,
    catch_up_schedule,
    goes_both_ways,
    hears_outlook,
    near_audit_schedule,
    queue_name,
    signs_in_by_entra,
)
from booking_sync.wiring.app import application

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from booking_sync.plumbing.http.answer import HttpAnswer

NOT_MODIFIED = 304
"""An answer without a body."""

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)

OPERATORS = func.AuthLevel.ANONYMOUS if signs_in_by_entra(os.environ) else func.AuthLevel.FUNCTION
"""Who may call the operators' functions, as far as the host is concerned: see `operations.admission`."""


@app.function_name("receive_booking_change")
@app.route("dataverse/bookings", methods=["POST"])
async def receive_booking_change(req: func.HttpRequest) -> func.HttpResponse:
    """Take a Dataverse webhook: parse it, queue the change, answer at once."""
    return _respond(await application().receive(req.get_body(), req.headers))


if hears_outlook(os.environ):
    # Open to everybody: Graph sends no key. What is proven ours is queued; see `sync.from_outlook`.
    @app.function_name("receive_event_change")
    @app.route("outlook/notifications", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
    async def receive_event_change(req: func.HttpRequest) -> func.HttpResponse:
        """Take Graph's notifications, or answer its question whether they are wanted."""
        answer = await application().hear_outlook(req.params, req.get_body())
        if isinstance(answer, TextAnswer):
            return func.HttpResponse(
                answer.text, status_code=answer.status, headers=answer.headers, mimetype="text/plain"
            )
        return _respond(answer)


@app.function_name("sync_booking_change")
@app.queue_trigger("message", queue_name(os.environ), "AzureWebJobsStorage")
async def sync_booking_change(message: func.QueueMessage) -> None:
    """Bring one changed booking in step with Outlook; raising has the host deliver the message again."""
    text = message.get_body().decode("utf-8", errors="replace")
    await application().worker.handle(text, message.dequeue_count or 1)


# The host runs a timer on one instance at a time (a lock on a blob), and starts no run beside another one.
# use_monitor: a run that fell due while nothing was up is made up for at the start, once. Not run_on_startup:
# every restart and every further instance would run it, with nothing more to find.
@app.function_name("catch_up")
@app.timer_trigger("timer", catch_up_schedule(os.environ), run_on_startup=False, use_monitor=True)
async def catch_up(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the trigger's binding must be a parameter
    """Queue the bookings whose webhooks were missed; a run that raises is repeated by the next."""
    await application().timers.catch_up()


@app.function_name("audit")
@app.timer_trigger("timer", audit_schedule(os.environ), run_on_startup=False, use_monitor=True)
async def audit(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the trigger's binding must be a parameter
    """Compare calendars with bookings, and queue what is to be mended; raising marks the run as failed."""
    await application().timers.audit()


@app.function_name("near_audit")
@app.timer_trigger("timer", near_audit_schedule(os.environ), run_on_startup=False, use_monitor=True)
async def near_audit(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the trigger's binding must be a parameter
    """Compare the calendars of these days with bookings, as `audit` does."""
    await application().timers.near_audit()


if goes_both_ways(os.environ):

    @app.function_name("sweep")
    @app.timer_trigger("timer", SWEEP_SCHEDULE, run_on_startup=False, use_monitor=True)
    async def sweep(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the trigger's binding must be a parameter
        """Have mailboxes compared with the bookings that name them: what no notification told is found."""
        await application().timers.sweep()


if hears_outlook(os.environ):

    @app.function_name("watch")
    @app.timer_trigger("timer", WATCH_SCHEDULE, run_on_startup=False, use_monitor=True)
    async def watch(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the trigger's binding must be a parameter
        """See to it that Graph reports changes of every mailbox that shows bookings."""
        await application().timers.watch()


@app.function_name("audit_on_demand")
@app.route("operations/audit", methods=["POST"], auth_level=OPERATORS)
async def audit_on_demand(req: func.HttpRequest) -> func.HttpResponse:
    """Run the audit that the body asks for, and answer its report."""
    return await _for_operator(req, lambda: application().audit_on_demand(req.headers, req.get_body()))


# Open to everybody: it is for probes, which send no key, and tells no more than ok or not.
@app.function_name("health")
@app.route("health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def health(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - the trigger's binding must be a parameter
    """Tell a probe whether the app works."""
    return _respond(await application().operator_endpoints.probe())


@app.function_name("operations_health")
@app.route("operations/health", methods=["GET"], auth_level=OPERATORS)
async def operations_health(req: func.HttpRequest) -> func.HttpResponse:
    """Tell an operator whether the app works, and what is wrong."""
    return await _for_operator(req, application().operator_endpoints.health)


# Open to everybody: a browser can't send a key when it navigates, and the page holds no data.
@app.function_name("operations")
@app.route("operations", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def operations(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - as above
    """Serve the operator's page."""
    page = application().page()
    return func.HttpResponse(page.html, headers=page.headers, mimetype="text/html")


@app.function_name("operations_status")
@app.route("operations/status", methods=["GET"], auth_level=OPERATORS)
async def operations_status(req: func.HttpRequest) -> func.HttpResponse:
    """Answer what the operator's page shows."""
    return await _for_operator(req, lambda: application().operator_endpoints.status(req.headers))


@app.function_name("operations_failing")
@app.route("operations/failing", methods=["GET"], auth_level=OPERATORS)
async def operations_failing(req: func.HttpRequest) -> func.HttpResponse:
    """Answer a part of a group of failing bookings."""
    return await _for_operator(req, lambda: application().operator_endpoints.failing(req.params))


@app.function_name("operations_order")
@app.route("operations/order", methods=["GET"], auth_level=OPERATORS)
async def operations_order(req: func.HttpRequest) -> func.HttpResponse:
    """Answer what became of an operator's order."""
    return await _for_operator(req, lambda: application().operator_endpoints.order(req.params))


@app.function_name("operations_replay")
@app.route("operations/replay", methods=["POST"], auth_level=OPERATORS)
async def operations_replay(req: func.HttpRequest) -> func.HttpResponse:
    """Put dead letters back on the change queue."""
    return await _for_operator(
        req, lambda: application().operator_endpoints.replay(req.headers, req.get_body())
    )


@app.function_name("operations_resync")
@app.route("operations/resync", methods=["POST"], auth_level=OPERATORS)
async def operations_resync(req: func.HttpRequest) -> func.HttpResponse:
    """Queue bookings to be written afresh."""
    return await _for_operator(
        req, lambda: application().operator_endpoints.resync(req.headers, req.get_body())
    )


@app.function_name("operations_search")
@app.route("operations/search", methods=["POST"], auth_level=OPERATORS)
async def operations_search(req: func.HttpRequest) -> func.HttpResponse:
    """Answer which bookings and technicians are called so."""
    return await _for_operator(
        req, lambda: application().lookup_endpoints.search(req.headers, req.get_body())
    )


@app.function_name("operations_booking")
@app.route("operations/booking", methods=["GET"], auth_level=OPERATORS)
async def operations_booking(req: func.HttpRequest) -> func.HttpResponse:
    """Answer how one booking stands."""
    return await _for_operator(req, lambda: application().lookup_endpoints.booking(req.params))


@app.function_name("operations_technician")
@app.route("operations/technician", methods=["GET"], auth_level=OPERATORS)
async def operations_technician(req: func.HttpRequest) -> func.HttpResponse:
    """Answer how one technician's days stand."""
    return await _for_operator(req, lambda: application().lookup_endpoints.technician(req.params))


async def _for_operator(
    req: func.HttpRequest, answer: Callable[[], Awaitable[HttpAnswer]]
) -> func.HttpResponse:
    """The answer, for whoever may ask."""
    return _respond(application().admission.refusal(req.headers) or await answer())


def _respond(answer: HttpAnswer) -> func.HttpResponse:
    return func.HttpResponse(
        None if answer.status == NOT_MODIFIED else json.dumps(answer.payload),
        status_code=answer.status,
        headers=answer.headers,
        mimetype="application/json",
    )
