"""A deterministic simulation of the real sync code: several processes, faults, crashes, one seed.

Real: ChangeWorker, PerBookingRunner, Synchronizer, both adapters down to the HTTP seam, Receiver, and the
strict stand-ins' services behind it. Simulated: time, the wire, the queue, the processes, and the people.

    clock        an event loop whose time jumps, and which asks when nothing is ready
    conductor    decides, by the seed, what happens next; keeps the trace
    trouble      which faults a schedule holds, and their accounts
    graph        Graph at the HTTP seam
    dataverse    Dataverse at the HTTP seam, with its webhooks
    queue        the storage queue and the Functions host in front of it
    process      one process of the app, wired as `wiring` does
    returns      rows, events and answers that come back changed
    people       what dispatchers and technicians do meanwhile
    meetings     what technicians make of our events, and that nobody gets mail from us for it
    sign_in      how processes get their tokens, and what of that is refused
    invariants   what must hold afterwards
    schedule     one run from beginning to verdict
    teeth/       the protocol with one rule removed, to prove that the simulation would notice
    both_ways/   technicians who move and delete events, dispatchers who answer; schedules written by hand
    focus        three of ten schedules, each about one thing
    generations  watches that no run uses a transactionId again whose event it removed
    __main__     `make soak` and `make replay`
"""
