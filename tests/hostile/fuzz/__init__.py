"""Random bodies and messages, and what makes and bounds them."""
