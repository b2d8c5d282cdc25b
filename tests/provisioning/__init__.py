"""Tests of provisioning: decisions on plain values, the adapter against the strict stand-in."""
