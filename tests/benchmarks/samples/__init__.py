"""Made-up benchmarks, for the tests of what runs benchmarks."""
