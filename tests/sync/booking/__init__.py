"""The protocol for one booking."""
