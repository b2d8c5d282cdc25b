"""Clients are made once, when they are needed, by the settings of that moment, and closed together."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.credentials import AccessToken

from booking_sync.azure.entra.sign_in import PersonCredential, SignIn
from booking_sync.azure.key_vault.seal_keys import VaultSealKeys
from booking_sync.dataverse.web_api.reply import Reply
from booking_sync.errors import SettingsError, SyncError, TransientError
from booking_sync.plumbing.closed_on_exit import ClosedOnExit
from booking_sync.wiring.app import Application
from booking_sync.wiring.commands.doctor import LOOKING
from booking_sync.wiring.commands.operating import CUSTOMIZING
from booking_sync.wiring.services import ClientOptions, Services, Substitutes
from booking_sync.wiring.storage import StorageServices
from booking_sync.wiring.sync import start_sync

if TYPE_CHECKING:
    from collections.abc import Mapping

    from booking_sync.dataverse.web_api.transport import Request

ORGANIZATION = "0a1c7a52-5b1e-4b1f-9a58-1d0c40f0c0aa"
ANOTHER = "0a1c7a52-5b1e-4b1f-9a58-1d0c40f0c0bb"
# Nothing listens on the discard port of this machine.
NOWHERE = "https://127.0.0.1:9"
SETTINGS = {
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
    "KEY_VAULT_URL": "https://contoso.vault.azure.net",
    "ENTRA_TENANT_ID": "0a1c7a52-5b1e-4b1f-9a58-1d0c40f0c001",
    "ENTRA_CLIENT_ID": "0a1c7a52-5b1e-4b1f-9a58-1d0c40f0c002",
    "DATAVERSE_URL": "https://contoso.crm4.dynamics.com",
}


class Credential(ClosedOnExit):
    """A token is always at hand."""

    async def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        """A token."""
        return AccessToken("token", 2**40)

    def renew(self) -> None:
        """There is nothing to renew."""


class DataverseWire:
    """Answers who we are; notes whether it is open."""

    def __init__(self) -> None:
        self.made = 0
        self.closed = 0
        self.told: list[str] = []

    def open(self, _pause: object) -> DataverseWire:
        """The wire of one more client."""
        self.made += 1
        return self

    async def exchange(self, request: Request, _token: str) -> Reply:
        """WhoAmI's answer; nothing else is there."""
        self.told.append(f"{request.url} {request.body!r}")
        if not request.url.endswith("/WhoAmI"):
            return Reply(404, {}, b"")
        body = {"UserId": ORGANIZATION, "OrganizationId": ORGANIZATION}
        return Reply(200, {}, json.dumps(body).encode())

    async def aclose(self) -> None:
        """Note it."""
        self.closed += 1


def services(wire: DataverseWire, environ: Mapping[str, str] = SETTINGS) -> Services:
    """Those of a function app whose requests end in this process."""
    return Services(environ, substitutes=Substitutes(Credential(), dataverse_wire=wire.open))


async def test_a_client_is_made_at_its_first_use_and_once_and_closed_with_the_rest() -> None:
    """Whatever asks Dataverse shares one client, and so one pause; nothing is made before it is needed."""
    wire = DataverseWire()
    async with services(wire) as made:
        assert wire.made == 0
        assert made.dataverse is made.dataverse
        assert made.related_bookings is made.related_bookings
        assert (wire.made, wire.closed) == (1, 0)
    assert (wire.made, wire.closed) == (1, 1)


async def test_a_mended_setting_counts_at_the_next_use() -> None:
    """What can't be made for a bad setting is made once that is mended, without a restart."""
    environ = {**SETTINGS, "DATAVERSE_URL": "http://contoso"}
    async with services(DataverseWire(), environ) as made:
        with pytest.raises(SettingsError, match="DATAVERSE_URL"):
            _ = made.dataverse
        environ["DATAVERSE_URL"] = SETTINGS["DATAVERSE_URL"]
        assert await made.check_organization() == ORGANIZATION


async def test_the_sync_closes_what_it_made_when_it_can_t_start() -> None:
    """In another environment than the settings name nothing starts, and nothing stays open."""
    wire = DataverseWire()
    with pytest.raises(SettingsError, match="nothing is written until they agree"):
        await start_sync(services(wire, {**SETTINGS, "DATAVERSE_ORGANIZATION_ID": ANOTHER}))
    assert (wire.made, wire.closed) == (1, 1)


@pytest.mark.parametrize("path", ["off", "report", "propose", "apply"])
async def test_what_comes_back_from_outlook_is_wired_where_it_is_on(path: str) -> None:
    """And nothing of it where it is off: neither is a column asked for that need not be there."""
    wire, asked = DataverseWire(), path != "off"
    environ = {**SETTINGS, "RETURN_PATH": path, "BOOKING_SYNC_SEAL_KEY": f"{'k' * 43}="}
    command = Services(
        environ, sign_in=SignIn.CLI, substitutes=Substitutes(Credential(), dataverse_wire=wire.open)
    )
    async with command:
        sync = await start_sync(command)
        assert (sync.from_outlook is not None) is asked
        assert (sync.overdue_proposals() is not None) is asked
        with pytest.raises(SyncError):
            await sync.rows.read(ANOTHER)
    assert ("bsync_outlookbase" in wire.told[-1]) is asked


async def test_only_a_command_takes_the_secret_from_its_environment() -> None:
    """The function app's secret is in Key Vault and nowhere else; a command may be given it by hand."""
    environ = {name: text for name, text in SETTINGS.items() if name != "KEY_VAULT_URL"}
    environ["ENTRA_CLIENT_SECRET"] = "\ufeffgiven\u200b\r\n"
    async with Services(environ) as app, Services(environ, sign_in=SignIn.APP) as command:
        with pytest.raises(SettingsError, match="KEY_VAULT_URL"):
            _ = app.credential
        assert (app.given_secret, command.given_secret) == ("", "given")
        assert command.credential is command.credential


async def test_only_a_command_takes_the_seal_s_key_from_its_environment() -> None:
    """The app seals with the vault's key whatever its environment holds; a bad key is named, not shown."""
    environ = {**SETTINGS, "BOOKING_SYNC_SEAL_KEY": "no-key"}
    async with Services(environ) as app, Services(environ, sign_in=SignIn.CLI) as command:
        assert isinstance(app.seal_keys, VaultSealKeys)
        with pytest.raises(SettingsError, match="BOOKING_SYNC_SEAL_KEY") as raised:
            _ = command.seal_keys
        assert "no-key" not in str(raised.value)
        environ["BOOKING_SYNC_SEAL_KEY"] = f"{'k' * 43}="
        assert len((await command.seal_keys.load()).accepted) == 1


async def test_a_command_needs_a_vault_only_when_it_reads_one() -> None:
    """A person who signs in need not name the vault; the app must."""
    environ = {name: text for name, text in SETTINGS.items() if name != "KEY_VAULT_URL"}
    async with (
        Services(environ, sign_in=SignIn.CLI) as person,
        Services(environ, sign_in=SignIn.APP) as command,
        Services(environ) as app,
    ):
        assert person.settings().dataverse_url == SETTINGS["DATAVERSE_URL"]
        assert isinstance(person.credential, PersonCredential)
        for each in (command, app):
            with pytest.raises(SettingsError, match="KEY_VAULT_URL"):
                each.settings()


async def test_storage_that_was_handed_in_stays_open() -> None:
    """The app's queue outlives a start that failed."""

    class Watched(StorageServices):
        closed = False

        async def aclose(self) -> None:
            self.closed = True

    storage = Watched(SETTINGS)
    async with Services(SETTINGS, storage=storage) as made:
        assert made.storage is storage
    assert not storage.closed


async def test_a_command_asks_come_what_may() -> None:
    """A circuit would keep an examination from asking a service that it has just seen failing."""
    async with (
        Services(SETTINGS) as app,
        Services(SETTINGS, options=ClientOptions(for_sync=False)) as command,
    ):
        assert app.circuit("Graph") is not None
        assert command.circuit("Graph") is None


@pytest.mark.parametrize("options", [ClientOptions(), LOOKING, CUSTOMIZING])
def test_a_whole_answer_may_take_as_long_as_dataverse_may_stay_silent(options: ClientOptions) -> None:
    """A change of a table's definition may take minutes, and its answer comes at their end."""
    timeouts = options.timeouts
    assert options.dataverse_seconds in (None, timeouts.read)
    assert timeouts.total >= timeouts.read


async def test_the_app_starts_by_the_settings_of_the_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once a setting is mended, the next start gets beyond it; the message waited for a person until then."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{NOWHERE}/msi")
    monkeypatch.setenv("IDENTITY_HEADER", "x")
    environ = {**SETTINGS, "AzureWebJobsStorage": f"{storage_nowhere()}", "EVENT_TIME_ZONE": "Nowhere"}
    started: list[bool] = []
    app = Application(environ, on_start=lambda: started.append(True))
    try:
        with pytest.raises(TransientError, match="EVENT_TIME_ZONE") as unmended:
            await app.timers.catch_up()
        environ["EVENT_TIME_ZONE"] = "Europe/Berlin"
        mended = unmended.value
        while "EVENT_TIME_ZONE" in mended.reason:  # the circuit rests a second at most
            await asyncio.sleep(0.1)
            with pytest.raises(TransientError) as raised:
                await app.timers.catch_up()
            mended = raised.value
    finally:
        await app.aclose()
    assert unmended.value.until_mended
    assert "Key Vault" in mended.reason
    assert not mended.until_mended
    assert not started


def storage_nowhere() -> str:
    """An account that can't be reached."""
    return f"AccountName=a;AccountKey=c2VjcmV0;QueueEndpoint={NOWHERE}/a"
