"""The benchmarks themselves: that they measure what they say, and that the report says what they measured."""
