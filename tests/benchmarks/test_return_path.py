"""What the way back costs, counted in a small world; the benchmark counts the same in a larger one."""

from __future__ import annotations

from benchmarks.common.figures import Latency, Options
from benchmarks.speed.return_path import run


def test_neither_an_echo_nor_a_return_writes_to_outlook() -> None:
    """Echoes of changes read nothing, moves one event each; what Dynamics 365 tells of a return, none."""
    result = run(Options(quick=True, latencies=(Latency.parse("20/80"),)))
    assert [target.measured for target in result.targets if not target.met] == []
    table, swept, watched = result.tables
    for _, mailboxes, to_graph, to_dataverse, *_ in swept.rows:
        assert (to_graph, to_dataverse) == (mailboxes, mailboxes), "both sides, once each"
    assert all(int(requests) < 2 * int(count) for count, _, requests, *_ in watched.rows)
    items = {str(what): (int(count), int(of_graph)) for what, count, _, of_graph, *_ in table.rows}
    for what, reads in {
        "Graph notifies of that write (its echo)": 1,  # its extension made another version of it
        "a dispatcher moves the booking": 3,  # read, refused with `If-Match`, written: all at once
        "Graph notifies of that change (its echo)": 0,
        "somebody moves the event an hour": 1,
        "Dynamics 365 tells of that return (its echo)": 0,
        "somebody moves the event to the next day: proposed": 5,  # its category says so
        "a dispatcher accepts": 1,
    }.items():
        count, of_graph = items[what]
        assert count > 0
        assert of_graph == reads * count, what
