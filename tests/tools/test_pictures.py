"""The pictures of the docs: a command makes them, and the docs show all of them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from local.processes import REPOSITORY
from tools.pictures.camera import BROWSERS

if TYPE_CHECKING:
    from pathlib import Path

PICTURES = REPOSITORY / "docs" / "images" / "pictures"
PNG = b"\x89PNG\r\n"
MOST_BYTES = 400_000


def test_every_picture_is_shown_and_every_picture_shown_is_there() -> None:
    """By some page of the docs or the README, with words for those who don't see it."""
    texts = [
        path.read_text(encoding="utf-8") for path in (*REPOSITORY.glob("docs/*.md"), REPOSITORY / "README.md")
    ]
    shown = {name for text in texts for name in re.findall(r"images/pictures/([\w-]+\.png)", text)}
    assert shown == {path.name for path in PICTURES.glob("*.png")}
    for text in texts:
        for tag in re.findall(r"<img [^>]*images/pictures/[^>]*>", text):
            assert re.search(r'alt="[^"]{10,}"', tag), tag


@pytest.mark.timeout(120)
@pytest.mark.skipif(not any(map(shutil.which, BROWSERS)), reason="there is no Chromium to take pictures with")
def test_the_command_makes_every_picture(tmp_path: Path) -> None:
    """From a local stack of its own; none is too large for a repository."""
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "tools.pictures", "--folder", str(tmp_path)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert set(made) == {path.name for path in PICTURES.glob("*.png")}
    assert all(content.startswith(PNG) and len(content) < MOST_BYTES for content in made.values())
