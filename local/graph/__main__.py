"""`python -m local.graph --port 0 --cert F --key F --token-key HEX`: the Graph stand-in as a program."""

from __future__ import annotations

import os

from local.graph.handlers import GRAPH_AUDIENCE, GraphStandIn
from local.standin import run_standin, standin_arguments
from local.standin.tokens import KEY_VARIABLE, key_from_environment


def main() -> None:
    """Serve until told to stop."""
    parser = standin_arguments("Stand-in for the calendar part of Microsoft Graph.")
    parser.add_argument("--token-key", help=f"shared token key in hex; else from {KEY_VARIABLE}")
    parser.add_argument("--audience", default=GRAPH_AUDIENCE, help="audience that tokens must be for")
    arguments = parser.parse_args()
    environment = {KEY_VARIABLE: arguments.token_key} if arguments.token_key else os.environ
    run_standin(GraphStandIn(key_from_environment(environment), arguments.audience), arguments)


if __name__ == "__main__":
    main()
