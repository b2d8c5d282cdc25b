"""The plain worker as a function app; `function_app.py` and `host.json` lie here as a host wants them."""
