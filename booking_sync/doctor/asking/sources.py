"""Where facts come from: what the doctor needs of the outside world."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime

    from booking_sync.doctor.options import Expectations
    from booking_sync.domain.bookings.booking import Booking
    from booking_sync.domain.bookings.participation import Participation
    from booking_sync.domain.events.event import EventContent
    from booking_sync.domain.events.event_text.colours import CategoryColour
    from booking_sync.domain.events.event_text.columns import EventColumn
    from booking_sync.event_file.content import Problem
    from booking_sync.ports.diagnosis import (
        AppAccessReads,
        ClockReads,
        MailboxAccessReads,
        PeopleReads,
        RegistrationReads,
        SecretReads,
        StorageReads,
        TokenReads,
        WayBackReads,
    )
    from booking_sync.ports.outlook.calendars import Calendar
    from booking_sync.ports.outlook.categories import CategoryLists
    from booking_sync.ports.outlook.readers import Readers
    from booking_sync.ports.platform.keys import OpenKeyring
    from booking_sync.settings.cautions import Caution
    from booking_sync.settings.parts import ReturnSettings
    from booking_sync.settings.values import CredentialKind


@dataclass(frozen=True, slots=True)
class DoctorSources:
    """Where facts come from. Each opens at its call and may raise `SettingsError`; the caller closes them."""

    check_settings: Callable[[], Sequence[Caution]]
    """Raises `SettingsError` with all that is wrong; returns settings that are valid but likely unwanted."""
    expectations: Callable[[], Expectations]
    storage: Callable[[], StorageReads]
    vault: Callable[[], SecretReads | None]
    """None when the secret does not come from a vault."""
    credential_kind: Callable[[], CredentialKind]
    """How the app registration signs in here; `secret` also for one that was given by hand."""
    seal_keys: Callable[[], OpenKeyring | None]
    """None when the key does not come from a vault."""
    tokens: Callable[[], TokenReads]
    clocks: Callable[[], ClockReads]
    app_access: Callable[[], AppAccessReads]
    people: Callable[[], PeopleReads]
    participation: Callable[[], Participation]
    event_columns: Callable[[], Awaitable[Sequence[EventColumn]]]
    """Those of the event file, as the app finds them; raises `SettingsError` where a path leads nowhere."""
    idle_conditions: Callable[[Sequence[EventColumn]], Sequence[Problem] | None]
    """What rules ask for that no booking has; None without rules."""
    registration_reads: Callable[[], RegistrationReads]
    administered_columns: Callable[[], Awaitable[Sequence[EventColumn]]]
    """The event file's columns, as whoever sets the app up finds them."""
    returns: Callable[[], ReturnSettings]
    """Of the way back from Outlook."""
    way_back: Callable[[], WayBackReads]
    colours: Callable[[], Sequence[CategoryColour]]
    """Of the event file."""
    category_lists: Callable[[], CategoryLists]
    calendar: Callable[[], Calendar]
    render: Callable[[], Callable[[Booking, datetime, datetime], EventContent]]
    """Renders bookings by the app's settings."""
    mailbox_access: Callable[[], MailboxAccessReads]
    readers: Callable[[], Readers | None]
    """None where the event file takes nothing from readers."""
