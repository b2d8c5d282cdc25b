"""Reads settings from the environment, all or a part, and complains once about everything that is wrong."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

from booking_sync.domain.bookings.participation import Participation
from booking_sync.domain.environment.columns import (
    ResourceColumns,
    ReturnColumns,
    SupportColumns,
    column_problems,
)
from booking_sync.domain.environment.watched import TABLE_BEHIND, RelatedTable
from booking_sync.domain.events.event_calendars import EventCalendars
from booking_sync.domain.return_path.policy import Mode, ReturnPolicy
from booking_sync.domain.text import trim
from booking_sync.errors import SettingsError
from booking_sync.event_file.location import is_expected
from booking_sync.settings.parts import QueueSettings, ReceiverSettings
from booking_sync.settings.table import BY_FIELD, Settings
from booking_sync.settings.values import shared
from booking_sync.sync.webhook.dynamics_webhook import ReceiverPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from _typeshed import DataclassInstance

    from booking_sync.settings.setting import Setting

Part = TypeVar("Part", bound="DataclassInstance")

_COLUMNS: Mapping[str, Callable[..., Any]] = {
    "columns": SupportColumns,
    "resource_columns": ResourceColumns,
}
_TOGETHER: Mapping[str, Callable[..., Any]] = {
    "participation": Participation,
    "calendars": EventCalendars,
    "return_policy": ReturnPolicy,
}
_IDS = {
    "tenant_id": "ENTRA_TENANT_ID",
    "client_id": "ENTRA_CLIENT_ID",
    "organization_id": "DATAVERSE_ORGANIZATION_ID",
    "app_user_id": "DATAVERSE_APP_USER_ID",
}


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Read and check every setting.

    Raises:
        SettingsError: names every setting that is missing or malformed.
    """
    return Settings(**_checked(environ, BY_FIELD))


def load_receiver_settings(environ: Mapping[str, str]) -> ReceiverSettings:
    """Read what the webhook works by, as far as it can be read: no webhook is lost for a bad setting.

    Where a setting of these is wrong, the webhook takes more than it needs to, and a deletion may name no
    event; the worker has its messages wait until everything is mended.
    """
    values, problems = _read(environ, [each.name for each in fields(ReceiverPolicy) if each.name in BY_FIELD])
    others, _ = _read(environ, _IDS)
    doubled = [each for each in _shared_ids(others) if _IDS["organization_id"] in each]
    if doubled:  # every webhook would come from another organisation than that
        problems += doubled
        del values["organization_id"]
    columns = _columns_for_deletions(environ)
    returns, _ = _read(environ, ["return_policy"])
    off = returns and returns["return_policy"].path is Mode.OFF  # a malformed one may mean anything
    policy = ReceiverPolicy(
        organization_id=values.get("organization_id", ""),
        app_user_id=values.get("app_user_id", ""),
        require_work_order=values.get("require_work_order", False),
        # Without the organisation nobody can tell a copied environment's record from ours.
        columns=columns if "organization_id" in values else None,
        resource_columns=values.get("resource_columns"),
        return_columns=ReturnColumns.beside(columns) if columns and not off else None,
        shows_more=_shown_tables(environ),
    )
    return ReceiverSettings(policy, tuple(problems))


def load_part(environ: Mapping[str, str], part: type[Part]) -> Part:
    """Read and check only the settings that a dataclass names by its fields, as in `Settings`.

    Raises:
        SettingsError: names every setting of these that is missing or malformed.
    """
    return part(**_checked(environ, [each.name for each in fields(part)]))


def load_persons_tenant(environ: Mapping[str, str]) -> str:
    """The tenant in which a person signs in at the command line; empty: whichever is theirs.

    Raises:
        SettingsError: it is malformed.
    """
    (setting,) = BY_FIELD["tenant_id"]
    if not trim(environ.get(setting.name, "")):
        return ""
    problems: list[str] = []
    tenant: str = _value(setting, environ, problems)
    _complain(problems, environ)
    return tenant


def load_queue_settings(environ: Mapping[str, str]) -> QueueSettings:
    """Read only what it takes to open the queue, and check only that it can be opened.

    Who can open it can keep a webhook and put a message back, whatever else is wrong with these settings or
    with others: the worker reads all of them before it acts on a message.

    Raises:
        SettingsError: names every setting of these that is missing or malformed.
    """
    values, problems = _read(environ, [each.name for each in fields(QueueSettings)])
    _complain(problems, environ)
    return QueueSettings(**values)


def _checked(environ: Mapping[str, str], names: Iterable[str]) -> dict[str, Any]:
    from booking_sync.settings.contradictions import contradictions  # noqa: PLC0415 - keeps the webhook light

    values, problems = _read(environ, names)
    problems += _shared_ids(values)
    problems += contradictions(values, environ)
    _complain(problems, environ)
    return values


def _read(environ: Mapping[str, str], names: Iterable[str]) -> tuple[dict[str, Any], list[str]]:
    values: dict[str, Any] = {}
    problems: list[str] = []
    for name in names:
        settings = BY_FIELD[name]
        found = {each.name: _value(each, environ, problems) for each in settings}
        if None in found.values():
            continue
        if name in _COLUMNS:
            wrong = list(column_problems({each: text for each, text in found.items() if text}))
            problems += wrong
            values |= {} if wrong else {name: _COLUMNS[name](*found.values())}
        elif name in _TOGETHER:
            values[name] = _TOGETHER[name](*found.values())
        else:
            (values[name],) = found.values()
    return values, problems


def _shown_tables(environ: Mapping[str, str]) -> frozenset[RelatedTable]:
    """Tables of which the event file names columns; all while it can't be read."""
    if not is_expected(environ):
        return frozenset()
    from booking_sync.event_file.reading import load_event_file  # noqa: PLC0415 - keeps the webhook light

    try:
        columns = load_event_file(environ).columns
    except SettingsError:
        return frozenset(RelatedTable)
    first = {each.path[0].lower() for each in columns if len(each.path) > 1}
    return frozenset(table for lookup, table in TABLE_BEHIND.items() if lookup in first)


def _shared_ids(values: Mapping[str, Any]) -> Iterator[str]:
    """These are never the same: one was pasted into the wrong place."""
    for names in shared(values, _IDS):
        yield f"{' and '.join(names)} must not be the same id"


def _columns_for_deletions(environ: Mapping[str, str]) -> SupportColumns | None:
    """The columns as far as a deletion's webhook reads them: all but the one for errors."""
    event_id, resource, state, error = (_value(each, environ, []) or "" for each in BY_FIELD["columns"])
    for error_column in (error, SupportColumns().sync_error):
        with suppress(ValueError):
            return SupportColumns(event_id, resource, state, error_column)
    return None


def _value(setting: Setting, environ: Mapping[str, str], problems: list[str]) -> Any:
    """The typed value; None, with a problem more, when there is none."""
    try:
        return setting.read(environ)
    except ValueError as error:
        problems.append(f"{setting.name} {error}")
        return None


def _complain(problems: Sequence[str], environ: Mapping[str, str]) -> None:
    if not problems:
        return
    from booking_sync.settings.lookalikes import lookalikes  # noqa: PLC0415 - for this message only

    what = "1 app setting needs" if len(problems) == 1 else f"{len(problems)} app settings need"
    hints = "".join(f" Nothing reads {name}: is {ours} meant?" for name, ours in lookalikes(environ).items())
    raise SettingsError(f"{what} attention. {'; '.join(problems)}.{hints} See docs/settings.md.")
