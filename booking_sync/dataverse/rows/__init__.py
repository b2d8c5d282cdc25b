"""From a row's JSON to the domain's values.

booking_rows    a booking's row → `BookingRow`, and our record → its columns
row_reader      its columns by their types; what can't be is named to an administrator
row_columns     single columns of other rows, by their types
"""
