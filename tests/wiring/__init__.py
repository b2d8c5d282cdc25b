"""The composition root: what is made once, what is closed, and what is tried again."""
