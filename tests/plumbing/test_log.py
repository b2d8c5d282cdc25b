"""Structured log lines."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

import pytest

from booking_sync.domain.text import quote
from booking_sync.plumbing.log import log_event, quiet_libraries

LOGGER = logging.getLogger("tests.log")


def test_event_is_one_sorted_line_of_json(caplog: pytest.LogCaptureFixture) -> None:
    """A line reads the same for the same fields, whatever their order, with times as text."""
    caplog.set_level(logging.INFO)
    log_event(LOGGER, "synced", zone="UTC", at=datetime(2026, 3, 1, tzinfo=UTC), count=2)
    assert [record.getMessage() for record in caplog.records] == [
        '{"at":"2026-03-01 00:00:00+00:00","count":2,"event":"synced","zone":"UTC"}'
    ]


def test_field_can_not_forge_a_line(caplog: pytest.LogCaptureFixture) -> None:
    """Line breaks, half characters and percent signs in a field stay inside their line."""
    caplog.set_level(logging.INFO)
    text = 'x\n{"event":"forged"}\u2028\ud800 %s'
    log_event(LOGGER, "refused", reason=text)
    line = caplog.records[0].getMessage()
    assert len(line.splitlines()) == 1
    assert json.loads(line) == {"event": "refused", "reason": text}


def test_a_quotation_stays_out_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """What a service said goes to a person, not to the log, wherever in a field it stands."""
    caplog.set_level(logging.INFO)
    said = quote("Adatum »Bakery« is «unknown»", 20)
    reason = f"Refused: {said} for good"
    log_event(LOGGER, "refused", reason=reason, several=[{"reason": reason[:14]}])
    line = json.loads(caplog.records[0].getMessage())
    assert said == "«Adatum Bakery is un…»"
    assert line["reason"] == "Refused: «…» for good"
    assert line["several"] == [{"reason": "Refused: «…»"}]


def test_level_is_the_callers(caplog: pytest.LogCaptureFixture) -> None:
    """Trouble is logged as such, and what is below the logger's level is not logged at all."""
    caplog.set_level(logging.WARNING)
    log_event(LOGGER, "fine")
    log_event(LOGGER, "trouble", level=logging.ERROR)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


@pytest.mark.usefixtures("library_levels")
@pytest.mark.parametrize(
    "name",
    [
        "azure.core.pipeline.policies.http_logging_policy",
        "azure.functions",
        "azure.keyvault.x",
        "msal.token_cache",
        "httpx",
    ],
)
def test_libraries_are_quiet_about_their_requests(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """With the root logger at INFO, libraries report trouble only."""
    caplog.set_level(logging.INFO)
    quiet_libraries()
    logging.getLogger(name).info("GET https://graph.microsoft.com/v1.0/users/somebody")
    logging.getLogger(name).warning("no answer")
    assert [record.getMessage() for record in caplog.records] == ["no answer"]


@pytest.mark.usefixtures("library_levels")
def test_the_worker_s_line_for_each_invocation_is_not_paid_for(caplog: pytest.LogCaptureFixture) -> None:
    """Microsoft's worker library writes it at INFO, on the logger that is kept quiet."""
    worker = pytest.importorskip("azure_functions_runtime.logging")
    worker.logger.setLevel(logging.NOTSET)  # whatever ran before
    caplog.set_level(logging.INFO)
    assert worker.logger.isEnabledFor(logging.INFO)
    quiet_libraries()
    assert not worker.logger.isEnabledFor(logging.INFO)
    assert worker.logger.isEnabledFor(logging.WARNING)
