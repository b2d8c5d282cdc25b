"""Runs the Entra stand-in: `python -m local.entra --tenant-id … --client-id … --object-id … [--cert --key]`.

Secrets come by the environment, since a command line can be read by everybody: `LOCAL_TOKEN_KEY` (hex) and
`LOCAL_CLIENT_SECRET`, without which only a certificate or a federated credential signs the application in.
"""

from __future__ import annotations

import os
from pathlib import Path

from local.entra.certificates import RegisteredCertificate
from local.entra.registration import FederatedCredential, Registration, issuer_of
from local.entra.standin import DEFAULT_LIFETIME_SECONDS, EntraStandIn, always_accepted
from local.standin import run_standin, standin_arguments, tokens

CLIENT_SECRET_VARIABLE = "LOCAL_CLIENT_SECRET"  # noqa: S105 - the variable's name, no secret


def main() -> None:
    """Read the command line and serve until told to stop."""
    parser = standin_arguments("Stand-in for Entra ID's token endpoint")
    parser.add_argument("--tenant-id", required=True)
    parser.add_argument("--client-id", required=True)
    parser.add_argument("--object-id", required=True, help="object id of the service principal")
    parser.add_argument(
        "--resource", action="append", default=[], help="a resource in the tenant; default: any"
    )
    parser.add_argument(
        "--certificate",
        action="append",
        default=[],
        type=Path,
        help="PEM file that the application signs with",
    )
    parser.add_argument(
        "--federated-subject",
        action="append",
        default=[],
        help="principal id of a managed identity that the registration trusts",
    )
    parser.add_argument("--token-lifetime", type=int, default=DEFAULT_LIFETIME_SECONDS, metavar="SECONDS")
    arguments = parser.parse_args()
    secret = os.environ.get(CLIENT_SECRET_VARIABLE)
    if not (secret or arguments.certificate or arguments.federated_subject):
        parser.error(f"{CLIENT_SECRET_VARIABLE} is not set, and nothing else signs the application in")
    registration = Registration(
        tenant_id=arguments.tenant_id,
        client_id=arguments.client_id,
        object_id=arguments.object_id,
        secrets=(always_accepted(secret),) if secret else (),
        resources=tuple(resource.rstrip("/") for resource in arguments.resource),
        certificates=tuple(
            RegisteredCertificate.from_pem(file.read_text()) for file in arguments.certificate
        ),
        federated=tuple(
            FederatedCredential(issuer_of(arguments.tenant_id), subject)
            for subject in arguments.federated_subject
        ),
    )
    key = tokens.key_from_environment(os.environ)
    run_standin(EntraStandIn(registration, key, arguments.token_lifetime), arguments)


if __name__ == "__main__":
    main()
