"""All ports are in booking_sync/ports/ and know the domain only; adapters know ports and no use case."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
PRODUCT = ROOT / "booking_sync"
PORTS = sorted((PRODUCT / "ports").rglob("*.py"))
ADAPTERS = [
    path for name in ("azure", "dataverse", "outlook") for path in sorted((PRODUCT / name).rglob("*.py"))
]
USE_CASES = tuple(
    f"booking_sync.{name}"
    for name in ("audit", "bulk", "doctor", "lookup", "operations", "provisioning", "status", "sync")
)
MAY_KNOW = ("booking_sync.domain", "booking_sync.errors", "booking_sync.ports")

SEAMS = {
    "azure/entra/proofs.py: Proof": "inside the Azure adapter: the three ways to sign in",
    "azure/entra/proofs.py: TokenClient": "inside the Azure adapter: what the SDK's credentials share",
    "bulk/queueing.py: Checkpoints": "where a command notes its own progress; no service is behind it",
    "dataverse/web_api/transport.py: Wire": "inside the Dataverse adapter: what its client sends by",
    "domain/events/event_text/words.py: Words": "the standard library's gettext; no adapter fulfils it",
    "outlook/graph/batch.py: BatchTransport": "inside the Outlook adapter: what its batches are posted by",
    "outlook/calendar.py: Batches": "inside the Outlook adapter: what its calendar submits requests to",
    "outlook/mailboxes/whole_mailbox.py: Pages": "inside the Outlook adapter: how its calendar reads lists",
    "plumbing/telemetry.py: Note": "a span under way, or nothing where nobody listens",
}
"""Protocols outside booking_sync/ports/, with the reason why each is no port."""


def _protocols(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef) and any(map(_is_protocol, node.bases)):
            yield f"{path.relative_to(PRODUCT).as_posix()}: {node.name}"


def _is_protocol(base: ast.expr) -> bool:
    """`Protocol`, `typing.Protocol` or `Protocol[Item]`."""
    return ast.unparse(base).partition("[")[0].rpartition(".")[2] == "Protocol"


def _imports(path: Path) -> Iterator[str]:
    """Every module that is imported, for type checking or not."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_every_protocol_outside_ports_is_a_seam_with_a_reason() -> None:
    """Whatever an adapter fulfils is a port, so it is looked for, and found, in one folder."""
    elsewhere = {name for path in PRODUCT.rglob("*.py") if path not in PORTS for name in _protocols(path)}
    assert elsewhere == SEAMS.keys()


@pytest.mark.parametrize("path", PORTS, ids=lambda path: path.relative_to(PRODUCT).as_posix())
def test_a_port_names_nothing_but_the_domain(path: Path) -> None:
    """Not even for type checking, which import-linter leaves out: no SDK, no adapter, no use case."""
    foreign = {
        name
        for name in _imports(path)
        if name.partition(".")[0] not in sys.stdlib_module_names and not name.startswith(MAY_KNOW)
    }
    assert foreign == set()


@pytest.mark.parametrize("path", ADAPTERS, ids=lambda path: path.relative_to(PRODUCT).as_posix())
def test_an_adapter_names_no_use_case(path: Path) -> None:
    """Not even for type checking: the values that a port hands over are the port's or the domain's."""
    assert {name for name in _imports(path) if name.startswith(USE_CASES)} == set()
