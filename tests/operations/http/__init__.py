"""What an operator's HTTP request may do, and how it is answered."""
