"""`booking-sync provision`: makes columns, webhook, steps and what dispatchers see in Dataverse."""

from __future__ import annotations

import asyncio
import re
import sys
from dataclasses import dataclass, replace
from functools import partial
from getpass import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urlsplit

import typer

from booking_sync.azure.sign_in import SignIn
from booking_sync.cli.exit_codes import ExitCode
from booking_sync.cli.options import AuthOption, DryRunOption, JsonOption, SettingsOption, YesOption
from booking_sync.cli.output import make_table
from booking_sync.cli.runner import CommonOptions, Session, UsageError, run
from booking_sync.domain.text import trim
from booking_sync.provisioning.converge import converge
from booking_sync.provisioning.desired import NoCommonPrefixError, desired_customizations
from booking_sync.provisioning.plan import make_plan
from booking_sync.provisioning.removal import plan_removal
from booking_sync.provisioning.webhook_trial import ANSWERS, judge_trial
from booking_sync.provisioning.webhook_trial import KIND as TRIAL
from booking_sync.settings.loading import load_part
from booking_sync.settings.table import EnvironmentSettings, PeopleSettings
from booking_sync.wiring.commands import open_provisioning

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from booking_sync.domain.event_text.columns import EventColumn
    from booking_sync.ports.customizations import DesiredCustomizations
    from booking_sync.provisioning.converge import ProvisioningReport
    from booking_sync.wiring.commands import Provisioning

URL_VARIABLE: Final = "WEBHOOK_URL"
KEY_VARIABLE: Final = "WEBHOOK_KEY"
ROUTE: Final = "/api/dataverse/bookings"
_HTTPS_PORT = 443
_NO_KEYS = ("none", "null", "nil", "undefined")
"""What tools print for a value that is not there."""
_LOCAL = ("localhost", "127.0.0.1")

UrlOption = Annotated[
    str,
    typer.Option(
        "--url",
        metavar="URL",
        help=f"The function app, https://<app>.azurewebsites.net, or the whole address of its webhook; "
        f"{URL_VARIABLE} by default. Once registered, it may be left out.",
        show_default=False,
    ),
]
KeyFileOption = Annotated[
    Path | None,
    typer.Option(
        "--key-file",
        metavar="FILE",
        help="Holds the function's key; - reads it from standard input, hidden in a terminal. "
        f"{KEY_VARIABLE} by default. Once registered, it may be left out.",
        show_default=False,
    ),
]
WriteKeyOption = Annotated[
    bool,
    typer.Option("--write-key", help="Write the key even if it seems to be the one that is there."),
]
RemoveOption = Annotated[
    bool,
    typer.Option(
        "--remove",
        help="Take the view, the forms' section, the steps and the webhook away; the columns stay.",
    ),
]
LeaveFormsOption = Annotated[
    bool,
    typer.Option("--leave-forms", help="Put nothing onto the booking's forms, and take nothing off them."),
]
RemoveColumnsOption = Annotated[
    bool,
    typer.Option(
        "--remove-columns",
        help="With --remove: the columns too, with the record of every event, and the solution.",
    ),
]


@dataclass(frozen=True, slots=True)
class _Options:
    """The options of this command, as they were given."""

    url: str
    key_file: Path | None
    write_key: bool
    dry_run: bool
    remove: bool
    remove_columns: bool
    leave_forms: bool
    yes: bool


def provision(
    *,
    url: UrlOption = "",
    key_file: KeyFileOption = None,
    write_key: WriteKeyOption = False,
    dry_run: DryRunOption = False,
    remove: RemoveOption = False,
    remove_columns: RemoveColumnsOption = False,
    leave_forms: LeaveFormsOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
    settings: SettingsOption = None,
    auth: AuthOption = None,
) -> None:
    """Make what the sync needs in Dataverse: columns, webhook, steps, and what dispatchers see of errors.

    It compares what is there with what is needed, does what is missing, and reads it back; a second run
    changes nothing, and a run that broke off is completed by the next. To rotate the function's key, run it
    with the new one. You have to be System Administrator or System Customizer there; by default it signs in
    as you (--auth cli).
    """
    options = _Options(url, key_file, write_key, dry_run, remove, remove_columns, leave_forms, yes)
    run(CommonOptions(settings, auth, as_json), partial(_provision, options), default_auth=SignIn.CLI)


async def _provision(options: _Options, session: Session) -> ExitCode:
    if options.remove_columns and not options.remove:
        raise UsageError("--remove-columns goes with --remove.")
    _ask(options)
    key = "" if options.remove else _read_key(options.key_file, session.environ)
    if options.write_key and not key:
        raise UsageError("--write-key needs the key: give --key-file.")
    desired_by = _desired(options, session.environ, has_key=bool(key))
    async with open_provisioning(
        session.environ,
        session.auth,
        key,
        trust_fingerprint=not options.write_key,
        with_events=not options.remove,
    ) as provisioning:
        desired = desired_by(provisioning.event_columns)
        decide = partial(make_plan, desired=desired)
        if options.remove:
            decide = partial(plan_removal, desired=desired, remove_columns=options.remove_columns)
        with session.output.working("Dataverse"):
            report = await converge(
                provisioning.customizations,
                desired,
                decide,
                dry_run=options.dry_run,
                sleep=asyncio.sleep,
                tell=session.output.note,
            )
        if report.complete and key and not options.dry_run and not options.remove:
            report = await _tried(report, provisioning, desired, key, session)
    _show(report, options, session)
    return (
        ExitCode.FINE if report.complete or (options.dry_run and not _blocked(report)) else ExitCode.FINDINGS
    )


async def _tried(
    report: ProvisioningReport,
    provisioning: Provisioning,
    desired: DesiredCustomizations,
    key: str,
    session: Session,
) -> ProvisioningReport:
    """The report with what a trial of the registered webhook said."""
    with session.output.working("Trying the webhook"):
        found = await provisioning.customizations.read(desired)
        url = found.webhook.url if found.webhook else ""
        trial = judge_trial(url, await provisioning.try_webhook(url, key))
    return replace(
        report, outcomes=(*report.outcomes, trial), complete=report.complete and trial.result == ANSWERS
    )


def _desired(
    options: _Options, environ: Mapping[str, str], *, has_key: bool
) -> Callable[[Sequence[EventColumn]], DesiredCustomizations]:
    """What should be there, by the columns that the event file names."""
    columns = load_part(environ, EnvironmentSettings).columns
    of_resource = load_part(environ, PeopleSettings).resource_columns
    url = read_url(options.url or environ.get(URL_VARIABLE, ""))
    desired = partial(
        desired_customizations,
        columns,
        url,
        of_resource=of_resource,
        has_key=has_key,
        with_forms=not options.leave_forms,
    )
    try:
        desired()
    except NoCommonPrefixError as error:
        raise UsageError(str(error)) from None
    return lambda event_columns: desired(event_columns=event_columns)


def read_url(text: str) -> str:
    """The webhook's address; empty when none was given.

    Args:
        text: the whole address, or the function app's.

    Raises:
        UsageError: Dataverse could not call it.
    """
    text = trim(text)
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        port = parts.port or _HTTPS_PORT
    except ValueError:
        raise UsageError("The webhook's address is no URL.") from None
    if parts.scheme != "https" or not parts.hostname:
        raise UsageError("The webhook's address must begin with https://.")
    if parts.query or parts.fragment or parts.username is not None:
        raise UsageError("The webhook's address must not carry a key: give that with --key-file.")
    if port != _HTTPS_PORT and parts.hostname not in _LOCAL:
        raise UsageError("Dataverse calls webhooks on port 443 only.")
    return text if parts.path.strip("/") else f"{text.rstrip('/')}{ROUTE}"


def _read_key(path: Path | None, environ: Mapping[str, str]) -> str:
    if path is None:
        return _checked_key(environ.get(KEY_VARIABLE, ""))
    if str(path) == "-":
        key = getpass("The function's key: ") if sys.stdin.isatty() else sys.stdin.read()
    else:
        try:
            key = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeError):
            raise UsageError(f"The key file {path} can't be read.") from None
    if not trim(key):
        raise UsageError("The function's key is empty.")
    return _checked_key(key)


def _checked_key(text: str) -> str:
    """The key without what surrounds it.

    Raises:
        UsageError: it is what a tool prints that found no key, or can't be one.
    """
    key = trim(text)
    if key.lower() in _NO_KEYS:
        raise UsageError(
            f"The function's key is {key!r}: whatever should have read it found none. Read it once more "
            "(docs/deployment.md, step 6)."
        )
    if re.search(r"[\s\x00-\x1f\"{}]", key):
        raise UsageError(
            "The function's key holds white space, quotation marks or braces: give the bare key, not JSON."
        )
    return key


def _ask(options: _Options) -> None:
    if not options.remove or options.yes or options.dry_run:
        return
    what = (
        "the view, the steps, the webhook and the columns with all they hold"
        if options.remove_columns
        else "the view, the steps and the webhook"
    )
    if not sys.stdin.isatty():
        raise UsageError(f"This would remove {what} from Dataverse: add --yes, or look first with --dry-run.")
    if not typer.confirm(f"Remove {what} from Dataverse?", err=True):
        raise UsageError("Nothing was removed.")


def _blocked(report: ProvisioningReport) -> bool:
    return any(outcome.result == "in the way" for outcome in report.outcomes)


def _show(report: ProvisioningReport, options: _Options, session: Session) -> None:
    rows = [(each.kind, each.name, each.result, each.detail) for each in report.outcomes]
    data = {**report.as_json(), "dryRun": options.dry_run}
    session.output.result(data, make_table(("what", "name", "is", "detail"), rows))
    session.output.note(_closing(report, options))


def _closing(report: ProvisioningReport, options: _Options) -> str:
    if _blocked(report):
        return "Nothing was changed: first see to what is in the way."
    if report.complete:
        return (
            "Done, and read back."
            if report.changed
            else "Everything is as it should be; nothing was changed."
        )
    if options.dry_run:
        return "Nothing was changed (--dry-run)."
    if any(outcome.kind == TRIAL for outcome in report.outcomes):
        return "Everything is registered, but the webhook does not work: see its trial above."
    return "Not everything reads back as it should: run the command again."
