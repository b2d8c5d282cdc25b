"""Adapters for Azure: Storage, Key Vault and Entra.

queue        the change queue and its poison queue, as the app writes them
poison       both queues as people look at them and work on the second
blob_texts   small texts in a blob container
storage      what these three have in common: refusals in words, time limits
secrets      the client secret in Key Vault
seal_keys    the keys there that records and events are sealed with
seal_keys    the keys that seal records and events, from Key Vault
credential   the app registration's tokens, made with that secret
sign_in      the same for the command line, and a person's own sign-in
claims       what a token says, for the doctor
clocks       what the services' clocks say, for the doctor
app_trials   the deployed app's webhook, for the tenant check
connections  time limits and identity of the Azure SDK's clients
"""
