"""What `doctor` and `certify` are run on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.cli.commands import CommandLine
from tests.doctor.deployment import Deployment, open_deployment

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def deployment(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Deployment]:
    """A provisioned stack without a Functions host."""
    async with open_deployment(tmp_path_factory.mktemp("stack")) as made:
        yield made


@pytest.fixture
def command_line(deployment: Deployment) -> CommandLine:
    """The program with the stack's settings."""
    folder = deployment.stack.options.folder
    return CommandLine(folder / "settings.json", folder)
