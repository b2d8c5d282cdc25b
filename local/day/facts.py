"""Collects what Dataverse and Outlook hold, through the control planes, for the verdict."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from local.day.verdict import BookingFact, EventFact, Facts, PoisonFact
from local.day.world import TAKES_NO_PART, Commitment, ResourceKind, Stage
from local.processes import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from local.stack import LocalStack
    from local.stack.control import PoisonMessage

    Row = Mapping[str, Any]

TABLES = (
    "bookableresourcebookings",
    "bookableresources",
    "systemusers",
    "bookingstatuses",
    "msdyn_workorders",
    "msdyn_priorities",
    "accounts",
)


ASKED_TO_CANCEL = 2
"""What a proposal's column says; a move has times as well."""
EVENT_FILE = str(REPOSITORY / "local" / "day" / "event.toml")
"""What the day's events say, as the setting names it, wherever the app's folder is."""


@dataclass(frozen=True)
class Tables:
    """Dataverse's rows: by entity set, then by id; columns by logical name."""

    rows: Mapping[str, Mapping[str, Row]]

    def follow(self, entity_set: str, row_id: str | None) -> Row:
        """The row a lookup points to; an empty one when it points nowhere."""
        return self.rows[entity_set].get(row_id, {}) if row_id else {}


async def gather_facts(
    stack: LocalStack, private: Mapping[str, Row], poison: Sequence[PoisonMessage] = ()
) -> Facts:
    """What there is now.

    Args:
        stack: a quiet one.
        private: the technicians' own events by id, as they were put in.
        poison: what was taken from the poison queue so far.
    """
    tables = Tables({name: await stack.dataverse.rows(name) for name in TABLES})
    mailboxes = {entry["id"]: entry for entry in await stack.graph.mailboxes()}
    kinds = {key: entry["kind"] for key, entry in mailboxes.items()}
    has_file = stack.options.settings.get("EVENT_FILE") == EVENT_FILE
    with_mailbox = frozenset(mailbox for mailbox, kind in kinds.items() if kind == "normal")
    return Facts(
        bookings=[
            read_booking(row, tables, with_mailbox)
            for row in tables.rows["bookableresourcebookings"].values()
        ],
        events=[read_event(event, stack.options.extension_name) for event in await stack.graph.events()],
        private=private,
        mails_sent=await stack.graph.mails_sent(),
        poison=[PoisonFact(message.booking_id, message.reason) for message in poison],
        expects_tags=bool(stack.options.extension_name),
        languages={key: entry["language"] for key, entry in mailboxes.items()} if has_file else {},
        expects_rules=has_file,
    )


def read_booking(row: Row, tables: Tables, with_mailbox: frozenset[str]) -> BookingFact:
    """One booking, joined with what it points to."""
    resource = tables.follow("bookableresources", row["resource"])
    user = tables.follow("systemusers", resource.get("userid"))
    status = tables.follow("bookingstatuses", row["bookingstatus"])
    work_order = tables.follow("msdyn_workorders", row["msdyn_workorder"])
    account = tables.follow("accounts", work_order.get("msdyn_serviceaccount"))
    priority = tables.follow("msdyn_priorities", work_order.get("msdyn_priority"))
    own = (resource.get("bsync_mailbox") or "").lower()
    mailbox = own or user.get("azureactivedirectoryobjectid") or ""
    return BookingFact(
        id=row["bookableresourcebookingid"],
        name=row["name"] or "",
        start=_moment(row["starttime"]),
        end=_moment(row["endtime"]),
        active=row["statecode"] == 0,
        canceled=status.get("status") == Commitment.CANCELED,
        proposed=status.get("status") == Commitment.PROPOSED,
        traveling=status.get("msdyn_fieldservicestatus") == Stage.TRAVELING,
        urgent=priority.get("msdyn_name") == "High",
        status=status.get("name", ""),
        account=account.get("name", ""),
        has_work_order=bool(work_order),
        resource=resource.get("name", ""),
        is_user=resource.get("resourcetype") == ResourceKind.USER,
        user_enabled=bool(user) and not user["isdisabled"],
        takes_part=resource.get("bsync_takespart") != TAKES_NO_PART,
        own_mailbox=bool(own),
        mailbox=mailbox,
        has_mailbox=mailbox in with_mailbox,
        recorded_event=row["bsync_outlookeventid"] or "",
        recorded_mailbox=row["bsync_originalresource"] or "",
        error=row["bsync_outlooksyncerror"] or "",
        version=row["versionnumber"],
        asked_to_cancel=row.get("bsync_outlookproposal") == ASKED_TO_CANCEL,
        asked_to_move=_proposed(row),
        told=row.get("bsync_outlookreturn") or "",
    )


def read_event(event: Row, extension_name: str) -> EventFact:
    """One event from the Graph stand-in's control plane."""
    markers = [value.partition("/")[2] for value in event["extendedProperties"].values() if "/" in value]
    extension = event["extensions"].get(extension_name)
    return EventFact(
        id=event["immutableId"],
        mailbox=event["mailbox"],
        subject=event["subject"],
        start=_utc(event["start"]),
        end=_utc(event["end"]),
        show_as=event["showAs"],
        attendees=len(event["attendees"]),
        booking_id=markers[0] if markers else "",
        tag=None if extension is None else extension.get("bookingSyncGuid", ""),
        raw=event,
    )


def _proposed(row: Row) -> tuple[datetime, datetime] | None:
    start, end = _moment(row.get("bsync_proposedstart")), _moment(row.get("bsync_proposedend"))
    return (start, end) if start and end else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _utc(time: Row) -> datetime:
    """The control plane shows all times in UTC."""
    return datetime.fromisoformat(time["dateTime"]).replace(tzinfo=UTC)
