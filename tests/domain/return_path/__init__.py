"""The return path's rules."""
