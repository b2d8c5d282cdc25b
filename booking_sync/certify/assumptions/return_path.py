"""What the return path takes for granted of Graph's subscriptions and notifications."""

from __future__ import annotations

from typing import Final

from booking_sync.certify.assumptions.kinds import AskedService, Assumption, Possibility, TriedBy

_NO_ADDRESS = (
    "a subscription takes an address that answers; switch the return path on and read the log of `watch`"
)

RETURN_PATH: Final = (
    Assumption(
        "subscription_life",
        AskedService.OUTLOOK,
        "For how many minutes may a subscription to events live?",
        Possibility("10080", "4,200 are asked for, and half of that is left when they are renewed"),
        "pages of Microsoft's of different ages",
        TriedBy.NEVER,
        (Possibility("4230", "the same: less than either is asked for"),),
        not_tried=_NO_ADDRESS,
    ),
    Assumption(
        "renewal_handshake",
        AskedService.OUTLOOK,
        "Is an address asked again when a subscription is renewed?",
        Possibility("not_asked", "a renewal is one request"),
        "documented for creations only",
        TriedBy.NEVER,
        (Possibility("asked", "the same: the address answers whenever it is asked"),),
        not_tried=_NO_ADDRESS,
    ),
    Assumption(
        "notified_version",
        AskedService.OUTLOOK,
        "Which version of the event does a notification name?",
        Possibility("same", "the etag as answers name it: the echo of an own change asks Graph nothing"),
        "documented is that basic notifications carry `@odata.etag`",
        TriedBy.NEVER,
        (
            Possibility("other", "each echo reads its event, one request more"),
            Possibility("none", "the same: each echo reads its event"),
        ),
        not_tried=_NO_ADDRESS,
    ),
)
