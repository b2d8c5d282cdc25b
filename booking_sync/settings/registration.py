"""What the functions are registered with, unchecked: importing the app must not fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from booking_sync.domain.text import trim

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_QUEUE_NAME = "booking-changes"
DEFAULT_CATCH_UP_SCHEDULE = "0 */5 * * * *"
DEFAULT_AUDIT_SCHEDULE = "0 30 2 * * *"
DEFAULT_NEAR_AUDIT_SCHEDULE = "0 10,40 * * * *"

WATCH_SCHEDULE = "0 7 * * * *"
"""Hourly: a subscription lives for days, and is renewed with more than a day left."""
SWEEP_SCHEDULE = "0 4,34 * * * *"
"""As `sync.from_outlook.rounds` has it, between catch-up and audits."""

DEFAULT_RETURN_PATH = "off"
_RETURN_PATHS = ("report", "propose", "apply")


def goes_both_ways(environ: Mapping[str, str]) -> bool:
    """Whether the return path is on; what is malformed counts as off."""
    return trim(environ.get("RETURN_PATH", "")).lower() in _RETURN_PATHS


def hears_outlook(environ: Mapping[str, str]) -> bool:
    """Whether Graph is to report changes in Outlook: the return path is on and has an address for that.

    What is malformed counts as off: nothing answers, and nothing asks Graph to report.
    """
    return goes_both_ways(environ) and bool(trim(environ.get("NOTIFICATION_URL", "")))


def signs_in_by_entra(environ: Mapping[str, str]) -> bool:
    """Whether the operators' functions ask for no key, because the platform signs people in."""
    return trim(environ.get("OPERATIONS_SIGN_IN", "")).lower() == "entra"


def queue_name(environ: Mapping[str, str]) -> str:
    """The change queue's name."""
    return trim(environ.get("BOOKING_QUEUE_NAME", "")) or DEFAULT_QUEUE_NAME


def catch_up_schedule(environ: Mapping[str, str]) -> str:
    """The catch-up's schedule."""
    return trim(environ.get("CATCH_UP_SCHEDULE", "")) or DEFAULT_CATCH_UP_SCHEDULE


def audit_schedule(environ: Mapping[str, str]) -> str:
    """The audit's schedule."""
    return trim(environ.get("AUDIT_SCHEDULE", "")) or DEFAULT_AUDIT_SCHEDULE


def near_audit_schedule(environ: Mapping[str, str]) -> str:
    """The schedule of the audit of these days."""
    return trim(environ.get("NEAR_AUDIT_SCHEDULE", "")) or DEFAULT_NEAR_AUDIT_SCHEDULE
