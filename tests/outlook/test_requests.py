"""The requests that the SDK's builders make: method, URL, headers, JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from kiota_abstractions.request_information import RequestInformation
from msgraph.generated.models.event import Event
from msgraph.generated.models.open_type_extension import OpenTypeExtension

from booking_sync.domain.events.event_ref import EventRef
from booking_sync.errors import PermanentError, TransientError
from booking_sync.outlook.bodies import BIRTH_PROPERTY, MARKER_PROPERTY, SEALED_PROPERTY
from booking_sync.outlook.graph.client import GraphClient
from booking_sync.outlook.graph.wire import GraphRequest
from booking_sync.outlook.requests import EventRequests
from tests.outlook.kit import (
    BIRTH,
    CHANGED,
    CONTENT,
    EXTENSION,
    MAILBOX,
    MARKER,
    SEAL,
    LocalCredential,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ODD_ID = "AAkALg+AAAB=-_"
EVIDENCE = "id,iCalUId,transactionId,createdDateTime,attendees,categories,isAllDay,type"
PROPERTIES = "singleValueExtendedProperties($filter={})".format(
    " or ".join(f"id eq '{name}'" for name in (MARKER_PROPERTY, BIRTH_PROPERTY, SEALED_PROPERTY))
)
HOSTILE_IDS = [
    "",
    ".",
    "..",
    "A/../../B",
    "A/messages",
    "A%2FB",
    "A?x=1",
    "A#b",
    "A\r\nX: 1",
    "A\n",
    "{A}",
    "é",
    "\ud800",
]


@pytest.fixture(
    params=["https://graph.microsoft.com", "https://graph.microsoft.us/", "https://localhost:8443"]
)
async def requests(request: pytest.FixtureRequest) -> AsyncIterator[EventRequests]:
    """The builders, for the public cloud, a national one and the local stack."""
    client = GraphClient(request.param, LocalCredential(b""))
    yield EventRequests(client)
    await client.aclose()


def every_kind(requests: EventRequests) -> list[GraphRequest]:
    """One request of each operation."""
    event = EventRef(MAILBOX.upper(), ODD_ID)
    return [
        requests.create(MAILBOX.upper(), CONTENT, marker=MARKER, transaction_id="t", birth=BIRTH),
        requests.update(event, CONTENT),
        requests.delete(event),
        requests.tag(event, EXTENSION, "b", SEAL),
        requests.retag(event, EXTENSION, "b", SEAL),
        requests.seal(event, SEAL),
        requests.read_tag(event, EXTENSION),
        requests.look(event),
        requests.find(MAILBOX.upper(), MARKER),
    ]


def test_every_request_asks_for_immutable_ids_relatively(requests: EventRequests) -> None:
    """Each item carries the preference, a relative URL, its mailbox in lower case, and its body's type."""
    made = every_kind(requests)
    assert [each.method for each in made] == [
        "POST",
        "PATCH",
        "DELETE",
        "POST",
        "PATCH",
        "PATCH",
        "GET",
        "GET",
        "GET",
    ]
    for each in made:
        assert each.headers["prefer"] == 'IdType="ImmutableId"'
        assert each.url.startswith(f"/users/{MAILBOX.upper()}/events")
        assert each.mailbox == MAILBOX
        assert (each.body is None) == ("content-type" not in each.headers)
        assert each.writes == (each.method != "GET")


def test_ids_survive_the_path(requests: EventRequests) -> None:
    """Whatever stands in an id is encoded in the path and comes out unchanged at the other end."""
    for made in (
        requests.update(EventRef(MAILBOX, ODD_ID), CONTENT),
        requests.delete(EventRef(MAILBOX, ODD_ID)),
    ):
        path = urlsplit(made.url).path
        assert [unquote(part) for part in path.split("/")] == ["", "users", MAILBOX, "events", ODD_ID]
        assert not urlsplit(made.url).query


@pytest.mark.parametrize("hostile", HOSTILE_IDS)
def test_what_is_no_event_id_gets_into_no_url(requests: EventRequests, hostile: str) -> None:
    """An id that could lead to anything but an event of the mailbox is refused before a URL is made of it."""
    event = EventRef(MAILBOX, hostile)
    with pytest.raises(PermanentError, match="no event id"):
        requests.update(event, CONTENT)
    with pytest.raises(PermanentError, match="no event id"):
        requests.delete(event)
    with pytest.raises(PermanentError, match="no event id"):
        requests.tag(event, EXTENSION, "b", SEAL)
    with pytest.raises(PermanentError, match="no event id"):
        requests.retag(event, EXTENSION, "b", SEAL)
    with pytest.raises(PermanentError, match="no event id"):
        requests.seal(event, SEAL)
    with pytest.raises(PermanentError, match="no event id"):
        requests.read_tag(event, EXTENSION)
    with pytest.raises(PermanentError, match="no event id"):
        requests.look(event)


@pytest.mark.parametrize(
    "hostile", [*HOSTILE_IDS, "someone@contoso.com", f"{MAILBOX}/messages", f"{MAILBOX}\n"]
)
def test_what_is_no_mailbox_gets_into_no_url(requests: EventRequests, hostile: str) -> None:
    """Only an Entra object id names a mailbox."""
    with pytest.raises(PermanentError, match="no Entra object id"):
        requests.create(hostile, CONTENT, marker=MARKER, transaction_id="t", birth=BIRTH)
    with pytest.raises(PermanentError, match="no Entra object id"):
        requests.delete(EventRef(hostile, "A"))
    with pytest.raises(PermanentError, match="no Entra object id"):
        requests.find(hostile, MARKER)


def test_the_created_event_says_everything(requests: EventRequests) -> None:
    """A creation sets all our fields over Graph's defaults, and carries transaction id, marker and birth."""
    body = requests.create(MAILBOX, CONTENT, marker=MARKER, transaction_id="t-1", birth=BIRTH).body
    assert body == {
        "@odata.type": "#microsoft.graph.event",
        "subject": "WO-00042 Contoso",
        "body": {"contentType": "html", "content": "<p>Replace the pump</p>"},
        "start": {"dateTime": "2026-03-02T09:00:00", "timeZone": "UTC"},
        "end": {"dateTime": "2026-03-02T10:30:00", "timeZone": "UTC"},
        "showAs": "busy",
        "sensitivity": "normal",
        "categories": ["Field Service"],
        "location": {
            "displayName": "Main Street 1, Springfield",
            "address": {
                "street": "Main Street 1",
                "city": "Springfield",
                "state": "IL",
                "postalCode": "62701",
                "countryOrRegion": "USA",
            },
            "coordinates": {"latitude": 39.8, "longitude": -89.6},
        },
        "isReminderOn": False,
        "responseRequested": False,
        "allowNewTimeProposals": False,
        "transactionId": "t-1",
        "singleValueExtendedProperties": [
            {"id": MARKER_PROPERTY, "value": MARKER},
            {"id": BIRTH_PROPERTY, "value": BIRTH},
        ],
    }


def test_an_update_wipes_what_is_no_longer_there(requests: EventRequests) -> None:
    """A PATCH without address sends an empty location; it never sends transaction id, marker or attendees."""
    body = requests.update(EventRef(MAILBOX, "id"), CHANGED).body
    assert body["location"]["displayName"] == ""
    assert set(body["location"]["address"].values()) == {""}
    assert "coordinates" not in body["location"]
    assert not {"transactionId", "singleValueExtendedProperties", "attendees", "extensions"} & body.keys()


def test_an_update_writes_what_decides_when_it_shows_and_nothing_of_a_persons(
    requests: EventRequests,
) -> None:
    """A PATCH ends all-day and series, and names no reminder and no sensitivity; kept parts are left out."""
    ref = EventRef(MAILBOX, "id")
    body = requests.update(ref, CHANGED).body
    assert body["isAllDay"] is False
    assert body["recurrence"] is None
    ours = {"subject", "start", "end", "showAs", "location", "isAllDay", "recurrence"}
    assert set(body) - {"@odata.type"} == ours | {"body", "categories"}
    kept = requests.update(ref, CHANGED, frozenset({"body", "categories"})).body
    assert set(kept) - {"@odata.type"} == ours


def test_a_tag_is_an_open_extension_of_its_own(requests: EventRequests) -> None:
    """The extension has its documented type, the configured name, the booking's id and the seal."""
    made = requests.tag(EventRef(MAILBOX, "a=b"), EXTENSION, "b-1", SEAL)
    assert made.url == f"/users/{MAILBOX}/events/a%3Db/extensions"
    assert made.body == {
        "@odata.type": "#microsoft.graph.openTypeExtension",
        "extensionName": EXTENSION,
        "bookingSyncGuid": "b-1",
        "bookingSyncSeal": SEAL,
    }


def test_a_tag_that_is_there_is_written_over(requests: EventRequests) -> None:
    """The same extension goes by PATCH to its own address, from which it is read as well."""
    event = EventRef(MAILBOX, "a=b")
    made = requests.retag(event, EXTENSION, "b-1", SEAL)
    assert made.url == f"/users/{MAILBOX}/events/a%3Db/extensions/{EXTENSION}"
    assert made.body == requests.tag(event, EXTENSION, "b-1", SEAL).body
    assert made.can_wait
    assert requests.read_tag(event, EXTENSION).url == made.url


def test_a_seal_without_extension_is_a_property(requests: EventRequests) -> None:
    """The PATCH carries the sealed property and nothing that a person could see."""
    made = requests.seal(EventRef(MAILBOX, "a=b"), SEAL)
    assert made.url == f"/users/{MAILBOX}/events/a%3Db"
    assert made.body == {
        "@odata.type": "#microsoft.graph.event",
        "singleValueExtendedProperties": [{"id": SEALED_PROPERTY, "value": SEAL}],
    }


def test_a_look_asks_for_the_evidence_only(requests: EventRequests) -> None:
    """Of an event that may be somebody else's nothing is asked for but what tells whose it is."""
    made = requests.look(EventRef(MAILBOX, "a=b"))
    assert urlsplit(made.url).path == f"/users/{MAILBOX}/events/a%3Db"
    assert parse_qs(urlsplit(made.url).query) == {"$select": [EVIDENCE], "$expand": [PROPERTIES]}


def test_a_search_is_filtered_by_the_marker(requests: EventRequests) -> None:
    """The filter quotes the marker, names of options stand plain, and the evidence is asked back."""
    made = requests.find(MAILBOX, "o'hara/1")
    assert "?$" in made.url
    query = parse_qs(urlsplit(made.url).query)
    assert query == {
        "$filter": [
            f"singleValueExtendedProperties/any(ep: ep/id eq '{MARKER_PROPERTY}' and ep/value eq 'o''hara/1')"
        ],
        "$select": [EVIDENCE],
        "$expand": [PROPERTIES],
        "$top": ["50"],
    }


def test_the_next_page_is_asked_relatively() -> None:
    """A link to the next page becomes a batch item like any other."""
    requests = EventRequests(GraphClient("https://graph.microsoft.com", LocalCredential(b"")))
    made = requests.next_page(MAILBOX, "https://Graph.Microsoft.com/v1.0/users('u')/events?$top=50&$skip=50")
    assert made.url == "/users('u')/events?$top=50&$skip=50"
    assert made.headers["prefer"] == 'IdType="ImmutableId"'


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/v1.0/users/u/events?$skip=50",
        "http://graph.microsoft.com/v1.0/users/u/events?$skip=50",
        "https://graph.microsoft.com:444/v1.0/users/u/events?$skip=50",
        "https://graph.microsoft.com/v1.0x/users/u/events",
        "https://graph.microsoft.com@evil.example/v1.0/users/u/events",
        "/users/u/events",
        "True",
    ],
)
def test_a_link_elsewhere_is_refused(link: str) -> None:
    """A next page at another address is not followed; the list counts as unread."""
    requests = EventRequests(GraphClient("https://graph.microsoft.com", LocalCredential(b"")))
    with pytest.raises(TransientError):
        requests.next_page(MAILBOX, link)


@pytest.mark.parametrize("event_id", [ODD_ID, "A" * 152, "a_b-c+d=="])
async def test_urls_are_those_of_the_sdks_own_templates(event_id: str) -> None:
    """What is named here for speed is what the SDK would have made of the same ids."""
    client = GraphClient("https://graph.microsoft.com", LocalCredential(b"k" * 32))
    requests, ref = EventRequests(client), EventRef(MAILBOX, event_id)
    events = client.service.users.by_user_id(MAILBOX).events
    event = events.by_event_id(event_id)

    def expanded(information: RequestInformation) -> str:
        information.path_parameters["baseurl"] = client.base_url
        return information.url.removeprefix(client.base_url)

    create = requests.create(MAILBOX, CONTENT, marker=MARKER, transaction_id="t", birth=BIRTH)
    assert create.url == expanded(events.to_post_request_information(Event()))
    assert requests.update(ref, CHANGED).url == expanded(event.to_patch_request_information(Event()))
    assert requests.delete(ref).url == expanded(event.to_delete_request_information())
    for read in (requests.look(ref), requests.see(ref), requests.read(ref)):
        place, _, query = read.url.partition("?")
        assert place == expanded(event.to_get_request_information())
        assert query.startswith("$expand=singleValueExtendedProperties"), "see the tests of each"
    tag = requests.tag(ref, EXTENSION, "b", SEAL)
    assert tag.url == expanded(event.extensions.to_post_request_information(OpenTypeExtension()))
    for name in (EXTENSION, "com.contoso.a_b-c~d e'f/ü"):
        extension = event.extensions.by_extension_id(name)
        changed = expanded(extension.to_patch_request_information(OpenTypeExtension()))
        assert requests.retag(ref, name, "b", SEAL).url == changed
        assert requests.read_tag(ref, name).url == expanded(extension.to_get_request_information())
    await client.aclose()
