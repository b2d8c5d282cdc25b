"""Runs a command: reads the settings, does its work, tells errors in words, ends with the exit code."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

import typer

from booking_sync.azure.entra.sign_in import SignIn
from booking_sync.cli.exit_codes import ExitCode
from booking_sync.cli.input.settings_file import merged
from booking_sync.cli.terminal.output import Output, open_output
from booking_sync.errors import PermanentError, SettingsError, TransientError
from booking_sync.plumbing.log import quiet_libraries

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path

TRACEBACK_VARIABLE = "BOOKING_SYNC_TRACEBACK"


class UsageError(Exception):
    """The command line makes no sense; the text says what to do."""


@dataclass(frozen=True, slots=True)
class CommonOptions:
    """The options that every command has, as they were given."""

    settings: Path | None = None
    auth: SignIn | None = None
    as_json: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """What a command works with."""

    environ: Mapping[str, str]
    """The settings; what a command needs of them is loaded by `wiring`."""
    auth: SignIn
    output: Output
    repeated: tuple[str, ...] = ()
    """Options of every command that were given, as a further command line needs them too."""


def run(
    options: CommonOptions,
    work: Callable[[Session], Awaitable[ExitCode]],
    *,
    default_auth: SignIn = SignIn.APP,
) -> NoReturn:
    """Do a command's work and end with its exit code.

    Args:
        options: those that every command has.
        work: what the command does.
        default_auth: who signs in when the command line does not say so.

    Raises:
        typer.Exit: always, with the exit code.
    """
    output = open_output(as_json=options.as_json)
    code = ExitCode.BUG
    try:
        environ = merged(os.environ, options.settings)
        os.environ.update(environ)
        quiet_libraries()
        logging.getLogger().addHandler(logging.NullHandler())  # what matters is told in words
        session = Session(environ, options.auth or default_auth, output, _repeated(options))
        code = asyncio.run(_start(work, session))
    except (SettingsError, UsageError) as error:
        output.error(str(error))
        code = ExitCode.USAGE
    except PermanentError as error:
        output.error(error.reason)
        code = ExitCode.FINDINGS
    except TransientError as error:
        output.error(f"{error.reason.removesuffix('.')}. {_later(error)}")
        code = ExitCode.TRY_LATER
    except (KeyboardInterrupt, typer.Abort, EOFError):  # the latter two: Ctrl-C and Ctrl-D at a question
        output.note("Interrupted.")
        code = ExitCode.INTERRUPTED
    except Exception as error:
        if os.environ.get(TRACEBACK_VARIABLE):
            raise
        output.error(
            f"{type(error).__name__}: a mistake of booking_sync's own. {TRACEBACK_VARIABLE}=1 shows where; "
            "please report that."
        )
    sys.stdout.flush()
    raise typer.Exit(code)


def _repeated(options: CommonOptions) -> tuple[str, ...]:
    settings = ("--settings", str(options.settings)) if options.settings else ()
    return (*settings, *(("--auth", str(options.auth)) if options.auth else ()))


async def _start(work: Callable[[Session], Awaitable[ExitCode]], session: Session) -> ExitCode:
    return await work(session)


def _later(error: TransientError) -> str:
    if error.retry_after is None:
        return "Try again later."
    return f"Try again in {error.retry_after:.0f} seconds."
