"""The path of one change, from the webhook to the Graph request."""
