"""The stand-in for a Log Analytics workspace: what it refuses, and whose lines it holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from local.loganalytics.config import LogsConfig
from local.loganalytics.kql import QueryError, Table, run_query
from local.loganalytics.standin import LogAnalyticsStandIn
from local.standin import CONTROL_PREFIX, tokens

if TYPE_CHECKING:
    from pathlib import Path

KEY, READER, WORKSPACE = b"k" * 32, "the-reader", "0a1b2c3d-1111-4222-8333-444455556666"
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
COUNT = "union AppTraces | summarize N = countif(true)"
ROWS = [
    {"Type": "AppTraces", "TimeGenerated": NOW, "Message": '{"event":"catch_up"}'},
    {"Type": "AppTraces", "TimeGenerated": NOW - timedelta(hours=2), "Message": "Starting"},
    {"Type": "AppRequests", "TimeGenerated": NOW - timedelta(hours=1), "Name": "catch_up"},
]


@pytest.mark.parametrize(
    ("query", "row"),
    [
        (COUNT, (2,)),
        ("union AppTraces, AppRequests | summarize N = countif(false)", (0,)),
        ('union AppTraces | summarize N = countif(Message has "EVENT" and Message startswith "{")', (1,)),
        ('union AppTraces | summarize N = countif(Message has "even")', (0,)),
        (
            'union AppTraces, AppRequests | summarize A = countif(Type == "AppRequests"), B = countif(true)',
            (1, 3),
        ),
        (
            "union AppTraces | where TimeGenerated > datetime(2026-11-27T11Z) | summarize N = countif(true)",
            (1,),
        ),
        ("union AppTraces | summarize N = maxif(TimeGenerated, true)", ("2026-11-27T12:00:00.000000Z",)),
        ("union AppTraces | summarize N = maxif(TimeGenerated, false)", (None,)),
    ],
)
def test_what_a_query_comes_to(query: str, row: tuple[Any, ...]) -> None:
    """One row, as Kusto's language has it."""
    assert run_query(query, ROWS).rows == (row,)


def test_columns_have_their_types() -> None:
    """As the service names them."""
    asked = "union AppTraces | summarize N = countif(true), M = maxif(TimeGenerated, true)"
    assert run_query(asked, ROWS) == Table(
        (("N", "long"), ("M", "datetime")), ((2, "2026-11-27T12:00:00.000000Z"),)
    )


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("traces | summarize N = countif(true)", "SyntaxError"),
        ("union traces | summarize N = countif(true)", "SemanticError"),
        ("union AppTraces", "SyntaxError"),
        ("union AppTraces | where", "SyntaxError"),
        ("union AppTraces | wher Message has 'x'", "SyntaxError"),
        ('union AppTraces | where Mesage has "x" | summarize N = countif(true)', "SemanticError"),
        ('union AppRequests | where Message has "x" | summarize N = countif(true)', "SemanticError"),
        ('union AppTraces | where TimeGenerated > "2026" | summarize N = countif(true)', "SemanticError"),
        ('union AppTraces | where Message > "x" | summarize N = countif(true)', "SemanticError"),
        ('union AppTraces | where Message like "x" | summarize N = countif(true)', "SyntaxError"),
        (
            "union AppTraces | where TimeGenerated > datetime(soon) | summarize N = countif(true)",
            "SyntaxError",
        ),
        ("union AppTraces | where Message has x | summarize N = countif(true)", "SyntaxError"),
        ("union AppTraces | summarize N = total(true)", "SemanticError"),
        ("union AppTraces | summarize N = countif(true", "SyntaxError"),
        (f"{COUNT} | take 1", "SyntaxError"),
        (f"{COUNT}; drop", "SyntaxError"),
        ("", "SyntaxError"),
    ],
)
def test_a_malformed_query_is_refused(query: str, code: str) -> None:
    """What can't be read, and names or types that are wrong, by the service's codes."""
    with pytest.raises(QueryError) as refused:
        run_query(query, ROWS)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"query": COUNT}, 200, None),
        ({"query": "union"}, 400, "BadArgumentError"),
        ({"query": " "}, 400, "BadArgumentError"),
        ({"query": 7}, 400, "BadArgumentError"),
        ({}, 400, "BadArgumentError"),
        ([], 400, "BadArgumentError"),
    ],
)
async def test_requests_are_read_strictly(body: Any, status: int, code: str | None) -> None:
    """The body is a JSON object with a query; a missing token is no token."""
    async with TestClient(TestServer(LogAnalyticsStandIn(WORKSPACE, KEY, [READER]).app)) as client:
        audience = str(client.make_url("/").origin())
        token = tokens.issue(KEY, audience, 60, {"oid": READER})
        path, headers = f"/v1/workspaces/{WORKSPACE}/query", {"Authorization": f"Bearer {token}"}
        answer = await client.post(path, json=body, headers=headers)
        told = await answer.json()
        assert (answer.status, told.get("error", {}).get("code")) == (status, code)
        assert (await client.post(path, json=body)).status == 401
        assert (await client.post(path, data="query", headers=headers)).status == 400


async def test_a_setting_that_there_is_not_is_refused() -> None:
    """Neither another setting nor another value."""
    async with TestClient(TestServer(LogAnalyticsStandIn(WORKSPACE, KEY, [READER]).app)) as client:
        for wrong in ({"arrives": "late"}, {"arrival": "never"}):
            assert (await client.put(f"{CONTROL_PREFIX}config", json=wrong)).status == 400
    with pytest.raises(ValueError, match="never"):
        LogsConfig().changed(arrival="never")


async def test_the_hosts_logs_are_followed(tmp_path: Path) -> None:
    """Lines of the app are taken once each, when they are whole; the host's own are none of it."""
    standin = LogAnalyticsStandIn(WORKSPACE, KEY, [READER], tmp_path)
    log = tmp_path / "host-0.log"
    log.write_text(
        'INFO local.functions_host: up\nINFO booking_sync.sync.worker: {"event":"a"}\nINFO x: {"ev'
    )
    standin._read_logs()  # noqa: SLF001 - what the follower does, without its pause
    standin._read_logs()  # noqa: SLF001 - as above
    with log.open("a") as more:
        more.write('ent":"b"}\n')
    standin._read_logs()  # noqa: SLF001 - as above
    rows = standin._arrived()  # noqa: SLF001 - what a query sees
    assert [row["Message"] for row in rows if "Message" in row] == ['{"event":"a"}', '{"event":"b"}']
