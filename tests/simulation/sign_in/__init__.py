"""The chain along which the app gets its tokens, with links that break while schedules run.

links    what Entra, Key Vault and the managed identity take and give; who breaks which link
chain    one process's real credential on top of them, and the wires that refuse its tokens
"""
