"""Queries, alerts, workbook and page name what the code tells, and nothing else."""

from __future__ import annotations

import re

import pytest

from booking_sync.domain.outcome import OutcomeKind
from booking_sync.plumbing.telemetry import Attribute, Metric, SpanName
from tests.telemetry import kql

QUERIES = kql.queries()


def test_there_are_queries_everywhere() -> None:
    """On the page, in the workbook, in the alerts."""
    places = [name.partition(":")[0].partition(" ")[0] for name in QUERIES]
    assert {place: places.count(place) >= 6 for place in places} == {
        "page": True,
        "workbook": True,
        "alert": True,
    }


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_names_what_there_is(name: str) -> None:
    """Its texts are metrics, spans, attributes, events, outcomes or functions of ours, or Azure's."""
    texts = set(re.findall(r'"([^"]*)"', QUERIES[name]))
    assert texts - kql.names() == set()


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_reads_fields_that_its_events_have(name: str) -> None:
    """Each `line.x` is a field of at least one of the events that the query asks for."""
    query = QUERIES[name]
    fields = set(re.findall(r"\bline\.(\w+)", query)) - {"event"}
    logged = kql.logged()
    asked = {text for text in re.findall(r'"([^"]*)"', query) if text in logged} or set(logged)
    known = set().union(*(logged[event] | kql.UNPACKED.get(event, set()) for event in asked))
    assert fields - known == set()


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_begins_with_a_table_and_closes_its_brackets(name: str) -> None:
    """Application Insights' own tables; what can be said of the syntax without Azure."""
    query = QUERIES[name]
    first = next(line for line in query.splitlines() if not line.endswith('";'))  # after `let booking = …;`
    assert first.partition(" | ")[0].split(" = ")[-1] in kql.TABLES
    bare = re.sub(r'"[^"]*"', "", query)
    for opening, closing in ("()", "[]"):
        assert bare.count(opening) == bare.count(closing)
    assert query.count('"') % 2 == 0


def test_the_page_has_a_row_for_every_metric_and_no_other() -> None:
    """What is told is explained."""
    rows = set(re.findall(r"^\| `(booking_sync\.[\w.]+)` \|", kql.PAGE, re.MULTILINE))
    assert rows == set(Metric)


def test_the_page_has_a_row_for_every_event_of_the_log_and_no_other() -> None:
    """The same for log lines, with the fields that it names."""
    table = kql.PAGE.partition("### Log lines")[2].partition("\n## ")[0]
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| `")]
    events = {event: row[2] for row in rows for event in re.findall(r"`(\w+)`", row[0])}
    assert set(events) == set(kql.logged())
    for event, text in events.items():
        fields = kql.logged()[event] | kql.UNPACKED.get(event, set())
        also = {"circuit_closed": kql.logged()["circuit_opened"]}.get(event, set())
        assert set(re.findall(r"`(\w+)`", text)) <= fields | also, event


def test_the_page_s_trace_has_the_code_s_names() -> None:
    """The picture of one change shows spans that there are."""
    for span in (SpanName.RECEIVE, SpanName.SYNC, SpanName.GRAPH_BATCH, SpanName.DATAVERSE_REQUEST):
        assert f" {span}" in kql.PAGE
    for outcome in OutcomeKind:
        assert f"*{outcome}*" in kql.PAGE


def test_attributes_say_whose_they_are() -> None:
    """Azure Monitor drops attributes that it takes for a convention's; ours begin with our name."""
    assert {each for each in Attribute if not each.startswith("booking_sync.")} == {"peer.service"}


def test_the_workbook_is_one() -> None:
    """The form that Azure Workbooks read, every chart under the period that the reader chooses."""
    assert kql.WORKBOOK["version"] == "Notebook/1.0"
    items = {item["name"] for item in kql.WORKBOOK["items"]}
    assert len(items) == len(kql.WORKBOOK["items"])
    (parameters,) = [item["content"]["parameters"] for item in kql.WORKBOOK["items"] if item["type"] == 9]
    (period,) = [parameter["name"] for parameter in parameters]
    for item in kql.WORKBOOK["items"]:
        if item["type"] == 3:
            assert item["content"]["timeContextFromParameter"] == period
            assert item["content"]["resourceType"] == "microsoft.insights/components"


def test_every_alert_is_explained() -> None:
    """The page's table has the alerts that are deployed."""
    deployed = {name.removeprefix("alert ") for name in QUERIES if name.startswith("alert ")}
    explained = set(re.findall(r"^\| `booking-sync-([\w-]+)` \|", kql.PAGE, re.MULTILINE))
    assert explained == deployed
