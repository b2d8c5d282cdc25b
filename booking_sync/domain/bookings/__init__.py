"""A Bookable Resource Booking and those around it.

booking         all that is read of the row and of the rows it points to
resource_type   the kinds of resources
participation   which resources' bookings are shown, and in whose calendar
reader          the language and the zone of whoever sees it
example         a booking that nobody has
"""
