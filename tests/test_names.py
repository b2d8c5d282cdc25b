"""One name, one meaning: a class of the product is told from every other by its name alone."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

PRODUCT = Path(__file__).parents[1] / "booking_sync"


def test_no_two_classes_share_a_name() -> None:
    """Neither in two packages nor in two modules; what a module keeps to itself begins with an underscore."""
    places: dict[str, list[str]] = defaultdict(list)
    for path in sorted(PRODUCT.rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(path.relative_to(PRODUCT).as_posix())
    assert {name: found for name, found in places.items() if len(found) > 1} == {}
