"""Who is let in, and under which name orders are logged."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from booking_sync.operations.admission import BY_KEY, PRINCIPAL, ROLE, Admission
from booking_sync.operations.page import operators_page
from booking_sync.settings.registration import signs_in_by_entra
from booking_sync.wiring.app import Application
from tests.support.bookings import ANNA

OID = "http://schemas.microsoft.com/identity/claims/objectidentifier"
ENTRA = Admission(by_entra=True, platform_signs_in=True)


def principal(*claims: tuple[str, str], **more: Any) -> dict[str, str]:
    """The header that the platform sets."""
    body = {"auth_typ": "aad", "claims": [{"typ": kind, "val": value} for kind, value in claims], **more}
    return {"X-MS-CLIENT-PRINCIPAL": base64.b64encode(json.dumps(body).encode()).decode()}


@pytest.mark.parametrize(
    "headers",
    [
        principal((OID, ANNA), ("roles", ROLE)),
        principal(("oid", ANNA.upper()), ("roles", "Other"), ("roles", ROLE)),
        principal((OID, ANNA), ("http://schemas.microsoft.com/ws/2008/06/identity/claims/role", ROLE)),
        principal((OID, ANNA), ("my-roles", ROLE), role_typ="my-roles"),
    ],
    ids=["roles", "several", "long name", "named"],
)
def test_an_account_with_the_role_is_let_in_and_named_by_its_id(headers: dict[str, str]) -> None:
    """Whatever the platform's mapping calls the claims."""
    assert ENTRA.refusal(headers) is None
    assert ENTRA.who(headers) == ANNA


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({PRINCIPAL: "no Base64!"}, 401),
        ({PRINCIPAL: base64.b64encode(b"[]").decode()}, 401),
        ({PRINCIPAL: base64.b64encode(b"[" * 40_000).decode()}, 401),
        ({PRINCIPAL: "QUFB" * 100_000}, 401),
        (principal(("roles", ROLE)), 401),
        (principal((OID, "somebody"), ("roles", ROLE)), 401),
        (principal((OID, ANNA)), 403),
        (principal((OID, ANNA), ("roles", ROLE.lower())), 403),
        (principal((OID, ANNA), ("groups", ROLE)), 403),
    ],
)
def test_nobody_else_is(headers: dict[str, str], status: int) -> None:
    """Without an account, with a header that the platform does not write, or without the role."""
    refused = ENTRA.refusal(headers)
    assert refused is not None
    assert (refused.status, bool(refused.payload["problem"])) == (status, True)


@pytest.mark.assumes("sign_in_header")
def test_a_header_is_believed_only_where_the_platform_sets_it() -> None:
    """Where its authentication is off anybody could send one: nobody is let in, and nobody is named."""
    headers = principal((OID, ANNA), ("roles", ROLE))
    off = Admission(by_entra=True, platform_signs_in=False)
    refused = off.refusal(headers)
    assert refused is not None
    assert (refused.status, off.who(headers)) == (403, BY_KEY)
    by_key = Admission(by_entra=False, platform_signs_in=True)
    assert (by_key.refusal({}), by_key.who(headers)) == (None, BY_KEY)


async def test_the_app_reads_both_from_its_environment() -> None:
    """Sign-in is on by the setting, and believed by the platform's variable."""
    for environ, expected in (
        ({}, Admission(by_entra=False, platform_signs_in=False)),
        ({"OPERATIONS_SIGN_IN": " Entra "}, Admission(by_entra=True, platform_signs_in=False)),
        ({"OPERATIONS_SIGN_IN": "entra", "WEBSITE_AUTH_ENABLED": "True"}, ENTRA),
    ):
        async with Application(environ) as app:
            assert app.admission == expected
    assert not signs_in_by_entra({"OPERATIONS_SIGN_IN": "easyauth"})


def test_the_page_knows_how_one_signs_in() -> None:
    """It asks for no key where the platform has signed people in; its policy is the same."""
    key, entra = operators_page(), operators_page(by_entra=True)
    assert '<body data-sign-in="key">' in key.html
    assert '<body data-sign-in="entra">' in entra.html
    assert key.headers == entra.headers
