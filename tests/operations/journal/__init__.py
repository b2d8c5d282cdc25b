"""What the app remembers of its outcomes."""
