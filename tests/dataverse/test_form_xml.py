"""A form: changed in one place, all else byte for byte as it was; hostile XML is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from booking_sync.dataverse.customizations.form_xml import NoPlaceError, put_in, state_of, take_out
from booking_sync.dataverse.customizations.safe_xml import UnreadableXmlError, parse
from booking_sync.dataverse.customizations.view_xml import asks_for
from booking_sync.ports.dataverse.dispatcher import FormField, FormSection, OnForm
from local.dataverse.customization.forms import booking_form

if TYPE_CHECKING:
    from collections.abc import Callable

COLUMN = "bsync_outlooksyncerror"
SECTION = FormSection(
    "bsync_outlooksync", "Outlook", "bookableresourcebooking", (FormField(COLUMN, "Outlook & error"),), "why"
)
IDS = ("0d7c1f57-3b1e-4c8e-9a55-2f6f0d6b1a01", "0d7c1f57-3b1e-4c8e-9a55-2f6f0d6b1a02")


@settings(max_examples=50)
@given(
    words=st.text(alphabet=st.characters(exclude_characters="\0", categories=["L", "P", "S"]), max_size=40)
)
def test_what_is_put_in_is_taken_out_without_a_trace(words: str) -> None:
    """Whatever the form says, in whatever script; comments, quotes and `>` in attributes too."""
    text = words.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    xml = booking_form().replace("Allgemein", text)
    shown = put_in(xml, SECTION, IDS, 1031)
    assert state_of(xml, IDS[0], COLUMN) is OnForm.ABSENT
    assert state_of(shown, IDS[0], COLUMN) is OnForm.OURS
    assert take_out(shown, IDS[0], [COLUMN]) == xml


def test_the_section_goes_into_the_first_tab_that_is_seen() -> None:
    """Behind the others, and not into a tab that nobody sees."""
    shown = put_in(booking_form(), SECTION, IDS, 1031)
    before = shown[: shown.index(IDS[0])]
    assert "general" in before
    assert before.rindex("<section") > before.index("Allgemein")


@pytest.mark.parametrize("change", [str.upper, str.lower])
def test_ids_are_found_in_any_case(change: Callable[[str], str]) -> None:
    """Form designers write GUIDs in capitals."""
    shown = put_in(booking_form(), SECTION, IDS, 1031)
    assert state_of(shown.replace(IDS[0], change(IDS[0])), IDS[0], COLUMN) is OnForm.OURS


@pytest.mark.parametrize(
    "xml",
    [
        "",
        "<form",
        "no xml",
        "<form>\ud800</form>",
        '<!DOCTYPE form [<!ENTITY a "aaaaaaaa">]>' + booking_form(),
        f"<!DOCTYPE form>{booking_form()}",
    ],
)
def test_what_can_t_be_read_is_left_alone(xml: str) -> None:
    """Broken XML, and any document type, through which entities could grow without bound."""
    assert state_of(xml, IDS[0], COLUMN) is OnForm.NO_PLACE
    with pytest.raises(UnreadableXmlError):
        parse(xml)
    assert not asks_for(xml, COLUMN)


def test_a_form_without_tabs_has_no_place() -> None:
    """Nothing is put where no designer would."""
    with pytest.raises(NoPlaceError):
        put_in("<form><tabs /></form>", SECTION, IDS, 1031)


def test_a_view_asks_for_errors_by_one_condition() -> None:
    """Whatever else it asks; another operator or column is no such view."""
    fetch = (
        '<fetch><entity name="x"><filter><condition attribute="{}" operator="{}" /></filter></entity></fetch>'
    )
    assert asks_for(fetch.format(COLUMN, "not-null"), COLUMN)
    assert not asks_for(fetch.format(COLUMN, "null"), COLUMN)
    assert not asks_for(fetch.format("name", "not-null"), COLUMN)
