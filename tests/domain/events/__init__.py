"""Rules about the event of a booking: texts, zones, calendars, ownership."""
