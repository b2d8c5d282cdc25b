"""What this process has seen of zones that Exchange reads by other rules than ours.

Wall-clock times are sent with a Windows zone's name. After a change of law, or with an old `tzdata`, Exchange
reads them at another instant than was meant. Answers tell the instant, in UTC: an event that was misread is
written again in UTC at once, and what is written around that time goes in UTC from then on, so that it costs
no second write. Not for ever, since rules get mended.

Only the way of writing changes: a booking's fingerprint is that of the content with the zone's times, the
same on every instance and before and after.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from booking_sync.domain.events.zones import UTC_NAME, ZoneDifference
from booking_sync.plumbing import telemetry
from booking_sync.plumbing.log import log_event
from booking_sync.plumbing.telemetry import Metric

if TYPE_CHECKING:
    from collections.abc import Callable

    from booking_sync.domain.events.event import EventContent
    from booking_sync.domain.events.zones import EventZone
    from booking_sync.ports.outlook.calendars import Written
    from booking_sync.ports.platform.clock import Clock

REMEMBERED = timedelta(days=1)
"""How long a difference is believed; then the zone's wall clock is tried again."""
AROUND = timedelta(days=7)
"""The stretch of time that one difference speaks for. Rules differ for weeks, or from a day on."""
MAX_STRETCHES = 500
"""Some ten years of one zone; the oldest sightings are forgotten first."""

_logger = logging.getLogger(__name__)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ZoneDifferences:
    """Decides how an event's times are written, and learns from answers.

    Args:
        zone: the zone that contents are rendered in.
        now: the time of day.
        tell: is told each difference that was not known yet.
    """

    def __init__(
        self, zone: EventZone, now: Clock, tell: Callable[[ZoneDifference], None] | None = None
    ) -> None:
        self._zone = zone
        self._now = now
        self._tell = tell
        self._known: OrderedDict[int, ZoneDifference] = OrderedDict()
        """By stretch, the oldest sighting first."""

    def form(self, content: EventContent) -> EventContent:
        """The content as it should be sent: in UTC where Exchange is known to read the zone otherwise."""
        if not self._known or not self._by_wall_clock(content):
            return content
        self._forget()
        stretches = {_stretch(self._zone.instant(each)) for each in (content.start, content.end)}
        return content if stretches.isdisjoint(self._known) else self.in_utc(content)

    def in_utc(self, content: EventContent) -> EventContent:
        """The content with its times in UTC."""
        return self._zone.in_utc(content)

    def misread(self, sent: EventContent, written: Written) -> ZoneDifference | None:
        """How the answer differs from what was meant; None when it does not, or does not tell.

        Args:
            sent: as it was sent.
            written: what the answer says.
        """
        return self._difference(sent, written) if self._by_wall_clock(sent) else None

    def learn(self, difference: ZoneDifference, mended: EventContent, written: Written) -> None:
        """Remember a difference, if the event that was written in UTC now is where it was meant to be.

        If it is not, something else than the zone moved it.
        """
        if self._difference(mended, written) is not None:
            return
        telemetry.count(Metric.ZONE_DIFFERENCES)
        self._forget()
        stretch = _stretch(difference.meant)
        if stretch in self._known:
            return
        self._known[stretch] = difference
        if len(self._known) > MAX_STRETCHES:
            self._known.popitem(last=False)
        log_event(
            _logger,
            "zone_difference",
            level=logging.WARNING,
            zone=difference.zone,
            meant=difference.meant.isoformat(),
            minutes=difference.minutes,
        )
        if self._tell:
            self._tell(difference)

    def _by_wall_clock(self, content: EventContent) -> bool:
        return content.start.time_zone == self._zone.graph_name != UTC_NAME

    def _difference(self, sent: EventContent, written: Written) -> ZoneDifference | None:
        for time, shown in ((sent.start, written.start), (sent.end, written.end)):
            meant = self._zone.instant(time)
            if shown is not None and shown.replace(microsecond=0) != meant:
                minutes = round((shown - meant) / timedelta(minutes=1))
                return ZoneDifference(self._zone.graph_name, meant, minutes, self._now())
        return None

    def _forget(self) -> None:
        expired = self._now() - REMEMBERED
        while self._known and next(iter(self._known.values())).seen <= expired:
            self._known.popitem(last=False)


def _stretch(moment: datetime) -> int:
    return (moment - _EPOCH) // AROUND
