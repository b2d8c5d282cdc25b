"""What a command shows.

output          tables, JSON, notes and progress
tables          tables that break no id, however narrow the terminal is
pace            tells why a command waits for the queue
blame           which option names a column that nobody has
"""
