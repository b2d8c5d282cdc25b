"""A plain store for the Graph SDK's models.

The SDK keeps each model's values in a "backing store" that tracks changes, so that a model which was read can
be written back by its differences. Ours are filled once, serialised once and forgotten, and the tracking was
the largest single cost of a booking: 0.3 of 2 ms of processor time (docs/benchmarks.md). Stores are an
extension point of the SDK: every model takes one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kiota_abstractions.store import BackingStore

if TYPE_CHECKING:
    from collections.abc import Callable


class UntrackedStore(BackingStore[Any]):
    """Holds values; everything counts as changed, and nobody is told of changes."""

    is_initialization_completed = True
    return_only_changed_values = False

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}

    def get(self, key: str) -> Any:
        """The value, or None."""
        return self._values.get(key)

    def set(self, key: str, value: Any) -> None:
        """Keep a value."""
        self._values[key] = value

    def enumerate_(self) -> list[tuple[str, Any]]:
        """Every key with its value."""
        return list(self._values.items())

    def enumerate_keys_for_values_changed_to_null(self) -> list[str]:
        """None: a value that is not given is not written, as with the SDK's own store."""
        return []

    def subscribe(self, callback: Callable[[str, Any, Any], None], subscription_id: str | None = None) -> str:
        """Changes are told to nobody."""
        raise NotImplementedError

    def unsubscribe(self, subscription_id: str) -> None:
        """There are no subscriptions."""
        raise NotImplementedError

    def clear(self) -> None:
        """Forget every value."""
        self._values.clear()
