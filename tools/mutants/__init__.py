"""Which mistakes the tests would not notice: `make mutants`."""
