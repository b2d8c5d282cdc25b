"""Examinations: their judgements, their one write, and every check against a stack that is broken for it."""
