"""Runs the stand-in: `python -m local.dataverse --port 0 --cert F --key F --token-key HEX`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from local.dataverse.environment import DEFAULT_IDENTITY
from local.dataverse.handlers import DataverseStandIn
from local.dataverse.tables.schema import SUPPORT_COLUMNS
from local.standin import run_standin, standin_arguments

if TYPE_CHECKING:
    import argparse


def _arguments() -> argparse.Namespace:
    parser = standin_arguments("Stand-in for the Dataverse Web API")
    parser.add_argument("--token-key", required=True, help="the stack's shared token key, in hex")
    parser.add_argument("--audience", help="what tokens must be for; default: the address that is called")
    parser.add_argument("--ca", help="PEM authority that webhook endpoints are trusted by")
    parser.add_argument("--app-user-id", default=DEFAULT_IDENTITY.app_user_id, help="our systemuserid")
    parser.add_argument("--application-id", default="", help="of our application user's app registration")
    parser.add_argument("--dispatcher-id", default=DEFAULT_IDENTITY.dispatcher_id)
    parser.add_argument("--organization-id", default=DEFAULT_IDENTITY.organization_id)
    parser.add_argument(
        "--support-column",
        action="append",
        metavar="NAME=LENGTH",
        help="a custom column of the booking (again for more); default: the four of the provisioning command",
    )
    parser.add_argument(
        "--no-support-columns",
        action="store_true",
        help="start without custom columns, as before provisioning",
    )
    return parser.parse_args()


def _support_columns(arguments: argparse.Namespace) -> dict[str, int]:
    if arguments.no_support_columns:
        return {}
    if not arguments.support_column:
        return dict(SUPPORT_COLUMNS)
    pairs = (text.partition("=") for text in arguments.support_column)
    return {name: int(length) for name, _equals, length in pairs}


def main() -> None:
    """Serve until told to stop."""
    arguments = _arguments()
    identity = replace(
        DEFAULT_IDENTITY,
        app_user_id=arguments.app_user_id.lower(),
        dispatcher_id=arguments.dispatcher_id.lower(),
        application_id=arguments.application_id.lower(),
        organization_id=arguments.organization_id.lower(),
    )
    standin = DataverseStandIn(
        bytes.fromhex(arguments.token_key),
        audience=arguments.audience,
        authority=arguments.ca,
        support_columns=_support_columns(arguments),
        identity=identity,
    )
    run_standin(standin, arguments)


if __name__ == "__main__":
    main()
