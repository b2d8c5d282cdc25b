"""Runs the Key Vault stand-in: `python -m local.keyvault --authority … --permit … [--secret-name …]`.

Secrets come by the environment, since a command line can be read by everybody: `LOCAL_TOKEN_KEY` (hex) and
`LOCAL_CLIENT_SECRET`, the value of the secret that the vault starts with.
"""

from __future__ import annotations

import os

from local.keyvault.standin import KeyVaultStandIn
from local.standin import run_standin, standin_arguments, tokens

CLIENT_SECRET_VARIABLE = "LOCAL_CLIENT_SECRET"  # noqa: S105 - the variable's name, no secret


def main() -> None:
    """Read the command line and serve until told to stop."""
    parser = standin_arguments("Stand-in for Key Vault")
    parser.add_argument("--authority", required=True, help="https://<Entra>/<tenant id>, for the challenge")
    parser.add_argument("--permit", action="append", default=[], help="object id that may get secrets")
    parser.add_argument("--officer", action="append", default=[], help="object id that may set secrets")
    parser.add_argument(
        "--secret-name", help=f"secret to start with; its value is in {CLIENT_SECRET_VARIABLE}"
    )
    arguments = parser.parse_args()
    key = tokens.key_from_environment(os.environ)
    standin = KeyVaultStandIn(arguments.authority, key, arguments.permit, arguments.officer)
    if arguments.secret_name:
        value = os.environ.get(CLIENT_SECRET_VARIABLE)
        if not value:
            parser.error(f"{CLIENT_SECRET_VARIABLE} is not set")
        standin.vault.put(arguments.secret_name, value)
    run_standin(standin, arguments)


if __name__ == "__main__":
    main()
