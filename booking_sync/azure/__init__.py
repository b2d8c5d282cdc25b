"""Adapters for Azure: Storage, Key Vault and Entra.

storage/     the queues, and the texts that instances share
key_vault/   the client secret or certificate, and the keys of seals and notifications
entra/       tokens: for the app, for the command line, and what they say
trials/      what only the tenant check asks: the deployed app's webhook, and where telemetry goes
clocks       what the services' clocks say, for the doctor
connections  time limits and identity of the Azure SDK's clients
"""
