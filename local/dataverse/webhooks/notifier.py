"""Turns committed changes into deliveries for the steps that are registered for them."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from yarl import URL

from local.dataverse.webhooks.context import Occasion, build_context, encode_context
from local.dataverse.webhooks.delivery import Delivery

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from local.dataverse.calls import Call, Identity
    from local.dataverse.config import Config
    from local.dataverse.tables.store import Change
    from local.dataverse.webhooks.delivery import WebhookSender
    from local.dataverse.webhooks.steps import Step, Webhook

ORGANIZATION_HOST = "bookings.crm4.dynamics.com"


class ChangeNotifier:
    """Finds the steps that a change fires, and sends each its webhook.

    `webhooks` is the whole registration: whatever else registers steps only needs to fill it.
    """

    def __init__(self, config: Config, identity: Identity, sender: WebhookSender) -> None:
        self._config = config
        self._identity = identity
        self._sender = sender
        self.webhooks: list[Webhook] = []

    def changed(self, changes: Sequence[Change], call: Call) -> None:
        """Raise the webhooks of one operation's changes."""
        for change in changes:
            for webhook, step in self._matching(change):
                self._sender.send(self._delivery(change, webhook, step, call))

    def _matching(self, change: Change) -> Iterable[tuple[Webhook, Step]]:
        for webhook in self.webhooks:
            for step in webhook.steps:
                if step.fires_for(change):
                    yield webhook, step

    def _delivery(self, change: Change, webhook: Webhook, step: Step, call: Call) -> Delivery:
        table = change.table.logical_name
        occasion = Occasion(
            step_id=step.step_id,
            step_name=step.name or f"{step.message} of {table}",
            images=step.images,
            correlation_id=call.correlation_id,
            request_id=call.request_id,
            operation_id=str(uuid.uuid4()),
            tag=call.tag,
            created=datetime.now(UTC),
        )
        context = build_context(change, occasion, self._identity)
        body, dropped = encode_context(context, self._config.webhooks_max_bytes)
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "x-ms-dynamics-organization": ORGANIZATION_HOST,
            "x-ms-dynamics-entity-name": table,
            "x-ms-dynamics-request-name": change.message,
            "x-ms-correlation-request-id": call.correlation_id,
        }
        if dropped:
            headers["x-ms-dynamics-msg-size-exceeded"] = "True"
        url = webhook.url
        if webhook.auth_place == "header":
            headers |= dict(webhook.auth)
        else:
            url = str(URL(url).update_query(dict(webhook.auth)))
        return Delivery(
            url,
            headers,
            body,
            change.message,
            table,
            change.row_id,
            occasion,
            keeps_jobs=step.keeps_jobs,
            trouble=webhook.trouble,
        )
