"""The functions of an app, found as the Python worker finds them, and what their triggers ask for."""

from __future__ import annotations

import importlib
import inspect
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import azure.functions as func

from local.functions_host.configuration import ConfigurationError, resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

ANY_METHOD = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
PACKAGES_FOLDER = ".python_packages/lib/site-packages"
OUTPUTS_UNDERSTOOD = frozenset({"http"})


@dataclass(frozen=True)
class HttpTrigger:
    """An HTTP trigger; `level` is `anonymous`, `function` or `admin`."""

    route: str
    methods: tuple[str, ...]
    level: str


@dataclass(frozen=True)
class QueueTrigger:
    """A storage-queue trigger; `connection` names an app setting."""

    queue: str
    connection: str


@dataclass(frozen=True)
class TimerTrigger:
    """A timer trigger with its NCRONTAB expression (UTC)."""

    schedule: str
    run_on_startup: bool


Trigger = HttpTrigger | QueueTrigger | TimerTrigger


@dataclass(frozen=True)
class Function:
    """One function of the app."""

    name: str
    code: Callable[..., Any]
    argument: str
    """The parameter that takes the trigger's value."""
    trigger: Trigger

    @property
    def is_async(self) -> bool:
        """Whether it runs on the event loop rather than in the thread pool."""
        return inspect.iscoroutinefunction(self.code)

    @property
    def wants_context(self) -> bool:
        """Whether it has a parameter `context`, which gets the invocation's context."""
        return "context" in inspect.signature(self.code).parameters


def load_functions(folder: Path, settings: Mapping[str, str]) -> list[Function]:
    """Import `function_app.py` of the folder and list its functions, with `%SETTING%` resolved.

    Raises:
        ConfigurationError: there is not exactly one `FunctionApp`, it has no function, or one of them uses a
            binding that this host doesn't have.
    """
    if not (folder / "function_app.py").is_file():
        raise ConfigurationError(f"there is no function_app.py in {folder}")
    # A built package brings its packages along; the worker in Azure looks there before anywhere else.
    packages = folder / PACKAGES_FOLDER
    sys.path[:0] = [str(folder), *([str(packages)] if packages.is_dir() else [])]
    module = importlib.import_module("function_app")
    apps = [value for value in vars(module).values() if isinstance(value, func.FunctionApp)]
    if len(apps) != 1:
        raise ConfigurationError(f"function_app.py must have exactly one FunctionApp, not {len(apps)}")
    functions = [_describe(each, settings) for each in apps[0].get_functions()]
    if not functions:
        raise ConfigurationError("function_app.py registers no function")
    return functions


def _describe(function: Any, settings: Mapping[str, str]) -> Function:
    name = function.get_function_name()
    code = function.get_user_function()
    trigger = function.get_trigger()
    for binding in function.get_bindings():
        if binding is not trigger and binding.type not in OUTPUTS_UNDERSTOOD:
            raise ConfigurationError(f"{name}: this host has no binding {binding.type}")
    if trigger.name not in inspect.signature(code).parameters:
        raise ConfigurationError(f"{name}: the trigger's argument {trigger.name} is no parameter of it")
    return Function(name, code, trigger.name, _describe_trigger(name, trigger, settings))


def _describe_trigger(name: str, trigger: Any, settings: Mapping[str, str]) -> Trigger:
    if trigger.type == "httpTrigger":
        methods = tuple(str(method).upper() for method in trigger.methods or ()) or ANY_METHOD
        level = str(trigger.auth_level or func.AuthLevel.FUNCTION).lower()
        return HttpTrigger(resolve(trigger.route, settings).strip("/"), methods, level)
    if trigger.type == "queueTrigger":
        return QueueTrigger(resolve(trigger.queue_name, settings), trigger.connection)
    if trigger.type == "timerTrigger":
        return TimerTrigger(resolve(trigger.schedule, settings), bool(trigger.run_on_startup))
    raise ConfigurationError(f"{name}: this host has no trigger {trigger.type}")
