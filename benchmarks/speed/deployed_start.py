"""A cold start of the deployed app part by part, with the library that Azure's worker runs Python 3.13 by.

    python -m benchmarks.speed.deployed_start --python /path/to/a/python3.13 --starts 10

That Python has the packages of `requirements.txt` and `azure-functions-runtime`, as in requirements-dev.txt.
Each start is a fresh process with compiled files present, which does what the worker does: loads its library,
imports our module, indexes its functions, answers the first webhook (no queue is there: up to the network),
and makes the first Graph client and request.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from benchmarks.common.figures import Spread

REPOSITORY = Path(__file__).parents[2]
STARTS = 10
# Nothing listens on the discard port of this machine: the queue is down.
STORAGE = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=c2VjcmV0;"
    "QueueEndpoint=http://127.0.0.1:9/devstoreaccount1;"
)
START = """
import json, sys, time
steps, began = {}, time.process_time()

def step(name):
    global began
    steps[name] = [(time.process_time() - began) * 1000, len(sys.modules)]
    began = time.process_time()

import asyncio, os, types
import azure.functions as func
step("azure.functions")
from azure_functions_runtime.bindings.meta import load_binding_registry
from azure_functions_runtime.functions import Registry
from azure_functions_runtime.loader import index_function_app, process_indexed_function

class Message(types.SimpleNamespace):
    inout, out = 2, 1

class Protos:
    def __getattr__(self, name):
        return Message

load_binding_registry()
step("the worker's library")
import function_app
step("import function_app")
registry = Registry()
indexed = index_function_app(os.path.abspath("function_app.py"))
process_indexed_function(Protos(), registry, indexed, os.getcwd())
step("indexing its functions")
import booking_sync.azure.storage.queue, booking_sync.settings.loading, booking_sync.sync.webhook.receiver
step("import the receiver and the storage SDK")
body = json.dumps({"PrimaryEntityName": "bookableresourcebooking", "MessageName": "Update",
    "PrimaryEntityId": "0d7c1f57-3b1e-4c8e-9a55-2f6f0d6b1a01"}).encode()
request = func.HttpRequest("POST", "/api/dataverse/bookings", body=body)
answer = asyncio.run(function_app.receive_booking_change(request))
assert answer.status_code == 503, answer.status_code
step("first webhook, up to the network")

class Credential:
    async def get_token(self, *scopes, **options):
        raise NotImplementedError

from booking_sync.domain.events.event_ref import EventRef
from booking_sync.outlook.graph.client import GraphClient
from booking_sync.outlook.requests import EventRequests
step("import the Outlook adapter and the Graph SDK")
requests = EventRequests(GraphClient("https://graph.microsoft.com", Credential()))
requests.delete(EventRef("00000000-0000-0000-0000-000000000000", "AA"))
step("first Graph client and request")
requests.tag(EventRef("00000000-0000-0000-0000-000000000000", "AA"), "com.example", "b", "s")
step("first request with a body")
print(json.dumps(steps))
"""


def measure(python: str, starts: int) -> dict[str, tuple[Spread, int]]:
    """Milliseconds of processor time of each step over so many starts, and the modules loaded after it.

    Processor time, since the first webhook waits for a queue that is not there.

    Raises:
        RuntimeError: a start failed; the text is what it said.
    """
    runs = [_start(python) for _ in range(starts + 1)][1:]  # the first one compiles
    return {name: (Spread.of([run[name][0] for run in runs]), int(runs[0][name][1])) for name in runs[0]}


def _start(python: str) -> dict[str, list[float]]:
    done = subprocess.run(  # noqa: S603 - the interpreter that the caller names, our own program
        [python, "-c", START],
        capture_output=True,
        check=False,
        cwd=REPOSITORY,
        env={"AzureWebJobsStorage": STORAGE, "PATH": "/usr/bin:/bin", "PYTHONPATH": str(REPOSITORY)},
    )
    if done.returncode:
        raise RuntimeError(done.stderr.decode(errors="replace")[-4000:])
    steps: dict[str, list[float]] = json.loads(done.stdout.splitlines()[-1])
    return steps


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--starts", type=int, default=STARTS)
    asked = parser.parse_args()
    for name, (spread, modules) in measure(asked.python, asked.starts).items():
        print(f"{spread.text(1):>26} ms  {modules:>5} modules  {name}")  # noqa: T201 - what the command is for


if __name__ == "__main__":
    main()
