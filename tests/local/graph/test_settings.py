"""A mailbox's settings are as strict as Microsoft documents them, and as bare as others saw them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.local.graph.kit import USER

if TYPE_CHECKING:
    from tests.local.graph.kit import Rig

SETTINGS = f"/users/{USER}/mailboxSettings"


@pytest.mark.assumes("reader_settings")
@pytest.mark.parametrize(
    ("mode", "locale", "zone"),
    [("denied", None, None), ("told", "fi-FI", "FLE Standard Time"), ("bare", None, "")],
)
async def test_a_person_s_language_and_zone(
    rig: Rig, mode: str, locale: str | None, zone: str | None
) -> None:
    """Refused without the right to read them; else told, or empty where nobody chose any."""
    rig.configure(mailbox_settings=mode)
    mailbox = rig.graph.state.user(USER)
    mailbox.language, mailbox.time_zone = "fi-FI", "FLE Standard Time"
    answer = await rig.call("GET", f"{SETTINGS}?$select=language,timeZone")
    if zone is None:
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "ErrorAccessDenied")
    else:
        assert answer.json() == {"language": {"locale": locale, "displayName": locale}, "timeZone": zone}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{SETTINGS}?$select=language,mood", 400),
        (f"{SETTINGS}?$expand=language", 400),
        (f"/users/{USER}/mailboxSettings/language", 400),
        ("/users/11111111-aaaa-4bbb-8ccc-00000000dead/mailboxSettings", 404),
    ],
)
async def test_what_is_not_understood_of_settings_is_refused(rig: Rig, path: str, status: int) -> None:
    """As for events."""
    rig.configure(mailbox_settings="told")
    assert (await rig.call("GET", path)).status_code == status


async def test_without_a_selection_all_settings_are_told(rig: Rig) -> None:
    """Also what a person lets others know who write to them, which the app does not ask for."""
    rig.configure(mailbox_settings="told")
    assert (await rig.call("GET", SETTINGS)).json().keys() >= {"automaticRepliesSetting", "timeZone"}
