"""The page's scripts are one program: what one file calls something, no other may."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from booking_sync.operations import page

SCRIPTS = Path(page.__file__).parent / "static" / "scripts"
DECLARED = re.compile(r"^(?:async function|function|const|let|class) (\w+)", re.MULTILINE)


def test_no_two_scripts_call_something_the_same() -> None:
    """The later one would take the earlier one's place without a word."""
    declared = Counter(
        name for each in SCRIPTS.rglob("*.js") for name in DECLARED.findall(each.read_text(encoding="utf-8"))
    )
    assert [name for name, count in declared.items() if count > 1] == []


def test_every_script_and_style_is_on_the_page() -> None:
    """A file that nobody put into the list does nothing."""
    scripts = {each.relative_to(SCRIPTS).with_suffix("").as_posix() for each in SCRIPTS.rglob("*.js")}
    assert scripts == set(page.SCRIPTS)
    assert {each.stem for each in (SCRIPTS.parent / "styles").glob("*.css")} == set(page.STYLES)
