"""`python -m booking_sync`: the command line, installed also as `booking-sync`."""

from booking_sync.cli.main import main

if __name__ == "__main__":
    main()
