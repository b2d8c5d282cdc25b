"""Small tools that know nothing of bookings: circuit, micro-batches, log, telemetry, tokens."""
