"""Tests of the Dataverse adapter."""
