"""Stand-in for Key Vault's secrets: what the product reads its client secret from."""
