"""The whole chain on this machine: the production app, a Functions host, Azurite and the stand-ins, over TLS.

Everything runs in processes of its own, on free ports, with keys made up for this run, and ends with the
`LocalStack` that started it. The app has no local mode: its settings lead it here.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import secrets
import ssl
import time
import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self

import aiohttp

from local.dataverse.tables.schema import BOOKING
from local.functions_host.keys import HEADER, Keys
from local.processes import ManagedProcess, StartError, python_module
from local.stack.azurite import ALL_SERVICES, azurite, random_account
from local.stack.certificates import Certificates, make_certificates
from local.stack.client_certificate import PEM_TYPE, PKCS12_TYPE, ClientCertificate, make_client_certificate
from local.stack.control import DataverseControl, GraphControl, QueueControl, StandInControl
from local.stack.core_tools import choose_host, free_port
from local.stack.launch import AppLaunch, host_process
from local.stack.options import (
    CERTIFICATE_NAME,
    LOGS_VARIABLE,
    NOTIFICATION_KEY_NAME,
    NOTIFICATION_ROUTE,
    PRE_IMAGE_COLUMNS,
    QUEUE_NAME,
    RELATED_COLUMNS,
    RETURN_IMAGE,
    RETURN_WATCHED,
    SEAL_KEY_NAME,
    SECRET_NAME,
    WATCHED_COLUMNS,
    WEBHOOK_KEY_VARIABLE,
    WEBHOOK_ROUTE,
    WEBHOOK_URL_VARIABLE,
    Identities,
    StackOptions,
)
from local.standin.tokens import KEY_BYTES, KEY_VARIABLE, issue

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from local.stack.core_tools import HostKind

POLL_SECONDS = 0.1
TOKEN_SECONDS = 600
_UNWANTED_PREFIXES = (
    *("AZURE_", "AzureWebJobs", "IDENTITY_", "MSI_", "APPLICATIONINSIGHTS_", "OTEL_", "PYTHON"),
    *("ENTRA_", "DATAVERSE_", "KEY_VAULT_", "EVENT_", "BATCH_", "MESSAGE_", "REQUIRE_", "ORIGINAL_", "SYNC_"),
    *("AUDIT_", "CATCH_UP_", "SEAL_", "BOOKING_SYNC_", "RETURN_", "NOTIFICATION_"),
)
"""What a developer may have set for the Azure SDKs, for Python or for another run of the app."""
_PROXIES = frozenset(["http_proxy", "https_proxy", "all_proxy", "ftp_proxy"])


class NotQuietError(RuntimeError):
    """The stack was still at work when the patience ended."""


class LocalStack:
    """An asynchronous context manager; while it lasts, everything runs.

    Args:
        options: what to run.

    Raises:
        StartError: when entered: a part is missing or did not start; nothing is left running.
    """

    graph: GraphControl
    dataverse: DataverseControl
    vault: StandInControl
    entra: StandInControl
    managed_identity: StandInControl
    logs: StandInControl
    queue: QueueControl

    def __init__(self, options: StackOptions) -> None:
        self.options = options
        self.identities = Identities()
        self.keys = Keys(secrets.token_urlsafe(32), secrets.token_urlsafe(32))
        self.client_secret = secrets.token_urlsafe(24)
        """Accepted only where the app signs in with a secret."""
        self.client_certificate: ClientCertificate | None = None
        self.seal_key = ""
        """The key that seals records and events: Base64, as in the vault."""
        self.hosts: list[ManagedProcess] = []
        self.settings: dict[str, str] = {}
        """The app settings that the hosts run with."""
        self._token_key = secrets.token_hex(KEY_BYTES)
        self._identity_header = secrets.token_hex(16)
        self._servants: list[ManagedProcess] = []
        self._session: aiohttp.ClientSession | None = None
        self._certificates: Certificates | None = None
        self._first_port = 0

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stop()

    @property
    def certificates(self) -> Certificates:
        """The throwaway authority and its server certificate."""
        assert self._certificates is not None, "the stack is not running"  # noqa: S101 - a mistake of the caller
        return self._certificates

    @property
    def session(self) -> aiohttp.ClientSession:
        """An HTTP client that trusts the stack and nobody else."""
        assert self._session is not None, "the stack is not running"  # noqa: S101 - a mistake of the caller
        return self._session

    @property
    def host_url(self) -> str:
        """Base URL of the first Functions host."""
        return self.hosts[0].url

    @property
    def both_ways(self) -> bool:
        """Whether what people change in Outlook goes back to Dynamics 365."""
        return self.settings.get("RETURN_PATH", "off") != "off"

    @property
    def processes(self) -> tuple[ManagedProcess, ...]:
        """Everything that was started."""
        return (*self._servants, *self.hosts)

    async def audit(self) -> None:
        """Have the app's audit repair what it finds in anybody's mailbox; its hints are on the queue then."""
        async with self.session.post(
            f"{self.host_url}/api/operations/audit",
            json={"fix": True},
            headers={HEADER: self.keys.function},
        ) as answer:
            if answer.status >= HTTPStatus.BAD_REQUEST:
                raise RuntimeError(f"the audit answered {answer.status}: {await answer.text()}")

    async def wait_until_quiet(
        self, timeout_seconds: float = 60.0, watch: Callable[[int, int], None] | None = None
    ) -> float:
        """Wait until no webhook is pending and the change queue is empty, put-back messages included.

        Args:
            timeout_seconds: how long.
            watch: told from time to time how many webhooks and how many messages are left.

        Returns:
            The seconds it took.

        Raises:
            NotQuietError: it was not quiet in time; the text says what was left.
        """
        started = time.monotonic()
        while True:
            pending = await self.dataverse.pending_deliveries()
            if self.both_ways:
                pending += await self.graph.pending_notifications()
            # In this order: what was delivered before the look at the queue is on the queue or settled.
            waiting = await self.queue.waiting()
            elapsed = time.monotonic() - started
            if watch is not None:
                watch(pending, waiting)
            if not pending and not waiting:
                return elapsed
            if elapsed > timeout_seconds:
                raise NotQuietError(
                    f"after {elapsed:.0f} s {pending} webhooks and {waiting} queue messages are left; "
                    f"see the logs in {self.options.folder}"
                )
            await asyncio.sleep(POLL_SECONDS)

    async def post_webhook(self, body: Mapping[str, Any], key: str | None = None) -> int:
        """Post a webhook body as Dataverse would, with the function key or another; returns the status."""
        headers = {HEADER: self.keys.function if key is None else key}
        async with self.session.post(self.host_url + WEBHOOK_ROUTE, json=body, headers=headers) as answer:
            return answer.status

    async def web_api(self, method: str, path: str, body: Mapping[str, Any]) -> int:
        """A Web API request by the app's own user, as a customisation of somebody's might; the status."""
        token = self._app_token()
        address = f"{self.dataverse.url}/api/data/v9.2/{path}"
        headers = {"Authorization": f"Bearer {token}", "If-Match": "*"}
        async with self.session.request(method, address, json=body, headers=headers) as answer:
            return answer.status

    async def run_timer(self, function: str) -> None:
        """Have the first host run one of the app's timers now; it has begun then, and not ended."""
        address = f"{self.host_url}/admin/functions/{function}"
        headers = {HEADER: self.keys.master}
        async with self.session.post(address, json={"input": ""}, headers=headers) as answer:
            if answer.status != HTTPStatus.ACCEPTED:
                raise RuntimeError(f"the timer {function} was answered {answer.status}")

    async def rotate_secret(self) -> None:
        """Give the app registration a new secret and the vault a new version; the old one ends at once."""
        self.client_secret = secrets.token_urlsafe(24)
        await self.vault.call("POST", f"secrets/{SECRET_NAME}", {"value": self.client_secret})
        await self.entra.configure(secrets=[{"value": self.client_secret}])

    async def rotate_seal_key(self) -> None:
        """Give the vault a new version of the key that seals records and events."""
        self.seal_key = base64.b64encode(secrets.token_bytes(32)).decode()
        await self.vault.call("POST", f"secrets/{SEAL_KEY_NAME}", {"value": self.seal_key})

    async def rotate_certificate(self) -> None:
        """Give app registration and vault a new certificate; the old one is refused at once."""
        self.client_certificate = make_client_certificate()
        await self._keep_certificate(self.client_certificate)
        await self.entra.configure(certificates=[self.client_certificate.public_pem])

    async def _keep_certificate(self, certificate: ClientCertificate) -> None:
        """Put a certificate into the vault in the form that is wished."""
        pkcs12 = self.options.certificate_form == "pkcs12"
        secret = {
            "value": certificate.pkcs12 if pkcs12 else certificate.pem,
            "contentType": PKCS12_TYPE if pkcs12 else PEM_TYPE,
        }
        await self.vault.call("POST", f"secrets/{CERTIFICATE_NAME}", secret)

    async def start_host(self, settings: Mapping[str, str] | None = None) -> ManagedProcess:
        """Start one more Functions host, with the stack's settings or others."""
        host = self._host(len(self.hosts), self.settings if settings is None else settings)
        self.hosts.append(host)
        await host.start()
        return host

    def _host(self, number: int, settings: Mapping[str, str]) -> ManagedProcess:
        if number == 0 and not self._first_port:
            self._first_port = free_port()
        return host_process(
            AppLaunch(
                folder=self.options.app_folder,
                settings={**_blank_environment(), **settings},
                keys=self.keys,
                certificates=self.certificates,
                # The same after a restart, so that webhooks on their way still find it.
                port=free_port() if number else self._first_port,
                hidden_seconds=self.options.hidden_seconds,
                http_concurrency=self.options.http_concurrency,
                log_file=self.options.folder / f"host-{number}.log",
                debug_port=self.options.debug_port if number == 0 else None,
            ),
            _host_kind(),
        )

    async def restart_host(self, number: int = 0) -> None:
        """Start a host again that was stopped or killed; the first one's webhooks follow it."""
        host = self.hosts[number]
        if host.exit_code is None:
            await host.stop()
        await host.start()
        if number == 0:
            await self._register_webhooks()

    async def change_settings(self, **settings: str) -> None:
        """Save other app settings: the first host starts anew with them, and keeps its address."""
        self.settings |= settings
        if self.both_ways:
            await self._expect_notifications()
        self._write_settings_file(**self._webhook_settings())
        await self.hosts.pop(0).stop()
        host = self._host(0, self.settings)
        self.hosts.insert(0, host)
        await host.start()
        await self._register_webhooks()

    async def deploy(self, number: int = 0) -> None:
        """What a deployment does to a host: what runs is ended by force, and the new one starts.

        Messages in work stay hidden as after a crash, and webhooks in the gap are lost.
        """
        await self.kill_host(number)
        await self.restart_host(number)

    async def kill_host(self, number: int = 0) -> None:
        """End a host as a crash would."""
        self.hosts[number].kill()
        await self.hosts[number].wait()

    async def _start(self) -> None:
        folder = self.options.folder
        folder.mkdir(parents=True, exist_ok=True)
        self._certificates = make_certificates(folder)
        tls = ssl.create_default_context(cafile=str(self._certificates.authority))
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls))
        await self._start_servants()
        await self.queue.create()
        await self.rotate_seal_key()
        if self.both_ways:
            await self._expect_notifications()
        await self._slow_down()
        self._write_settings_file()
        await _together([self.start_host() for _ in range(self.options.hosts)])
        if self.hosts:
            self._write_settings_file(**self._webhook_settings())
            await self._register_webhooks()

    async def _start_servants(self) -> None:
        storage = azurite(
            self.certificates,
            random_account(),
            services=ALL_SERVICES,
            log_file=self.options.folder / "azurite.log",
        )
        entra = self._standin("entra", "local.entra", *self._entra_arguments())
        # Tokens are for the URL that the app calls, which Graph has to know before it has a port.
        port = free_port()
        audience = f"https://localhost:{port}"
        graph = self._standin(
            *("graph", "local.graph", "--port", str(port), "--audience", audience),
            *("--ca", str(self.certificates.authority), "--tenant-id", self.identities.tenant_id),
        )
        dataverse = self._standin("dataverse", "local.dataverse", *self._dataverse_arguments())
        identity = self._standin(
            "managed-identity", "local.entra.managed_identity", *self._identity_arguments(), tls=False
        )
        logs = self._standin("loganalytics", "local.loganalytics", *self._logs_arguments())
        self._servants = [storage, entra, graph, dataverse, identity, logs]
        await _together([servant.start() for servant in self._servants])
        authority = f"{entra.url}/{self.identities.tenant_id}"
        # At the command line the same identity stands for whoever set the app up.
        whose = self.identities.managed_identity_id
        permitted = ("--permit", whose, "--officer", whose)
        secret = ("--secret-name", SECRET_NAME) if self.options.credential == "secret" else ()
        vault = self._standin("keyvault", "local.keyvault", "--authority", authority, *permitted, *secret)
        self._servants.append(vault)
        await vault.start()
        self.settings = {
            **self._app_settings(),
            "AzureWebJobsStorage": storage.url,
            "KEY_VAULT_URL": vault.url,
            "AZURE_AUTHORITY_HOST": entra.url,
            "DATAVERSE_URL": dataverse.url,
            "GRAPH_URL": graph.url,
            # What App Service gives an app with a managed identity.
            "IDENTITY_ENDPOINT": f"{identity.url}/msi/token",
            "IDENTITY_HEADER": self._identity_header,
            "AZURE_CLIENT_ID": self.identities.managed_identity_client_id,
            **self.options.settings,
        }
        self.queue = QueueControl(storage.url, self.certificates.authority, QUEUE_NAME)
        self.graph = GraphControl(graph.url, self.session)
        self.dataverse = DataverseControl(dataverse.url, self.session)
        self.vault = StandInControl(vault.url, self.session)
        self.entra = StandInControl(entra.url, self.session)
        self.managed_identity = StandInControl(identity.url, self.session)
        self.logs = StandInControl(logs.url, self.session)
        if self.client_certificate is not None:
            await self._keep_certificate(self.client_certificate)

    async def _expect_notifications(self) -> None:
        """What `provision` and an administrator see to where changes in Outlook go back."""
        key = {"value": secrets.token_hex(KEY_BYTES)}
        await self.vault.call("POST", f"secrets/{NOTIFICATION_KEY_NAME}", key)
        self._first_port = self._first_port or free_port()
        scheme = "https" if _host_kind() == "own" else "http"
        self.settings.setdefault(
            "NOTIFICATION_URL", f"{scheme}://localhost:{self._first_port}{NOTIFICATION_ROUTE}"
        )

    async def _slow_down(self) -> None:
        await self.graph.configure(item_seconds=self.options.service_seconds)
        await self.dataverse.configure(service_seconds=self.options.service_seconds)
        for service in (self.graph, self.dataverse):
            await service.set_latency(self.options.round_trip_seconds)

    async def _stop(self) -> None:
        """Hosts first, so that they can finish what they do; then everything else at once."""
        if hasattr(self, "queue"):
            await self.queue.close()
        if self._session is not None:
            await self._session.close()
        for group in (self.hosts, self._servants):
            await asyncio.gather(*(_stop_process(process) for process in group))

    def _standin(self, name: str, module: str, *arguments: str, tls: bool = True) -> ManagedProcess:
        files = self.certificates
        served = ("--cert", str(files.certificate), "--key", str(files.key)) if tls else ()
        return ManagedProcess(
            f"the {name} stand-in",
            python_module(module, *served, *arguments),
            environment={
                **os.environ,
                KEY_VARIABLE: self._token_key,
                "LOCAL_CLIENT_SECRET": self.client_secret if self.options.credential == "secret" else "",
                "LOCAL_IDENTITY_HEADER": self._identity_header,
            },
            log_file=self.options.folder / f"{name}.log",
        )

    def _entra_arguments(self) -> Sequence[str]:
        who = self.identities
        return (
            *self._proof(),
            *("--tenant-id", who.tenant_id),
            *("--client-id", who.client_id),
            *("--object-id", who.service_principal_id),
        )

    def _proof(self) -> Sequence[str]:
        """What the app registration knows besides a secret."""
        if self.options.credential == "federated":
            return ("--federated-subject", self.identities.managed_identity_id)
        if self.options.credential != "certificate":
            return ()
        self.client_certificate = make_client_certificate()
        file = self.options.folder / "client.pem"
        file.write_text(self.client_certificate.public_pem, encoding="ascii")
        return ("--certificate", str(file))

    def _identity_arguments(self) -> Sequence[str]:
        who = self.identities
        return (
            *("--tenant-id", who.tenant_id),
            *("--principal-id", who.managed_identity_id),
            *("--client-id", who.managed_identity_client_id),
            "--user-assigned",
        )

    def _logs_arguments(self) -> Sequence[str]:
        """The app registration may read the workspace, since nobody is there who could sign in."""
        who = self.identities
        return (
            *("--workspace", who.workspace_id),
            *("--permit", who.service_principal_id),
            *("--follow", str(self.options.folder)),
        )

    def _dataverse_arguments(self) -> Sequence[str]:
        who = self.identities
        return (
            *("--token-key", self._token_key),
            *("--ca", str(self.certificates.authority)),
            *("--app-user-id", who.app_user_id),
            *("--application-id", who.client_id),
            *("--dispatcher-id", who.dispatcher_id),
            *("--organization-id", who.organization_id),
            *(() if self.options.provisioned else ("--no-support-columns",)),
        )

    def _app_settings(self) -> dict[str, str]:
        """The settings that hang on no address."""
        who, authority = self.identities, str(self.certificates.authority)
        return {
            "BOOKING_QUEUE_NAME": QUEUE_NAME,
            "KEY_VAULT_VERIFY_CHALLENGE": "false",
            "CLIENT_SECRET_NAME": SECRET_NAME,
            "SEAL_KEY_NAME": SEAL_KEY_NAME,
            "ENTRA_TENANT_ID": who.tenant_id,
            "ENTRA_CLIENT_ID": who.client_id,
            "DATAVERSE_ORGANIZATION_ID": who.organization_id,
            "DATAVERSE_APP_USER_ID": who.app_user_id,
            "TAKES_PART_COLUMN": "bsync_takespart",
            "RESOURCE_MAILBOX_COLUMN": "bsync_mailbox",
            "EVENT_TIME_ZONE": self.options.time_zone,
            "OPEN_EXTENSION_NAME": self.options.extension_name,
            **({} if self.options.credential == "secret" else {"CREDENTIAL": self.options.credential}),
            "SSL_CERT_FILE": authority,
            "REQUESTS_CA_BUNDLE": authority,
        }

    def _write_settings_file(self, **more: str) -> None:
        """The same settings and what the command line wants besides, to run it against this stack."""
        path = self.options.folder / "settings.json"
        path.touch(mode=0o600)
        values = {**self.settings, LOGS_VARIABLE: self.logs.url, **more}
        path.write_text(json.dumps({"IsEncrypted": False, "Values": values}, indent=2))

    def _webhook_settings(self) -> dict[str, str]:
        """What the command line is told of the webhook."""
        return {
            WEBHOOK_URL_VARIABLE: self.host_url + WEBHOOK_ROUTE,
            WEBHOOK_KEY_VARIABLE: self.keys.function,
        }

    async def _register_webhooks(self) -> None:
        if not self.options.provisioned:
            return
        watched, image = (RETURN_WATCHED, RETURN_IMAGE) if self.both_ways else ("", "")
        steps: list[dict[str, Any]] = [
            {"message": "Create", "table": BOOKING},
            {"message": "Update", "table": BOOKING, "filteringattributes": WATCHED_COLUMNS + watched},
            *(
                {"message": "Update", "table": table, "filteringattributes": columns}
                for table, columns in RELATED_COLUMNS.items()
            ),
            {
                "message": "Delete",
                "table": BOOKING,
                "images": [{"alias": "PreImage", "type": 0, "attributes": PRE_IMAGE_COLUMNS + image}],
            },
            {"message": "Restore", "table": BOOKING},
        ]
        url, auth = self.host_url + WEBHOOK_ROUTE, {"header": HEADER, "value": self.keys.function}
        await self.dataverse.register_webhooks([{"url": url, "auth": auth, "steps": steps}])

    def _app_token(self) -> str:
        """A token for Dataverse as the app gets it, however it signs in."""
        claims = {"appid": self.identities.client_id, "oid": self.identities.service_principal_id}
        return issue(bytes.fromhex(self._token_key), self.dataverse.url, TOKEN_SECONDS, claims)


def booking_webhook(
    identities: Identities, message: str, booking_id: str, pre_image: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The part of a `RemoteExecutionContext` that counts, as Dataverse sends it for bodies over 256 KB.

    Args:
        identities: names the organisation and, as the initiating user, the dispatcher.
        message: `Create`, `Update` or `Delete`.
        booking_id: the row.
        pre_image: columns of the image `PreImage`, for Delete.
    """
    images = []
    if pre_image is not None:
        attributes = [{"key": key, "value": value} for key, value in pre_image.items() if value is not None]
        images = [{"key": "PreImage", "value": {"Attributes": attributes, "LogicalName": BOOKING}}]
    return {
        "MessageName": message,
        "PrimaryEntityName": BOOKING,
        "PrimaryEntityId": booking_id,
        "OrganizationId": identities.organization_id,
        "InitiatingUserId": identities.dispatcher_id,
        "UserId": identities.dispatcher_id,
        "CorrelationId": str(uuid.uuid4()),
        "InputParameters": [],
        "PreEntityImages": images,
        "PostEntityImages": [],
    }


async def _together(starts: Sequence[Awaitable[object]]) -> None:
    """Run all, wait for all, then raise the first failure: nobody is left half started."""
    for result in await asyncio.gather(*starts, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result


async def _stop_process(process: ManagedProcess) -> None:
    with contextlib.suppress(RuntimeError):  # it was never started
        await process.stop()


def _host_kind() -> HostKind:
    try:
        return choose_host(os.environ)
    except ValueError as error:
        raise StartError(str(error)) from error


def _blank_environment() -> dict[str, str]:
    """Empty values for what this machine's environment would otherwise tell the app."""
    return {
        name: "" for name in os.environ if name.startswith(_UNWANTED_PREFIXES) or name.lower() in _PROXIES
    } | {"NO_PROXY": "localhost,127.0.0.1"}
