"""What plug-ins make of a change of a booking's times: knobs, since each company has its own.

They run in the transaction of the change and under its user (Microsoft: "Event execution pipeline"): what
they refuse is not written, what they round is part of the change, and what they move along is a change of its
own, of the next depth, with the user's id in its webhook.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from local.dataverse.errors import bad_request
from local.dataverse.tables.payload import format_moment
from local.dataverse.tables.schema import BOOKING

if TYPE_CHECKING:
    from local.dataverse.config import Config
    from local.dataverse.tables.columns import Table
    from local.dataverse.tables.payload import Row, Value
    from local.dataverse.tables.store import Change, Store

TIMES = ("starttime", "endtime")
PLUGIN_REFUSED = "0x80040265"


class Plugins:
    """Changes rows, with what plug-ins make of it.

    Args:
        store: the rows.
        config: the knobs.
    """

    def __init__(self, store: Store, config: Config) -> None:
        self._store = store
        self._config = config

    def update(self, table: Table, row_id: str, values: Row, user_id: str) -> list[Change]:
        """The change of the row, then those of the bookings that are moved along.

        Raises:
            DataverseError: as `Store.update`; or a plug-in refuses it.
        """
        before = self._store.get(table, row_id)
        moved = table.logical_name == BOOKING and any(
            name in values and values[name] != before[name] for name in TIMES
        )
        if not moved:
            return [self._store.update(table, row_id, values, user_id)]
        if self._config.plugin_refuses_moves:
            raise bad_request(self._config.plugin_refuses_moves, PLUGIN_REFUSED)
        values = {name: self._rounded(value) if name in TIMES else value for name, value in values.items()}
        was = dict(before)
        changes = [self._store.update(table, row_id, values, user_id)]
        if self._config.plugin_moves_crews and was["msdyn_crew"] is not None:
            changes += self._crew(table, row_id, was, values, user_id)
        return changes

    def _rounded(self, value: Value) -> Value:
        """To the next whole step."""
        step = self._config.plugin_rounds_minutes * 60
        if not step or not isinstance(value, str):
            return value
        moment = datetime.fromisoformat(value)
        return format_moment(moment + timedelta(seconds=-moment.timestamp() % step))

    def _crew(self, table: Table, row_id: str, was: Row, values: Row, user_id: str) -> list[Change]:
        """The crew's other bookings that had the same times get the new ones."""
        new = {name: values[name] for name in TIMES if name in values}
        together = [
            other
            for other, row in self._store.rows(table).items()
            if other != row_id and all(row[name] == was[name] for name in ("msdyn_crew", *TIMES))
        ]
        return [self._store.update(table, other, dict(new), user_id, depth=2) for other in together]
