"""Loads the Graph SDK's builders, which warn of deprecated classes of their own meanwhile.

Import it before warnings count as errors: the builders load one another at their first use.
"""

from __future__ import annotations

import importlib
import warnings

_BUILDERS = "msgraph.generated.users"

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    for _module in (
        "booking_sync.outlook.calendar",
        f"{_BUILDERS}.users_request_builder",
        f"{_BUILDERS}.item.user_item_request_builder",
        f"{_BUILDERS}.item.events.events_request_builder",
        f"{_BUILDERS}.item.events.item.event_item_request_builder",
        f"{_BUILDERS}.item.events.item.extensions.extensions_request_builder",
        f"{_BUILDERS}.item.events.item.extensions.item.extension_item_request_builder",
    ):
        importlib.import_module(_module)
