"""The query for the app's telemetry, asked of the stand-in, and answers that no stand-in gives."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from azure.core.credentials import AccessToken

from booking_sync.azure.connections import MAX_ANSWER_BYTES
from booking_sync.azure.trials.telemetry import LogAnalyticsTrials, query_of, read_answer
from booking_sync.errors import TransientError
from booking_sync.plumbing.closed_on_exit import ClosedOnExit
from booking_sync.ports.certification import OwnLine, ServiceAnswer, Telemetry
from local.loganalytics.standin import LogAnalyticsStandIn
from local.standin import server_tls, serving, tokens
from local.standin.faults import Fault

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from local.stack.certificates import Certificates

WORKSPACE = "0a1b2c3d-1111-4222-8333-444455556666"
PRINCIPAL = "5e6f7a8b-1111-4222-8333-444455556666"
DAY = timedelta(days=1)


@dataclass
class Reader(ClosedOnExit):
    """Somebody who signs in; fulfils `AppCredential`."""

    key: bytes
    oid: str = PRINCIPAL
    audience: str = ""
    """What tokens are for; empty: what is asked for."""

    async def get_token(self, *scopes: str, **_options: Any) -> AccessToken:
        """A token for the one scope."""
        (scope,) = scopes
        audience = self.audience or scope.removesuffix("/.default")
        return AccessToken(tokens.issue(self.key, audience, 600, {"oid": self.oid}), 600)

    def renew(self) -> None:
        """Nothing is kept."""

    async def close(self) -> None:
        """Nothing is open."""


@dataclass
class Workspace:
    """The stand-in, and how to reach it."""

    standin: LogAnalyticsStandIn
    url: str
    key: bytes

    async def ask(
        self, own: OwnLine | None = None, reader: Reader | None = None, workspace: str = WORKSPACE
    ) -> ServiceAnswer:
        """What there is of the last day."""
        trials = LogAnalyticsTrials(reader or Reader(self.key), workspace, self.url)
        return await trials.telemetry(datetime.now(UTC) - DAY, own)


@pytest_asyncio.fixture
async def logs(certificates: Certificates) -> AsyncIterator[Workspace]:
    """A workspace with a line of two days ago and one of now."""
    key = secrets.token_bytes(32)
    standin = LogAnalyticsStandIn(WORKSPACE, key, [PRINCIPAL])
    standin.tell('{"event":"catch_up"}', 2 * DAY.total_seconds())
    standin.tell('{"correlationId":"5d1c-own","event":"booking_outcome"}', 30)
    async with serving(standin, server_tls(str(certificates.certificate), str(certificates.key))) as url:
        yield Workspace(standin, url, key)


@pytest.mark.assumes("telemetry_arrives")
async def test_lines_are_counted(logs: Workspace) -> None:
    """Lines and requests of the time that was asked for, the newest one's moment, and the own line."""
    logs.standin.tell("no line of the app's form")
    now = datetime.now(UTC)
    for own, count in [
        (None, 0),
        (OwnLine("5d1c-own", now - DAY), 1),
        (OwnLine("5d1c-own", now), 0),
        (OwnLine("5d1c", now - DAY), 1),
        (OwnLine("5d1", now - DAY), 0),
    ]:
        answer = await logs.ask(own)
        told = answer.body
        assert (answer.status, type(told)) == (200, Telemetry)
        assert (told.lines, told.requests, told.own) == (1, 2, count)
        assert timedelta(seconds=20) < now - told.newest < timedelta(seconds=60)


async def test_the_query_is_in_no_url(logs: Workspace) -> None:
    """What is looked for is in the body only."""
    await logs.ask(OwnLine("5d1c-own", datetime.now(UTC)))
    (request,) = logs.standin.requests
    assert request.path == f"/v1/workspaces/{WORKSPACE}/query"


async def test_an_empty_workspace_is_an_answer(logs: Workspace) -> None:
    """Nothing has arrived: noughts, and no moment."""
    logs.standin.config = logs.standin.config.changed(arrival="missing")
    assert (await logs.ask()).body == Telemetry()


@pytest.mark.parametrize(
    ("reader", "workspace", "verdict"),
    [
        ({"oid": "somebody-else"}, WORKSPACE, "403 InsufficientAccessError"),
        (
            {"audience": "https://management.azure.com"},
            WORKSPACE,
            "403 InvalidAuthenticationTokenAudience",
        ),
        ({"key": b"x" * 32}, WORKSPACE, "403 InvalidAuthenticationToken"),
        ({}, PRINCIPAL, "404 WorkspaceNotFoundError"),
    ],
)
async def test_a_refusal_is_told_by_its_code(
    logs: Workspace, reader: dict[str, Any], workspace: str, verdict: str
) -> None:
    """Status and code, and nothing of the service's words."""
    answer = await logs.ask(reader=Reader(**{"key": logs.key, **reader}), workspace=workspace)
    assert (answer.verdict, answer.body) == (verdict, None)


async def test_a_workspace_that_hangs_up(logs: Workspace) -> None:
    """No answer is a matter of time."""
    logs.standin.faults.add(Fault(drop=True))
    with pytest.raises(TransientError, match="Log Analytics can't be reached"):
        await logs.ask()


async def test_an_endless_answer_is_not_read_to_its_end(logs: Workspace) -> None:
    """What is larger than any answer meant is refused."""
    logs.standin.faults.add(Fault(status=200, body="x" * (MAX_ANSWER_BYTES + 1)))
    with pytest.raises(TransientError):
        await logs.ask()


def _row(*values: Any) -> dict[str, Any]:
    names = ("Lines", "Requests", "Own", "Newest")
    return {
        "tables": [{"name": "PrimaryResult", "columns": [{"name": each} for each in names], "rows": [values]}]
    }


def test_columns_are_read_by_name() -> None:
    """In whatever order they come."""
    told = _row(1, 2, 3, "2026-11-27T12:00:00.1234567Z")
    told["tables"][0]["columns"].reverse()
    told["tables"][0]["rows"][0] = tuple(reversed(told["tables"][0]["rows"][0]))
    body = read_answer(200, json.dumps(told).encode()).body
    assert (body.lines, body.requests, body.own) == (1, 2, 3)
    assert body.newest.replace(microsecond=0) == datetime(2026, 11, 27, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "told",
    [
        {},
        [],
        {"tables": []},
        {"tables": [{"columns": [], "rows": [[]]}]},
        {**_row(1, 2, 3, None), "error": {"code": "PartialError"}},
        _row("1", 2, 3, None),
        _row(True, 2, 3, None),  # noqa: FBT003 - a value of the answer
        _row(1, 2, 3),
        {"tables": [{**_row(1, 2, 3, None)["tables"][0], "rows": []}]},
    ],
)
def test_an_answer_that_is_none(told: Any) -> None:
    """It is no success, whatever its status, and nothing else comes out of it."""
    with pytest.raises(TransientError, match="Log Analytics"):
        read_answer(200, json.dumps(told).encode())


def test_a_gateway_s_answer_is_its_status() -> None:
    """A page instead of JSON has no code; the more precise code is told where there are two."""
    assert read_answer(502, b"<html>") == ServiceAnswer(502)
    assert read_answer(429, b"[]") == ServiceAnswer(429)
    inner = {"error": {"code": "BadArgumentError", "innererror": {"code": "SyntaxError"}}}
    assert read_answer(400, json.dumps(inner).encode()).verdict == "400 SyntaxError"
    with pytest.raises(TransientError):
        read_answer(200, b"<html>")


def test_a_moment_is_asked_for_in_utc() -> None:
    """Whatever zone it was given in; the line's text is quoted."""
    zone = datetime.fromisoformat("2026-11-27T12:00:00+02:00")
    query = query_of(zone, OwnLine('a"b', zone))
    assert query.count("datetime(2026-11-27T10:00:00Z)") == 2
    assert r'has "a\"b"' in query
