"""Tables and rows: what columns there are, what a body may write into them, and what is kept."""
