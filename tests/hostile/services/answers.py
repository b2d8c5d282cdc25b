"""Services' answers gone wrong: real ones with values retyped, dropped, doubled and exchanged, or cut short.

Unlike `bodies`, which Hypothesis draws, these are made by a seeded generator: there are many more of them,
each is cheap, and its number alone brings it back.

    make soak-answers ANSWERS=100000
"""

from __future__ import annotations

import copy
import json
import os
from random import Random
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import track

from tests.hostile.fuzz.bodies import HOSTILE_NUMBERS, HOSTILE_TEXTS, Doubled, Spot, nested, write

if TYPE_CHECKING:
    from collections.abc import Iterable

QUICK, SOAK = 2_000, 100_000

_HTML = b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
_TEXTS = (
    *HOSTILE_TEXTS,
    "https://evil.example/v1.0/users",
    "https://[",
    "9999-12-31T23:59:59.9999999",
    "0001-01-01T00:00:00Z",
    "2026-02-30T00:00:00Z",
    "2026-03-02T09:00:00+23:59",
    'W/"1"',
    "0x80040217",
    "ErrorItemNotFound",
    "UTC",
)
STATUSES = [
    *(0, 99, 100, 200, 204, 206, 301, 302, 304, 400, 401, 403, 404, 408, 409, 410, 412, 413, 421, 423),
    *(424, 429, 451, 499, 500, 501, 502, 503, 504, 507, 599, 600, -1, 10**9),
]
HEADERS = (
    ("retry-after", "5"),
    ("retry-after", "9" * 400),
    ("retry-after", "Sat, 01 Jan 99999999999999 00:00:00 GMT"),
    ("retry-after", "nan"),
    ("content-type", "text/html"),
    ("content-type", "multipart/mixed"),
    ("content-type", "multipart/mixed; boundary="),
    ("content-type", "application/json; charset=\ud7ff"),
    ("odata-entityid", "elsewhere"),
    ("x-ms-service-request-id", "\x00" * 50),
    ("www-authenticate", "Bearer error=insufficient_claims, claims=x"),
    ("location", "https://evil.example/"),
)


def is_soak() -> bool:
    """Whether this run has all the time it needs."""
    return os.environ.get("HYPOTHESIS_PROFILE", "quick") == "soak"


def patience() -> float:
    """Seconds after which an operation hangs; a soak at idle priority may stand still for minutes."""
    return 1800.0 if is_soak() else 60.0


def rounds(share: float = 1.0) -> Iterable[int]:
    """The numbers of the mutated answers that this run tries; a soak shows how far it is.

    Args:
        share: of the run's number; a soak of `ANSWERS` answers tries that many of each kind.
    """
    if not is_soak():
        return range(round(QUICK * share))
    return track(range(int(os.environ.get("ANSWERS", SOAK))), "answers", console=Console(stderr=True))


def tell(line: str) -> None:
    """Show what a soak came to, beside its progress."""
    if is_soak():
        Console(stderr=True).print(line)


def junk(random: Random, depth: int = 0) -> Any:
    """A value that nobody expects."""
    plain: list[Any] = [None, True, False, [[]], random.choice(HOSTILE_NUMBERS), *random.choices(_TEXTS, k=3)]
    if depth == 2 or random.random() < 0.7:
        return random.choice(plain)
    inner = [junk(random, depth + 1) for _ in range(random.randrange(3))]
    return inner if random.random() < 0.5 else {random.choice(_TEXTS): each for each in inner}


def _replace(container: Any, key: Any, random: Random) -> None:
    container[key] = junk(random)


def _drop(container: Any, key: Any, _random: Random) -> None:
    del container[key]


def _repeat(container: Any, key: Any, random: Random) -> None:
    """An entry twice in its list, or an object's keys twice."""
    if isinstance(container, list):
        container.insert(key, copy.deepcopy(container[key]))
    elif isinstance(container[key], dict):
        container[key] = Doubled(container[key], junk(random))


def _shorten(container: Any, key: Any, random: Random) -> None:
    """A list out of order, and with some entries missing."""
    entries = container[key]
    if isinstance(entries, list):
        random.shuffle(entries)
        del entries[random.randrange(len(entries) + 1) :]


_CHANGES = (_replace, _replace, _replace, _drop, _repeat, _shorten)


def mutated(value: Any, random: Random) -> Any:
    """A copy of a JSON value with one to four places changed, on each level as likely as on any other."""
    holder = {"": copy.deepcopy(value)}
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        levels = _levels(holder)
        container, key = random.choice(random.choice(levels))
        if random.random() < 0.2:
            other, place = random.choice(random.choice(levels))
            container[key] = copy.deepcopy(other[place])  # what belongs elsewhere
        else:
            random.choice(_CHANGES)(container, key, random)
        holder.setdefault("", None)
    return holder[""]


def text(value: Any, random: Random) -> bytes:
    """The value as bytes, which may be cut short, spoiled, or something else altogether."""
    return text_bytes(write(value).encode("utf-8", "surrogatepass"), random)


def text_bytes(written: bytes, random: Random) -> bytes:
    """The same of what is written already."""
    if not written or random.random() < 0.8:
        return written
    spoiled = bytearray(written)
    for _ in range(random.randrange(1, 5)):
        spoiled[random.randrange(len(spoiled))] = random.randrange(256)
    whole = (b"", _HTML, nested(100_000).encode(), b"null", b"[]", b"{}", b"0", b'""', b"\xff\xfe", b"NaN")
    behind = written + random.choice((b"x", b"{}", _HTML, b"\x00"))
    cut = written[: random.randrange(len(written) + 1)]
    return random.choice((bytes(spoiled), cut, behind, random.choice(whole)))


def headers(real: dict[str, str], random: Random) -> dict[str, str]:
    """The answer's headers, some of them spoiled or gone."""
    changed = dict(real)
    for _ in range(random.randrange(3)):
        name, value = random.choice(HEADERS)
        changed[name] = value
    if changed and random.random() < 0.1:
        del changed[random.choice(sorted(changed))]
    return changed


def shown(answer: Any) -> str:
    """An answer as a test's failure tells it."""
    return json.dumps(answer, default=repr)[:3000]


def _levels(holder: dict[str, Any]) -> list[list[Spot]]:
    """Every place in a value, by how deep it lies."""
    levels: list[list[Spot]] = []
    inside: list[Any] = [holder]
    while inside:
        entries = [
            (container, key)
            for container in inside
            for key in (range(len(container)) if isinstance(container, list) else list(container))
        ]
        inside = [each for container, key in entries if isinstance(each := container[key], dict | list)]
        levels += [entries] if entries else []
    return levels
