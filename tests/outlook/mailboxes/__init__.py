"""What is asked of a mailbox as a whole."""
