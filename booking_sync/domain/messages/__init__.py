"""What lies on the change queue, written and read strictly.

change          hints that bookings be looked at again, and the reading of every kind of message
audit_message   how an audit goes on, of which `audit_progress` is how far it is
fields          single fields of a message
"""
