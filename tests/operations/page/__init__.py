"""The operator's page: what it says in each state, and its scripts."""
