"""What the commands about events work with: `event check` and `event preview`."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from booking_sync.wiring.doctor import LOOKING
from booking_sync.wiring.services import Services

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from booking_sync.azure.sign_in import SignIn
    from booking_sync.event_file.report import EventFileReport
    from booking_sync.preview.look import PreviewSources


async def check_event_file(environ: Mapping[str, str], sign_in: SignIn) -> EventFileReport:
    """The event file against the environment's table definitions, and its templates tried.

    Raises:
        SettingsError: another setting is missing or malformed, or overrides the file with what can't be used.
        TransientError: Dataverse or Entra can't be reached.
        PermanentError: Dataverse refuses us, or nobody is signed in.
    """
    from booking_sync.event_file.conditions import idle_conditions
    from booking_sync.event_file.content import EventFileError
    from booking_sync.event_file.location import event_file_name
    from booking_sync.event_file.report import EventFileReport
    from booking_sync.settings.table import EventSettings
    from booking_sync.wiring.sync import event_renderer

    name = event_file_name(environ)
    async with Services(environ, sign_in=sign_in, options=LOOKING) as services:
        try:
            given = services.part(EventSettings)
            file = services.event_file()
            event_renderer(given, file, fully=True)
            columns = await services.event_columns(file)
            idle = tuple(idle_conditions(file, columns))
            return EventFileReport(name, columns=columns, idle=idle, rules=file.rules)
        except EventFileError as error:
            return EventFileReport(name, error.problems)


@asynccontextmanager
async def open_preview(environ: Mapping[str, str], sign_in: SignIn) -> AsyncIterator[PreviewSources]:
    """Where `event preview` looks.

    Raises:
        SettingsError: a setting or the event file can't be used, or the environment is another one.
        TransientError: Dataverse, Entra or Key Vault can't be reached.
        PermanentError: Dataverse refuses us, or nobody is signed in.
    """
    from booking_sync.preview.look import PreviewSources
    from booking_sync.wiring.sync import start_sync

    async with Services(environ, sign_in=sign_in, options=LOOKING) as services:
        sync = await start_sync(services)
        yield PreviewSources(
            sync.rows_of_many,
            sync.desired_state,
            sync.events.renderer.style.rules,
            colours=services.event_file().categories,
        )
