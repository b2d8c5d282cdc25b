"""A small part of Kusto's language: enough for counting queries, and a refusal of everything else.

    union TABLE, TABLE
    | where CONDITION
    | summarize NAME = countif(CONDITION), NAME = maxif(COLUMN, CONDITION)

A condition is a list of comparisons joined by `and`: a column, one of `==`, `has`, `startswith`, `>`, and a
text or `datetime(...)`; or `true` or `false`. Error codes are those of the page "Azure Monitor Log Analytics
API errors" and of public threads: `SyntaxError` for what can't be read, `SemanticError` for a name or a type
that is wrong. What this does not know is a `SyntaxError`, although the real service may take it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    Row = Mapping[str, Any]
    Test = Callable[[Row], bool]

COLUMNS: Final = {
    "AppTraces": {"TimeGenerated": datetime, "Type": str, "Message": str, "SeverityLevel": int},
    "AppRequests": {"TimeGenerated": datetime, "Type": str, "Name": str, "OperationId": str},
}
"""Of the tables that an Application Insights resource writes to, as far as they are played here."""

_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\\n]|\\.)*")|(?P<time>datetime\([^()]*\))|(?P<name>[A-Za-z_]\w*)|(?P<sign>==|[=>|,()]))"""
)
_ANSWERED: Final = {"countif": "long", "maxif": "datetime"}


class QueryError(Exception):
    """The query is refused.

    Args:
        code: `SyntaxError` or `SemanticError`.
        words: what is wrong.
    """

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code = code


@dataclass(frozen=True)
class Table:
    """A result, as the service writes it: names and types of the columns, and rows."""

    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[Any, ...], ...]


def run_query(query: str, rows: Iterable[Row]) -> Table:
    """What the rows come to; each has its table in `Type`.

    Raises:
        QueryError: the query is malformed, or names what there is not.
    """
    return _Query(query).run(rows)


class _Query:
    """One query, read as far as it has been run."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._place = 0
        self._known: dict[str, type] = {}

    def run(self, rows: Iterable[Row]) -> Table:
        """Read and run the whole of it."""
        self._take("union")
        tables = [self._table()]
        while self._next() == ",":
            self._take(",")
            tables.append(self._table())
        for each in tables:
            self._known |= COLUMNS[each]
        left = [row for row in rows if row["Type"] in tables]
        while self._next() == "|":
            self._take("|")
            if self._next() != "where":
                result = self._summarize(left)
                if self._next():
                    raise QueryError("SyntaxError", f"unexpected: {self._next()}")
                return result
            self._take("where")
            test = self._condition()
            left = [row for row in left if test(row)]
        raise QueryError("SyntaxError", "Query operator expected")

    def _summarize(self, rows: Sequence[Row]) -> Table:
        self._take("summarize")
        columns: list[tuple[str, str]] = []
        values: list[Any] = []
        while True:
            name = self._name()
            self._take("=")
            function = self._name()
            if function not in _ANSWERED:
                raise QueryError("SemanticError", f"Unknown function: {function}")
            self._take("(")
            columns.append((name, _ANSWERED[function]))
            values.append(self._newest(rows) if function == "maxif" else self._count(rows))
            self._take(")")
            if self._next() != ",":
                return Table(tuple(columns), (tuple(values),))
            self._take(",")

    def _count(self, rows: Sequence[Row]) -> int:
        test = self._condition()
        return sum(test(row) for row in rows)

    def _newest(self, rows: Sequence[Row]) -> str | None:
        column = self._column()
        self._take(",")
        test = self._condition()
        found = [row[column] for row in rows if test(row)]
        return f"{max(found):%Y-%m-%dT%H:%M:%S.%fZ}" if found else None

    def _condition(self) -> Test:
        tests = [self._comparison()]
        while self._next() == "and":
            self._take("and")
            tests.append(self._comparison())
        return lambda row: all(test(row) for test in tests)

    def _comparison(self) -> Test:
        if self._next() in ("true", "false"):
            value = self._name() == "true"
            return lambda _row: value
        column = self._column()
        sign, operand = self._pop(), self._pop()
        wanted = _value(operand)
        if sign not in _COMPARE:
            raise QueryError("SyntaxError", f"no operator: {sign}")
        if self._known[column] is not type(wanted) or (sign == ">") != isinstance(wanted, datetime):
            raise QueryError("SemanticError", f"Cannot compare {column} with {operand} by {sign}")
        compare = _COMPARE[sign]
        return lambda row: column in row and compare(row[column], wanted)

    def _table(self) -> str:
        name = self._name()
        if name not in COLUMNS:
            raise QueryError("SemanticError", f"Failed to resolve table or column expression named '{name}'")
        return name

    def _column(self) -> str:
        name = self._name()
        if name not in self._known:
            raise QueryError("SemanticError", f"Failed to resolve scalar expression named '{name}'")
        return name

    def _name(self) -> str:
        name = self._pop()
        if not name.isidentifier():
            raise QueryError("SyntaxError", f"a name is expected, not {name or 'the end'}")
        return name

    def _take(self, token: str) -> None:
        found = self._pop()
        if found != token:
            raise QueryError("SyntaxError", f"expected {token}, not {found or 'the end'}")

    def _pop(self) -> str:
        token = self._next()
        self._place += 1
        return token

    def _next(self) -> str:
        return self._tokens[self._place] if self._place < len(self._tokens) else ""


def _tokens(text: str) -> list[str]:
    found, place, text = [], 0, text.rstrip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise QueryError("SyntaxError", f"unexpected: {text[place : place + 20].strip()}")
        found.append(match.group().strip())
        place = match.end()
    return found


def _value(token: str) -> str | datetime:
    if token.startswith('"'):
        return str(json.loads(token))
    if not token.startswith("datetime("):
        raise QueryError("SyntaxError", f"a text or datetime(...) is expected, not {token or 'the end'}")
    try:
        moment = datetime.fromisoformat(token.removeprefix("datetime(").removesuffix(")"))
    except ValueError:
        raise QueryError("SyntaxError", f"no moment: {token}") from None
    if moment.tzinfo is None:
        raise QueryError("SyntaxError", f"no offset: {token}")
    return moment


def _has(text: str, words: str) -> bool:
    """Whole words, whatever their case."""
    return re.search(rf"(?<![A-Za-z0-9]){re.escape(words)}(?![A-Za-z0-9])", text, re.IGNORECASE) is not None


_COMPARE: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "==": lambda found, wanted: found == wanted,
    ">": lambda found, wanted: found > wanted,
    "has": _has,
    "startswith": lambda found, wanted: found.lower().startswith(wanted.lower()),
}
