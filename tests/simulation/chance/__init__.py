"""What the seed decides: the order of things, virtual time, and what goes wrong."""
