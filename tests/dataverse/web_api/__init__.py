"""The Web API without knowing what is asked: batches, refusals, pauses, limits."""
