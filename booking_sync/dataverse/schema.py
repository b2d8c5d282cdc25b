"""Names of Dataverse's that more than one adapter needs."""

from __future__ import annotations

BOOKINGS = "bookableresourcebookings"
"""The booking table's entity set."""
