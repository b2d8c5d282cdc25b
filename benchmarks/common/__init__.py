"""What several benchmarks have in common: the field service they measure, the bound, figures and profiles."""
