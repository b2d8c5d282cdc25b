"""The whole chain on this machine: its parts, how they are started, and clients of their control planes."""

from local.stack.local_stack import LocalStack, NotQuietError, booking_webhook
from local.stack.options import (
    CERTIFICATE_NAME,
    NO_TIMERS,
    PRE_IMAGE_COLUMNS,
    QUEUE_NAME,
    RELATED_COLUMNS,
    SEAL_KEY_NAME,
    SECRET_NAME,
    WATCHED_COLUMNS,
    WEBHOOK_KEY_VARIABLE,
    WEBHOOK_ROUTE,
    WEBHOOK_URL_VARIABLE,
    Identities,
    StackOptions,
)

__all__ = [
    "CERTIFICATE_NAME",
    "NO_TIMERS",
    "PRE_IMAGE_COLUMNS",
    "QUEUE_NAME",
    "RELATED_COLUMNS",
    "SEAL_KEY_NAME",
    "SECRET_NAME",
    "WATCHED_COLUMNS",
    "WEBHOOK_KEY_VARIABLE",
    "WEBHOOK_ROUTE",
    "WEBHOOK_URL_VARIABLE",
    "Identities",
    "LocalStack",
    "NotQuietError",
    "StackOptions",
    "booking_webhook",
]
