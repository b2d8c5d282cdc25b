"""The JSON schemas in docs/schemas: as `python -m tools.schemas` writes them, and none besides."""

from __future__ import annotations

import pytest
import typer
from jsonschema import Draft202012Validator

from booking_sync.cli.main import app
from tools.schemas import FOLDER, SCHEMAS, text_of


@pytest.mark.parametrize("command", SCHEMAS)
def test_a_schema_s_file_is_as_it_is_written(command: str) -> None:
    """`python -m tools.schemas` writes it; the tests of commands read what was printed through it."""
    assert (FOLDER / f"{command}.json").read_text() == text_of(command)
    Draft202012Validator.check_schema(SCHEMAS[command])


def test_every_command_has_one() -> None:
    """Those of groups by both words, and no file of a command that is gone."""
    program = typer.main.get_command(app)
    names = set()
    for name, command in program.commands.items():  # type: ignore[attr-defined]
        names |= {f"{name}-{each}" for each in getattr(command, "commands", ())} or {name}
    assert names == SCHEMAS.keys() == {path.stem for path in FOLDER.glob("*.json")}
