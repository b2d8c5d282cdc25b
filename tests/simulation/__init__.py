"""A deterministic simulation of the real sync code: several processes, faults, crashes, one seed.

Real: ChangeWorker, PerBookingRunner, Synchronizer, both adapters down to the HTTP seam, Receiver, and the
strict stand-ins' services behind it. Simulated: time, the wire, the queue, the processes, and the people.

    chance/      the seed's part: `conductor` decides what happens next and keeps the trace, `clock` is a loop
                 whose time jumps, `trouble` says which faults a schedule holds, `focus` shapes three of ten
    services/    Graph, Dataverse with its webhooks, the storage queue with the Functions host in front of it
    app/         `process` is one process of the app, wired as `wiring` does; deployments and nightly audits
    people       what dispatchers and technicians do meanwhile
    meetings/    what technicians make of our events, and that nobody gets mail from us for it
    returns/     rows, events and answers that come back changed
    sign_in/     how processes get their tokens, and what of that is refused
    both_ways/   technicians who move and delete events, dispatchers who answer; schedules written by hand
    checks/      what must hold afterwards, and what is watched all along
    schedule     one run from beginning to verdict
    teeth/       the protocol with one rule removed, to prove that the simulation would notice
    __main__     `make soak` and `make replay`
"""
