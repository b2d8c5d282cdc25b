"""One module per command; `booking_sync.cli` tells how to add one."""
