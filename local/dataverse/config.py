"""What can be turned while the stand-in runs (`PUT /_control/config`)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, get_args

from local.dataverse.errors import bad_request
from local.standin.assumptions import Plays

AppRefused = Literal["no", "administration_mode", "disabled", "not_a_member", "restricted"]
BatchStops = Literal["unless_told", "with_its_status", "with_200"]
RestoreRaises = Literal["restore", "restore_and_create", "create"]
RestoredModifiedOn = Literal["kept", "now"]
ASSUMED = {
    "without_optimistic_concurrency": Plays(
        "current_version", (((), "written"), (("bookableresourcebooking",), "not_enabled"))
    ),
    "restore_raises": Plays("restored_messages"),
    "restored_modifiedon": Plays("restored_modified"),
}
"""Settings that stand for what nobody knows: which assumption each plays."""
NOT_ASSUMED = {
    **dict.fromkeys(
        ("max_concurrent", "max_requests", "max_execution_seconds", "window_seconds"),
        "a documented limit, which tests make smaller",
    ),
    **dict.fromkeys(("service_seconds", "retry_after_seconds", "lengthen_seconds"), "the service's pace"),
    **dict.fromkeys(
        ("secured_columns", "hidden_bookings", "hidden_rows", "missing_privileges", "app_refused"),
        "an administrator's doing, which `doctor` looks for",
    ),
    **dict.fromkeys(
        ("webhooks_twice", "webhooks_shuffled", "webhooks_paused", "webhooks_lose_every"),
        "documented: deliveries come in any order, twice, late or not at all",
    ),
    **dict.fromkeys(
        ("webhooks_delay_seconds", "webhooks_parallel", "webhooks_retry_pause_seconds"),
        "the deliveries' pace",
    ),
    **dict.fromkeys(
        ("plugin_rounds_minutes", "plugin_refuses_moves", "plugin_moves_crews"),
        "plug-ins, which each company has its own of",
    ),
    "batch_stops": "something on the way took the header `Prefer` away",
    "webhooks_timeout_seconds": "a documented limit, which tests make smaller",
    "webhooks_max_bytes": "a documented limit, which tests make smaller",
}
"""Settings that stand for something else, and for what."""
_CHOICES = {
    "app_refused": get_args(AppRefused),
    "batch_stops": get_args(BatchStops),
    "restore_raises": get_args(RestoreRaises),
    "restored_modifiedon": get_args(RestoredModifiedOn),
}


@dataclass
class Config:
    """The knobs; one object is shared by all parts and changed in place."""

    service_seconds: float = 0.0
    """Time each operation takes; parts of a batch take theirs one after the other."""
    max_concurrent: int = 52
    max_requests: int = 6000
    """Requests within the window; a batch counts as one."""
    max_execution_seconds: float = 1200.0
    """Execution time within the window."""
    window_seconds: float = 300.0
    retry_after_seconds: float = 5.0
    """Length of a fresh throttle."""
    lengthen_seconds: float = 1.0
    """What each request during a throttle adds to it."""
    batch_stops: BatchStops = "unless_told"
    """When a batch ends with its first part that fails, so that the rest has no answers: unless the header
    `Prefer` says otherwise, as documented, with that part's status; or always, with its status or 200."""
    without_optimistic_concurrency: list[str] = field(default_factory=list)
    """Logical names of tables that refuse etags."""
    secured_columns: list[str] = field(default_factory=list)
    """Logical names of columns that column security is on for; as here our user is in a profile, it has no
    further effect."""
    hidden_bookings: list[str] = field(default_factory=list)
    """Ids of bookings that our application user may not read: lists leave them out without a word, and asking
    for one by its id is refused."""
    hidden_rows: list[str] = field(default_factory=list)
    """Ids of other rows that our application user may not read: a lookup that is followed to one leads to
    nothing, without a word."""
    missing_privileges: list[str] = field(default_factory=list)
    """Privileges that our application user lacks, such as `prvCreateServiceEndpoint`."""
    app_refused: AppRefused = "no"
    """Whether, and how, our application user is refused as a whole: the environment is in administration mode
    (403 without a word), the user is disabled (0x80040225), is none of the organization (0x80072560), or its
    application is restricted (0x80095ffc)."""
    restore_raises: RestoreRaises = "restore"
    """Which messages a row raises that is restored from the recycle bin; no source says whether Create is
    among them."""
    restored_modifiedon: RestoredModifiedOn = "kept"
    """Whether a restored row keeps its `modifiedon` or gets a new one; no source says."""
    plugin_rounds_minutes: int = 0
    """Times of bookings are put off to whole steps of so many minutes; 0: as they are given."""
    plugin_refuses_moves: str = ""
    """What a plug-in says to changes of a booking's times; empty: nothing, and it lets them pass."""
    plugin_moves_crews: bool = False
    """Whether a crew's other bookings of the same times move along."""
    webhooks_twice: bool = False
    webhooks_shuffled: bool = False
    """Take waiting deliveries in random order."""
    webhooks_paused: bool = False
    """Keep deliveries waiting until resumed."""
    webhooks_delay_seconds: float = 0.0
    webhooks_lose_every: int = 0
    """Lose every n-th delivery without sending it; 0 loses none."""
    webhooks_parallel: int = 16
    webhooks_timeout_seconds: float = 60.0
    webhooks_retry_pause_seconds: float = 0.0
    """Pause before the one further attempt."""
    webhooks_max_bytes: int = 256 * 1024
    """A longer body loses its parameters, images and parent."""

    def change(self, wanted: dict[str, Any]) -> None:
        """Set some knobs; nothing is set when one is wrong.

        Raises:
            DataverseError: an unknown name or a value of the wrong type.
        """
        current = asdict(self)
        for name, value in wanted.items():
            if name not in current:
                known = ", ".join(entry.name for entry in fields(self))
                raise bad_request(f"There is no setting '{name}'; there are: {known}.")
            if name in _CHOICES and value not in _CHOICES[name]:
                raise bad_request(f"The setting '{name}' is one of {', '.join(_CHOICES[name])}.")
            if not _fits(current[name], value):
                raise bad_request(f"The setting '{name}' must be a {type(current[name]).__name__}.")
        for name, value in wanted.items():
            setattr(self, name, value)

    def describe(self) -> dict[str, Any]:
        """All knobs as JSON-ready values."""
        return asdict(self)


def _fits(current: Any, value: Any) -> bool:
    if isinstance(current, bool) or isinstance(value, bool):
        return isinstance(current, bool) and isinstance(value, bool)
    if isinstance(current, str):
        return isinstance(value, str)
    if isinstance(current, int | float):
        allowed = (int, float) if isinstance(current, float) else (int,)
        return isinstance(value, allowed) and value >= 0
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
