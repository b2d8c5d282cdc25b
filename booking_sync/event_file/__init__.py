"""The file `event.toml`: what events say, kept beside the app's code and published with it.

    content      what the file holds, as frozen values
    positions    in which line each of its keys stands
    parsing      from text to content, and whatever is wrong with it
    rules        its rules, and the colours of its categories
    near         what was meant by a name that nobody knows
    location     where the file is
    reading      its text, and the files beside it
    checking     whether zone and templates can be used
    report       what `booking-sync event check` tells
    resolving    its paths against the environment's table definitions
    tables       the tables that these paths lead to, for the app's role
    conditions   what its rules ask of the columns behind these paths

The webhook loads `location`, and the rest only where there is such a file.
"""
