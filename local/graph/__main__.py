"""`python -m local.graph --port 0 --cert F --key F --token-key HEX`: the Graph stand-in as a program."""

from __future__ import annotations

import os

from local.graph.handlers import GRAPH_AUDIENCE, GraphStandIn
from local.graph.subscriptions.delivery import TENANT_ID
from local.standin import run_standin, standin_arguments
from local.standin.tokens import KEY_VARIABLE, key_from_environment


def main() -> None:
    """Serve until told to stop."""
    parser = standin_arguments("Stand-in for the calendar part of Microsoft Graph.")
    parser.add_argument("--token-key", help=f"shared token key in hex; else from {KEY_VARIABLE}")
    parser.add_argument("--audience", default=GRAPH_AUDIENCE, help="audience that tokens must be for")
    parser.add_argument("--ca", help="PEM authority that notified addresses are trusted by")
    parser.add_argument("--tenant-id", default=TENANT_ID, help="whose notifications go out")
    arguments = parser.parse_args()
    environment = {KEY_VARIABLE: arguments.token_key} if arguments.token_key else os.environ
    standin = GraphStandIn(
        key_from_environment(environment),
        arguments.audience,
        authority=arguments.ca,
        tenant_id=arguments.tenant_id,
    )
    run_standin(standin, arguments)


if __name__ == "__main__":
    main()
