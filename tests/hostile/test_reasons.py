"""Reasons that people read: short, on one line, and made of our words and marked quotations."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from booking_sync.dataverse.rows.booking_rows import to_columns
from booking_sync.dataverse.web_api.errors import read_refusal, to_error
from booking_sync.dataverse.web_api.reply import Reply
from booking_sync.domain.environment.columns import SYNC_ERROR_LENGTH, SupportColumns
from booking_sync.domain.record import SyncRecord
from booking_sync.domain.text import without_quotes
from booking_sync.outlook.graph import errors
from booking_sync.outlook.graph.wire import Answer
from tests.hostile.fuzz.bodies import junk
from tests.hostile.fuzz.budget import tries
from tests.support.bookings import BOOKING_ID, ORGANIZATION_ID
from tests.support.seals import sealer

if TYPE_CHECKING:
    from collections.abc import Mapping

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
LIMIT = 400
SAID = "Adatum\u2028Bakery\r\nTraceback (most recent call last):\x00"
words = st.text(st.characters(codec=None, exclude_categories=()), max_size=40).map(lambda text: SAID + text)
statuses = st.sampled_from((302, 400, 401, 403, 404, 409, 412, 413, 429, 500, 503))
messages = words | words.map(lambda text: text * 500) | st.just(f"a property named '{'x' * 5000}' {SAID}")
bodies = st.fixed_dictionaries(
    {"error": st.fixed_dictionaries({"code": words | junk, "message": messages | junk})}
)


def check_reason(reason: str) -> None:
    """What holds for every reason."""
    assert 0 < len(reason) <= LIMIT
    assert len(reason.splitlines()) == 1
    assert "Adatum" not in without_quotes(reason)


@tries()
@given(statuses, bodies | junk, st.booleans())
def test_no_answer_of_graph_makes_a_bad_reason(status: int, body: Any, writes: bool) -> None:  # noqa: FBT001 - drawn by Hypothesis
    """Whatever Graph says, its own words are short and marked, so that the log can leave them out."""
    check_reason(errors.translate(Answer(status, {}, body), NOW, writes=writes).reason)


@tries()
@given(statuses, bodies | junk, st.booleans())
def test_no_answer_of_dataverse_makes_a_bad_reason(status: int, body: Any, writes: bool) -> None:  # noqa: FBT001 - drawn by Hypothesis
    """Dataverse's own words are never part of a reason, but for names of columns and privileges."""
    reply = Reply(status, _no_headers(), json.dumps(body).encode())
    check_reason(to_error(read_refusal(reply, NOW), writes=writes).reason)


@tries(0.3)
@given(words.map(lambda text: text * 200))
def test_every_reason_fits_the_rows_column(reason: str) -> None:
    """The error column takes what is written, whatever its length in UTF-16."""
    columns = SupportColumns()
    written = to_columns(BOOKING_ID, SyncRecord(error=reason), columns, sealer(ORGANIZATION_ID))[
        columns.sync_error
    ]
    assert written
    assert len(written.encode("utf-16-le", "surrogatepass")) <= 2 * SYNC_ERROR_LENGTH


def _no_headers() -> Mapping[str, str]:
    return {}
