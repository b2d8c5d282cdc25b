"""What the app reads from Key Vault, with its own identity.

secrets            the client secret or certificate
versions           a secret of which the two newest versions are accepted
seal_keys          the keys that seal records and events
notification_keys  the keys that prove notifications from Outlook
"""
