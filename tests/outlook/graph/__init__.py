"""Requests to Graph, whatever they ask: batches, connections, refusals."""
