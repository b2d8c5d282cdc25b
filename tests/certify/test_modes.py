"""Each setting of the stand-ins that plays an assumption: the tenant check tells it, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from booking_sync.certify.assumptions import ASSUMPTIONS
from booking_sync.certify.assumptions.kinds import TriedBy
from booking_sync.certify.results import Comparison, Observation
from tests.certify.conftest import the
from tests.certify.switches import SWITCHES, Switch

if TYPE_CHECKING:
    from booking_sync.certify.results import CertifyReport
    from tests.certify.conftest import CertifiedStack

pytestmark = pytest.mark.asyncio(loop_scope="module")

FULL, NEW = "full_mailbox_status", "new_mailbox_code"
KINDS = {FULL: "full", NEW: "new"}
"""Settings that only a mailbox of this kind shows."""
COMPANIONS = {
    ("deleted_items", "gone"): {"deleted_event_tells", "second_delete"},
    ("master_categories", "without_ours"): {"category_twice"},
    ("master_categories", "with_ours"): {"category_twice"},
    ("without_optimistic_concurrency", ("bookableresourcebooking",)): {"stale_version"},
}
"""Assumptions that a mode changes as well: there is nothing to read, no version to compare, a right more."""
SUBSCRIPTIONS = {
    each.name for each in ASSUMPTIONS.values() if each.trial is TriedBy.ADDRESS or "renewal" in each.name
}
"""Assumptions that only an app tells that hears Graph; the others are tried without one, which is quicker."""
OTHERWISE = [(switch, *each) for switch in SWITCHES for each in switch.seen[1:]]


def _name(value: Any) -> str:
    return str(value) if isinstance(value, str | int) else "other"


def _values(report: CertifyReport) -> dict[str, str]:
    return {
        each.assumption.name: each.finding.value if isinstance(each.finding, Observation) else "not tried"
        for each in report.results
    }


@pytest.fixture(scope="module")
def runs() -> dict[str, dict[str, str]]:
    """What a run saw with other settings alone, by these."""
    return {}


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("switch", "value", "seen"), OTHERWISE, ids=_name)
async def test_a_mode_is_told(
    certified: CertifiedStack, runs: dict[str, dict[str, str]], switch: Switch, value: Any, seen: str
) -> None:
    """The assumption is seen otherwise, as the register names it, and every other one is as before."""
    usual = {switch.name: switch.default, **switch.plays.beside}
    kind = KINDS.get(switch.name, "normal")
    heard = switch.plays.assumption in SUBSCRIPTIONS
    key = f"{sorted(switch.plays.beside)} {kind} {heard}"
    settings = certified.hearing if heard else {}
    if key not in runs:
        runs[key] = _values(await _run(certified, switch, usual, kind, settings))
    report = await _run(certified, switch, {**usual, switch.name: value}, kind, settings)
    told = the(report, switch.plays.assumption)
    if told.assumption.trial is TriedBy.NEVER:
        assert (told.outcome, told.seen) == (Comparison.NOT_TRIED, told.assumption.not_tried)
        seen = "not tried"
    else:
        assert told.outcome is Comparison.OTHERWISE
    after = _values(report)
    assert after[switch.plays.assumption] == seen
    changed = {name for name, each in after.items() if each != runs[key][name]}
    assert changed - {switch.plays.assumption} == COMPANIONS.get((switch.name, value), set())
    assert not report.left_behind


async def _run(
    stack: CertifiedStack, switch: Switch, settings: dict[str, Any], kind: str, app: dict[str, str]
) -> CertifyReport:
    graph = stack.deployment.stack.graph
    await stack.clear()
    await stack.configure(switch.service, **settings)
    await graph.add_mailboxes([{"id": stack.mailbox, "kind": kind}])
    try:
        return await stack.run(None, **app)
    finally:
        await graph.add_mailboxes([{"id": stack.mailbox, "kind": "normal"}])
        defaults = {each.name: each.default for each in SWITCHES if each.service == switch.service}
        await stack.configure(switch.service, **{name: defaults[name] for name in settings})
