"""infra/audit-after-deployment.sh: waits for the new version, has it audit, and tells what came of it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from booking_sync.operations.admission import Admission
from tests.infra.functions import http_functions
from tests.infra.shell import NOTES, Ran, run, stand_in
from tests.infra.templates import ROOT

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = ROOT / "infra" / "audit-after-deployment.sh"
SITE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/func-app"
KEY = "the-key-of-audit-on-demand"
NOT_SIGNED_IN = '{"problem": "You are not signed in: load the page again."}'
REPORT = {
    "mailboxes": 3,
    "bookings": 40,
    "events": 41,
    "counts": {"missing": 2},
    "withheld": 0,
    "enqueued": 2,
    "findings": [{"bookingId": "11111111-2222-4333-8444-555555555555"}],
}
AZ = f"""
if arguments[:2] == ["resource", "list"]:
    print({SITE!r} if "func-app" in arguments else "")
elif any(each.startswith({SITE!r} + "/functions/audit_on_demand/listkeys?") for each in arguments):
    print({KEY!r})
elif any(each.startswith({SITE!r} + "/config/appsettings/list?") for each in arguments):
    assert arguments[arguments.index("--query") + 1] == "properties.OPERATIONS_SIGN_IN", arguments
    print(os.environ["SIGN_IN"])
elif any(each.startswith({SITE!r} + "?") for each in arguments):
    print("func-app.azurewebsites.net")
else:
    sys.exit("unknown: " + repr(arguments))
"""
Answer = tuple[int, str]


def _audit(
    commands: Path,
    *,
    health: list[Answer],
    audit: Answer | list[Answer] = (200, ""),
    app: str = "func-app",
    sign_in: str = "key",
    **environ: str,
) -> Ran:
    stand_in(commands, "az", AZ)
    program = (
        f"health = {health!r}\n"
        f"audit = {[audit] if isinstance(audit, tuple) else audit!r}\n"
        "url = arguments[-1]\n"
        "assert url in ('https://func-app.azurewebsites.net/api/health',\n"
        "               'https://func-app.azurewebsites.net/api/operations/audit'), url\n"
        "status, body = turn('health', health) if url.endswith('health') else turn('audit', audit)\n"
        "if status:\n"
        "    pathlib.Path(arguments[arguments.index('--output') + 1]).write_text(body)\n"
        "print(f'{status:03}', end='')\n"
        "sys.exit(0 if status else 28)\n"
    )
    stand_in(commands, "curl", program)
    return run(
        SCRIPT,
        *[app][: bool(app)],
        commands=commands,
        environ={"PAUSE_SECONDS": "0", "SIGN_IN": sign_in} | environ,
    )


def _asked(commands: Path, command: str = "curl") -> list[tuple[list[str], str]]:
    """Each call of a command: its arguments and its input."""
    notes: list[list[Any]] = [json.loads(line) for line in (commands / NOTES).read_text().splitlines()]
    return [(arguments, given) for name, arguments, given in notes if name == command]


def test_it_asks_functions_that_the_app_has() -> None:
    """The probe is open to everybody, and the fetched key is of the function that is called."""
    routes = {each["trigger"]["route"]: each for each in http_functions()}
    text = SCRIPT.read_text()
    asked = set(re.findall(r'https://\$host/api/([\w/]+)"', text))
    assert {route: routes[route]["trigger"]["authLevel"] for route in asked} == {
        "health": "ANONYMOUS",
        "operations/audit": "FUNCTION",
    }
    assert re.findall(r"/functions/(\w+)/listkeys", text) == [routes["operations/audit"]["name"]]


def test_it_waits_for_the_new_version_and_has_it_mend(tmp_path: Path) -> None:
    """The app is asked until it is healthy; then the audit is ordered with repairs, its counts are shown."""
    health = [(0, ""), (503, "<html>"), (503, '{"status": "failing"}'), (200, '{"status": "ok"}')]
    ran = _audit(tmp_path, health=health, audit=(200, json.dumps(REPORT)))
    assert ran.code == 0, ran.err
    *probes, (order, given) = _asked(tmp_path)
    assert len(probes) == 4
    assert json.loads(order[order.index("--data") + 1]) == {"fix": True}
    assert given == f"x-functions-key: {KEY}"
    assert "3 mailboxes" in ran.out
    assert "2 missing" in ran.out


def test_the_key_is_no_argument_and_not_told(tmp_path: Path) -> None:
    """Neither the list of processes nor the log has it; on GitHub it is masked first."""
    ran = _audit(tmp_path, health=[(200, "{}")], audit=(200, json.dumps(REPORT)), GITHUB_ACTIONS="true")
    assert not [arguments for arguments, _ in _asked(tmp_path) if KEY in " ".join(arguments)]
    assert [line for line in ran.out.splitlines() if KEY in line] == [f"::add-mask::{KEY}"]
    assert KEY not in ran.err
    assert "11111111-2222" not in ran.out + ran.err, "an id in a public log"


@pytest.mark.parametrize("answer", [(0, ""), (502, "<html>"), (503, "<html>"), (504, "")])
def test_an_audit_that_takes_long_is_no_failure(tmp_path: Path, answer: Answer) -> None:
    """The platform ends the request, not the audit: that is told, and the deployment stays green."""
    ran = _audit(tmp_path, health=[(200, "{}")], audit=answer)
    assert ran.code == 0
    assert "goes on in the app" in ran.err


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, '{"error": "The body is not JSON."}'),
        (401, ""),
        (500, ""),
        (502, '{"error": "Dataverse refuses the app"}'),
        (503, '{"problem": "The queue can\'t be reached"}'),
    ],
)
def test_an_audit_that_could_not_be_made_is_a_failure(tmp_path: Path, status: int, body: str) -> None:
    """What the app itself answers is told in its words."""
    ran = _audit(tmp_path, health=[(200, "{}")], audit=(status, body))
    assert ran.code == 1
    assert str(status) in ran.err
    assert all(each in ran.err for each in json.loads(body or "{}").values())


def test_a_long_audit_goes_on_in_the_app(tmp_path: Path) -> None:
    """202: what is left is on the queue, and the deployment is done."""
    ran = _audit(tmp_path, health=[(200, "{}")], audit=(202, json.dumps(REPORT)))
    assert (ran.code, "goes on in the app" in ran.out) == (0, True)


def test_another_audit_is_waited_for(tmp_path: Path) -> None:
    """It may be of one mailbox only, or mend nothing: this one is ordered when the other has ended."""
    busy = (409, '{"error": "Another audit is under way."}')
    ran = _audit(tmp_path, health=[(200, "{}")], audit=[busy, busy, (200, json.dumps(REPORT))])
    assert ran.code == 0
    assert "3 mailboxes" in ran.out
    assert len(_asked(tmp_path)) == 1 + 3


def test_an_audit_that_never_ends_is_told(tmp_path: Path) -> None:
    """Nothing is wrong with the deployment, and somebody has to order the audit later."""
    ran = _audit(
        tmp_path,
        health=[(200, "{}")],
        audit=(409, '{"error": "Another audit is under way."}'),
        MINUTES_FOR_ANOTHER="0",
    )
    assert ran.code == 0
    assert "Another audit is under way." in ran.err
    assert "booking-sync audit --fix" in ran.err


def test_restricted_access_is_told_with_what_to_do(tmp_path: Path) -> None:
    """Where only Dataverse and operators reach the app, the workflow says how to audit by hand."""
    ran = _audit(tmp_path, health=[(403, "<html>")])
    assert ran.code == 0
    assert "booking-sync audit --fix" in ran.err
    assert len(_asked(tmp_path)) == 1


@pytest.mark.parametrize(
    "answer",
    [
        (302, ""),
        (301, "<html>"),
        (401, ""),
        (401, "You do not have permission to view this directory or page."),
        (401, NOT_SIGNED_IN),
    ],
)
@pytest.mark.parametrize("sign_in", ["entra", " Entra "])
def test_a_workflow_can_not_sign_in_as_an_operator(tmp_path: Path, answer: Answer, sign_in: str) -> None:
    """Where operators sign in, no key opens the audit: the deployment stays green and says what to run."""
    ran = _audit(tmp_path, health=[(200, "{}")], audit=answer, sign_in=sign_in)
    assert ran.code == 0, ran.err
    assert "booking-sync audit --fix" in ran.err
    assert KEY not in json.dumps([*_asked(tmp_path), *_asked(tmp_path, "az")])
    assert not [each for each, _ in _asked(tmp_path, "az") if "listkeys" in " ".join(each)]


@pytest.mark.parametrize("answer", [(302, ""), (401, ""), (401, NOT_SIGNED_IN)])
@pytest.mark.parametrize("sign_in", ["key", ""])
def test_a_wrong_key_is_a_failure(tmp_path: Path, answer: Answer, sign_in: str) -> None:
    """The same answers where the app asks for a key: something is wrong, and nothing was audited."""
    ran = _audit(tmp_path, health=[(200, "{}")], audit=answer, sign_in=sign_in)
    assert ran.code == 1
    assert "refused" in ran.err


def test_sign_in_that_is_switched_off_is_a_failure(tmp_path: Path) -> None:
    """Then nobody gets in, operators included; the app's words are told."""
    refusal = Admission(by_entra=True, platform_signs_in=False).refusal({})
    assert refusal
    ran = _audit(
        tmp_path,
        health=[(200, "{}")],
        audit=(int(refusal.status), json.dumps(refusal.payload)),
        sign_in="entra",
    )
    assert ran.code == 1
    assert "the platform's authentication is off" in ran.err


def test_the_page_says_that_the_workflow_can_not_audit_where_operators_sign_in() -> None:
    """Beside what the workflow does, and where sign-in is set up."""
    page = " ".join((ROOT / "docs" / "deployment.md").read_text().split())
    of_github = page.partition("**From GitHub**")[2].partition("## Several environments")[0]
    assert "[Where operators sign in](#sign-in-for-operators), the workflow orders no audit" in of_github
    assert "`booking-sync audit --fix`" in of_github
    signing_in = page.partition("### Sign-in for operators")[2].partition("### Without the command line")[0]
    assert "`booking-sync audit --fix`" in signing_in


@pytest.mark.parametrize(("app", "words"), [("", "usage"), ("func-typo", "func-typo")])
def test_a_wrong_app_is_told(tmp_path: Path, app: str, words: str) -> None:
    """No name, or one that is not there, is an error in words."""
    ran = _audit(tmp_path, health=[(200, "{}")], app=app)
    assert ran.code == 1
    assert words in ran.err
