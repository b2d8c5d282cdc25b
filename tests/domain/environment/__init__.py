"""What a Dataverse environment must have for us."""
