"""What the commands about events work with: `event check`, `event preview` and `event colours`."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from booking_sync.wiring.commands.doctor import LOOKING
from booking_sync.wiring.services import Services

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from booking_sync.azure.entra.sign_in import SignIn
    from booking_sync.bulk.colouring import Colouring
    from booking_sync.domain.bookings.reader import Reader, ReaderPart
    from booking_sync.domain.events.event_text.colours import CategoryColour
    from booking_sync.event_file.report import EventFileReport
    from booking_sync.ports.dataverse.bookings import Bookings
    from booking_sync.preview.look import PreviewSources
    from booking_sync.wiring.status import NameSources


async def check_event_file(environ: Mapping[str, str], sign_in: SignIn) -> EventFileReport:
    """The event file against the environment's table definitions, and its templates tried.

    Raises:
        SettingsError: another setting is missing or malformed, or overrides the file with what can't be used.
        TransientError: Dataverse or Entra can't be reached.
        PermanentError: Dataverse refuses us, or nobody is signed in.
    """
    from booking_sync.event_file.checking import untranslated
    from booking_sync.event_file.conditions import idle_conditions
    from booking_sync.event_file.content import EventFileError
    from booking_sync.event_file.location import event_file_name, event_file_path
    from booking_sync.event_file.report import EventFileReport
    from booking_sync.settings.parts import EventSettings
    from booking_sync.wiring.sync import event_renderer

    path = event_file_path(environ)
    report = EventFileReport(event_file_name(environ), str(path), found=path.exists())
    async with Services(environ, sign_in=sign_in, options=LOOKING) as services:
        try:
            given = services.part(EventSettings)
            file = services.event_file()
            event_renderer(given, file, fully=True)
            columns = await services.event_columns(file)
            idle = tuple(idle_conditions(file, columns))
            return replace(
                report, columns=columns, idle=idle, rules=file.rules, untranslated=untranslated(file)
            )
        except EventFileError as error:
            return replace(report, problems=error.problems)


@dataclass(frozen=True, slots=True)
class PreviewTask:
    """What `event preview` does."""

    sources: PreviewSources
    names: NameSources


@asynccontextmanager
async def open_preview(
    environ: Mapping[str, str], sign_in: SignIn, reader: Reader | None = None
) -> AsyncIterator[PreviewTask]:
    """Where `event preview` looks.

    Args:
        environ: the settings.
        sign_in: who reads Dataverse and mailboxes.
        reader: whom bookings are shown to, whatever the event file takes from readers; what it leaves empty
            is the file's. None: those whose calendars show them.

    Raises:
        SettingsError: a setting or the event file can't be used, or the environment is another one.
        TransientError: Dataverse, Entra or Key Vault can't be reached.
        PermanentError: Dataverse refuses us, or nobody is signed in.
    """
    from booking_sync.preview.look import PreviewSources
    from booking_sync.wiring.status import name_sources
    from booking_sync.wiring.sync import desired_state_rule, event_renderer, start_sync

    async with Services(environ, sign_in=sign_in, options=LOOKING) as services:
        sync = await start_sync(services)
        rows: Bookings = sync.rows_of_many
        desired, style = sync.desired_state, sync.events.renderer.style
        if reader is not None:
            parts: dict[ReaderPart, str] = {"language": reader.language, "zone": reader.zone}
            given = frozenset(part for part, said in parts.items() if said)
            renderer = event_renderer(sync.settings, replace(services.event_file(), from_reader=given))
            rows, desired = sync.bare_rows, desired_state_rule(sync.settings, renderer)
        colours = sync.events.colours
        sources = PreviewSources(rows, desired, style.rules, colours=colours, reader=reader)
        yield PreviewTask(sources, name_sources(sync))


@dataclass(frozen=True, slots=True)
class ColouringTask:
    """What `event colours` does."""

    colouring: Colouring
    colours: tuple[CategoryColour, ...]
    """Of the event file."""
    mailboxes: frozenset[str]
    """Of all resources that take part."""
    names: NameSources


@asynccontextmanager
async def open_colouring(environ: Mapping[str, str], sign_in: SignIn) -> AsyncIterator[ColouringTask]:
    """What `event colours` works with; raises as `open_preview`."""
    from booking_sync.wiring.status import name_sources
    from booking_sync.wiring.sync import start_sync

    async with Services(environ, sign_in=sign_in) as services:
        sync = await start_sync(services)
        mailboxes = await services.resources.mailboxes()
        everybody = frozenset(mailboxes.values())
        yield ColouringTask(sync.colouring(), sync.events.colours, everybody, name_sources(sync))
