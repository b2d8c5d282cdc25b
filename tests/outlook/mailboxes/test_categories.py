"""Lists of categories on the strict stand-in: read, added to, and what refusals mean."""

from __future__ import annotations

import pytest
from msgraph.generated.models.outlook_category import OutlookCategory

from booking_sync.domain.events.event_text.colours import CategoryColour
from booking_sync.errors import Cause, PermanentError, TransientError
from booking_sync.outlook.mailboxes.categories import MAX_PAGES
from booking_sync.outlook.requests import EventRequests
from local.standin.faults import Fault
from tests.outlook.kit import DENIED_MAILBOX, MAILBOX, MISSING_MAILBOX, GraphHere

VIP = CategoryColour("Field Service: VIP", "preset15")
PATH = "/outlook/masterCategories"


async def test_a_category_is_added_once(graph: GraphHere) -> None:
    """With its colour; a second time it is there already, whatever its capital letters."""
    graph.configure(master_categories="without_ours")
    lists = graph.calendar.category_lists
    assert VIP.name.casefold() not in await lists.names(MAILBOX)
    assert await lists.add(MAILBOX, VIP)
    assert VIP.name.casefold() in await lists.names(MAILBOX)
    for mode in ("conflict", "invalid"):
        graph.configure(category_twice=mode)
        assert not await lists.add(MAILBOX, CategoryColour("field service: vip", "preset1"))
    assert list(graph.standin.state.user(MAILBOX).categories.values()) == [(VIP.name, "preset15")]


@pytest.mark.parametrize("mode", ["denied", "readable"])
async def test_a_missing_permission_is_told(graph: GraphHere, mode: str) -> None:
    """In words that name it, and not as a calendar that is closed."""
    graph.configure(master_categories=mode)
    with pytest.raises(PermanentError, match=r"MailboxSettings\.ReadWrite") as caught:
        await graph.calendar.category_lists.add(MAILBOX, VIP)
    assert caught.value.cause is Cause.ACCESS_DENIED


async def test_a_mailbox_that_can_t_be_used_is_told(graph: GraphHere) -> None:
    """Outside of the scope, or none at all."""
    graph.configure(master_categories="without_ours")
    with pytest.raises(PermanentError, match="access denied"):
        await graph.calendar.category_lists.names(DENIED_MAILBOX)
    with pytest.raises(PermanentError, match="no Exchange Online mailbox"):
        await graph.calendar.category_lists.names(MISSING_MAILBOX)


async def test_trouble_is_no_refusal(graph: GraphHere) -> None:
    """A refusal that leaves the list without the name is what it was: it may pass."""
    graph.configure(master_categories="without_ours")
    lists = graph.calendar.category_lists
    graph.standin.faults.add(Fault(method="POST", path=PATH, status=409, times=1))
    with pytest.raises(TransientError):
        await lists.add(MAILBOX, VIP)
    graph.standin.faults.add(Fault(method="GET", path=PATH, status=200, body={"value": [1]}, times=1))
    with pytest.raises(TransientError):
        await lists.names(MAILBOX)
    assert await lists.add(MAILBOX, VIP)


async def test_a_list_is_read_to_its_end(graph: GraphHere) -> None:
    """Page by page, and no further than anybody's list reaches; a link elsewhere is not followed."""
    graph.configure(master_categories="without_ours")
    lists, base = graph.calendar.category_lists, f"{graph.url}/v1.0"
    here = f"{base}/users/{MAILBOX}{PATH}"
    page = {"value": [{"displayName": "One"}], "@odata.nextLink": f"{here}?$skip=1"}
    graph.standin.faults.add(Fault(method="GET", path=PATH, status=200, body=page, times=1))
    with pytest.raises(
        (PermanentError, TransientError)
    ):  # the stand-in pages nothing, so the link is refused
        await lists.names(MAILBOX)
    page["@odata.nextLink"] = here
    graph.standin.faults.add(Fault(method="GET", path=PATH, status=200, body=page, times=1))
    assert await lists.names(MAILBOX) == {"one", "red category"}
    graph.standin.faults.add(Fault(method="GET", path=PATH, status=200, body=page, times=MAX_PAGES))
    with pytest.raises(TransientError, match="circle"):
        await lists.names(MAILBOX)
    page["@odata.nextLink"] = "https://evil.example/v1.0/users"
    graph.standin.faults.add(Fault(method="GET", path=PATH, status=200, body=page, times=1))
    with pytest.raises(TransientError, match="foreign address"):
        await lists.names(MAILBOX)


@pytest.mark.filterwarnings("ignore:This class is deprecated:DeprecationWarning")  # the SDK's own
async def test_the_requests_are_the_sdks(graph: GraphHere) -> None:
    """Method and address of each are what the SDK's builders for categories make."""
    client = graph.calendar._client  # noqa: SLF001 - the adapter's own
    requests = EventRequests(client)
    builder = client.service.users.by_user_id(MAILBOX).outlook.master_categories
    for ours, theirs in (
        (requests.categories(MAILBOX), builder.to_get_request_information()),
        (requests.add_category(MAILBOX, {}), builder.to_post_request_information(OutlookCategory())),
    ):
        theirs.path_parameters["baseurl"] = client.base_url
        assert theirs.http_method
        assert (ours.method, f"{client.base_url}{ours.url}") == (theirs.http_method.value, theirs.url)
        assert "application/json" in ours.headers.get("accept", "") + ours.headers.get("Accept", "")
