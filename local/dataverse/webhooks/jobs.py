"""System jobs: what a webhook's delivery leaves behind as a row of `asyncoperations`.

A failed one stays until somebody deletes it; one that succeeded goes by itself where its step says so. For
real a job's row exists while it waits, too; here it is written when it is settled, and has no `errorcode`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

from local.dataverse.tables.payload import format_moment
from local.dataverse.tables.platform_tables import JOB, JOB_FAILED, JOB_SUCCEEDED, STEP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.dataverse.tables.payload import Row
    from local.dataverse.tables.schema import Schema
    from local.dataverse.tables.store import Store
    from local.dataverse.webhooks.delivery import Delivery

_COMPLETED = 3


class Jobs:
    """Writes the rows.

    Args:
        schema: the tables in force.
        store: the rows.
        user_id: whose they are.
    """

    def __init__(self, schema: Schema, store: Store, user_id: str) -> None:
        self._table = schema.table(JOB)
        self._steps = schema.table(STEP)
        self._store = store
        self._user_id = user_id

    def settled(self, delivery: Delivery, statuses: Sequence[int], reason: str) -> None:
        """A delivery has ended.

        Args:
            delivery: which.
            statuses: what the endpoint answered, attempt by attempt.
            reason: why it is lost; empty when it arrived.
        """
        if not reason and not delivery.keeps_jobs:
            return
        step_id = delivery.occasion.step_id
        message = _message(statuses, reason) if reason else None
        moment = format_moment(datetime.now(UTC))
        row: Row = {
            "name": delivery.occasion.step_name,
            "operationtype": 1,
            "statecode": _COMPLETED,
            "statuscode": JOB_FAILED if reason else JOB_SUCCEEDED,
            "messagename": delivery.message,
            "primaryentitytype": delivery.table,
            "friendlymessage": message,
            "message": message,
            "retrycount": max(0, len(statuses) - 1),
            "correlationid": delivery.occasion.correlation_id,
            "requestid": delivery.occasion.request_id,
            "startedon": format_moment(delivery.occasion.created),
            "completedon": moment,
            # The step may be gone by now; its jobs are not.
            "owningextensionid": step_id if self._store.find(self._steps, step_id) else None,
            "regardingobjectid": delivery.row_id,
        }
        self._store.create(self._table, row, self._user_id)


def _message(statuses: Sequence[int], reason: str) -> str:
    if not statuses or reason != f"status {statuses[-1]}":
        return f"The webhook call failed: {reason}."
    try:
        phrase = HTTPStatus(statuses[-1]).phrase
    except ValueError:
        phrase = "Unknown"
    return f"The remote server returned an error: ({statuses[-1]}) {phrase}."
