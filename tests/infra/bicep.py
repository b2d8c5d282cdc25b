"""Reads Bicep files with a tree-sitter grammar, as far as the tests of infra/ need.

The compiler itself runs where the Azure CLI is (.ci/bicep, in the push workflow). The tests need what no
compiler knows: whether names, settings, roles and texts agree with the app and the docs, and nothing opens
more than needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

_PARSER = Parser(Language(tree_sitter_bicep.language()))
_DECLARATIONS = {
    "parameter_declaration": "parameter",
    "variable_declaration": "variable",
    "resource_declaration": "resource",
    "module_declaration": "module",
    "output_declaration": "output",
}


class BicepSyntaxError(Exception):
    """Names the file and the line that the grammar can't read."""


@dataclass(frozen=True, slots=True)
class Expression:
    """Whatever is only known when it is deployed, as it is written."""

    text: str


@dataclass(frozen=True, slots=True)
class Declaration:
    """One parameter, variable, resource, module or output.

    `value` is the default, body or value in Python's terms (see `python_value`), None when there is none;
    of a loop or a condition it is the body alone.
    """

    kind: str
    name: str
    type: str
    """A parameter's type, a resource's type with its version, a module's path; else empty."""
    value: Any
    has_value: bool
    existing: bool
    decorators: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BicepFile:
    """A file's declarations by name, and the names that it uses."""

    path: Path
    declarations: tuple[Declaration, ...]
    used: frozenset[str]
    """Identifiers that stand for a declaration, loop variables apart."""
    calls: frozenset[str]
    members: frozenset[str]
    """Accesses such as `storage.outputs.name`, in full."""

    def of(self, kind: str) -> dict[str, Declaration]:
        """The declarations of one kind, by name."""
        return {each.name: each for each in self.declarations if each.kind == kind}


def read(path: Path) -> BicepFile:
    """Parse a file.

    Raises:
        BicepSyntaxError: the grammar can't read it.
    """
    root = _PARSER.parse(path.read_bytes()).root_node
    if root.has_error:
        line = next(each.start_point.row + 1 for each in _walk(root) if each.is_error or each.is_missing)
        raise BicepSyntaxError(f"{path}:{line} is no Bicep")
    loops = {name for each in _walk(root) if each.type == "for_statement" for name in _loop_names(each)}
    return BicepFile(
        path=path,
        declarations=tuple(_declarations(root)),
        used=frozenset(_text(each) for each in _walk(root) if _is_reference(each)) - loops,
        calls=frozenset(_text(_named(each)[0]) for each in _walk(root) if each.type == "call_expression"),
        members=frozenset(_text(each) for each in _walk(root) if each.type == "member_expression"),
    )


def python_value(node: Node) -> Any:
    """A literal as Python has it; what is computed becomes an `Expression`, also inside lists and objects."""
    if node.type == "array":
        return [python_value(each) for each in _named(node)]
    if node.type == "object":
        return dict(_pair(each) for each in _named(node) if each.type == "object_property")
    if node.type == "string" and any(each.type == "interpolation" for each in _named(node)):
        return Expression(_text(node))
    literal = _LITERALS.get(node.type)
    return literal(node) if literal else Expression(_text(node))


def _loop_names(loop: Node) -> list[str]:
    """`for each in …` and `for (each, index) in …`."""
    first = _named(loop)[0]
    return [_text(each) for each in (_named(first) if first.type == "for_loop_parameters" else [first])]


def _declarations(root: Node) -> Iterator[Declaration]:
    decorators: dict[str, Any] = {}
    for node in _named(root):
        if node.type == "decorators":
            decorators = dict(_decorator(each) for each in _named(node))
        elif node.type in _DECLARATIONS:
            yield _declaration(node, decorators)
            decorators = {}


def _declaration(node: Node, decorators: Mapping[str, Any]) -> Declaration:
    name, *rest = _named(node)
    kind = _DECLARATIONS[node.type]
    type_text = ""
    if rest and (rest[0].type == "type" or kind in ("resource", "module")):
        type_text = _text(rest.pop(0)).strip("'")
    body = _body(rest[0]) if rest else None
    return Declaration(
        kind=kind,
        name=_text(name),
        type=type_text,
        value=None if body is None else python_value(body),
        has_value=body is not None,
        existing=any(each.type == "existing" for each in node.children),
        decorators=decorators,
    )


def _decorator(node: Node) -> tuple[str, Any]:
    name, arguments = _named(_named(node)[0])
    values = [python_value(each) for each in _named(arguments)]
    return _text(name), values[0] if values else None


def _body(node: Node) -> Node:
    return _body(_named(node)[-1]) if node.type in ("for_statement", "if_statement") else node


def _pair(node: Node) -> tuple[str, Any]:
    key, value = _named(node)
    return _text(key).strip("'"), python_value(value)


def _is_reference(node: Node) -> bool:
    parent = node.parent
    if node.type != "identifier" or parent is None:
        return False
    first = _named(parent)[0] == node
    declares = parent.type in _DECLARATIONS or parent.type in ("object_property", "call_expression")
    return not (first and declares)


def _walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _walk(child)


def _named(node: Node) -> list[Node]:
    return [each for each in node.named_children if each.type not in ("comment", "diagnostic_comment")]


def _text(node: Node) -> str:
    return (node.text or b"").decode()


_LITERALS: Mapping[str, Callable[[Node], Any]] = {
    "string": lambda node: _text(node)[1:-1].replace("\\'", "'"),
    "number": lambda node: int(_text(node)),
    "boolean": lambda node: _text(node) == "true",
    "null": lambda _: None,
}
