"""Writes the register of assumptions into docs/assumptions.md: `python -m tools.assumptions`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from booking_sync.certify.assumptions import ASSUMPTIONS

if TYPE_CHECKING:
    from booking_sync.certify.assumptions.kinds import Assumption, Possibility

PAGE = Path(__file__).parents[1] / "docs" / "assumptions.md"
BEGIN = "<!-- the register: written by `python -m tools.assumptions` -->"
END = "<!-- the register ends -->"
_HEAD = "| assumption | expected | where it is otherwise | who says so | tried with |\n|---|---|---|---|---|"


def table() -> str:
    """The register as Markdown: a table for each service."""
    parts: list[str] = []
    for service in dict.fromkeys(each.service for each in ASSUMPTIONS.values()):
        rows = [_row(each) for each in ASSUMPTIONS.values() if each.service is service]
        parts.append("\n".join((f"### {service}\n", _HEAD, *rows)))
    return "\n\n".join(parts)


def table_in(page: str) -> str:
    """What stands between the two marks of a page."""
    return page.partition(BEGIN)[2].partition(END)[0].strip()


def main() -> None:
    """Write the page anew."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}", encoding="utf-8")


def _row(assumption: Assumption) -> str:
    others = "<br>".join(_possibility(each) for each in assumption.others) or "-"
    tried = f"{assumption.trial}: {assumption.not_tried}" if assumption.not_tried else str(assumption.trial)
    cells = (
        f"`{assumption.name}`: {assumption.question}",
        _possibility(assumption.expected),
        others,
        assumption.source,
        tried,
    )
    return f"| {' | '.join(each.replace('|', chr(92) + '|') for each in cells)} |"


def _possibility(possibility: Possibility) -> str:
    action = f" **{possibility.action}**" if possibility.action else ""
    return f"`{possibility.value}`: {possibility.means}.{action}"


if __name__ == "__main__":
    main()
