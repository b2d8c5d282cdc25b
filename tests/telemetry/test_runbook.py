"""The runbook names commands, settings, functions and parameters that there are."""

from __future__ import annotations

import re

from tests.telemetry import kql

PLATFORM = frozenset(("PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY",))
"""Settings of Azure Functions."""
SHELL = frozenset(("FUNCTION_APP_NAME", "AZURE_RESOURCE_GROUP"))
"""What `azd env get-values` sets."""


def code(pattern: str) -> set[str]:
    """What the page has in code, by a pattern."""
    prose = re.sub(r"```.*?```", "", kql.PAGE, flags=re.DOTALL)
    spans = [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose)]
    return {found for span in spans for found in re.findall(pattern, span)}


def test_commands_are_those_of_the_command_line() -> None:
    """What is told to type can be typed, its options included."""
    folder = kql.ROOT / "booking_sync/cli"
    shared = "".join(path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.py")))
    typed = code(r"^booking-sync \w+.*$")
    assert len(typed) > 15
    for words in typed:
        command = words.split()[1]
        module = folder / "commands" / f"{command}.py"
        assert module.exists(), words
        text = module.read_text(encoding="utf-8") + shared
        assert [option for option in re.findall(r"--[a-z-]+", words) if f'"{option}' not in text] == [], words


def test_settings_are_the_app_s() -> None:
    """Each name in capitals is a setting, or a variable that the reader's shell has."""
    source = (kql.ROOT / "booking_sync/settings/table.py").read_text(encoding="utf-8")
    known = set(re.findall(r'"([A-Z]+(?:_[A-Z]+)+)"', source)) | PLATFORM | SHELL
    assert code(r"\b[A-Z]+(?:_[A-Z]+)+\b") - known == set()


def test_parameters_of_the_deployment_are_there() -> None:
    """The Bicep's parameters that the page tells to set exist."""
    bicep = (kql.ROOT / "infra/main.bicep").read_text(encoding="utf-8")
    for parameter in ("traceSampler", "alertEmail", "extraSettings", "eventTimeZone", "location"):
        assert f"`{parameter}`" in kql.PAGE
        assert f"param {parameter} " in bicep


def test_every_case_of_the_runbook_is_there() -> None:
    """The cases that operators asked for."""
    runbook = kql.PAGE.partition("## Runbook")[2]
    assert re.findall(r"^### (.*)$", runbook, re.MULTILINE) == [
        "A secret is rotated",
        "A new version is published",
        "A mailbox is moved",
        "A person leaves",
        "The environment is copied",
        "Moving from the low-code flow",
        "The poison queue is worked through",
        "Throttled for long",
        "Graph or Dataverse is down",
        "Exchange reads the zone differently",
        "Templates or the time zone are changed",
        "After a disaster",
        "Dynamics 365 is restored to an earlier time",
        "Switching off",
        "Updating the app",
    ]


def test_links_within_the_documentation_lead_to_headings() -> None:
    """Each `page.md#heading` exists."""
    for page, anchor in re.findall(r"\]\(([\w.]*)#([\w-]+)\)", kql.PAGE):
        path = kql.ROOT / "docs" / (page or "operations.md")
        headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        slugs = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
        assert anchor in slugs, f"{path.name}#{anchor}"
