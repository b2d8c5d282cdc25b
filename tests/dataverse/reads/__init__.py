"""The ports that single use cases read Dataverse by."""
