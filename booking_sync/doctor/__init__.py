"""What stands between this deployment and a working sync: every check with its finding and its remedy.

Rooms: `findings` what is told, `facts` what is asked (values, and the Protocols that ask), one pure module of
judgements per area (`storage`, `access`, `environment`, `registration`, `mailboxes`), `trial` the one check
that writes (a test event that is always removed), `examination` which check comes when, and which are skipped
because another failed.

Services are asked as the app, since it is the app's permissions that count. Only table definitions, steps and
system jobs are read as whoever the command line signs in: the app's role is better without them.
"""
