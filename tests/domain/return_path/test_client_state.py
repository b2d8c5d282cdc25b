"""What proves notifications."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_sync.domain.return_path import client_state
from booking_sync.domain.return_path.client_state import (
    MAX_CLIENT_STATE,
    NotificationKeys,
    UnknownVersion,
    make_client_state,
    make_notification_key,
    read_client_state,
)
from tests.support.bookings import ANNA, BERT

if TYPE_CHECKING:
    from collections.abc import Callable

SCOPE = "tenant https://contoso.crm.dynamics.com"
NEW, OLD, OTHER = (make_notification_key(f"{number:064x}") for number in (1, 2, 3))
KEYS = NotificationKeys((NEW, OLD))


def test_whoever_has_the_key_can_tell_the_mailbox() -> None:
    """Made with either accepted key; it fits into what Graph takes, and shows nothing of the key."""
    for key in KEYS.accepted:
        text = make_client_state(key, SCOPE, ANNA)
        assert read_client_state(KEYS, SCOPE, text) == ANNA
        assert len(text) <= MAX_CLIENT_STATE
        assert key.secret.hex() not in text
        assert text.startswith(f"{key.version}.")


def test_another_scope_or_mailbox_is_not_ours() -> None:
    """A copied environment's notifications, and a code that was moved to another mailbox."""
    text = make_client_state(NEW, SCOPE, ANNA)
    assert read_client_state(KEYS, SCOPE + "2", text) is None
    assert read_client_state(KEYS, SCOPE, text.replace(ANNA, BERT)) is None


def test_a_key_that_is_not_known_is_told() -> None:
    """The vault may have a new one; the code itself is not looked at."""
    assert read_client_state(KEYS, SCOPE, make_client_state(OTHER, SCOPE, ANNA)) == UnknownVersion(
        OTHER.version
    )


@given(st.integers(0, 109), st.characters(codec="ascii"))
def test_no_character_may_differ(place: int, character: str) -> None:
    """Of version, mailbox or code."""
    text = make_client_state(NEW, SCOPE, ANNA)
    other = text[:place] + character + text[place + 1 :]
    assert (read_client_state(KEYS, SCOPE, other) == ANNA) is (other == text)


@given(st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text()))
def test_anything_else_is_nobodys(value: object) -> None:
    """Whatever JSON can hold."""
    assert read_client_state(KEYS, SCOPE, value) is None


def test_codes_are_compared_in_constant_time() -> None:
    """By the standard library's comparison, which tells nothing by its time; `==` would."""
    names = client_state.read_client_state.__code__.co_names
    assert "compare_digest" in names


@pytest.mark.parametrize(
    "spoil", [str.strip, lambda text: text[:-1], lambda text: text + "0", lambda _: "", lambda _: "g" * 64]
)
def test_a_secret_that_is_no_key_is_refused_without_quoting_it(spoil: Callable[[str], str]) -> None:
    """64 hexadecimal digits; line breaks around them, as files bring them along, don't count."""
    text = secrets.token_hex(32)
    spoiled = spoil(text)
    if spoiled == text:
        assert make_notification_key(f" {text}\n") == make_notification_key(text.upper())
        return
    with pytest.raises(ValueError, match="64 hexadecimal digits") as caught:
        make_notification_key(spoiled)
    assert spoiled == "" or spoiled not in str(caught.value)


def test_a_key_shows_in_no_log() -> None:
    """Neither the key nor a ring of them prints its secret."""
    assert NEW.secret.hex() not in repr(KEYS)
    assert repr(NEW.secret) not in repr(NEW)
    with pytest.raises(ValueError, match="must be a key"):
        replace(KEYS, accepted=())
