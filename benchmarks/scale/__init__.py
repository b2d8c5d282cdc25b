"""What things cost as their number grows, in processor time and memory: one module per question."""
