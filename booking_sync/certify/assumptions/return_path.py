"""What the return path takes for granted of Graph's subscriptions and notifications."""

from __future__ import annotations

from typing import Final

from booking_sync.certify.assumptions.kinds import AskedService, Assumption, Possibility, TriedBy

_REPORT = "Report it with the output of `--json`."
_ADDRESS = (
    "See that the deployed app runs, has RETURN_PATH and NOTIFICATION_URL set as here, and that nothing "
    "before it (a firewall, a sign-in) stops Graph; run this again."
)
_RIGHT = (
    "See with `booking-sync doctor` that the mailbox is in the app's scope, and try another one: some "
    "mailboxes (on premises, by policy) take none for good. Where none takes any, report it."
)


def _subscription(
    name: str, question: str, expected: Possibility, *others: Possibility, source: str
) -> Assumption:
    return Assumption(name, AskedService.OUTLOOK, question, expected, source, TriedBy.ADDRESS, others)


RETURN_PATH: Final = (
    _subscription(
        "subscription_taken",
        "Does Graph take a subscription to the mailbox's events, and does the app answer its question?",
        Possibility("taken", "changes in Outlook are reported within minutes"),
        Possibility("address_silent", "no mailbox is reported; changes are found every half hour", _ADDRESS),
        Possibility("refused", "this mailbox is not reported; its changes are found every half hour", _RIGHT),
        source="documented; public issues name mailboxes that refuse; no page says whether the role of "
        "Exchange (docs/deployment.md, step 2) is enough",
    ),
    _subscription(
        "subscription_life",
        "For how many minutes may a subscription to events live?",
        Possibility("10080", "4,200 are asked for, and half of that is left when they are renewed"),
        Possibility("4230", "the same: less than either is asked for"),
        source="pages of Microsoft's of different ages",
    ),
    _subscription(
        "subscription_listed",
        "Does the list of subscriptions show a new one at once, without its client state?",
        Possibility("listed", "the app needs no memory of what it made"),
        Possibility("listed_later", "the same: the list is read once an hour"),
        Possibility("with_its_state", "the same; who may read the list could forge a notification"),
        Possibility("not_listed", "each run of `watch` makes another one", _REPORT),
        source="documented; how soon is not",
    ),
    _subscription(
        "subscription_renewal",
        "Does a PATCH of its end prolong a subscription?",
        Possibility("prolonged", "subscriptions live for years"),
        Possibility("as_before", "each is made anew when it has ended, and its mailbox swept", _REPORT),
        Possibility("refused", "each is made anew when it has ended, and its mailbox swept", _REPORT),
        source="documented",
    ),
    _subscription(
        "gone_subscription",
        "What does a renewal get of a subscription that was ended?",
        Possibility("not_found", "it is made anew"),
        Possibility("taken_all_the_same", "the next run of `watch` makes it anew, as the list tells"),
        source="public issues",
    ),
    Assumption(
        "renewal_handshake",
        AskedService.OUTLOOK,
        "Is an address asked again when a subscription is renewed?",
        Possibility("not_asked", "a renewal is one request"),
        "documented for creations only",
        TriedBy.NEVER,
        (Possibility("asked", "the same: the address answers whenever it is asked"),),
        not_tried="only the address itself hears the question; the app answers whenever it comes",
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
        not_tried="only the address itself sees a notification, and the app drops what a check's "
        "subscription reports",
    ),
)
