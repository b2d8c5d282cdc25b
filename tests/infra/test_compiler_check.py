""".ci/bicep: compiles and lints infra/ with the vendor's tools, which are stood in for here.

The tools themselves run on GitHub's runners; here it is about what the script makes of their answers.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.infra.shell import NOTES, Ran, run, stand_in
from tests.infra.templates import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CONTROL = (
    "WARNING: /tmp/control.bicep(1,7) : Warning no-unused-params: Parameter is declared but never used.\n"
    "/tmp/control.bicep(1,14) : Error use-user-defined-types: Use user-defined types."
)
UNTYPED = "WARNING: infra/modules/function-app.bicep(9,1) : Warning BCP225: The discriminator is not known."


def _check(
    commands: Path,
    *,
    control: str = CONTROL,
    build: str = "",
    lint: str = "",
    code: int = 0,
    validate: int = 0,
    environ: Mapping[str, str] | None = None,
) -> Ran:
    program = (
        f"said = {json.dumps({'control': control, 'build': build, 'lint': lint})}\n"
        "if arguments[:2] == ['bicep', 'install']:\n"
        "    sys.exit(0)\n"
        "if arguments[:3] == ['deployment', 'sub', 'validate']:\n"
        f"    sys.exit({validate})\n"
        "about_control = any('control' in each for each in arguments)\n"
        "print(said['control' if about_control else arguments[1]], file=sys.stderr)\n"
        f"sys.exit(1 if about_control else {code})\n"
    )
    stand_in(commands, "az", program)
    return run(ROOT / ".ci" / "bicep", commands=commands, environ=environ)


def _called(commands: Path) -> list[list[str]]:
    return [json.loads(line)[1] for line in (commands / NOTES).read_text().splitlines()]


def test_clean_templates_pass(tmp_path: Path) -> None:
    """Built and linted by the pinned version, without a finding: fine; Azure itself is not asked."""
    ran = _check(tmp_path, build="WARNING: A new Azure CLI is available.")
    assert ran.code == 0, ran.err
    called = _called(tmp_path)
    assert called[0] == ["bicep", "install", "--version", "v0.49.2"]
    assert [each[1] for each in called if "infra/main.bicep" in each] == ["build", "lint"]
    assert not [each for each in called if each[0] == "deployment"]


@pytest.mark.parametrize(("build", "lint"), [(UNTYPED, ""), ("", UNTYPED)])
def test_a_warning_is_an_error(tmp_path: Path, build: str, lint: str) -> None:
    """Whatever compiler or linter warns of stops the workflow, and is shown."""
    ran = _check(tmp_path, build=build, lint=lint)
    assert ran.code != 0
    assert "BCP225" in ran.err


def test_an_error_of_the_tools_is_one_of_the_check(tmp_path: Path) -> None:
    """A template that does not compile fails with the compiler's words."""
    ran = _check(tmp_path, build="main.bicep(1,1) : Error BCP007: no declaration", code=1)
    assert ran.code != 0
    assert "BCP007" in ran.err


@pytest.mark.parametrize("control", ["", CONTROL.splitlines()[0], CONTROL.splitlines()[1]])
def test_tools_that_find_nothing_prove_nothing(tmp_path: Path, control: str) -> None:
    """Where a broken file passes, or the repository's own rules are not read, the check fails."""
    ran = _check(tmp_path, control=control)
    assert ran.code != 0
    assert "Nothing is proven" in ran.err


@pytest.mark.parametrize("code", [0, 1])
def test_azure_is_asked_where_a_subscription_is_given(tmp_path: Path, code: int) -> None:
    """With a subscription, Azure checks the deployment, and its refusal is the check's."""
    ran = _check(tmp_path, validate=code, environ={"AZURE_SUBSCRIPTION_ID": "a-subscription"})
    assert ran.code == code
    (asked,) = (each for each in _called(tmp_path) if each[0] == "deployment")
    assert asked[asked.index("--subscription") + 1] == "a-subscription"
