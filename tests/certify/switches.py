"""The settings of the stand-ins that play assumptions, as one list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args, get_type_hints

from local.dataverse import config as dataverse
from local.graph import config as graph
from local.loganalytics import config as logs

if TYPE_CHECKING:
    from local.standin.assumptions import Plays

AskedService = Literal["graph", "dataverse", "logs"]


@dataclass(frozen=True)
class Switch:
    """One setting."""

    service: AskedService
    name: str
    type: Any
    default: Any
    plays: Plays

    def __str__(self) -> str:
        return f"{self.service}.{self.name}"

    @property
    def seen(self) -> tuple[tuple[Any, str], ...]:
        """Its values with what is seen then, the default first."""
        if self.plays.seen:
            return self.plays.seen
        others = [each for each in get_args(self.type) if each != self.default]
        return tuple((each, each) for each in (self.default, *others))


def _of_graph() -> list[Switch]:
    types, defaults = get_type_hints(graph.GraphConfig), graph.GraphConfig()
    return [
        Switch("graph", name, types[name], getattr(defaults, name), plays)
        for name, plays in graph.ASSUMED.items()
    ]


def _of_dataverse() -> list[Switch]:
    types, defaults = get_type_hints(dataverse.Config), dataverse.Config()
    return [
        Switch("dataverse", name, types[name], _frozen(getattr(defaults, name)), plays)
        for name, plays in dataverse.ASSUMED.items()
    ]


def _of_logs() -> list[Switch]:
    types, defaults = get_type_hints(logs.LogsConfig), logs.LogsConfig()
    return [
        Switch("logs", name, types[name], getattr(defaults, name), plays)
        for name, plays in logs.ASSUMED.items()
    ]


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


SWITCHES = [*_of_graph(), *_of_dataverse(), *_of_logs()]
