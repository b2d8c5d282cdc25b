"""The audit, from its judgement to its repairs."""
