"""Mailboxes: what events hold, how bodies are read, ids, time zones, and the rules about all that."""
