"""The webhook over HTTP: the local Functions host in a process of its own, hammered from host_client."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from hypothesis import given

from local.functions_host.keys import HEADER, Keys
from local.processes import REPOSITORY
from local.stack.launch import AppLaunch, host_process
from tests.hostile.fuzz.background import running
from tests.hostile.fuzz.bodies import heavy_bodies, raw_bodies
from tests.hostile.fuzz.budget import tries
from tests.support.webhook_bodies import ORGANIZATION, updated

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from local.stack.certificates import Certificates

ROUTE = "/api/dataverse/bookings"
KEYS = Keys("the-function-key-of-this-test", "the-master-key-of-this-test")
SECONDS = 30.0
HEAVY = heavy_bodies()


@dataclass(frozen=True)
class HostClient:
    """What somebody host_client sees of the host, and where it logs."""

    address: tuple[str, int]
    log: Path

    def post(self, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """One request on a connection of its own."""
        with contextlib.closing(http.client.HTTPConnection(*self.address, timeout=SECONDS)) as connection:
            connection.request("POST", ROUTE, body, dict(headers))
            answer = connection.getresponse()
            return answer.status, answer.read()

    def send(self, request: bytes) -> int:
        """One request as bytes, for what no client would write; the status."""
        with socket.create_connection(self.address, timeout=SECONDS) as connection:
            connection.sendall(request)
            return int(connection.recv(100).split()[1])


@pytest.fixture(scope="module")
def host_client(
    certificates: Certificates, storage: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[HostClient]:
    """A host that has all that the webhook needs."""
    log = tmp_path_factory.mktemp("host") / "host.log"
    settings = {
        "AzureWebJobsStorage": storage,
        "BOOKING_QUEUE_NAME": "hammered-changes",
        "DATAVERSE_ORGANIZATION_ID": ORGANIZATION,
        "SSL_CERT_FILE": str(certificates.authority),
    }
    with running(host_process(AppLaunch(REPOSITORY, settings, KEYS, log_file=log), "own")) as process:
        parts = urlsplit(process.url)
        yield HostClient((str(parts.hostname), int(parts.port or 0)), log)


@tries(0.3)
@given(raw_bodies())
def test_no_body_breaks_the_host(host_client: HostClient, body: bytes) -> None:
    """Mutated bodies get a short JSON answer, and no 5xx but the 503 of a queue that can't keep up."""
    status, answer = host_client.post(body, {HEADER: KEYS.function})
    assert len(answer) < 400
    if status == http.HTTPStatus.SERVICE_UNAVAILABLE:
        assert json.loads(answer)["error"].startswith("the storage queue ")
    else:
        assert status in (202, 400), answer
        assert isinstance(json.loads(answer), dict)


@pytest.mark.parametrize("kind", HEAVY)
def test_no_heavy_body_breaks_the_host(host_client: HostClient, kind: str) -> None:
    """Bodies made to cost much are answered, and the next one is, too."""
    status, _ = host_client.post(HEAVY[kind], {HEADER: KEYS.function, "Content-Type": "text/plain"})
    assert status in (202, 400, 413)
    assert host_client.post(updated().body(), {HEADER: KEYS.function})[0] == 202


@pytest.mark.parametrize(
    "key",
    [b"", b"wrong", b"the-function-key-of-this-tes", b"\xff\xfe\x80", "schlüssel".encode(), b"x" * 2000],
)
def test_without_the_right_key_nobody_gets_in(host_client: HostClient, key: bytes) -> None:
    """A missing, wrong, cut off, odd or long key is a 401, in the header and in the query."""
    head = b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n" % ROUTE.encode()
    assert host_client.send(head + b"%s: %s\r\n\r\n{}" % (HEADER.encode(), key)) == 401
    quoted = b"".join(b"%%%02X" % each for each in key)
    assert host_client.send(head.replace(b" HTTP", b"?code=%s HTTP" % quoted) + b"\r\n{}") == 401


def test_nothing_of_it_is_in_the_log(host_client: HostClient) -> None:
    """Neither tracebacks nor keys were logged, whatever came in before."""
    host_client.post(b"{", {HEADER: KEYS.function})
    log = host_client.log.read_text()
    assert "The body is not JSON." in log
    assert not [each for each in ("Traceback", KEYS.function, KEYS.master) if each in log]
