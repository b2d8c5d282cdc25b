"""docs/deployment.md, typed from top to bottom: bash runs its blocks; programs that only take notes answer.

What a service would say nobody knows here; but whoever follows the page meets no variable that no earlier
step had set, no argument that came out empty, and no environment but their own.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.infra.bicep import read

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
OUTPUTS = sorted(read(ROOT / "infra" / "main.bicep").of("output"))
ENVIRONMENT = "walked"
ASKED = "0f0e0d0c-1111-4222-8333-444455556666"
"""What `az` answers to every question for one value."""
ZONE = "Europe/Berlin"
OF_THE_APP = {
    "KEY_VAULT_URL": "key_vault_url",
    "ENTRA_TENANT_ID": ASKED,
    "ENTRA_CLIENT_ID": ASKED,
    "DATAVERSE_URL": "https://<org>.crm4.dynamics.com",
    "DATAVERSE_ORGANIZATION_ID": "<as it says>",
    "DATAVERSE_APP_USER_ID": "<as it says>",
    "EVENT_TIME_ZONE": ZONE,
    "RETURN_PATH": "off",
}
"""Its settings."""
NOTES = "notes"
"""Each call: its program and arguments, one a line, an empty line behind; in one write, since the two
programs of a pipe take notes at the same time."""
STANDIN = f"""#!/bin/bash
printf '%s\\n' "${{0##*/}}" "${{@/#/> }}" '' >> "$WALK/{NOTES}"
case "$*" in *@-*|*/dev/stdin*) cat > /dev/null;; esac
"""
ANSWERS = {
    "az": f'case "$*" in *"appsettings list"*) cat "$WALK/settings";; *--query*) echo {ASKED};; esac',
    "azd": 'case "$*" in *get-values*) cat "$WALK/values";; esac',
    "python3": f'case "$*" in *venv*) ;; *) exec {sys.executable} "$@";; esac',
    "booking-sync": 'printf "%s %s\\n" "${EVENT_TIME_ZONE-}" "$*" >> "$WALK/zones"; case "$1" in exports) '
    f"PYTHONPATH={ROOT} exec {sys.executable} -m booking_sync exports;; esac",
    **dict.fromkeys(("pip", "func", "npm"), ""),
}
WAYS = {"A": "Way B", "B": "Way A"}
"""Which of the two the reader leaves out."""


def _sections() -> dict[str, list[str]]:
    """The page's blocks of bash by their headings, but for those in which a reader fills something in."""
    found: dict[str, list[str]] = {}
    for part in re.split(r"^##+ ", PAGE, flags=re.MULTILINE)[1:]:
        heading, _, text = part.partition("\n")
        blocks = re.findall(r"^```bash\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        found[heading] = [block for block in blocks if "…" not in block]
    return found


def _walk(folder: Path, without: str, environment: str = ENVIRONMENT) -> list[list[str]]:
    """Type everything in a folder of its own; the calls that were made.

    Raises:
        AssertionError: a block failed, or used what nothing had set.
    """
    programs = folder / "bin"
    programs.mkdir(parents=True)
    for name, answer in ANSWERS.items():
        (programs / name).write_text(f"{STANDIN}{answer}\n")
    listed = [{"name": name, "value": value} for name, value in OF_THE_APP.items()]
    (folder / "settings").write_text(json.dumps(listed))
    (folder / "values").write_text("".join(f'{name}="{name.lower()}"\n' for name in OUTPUTS))
    for path in (".ci/package", "local/node_modules/.bin/azurite"):
        (folder / path).parent.mkdir(parents=True)
        (folder / path).write_text("#!/bin/bash\n")
    for program in (*programs.iterdir(), folder / "local/node_modules/.bin/azurite"):
        program.chmod(0o755)
    typed = [
        block.replace("ENVIRONMENT=production ", f"ENVIRONMENT={environment} ")
        for heading, blocks in _sections().items()
        if not heading.startswith(without)
        for block in blocks
    ]
    bash = shutil.which("bash")
    assert bash
    done = subprocess.run(  # noqa: S603 - our own page, with programs that only take notes
        [bash, "-euo", "pipefail"],
        input="\n".join([*typed, "wait"]),  # for what the page leaves at work in the background
        env={"PATH": f"{programs}:/usr/bin:/bin", "WALK": str(folder), "HOME": str(folder)},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    calls = (folder / NOTES).read_text().split("\n\n")
    return [[line.removeprefix("> ") for line in call.split("\n")] for call in calls if call]


@pytest.mark.parametrize("way", WAYS)
def test_every_block_can_be_typed_in_order(way: str, tmp_path: Path) -> None:
    """Nothing is used that no earlier step has set, and no argument comes out empty."""
    calls = _walk(tmp_path, WAYS[way])
    assert len(calls) > 30
    assert [call for call in calls if "" in call] == []


@pytest.mark.parametrize("way", WAYS)
def test_what_a_step_got_reaches_the_next_ones(way: str, tmp_path: Path) -> None:
    """The registration's id is in the commands that need it, and what is taken away goes in its order."""
    calls = [" ".join(call) for call in _walk(tmp_path, WAYS[way])]
    assert any(call.startswith(f"az ad app credential reset --id {ASKED} ") for call in calls)
    assert any("az keyvault secret set" in call and "--name booking-sync-seal-key" in call for call in calls)
    provisioned = [call for call in calls if call.startswith("booking-sync provision")]
    assert len(provisioned) >= 4
    taken_away = [
        next(place for place, call in enumerate(calls) if call.startswith(command))
        for command in (
            "az functionapp stop ",
            "booking-sync provision --remove",
            "booking-sync purge --all",
            "booking-sync provision --remove --remove-columns",
            "azd down ",
        )
    ]
    assert taken_away == sorted(taken_away), "while the app ran it would make events and subscriptions anew"


@pytest.mark.parametrize("way", WAYS)
def test_commands_that_compare_run_in_the_app_s_time_zone(way: str, tmp_path: Path) -> None:
    """In another one `audit` would report every event as behind; all that comes after step 6 has it."""
    _walk(tmp_path, WAYS[way])
    called = [line.split(" ", 1) for line in (tmp_path / "zones").read_text().splitlines()]
    commands = [command for _zone, command in called]
    assert "audit --fix" in commands
    first = commands.index("exports") + 1
    assert {zone for zone, _command in called[first:]} == {ZONE}
    assert not any(command.startswith(("audit", "doctor")) for command in commands[:first])


@pytest.mark.parametrize("way", WAYS)
def test_two_environments_have_nothing_in_common(way: str, tmp_path: Path) -> None:
    """What is made, deployed and taken away in one has its name; in another one, the other's."""
    one, two = (_walk(tmp_path / name, WAYS[way], name) for name in ("sandbox", "live"))
    assert len(one) == len(two)
    changing = re.compile(
        r"azd (?!auth)|az deployment|az ad app create|az ad app credential reset .*--display-name"
    )
    for mine, theirs in zip(map(" ".join, one), map(" ".join, two), strict=True):
        if changing.match(mine):
            assert "sandbox" in mine, mine
            assert theirs == mine.replace("sandbox", "live") or "--end-date" in mine


def test_a_step_that_is_left_out_is_missed(tmp_path: Path) -> None:
    """The walk would notice: without step 1 nobody knows the registration's id."""
    with pytest.raises(AssertionError, match="ENTRA_CLIENT_ID: unbound variable"):
        _walk(tmp_path, "1. App registration")
