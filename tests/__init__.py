"""Tests: behaviour through real parts; docs/architecture.md says which kind lives where."""
