"""What `certify` asks of Azure: nothing that the function app itself ever does.

webhooks   the deployed app's webhook
telemetry  the Log Analytics workspace that the app's telemetry goes to
"""
