"""The tenant check, against the strict local stack."""
