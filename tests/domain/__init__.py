"""The rules, tested as the pure functions they are."""
