"""End-to-end tests: the production app in the local stack."""
