"""Small tools that know nothing of bookings: HTTP, circuit, micro-batches, log, NCRONTAB, telemetry."""
