"""Small tools that know nothing of bookings: circuit, micro-batches, log, NCRONTAB, telemetry."""
