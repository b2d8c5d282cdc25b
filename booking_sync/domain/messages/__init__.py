"""What lies on the change queue, written and read strictly.

change          hints that bookings be looked at again, and the reading of every kind of message
audit_progress  how far an audit is
audit_message   the message by which it goes on
fields          single fields of a message
"""
