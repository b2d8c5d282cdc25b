"""What a cold start costs: the import that every start pays, the first webhook and the first booking.

Imports are measured in fresh processes by turns, with compiled files present; the first booking on the local
stack, in a fresh process for each repeat (`benchmarks.probes.bookings`).
"""

from __future__ import annotations

import asyncio
import re
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.common.field import Field, set_latency
from benchmarks.common.figures import Cell, Chart, ChartKind, Options, Result, Spread, Table, Target
from benchmarks.common.timeline import LABELS, Timeline, part, timeline
from benchmarks.probes.run import run_module, run_python
from benchmarks.speed.webhook import storage_settings
from local.stack import LocalStack, StackOptions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

AIM_MS = 80.0
NEVER_IN_WEBHOOKS = (
    *("msgraph", "msgraph_core", "kiota_abstractions", "kiota_http", "httpx", "msal"),
    *("azure.keyvault", "azure.identity", "jinja2", "booking_sync.outlook", "booking_sync.dataverse"),
)
IMPORT = """
import json, sys, time
began, used = time.perf_counter(), time.process_time()
import {module}
print(json.dumps([time.perf_counter() - began, time.process_time() - used, len(sys.modules)]))
"""
LAYERS = "import azure.functions, sys; print('-', file=sys.stderr); import function_app; print(0)"
WEBHOOK_MODULES = """
import asyncio, json, sys
import azure.functions as func
import function_app
body = json.dumps({"PrimaryEntityName": "bookableresourcebooking", "MessageName": "Update",
    "PrimaryEntityId": "0d7c1f57-3b1e-4c8e-9a55-2f6f0d6b1a01"}).encode()
answer = asyncio.run(function_app.receive_booking_change(func.HttpRequest("POST", "/", body=body)))
print(json.dumps({"status": answer.status_code, "modules": sorted(sys.modules)}))
"""
# Nothing listens on the discard port, so the whole path is walked up to the network.
NO_STORAGE = {
    "AzureWebJobsStorage": (
        "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=c2VjcmV0;"
        "QueueEndpoint=http://127.0.0.1:9/devstoreaccount1;"
    ),
    "NO_PROXY": "127.0.0.1",
}
REFUSED = 503
WARM_BOOKINGS = 5
TOP = 10
_IMPORT_LINE = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \|( *)(\S+)")


@dataclass(frozen=True, slots=True)
class Imported:
    """A line of `-X importtime`."""

    module: str
    own_ms: float


@dataclass(frozen=True, slots=True)
class Import:
    """One import in a fresh process."""

    milliseconds: float
    cpu_milliseconds: float
    modules: int


def run(options: Options) -> Result:
    """Measure imports, then the first webhook's path, then first bookings."""
    return asyncio.run(_run(options))


async def _run(options: Options) -> Result:
    pairs = 2 if options.quick else 4 * options.repeats
    alone, app = await _imports(pairs)
    loaded = await webhook_modules()
    _, said = await run_python("-X", "importtime", "-c", LAYERS, environment=NO_STORAGE)
    latency = options.latencies[0]
    repeats = 1 if options.quick else options.repeats
    webhooks = await _first_webhooks(repeats)
    starts = await _first_bookings(repeats, options)
    extra = Spread.of([b.milliseconds - a.milliseconds for a, b in zip(alone, app, strict=True)])
    heavy = loaded_heavy(loaded)
    sizes: dict[str, Cell] = {
        "imports, pairs": pairs,
        "processes": repeats,
        "latency": latency.label,
    }
    return Result(
        "cold_start",
        "What does a cold start cost, and what do the first webhook and the first booking pay?",
        sizes,
        tables=(
            _import_table(alone, app, extra),
            _top_table(said),
            _webhook_table(webhooks),
            _opening_table(starts),
            _booking_table(starts),
        ),
        charts=(_chart(starts),),
        targets=(
            Target(
                f"importing function_app costs at most {AIM_MS:g} ms over importing azure.functions",
                f"{extra.text()} ms, {app[0].modules - alone[0].modules} modules more",
                extra.median <= AIM_MS,
            ),
            Target(
                "the webhook path imports nothing of Graph, Key Vault, templates, Dataverse",
                ", ".join(heavy) if heavy else f"none among {len(loaded)} modules",
                not heavy,
            ),
        ),
        notes=NOTES,
    )


NOTES = (
    "The host's worker imports azure.functions whatever the app is; what function_app adds is our own.",
    (
        "requests is among the webhook's modules: azure.storage.queue imports it for its synchronous client, "
        "with or without use."
    ),
    (
        "The first booking: a fresh process imports, opens and syncs on the local stack, then syncs more, "
        "one by one. Imports come in the order of first use; what two groups share counts for the first."
    ),
    "The open extension (tag) is written beside or after the record; it is not part of the way to the event.",
)


async def _imports(pairs: int) -> tuple[list[Import], list[Import]]:
    """By turns, after one of each that compiles and fills the disk cache."""
    found: dict[str, list[Import]] = {"azure.functions": [], "function_app": []}
    for number in range(pairs + 1):
        for module, imports in found.items():
            figures, _ = await run_python("-c", IMPORT.format(module=module), environment=NO_STORAGE)
            if number:
                imports.append(Import(figures[0] * 1000, figures[1] * 1000, figures[2]))
    return found["azure.functions"], found["function_app"]


async def webhook_modules() -> list[str]:
    """All modules of a process that has taken one webhook.

    Raises:
        RuntimeError: the webhook did not get as far as the queue.
    """
    figures, _ = await run_python("-c", WEBHOOK_MODULES, environment=NO_STORAGE)
    if figures["status"] != REFUSED:
        raise RuntimeError(f"the webhook was answered {figures['status']} instead of {REFUSED}")
    modules: list[str] = figures["modules"]
    return modules


def loaded_heavy(modules: Iterable[str]) -> list[str]:
    """Which libraries are among the modules that a webhook has no use for."""
    return sorted(
        {heavy for heavy in NEVER_IN_WEBHOOKS for name in modules if f"{name}.".startswith(f"{heavy}.")}
    )


def imported_since_mark(said: str) -> list[Imported]:
    """The lines of `-X importtime` behind the one that is just a dash."""
    lines = said.splitlines()
    return [
        Imported(found[4], int(found[1]) / 1000)
        for line in lines[lines.index("-") + 1 :]
        if (found := _IMPORT_LINE.match(line))
    ]


async def _first_webhooks(repeats: int) -> list[Mapping[str, float]]:
    async with storage_settings() as environment:
        return [await run_module("first_webhook", environment=environment) for _ in range(repeats)]


async def _first_bookings(repeats: int, options: Options) -> list[Mapping[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        async with LocalStack(StackOptions(Path(folder), hosts=0)) as stack:
            field = Field(stack, technicians=3)
            await field.furnish()
            await set_latency(stack, options.latencies[0])
            return [
                await run_module("bookings", *await field.book(1 + WARM_BOOKINGS), environment=stack.settings)
                for _ in range(repeats)
            ]


def _import_table(alone: Sequence[Import], app: Sequence[Import], extra: Spread) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (
            name,
            Spread.of([each.milliseconds for each in imports]).text(),
            Spread.of([each.cpu_milliseconds for each in imports]).text(),
            imports[0].modules,
        )
        for name, imports in (("azure.functions", alone), ("function_app", app))
    ]
    cpu = Spread.of([b.cpu_milliseconds - a.cpu_milliseconds for a, b in zip(alone, app, strict=True)])
    rows.append(("more", extra.text(), cpu.text(), app[0].modules - alone[0].modules))
    return Table("Import in a fresh process", ("import", "ms", "processor ms", "modules"), tuple(rows))


def _top_table(said: str) -> Table:
    imported = sorted(imported_since_mark(said), key=lambda each: -each.own_ms)
    return Table(
        f"What function_app imports besides azure.functions: the {TOP} dearest of {len(imported)}",
        ("module", "its own ms"),
        tuple((each.module, each.own_ms) for each in imported[:TOP]),
        "One run with -X importtime, which itself makes imports slower.",
    )


def _webhook_table(webhooks: Sequence[Mapping[str, float]]) -> Table:
    rows = tuple((label, Spread.of([each[label] for each in webhooks]).text()) for label in webhooks[0])
    return Table("From the process's start to its first webhook's answer", ("step", "ms"), rows)


def _opening_table(starts: Sequence[Mapping[str, Any]]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for kind, key in (("import", "imports"), ("open", "opening")):
        labels = [str(label) for label, _ in starts[0][key]]
        for place, label in enumerate(labels):
            values = [float(start[key][place][1]) for start in starts]
            rows.append((kind, label, Spread.of(values).text()))
    return Table(
        "From the process's start to its first booking",
        ("step", "what", "ms"),
        tuple(rows),
        "WhoAmI holds the token for Dataverse and a request; the token holds the secret from Key Vault.",
    )


def timelines(starts: Sequence[Mapping[str, Any]]) -> tuple[list[Timeline], list[Timeline]]:
    """Of the first booking of each process, and of all the others."""
    cold = [timeline(start["bookings"][0]) for start in starts]
    warm = [timeline(spans) for start in starts for spans in start["bookings"][1:]]
    return cold, warm


def _booking_table(starts: Sequence[Mapping[str, Any]]) -> Table:
    cold, warm = timelines(starts)
    rows = tuple(
        (label, Spread.of(part(cold, name)).text(), Spread.of(part(warm, name)).text())
        for name, label in LABELS.items()
    )
    return Table("One new booking in the worker, ms", ("part", "first after start", "later"), rows)


def _chart(starts: Sequence[Mapping[str, Any]]) -> Chart:
    def middle(values: Iterable[float]) -> float:
        return statistics.median(values)

    cold, warm = timelines(starts)
    imports = middle(sum(each[1] for each in start["imports"]) for start in starts)
    names = ("WhoAmI", "templates compiled", "clients made")
    opening = middle(sum(each[1] for each in start["opening"] if each[0] in names) for start in starts)
    return Chart(
        "cold-start",
        "First booking after a start, and later ones",
        ChartKind.BARS,
        "",
        "ms",
        {
            "first": (
                ("imports", imports),
                ("secret, tokens, WhoAmI", opening),
                ("until the event", middle(part(cold, "in_outlook"))),
                ("until the record", middle(part(cold, "on_row"))),
            ),
            "later": (
                ("imports", 0.0),
                ("secret, tokens, WhoAmI", 0.0),
                ("until the event", middle(part(warm, "in_outlook"))),
                ("until the record", middle(part(warm, "on_row"))),
            ),
        },
    )
