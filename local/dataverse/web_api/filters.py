"""The part of $filter that the stand-in understands; anything else is refused, never ignored.

Comparisons (eq ne gt ge lt le) of a column with a literal or a parameter alias, joined by and/or with
parentheses, `Microsoft.Dynamics.CRM.In`, and `contains`, `startswith` and `endswith` of a text column. In the
texts of these three `%`, `_` and `[…]` are wildcards, which brackets make ordinary characters (Dataverse:
"Use wildcard characters in conditions for string values"). As in Dataverse, texts compare without regard to
case and `ne` also finds rows where the column is empty. What else is the same to it depends on the
environment's language; here it is as much as SQL Server knows: accents, forms of one letter and spaces at the
end make no difference.
"""

from __future__ import annotations

import json
import operator
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from local.dataverse.errors import bad_request, not_implemented, unknown_property
from local.dataverse.tables.columns import Column, Kind, Table
from local.dataverse.tables.payload import GUID, Row, Value, parse_moment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

IN_FUNCTION = "Microsoft.Dynamics.CRM.In"

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<punctuation>[()=,])
      | (?P<text>'(?:[^']|'')*')
      | (?P<list>\[(?:"(?:[^"\\]|\\.)*"|[^\]"])*\])
      | (?P<word>[^\s()=,'\[\]]+)
    )""",
    re.VERBOSE,
)
_WILDCARD = re.compile(r"(%|_|\[[^\]]+\])")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}
_EQUALITY = ("eq", "ne")
_TEXT_FUNCTIONS = {"contains": "%{}%", "startswith": "{}%", "endswith": "%{}"}
"""And the pattern that each makes of its text."""


@dataclass(frozen=True)
class Condition:
    """A parsed filter."""

    matches: Callable[[Row], bool]
    ids: frozenset[str] | None = None
    """When the filter names its rows by key: at most these can match, so no table scan is needed."""


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str


def parse_filter(table: Table, text: str, aliases: Mapping[str, str]) -> Condition:
    """Read a $filter expression.

    Args:
        table: whose columns it may name.
        text: the decoded expression.
        aliases: decoded parameter aliases, `@p1` to its literal.

    Raises:
        DataverseError: 400 it can't be read or names an unknown column, 501 it uses what is not supported.
    """
    parser = _Parser(table, _tokens(text), aliases)
    condition = parser.either()
    parser.expect_end()
    return condition


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise bad_request(f"Syntax error at position {position} in '{text}'.")
        tokens.append(_Token(match.lastgroup, match[match.lastgroup]))
        position = match.end()
    return tokens


class _Parser:
    """Recursive descent over the tokens of one expression."""

    def __init__(self, table: Table, tokens: list[_Token], aliases: Mapping[str, str]) -> None:
        self._table = table
        self._tokens = tokens
        self._aliases = aliases
        self._next = 0

    def either(self) -> Condition:
        """Terms joined by `or`."""
        condition = self._both()
        while self._take_word("or"):
            condition = _or(condition, self._both())
        return condition

    def expect_end(self) -> None:
        """Refuse what is left over."""
        if self._next < len(self._tokens):
            self._fail()

    def _both(self) -> Condition:
        condition = self._single()
        while self._take_word("and"):
            condition = _and(condition, self._single())
        return condition

    def _single(self) -> Condition:
        token = self._take()
        if token == _Token("punctuation", "("):
            condition = self.either()
            self._expect(")")
            return condition
        if token.kind != "word":
            self._fail()
        if token.text == IN_FUNCTION:
            return self._in()
        if token.text in _TEXT_FUNCTIONS:
            return self._text_function(token.text)
        if token.text == "not" or "." in token.text or "/" in token.text:
            raise not_implemented(f"'{token.text}' in $filter")
        return self._comparison(token.text)

    def _comparison(self, name: str) -> Condition:
        column = self._table.by_property.get(name)
        if column is None or not column.readable:
            raise unknown_property(name, self._table.logical_name)
        operation = self._take().text
        if operation not in (*_COMPARE, *_EQUALITY):
            self._fail()
        wanted = _folded(self._literal(column))
        if operation in _EQUALITY:
            return _equality(self._table, column, wanted, same=operation == "eq")
        compare = _COMPARE[operation]

        def matches(row: Row) -> bool:
            value = _folded(row.get(column.name))
            return value is not None and wanted is not None and compare(value, wanted)

        return Condition(matches)

    def _text_function(self, name: str) -> Condition:
        self._expect("(")
        column = self._table.by_property.get(self._take().text)
        if column is None or not column.readable:
            raise unknown_property(self._tokens[self._next - 1].text, self._table.logical_name)
        if column.kind not in (Kind.TEXT, Kind.MEMO):
            raise bad_request(f"No function signature for the function with name '{name}' matches.")
        self._expect(",")
        wanted = self._literal(column)
        self._expect(")")
        pattern = _pattern(_TEXT_FUNCTIONS[name].format(_folded(wanted)))

        def matches(row: Row) -> bool:
            value = _folded(row.get(column.name))
            return isinstance(value, str) and pattern.fullmatch(value) is not None

        return Condition(matches)

    def _in(self) -> Condition:
        self._expect("(")
        arguments: dict[str, _Token] = {}
        for separator in (",", ")"):
            argument = self._take().text
            self._expect("=")
            arguments[argument] = self._resolve(self._take())
            self._expect(separator)
        if set(arguments) != {"PropertyName", "PropertyValues"}:
            raise bad_request(f"{IN_FUNCTION} takes PropertyName and PropertyValues.")
        name, values = arguments["PropertyName"], arguments["PropertyValues"]
        if name.kind != "text":
            raise bad_request(f"PropertyName of {IN_FUNCTION} must be a quoted name.")
        column = self._table.by_name.get(_unquote(name.text))
        if column is None:
            raise unknown_property(_unquote(name.text), self._table.logical_name)
        return _membership(self._table, column, _strings(values))

    def _literal(self, column: Column) -> Value:
        token = self._resolve(self._take())
        value = _literal(column, token)
        if value is None and token.text != "null":
            raise bad_request(
                f"A binary operator with incompatible types was detected: '{column.property}' "
                f"({column.kind}) can't be compared with {token.text}."
            )
        return value

    def _resolve(self, token: _Token) -> _Token:
        if not token.text.startswith("@"):
            return token
        if token.text not in self._aliases:
            raise bad_request(f"The parameter alias '{token.text}' has no value in the query.")
        tokens = _tokens(self._aliases[token.text])
        if len(tokens) != 1:
            raise bad_request(f"The parameter alias '{token.text}' must hold one literal.")
        return tokens[0]

    def _take(self) -> _Token:
        if self._next >= len(self._tokens):
            raise bad_request("Expression expected at the end of $filter.")
        self._next += 1
        return self._tokens[self._next - 1]

    def _take_word(self, word: str) -> bool:
        if self._next < len(self._tokens) and self._tokens[self._next] == _Token("word", word):
            self._next += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if self._take().text != text:
            self._fail()

    def _fail(self) -> NoReturn:
        at = self._tokens[min(self._next, len(self._tokens)) - 1].text if self._tokens else ""
        raise bad_request(f"Syntax error near '{at}' in $filter.")


def _and(left: Condition, right: Condition) -> Condition:
    ids = left.ids if right.ids is None else right.ids if left.ids is None else left.ids & right.ids
    return Condition(lambda row: left.matches(row) and right.matches(row), ids)


def _or(left: Condition, right: Condition) -> Condition:
    ids = None if left.ids is None or right.ids is None else left.ids | right.ids
    return Condition(lambda row: left.matches(row) or right.matches(row), ids)


def _equality(table: Table, column: Column, wanted: Value, *, same: bool) -> Condition:
    ids = frozenset({str(wanted)}) if same and column.name == table.primary_id else None
    return Condition(lambda row: (_folded(row.get(column.name)) == wanted) is same, ids)


def _membership(table: Table, column: Column, texts: list[str]) -> Condition:
    if column.kind in (Kind.ID, Kind.LOOKUP) and not all(GUID.fullmatch(text) for text in texts):
        raise bad_request(f"PropertyValues of '{column.name}' must be guids.")
    wanted = frozenset(text.casefold() for text in texts)
    ids = wanted if column.name == table.primary_id else None

    def matches(row: Row) -> bool:
        value = row.get(column.name)
        return value is not None and str(value).casefold() in wanted

    return Condition(matches, ids)


def _strings(token: _Token) -> list[str]:
    try:
        values = json.loads(token.text) if token.kind == "list" else None
    except ValueError:
        values = None
    if not isinstance(values, list) or not values or not all(isinstance(value, str) for value in values):
        raise bad_request(f"PropertyValues of {IN_FUNCTION} must be a JSON array of strings.")
    return values


def _literal(column: Column, token: _Token) -> Value:
    """The literal as the column keeps it; None when it does not fit (or is null)."""
    if column.kind in (Kind.TEXT, Kind.MEMO):
        return _unquote(token.text) if token.kind == "text" else None
    if column.kind in (Kind.ID, Kind.LOOKUP):
        text = _unquote(token.text)
        return text.lower() if GUID.fullmatch(text) else None
    if token.kind != "word":
        return None
    if column.kind is Kind.WHEN:
        return parse_moment(token.text)
    if column.kind is Kind.FLAG:
        return {"true": True, "false": False}.get(token.text)
    return _number(token.text, whole=column.kind is not Kind.NUMBER)


def _number(text: str, *, whole: bool) -> Value:
    try:
        return int(text) if whole else float(text)
    except ValueError:
        return None


def _pattern(like: str) -> re.Pattern[str]:
    """The regular expression of a pattern of SQL Server's LIKE."""
    pieces = _WILDCARD.split(like)
    return re.compile("".join(map(_regular, pieces)), re.DOTALL)


def _regular(piece: str) -> str:
    if piece in ("%", "_"):
        return {"%": ".*", "_": "."}[piece]
    if len(piece) > 2 and piece[0] == "[" and piece[-1] == "]":
        inverted = piece[1] == "^"
        held = piece[2:-1] if inverted else piece[1:-1]
        escaped = re.sub(r"([\\\]\[^])", r"\\\1", held)
        return f"[{'^' if inverted else ''}{escaped}]"
    return re.escape(piece)


def _unquote(text: str) -> str:
    return text[1:-1].replace("''", "'") if text.startswith("'") else text


def _folded(value: Value) -> Value:
    if not isinstance(value, str):
        return value
    bare = (each for each in unicodedata.normalize("NFKD", value) if not unicodedata.combining(each))
    return "".join(bare).casefold().rstrip(" ")
