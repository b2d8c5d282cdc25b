"""Which subscriptions are to be made, renewed and ended: the wanted ones against those there are. Pure.

Nothing is kept anywhere: Graph lists what there is. A subscription is this deployment's by the address that
it notifies; those of others, and those to an address of before, are left alone and end by themselves within
three days.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from collections.abc import Set as AbstractSet
    from datetime import datetime

    from booking_sync.ports.outlook.subscriptions import EventSubscription

LIFE: Final = timedelta(minutes=4_200)
"""What is asked for at most: less than either documented bound, 4,230 and 10,080 minutes."""
_OF_A_KEY: Final = re.compile(r"k=[0-9a-f]{8}")
RENEWED_BELOW: Final = LIFE / 2
"""With less time left it is renewed: a day and a half in which the app may stand still."""


@dataclass(frozen=True, slots=True)
class WatchPlan:
    """What is to be done."""

    create: tuple[str, ...] = ()
    """Mailboxes."""
    renew: tuple[EventSubscription, ...] = ()
    delete: tuple[EventSubscription, ...] = ()


def address_of(url: str, key_version: str) -> str:
    """The address with what tells which key a subscription was made with."""
    return f"{url}?k={key_version}"


def plan_watch(
    wanted: AbstractSet[str],
    had: Sequence[EventSubscription],
    *,
    url: str,
    key_version: str,
    now: datetime,
    refusing: Collection[str] = (),
) -> WatchPlan:
    """What makes of these subscriptions those that are wanted.

    Args:
        wanted: mailboxes; none at all is not believed, and ends nothing.
        had: all that the app registration has.
        url: `NOTIFICATION_URL`.
        key_version: of the key that new ones are made with.
        now: aware.
        refusing: mailboxes that are not to be asked now.
    """
    best: dict[str, EventSubscription] = {}
    surplus: list[EventSubscription] = []
    ours = [each for each in had if each.url.partition("?")[0] == url]
    current = address_of(url, key_version)
    for each in sorted(ours, key=lambda one: (one.url != current, -one.expires.timestamp())):
        if each.mailbox in wanted and each.mailbox not in best and _can_serve(each):
            best[each.mailbox] = each
        else:
            surplus.append(each)
    kept = {mailbox: each for mailbox, each in best.items() if each.url == current}
    # One of an older key serves until there is another one, and is surplus from then on.
    missing = wanted - kept.keys() - set(refusing)
    due = (each for each in best.values() if each.expires - now < RENEWED_BELOW)
    return WatchPlan(
        create=tuple(sorted(missing)),
        renew=tuple(sorted(due, key=lambda one: one.expires)),
        delete=tuple(surplus) if wanted else (),
    )


def _can_serve(subscription: EventSubscription) -> bool:
    """Whether it names a key; one of `booking-sync certify` does not, and reports nothing that is proven."""
    return _OF_A_KEY.fullmatch(subscription.url.partition("?")[2]) is not None
