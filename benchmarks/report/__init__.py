"""Makes docs/benchmarks.md, its charts and the README's table from the stored results, and from nothing else.

The same results give the same bytes, so that a test can see whether the documents are up to date.
"""
