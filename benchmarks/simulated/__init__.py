"""Whole runs in virtual time: the stand-ins' own code without sockets, and contenders in front of it.

Time passes only in sleeps, so what is measured is scheduling and latency; processor time is read apart.
Limits, refusals and service times are those of the local stack, since the code is the same.

    async def main() -> None:
        world = SimulatedWorld(Latency(0.020, 0.080))
        office = Office(world, technicians=50, bookings=1_000)
        graph = httpx.AsyncClient(transport=world.graph_transport, base_url=GRAPH_URL)
        changes = office.book(1_000)  # they are in Dataverse now; no webhook was sent, no time passed
        queue = SimulatedQueue(round_trip=0.020)
        queue.fill(change.booking_id.encode() for change in changes)
        await QueueTrigger(queue, read_host_settings(REPOSITORY).queues, handle).drain()
        print(virtual_seconds(), world.graph_link.traffic, judge(world, office, markers=False))

    run_virtually(main())

`handle(message, dequeue_count)` is the contender's. It reaches Graph through `graph`, or the Graph SDK on the
same transport, with the header `Authorization: Bearer <world.credential.token(GRAPH_URL)>`; and Dataverse by
`await world.exchange(method, url, headers, body)` with `world.credential.token(DATAVERSE_URL)`. For
booking_sync see `product.open_product`. `world.graph.limits.throttle(mailbox, seconds)` throttles a mailbox.
"""
