"""`python -m tools.badges`: draw the README's badges from what the repository says; no service is asked."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "images" / "badges"
WIDTH_OF_A_CHARACTER, PADDING = 6.6, 12
_BADGE = Markup("""\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" aria-label="{left}: {right}">
<title>{left}: {right}</title>
<clipPath id="r"><rect width="{width}" height="20" rx="3"/></clipPath>
<g clip-path="url(#r)"><path fill="#555" d="M0 0h{middle}v20H0z"/>
<path fill="#0b6a9c" d="M{middle} 0h{rest}v20H{middle}z"/></g>
<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">
<text x="{left_at}" y="14">{left}</text><text x="{right_at}" y="14">{right}</text></g>
</svg>
""")


def badges(root: Path = ROOT) -> Mapping[str, str]:
    """Each badge's SVG, by its file's name."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    least = int(re.findall(r"3\.(\d+)", project["requires-python"])[0])
    plan = (root / "infra" / "modules" / "function-app.bicep").read_text(encoding="utf-8")
    deployed = re.search(r"version: '3\.(\d+)'", plan)
    newest = int(deployed[1]) if deployed else least
    hosting = "Flex Consumption" if "'FC1'" in plan else "see infra"
    versions = " | ".join(f"3.{minor}" for minor in range(least, newest + 1))
    return {
        "licence.svg": _badge("licence", (root / "LICENSE").read_text(encoding="utf-8").split()[0]),
        "python.svg": _badge("Python", versions),
        "azure.svg": _badge("Azure Functions", hosting),
    }


def _badge(left: str, right: str) -> str:
    middle, rest = (round(len(text) * WIDTH_OF_A_CHARACTER + PADDING) for text in (left, right))
    return _BADGE.format(
        width=middle + rest,
        middle=middle,
        rest=rest,
        left=left,
        right=right,
        left_at=middle / 2,
        right_at=middle + rest / 2,
    )


def main() -> None:
    """Write them."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, svg in badges().items():
        (FOLDER / name).write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
