"""The strict stand-in as the adapter's tests have it."""

from tests.outlook.conftest import certificates, graph

__all__ = ["certificates", "graph"]
