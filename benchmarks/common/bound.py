"""The least time that the simulated limits allow for a given work, whoever does it.

What is taken as given, and nothing else:

- Every request takes a round trip, half of it before the service works on it and half after; every operation
  (a request by itself, or a part of a batch) takes the service time.
- A change needs, one after the other since each needs the answer before it: a read of its row; its writes to
  Outlook; and then its record on the row, and the open extension on a new event. The two need the event's id
  but not each other.
- Graph works on four operations of one mailbox at a time, and on four items of one batch. So a batch may fill
  a mailbox's whole allowance, and while one is in flight no second may touch the mailbox. A batch holds 20.
- Dataverse works on 52 requests of one user at a time, and on the parts of a batch one after the other.

Each term below is a time that can't be undercut; the bound is the greatest of them. It is not always
reachable: a schedule that is best for one term may spoil another. Left out, all in the bound's favour: the
limits over minutes (10,000 requests per mailbox in 10, 6,000 requests and 1,200 s of execution per user in
5), the reads' share of the 52, processor time, and all waiting for company.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.common.figures import Latency

PLACES_PER_MAILBOX = 4
BATCH_ITEMS = 20
DATAVERSE_PLACES = 52


@dataclass(frozen=True, slots=True)
class MailboxWork:
    """What one mailbox is asked for."""

    recorded: int
    """Events created, changed or removed whose booking is recorded afterwards."""
    tags: int = 0
    """Open extensions for those of them that are new."""
    unrecorded: int = 0
    """Events removed whose booking is gone."""

    @property
    def operations(self) -> int:
        """All of them."""
        return self.recorded + self.tags + self.unrecorded


@dataclass(frozen=True, slots=True)
class Work:
    """What a load of changes asks of the services at least."""

    changes: int
    records: int
    """Rows to write."""
    mailboxes: tuple[MailboxWork, ...]


@dataclass(frozen=True, slots=True)
class Bound:
    """The bound and what it is made of, in seconds."""

    chain: float
    """One change alone, all its requests in a row."""
    mailbox: float
    """The busiest mailbox."""
    records: float
    """All records through Dataverse's 52 places."""

    @property
    def seconds(self) -> float:
        """The greatest."""
        return max(self.chain, self.mailbox, self.records)

    @property
    def binding(self) -> str:
        """Which term that is, in words."""
        words = {self.records: "Dataverse", self.mailbox: "mailbox", self.chain: "round trips"}
        return words[self.seconds]


def bound(work: Work, latency: Latency) -> Bound:
    """The least time from the moment at which all changes are known to the last effect's answer."""
    if not work.changes:
        return Bound(0.0, 0.0, 0.0)
    return Bound(
        chain=longest_chain(work, latency),
        mailbox=max((mailbox_time(each, latency) for each in work.mailboxes), default=0.0),
        records=records_time(work, latency),
    )


def in_outlook(work: Work, latency: Latency) -> float:
    """The least time until every event is in Outlook: a read, then the writes of the busiest mailbox."""
    if not work.mailboxes:
        return 0.0
    read = latency.round_trip + latency.service
    return read + max(_operations_time(each.recorded + each.unrecorded, latency) for each in work.mailboxes)


def host_in_outlook(work: Work, latency: Latency, host: HostLimits, storage_round_trip: float) -> float:
    """The same through one instance of the host: behind the first fetch, and behind the last one a chain."""
    fetches = math.ceil(work.changes / host.batch_size) * storage_round_trip
    return max(
        storage_round_trip + in_outlook(work, latency),
        fetches + 2 * (latency.round_trip + latency.service),
    )


def longest_chain(work: Work, latency: Latency) -> float:
    """Read, write, record: each a round trip and a service time; without a record two of them.

    A tag goes beside the record, so it does not lengthen the chain.
    """
    steps = 1 + bool(work.mailboxes) + bool(work.records or any(each.tags for each in work.mailboxes))
    return steps * (latency.round_trip + latency.service)


def mailbox_time(work: MailboxWork, latency: Latency) -> float:
    """The mailbox's operations, after the first read and before the last record.

    k operations, four at a time, take ceil(k/4) service times, and ceil(k/20) batches one after the other
    take as many round trips; tags take a batch after that of their events. That is the least until the last
    operation's answer, whichever it is. Of those that are recorded, the last is followed by its record.
    """
    step = latency.round_trip + latency.service
    everything = _operations_time(work.operations, latency, least_batches=2 if work.tags else 1)
    until_recorded = _operations_time(work.recorded, latency) + step if work.recorded else 0.0
    return step + max(everything, until_recorded)


def _operations_time(operations: int, latency: Latency, least_batches: int = 1) -> float:
    batches = max(math.ceil(operations / BATCH_ITEMS), least_batches)
    waves = math.ceil(operations / PLACES_PER_MAILBOX)
    return batches * latency.round_trip + waves * latency.service


def records_time(work: Work, latency: Latency) -> float:
    """All records, after the first read and the first write.

    52 places, each with one request whose parts run one after the other: R records take at least ceil(R/52)
    service times, however they are dealt out, and the last answer's way back is part of one round trip. No
    record may begin before a read and a write have been answered.
    """
    if not work.records:
        return 0.0
    before = 2 * (latency.round_trip + latency.service)
    waves = math.ceil(work.records / DATAVERSE_PLACES)
    return before + latency.round_trip + waves * latency.service


@dataclass(frozen=True, slots=True)
class HostLimits:
    """What the Functions host does at a time; numbers of `host.json`."""

    batch_size: int
    """Messages per fetch, at most 32."""
    new_batch_threshold: int
    """The next fetch is made when no more than so many are in work."""

    @property
    def at_once(self) -> int:
        """Messages in work at a time at most."""
        return self.batch_size + self.new_batch_threshold


def host_bound(work: Work, latency: Latency, host: HostLimits, storage_round_trip: float) -> float:
    """The least time through one instance of the host, from a full queue to the last message's deletion.

    The services' own bound, with a fetch before and a deletion behind it. Also: a message is in work for at
    least its own chain and its deletion, and only `at_once` are; and fetches follow one another.
    """
    if not work.changes:
        return 0.0
    ends = 2 * storage_round_trip
    step = latency.round_trip + latency.service
    in_work = work.records * (3 * step + storage_round_trip) + (work.changes - work.records) * (
        2 * step + storage_round_trip
    )
    fetches = math.ceil(work.changes / host.batch_size) * storage_round_trip
    return max(
        bound(work, latency).seconds + ends,
        in_work / host.at_once + storage_round_trip,
        fetches + 2 * step + storage_round_trip,
    )
