"""Adapters for Azure: Storage, Key Vault and Entra.

queue        the change queue and its poison queue, as the app writes them
poison       both queues as people look at them and work on the second
intake       the change queue for whoever works its messages off beside the listener
blob_texts   small texts in a blob container
storage      what these four have in common: refusals in words, time limits
secrets      the client secret or certificate in Key Vault
seal_keys    the keys that seal records and events, from Key Vault
notification_keys  the keys that prove notifications from Outlook, from Key Vault
identity     the identity that the app runs as, whose refused tokens are renewed
proofs       how the app registration proves who it is: secret, certificate, or that identity's word
credential   the app registration's tokens, made with such a proof
sign_in      the same for the command line, and a person's own sign-in
claims       what a token says, for the doctor
clocks       what the services' clocks say, for the doctor
trials/      what only the tenant check asks: the deployed app's webhook, and where telemetry goes
connections  time limits and identity of the Azure SDK's clients
"""
