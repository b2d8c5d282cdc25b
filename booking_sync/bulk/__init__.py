"""Operations on many bookings at once, for the command line: backfill, resync, purge, adoption."""
