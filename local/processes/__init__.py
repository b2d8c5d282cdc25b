"""Child processes that are waited for until ready, listened to, and never left behind."""

from local.processes.managed import (
    DEFAULT_LEASH,
    LAUNCHER,
    REPOSITORY,
    Leash,
    ManagedProcess,
    ReadyTest,
    StartError,
    python_module,
    ready_json,
)

__all__ = [
    "DEFAULT_LEASH",
    "LAUNCHER",
    "REPOSITORY",
    "Leash",
    "ManagedProcess",
    "ReadyTest",
    "StartError",
    "python_module",
    "ready_json",
]
