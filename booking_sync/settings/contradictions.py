"""Settings that are fine one by one and can't be right together.

Found when all settings are read, and only of those that could be read: what is malformed is told as that.
"""

from __future__ import annotations

from dataclasses import astuple
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from booking_sync.errors import SettingsError
from booking_sync.event_file.content import EventFileError
from booking_sync.event_file.location import EVENT_FILE
from booking_sync.event_file.reading import load_event_file
from booking_sync.settings.parts import columns_of_return
from booking_sync.settings.storage import storage_contradictions
from booking_sync.settings.values import LONGEST_QUEUE_NAME, POISON_SUFFIX, shared

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
_ADDRESSES = {
    "dataverse_url": "DATAVERSE_URL",
    "graph_url": "GRAPH_URL",
    "key_vault_url": "KEY_VAULT_URL",
    "authority_host": "AZURE_AUTHORITY_HOST",
}
_BOOKING_COLUMNS = ("EVENT_ID_COLUMN", "ORIGINAL_RESOURCE_COLUMN", "SYNC_STATE_COLUMN", "SYNC_ERROR_COLUMN")
NOTIFICATION_KEY = "booking-sync-notification-key"
"""The vault's secret that `provision` makes, and that nobody needs to name."""
_RESOURCE_COLUMNS = ("TAKES_PART_COLUMN", "RESOURCE_MAILBOX_COLUMN")
_SECRETS = {
    "client_secret_name": "CLIENT_SECRET_NAME",
    "client_certificate_name": "CLIENT_CERTIFICATE_NAME",
    "seal_key_name": "SEAL_KEY_NAME",
}
"""A certificate is read as the secret of its name."""


def contradictions(values: Mapping[str, Any], environ: Mapping[str, str]) -> Iterator[str]:
    """What is wrong, each beginning with the setting to look at.

    Args:
        values: the typed values that could be read, by their fields in `Settings`.
        environ: what they were read from.
    """
    yield from _unverified_vault(values)
    for names in shared(values, _ADDRESSES):
        yield f"{' and '.join(names)} must not be the same address"
    # Key Vault knows no case.
    secrets = {each: values[each].lower() for each in _SECRETS if each in values}
    for names in shared(secrets, _SECRETS):
        yield f"{' and '.join(names)} must not be the same secret"
    for each, name in secrets.items():
        if name == NOTIFICATION_KEY:
            yield f"{_SECRETS[each]} must not be {NOTIFICATION_KEY}, which is the way back's own"
    yield from _doubled_columns(values)
    if len(values.get("queue_name", "")) > LONGEST_QUEUE_NAME:
        yield (
            f"BOOKING_QUEUE_NAME must have at most {LONGEST_QUEUE_NAME} characters, so that a queue can be "
            f"called <name>{POISON_SUFFIX}"
        )
    if "storage" in values:
        yield from storage_contradictions(environ)
    yield from _events(values, environ)


def _unverified_vault(values: Mapping[str, Any]) -> Iterator[str]:
    url = values.get("key_vault_url")
    if (
        values.get("key_vault_verify_challenge") is False
        and url
        and urlsplit(url).hostname not in _LOCAL_HOSTS
    ):
        yield "KEY_VAULT_VERIFY_CHALLENGE can be false only for a vault on localhost: remove it"


def _doubled_columns(values: Mapping[str, Any]) -> Iterator[str]:
    """Whatever table they are on: an environment's columns are told apart by their names here."""
    on_bookings, on_resources = values.get("columns"), values.get("resource_columns")
    if on_bookings is None or on_resources is None:
        return
    named = dict(zip(_BOOKING_COLUMNS, astuple(on_bookings), strict=True))
    named |= dict(zip(_RESOURCE_COLUMNS, astuple(on_resources), strict=True))
    if values.get("return_policy") and (ours := columns_of_return(on_bookings, values["return_policy"])):
        named |= {f"{each}, which RETURN_PATH needs,": each for each in ours.names}
    for names in shared(named, {each: each for each in named}):
        yield f"{' and '.join(names)} must be different columns"


def _events(values: Mapping[str, Any], environ: Mapping[str, str]) -> Iterator[str]:
    """The event file, and templates with its names; a long address may make the body too long."""
    fields = ("event_time_zone", "event_subject_template", "event_body_template", "dataverse_url")
    if "event_file" not in values:
        return
    zone, subject, body, url = (values.get(each) for each in fields)
    try:
        file = load_event_file(environ)
        if file.says_nothing and not (subject or body):
            return  # the built-in templates, which a test has tried
        from booking_sync.event_file.checking import Overrides, make_renderer  # noqa: PLC0415 - as needed

        make_renderer(file, Overrides(zone or "", subject or "", body or ""), url or "https://localhost")
    except EventFileError as error:
        yield f"{EVENT_FILE}: {str(error).removesuffix('.')}"
    except SettingsError as error:
        yield str(error)
