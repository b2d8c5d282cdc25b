"""The templates of infra/ as the tests look at them: files, declarations, bodies of resources."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.infra.bicep import Declaration, read

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"
FILES = sorted(INFRA.rglob("*.bicep"))
MAIN = read(INFRA / "main.bicep")
FUNCTION_APP = read(INFRA / "modules" / "function-app.bicep")
STORAGE = read(INFRA / "modules" / "storage.bicep")
PARAMETERS: dict[str, Any] = json.loads((INFRA / "main.parameters.json").read_text())["parameters"]


def values(declaration: Declaration) -> dict[str, Any]:
    """The body of a declaration that is an object."""
    assert isinstance(declaration.value, dict)
    return declaration.value


def bodies(kind: str) -> dict[str, dict[str, Any]]:
    """Every resource of a type that the templates make, by its file and name in Bicep."""
    return {
        f"{path.stem}.{each.name}": values(each)
        for path in FILES
        for each in read(path).declarations
        if each.kind == "resource" and each.type.startswith(f"{kind}@") and not each.existing
    }


def only(kind: str) -> dict[str, Any]:
    """The one resource of a type."""
    (body,) = bodies(kind).values()
    return body
