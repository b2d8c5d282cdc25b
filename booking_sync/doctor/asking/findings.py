"""What a run has found so far, and how a question is asked so that its failure is a finding too."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

from booking_sync.doctor.report import Area, CheckResult, CheckStatus
from booking_sync.errors import SettingsError, SyncError, TransientError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


Facts = TypeVar("Facts")

NEEDS_SETTINGS: Final = "needs correct settings"
NEEDS_TOKEN: Final = "needs a token"  # noqa: S105 - words, no token
NEEDS_IDENTITY: Final = "needs to know who the app is to Dataverse"
_NETWORK: Final = (
    "No answer came: check this machine's network, its proxy and its name resolution, and the host names in "
    "the settings; then run it again."
)


@dataclass(slots=True)
class Findings:
    """The results of one run, in the order of the checks.

    Args:
        tell: called with what is looked at, and with what can't wait for the report.
    """

    tell: Callable[[str], None]
    _results: list[CheckResult] = field(default_factory=list, init=False)

    @property
    def results(self) -> tuple[CheckResult, ...]:
        """All so far."""
        return tuple(self._results)

    async def ask(
        self,
        area: Area,
        check: str,
        question: Callable[[], Awaitable[Facts]],
        remedy: str,
    ) -> Facts | None:
        """The facts; None, with a finding, when they can't be had."""
        try:
            return await question()
        except SettingsError:
            self.skip(area, check, NEEDS_SETTINGS)
        except SyncError as error:
            unreached = isinstance(error, TransientError) and error.unreached
            told = _NETWORK if unreached else remedy
            self.note(CheckResult(area, check, CheckStatus.ERROR, error.reason, told))
        return None

    def open(self, area: Area, opener: Callable[[], Facts]) -> Facts | None:
        """What a source gives; None, with a finding, when the settings can't be used for it."""
        try:
            return opener()
        except SettingsError:
            self.skip(area, "all", NEEDS_SETTINGS)
            return None

    def skip(self, area: Area, check: str, words: str, remedy: str = "") -> None:
        """Note that a check was not made, and why."""
        self.note(CheckResult(area, check, CheckStatus.SKIPPED, words, remedy))

    def note(self, *results: CheckResult) -> None:
        """Add results."""
        self._results += results

    def failed(self, area: Area) -> bool:
        """Whether a check of this area found an error."""
        return any(each.area is area and each.status is CheckStatus.ERROR for each in self._results)

    def failed_check(self, check: str) -> bool:
        """Whether this check found an error."""
        return any(each.check == check and each.status is CheckStatus.ERROR for each in self._results)
