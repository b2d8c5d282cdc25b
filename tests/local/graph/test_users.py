"""The directory's list of users is as strict as Microsoft documents it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from tests.local.graph.kit import USER

if TYPE_CHECKING:
    from tests.local.graph.kit import Rig

OTHER = "11111111-aaaa-4bbb-8ccc-000000000002"
NOBODY = "mail eq 'nobody@example.com'"


async def found(rig: Rig, condition: str, **options: str) -> list[dict[str, str]]:
    """The users that meet a condition."""
    query = "".join(f"&${name}={value}" for name, value in options.items())
    answer = await rig.call("GET", f"/users?$filter={quote(condition)}{query}")
    assert answer.status_code == 200, answer.text
    users: list[dict[str, str]] = answer.json()["value"]
    return users


async def test_without_the_permission_nobody_is_told(rig: Rig) -> None:
    """An app has none unless an administrator grants it."""
    answer = await rig.call("GET", f"/users?$filter={quote(NOBODY)}")
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "Authorization_RequestDenied"


async def test_a_mail_address_is_another_thing_than_a_sign_in_name(rig: Rig) -> None:
    """Either may be asked for, both at once, in letters of any case."""
    rig.configure(directory="granted")
    rig.graph.state.add_mailbox(
        USER, user_principal_name="van7@contoso.onmicrosoft.com", mail="van7@contoso.com"
    )
    assert await found(rig, "mail eq 'VAN7@contoso.com'", select="id") == [{"id": USER}]
    assert await found(rig, "userPrincipalName eq 'van7@contoso.com'") == []
    both = "userPrincipalName eq 'van7@contoso.com' or mail eq 'van7@contoso.com'"
    assert [each["id"] for each in await found(rig, both)] == [USER]
    rig.graph.state.add_mailbox(OTHER, user_principal_name="van7@contoso.com")
    assert {each["id"] for each in await found(rig, both)} == {USER, OTHER}
    assert len(await found(rig, both, top="1")) == 1


@pytest.mark.parametrize(
    "query",
    [
        f"$filter={quote('id eq 1')}",
        f"$filter={quote(NOBODY)}&$select=jobTitle",
        f"$filter={quote(NOBODY)}&$top=0",
        f"$filter={quote(NOBODY)}&$top=1000",
        f"$filter={quote(NOBODY)}&$expand=manager",
    ],
)
async def test_what_is_not_understood_of_users_is_refused(rig: Rig, query: str) -> None:
    """As for events."""
    rig.configure(directory="granted")
    assert (await rig.call("GET", f"/users?{query}")).status_code == 400
