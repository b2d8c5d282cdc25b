"""`python -m tools.costs`: write docs/costs.md, or print the page for numbers of your own."""

from __future__ import annotations

import argparse
import sys
from dataclasses import fields
from pathlib import Path

from tools.costs.measured import load_measured
from tools.costs.model import Assumed
from tools.costs.page import SIZES, page
from tools.costs.prices import load_prices

PAGE = Path(__file__).parents[2] / "docs" / "costs.md"
KNOWN = sorted(each.name for each in fields(Assumed))


def read_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.costs", description=__doc__)
    parser.add_argument("--technicians", type=int, help="print the page for so many, and write nothing")
    parser.add_argument(
        "--set",
        dest="values",
        type=_value,
        action="append",
        default=[],
        metavar="NAME=NUMBER",
        help=f"another assumption, printed and not written: {', '.join(KNOWN)}",
    )
    return parser.parse_args(arguments)


def main() -> None:
    """Run the command."""
    arguments = read_arguments()
    own = bool(arguments.technicians or arguments.values)
    sizes = (arguments.technicians,) if arguments.technicians else SIZES
    text = page(load_prices(), load_measured(), Assumed().with_values(dict(arguments.values)), sizes)
    if own:
        sys.stdout.write(text)
    else:
        PAGE.write_text(text, encoding="utf-8")


def _value(text: str) -> tuple[str, float]:
    name, _, number = text.partition("=")
    if name not in KNOWN:
        raise argparse.ArgumentTypeError(f"there is no {name!r}; there are {', '.join(KNOWN)}")
    try:
        return name, float(number)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{name} must be a number") from None


if __name__ == "__main__":
    main()
