"""The functions that the app registers, as the host is told of them."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from typing import Any

from tests.infra.templates import ROOT

# In a process of its own: an app can be listed once in each.
_LIST = """
import inspect, json
import function_app
print(json.dumps([
    {
        "name": each.get_function_name(),
        "trigger": each.get_trigger().get_dict_repr(),
        "coroutine": inspect.iscoroutinefunction(each.get_user_function()),
    }
    for each in function_app.app.get_functions()
], default=str))
"""


@functools.cache
def http_functions(sign_in: str = "key", *, both_ways: bool = False) -> tuple[dict[str, Any], ...]:
    """Those with an HTTP trigger: `name`, `trigger` (with `authLevel`, `route`), whether a `coroutine`.

    Args:
        sign_in: how operators sign in.
        both_ways: whether changes come back from Outlook.
    """
    back = {"RETURN_PATH": "report", "NOTIFICATION_URL": "https://app.example/api"} if both_ways else {}
    done = subprocess.run(  # noqa: S603 - our own program in our own interpreter
        [sys.executable, "-c", _LIST],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        | {"OPERATIONS_SIGN_IN": sign_in}
        | back,
        capture_output=True,
        text=True,
        check=True,
    )
    return tuple(each for each in json.loads(done.stdout) if each["trigger"]["type"] == "httpTrigger")
