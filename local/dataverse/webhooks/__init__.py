"""Webhooks: which steps are registered, what is posted, how it is delivered, what is noted of it."""
