"""What is measured in a process of its own: each program here prints its figures as one line of JSON."""
