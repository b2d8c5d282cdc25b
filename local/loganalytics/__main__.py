"""Runs the stand-in: `python -m local.loganalytics --workspace … --permit … [--follow FOLDER]`.

The shared token key comes by the environment: `LOCAL_TOKEN_KEY` (hex).
"""

from __future__ import annotations

import os
from pathlib import Path

from local.loganalytics.standin import LogAnalyticsStandIn
from local.standin import run_standin, standin_arguments, tokens


def main() -> None:
    """Read the command line and serve until told to stop."""
    parser = standin_arguments("Stand-in for the query API of a Log Analytics workspace")
    parser.add_argument("--workspace", required=True, help="its id, a GUID")
    parser.add_argument("--permit", action="append", default=[], help="object id that may read it")
    parser.add_argument("--follow", type=Path, help="folder with the hosts' logs")
    arguments = parser.parse_args()
    key = tokens.key_from_environment(os.environ)
    run_standin(
        LogAnalyticsStandIn(arguments.workspace.lower(), key, arguments.permit, arguments.follow), arguments
    )


if __name__ == "__main__":
    main()
