"""One booking from all sides: what is read, and what it means."""
