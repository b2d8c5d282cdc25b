"""Every state that a person can give an event of ours, against everything that may write or remove it."""
