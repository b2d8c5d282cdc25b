"""What things cost, measured on the local stand-ins; one module per question, run as `python -m`."""
