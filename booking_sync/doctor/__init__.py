"""`booking-sync doctor`: checks whatever a working sync depends on, and says what to do about what is wrong.

    options       what the command line asks for, and what the settings lead the doctor to expect
    checks        which check comes when
    asking        the checks: what is asked, and which are skipped because one before them failed
    storage, credentials, app_access, event_columns, registration, way_back, people, categories, mailboxes
                  one module per area: facts that a port in `ports/diagnosis` read -> results; pure
    trial         the one check that writes: a test event, which is always removed
    report        results, and how they are told

The services are asked as the app, because the app's permissions decide. Only table definitions, steps and
system jobs are read as whoever the command line signs in: the app's role does not need them, and is safer
without.
"""
