"""Webhook bodies gone wrong: real shapes with pieces dropped, swapped, doubled, retyped and re-encoded."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from tests.support.webhook_bodies import (
    BOOKING,
    EVENT_ID,
    MAILBOX,
    Webhook,
    created,
    deleted,
    headers,
    resource_updated,
    updated,
    work_order_updated,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

Spot = tuple[Any, Any]
"""A container and the key or index of a place in it."""

HOSTILE_TEXTS = (
    "",
    "\x00",
    "\ud800",
    "\udfff\ud800",
    "a\r\nX-Injected: 1\r\n\r\n",
    "../../users/other",
    "..",
    "%2e%2e%2f",
    "{{ 7 * 7 }}",
    "<script>alert(1)</script>",
    "\u202e\u2028\ufeff",
    "\N{PILE OF POO}" * 500,
    "x" * 5000,
    "00000000-0000-0000-0000-000000000000",
    "{" + BOOKING.upper() + "}",
    "urn:uuid:" + BOOKING,
    "٣" * 32,
    "1:\ud800:\ud800",
    "99999999999999999999:x:y",
    "__proto__",
    "Create",
    "Delete",
    "bookableresourcebooking",
    "msdyn_workorder",
    "bookableresource",
)
HOSTILE_NUMBERS = (0, -1, 2**63, 10**400, -(10**400), 1e308, float("nan"), float("inf"), float("-inf"))

texts = st.sampled_from(HOSTILE_TEXTS) | st.text(
    st.characters(codec=None, exclude_categories=()), max_size=60
)
junk = st.recursive(
    st.none() | st.booleans() | st.sampled_from(HOSTILE_NUMBERS) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=8,
)


_images = st.fixed_dictionaries(
    {"msdyn_workorder": st.just({"Id": BOOKING})},
    optional={
        "bsync_outlookeventid": st.just(EVENT_ID) | texts,
        "bsync_originalresource": st.just(MAILBOX) | texts,
        "bsync_outlooksyncstate": st.builds("{}:{}:{}".format, st.integers(), texts, texts) | texts,
    },
)
"""Columns of a deleted row's image, edited by somebody."""


def nested(depth: int, opening: str = "[", closing: str = "]", core: str = "") -> str:
    """JSON text of this depth, made without recursion."""
    return opening * depth + core + closing * depth


class Doubled(dict[str, Any]):
    """An object that is written with its keys twice, the second time with other values."""

    def __init__(self, values: dict[str, Any], again: Any) -> None:
        super().__init__(values)
        self.again = again


def write(value: Any) -> str:
    """JSON text, also for what JSON should not hold (NaN) and for objects with doubled keys."""
    if isinstance(value, dict):
        entries = [f"{json.dumps(key)}:{write(each)}" for key, each in value.items()]
        if isinstance(value, Doubled):
            entries += [f"{json.dumps(key)}:{write(value.again)}" for key in value]
        return "{" + ",".join(entries) + "}"
    if isinstance(value, list):
        return "[" + ",".join(write(each) for each in value) + "]"
    return json.dumps(value)


def _spots(value: Any) -> Iterator[Spot]:
    entries = enumerate(value) if isinstance(value, list) else value.items()
    for key, each in entries:
        yield value, key
        if isinstance(each, dict | list):
            yield from _spots(each)


@st.composite
def contexts(draw: st.DrawFn) -> Any:
    """A body's values after up to six mutations, anywhere in it."""
    related = (work_order_updated(), resource_updated())
    webhook = draw(st.sampled_from((created(), updated(), deleted(), *related)) | _images.map(deleted))
    context: Any = copy.deepcopy(webhook.context())
    for _ in range(draw(st.integers(0, 6))):
        spots = list(_spots(context))
        if not spots:
            break
        read = [spot for spot in spots if spot[1] in _READ]
        at_what_is_read = draw(st.booleans())
        holder, key = draw(st.sampled_from(read if read and at_what_is_read else spots))
        _mutate(draw, holder, key)
    return context


def _mutate(draw: st.DrawFn, holder: Any, key: Any) -> None:
    match draw(st.sampled_from(("drop", "replace", "text", "rename", "double", "repeat"))):
        case "drop":
            del holder[key]
        case "replace":
            holder[key] = draw(junk)
        case "text":
            holder[key] = draw(texts)
        case "rename" if isinstance(holder, dict):
            holder[draw(texts)] = holder.pop(key)
        case "double" if isinstance(holder[key], dict):
            holder[key] = Doubled(holder[key], draw(junk))
        case "repeat" if isinstance(holder, list):
            holder.insert(key, holder[key])
        case _:
            holder[key] = None


_READ = (
    *("PrimaryEntityName", "PrimaryEntityId", "MessageName", "OrganizationId", "InitiatingUserId"),
    *("CorrelationId", "InputParameters", "PreEntityImages", "Attributes", "__type", "key", "value"),
)
"""Keys that the app looks at."""
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "utf-7", "latin-1", "cp1252")


@st.composite
def raw_bodies(draw: st.DrawFn) -> bytes:
    """A mutated body as bytes: mostly plain, at times in another encoding, cut off or overwritten."""
    text = write(draw(contexts()))
    match draw(st.sampled_from(("plain",) * 8 + ("unescaped", "encoded", "cut", "overwritten", "noise"))):
        case "unescaped":
            return json.dumps(json.loads(text), ensure_ascii=False).encode(errors="surrogatepass")
        case "encoded":
            return text.encode(draw(st.sampled_from(ENCODINGS)))
        case "cut":
            return text.encode()[: draw(st.integers(0, len(text)))]
        case "overwritten":
            at = draw(st.integers(0, len(text)))
            return text[:at].encode() + draw(st.binary(max_size=20)) + text[at:].encode()
        case "noise":
            return draw(st.binary(max_size=200))
        case _:
            return text.encode()


@st.composite
def raw_headers(draw: st.DrawFn) -> dict[str, str]:
    """Headers, at times missing, hostile, or speaking of another body."""
    named = headers(draw(st.sampled_from(("Create", "Update", "Delete"))))
    for name in draw(st.lists(st.sampled_from(sorted(named)), max_size=3)):
        named.pop(name, None)
    if draw(st.booleans()):
        named["x-ms-correlation-request-id"] = draw(texts)
    if draw(st.integers(0, 4)) == 0:
        named["x-ms-dynamics-msg-size-exceeded"] = draw(texts)
    if draw(st.booleans()):
        named["Content-Type"] = draw(st.sampled_from(("text/plain", "application/xml", "x", "")))
    return named


def heavy_bodies() -> dict[str, bytes]:
    """Bodies built to cost much, each just below or far above the size that is looked at."""
    million = 1024 * 1024
    attributes = ",".join(f'{{"key":"c{number}","value":{number}}}' for number in range(30_000))
    deletion = write(deleted().context())
    column = '"' + "\\ud83d\\ude00" * 80_000 + '"'
    wide = deletion.replace('"Attributes":[', f'"Attributes":[{attributes},', 1)
    return {
        "a deep list": nested(100_000).encode(),
        "a deep object": nested(100_000, '{"a":', "}", "0").encode(),
        "a deep type": write(created().context())
        .replace('"Entity:', nested(20_000, core='"') + '"Entity:', 1)
        .encode(),
        "many empty objects": ("[" + "{}," * (million // 3 - 2) + "{}]").encode(),
        "many small lists": ('{"PrimaryEntityName":[' + "[]," * (million // 3 - 20) + "[]]}").encode(),
        "many keys": ("{" + ",".join(f'"{number}":0' for number in range(100_000)) + "}").encode(),
        "one key many times": ('{"a":0' + ',"a":0' * 150_000 + "}").encode(),
        "many attributes": wide.encode(),
        "a long column": deletion.replace('"AAMkAGI1Zjk2ImmutableIdOfAnEvent="', column).encode(),
        "a long id": Webhook().body().replace(BOOKING.encode(), b"-" * 200_000),
        "a long number": b'{"PrimaryEntityName":' + b"9" * 1_000_000 + b"}",
        "a long fraction": b'{"PrimaryEntityName":0.' + b"9" * 1_000_000 + b"}",
        "white space": b" " * 1_000_000 + Webhook().body(),
        "an open text": b'{"PrimaryEntityName":"' + b"\\\\" * 500_000,
        "ten megabytes": b'{"PrimaryEntityName":"' + b"x" * (10 * million) + b'"}',
        "ten megabytes of opening brackets": b"[" * (10 * million),
    }
