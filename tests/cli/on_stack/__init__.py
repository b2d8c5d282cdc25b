"""Commands from end to end, on the local stack."""
