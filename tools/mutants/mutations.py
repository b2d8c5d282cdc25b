"""What can be changed in the code that decides, and what each change makes of a module.

The mutations are Cosmic Ray's. Left out are those that can't make a difference: inside type annotations,
which are never evaluated here, of the stars in signatures, of `slots` and `frozen` (what assigns to a frozen
class, the type checker refuses), of imports for types alone, and equality for identity with None or a member
of an enumeration.
"""

from __future__ import annotations

import ast
import difflib
import hashlib
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from cosmic_ray.commands import init
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_db import WorkDB

if TYPE_CHECKING:
    from cosmic_ray.work_item import MutationSpec

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Mutant:
    """A module with one thing changed."""

    spec: MutationSpec
    original: str
    """The module's text."""

    @property
    def module(self) -> str:
        """Its path in the repository."""
        return str(self.spec.module_path)

    @property
    def line(self) -> int:
        """Of what is changed."""
        return int(self.spec.start_pos[0])

    @property
    def operator(self) -> str:
        """What is changed, and into what."""
        return str(self.spec.operator_name).split("/")[-1]

    @property
    def key(self) -> str:
        """The same for the same change of the same text."""
        digest = hashlib.sha256(self.original.encode()).hexdigest()[:16]
        arguments = sorted(self.spec.operator_args.items())
        return f"{self.module} {digest} {self.operator} {arguments} {self.spec.occurrence}"

    @cached_property
    def mutated(self) -> str:
        """The module's text with the change."""
        operator = get_operator(self.spec.operator_name)(**self.spec.operator_args)
        return str(mutate_code(self.original, operator, self.spec.occurrence))

    @cached_property
    def change(self) -> str:
        """As a diff's lines."""
        lines = difflib.ndiff(self.original.splitlines(), self.mutated.splitlines())
        return "\n".join(f"{line[0]} {line[2:].strip()}" for line in lines if line[0] in "+-")


def _annotations(source: str) -> set[tuple[int, int]]:
    """The lines and columns that lie in annotations."""
    spans: set[tuple[int, int]] = set()
    for node in ast.walk(ast.parse(source)):
        for each in (getattr(node, "annotation", None), getattr(node, "returns", None)):
            if isinstance(each, ast.expr):
                spans |= _places(each)
    return spans


def _indifferent(source: str) -> set[tuple[int, int]]:
    """The lines and columns of `slots=True`, `frozen=True` and of `if TYPE_CHECKING`."""
    spans: set[tuple[int, int]] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.keyword) and node.arg in {"slots", "frozen"}:
            spans |= _places(node.value)
        elif isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            spans |= _places(node.test) | {(node.lineno, node.col_offset)}
    return spans


def _identities(source: str) -> set[tuple[int, int]]:
    """The lines and columns of `is None` and `is Kind.MEMBER`, which `==` would tell the same."""
    spans: set[tuple[int, int]] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            (other,) = node.comparators
            nothing = isinstance(other, ast.Constant) and other.value is None
            if nothing or (isinstance(other, ast.Attribute) and other.attr.isupper()):
                spans |= _places(node)
    return spans


def _calculations(source: str) -> set[tuple[int, int]]:
    """The lines and columns where an operator calculates, and is no star of a signature or a call."""
    return set().union(
        *(_places(node) for node in ast.walk(ast.parse(source)) if isinstance(node, ast.BinOp))
    )


def _places(node: ast.expr) -> set[tuple[int, int]]:
    found = set()
    for line in range(node.lineno, (node.end_lineno or node.lineno) + 1):
        first = node.col_offset if line == node.lineno else 0
        last = (node.end_col_offset or 0) if line == node.end_lineno else 200
        found |= {(line, column) for column in range(first, last)}
    return found


def mutants(module: str) -> list[Mutant]:
    """Every mutant of a module that can make a difference."""
    with tempfile.TemporaryDirectory() as folder:
        database = WorkDB(str(Path(folder) / "session.sqlite"), WorkDB.Mode.create)
        init([Path(module)], database, {})
        specified = [each.mutations[0] for each in database.work_items]
        database.close()
    source = (ROOT / module).read_text(encoding="utf-8")
    left_out, calculations = _annotations(source) | _indifferent(source), _calculations(source)
    identities = _identities(source)
    found = []
    for each in specified:
        place, name = tuple(each.start_pos), each.operator_name
        if (
            place in left_out
            or ("BinaryOperator" in name and place not in calculations)
            or (name.endswith(("_Is_Eq", "_IsNot_NotEq")) and place in identities)
        ):
            continue
        found.append(Mutant(each, source))
    return found
