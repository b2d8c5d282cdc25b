"""The Web API (v9.2): one operation, its query options, `$batch` and the limits."""
