"""A technician's page, a booking's page, and the search, on the whole local stack."""
