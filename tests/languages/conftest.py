"""Reports what was checked by whose parser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def checked(record_property: Callable[[str, object], None]) -> Callable[[str, str], None]:
    """Notes texts and their parser for the summary at the end of the run (see tests/conftest.py)."""

    def note(texts: str, parser: str) -> None:
        record_property("checked", f"{texts}: {parser}")

    return note
