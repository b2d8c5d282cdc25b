"""Bad and hostile input: whatever comes in by webhook, queue or Dataverse's columns is inert."""
