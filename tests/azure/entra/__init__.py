"""Tokens: for the app, for the command line, and their renewal."""
