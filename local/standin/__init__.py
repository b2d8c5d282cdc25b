"""What every stand-in has: TLS on 127.0.0.1, request log, scripted faults, latency, tokens, a control plane.

`http` holds requests and answers as plain values, so that the same code can also be asked in process, and
with `virtual_time` without waiting.
"""

from local.standin.server import (
    BATCH_ITEMS,
    CONTROL_PREFIX,
    RecordedRequest,
    StandIn,
    run_standin,
    server_tls,
    serving,
    standin_arguments,
)

__all__ = [
    "BATCH_ITEMS",
    "CONTROL_PREFIX",
    "RecordedRequest",
    "StandIn",
    "run_standin",
    "server_tls",
    "serving",
    "standin_arguments",
]
