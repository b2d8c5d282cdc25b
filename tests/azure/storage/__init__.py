"""The queues on Azurite, and tokens for the storage account."""
