"""A mailbox's list of categories is as strict as the documented one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.local.graph.kit import USER

if TYPE_CHECKING:
    from tests.local.graph.kit import Rig

LIST = f"/users/{USER}/outlook/masterCategories"


@pytest.fixture
def allowed(rig: Rig) -> Rig:
    """With the right to write."""
    rig.configure(master_categories="without_ours")
    return rig


@pytest.mark.parametrize("mode", ["denied", "readable"])
async def test_without_the_right_nothing_is_written(rig: Rig, mode: str) -> None:
    """Neither added, nor changed, nor removed."""
    rig.configure(master_categories=mode)
    for method, place, body in (
        ("POST", LIST, {"displayName": "VIP"}),
        ("PATCH", f"{LIST}/x", {"color": "preset1"}),
        ("DELETE", f"{LIST}/x", None),
    ):
        answer = await (rig.call(method, place, body) if body else rig.call(method, place))
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "ErrorAccessDenied")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"color": "preset0"},
        {"displayName": ""},
        {"displayName": " "},
        {"displayName": 1},
        {"displayName": "x" * 256},
        {"displayName": "VIP", "color": "red"},
        {"displayName": "VIP", "color": "preset25"},
        {"displayName": "VIP", "colour": "preset1"},
        {"displayName": "VIP", "id": "x"},
    ],
)
async def test_what_is_no_category_is_refused(allowed: Rig, body: dict[str, Any]) -> None:
    """Wrong names, types and colours."""
    assert (await allowed.call("POST", LIST, body)).status_code == 400


async def test_a_category_gets_another_colour_and_goes(allowed: Rig) -> None:
    """Its name stays; what is not there is not found."""
    made = (await allowed.call("POST", LIST, {"displayName": "VIP"})).json()
    assert made["color"] == "none"
    place = f"{LIST}/{made['id']}"
    assert (await allowed.call("PATCH", place, {"displayName": "Other"})).status_code == 400
    assert (await allowed.call("PATCH", place, {"color": "preset3"})).json()["color"] == "preset3"
    assert (await allowed.call("DELETE", place)).status_code == 204
    assert (await allowed.call("DELETE", place)).status_code == 404
    assert "VIP" not in str((await allowed.call("GET", LIST)).json())
