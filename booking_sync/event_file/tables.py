"""The tables that events' columns are read from: what the app's role has to give it besides its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from booking_sync.domain.environment.watched import BOOKING_TABLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from booking_sync.domain.events.event_text.columns import EventColumn
    from booking_sync.ports.dataverse.definitions import TableDefinitions


async def tables_on(columns: Sequence[EventColumn], definitions: TableDefinitions) -> frozenset[str]:
    """Logical names of the tables to which the paths of these columns lead.

    Raises:
        TransientError: Dataverse can't answer now.
        PermanentError: Dataverse refuses.
    """
    found: set[str] = set()
    for column in columns:
        table = BOOKING_TABLE
        for hop in column.hops:
            definition = await definitions.table(table)
            table = next(each.target for each in definition.lookups if each.navigation == hop.navigation)
            found.add(table)
    return frozenset(found)
