"""A technicians' day, played through the whole chain, and an independent verdict on what Outlook shows.

`world` invents people, customers and bookings; `moves` is what dispatchers and technicians do all day;
`verdict` says what each calendar should hold, without the product; `report` prints it; `run` ties it
together. `small` is a day of some seconds; `picture` shows either on one page, and `closing` leads to it.
"""
