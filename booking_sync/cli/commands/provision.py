"""`booking-sync provision`: makes columns, webhook, steps and what dispatchers see in Dataverse."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from booking_sync.azure.entra.sign_in import SignIn
from booking_sync.cli.exit_codes import ExitCode
from booking_sync.cli.input.options import AuthOption, DryRunOption, JsonOption, SettingsOption, YesOption
from booking_sync.cli.input.webhook_arguments import (
    URL_VARIABLE,
    KeyFileOption,
    UrlOption,
    read_key,
    read_url,
)
from booking_sync.cli.runner import CommonOptions, Session, UsageError, run
from booking_sync.cli.terminal.output import make_table
from booking_sync.domain.environment.columns import ReturnColumns
from booking_sync.domain.environment.rights import DEFINITIONS, NEEDED, needed
from booking_sync.domain.ids import typed_guid
from booking_sync.domain.text import trim
from booking_sync.errors import PermanentError, SettingsError, SyncError, TransientError
from booking_sync.ports.dataverse.app_user import DesiredAppUser
from booking_sync.provisioning.converge import (
    ChangeRefusedError,
    PartOutcome,
    ProvisioningReport,
    converge,
    joined,
)
from booking_sync.provisioning.desired import NoCommonPrefixError, desired_customizations
from booking_sync.provisioning.parts import PartState
from booking_sync.provisioning.plan import make_plan
from booking_sync.provisioning.removal import plan_removal
from booking_sync.provisioning.user_plan import plan_app_user, plan_app_user_removal
from booking_sync.provisioning.webhook_trial import ANSWERS, judge_trial
from booking_sync.provisioning.webhook_trial import KIND as TRIAL
from booking_sync.settings.contradictions import NOTIFICATION_KEY
from booking_sync.settings.loading import load_part
from booking_sync.settings.parts import EnvironmentSettings, PeopleSettings, ReturnSettings
from booking_sync.settings.registration import hears_outlook
from booking_sync.wiring.commands.operating import open_provisioning

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from booking_sync.domain.events.event_text.columns import EventColumn
    from booking_sync.ports.dataverse.customization_actions import Provisionable
    from booking_sync.ports.dataverse.customizations import DesiredCustomizations
    from booking_sync.provisioning.parts import ProvisioningPlan
    from booking_sync.wiring.commands.operating import Provisioning

Desired = TypeVar("Desired")
Found = TypeVar("Found")

CLIENT_VARIABLE = "ENTRA_CLIENT_ID"
KEY = "key of notifications"
SUBSCRIPTIONS = "subscriptions"
"""Kinds of parts."""

WriteKeyOption = Annotated[
    bool,
    typer.Option("--write-key", help="Write the key even if it seems to be the one that is there."),
]
RemoveOption = Annotated[
    bool,
    typer.Option(
        "--remove",
        help="Take the views, the forms' sections, the steps and the webhook away; the columns stay.",
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


UserOnlyOption = Annotated[
    bool,
    typer.Option(
        "--user-only",
        help="Only the security role and the application user, before there is a function app; prints what "
        "to set.",
    ),
]
NoTrialOption = Annotated[
    bool,
    typer.Option("--no-trial", help="Don't try the webhook: where only Dynamics 365 may reach the app."),
]
NarrowOption = Annotated[
    bool,
    typer.Option(
        "--narrow",
        help="Take away too what the way back or participation had the webhook told, where these settings "
        "do without; it is kept otherwise.",
    ),
]
LeaveUserOption = Annotated[
    bool, typer.Option("--leave-user", help="Leave the security role and the application user alone.")
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
    user_only: bool
    leave_user: bool
    no_trial: bool
    narrow: bool
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
    user_only: UserOnlyOption = False,
    leave_user: LeaveUserOption = False,
    no_trial: NoTrialOption = False,
    narrow: NarrowOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
    settings: SettingsOption = None,
    auth: AuthOption = None,
) -> None:
    """Make what the sync needs in Dataverse: user and role, columns, webhook, and what dispatchers see.

    It compares what is there with what is needed, does what is missing, and reads it back; a second run
    changes nothing, and a run that broke off is completed by the next. To rotate the function's key, run it
    with the new one. You have to be System Administrator there (for all but the user and its role a System
    Customizer will do); by default it signs in as you (--auth cli).
    """
    options = _Options(
        url=url,
        key_file=key_file,
        write_key=write_key,
        dry_run=dry_run,
        remove=remove,
        remove_columns=remove_columns,
        leave_forms=leave_forms,
        user_only=user_only,
        leave_user=leave_user,
        no_trial=no_trial,
        narrow=narrow,
        yes=yes,
    )
    run(CommonOptions(settings, auth, as_json), partial(_provision, options), default_auth=SignIn.CLI)


async def _provision(options: _Options, session: Session) -> ExitCode:
    key = _check(options, session)
    desired_by = _desired(options, session.environ, has_key=bool(key))
    async with open_provisioning(
        session.environ,
        session.auth,
        key,
        trust_fingerprint=not options.write_key,
        with_events=not options.remove,
    ) as provisioning:
        # Whatever stands in the way, of whichever part, is found before the first of them is changed.
        looking = replace(options, dry_run=True)
        report = await _carried_out(looking, provisioning, desired_by, key, session)
        if not (options.dry_run or _blocked(report)):
            report = await _carried_out(options, provisioning, desired_by, key, session)
        settings = await _settings(options, provisioning, session)
    _show(report, options, settings, session)
    return (
        ExitCode.FINE if report.complete or (options.dry_run and not _blocked(report)) else ExitCode.FINDINGS
    )


async def _carried_out(
    options: _Options,
    provisioning: Provisioning,
    desired_by: Callable[[Sequence[EventColumn]], DesiredCustomizations],
    key: str,
    session: Session,
) -> ProvisioningReport:
    """Every part that these options are about, in the order in which they are dealt with."""
    reports = [await _subscriptions(options, provisioning, session)] if options.remove else []
    if not (options.leave_user or options.remove):
        reports.append(await _app_user(options, provisioning, session))
    if not options.user_only:
        desired = desired_by(provisioning.event_columns)
        reports.append(await _customize(options, provisioning, desired, session))
        if reports[-1].complete and key and not (options.dry_run or options.no_trial):
            reports.append(await _tried(provisioning, desired, key, session))
        if hears_outlook(session.environ) and not options.remove:
            reports.append(await _notification_key(options, provisioning))
    if options.remove_columns and not options.leave_user and (options.dry_run or reports[-1].complete):
        reports.append(await _app_user(options, provisioning, session))
    return joined(reports)


def _check(options: _Options, session: Session) -> str:
    """The function's key; empty when none is needed or was given.

    Raises:
        UsageError: options contradict each other, somebody said no, or the key can be none.
    """
    if options.remove_columns and not options.remove:
        raise UsageError("--remove-columns goes with --remove.")
    if options.user_only and (options.remove or options.leave_user):
        raise UsageError("--user-only goes with neither --remove nor --leave-user.")
    if options.narrow and (options.remove or options.user_only):
        raise UsageError("--narrow goes with neither --remove nor --user-only.")
    application_id = _application_id(session.environ)
    if not application_id and trim(session.environ.get(CLIENT_VARIABLE, "")):
        raise UsageError(
            f"{CLIENT_VARIABLE} is no GUID: it must be the app registration's client id "
            "(docs/deployment.md, step 1)."
        )
    if options.user_only and not application_id:
        raise UsageError(f"--user-only needs {CLIENT_VARIABLE}: the app registration's client id, a GUID.")
    _ask(options, session.environ)
    key = "" if options.remove or options.user_only else read_key(options.key_file, session.environ)
    if options.write_key and not key:
        raise UsageError("--write-key needs the key: give --key-file.")
    return key


def _application_id(environ: Mapping[str, str]) -> str:
    return typed_guid(environ.get(CLIENT_VARIABLE, "")) or ""


async def _customize(
    options: _Options, provisioning: Provisioning, desired: DesiredCustomizations, session: Session
) -> ProvisioningReport:
    decide = partial(make_plan, desired=desired, narrow=options.narrow)
    if options.remove:
        decide = partial(plan_removal, desired=desired, remove_columns=options.remove_columns)
    return await _converge(options, session, provisioning.customizations, desired, decide)


async def _converge(
    options: _Options,
    session: Session,
    environment: Provisionable[Desired, Found],
    desired: Desired,
    decide: Callable[[Found], ProvisioningPlan],
) -> ProvisioningReport:
    with session.output.working("Dataverse"):
        return await converge(
            environment,
            desired,
            decide,
            dry_run=options.dry_run,
            sleep=asyncio.sleep,
            tell=session.output.note,
        )


async def _app_user(options: _Options, provisioning: Provisioning, session: Session) -> ProvisioningReport:
    """The role and the user; who may not look at them, or may not make them, can still make the rest."""
    application_id = _application_id(session.environ)
    if not application_id:
        return _left_alone(f"{CLIENT_VARIABLE} does not say which app registration it is of")
    # Also while it only reports: nobody has to think of it at the next step.
    names = needed(cancels=load_part(session.environ, ReturnSettings).return_columns is not None)
    desired = DesiredAppUser(
        application_id,
        names | (DEFINITIONS if provisioning.event_columns else frozenset()),
        provisioning.event_tables - NEEDED.keys(),
    )
    decide = partial(plan_app_user_removal if options.remove else plan_app_user, desired=desired)
    try:
        return await _converge(options, session, provisioning.app_users, desired, decide)
    except ChangeRefusedError as refusal:
        return replace(refusal.report, refused=f"{refusal.reason}{_who_may(options)}")
    except PermanentError as error:
        if options.user_only:
            raise
        return _left_alone(f"{error.reason}{_who_may(options)}")


def _who_may(options: _Options) -> str:
    """Whom to ask, after a refusal."""
    if options.user_only:
        return ""
    how = "by the same command" if options.remove else "with --user-only"
    return f" A System Administrator can see to it {how}."


async def _subscriptions(
    options: _Options, provisioning: Provisioning, session: Session
) -> ProvisioningReport:
    """What Graph was asked to report; it ends by itself within three days, so that nothing hangs on it."""
    if options.dry_run:
        return _subscriptions_to_end(session)
    try:
        ended = await provisioning.end_subscriptions()
    except (SyncError, SettingsError) as error:
        return _left_alone(f"{error} They end by themselves within three days.", kind=SUBSCRIPTIONS)
    outcomes = (PartOutcome(SUBSCRIPTIONS, "", "removed", f"{ended} of mailboxes"),) if ended else ()
    return ProvisioningReport(outcomes, complete=True, changed=bool(ended))


def _subscriptions_to_end(session: Session) -> ProvisioningReport:
    """Without a look: they can be seen only by the app, and whoever runs a dry run may not sign in as it."""
    if not _notification_url(session.environ):
        return ProvisioningReport((), complete=True, changed=False)
    detail = "what Graph reports to NOTIFICATION_URL, if there are any"
    outcome = PartOutcome(SUBSCRIPTIONS, "", str(PartState.SURPLUS), detail)
    return ProvisioningReport((outcome,), complete=False, changed=False)


async def _notification_key(options: _Options, provisioning: Provisioning) -> ProvisioningReport:
    """The vault's key of notifications; who may not make it can still make the rest."""
    if options.dry_run:
        return _left_alone("nothing is changed now", NOTIFICATION_KEY, kind=KEY)
    try:
        made = await provisioning.make_key()
    except (TransientError, SettingsError) as error:
        return _left_alone(str(error), NOTIFICATION_KEY, kind=KEY)
    result = "made" if made else str(PartState.EXISTS)
    outcome = PartOutcome(KEY, NOTIFICATION_KEY, result, "proves what Graph reports, in the vault")
    return ProvisioningReport((outcome,), complete=True, changed=made)


def _left_alone(why: str, name: str = "", *, kind: str = "application user") -> ProvisioningReport:
    outcome = PartOutcome(kind, name, str(PartState.KEPT), f"not looked at: {why}")
    return ProvisioningReport((outcome,), complete=True, changed=False)


async def _settings(options: _Options, provisioning: Provisioning, session: Session) -> dict[str, str]:
    """What the app's settings should say of the environment, where they say something else or nothing."""
    application_id = _application_id(session.environ)
    if options.remove or options.leave_user or not application_id:
        return {}
    known = {"DATAVERSE_ORGANIZATION_ID": provisioning.organization_id}
    user_id = await provisioning.app_users.user_id(application_id)
    if user_id:
        known["DATAVERSE_APP_USER_ID"] = user_id
    return {name: value for name, value in known.items() if session.environ.get(name, "").lower() != value}


async def _tried(
    provisioning: Provisioning, desired: DesiredCustomizations, key: str, session: Session
) -> ProvisioningReport:
    """What a trial of the registered webhook said."""
    with session.output.working("Trying the webhook"):
        found = await provisioning.customizations.read(desired)
        url = found.webhook.url if found.webhook else ""
        trial = judge_trial(desired.webhook.name, await provisioning.try_webhook(url, key))
    return ProvisioningReport((trial,), complete=trial.result == ANSWERS, changed=False)


def _desired(
    options: _Options, environ: Mapping[str, str], *, has_key: bool
) -> Callable[[Sequence[EventColumn]], DesiredCustomizations]:
    """What should be there, by the columns that the event file names."""
    columns = load_part(environ, EnvironmentSettings).columns
    of_resource = load_part(environ, PeopleSettings).resource_columns
    of_return = load_part(environ, ReturnSettings).return_columns
    if options.remove:  # what was made while it was on goes as well
        of_return = ReturnColumns.beside(columns)
    url = read_url(options.url or environ.get(URL_VARIABLE, ""))
    desired = partial(
        desired_customizations,
        columns,
        url,
        of_resource=of_resource,
        of_return=of_return,
        has_key=has_key,
        with_forms=not options.leave_forms,
    )
    try:
        desired()
    except NoCommonPrefixError as error:
        raise UsageError(str(error)) from None
    return lambda event_columns: desired(event_columns=event_columns)


def _ask(options: _Options, environ: Mapping[str, str]) -> None:
    if not options.remove or options.yes or options.dry_run:
        return
    deeds = _deeds(options, environ)
    if not sys.stdin.isatty():
        raise UsageError(f"This would {deeds}: add --yes, or look first with --dry-run.")
    if not typer.confirm(f"{deeds[0].upper()}{deeds[1:]}?", err=True):
        raise UsageError("Nothing was removed.")


def _deeds(options: _Options, environ: Mapping[str, str]) -> str:
    """All that a removal does, whatever of it is there: "remove … from Dataverse, …"."""
    with_user = options.remove_columns and not options.leave_user and bool(_application_id(environ))
    things = [
        "the views",
        *([] if options.leave_forms else ["our sections on the forms"]),
        "the steps",
        "the webhook",
        *(
            ["our columns with all they hold", "the solution", "its publisher"]
            if options.remove_columns
            else []
        ),
        *(["the security role"] if with_user else []),
    ]
    deeds = [
        f"remove {_listed(things)} from Dataverse",
        *(["disable the application user"] if with_user else []),
        *(["end what Graph reports to NOTIFICATION_URL"] if _notification_url(environ) else []),
    ]
    return _listed(deeds)


def _listed(words: Sequence[str]) -> str:
    """One, two and three."""
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


def _notification_url(environ: Mapping[str, str]) -> str:
    return load_part(environ, ReturnSettings).notification_url


def _blocked(report: ProvisioningReport) -> bool:
    return any(outcome.result == "in the way" for outcome in report.outcomes)


def _show(
    report: ProvisioningReport, options: _Options, settings: Mapping[str, str], session: Session
) -> None:
    rows = [(each.kind, each.name, each.result, each.detail) for each in report.outcomes]
    data = {**report.as_json(), "dryRun": options.dry_run, "settings": settings}
    session.output.result(data, make_table(("what", "name", "is", "detail"), rows))
    for name, value in settings.items():
        session.output.note(f"Set for the app: {name}={value}")
    session.output.note(_closing(report, options))


def _closing(report: ProvisioningReport, options: _Options) -> str:
    if _blocked(report):
        done = "Not everything was done" if report.changed else "Nothing was changed"
        return f"{done}: first see to what is in the way."
    if report.complete:
        return (
            "Done, and read back."
            if report.changed
            else "Everything is as it should be; nothing was changed."
        )
    if options.dry_run:
        return "Nothing was changed (--dry-run)."
    if report.refused:
        return f"Not everything was done: {report.refused}"
    if any(outcome.kind == TRIAL for outcome in report.outcomes):
        return "Everything is registered, but the webhook does not work: see its trial above."
    return "Not everything reads back as it should: run the command again."
