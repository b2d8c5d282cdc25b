"""The command line, `python -m booking_sync …`: for those who set the sync up and operate it.

    main           the program: registers the commands
    commands/      one module per command
    input/         what people give: options, ids and moments, names, the settings file, the webhook's address
    runner         settings, sign-in, the command's work, errors in words -> exit code
    exit_codes     what the shell is told
    terminal/      what they see: tables, JSON, notes and progress
    version        of the program
    checkpoint     the progress of a backfill or a resync of all, in a file
    queueing       what `backfill` and `resync --all` have in common

docs/cli.md is the manual.

To add a command:

1. Write `commands/<name>.py` with one function. Its docstring is the help text, its parameters are the
   options: keyword-only, `Annotated` with a `typer.Option` or an alias of `input.options`.
2. The function makes `CommonOptions` of the options that every command has, and hands an `async` function to
   `runner.run`. That one gets a `Session` (settings, sign-in, output) and returns an `ExitCode`. It may raise
   `SettingsError`, `UsageError`, `PermanentError` and `TransientError`; the runner prints their text and
   chooses the exit code. Any other error is reported as a mistake of ours, without a traceback.
3. `booking_sync.wiring`, the composition root, makes what the command needs of adapters. What the command
   decides belongs into a use case, which knows neither Typer nor Rich.
4. The result goes to standard output through `Output.result`, as a table or as JSON; everything else,
   progress (`working`, `counting`) and notes, to standard error.
5. Anything that changes something takes `DryRunOption`; what can't be undone asks for `YesOption`.
6. Register it in `main`, describe it in docs/cli.md, try it in `tests/cli/`.
"""
