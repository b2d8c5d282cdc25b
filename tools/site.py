"""`python -m tools.site`: the Markdown of this repository as one folder that a site's generator can read.

The pages are written for GitHub, where they lie beside the code. A site has only pages: links to files that
are no page lead to the repository, pages that lie elsewhere get a place, and blocks within lists are indented
as Python-Markdown wants them. `zensical build --strict` makes the site, and fails on links that lead nowhere.
"""

from __future__ import annotations

import argparse
import posixpath
import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "build" / "site-pages"
REPOSITORY = "https://github.com/<owner>/booking_sync"
"""Where files lie that are no page, unless told; a workflow knows its own repository."""
ELSEWHERE = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
    "local/README.md": "local-stack.md",
}
"""Pages that don't lie in docs/, and their names on the site."""
_LINK = re.compile(r"(?P<before>\]\(|(?:src|srcset|href)=\")(?P<target>[^)\"\s]+)")
_FENCE = re.compile(r"(?P<indent> *)(?P<marks>```+|~~~+)")
_LIST = re.compile(r"(?:[-*]|\d+\.) +")


@dataclass(frozen=True, slots=True)
class Places:
    """Where each page of the repository is on the site.

    Args:
        pages: names on the site by path from the repository's root.
        repository: the address under which files that are no page can be read.
    """

    pages: dict[str, str]
    repository: str

    def of(self, link: str, page: str) -> str:
        """Where a link of this page leads on the site."""
        if re.match(r"[a-z]+:|#|//", link):
            return link
        path, hash_, anchor = link.partition("#")
        target = posixpath.normpath(posixpath.join(posixpath.dirname(page), path))
        if target in self.pages:
            return f"{self.pages[target]}{hash_}{anchor}"
        if target.startswith("docs/images/"):
            return target.removeprefix("docs/")
        return f"{self.repository}/blob/main/{target}{hash_}{anchor}"


def places(root: Path = ROOT, repository: str = REPOSITORY) -> Places:
    """Those of all pages that the site shows."""
    docs = {f"docs/{path.name}": path.name for path in sorted((root / "docs").glob("*.md"))}
    return Places(docs | ELSEWHERE, repository)


def page_of_site(markdown: str, page: str, where: Places) -> str:
    """The page as the site's generator reads it.

    Args:
        markdown: as GitHub reads it.
        page: its path from the repository's root.
        where: the places of all pages.
    """

    def moved(found: re.Match[str]) -> str:
        return found["before"] + where.of(found["target"], page)

    lines: list[str] = []
    fence, state = "", _NO_LIST
    for line in markdown.splitlines():
        mark = _FENCE.match(line)
        if fence:
            fence = "" if mark and mark["marks"].startswith(fence) else fence
            lines.append(state.indented(line))
            continue
        item = _LIST.match(line)
        after = state.after(line)
        if item and lines and lines[-1].strip() and (after.loose or not state.inside):
            lines.append("")  # GitHub has a list interrupt a paragraph, and an item another one's block
        fence = mark["marks"] if mark else ""
        text = line if mark else _LINK.sub(moved, line)
        lines.append(text if item else after.indented(text))
        state = after
    return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class _List:
    """Whether a line is within a list, and how."""

    inside: bool = False
    width: int = 0
    """How many blanks the item's text is indented by."""
    loose: bool = False
    """The item has an empty line."""

    def after(self, line: str) -> _List:
        """What holds from this line on; an item's own first line belongs to it."""
        if item := _LIST.match(line):
            return _List(inside=True, width=len(item[0]), loose=self.loose)
        if not line.strip():
            return replace(self, loose=self.inside)
        return self if self.inside and (not self.loose or line.startswith(" " * self.width)) else _NO_LIST

    def indented(self, line: str) -> str:
        """The line, by as many blanks more as Python-Markdown wants of a block in an item."""
        more = max(_ITEM - self.width, 0) if self.inside and line.startswith(" " * self.width) else 0
        return " " * more + line


_ITEM = 4
_NO_LIST = _List()


def write(folder: Path = FOLDER, root: Path = ROOT, repository: str = REPOSITORY) -> list[Path]:
    """Fill the folder with all pages and pictures; what was there is removed. Returns the pages."""
    shutil.rmtree(folder, ignore_errors=True)
    where = places(root, repository)
    shutil.copytree(root / "docs" / "images", folder / "images")
    written = []
    for source, name in where.pages.items():
        text = (root / source).read_text(encoding="utf-8")
        (folder / name).write_text(page_of_site(text, source, where), encoding="utf-8")
        written.append(folder / name)
    return written


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m tools.site", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repository", default=REPOSITORY, help="address of the repository, for files")
    write(repository=parser.parse_args().repository.rstrip("/"))


if __name__ == "__main__":
    main()
