"""Adapters for Azure itself: the storage queue, the client secret in Key Vault, the tokens made with it."""
