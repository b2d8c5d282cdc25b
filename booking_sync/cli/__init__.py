"""The command line: `python -m booking_sync …`, for those who set the sync up and operate it.

Rooms: `main` the program, `commands/` one module per command, `options` what commands have in common on the
command line, `runner` from options to exit code, `environment` the settings, `output` tables, JSON, progress,
`exit_codes` what the shell is told. docs/cli.md is the manual.

To add a command:

1. Write `commands/<name>.py` with one function. Its docstring is the help text, its parameters are the
   options: keyword-only, `Annotated` with a `typer.Option` or an alias of `options`.
2. The function makes a `Request` of the common options and hands an `async` function to `runner.run`. That
   one gets a `Session` (settings, sign-in, output) and returns an `ExitCode`. It may raise `SettingsError`,
   `UsageError`, `PermanentError` and `TransientError`; the runner prints their text and chooses the exit
   code. Nothing else should come out: it would be reported as a mistake of ours, without a traceback.
3. What the command needs of adapters is made in `booking_sync.wiring`, the composition root (`console` for
   commands that operate a running sync). What it decides belongs into a use case that knows neither Typer
   nor Rich.
4. The result goes to standard output through `Output.result`, as a table or as JSON; everything else,
   progress (`working`, `counting`) and notes, to standard error.
5. Anything that changes something takes `DryRunOption`; what can't be undone asks for `YesOption`.
6. Register it in `main`, describe it in docs/cli.md, try it in `tests/cli/`.
"""
