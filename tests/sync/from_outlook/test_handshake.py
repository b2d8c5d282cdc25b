"""Graph's question whether its notifications are wanted."""

from __future__ import annotations

import pytest

from booking_sync.plumbing.http.answer import HttpAnswer, TextAnswer
from booking_sync.sync.from_outlook.handshake import MAX_TOKEN, answer_handshake

TOKEN = "Validation: Testing client application reachability for subscription Request-Id: 5d7c1f57+/=:%20"


def test_a_token_is_answered_as_it_is() -> None:
    """As plain text that no browser takes for anything else; an escaped token would fail."""
    assert answer_handshake(TOKEN) == TextAnswer(
        200, TOKEN, {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
    )
    assert isinstance(answer_handshake("x" * MAX_TOKEN), TextAnswer)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x" * (MAX_TOKEN + 1),
        "<script>",
        "a&b",
        'a"b',
        "a'b",
        "a>b",
        "a\r\nb",
        "a\x00b",
        "a\tb",
        "ü",
        "\u202e",
    ],
)
def test_what_graph_never_sends_is_not_echoed(token: str) -> None:
    """Markup, control characters, other letters, too much of it."""
    answer = answer_handshake(token)
    assert isinstance(answer, HttpAnswer)
    assert answer.status == 400
    assert not token or token not in str(answer.payload)
