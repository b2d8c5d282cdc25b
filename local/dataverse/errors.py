"""The refusals of the Web API, with the codes and the wording that Dataverse uses."""

from __future__ import annotations

from typing import Any


class DataverseError(Exception):
    """A refusal: HTTP status, Dataverse's hexadecimal code and a message."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers or {}

    @property
    def body(self) -> dict[str, Any] | None:
        """The JSON body of the answer; None for one without a word."""
        return {"error": {"code": self.code, "message": str(self)}} if self.code else None


def bad_request(message: str, code: str = "0x80060888") -> DataverseError:
    """400: what the OData layer says of nearly everything it can't read."""
    return DataverseError(400, code, message)


def unknown_property(name: str, logical_name: str) -> DataverseError:
    """400: a column or navigation property that the table does not have (names are case-sensitive)."""
    return bad_request(
        f"Could not find a property named '{name}' on type 'Microsoft.Dynamics.CRM.{logical_name}'."
    )


def not_implemented(what: str) -> DataverseError:
    """501: something real Dataverse may do, which this stand-in does not; never silently ignored."""
    return DataverseError(501, "0x80060888", f"The stand-in does not implement {what}.")


def no_resource(segment: str) -> DataverseError:
    """404: no such entity set or function."""
    return DataverseError(404, "0x80060888", f"Resource not found for the segment '{segment}'.")


def row_missing(logical_name: str, row_id: str) -> DataverseError:
    """404: no row with this id."""
    return DataverseError(404, "0x80040217", f"Entity '{logical_name}' With Id = {row_id} Does Not Exist")


def access_denied(row_id: str) -> DataverseError:
    """403: the row exists, but the user's role does not reach as far as its owner."""
    return DataverseError(
        403, "0x80048306", f"Principal does not have ReadAccess right(s) for record with ID {row_id}."
    )


def app_refused(how: str, user_id: str) -> DataverseError:
    """403 to every request of the application user, whatever it asks for; `how` is `Config.app_refused`."""
    code, message = {
        "administration_mode": ("", ""),
        "disabled": ("0x80040225", f"The user with SystemUserId={user_id} in the organization is disabled."),
        "not_a_member": ("0x80072560", "The user is not a member of the organization."),
        "restricted": ("0x80095ffc", "Access to Dataverse API is restricted for this application."),
    }[how]
    return DataverseError(403, code, message)


def version_mismatch() -> DataverseError:
    """412: the row has moved on since the etag in If-Match was read."""
    return DataverseError(
        412,
        "0x80060882",
        "The version of the existing record doesn't match the RowVersion property provided.",
    )


def duplicate_key() -> DataverseError:
    """412 as well, though nothing to do with versions: a row with this id exists already."""
    return DataverseError(412, "0x80040237", "A record with matching key values already exists.")


def concurrency_not_enabled(logical_name: str) -> DataverseError:
    """400: an etag was sent for a table without optimistic concurrency."""
    return bad_request(
        f"Optimistic concurrency isn't enabled for entity type {logical_name}. The IfVersionMatches value of "
        "ConcurrencyBehavior can only be used if optimistic concurrency is enabled.",
        "0x80060883",
    )


def still_referenced() -> DataverseError:
    """400: the row is pointed at by a lookup that restricts deletion."""
    return bad_request(
        "The object cannot be deleted because it is associated with another object.", "0x80040227"
    )
