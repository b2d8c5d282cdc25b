"""Tests of what operators see and order."""
