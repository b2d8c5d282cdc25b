"""How long things take, and how many requests: one module per question."""
