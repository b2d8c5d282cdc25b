"""Every kind of mistake with every setting, by the table in cases.py."""

from __future__ import annotations

import re
from functools import reduce

import pytest

from booking_sync.errors import SettingsError
from booking_sync.settings.cautions import cautions
from booking_sync.settings.loading import load_settings
from booking_sync.settings.table import BY_FIELD, SETTINGS
from tests.settings.cases import (
    ENVIRON,
    ROWS,
    Case,
    Cautioned,
    Impossible,
    Mistake,
    Refused,
    Taken,
    refusals,
)

MANY_LINES = [each.name for each in SETTINGS if each.many_lines]
ONE_LINE = [name for name in ROWS if name not in MANY_LINES]
SEEN_BY_NOBODY = (
    "\ufeff",
    "\u200b",
    "\u200e",
    "\u00ad",
    "\u00a0",
    "\u2060",
    "\u2067",
    "\u3164",
    "\u2800",
    "\t",
    "\r\n",
    "\x00",
)
WITHIN = (*SEEN_BY_NOBODY, "\n", "\x1f", "\x7f", "\u2028", "\ud800", "\ufe0f", "\U000e0001")


def cases(kind: type[Case]) -> list[tuple[str, Case]]:
    """Every case of a kind in the table, with its setting."""
    return [(name, case) for name, row in ROWS.items() for case in row.all_of(kind)]


def value(name: str, text: str) -> object:
    """What the setting becomes, the others being in order."""
    settings = load_settings({**ENVIRON, name: text})
    return reduce(getattr, ROWS[name].field.split("."), settings)


def test_the_table_has_a_row_for_every_setting_and_every_mistake() -> None:
    """A new setting comes with its mistakes, or the reason why one can't be made."""
    assert list(ROWS) == [each.name for each in SETTINGS]
    assert {row.field.partition(".")[0] for row in ROWS.values()} == set(BY_FIELD)
    for name, row in ROWS.items():
        assert set(row.cases) == set(Mistake), name
        assert all(each.reason for each in row.all_of(Impossible) if isinstance(each, Impossible))


def test_the_settings_that_the_table_starts_from_are_in_order() -> None:
    """So that each case has one mistake only."""
    assert cautions(load_settings(ENVIRON), ENVIRON) == ()


@pytest.mark.parametrize("name", ROWS)
def test_a_good_value_is_taken(name: str) -> None:
    """With whatever comes along unseen when it is pasted."""
    row = ROWS[name]
    assert value(name, row.good) == row.value
    for unseen in SEEN_BY_NOBODY:
        assert value(name, f"{unseen}{row.good} {unseen}") == row.value


@pytest.mark.parametrize(("name", "case"), refusals())
def test_a_mistake_is_told_when_settings_are_read(name: str, case: Refused) -> None:
    """It alone, with its setting's name, and without the value where that may be a secret."""
    with pytest.raises(SettingsError) as caught:
        load_settings({**ENVIRON, name: case.text, **case.others})
    message = str(caught.value)
    assert re.search(case.words, message), message
    assert message.startswith("1 app setting needs attention. ")
    assert name in message
    if (
        name in ("AzureWebJobsStorage", "CLIENT_SECRET_NAME", "CLIENT_CERTIFICATE_NAME", "SEAL_KEY_NAME")
        and case.text
    ):
        assert case.text not in message


@pytest.mark.parametrize(("name", "case"), cases(Taken))
def test_what_is_no_mistake_is_taken(name: str, case: Case) -> None:
    """An empty text means the default, or nothing where there is such a thing."""
    assert isinstance(case, Taken)
    assert value(name, case.text) == case.value
    if not case.text and name != "OPEN_EXTENSION_NAME":
        without = {key: text for key, text in ENVIRON.items() if key != name}
        assert reduce(getattr, ROWS[name].field.split("."), load_settings(without)) == case.value


@pytest.mark.parametrize(("name", "case"), cases(Cautioned))
def test_what_works_and_may_surprise_is_told_as_that(name: str, case: Case) -> None:
    """The app goes on; doctor and the log tell it, once."""
    assert isinstance(case, Cautioned)
    environ = {**ENVIRON, name: case.text, **case.others}
    (caution,) = cautions(load_settings(environ), environ)
    assert re.search(case.words, caution.words), caution.words
    assert caution.remedy


@pytest.mark.parametrize("name", ONE_LINE)
def test_what_can_t_be_seen_within_a_value_is_told(name: str) -> None:
    """By its code: nobody finds it by looking."""
    good = ROWS[name].good
    for unseen in WITHIN:
        with pytest.raises(SettingsError, match=f"needs attention. {name}.*U\\+{ord(unseen[0]):04X}"):
            load_settings({**ENVIRON, name: f"{good[:1]}{unseen}{good[1:]}"})


@pytest.mark.parametrize("name", ONE_LINE)
@pytest.mark.parametrize("quotes", ['""', "''", "\u201c\u201d", "\u201e\u201c"])
def test_quotation_marks_around_a_value_are_told(name: str, quotes: str) -> None:
    """They belong to the document that the value was copied from."""
    with pytest.raises(SettingsError, match=f"needs attention. {name} stands in quotation marks"):
        load_settings({**ENVIRON, name: f"{quotes[0]}{ROWS[name].good}{quotes[1]}"})


@pytest.mark.parametrize("name", MANY_LINES)
def test_a_template_may_hold_what_people_like(name: str) -> None:
    """Its line breaks, quotation marks and joined signs are somebody's intention."""
    text = '"{{ account }}"\n\u2014 \U0001f469\u200d\U0001f527'
    assert value(name, text) == text


def test_everything_that_is_wrong_is_told_at_once() -> None:
    """One message names each setting that has to be mended, so that it is mended once."""
    environ = {}
    for name, row in ROWS.items():
        malformed = row.cases[Mistake.MALFORMED]
        case = malformed[0] if isinstance(malformed, tuple) else malformed
        assert isinstance(case, Refused)
        environ[name] = case.text
    with pytest.raises(SettingsError) as caught:
        load_settings(environ)
    assert str(caught.value).startswith(f"{len(ROWS)} app settings need attention. ")
    names = "|".join(sorted(ROWS, key=len, reverse=True))
    assert re.findall(names, str(caught.value)) == list(ROWS), "each once, as in the documentation"


def test_bounds_leave_no_room_for_some_contradictions() -> None:
    """What settles is always within the look-back, and Graph lists any window that the audit can have."""

    def bound(name: str, text: str) -> str:
        with pytest.raises(SettingsError) as caught:
            load_settings({**ENVIRON, name: text})
        return str(caught.value)

    assert "from 0 to 300." in bound("CATCH_UP_SETTLE_SECONDS", "x")
    assert "from 10 to" in bound("CATCH_UP_LOOK_BACK_MINUTES", "x"), "ten minutes are more than 300 seconds"
    assert "from 0 to 366." in bound("AUDIT_DAYS_BACK", "x")
    assert "from 1 to 730." in bound("AUDIT_DAYS_AHEAD", "x"), "1,096 days are less than Graph's 1,825"
