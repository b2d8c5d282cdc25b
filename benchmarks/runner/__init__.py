"""Runs benchmarks, each in a fresh process, and stores what came out beside where, when and how."""
