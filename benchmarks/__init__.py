"""What things cost, measured on the local stand-ins; `python -m benchmarks` runs what `catalogue` lists."""
