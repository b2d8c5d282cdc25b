"""Graph's question whether an address wants its notifications: it must hear its own token. Pure.

Graph asks both addresses of a subscription before it makes one, and wants the decoded token as plain text
within ten seconds. Anybody else may ask as well, so nothing is echoed that a browser could take for
anything but text. Nothing is escaped either: an escaped token fails, and Graph's never hold markup
(Microsoft Graph: "Receive change notifications through webhooks").
"""

from __future__ import annotations

from typing import Final

from booking_sync.plumbing.http.answer import HttpAnswer, TextAnswer

TOKEN_PARAMETER: Final = "validationToken"  # noqa: S105 - the parameter's name, no secret
MAX_TOKEN: Final = 1024
"""Characters; those that were seen have some 100."""
_MARKUP = frozenset("<>&\"'")
_HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}


def answer_handshake(token: str) -> TextAnswer | HttpAnswer:
    """The token itself; 400 for what can't be one.

    Args:
        token: decoded, as the host gives parameters.
    """
    if 0 < len(token) <= MAX_TOKEN and token.isprintable() and token.isascii() and not _MARKUP & set(token):
        return TextAnswer(200, token, _HEADERS)
    return HttpAnswer(400, {"status": "refused", "error": "That is no validation token."})
