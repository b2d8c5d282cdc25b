"""What Exchange makes of an event body: it answers rewritten HTML, never what was sent."""

from __future__ import annotations

import functools
import re
from html import escape
from html.parser import HTMLParser

PREVIEW_CHARACTERS = 255
HEAD = (
    '<html>\r\n<head>\r\n<meta http-equiv="Content-Type" content="text/html; charset=utf-8">\r\n'
    "</head>\r\n<body>\r\n"
)
TAIL = "\r\n</body>\r\n</html>\r\n"


def rewrite_body(content: str, content_type: str) -> str:
    """The HTML page that a body is answered as."""
    if content_type == "text":
        return f'{HEAD}<div class="PlainText">{escape(content)}</div>{TAIL}'
    inner = re.sub(r"(?is)<!doctype[^>]*>|<head\b.*?</head>|</?(html|body)\b[^>]*>", "", content)
    return HEAD + inner.strip() + TAIL


@functools.lru_cache(maxsize=512)  # an event is answered far more often than it is written
def preview(content: str, content_type: str) -> str:
    """The first characters of a body's text."""
    if content_type == "text":
        return content[:PREVIEW_CHARACTERS]
    reader = _TextOf()
    reader.feed(content)
    reader.close()
    return " ".join(" ".join(reader.parts).split())[:PREVIEW_CHARACTERS]


class _TextOf(HTMLParser):
    """Collects the text between the tags."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data)
