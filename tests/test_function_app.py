"""What is registered with Azure Functions, and what a cold start pays for."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from booking_sync.sync.worker import MAX_DEQUEUE_COUNT

ROOT = Path(__file__).parents[1]
SYNC_ONLY = (
    "azure.storage.blob",
    "msgraph",
    "kiota_abstractions",
    "httpx",
    "azure.keyvault",
    "azure.identity",
    "jinja2",
    "msal",
)
WEBHOOK_PROGRAM = """
import asyncio, json, sys
import azure.functions as func
import function_app
request = func.HttpRequest("POST", "/api/dataverse/bookings", body=sys.stdin.buffer.read())
answer = asyncio.run(function_app.receive_booking_change(request))
print(json.dumps({"status": answer.status_code, "modules": sorted(sys.modules)}))
"""
PROBE_PROGRAM = """
import asyncio, json, sys
import azure.functions as func
import function_app
answer = asyncio.run(function_app.health(func.HttpRequest("GET", "/api/health", body=b"")))
body = json.loads(answer.get_body())
print(json.dumps({"status": answer.status_code, "body": body, "modules": sorted(sys.modules)}))
"""
LIST_PROGRAM = """
import json, function_app
print(json.dumps({
    function.get_function_name(): json.loads(function.get_raw_bindings()[0])
    for function in function_app.app.get_functions()
}))
"""
INDEX_PROGRAM = """
import json, os, types
from azure_functions_runtime.bindings.meta import load_binding_registry
from azure_functions_runtime.functions import Registry
from azure_functions_runtime.loader import index_function_app, process_indexed_function

class Message(types.SimpleNamespace):
    inout, out = 2, 1

class Protos:
    def __getattr__(self, name):
        return Message

load_binding_registry()
registry = Registry()
indexed, _ = process_indexed_function(
    Protos(), registry, index_function_app(os.path.abspath("function_app.py")), os.getcwd()
)
print(json.dumps({each.name: registry.get_function(each.function_id).is_async for each in indexed}))
"""
HEAR_PROGRAM = """
import asyncio, json, sys
import azure.functions as func
import function_app
def ask(body, **parameters):
    request = func.HttpRequest("POST", "/api/outlook/notifications", params=parameters, body=body)
    answer = asyncio.run(function_app.receive_event_change(request))
    return [answer.status_code, answer.mimetype, answer.get_body().decode(), dict(answer.headers)]
told = {"token": ask(b"", validationToken="Validation: a+b/c=", k="0123abcd"),
        "markup": ask(b"", validationToken="<script>"), "notified": ask(b"{}")}
print(json.dumps({**told, "modules": sorted(sys.modules)}))
"""
TWO_WAYS = {
    "RETURN_PATH": "propose",
    "NOTIFICATION_URL": "https://contoso.azurewebsites.net/api/outlook/notifications",
}
NO_SETTINGS: Mapping[str, str] = {}
UPDATE = {
    "MessageName": "Update",
    "PrimaryEntityName": "bookableresourcebooking",
    "PrimaryEntityId": "0d7c1f57-3b1e-4c8e-9a55-2f6f0d6b1a01",
    "CorrelationId": "1d7c1f57-3b1e-4c8e-9a55-2f6f0d6b1a01",
}
# Nothing listens on the discard port of this machine: the queue is down.
STORAGE = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=c2VjcmV0;"
    "QueueEndpoint=http://127.0.0.1:9/devstoreaccount1;"
)


def _run(program: str, stdin: bytes = b"", settings: Mapping[str, str] = NO_SETTINGS) -> dict[str, Any]:
    done = subprocess.run(  # noqa: S603 - our own program in our own interpreter
        [sys.executable, "-c", program],
        input=stdin,
        capture_output=True,
        check=True,
        cwd=ROOT,
        env={"AzureWebJobsStorage": STORAGE, "PATH": "/usr/bin:/bin", **settings},
        timeout=50,
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def _heavy(modules: list[str], names: tuple[str, ...]) -> list[str]:
    return [name for name in modules if any(name == n or name.startswith(f"{n}.") for n in names)]


@pytest.fixture(scope="module")
def bindings() -> dict[str, Any]:
    """Each function's trigger as the host is told of it (an app can be listed once per process)."""
    return _run(LIST_PROGRAM)


def test_the_webhook_is_a_post_behind_a_function_key(bindings: dict[str, Any]) -> None:
    """The webhook's route, method and key are as documented."""
    trigger = bindings["receive_booking_change"]
    assert trigger["type"] == "httpTrigger"
    assert (trigger["route"], trigger["methods"]) == ("dataverse/bookings", ["POST"])
    assert trigger["authLevel"] == "FUNCTION"


def test_the_queue_function_listens_to_the_change_queue(bindings: dict[str, Any]) -> None:
    """The queue function is bound to the queue that the webhook fills."""
    trigger = bindings["sync_booking_change"]
    assert trigger["type"] == "queueTrigger"
    assert (trigger["queueName"], trigger["connection"]) == ("booking-changes", "AzureWebJobsStorage")


def test_the_audit_runs_daily_and_on_demand(bindings: dict[str, Any]) -> None:
    """The audit's schedule, and its route behind the function key."""
    assert bindings["audit"]["schedule"] == "0 30 2 * * *"
    trigger = bindings["audit_on_demand"]
    assert (trigger["route"], trigger["methods"]) == ("operations/audit", ["POST"])
    assert trigger["authLevel"] == "FUNCTION"


def test_only_the_empty_page_and_the_probe_are_open_to_everybody(bindings: dict[str, Any]) -> None:
    """Whatever shows or changes something is behind the function key."""
    http = [each for each in bindings.values() if each["type"] == "httpTrigger"]
    opened = {each["route"]: each["methods"] for each in http if each["authLevel"] == "ANONYMOUS"}
    assert opened == {"health": ["GET"], "operations": ["GET"]}
    keyed = {each["route"]: each["methods"] for each in http if each["authLevel"] == "FUNCTION"}
    assert {route: keyed[route] for route in keyed if route.startswith("operations/")} == {
        "operations/audit": ["POST"],
        "operations/booking": ["GET"],
        "operations/failing": ["GET"],
        "operations/health": ["GET"],
        "operations/order": ["GET"],
        "operations/replay": ["POST"],
        "operations/resync": ["POST"],
        "operations/search": ["POST"],
        "operations/status": ["GET"],
        "operations/technician": ["GET"],
    }


@pytest.mark.parametrize("missing", TWO_WAYS)
def test_without_a_way_back_nothing_is_open_to_outlook(bindings: dict[str, Any], missing: str) -> None:
    """Off is off: neither the address nor its timers are registered, which would cost a cold start."""
    found = _run(LIST_PROGRAM, settings={name: text for name, text in TWO_WAYS.items() if name != missing})
    assert "receive_event_change" not in found
    assert "watch" not in found
    assert missing == "NOTIFICATION_URL" or found == bindings
    assert ("sweep" in found) is (missing == "NOTIFICATION_URL")


def test_the_address_that_graph_notifies_is_open_to_everybody() -> None:
    """Graph sends no key; what comes in proves itself."""
    found = _run(LIST_PROGRAM, settings=TWO_WAYS)
    trigger = found["receive_event_change"]
    assert (trigger["route"], trigger["methods"]) == ("outlook/notifications", ["POST"])
    assert trigger["authLevel"] == "ANONYMOUS"
    assert [found[name]["schedule"] for name in ("watch", "sweep")] == ["0 7 * * * *", "0 4,34 * * * *"]
    assert not any(found[name]["runOnStartup"] for name in ("watch", "sweep"))


def test_graph_s_question_is_answered_without_any_service() -> None:
    """Within milliseconds, in plain text; notifications wait while settings stand in the way."""
    found = _run(HEAR_PROGRAM, settings=TWO_WAYS)
    status, kind, text, headers = found["token"]
    assert (status, kind, text) == (200, "text/plain", "Validation: a+b/c=")
    assert {name.lower(): value for name, value in headers.items()}["x-content-type-options"] == "nosniff"
    assert found["markup"][0] == 400
    assert "script" not in found["markup"][2]
    assert found["notified"][0] == 503
    assert _heavy(found["modules"], ("msgraph", "kiota_abstractions", "httpx", "jinja2")) == []


def test_a_probe_loads_neither_graph_nor_the_credential() -> None:
    """Health is cheap, and answers an app whose settings are broken."""
    result = _run(PROBE_PROGRAM)
    assert (result["status"], result["body"]) == (503, {"status": "failing"})
    assert (
        _heavy(result["modules"], ("msgraph", "kiota_abstractions", "httpx", "azure.keyvault", "msal")) == []
    )


def test_catch_up_runs_by_the_clock_and_not_at_every_start(bindings: dict[str, Any]) -> None:
    """The timer has the documented schedule, makes up for a missed run, and is not run by restarts."""
    trigger = bindings["catch_up"]
    assert trigger["type"] == "timerTrigger"
    assert trigger["schedule"] == "0 */5 * * * *"
    assert (trigger["runOnStartup"], trigger["useMonitor"]) == (False, True)


def test_importing_the_app_loads_no_sdk() -> None:
    """A cold start pays for no SDK before the first message needs it."""
    program = "import json, sys, function_app; print(json.dumps({'modules': sorted(sys.modules)}))"
    modules = _run(program)["modules"]
    assert _heavy(modules, (*SYNC_ONLY, "azure.core", "azure.storage", "aiohttp", "requests")) == []


def test_a_webhook_loads_neither_graph_nor_key_vault_nor_templates() -> None:
    """The whole webhook path, here with the queue down, does without what only the sync needs."""
    result = _run(WEBHOOK_PROGRAM, json.dumps(UPDATE).encode())
    assert result["status"] == 503
    assert _heavy(result["modules"], SYNC_ONLY) == []


def test_the_last_delivery_is_known_as_the_host_counts_it() -> None:
    """The worker dead-letters on the delivery after which the host would."""
    host = json.loads((ROOT / "host.json").read_text())
    assert host["extensions"]["queues"]["maxDequeueCount"] == MAX_DEQUEUE_COUNT


@pytest.mark.skipif(
    sys.version_info < (3, 13), reason="the worker library needs Python 3.13, which Azure runs"
)
def test_the_worker_that_runs_in_azure_indexes_every_function(bindings: dict[str, Any]) -> None:
    """Microsoft's own worker library accepts the registrations and sees the functions as asynchronous."""
    assert _run(INDEX_PROGRAM) == dict.fromkeys(bindings, True)
