"""Answers that no service should give."""
