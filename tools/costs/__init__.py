"""Computes what a deployment costs a month, and writes docs/costs.md: `python -m tools.costs`.

prices     list prices, from prices.toml
measured   what a change and an audit take, from the stored results of the benchmarks
model      from technicians to meters to dollars
page       docs/costs.md, from its template
"""
