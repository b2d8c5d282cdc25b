"""Tests of bookings as their events would show."""
