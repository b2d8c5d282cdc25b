"""The doctor: its judgements, its one write, and every check against a stack that is broken for it."""
