"""docs/walkthrough.md, as a new user would go through it."""
