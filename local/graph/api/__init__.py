"""Requests: routes, query options, preferences, `$batch`, limits, and events as they are answered."""
