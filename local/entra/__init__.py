"""Stand-ins for Entra ID's token endpoint and for the managed-identity endpoint of App Service."""
