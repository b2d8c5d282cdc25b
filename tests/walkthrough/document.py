"""Reads a walk-through: commands to run, what they show, and what to do on the operator's page.

In the Markdown these mean something; everything else is for people only:

    ```bash                     commands, run in one shell, one block after the other
    ```text                     what the block before shows, see `excerpts`
    <!-- terminal: another -->  the next block goes on running, in a terminal of its own
    <!-- exit code: 1 -->       the last command of the next block ends with that; otherwise all with 0
    <!-- page: … | … | … -->    a step on the operator's page, see `tests.walkthrough.pages`
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

LEFT_OUT = "…"
_PIECE = re.compile(
    r"^```(?P<language>\w+)\n(?P<text>.*?)^```$|^<!-- (?P<name>[a-z ]+): (?P<value>.*?) -->$",
    re.MULTILINE | re.DOTALL,
)


class NotUnderstoodError(ValueError):
    """The document holds a block or a directive that nobody would run."""


@dataclass(frozen=True)
class Commands:
    """A block of shell commands."""

    script: str
    shows: str
    """The excerpt of the output that the document shows; empty for none."""
    exit_code: int = 0
    in_another_terminal: bool = False


@dataclass(frozen=True)
class PageStep:
    """Something to do, or to see, on the operator's page."""

    words: tuple[str, ...]


Step = Commands | PageStep


def read_steps(markdown: str) -> list[Step]:
    """The steps in their order.

    Raises:
        NotUnderstoodError: the document says something that is none of these.
    """
    steps: list[Step] = []
    directives: dict[str, str] = {}
    for piece in _PIECE.finditer(markdown):
        match piece["language"], piece["name"]:
            case "bash", None:
                steps.append(_commands(piece["text"], directives))
                directives = {}
            case "text", None:
                steps[-1] = _showing(steps[-1], piece["text"])
            case None, "page":
                steps.append(PageStep(tuple(word.strip() for word in piece["value"].split("|"))))
            case None, "terminal" | "exit code" as name:
                directives[name] = piece["value"]
            case language, name:
                raise NotUnderstoodError(f"What is {language or name}? {piece[0]}")
    if directives:
        raise NotUnderstoodError(f"No block follows {directives}")
    return steps


def first_difference(excerpt: str, output: str) -> str:
    """What of an excerpt the output does not show; empty when it shows all of it.

    Lines of the excerpt are found in the output one after the other; `…` stands for anything within a line,
    and as a line of its own for any number of lines. Blank lines and the width of gaps don't count.
    """
    lines, place = list(_lines(output)), 0
    for part in _parts(excerpt):
        patterns = [_pattern(line) for line in part]
        for start in range(place, len(lines) - len(part) + 1):
            if all(map(re.fullmatch, patterns, lines[start : start + len(part)])):
                place = start + len(part)
                break
        else:
            return "\n".join(part)
    return ""


def _commands(script: str, directives: dict[str, str]) -> Commands:
    return Commands(
        script,
        shows="",
        exit_code=int(directives.get("exit code", "0")),
        in_another_terminal=directives.get("terminal") == "another",
    )


def _showing(step: Step, excerpt: str) -> Commands:
    if not isinstance(step, Commands) or step.shows:
        raise NotUnderstoodError(f"No commands come before this: {excerpt}")
    return Commands(step.script, excerpt, step.exit_code, step.in_another_terminal)


def _parts(excerpt: str) -> Iterator[list[str]]:
    """Lines that follow each other without anything left out."""
    part: list[str] = []
    for line in _lines(excerpt):
        if line != LEFT_OUT:
            part.append(line)
        elif part:
            yield part
            part = []
    if part:
        yield part


def _lines(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if words := line.split():
            yield " ".join(words)


def _pattern(line: str) -> str:
    return ".*".join(re.escape(piece) for piece in line.split(LEFT_OUT))
