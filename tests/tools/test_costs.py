"""What a deployment costs: computed from measurements and prices, and the page says what was computed."""

from __future__ import annotations

import json
import re
from dataclasses import fields, replace
from pathlib import Path

import pytest

from booking_sync.operations.journal.store import SAVE_SECONDS
from booking_sync.settings.registration import SWEEP_SCHEDULE, WATCH_SCHEDULE
from booking_sync.sync.from_outlook.rounds import SHARES
from tests.infra.bicep import read
from tools.costs.__main__ import PAGE, main, read_arguments
from tools.costs.measured import load_measured
from tools.costs.model import CATCH_UPS, NEAR_AUDITS, SWEEP_ROUNDS, SWEEPS, WATCHES, Assumed, Month, month
from tools.costs.page import SIZES, page, savings
from tools.costs.prices import Price, load_prices

ROOT = Path(__file__).parents[2]
MEASURED, PRICES, ASSUMED = load_measured(), load_prices(), Assumed()


def _total(size: int, assumed: Assumed = ASSUMED) -> float:
    return sum(month(size, MEASURED, assumed).dollars(PRICES).values())


def test_the_page_is_what_was_computed() -> None:
    """Nobody edited it, changed a price or measured anew without `python -m tools.costs`."""
    assert PAGE.read_text(encoding="utf-8") == page(PRICES, MEASURED, ASSUMED)


def test_what_was_measured_is_what_is_stored() -> None:
    """Figures come from the results of the benchmarks, and from nowhere else."""
    rows = json.loads((ROOT / "benchmarks" / "results" / "volume.json").read_text())["result"]["tables"][0][
        "rows"
    ]
    change = MEASURED.change
    assert [change.graph, change.dataverse, change.spans, change.span_bytes, change.log_bytes] == [
        *rows[0][1:5],
        rows[0][6],
    ]
    assert MEASURED.near_audit.technicians == 5_000
    assert MEASURED.near_audit.of(50).cpu_seconds == pytest.approx(MEASURED.near_audit.cpu_seconds / 100)


def test_a_price_is_for_what_is_not_free() -> None:
    """What is free is taken off, and nobody is paid for using less."""
    price = Price("m", usd=2.0, per=10, free=100, page="", seen="", dated=PRICES.as_of)
    assert [price.of(units) for units in (0, 100, 110, 200)] == [0, 0, 2.0, 20.0]


def test_every_meter_has_its_price() -> None:
    """With where it was seen, when, and Microsoft's page to check it."""
    used = Month(1, *([1.0] * (len(fields(Month)) - 1))).dollars(PRICES)
    assert set(used) == set(PRICES.by_name)
    for price in PRICES.by_name.values():
        assert price.page.startswith("https://azure.microsoft.com/pricing/"), price.meter
        assert price.seen
        assert price.dated <= PRICES.as_of


def test_a_larger_deployment_costs_more_but_less_for_each() -> None:
    """Fixed parts are shared by all technicians."""
    totals = [_total(size) for size in SIZES]
    assert totals == sorted(totals)
    each = [total / size for total, size in zip(totals, SIZES, strict=True)]
    assert each == sorted(each, reverse=True)


@pytest.mark.parametrize(
    ("name", "factor"),
    [(each.name, 0.5 if each.name in ("queue_logs", "traces") else 2) for each in fields(Assumed)],
)
def test_each_assumption_matters(name: str, factor: float) -> None:
    """Where it makes no difference to the largest bill, it would not have to be assumed."""
    changed = replace(ASSUMED, **{name: getattr(ASSUMED, name) * factor or 1})
    assert _total(5_000, changed) != pytest.approx(_total(5_000), rel=1e-6)


def test_the_savings_halve_the_bill() -> None:
    """As the page's heading says: all of them together, for each size."""
    last = savings(ASSUMED)[-1]
    for size in SIZES:
        assert _total(size, ASSUMED.with_values(last.values)) <= _total(size) / 2


def test_savings_are_parameters_of_the_template() -> None:
    """And their values are allowed there."""
    text = (ROOT / "infra" / "main.bicep").read_text(encoding="utf-8")
    for saving in savings(ASSUMED):
        for name, value in re.findall(r"`(\w+)=([^`]+)`", saving.words):
            assert name in read(ROOT / "infra" / "main.bicep").of("parameter")
            allowed = re.search(rf"@allowed\(\[(.*)\]\)\n(?:@.*\n)*param {name} ", text)
            assert value == "'[]'" or (allowed and value in re.findall(r"\w+", allowed[1]))


def test_schedules_and_rules_are_those_of_the_app() -> None:
    """So many runs a day as the defaults say, so many alerts and so much memory as the template makes."""
    told = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert "| `CATCH_UP_SCHEDULE` | `0 */5 * * * *` |" in told
    assert CATCH_UPS == 24 * 60 / 5
    assert "| `NEAR_AUDIT_SCHEDULE` | `0 10,40 * * * *` |" in told
    assert NEAR_AUDITS == 24 * 2
    assert SWEEPS == SWEEP_ROUNDS / SHARES
    assert (SWEEP_SCHEDULE.split()[1].count(",") + 1, SWEEP_SCHEDULE.split()[2]) == (SWEEP_ROUNDS / 24, "*")
    assert (WATCH_SCHEDULE.split()[1].count(",") + 1, WATCH_SCHEDULE.split()[2]) == (WATCHES / 24, "*")
    assert ASSUMED.journal_seconds == SAVE_SECONDS
    alerts = (ROOT / "infra" / "modules" / "alerts.bicep").read_text(encoding="utf-8")
    every = re.findall(r"^ +every: '(\w+)'", alerts, re.MULTILINE)
    assert every.count("PT5M") == ASSUMED.alert_rules
    assert len(every) == ASSUMED.alert_rules + ASSUMED.slow_alert_rules
    assert f"param instanceMemoryMB int = {ASSUMED.memory_gb * 1024:.0f}" in (
        ROOT / "infra" / "main.bicep"
    ).read_text(encoding="utf-8")


def test_anybody_s_numbers(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Other sizes and assumptions are printed; the page stays."""
    before = PAGE.read_bytes()
    monkeypatch.setattr("sys.argv", ["costs", "--technicians", "120", "--set", "bookings_per_day=4"])
    main()
    printed = capsys.readouterr().out
    assert "| `bookings_per_day` | 4.0 |" in printed
    assert "120 technicians" in printed
    assert PAGE.read_bytes() == before


@pytest.mark.parametrize("text", ["bookings=4", "bookings_per_day=many"])
def test_a_number_that_is_none_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The message says which assumptions there are."""
    with pytest.raises(SystemExit):
        read_arguments(["--set", text])
    assert "bookings_per_day" in capsys.readouterr().err
