"""Asks, check by check; what is judged about the answers is in the modules of `doctor`, which are pure.

sources     where facts come from
findings    what was found so far, and how a question is asked
own_parts   settings, storage, secret, key, tokens and clocks
dataverse, registration, way_back, people, mailboxes
the areas, as `doctor` judges them
"""
