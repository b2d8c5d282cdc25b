"""The client secret and the keys, read from Key Vault."""
