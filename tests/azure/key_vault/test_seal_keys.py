"""The keys that seal, in Key Vault: against the stand-in over TLS, with the real client."""

from __future__ import annotations

import asyncio
import secrets
from base64 import b64encode
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from booking_sync.azure.key_vault.seal_keys import ABSENT_FOR, READ_AGAIN, GivenSealKeys, VaultSealKeys
from booking_sync.azure.key_vault.secrets import FAILED_FOR
from booking_sync.domain.events.ownership import make_key
from booking_sync.errors import TransientError
from local.standin.faults import Fault
from tests.support.seals import KEY_TEXT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from local.keyvault.vault import SecretVersion
    from tests.azure.conftest import Cloud

NAME = "booking-sync-seal-key"


@dataclass
class Clock:
    """A time of day that a test moves."""

    time: datetime = datetime(2026, 3, 2, 8, tzinfo=UTC)

    def __call__(self) -> datetime:
        """The time of day."""
        return self.time


def _put(cloud: Cloud, text: str | None = None) -> tuple[str, SecretVersion]:
    """A new version of the secret; the id of the key in it."""
    text = text or b64encode(secrets.token_bytes(32)).decode()
    made = cloud.keyvault.vault.put(NAME, text)
    return make_key(text).key_id, made


@asynccontextmanager
async def _keyring(cloud: Cloud, clock: Clock, *, verify: bool = False) -> AsyncIterator[VaultSealKeys]:
    keyring = VaultSealKeys(cloud.vault_url, NAME, clock, verify_challenge=verify)
    try:
        yield keyring
    finally:
        await keyring.close()


def _ids(keyring: VaultSealKeys) -> list[str]:
    return [each.key_id for each in keyring.keys().accepted]


def _looks(cloud: Cloud) -> int:
    """How often the versions were listed."""
    return sum(
        1 for each in cloud.keyvault.requests if "/versions" in each.path and "authorization" in each.headers
    )


async def _failure(cloud: Cloud, *, verify: bool = False) -> TransientError:
    async with _keyring(cloud, Clock(), verify=verify) as keyring:
        with pytest.raises(TransientError) as caught:
            await keyring.load()
        return caught.value


async def test_the_two_newest_versions_are_accepted(cloud: Cloud) -> None:
    """The newest version seals, the one before is accepted, the third is not; seals began with the first."""
    made = [_put(cloud) for _ in range(3)]
    async with _keyring(cloud, Clock()) as keyring:
        keys = await keyring.load()
    assert [each.key_id for each in keys.accepted] == [made[2][0], made[1][0]]
    assert keys.named(made[0][0]) is None
    assert keys.since == datetime.fromtimestamp(made[0][1].created, UTC)


async def test_one_version_is_enough(cloud: Cloud) -> None:
    """A vault with a single version gives the one key that seals."""
    key_id, _ = _put(cloud)
    async with _keyring(cloud, Clock()) as keyring:
        assert [each.key_id for each in (await keyring.load()).accepted] == [key_id]


async def test_a_disabled_version_is_accepted_no_more(cloud: Cloud) -> None:
    """Who disables a version withdraws its key; the newest two of the others are accepted."""
    made = [_put(cloud) for _ in range(4)]
    cloud.keyvault.vault.enable(NAME, made[2][1].version, enabled=False)
    async with _keyring(cloud, Clock()) as keyring:
        await keyring.load()
        assert _ids(keyring) == [made[3][0], made[1][0]]


async def test_versions_are_found_over_several_pages(cloud: Cloud) -> None:
    """The newest two are found among more versions than one page holds, whatever order they come in."""
    made = [_put(cloud) for _ in range(27)]
    async with _keyring(cloud, Clock()) as keyring:
        keys = await keyring.load()
    assert [each.key_id for each in keys.accepted] == [made[-1][0], made[-2][0]]
    assert keys.since == datetime.fromtimestamp(made[0][1].created, UTC)


async def test_a_new_key_is_learned_from_the_seal_that_names_it(cloud: Cloud) -> None:
    """Another instance found the new version first: its seals are understood as soon as they are met."""
    old, _ = _put(cloud)
    async with _keyring(cloud, Clock()) as keyring:
        await keyring.load()
        new, _ = _put(cloud)
        await keyring.learn([old])
        assert _ids(keyring) == [old]
        await keyring.learn([new, old])
        assert _ids(keyring) == [new, old]


async def test_many_at_once_look_only_once(cloud: Cloud) -> None:
    """A hundred bookings that meet the new key at the same moment cause one look in the vault."""
    _put(cloud)
    async with _keyring(cloud, Clock()) as keyring:
        await keyring.load()
        new, _ = _put(cloud)
        before = _looks(cloud)
        await asyncio.gather(*(keyring.learn([new]) for _ in range(100)))
        assert (_ids(keyring)[0], _looks(cloud) - before) == (new, 1)


async def test_a_forged_key_costs_one_look_in_ten_minutes(cloud: Cloud) -> None:
    """Seals that name keys which do not exist are looked up once, and again only when the time is over."""
    _put(cloud)
    clock = Clock()
    async with _keyring(cloud, clock) as keyring:
        await keyring.load()
        start = _looks(cloud)
        for _ in range(20):
            await keyring.learn(["00000000", "ffffffff"])
            await keyring.learn(["ffffffff"])
        assert _looks(cloud) - start == 1
        clock.time += ABSENT_FOR - timedelta(seconds=1)
        await keyring.learn(["00000000"])
        assert _looks(cloud) - start == 1
        clock.time += timedelta(seconds=1)
        await keyring.learn(["00000000"])
        assert _looks(cloud) - start == 2


async def test_a_forged_key_hides_no_real_one(cloud: Cloud) -> None:
    """After many forged ids a key that really is new is still learned at once."""
    _put(cloud)
    async with _keyring(cloud, Clock()) as keyring:
        await keyring.load()
        for number in range(3):
            await keyring.learn(f"{number * 1_000 + each:08x}" for each in range(1_000))
        new, _ = _put(cloud)
        await keyring.learn(["00000001", new])
        assert _ids(keyring)[0] == new


async def test_an_unknown_key_while_the_vault_is_down_is_transient(cloud: Cloud) -> None:
    """Nobody can tell whether the key exists: it is learned when the vault is back."""
    _put(cloud)
    clock = Clock()
    async with _keyring(cloud, clock) as keyring:
        await keyring.load()
        new, _ = _put(cloud)
        cloud.keyvault.faults.add(Fault(status=503, times=-1))
        with pytest.raises(TransientError, match="HTTP 503"):
            await keyring.learn([new])
        cloud.keyvault.faults.clear()
        clock.time += FAILED_FOR
        await keyring.learn([new])
        assert _ids(keyring)[0] == new


async def test_while_the_vault_fails_those_who_wait_ask_once(cloud: Cloud) -> None:
    """All get the same failure, also who comes in the next half minute; then it is asked again."""
    _put(cloud)
    clock = Clock()
    async with _keyring(cloud, clock) as keyring:
        await keyring.load()
        new, _ = _put(cloud)
        cloud.keyvault.faults.add(Fault(status=429, headers={"Retry-After": "9"}, times=-1))
        before = len(cloud.keyvault.requests)
        with pytest.raises(TransientError):
            await keyring.learn([new])
        asked = len(cloud.keyvault.requests) - before
        clock.time += FAILED_FOR
        failed = await asyncio.gather(*(keyring.learn([new]) for _ in range(10)), return_exceptions=True)
        clock.time += FAILED_FOR - timedelta(seconds=1)
        with pytest.raises(TransientError) as late:
            await keyring.learn([new])
        failed.append(late.value)
        assert {each.retry_after for each in failed if isinstance(each, TransientError)} == {9}
        assert len({id(each) for each in failed}) == 11
        assert len(cloud.keyvault.requests) - before == 2 * asked
        clock.time += timedelta(seconds=1)
        cloud.keyvault.faults.clear()
        await keyring.learn([new])
        assert _ids(keyring)[0] == new


async def test_known_keys_serve_on_while_the_vault_is_down(cloud: Cloud) -> None:
    """What is due to be read again but can't be is believed on; it is tried once a minute, not each time."""
    old, _ = _put(cloud)
    clock = Clock()
    async with _keyring(cloud, clock) as keyring:
        await keyring.load()
        cloud.keyvault.faults.add(Fault(status=503, times=-1))
        clock.time += READ_AGAIN + timedelta(seconds=1)
        before = len(cloud.keyvault.requests)
        await keyring.learn([])
        asked = len(cloud.keyvault.requests) - before
        for _ in range(10):
            await keyring.learn([old])
        assert (asked > 0, len(cloud.keyvault.requests) - before) == (True, asked)
        cloud.keyvault.faults.clear()
        new, _ = _put(cloud)
        clock.time += timedelta(minutes=1, seconds=1)
        await keyring.learn([])
        assert _ids(keyring) == [new, old]


async def test_a_withdrawn_key_is_noticed_within_the_hour(cloud: Cloud) -> None:
    """A version that was disabled is accepted until the keys are read again, and then no more."""
    old, version = _put(cloud)
    new, _ = _put(cloud)
    clock = Clock()
    async with _keyring(cloud, clock) as keyring:
        await keyring.load()
        cloud.keyvault.vault.enable(NAME, version.version, enabled=False)
        await keyring.learn([])
        assert _ids(keyring) == [new, old]
        clock.time += READ_AGAIN + timedelta(seconds=1)
        await keyring.learn([])
        assert _ids(keyring) == [new]


@pytest.mark.parametrize("lists_unknown", [True, False])
async def test_a_missing_key_says_how_to_make_it(cloud: Cloud, *, lists_unknown: bool) -> None:
    """Without a secret the reason names the secret and the setting, whichever way the vault says so."""
    cloud.keyvault.lists_unknown = lists_unknown
    reason = (await _failure(cloud)).reason
    assert (NAME in reason, "SEAL_KEY_NAME" in reason) == (True, True)


async def test_only_disabled_versions_are_as_good_as_none(cloud: Cloud) -> None:
    """A secret whose every version is disabled seals nothing."""
    _put(cloud)
    cloud.keyvault.vault.enable(NAME, "", enabled=False)
    assert "no enabled secret" in (await _failure(cloud)).reason


@pytest.mark.parametrize("text", ["swordfish!", b64encode(b"short").decode()], ids=["no Base64", "short"])
async def test_an_unusable_key_is_named_and_not_quoted(cloud: Cloud, text: str) -> None:
    """A secret that is no key tells what it must be, and nothing of what it is."""
    _put(cloud, KEY_TEXT)
    cloud.keyvault.vault.put(NAME, text)
    reason = (await _failure(cloud)).reason
    assert ("openssl rand -base64 32" in reason, text in reason) == (True, False)


async def test_refused_identity_names_the_role(cloud: Cloud) -> None:
    """An identity without the role is told which one it needs."""
    _put(cloud)
    cloud.keyvault.permitted = frozenset()
    assert "Key Vault Secrets User" in (await _failure(cloud)).reason


async def test_trouble_hands_on_the_wait(cloud: Cloud) -> None:
    """The wait that the vault asks for is handed on."""
    _put(cloud)
    cloud.keyvault.faults.add(Fault(status=429, headers={"Retry-After": "9"}, times=-1))
    assert (await _failure(cloud)).retry_after == 9


async def test_a_list_that_breaks_off_is_no_shorter_list(cloud: Cloud) -> None:
    """When the second page fails no key is taken from the first: the newest may be on the other."""
    for _ in range(27):
        _put(cloud)
    cloud.keyvault.faults.add(Fault(path="skiptoken", status=500, times=-1))
    assert "HTTP 500" in (await _failure(cloud)).reason


async def test_challenge_for_another_domain_is_refused(cloud: Cloud) -> None:
    """With the verification on, a vault on localhost gets no token, and the reason names the setting."""
    _put(cloud)
    assert "KEY_VAULT_URL" in (await _failure(cloud, verify=True)).reason


async def test_keys_that_were_never_loaded_are_transient(cloud: Cloud) -> None:
    """Nothing is sealed with a key that nobody read."""
    async with _keyring(cloud, Clock()) as keyring:
        with pytest.raises(TransientError):
            keyring.keys()


async def test_a_given_key_asks_nobody() -> None:
    """The key that a person gave to the command line is the only one, whatever seals name."""
    key = make_key(KEY_TEXT)
    keyring = GivenSealKeys(key)
    await keyring.learn(["00000000"])
    assert (await keyring.load()).accepted == keyring.keys().accepted == (key,)
    assert KEY_TEXT not in repr(keyring.keys())
    await keyring.close()
