"""The Dataverse stand-in's plug-ins: what they round, refuse and move along, in whose name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from local.dataverse.errors import DataverseError

if TYPE_CHECKING:
    from local.dataverse.environment import Environment
    from tests.local.dataverse.kit import Client

BOOKINGS = "bookableresourcebookings"
START, END = "2026-03-02T08:00:00Z", "2026-03-02T09:00:00Z"
MOVED = {"starttime": "2026-03-02T10:07:00Z", "endtime": "2026-03-02T11:07:00Z"}


def book(state: Environment, **more: Any) -> str:
    """A booking."""
    return state.create(BOOKINGS, {"name": "b", "starttime": START, "endtime": END} | more)


def times(state: Environment, booking_id: str) -> tuple[Any, Any]:
    """When it is."""
    row = state.rows(BOOKINGS)[booking_id]
    return row["starttime"], row["endtime"]


async def test_times_are_rounded_whoever_writes_them(client: Client) -> None:
    """And only when they change: what is written again as it was stays."""
    state = client.standin.state
    state.configure(plugin_rounds_minutes=15)
    for write in ("app", "dispatcher"):
        booking_id = book(state)
        if write == "app":
            reply = await client.call("PATCH", f"{BOOKINGS}({booking_id})", MOVED, {"If-Match": "*"})
            assert reply.status == 204
        else:
            state.update(BOOKINGS, booking_id, MOVED)
        assert times(state, booking_id) == ("2026-03-02T10:15:00Z", "2026-03-02T11:15:00Z")
    state.update(BOOKINGS, booking_id, {"name": "other"})
    assert times(state, booking_id) == ("2026-03-02T10:15:00Z", "2026-03-02T11:15:00Z")


async def test_a_refused_move_changes_nothing_of_the_request(client: Client) -> None:
    """Other columns of the same request are not written either; requests without times pass."""
    state = client.standin.state
    state.configure(plugin_refuses_moves="The shift is closed.")
    booking_id = book(state)
    reply = await client.call("PATCH", f"{BOOKINGS}({booking_id})", {**MOVED, "name": "x"}, {"If-Match": "*"})
    assert (reply.status, reply.code) == (400, "0x80040265")
    assert state.rows(BOOKINGS)[booking_id]["name"] == "b"
    assert times(state, booking_id) == (START, END)
    same = {"starttime": START, "endtime": END, "name": "y"}
    assert (await client.call("PATCH", f"{BOOKINGS}({booking_id})", same, {"If-Match": "*"})).status == 204
    with pytest.raises(DataverseError):
        state.update(BOOKINGS, booking_id, MOVED)


@pytest.mark.assumes("plugin_user")
async def test_a_crew_moves_along_in_the_user_s_name(client: Client) -> None:
    """Those that had the same times, each with a change of its own of the next depth."""
    state = client.standin.state
    state.configure(plugin_moves_crews=True)
    crew = state.create("bookableresources", {"name": "Crew", "resourcetype": 6})
    member = {"msdyn_Crew@odata.bind": f"/bookableresources({crew})"}
    leader, mate, alone = book(state, **member), book(state, **member), book(state)
    another_day = {"starttime": "2026-03-03T08:00:00Z", "endtime": "2026-03-03T09:00:00Z"}
    elsewhere = book(state, **member, **another_day)
    changes = state.api.plugins.update(
        state.schema.table("bookableresourcebooking"), leader, dict(MOVED), state.identity.app_user_id
    )
    assert [(each.row_id, each.depth, each.user_id) for each in changes] == [
        (leader, 1, state.identity.app_user_id),
        (mate, 2, state.identity.app_user_id),
    ]
    assert times(state, mate) == (MOVED["starttime"], MOVED["endtime"])
    assert times(state, alone) == (START, END)
    assert times(state, elsewhere)[0] == "2026-03-03T08:00:00Z"
